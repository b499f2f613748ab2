"""Record and replay: the same responses without the system behind the provider, and no secret in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from mpf_core import CallContext, Change, Config, Engine
from mpf_core.provider import Element, Output
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_core.testing import AllowAll, MockProvider, Recorder, replay
from mpf_directory import DirectoryPlugin
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin
from mpf_ocs import OcsPlugin
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, ldap, make_site
from tests.support import CALLER

SECRET = "pw-CANARY-55"
NAMESPACE = """<namespace name="Accounts" providerSource="test.accounts">
  <procedure name="Create" type="write"/>
  <procedure name="Get" type="read"/>
</namespace>"""
CALLS = (
    ("Create", f'<name>ada</name><password do-not-log="1">{SECRET}</password>'),
    ("Get", "<name>ada</name>"),
    ("Get", "<name>ada</name>"),
    ("Get", "<name>nobody</name>"),
)


def engine(*plugins: object) -> Engine:
    permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
    config = Config.model_validate({"security": {"permissions": permissions}})
    return Engine(config, plugins=[*plugins, AllowAll()])


def responses(subject: Engine, calls: tuple[tuple[str, str], ...] = CALLS) -> list[bytes]:
    found = []
    for procedure, data in calls:
        step = (
            f'<execute namespace="Accounts" procedure="{procedure}" impersonate="1"><executeData>{data}</executeData>'
            '<after source="executeData" sourcePath="path" destination="data" ifNull="ignore"/>'
            '<after source="executeData" sourcePath="read" destination="data" ifNull="ignore"/>'
            '<after source="executeData" sourcePath="leak" destination="data" ifNull="ignore"/></execute>'
        )
        result = subject.execute(f"<request><procedure>{step}</procedure></request>", CALLER)
        found.append(result.document.replace(result.transaction_id.encode(), b"ID"))
    return found


class Real(MockProvider):
    """What stands for the real system: an answer that differs from call to call, an error, a leaking answer."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.on("Create").returns({"path": "LDAP://CN=ada"})
        self.on("Get", name="ada").returns(lambda _call: {"read": str(len(self.calls)), "leak": f"was {SECRET}"})
        self.on("Get", name="nobody").raises(0x80072030, f"nobody, and {SECRET}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.xml"
    path.write_text(NAMESPACE)
    return path


@pytest.fixture
def recording(file: Path, tmp_path: Path) -> Path:
    recorder = Recorder()
    responses(engine(recorder.wrap(Real(file))))
    recorder.save(tmp_path / "recording.json")
    return tmp_path / "recording.json"


def test_a_replay_gives_the_same_responses(file: Path, recording: Path) -> None:
    real = responses(engine(Real(file)))
    mocks = replay(MockProvider(file), recording)
    replayed = responses(engine(*mocks.values()))
    assert replayed == [document.replace(SECRET.encode(), b"***") for document in real]
    assert len(set(replayed[1:3])) == 2  # in order, although the calls are the same
    mocks["Accounts"].verify()


def test_no_secret_is_in_the_file(recording: Path) -> None:
    text = recording.read_text()
    assert SECRET not in text
    assert "was ***" in text


def test_a_call_that_was_not_recorded_is_refused(file: Path, recording: Path) -> None:
    mocks = replay(MockProvider(file), recording)
    responses(engine(*mocks.values()), (("Get", "<name>eve</name>"),))
    with pytest.raises(AssertionError, match="eve"):
        mocks["Accounts"].verify()


def test_a_plan_leaves_nothing_in_a_recording(file: Path) -> None:
    recorder = Recorder()
    steps = "".join(
        f'<execute namespace="Accounts" procedure="{procedure}" impersonate="1"><executeData>{data}</executeData></execute>'
        for procedure, data in CALLS[:2]
    )
    plan = engine(recorder.wrap(Real(file))).plan(f"<request><procedure>{steps}</procedure></request>", CALLER)
    assert plan.error is None
    assert len(plan.calls) == 2
    assert recorder.exchanges == []


def test_a_change_that_is_not_done_yet_is_not_taken_for_another(file: Path) -> None:
    """Python gives the identity of an object that is gone to the next one."""
    wrapped: Any = Recorder().wrap(MockProvider(file))
    [provider] = wrapped.mpf_providers().values()
    identity, context = Identity(IdentityKind.CALLER, "x"), etree.Element("context")
    ctx = CallContext("{1}", "Accounts", "Create", "", 1, identity, Principal("x"), context, {})
    assert len({id(provider.respond(ctx, etree.Element("executeData"))) for _ in range(500)}) == 500


def test_what_is_public_of_a_wrapped_plugin_stays() -> None:
    wrapped: Any = Recorder().wrap(DirectoryPlugin())
    assert wrapped.settings_model is DirectoryPlugin.settings_model
    assert wrapped.name == DirectoryPlugin.name


def test_a_recorded_call_is_answered_once(file: Path, recording: Path) -> None:
    mocks = replay(MockProvider(file), recording)
    responses(engine(*mocks.values()), (CALLS[1], CALLS[1], CALLS[1]))
    with pytest.raises(AssertionError, match="Unexpected call"):
        mocks["Accounts"].verify()


@pytest.mark.parametrize("secret", ["name", "1", "Create", "Accounts", "path"])
def test_a_secret_that_is_also_a_name_masks_no_name(file: Path, tmp_path: Path, secret: str) -> None:
    calls = (("Create", f'<name>{secret}</name><password do-not-log="1">{secret}</password>'), ("Get", "<name>ada</name>"))
    recorder = Recorder()
    real = MockProvider(file)
    real.on("Create").returns({"path": {"@kind": f"of {secret}"}})
    real.on("Get").returns({"read": "x"})
    responses(engine(recorder.wrap(real)), calls)
    recorder.save(tmp_path / "recording.json")
    exchanges = json.loads((tmp_path / "recording.json").read_text())["exchanges"]
    assert [(one["namespace"], one["procedure"]) for one in exchanges] == [("Accounts", "Create"), ("Accounts", "Get")]
    assert exchanges[0]["data"] == '<executeData><name>***</name><password do-not-log="1">***</password></executeData>'
    assert exchanges[0]["output"] == '<path kind="of ***"/>'
    mocks = replay(MockProvider(file), tmp_path / "recording.json")
    assert b"errorContext" not in b"".join(responses(engine(*mocks.values()), calls))
    mocks["Accounts"].verify()


def test_a_value_that_is_secret_elsewhere_is_recognized_unmarked(file: Path, tmp_path: Path) -> None:
    calls = (CALLS[0], ("Get", f"<name>{SECRET}</name>"))
    recorder = Recorder()
    responses(engine(recorder.wrap(MockProvider(file))), calls)
    recorder.save(tmp_path / "recording.json")
    mocks = replay(MockProvider(file), tmp_path / "recording.json")
    responses(engine(*mocks.values()), calls[1:])
    with pytest.raises(AssertionError, match=r"Create\(name='ada', password='\*\*\*'\) was called 0 of 1 times"):
        mocks["Accounts"].verify()


def test_a_mistake_of_the_provider_is_recorded_as_an_error(file: Path, tmp_path: Path) -> None:
    class Broken(MockProvider):
        def _respond(self, ctx: CallContext, data: Element) -> Output | Change:
            raise RuntimeError(SECRET)

    recorder = Recorder()
    responses(engine(recorder.wrap(Broken(file))), CALLS[1:2])
    recorder.save(tmp_path / "recording.json")
    mocks = replay(MockProvider(file), tmp_path / "recording.json")
    [document] = responses(engine(*mocks.values()), CALLS[1:2])
    assert b"0x8000ffff" in document
    assert b"RuntimeError" in document
    assert SECRET.encode() not in document


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1, "exchanges": [{}]}', '{"version": 99, "exchanges": []}'])
def test_what_is_no_recording_is_refused(file: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match="recording"):
        replay(MockProvider(file), tmp_path / "other.json")


def test_a_request_of_the_managed_namespace_without_a_directory(tmp_path: Path) -> None:
    """Recorded against the embedded directory, replayed against none: neither directory nor OCS provider is loaded."""
    request = (
        f"<request><data><organization>{ldap(ALPINE)}</organization>"
        "<preferredDomainController>AD01.Fabrikam.com</preferredDomainController></data></request>"
    )
    ocs = "Managed Office Communications Server"
    recorder = Recorder()
    with make_site(wrap=recorder.wrap) as site:
        real = site.engine.execute(request, ALPINE_ADMIN, namespace=ocs, procedure="GetSipDomainsByOrganization")
    assert real.error is None, real.error
    recorder.save(tmp_path / "recording.json")
    assert len(json.loads((tmp_path / "recording.json").read_text())["exchanges"]) > 3
    mocks = {
        **replay(DirectoryPlugin(), tmp_path / "recording.json"),
        **replay(OcsPlugin(), tmp_path / "recording.json"),
    }
    subject = engine(*mocks.values(), ManagedPlugin(), ErrorPlugin())
    replayed = subject.execute(request, CALLER, namespace=ocs, procedure="GetSipDomainsByOrganization")
    assert replayed.error is None, replayed.error
    assert replayed.document == real.document
