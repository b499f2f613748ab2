"""The service account with the rights of the table and nothing else: every write works, and none works without its rights."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import tomlkit
from click.testing import CliRunner, Result

from mpf_core.cli import cli
from mpf_core.errors import Code
from mpf_core.model import Access as Visibility
from mpf_core.provider import ProcedureType
from mpf_core.security.principal import Credentials
from mpf_core.transaction.states import StepState
from mpf_directory.acl_change import descriptor_of, write
from mpf_directory.check import Finding, Ground, Status, ask
from mpf_directory.commands import QUESTIONS
from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Modification, ModifyOp, Section
from mpf_directory.rights import READ, Need, Place, Right
from mpf_directory.rights_entries import Entries
from mpf_directory.rights_table import NEEDS, also, needed
from mpf_directory.security_descriptor import Ace, Acl
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from mpf_ocs.users import ATTRIBUTES
from tests.differential.requests import Ask
from tests.differential.sides import PASSWORD, samba_side
from tests.differential.state import State, restore
from tests.differential.suite import FAIL
from tests.kills.choice import chosen
from tests.namespaces.support import JOHN, ldap
from tests.samba.controller import SERVICE_ACCOUNT, Samba, SambaCredentials, engine_config, remove_tree
from tests.samba.least import ACCOUNT, SECRET, Least, hardened, least_engine, make_account, make_parking
from tests.samba.writes import AD, ALL, ELSEWHERE, PREPARATIONS, Write

pytestmark = [pytest.mark.samba, pytest.mark.slow]

EVERY = tuple(right for need in NEEDS for right in need.rights)
#: All as their callers, and some each day as callers without a password; all of them with MPF_ALL_KILLS=1.
TRIED = [*(("bind", write) for write in ALL), *(("policy", write) for write in chosen(ALL, 12, "policy"))]
OWN_PASSWORD = "ChangeUserPassword"
Run = Callable[..., Result]


@dataclass(frozen=True, slots=True)
class Laid:
    """The tree, the account's entries, and an engine of an administrator that lays the ground."""

    samba: Samba
    directory: Directory
    start: State
    sid: str
    entries: Entries
    admin: Least

    def take(self) -> None:
        """All entries that the account has. Samba's own tool puts some of them into one, which `Entries.take` leaves."""
        for dn, _ in self.entries.by_place(EVERY):
            descriptor = descriptor_of(self.directory, dn, Section.DACL)
            assert descriptor is not None
            assert descriptor.dacl is not None
            kept = tuple(ace for ace in descriptor.dacl.aces if not (isinstance(ace, Ace) and ace.sid == self.sid))
            write(self.directory, dn, replace(descriptor, dacl=Acl(kept)), Section.DACL)

    def give(self, impersonation: str) -> None:
        """What the table has for one way of impersonation, and no more."""
        self.take()
        self.entries.give(right for need in needed(policy=impersonation == "policy") for right in need.rights)


class Trial:
    """Sends the writes of a row again and again, each on ground that is laid anew where it was left in another state."""

    def __init__(self, laid: Laid, impersonation: str) -> None:
        self._laid, self._impersonation = laid, impersonation
        self._open = ExitStack()
        self._least: Least | None = None

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def fails(self, need: Need) -> bool:
        """Whether any write of the row does."""
        writes = (write for name in need.procedures for write in ALL if write.ask.procedure == name)
        return any(self._on_its_ground(write).complaint(write.ask) for write in writes)

    def _on_its_ground(self, write: Write) -> Least:
        if self._least is None or self._least.prepared is not write:
            # What an engine could not take back is locked in it.
            self._open.close()
            laid = self._laid
            self._least = self._open.enter_context(least_engine(laid.samba, laid.directory, laid.start, self._impersonation))
            self._least.prepare(laid.admin, write)
        return self._least


@pytest.fixture(scope="module")
def laid(samba: Samba, directory: Directory) -> Iterator[Laid]:
    with samba_side(samba, directory) as side:
        start = side.start
    sid = make_account(directory)
    make_parking(directory)
    with least_engine(samba, directory, start, "bind", SambaCredentials(samba)) as admin:
        laid = Laid(samba, directory, start, sid, Entries(directory, sid), admin)
        yield laid
    laid.take()
    restore(directory, start)


@pytest.fixture(scope="module")
def engines(laid: Laid) -> Iterator[Mapping[str, Least]]:
    """The engines that the account serves, by the way of impersonation."""
    with ExitStack() as opened:
        ways = ("bind", "policy")
        yield {way: opened.enter_context(least_engine(laid.samba, laid.directory, laid.start, way)) for way in ways}


@pytest.fixture
def least(laid: Laid, engines: Mapping[str, Least], request: pytest.FixtureRequest) -> Least:
    """One of them, and the account has its rights again, whatever other tests took from it."""
    laid.give(request.param)
    return engines[request.param]


@pytest.mark.parametrize(("least", "write"), TRIED, ids=str, indirect=["least"])
def test_every_write_is_done_and_taken_back(laid: Laid, least: Least, write: Write) -> None:
    before = least.prepare(laid.admin, write)
    assert least.complaint(write.ask, before) == ""


@pytest.fixture
def lenient(directory: Directory) -> Iterator[None]:
    """A domain where a password may be changed back at once."""
    before = directory.read(directory.base, ["minPwdAge", "pwdHistoryLength"])
    assert before is not None
    changes = [Modification(name, ModifyOp.REPLACE, ("0",)) for name in ("minPwdAge", "pwdHistoryLength")]
    directory.modify(directory.base, changes)
    yield
    directory.modify(
        directory.base, [Modification(one.attribute, ModifyOp.REPLACE, before.values(one.attribute)) for one in changes]
    )


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("least", ["bind", "policy"], indirect=True)
def test_users_change_their_own_passwords(laid: Laid, least: Least) -> None:
    john = laid.directory.read(Dn.parse(JOHN), ["cn"])
    assert john is not None
    new = "Another-w0rd of a test"
    there = Ask(OWN_PASSWORD, {"user": ldap(str(john.dn)), "oldPassword": PASSWORD, "newPassword": new}, "user", AD)
    # Users may not ask who owns a domain, so this fails behind the change.
    taken_back = least.send(there, FAIL.by("user"))
    assert [outcome.state for outcome in taken_back.rollback] == [StepState.UNDONE]
    assert least.send(there).error is None
    assert least.send(there.but(oldPassword=new, newPassword=PASSWORD).by("customer")).error is None


def test_these_are_all_writes(laid: Laid) -> None:
    known = {write.ask.procedure for write in ALL} | PREPARATIONS | ELSEWHERE | {OWN_PASSWORD}
    procedures = (one for space in laid.admin.engine.namespaces.values() for one in space.procedures.values())
    writes = {one.name for one in procedures if one.access is Visibility.PUBLIC and one.type is not ProcedureType.READ}
    assert writes - known == set()
    assert {name for need in NEEDS for name in need.procedures} <= known | {"GetCallerUIRoles"}


def test_the_group_of_server_administrators_is_prepared_by_an_administrator(laid: Laid) -> None:
    laid.give("bind")
    restore(laid.directory, laid.start)
    with least_engine(laid.samba, laid.directory, laid.start, "bind") as least:
        assert least.send(Ask("Initialize", {}, "domain")).error is None
    with least_engine(laid.samba, laid.directory, laid.start, "policy") as least:
        restore(laid.directory, laid.start)
        refused = least.send(Ask("Initialize", {}, "domain"))
        assert refused.error is not None
        assert refused.error.code == Code.E_ACCESSDENIED


@pytest.mark.parametrize("need", NEEDS[1:], ids=lambda need: need.why)
def test_no_right_is_superfluous(laid: Laid, need: Need) -> None:
    impersonation = "policy" if need.policy_only else "bind"
    laid.give(impersonation)
    superfluous = []
    with Trial(laid, impersonation) as trial:
        # A few of each row, others each day; all of them with MPF_ALL_KILLS=1.
        for right in chosen(need.rights, 1, need.why):
            laid.entries.take([right])
            if not trial.fails(need):
                superfluous.append(str(right))
            laid.entries.give([right])
    assert superfluous == []


def write_by(procedure: str) -> Write:
    """The first one by that procedure."""
    return next(write for write in ALL if write.ask.procedure == procedure)


@pytest.mark.parametrize("right", NEEDS[0].rights, ids=str)
def test_reading_is_needed_where_not_everybody_may_read(laid: Laid, right: Right) -> None:
    assert right.access == READ
    laid.give("policy")
    restore(laid.directory, laid.start)
    with hardened(laid.directory):
        delete = write_by("DeleteUser")
        with least_engine(laid.samba, laid.directory, laid.start, "policy") as least:
            before = least.prepare(laid.admin, delete)
            assert least.complaint(delete.ask, before) == ""
        laid.entries.take([right])
        with Trial(laid, "policy") as trial:
            assert trial.fails(NEEDS[0])
        restore(laid.directory, laid.start)


def test_every_attribute_of_a_sip_user_may_be_written() -> None:
    written = {right.about for right in EVERY if right.of == "user"}
    # No user has this one: contacts of other forests have.
    assert set(ATTRIBUTES) - written == {"msRTCSIP-SourceObjectType"}


def findings(samba: Samba, impersonation: str) -> list[Finding]:
    """What the account that serves the engine says of its rights."""
    settings = DirectorySettings.model_validate(engine_config(samba) | {"impersonation": impersonation})
    questions = [question for question in QUESTIONS if question.subject == "rights"]
    service = DirectoriesService(settings, samba.folder, lambda _: Credentials(ACCOUNT, SECRET, "FABRIKAM"))
    try:
        return list(ask(Ground(service, settings), questions))
    finally:
        service.close()


def test_check_finds_all_rights_and_each_row_that_is_missing(laid: Laid) -> None:
    one_of_each = (write_by("DeleteContact"), write_by("SetSharedPoolProperties"))
    laid.admin.prepare(laid.admin, Write(FAIL, tuple(ask for write in one_of_each for ask in write.setup)))
    laid.give("policy")
    assert {one.status for one in findings(laid.samba, "policy")} == {Status.OK}
    laid.give("bind")
    assert {one.status for one in findings(laid.samba, "bind")} == {Status.OK}
    lacking = [one.detail for one in findings(laid.samba, "policy") if one.status is Status.MISSING]
    assert [text.partition(": ")[0] for text in lacking] == [
        f"the service account cannot {need.why}" for need in NEEDS if need.policy_only
    ]
    # Those who read all that Authenticated Users do miss nothing of the first row.
    for need in chosen(NEEDS[1:], 6, "check"):
        laid.give("policy")
        laid.entries.take(need.rights)
        missing = [one for one in findings(laid.samba, "policy") if one.status is Status.MISSING]
        assert [one.detail.partition(": ")[0] for one in missing] == [f"the service account cannot {need.why}"], need.why
        assert "mpfctl directory rights" in missing[0].advice


@pytest.fixture
def run(laid: Laid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``mpfctl directory rights`` for the account, which has none yet."""
    laid.take()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MPF_CONFIG", raising=False)
    monkeypatch.setenv("MPF_CREDENTIAL_DIRECTORY", f"FABRIKAM\\{ACCOUNT}:{SECRET}")
    assert SERVICE_ACCOUNT == "directory"
    runner = CliRunner()
    assert runner.invoke(cli, ["init"], prog_name="mpfctl").exit_code == 0
    config = tomlkit.parse((tmp_path / "mpf.toml").read_text())
    config["directory"] = engine_config(laid.samba)
    (tmp_path / "mpf.toml").write_text(tomlkit.dumps(config))

    def _run(*arguments: str, stdin: str | None = None) -> Result:
        return runner.invoke(cli, ["directory", "rights", *arguments], prog_name="mpfctl", input=stdin)

    return _run


def test_the_commands_for_samba_give_them_all(laid: Laid, run: Run, tmp_path: Path) -> None:
    script = tmp_path / "rights.sh"
    printed = run("--for", "samba", "--impersonation", "policy")
    assert printed.exit_code == 0, printed.output
    script.write_text(printed.stdout)
    assert Status.MISSING in {one.status for one in findings(laid.samba, "policy")}
    database = laid.samba.folder / "dc" / "private" / "sam.ldb"
    done = subprocess.run(["sh", script, "-H", str(database)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {one.status for one in findings(laid.samba, "policy")} == {Status.OK}
    assert set(laid.entries.give(EVERY).values()) == {0}


def test_they_are_given_at_once_and_only_once(laid: Laid, run: Run) -> None:
    remove_tree(laid.directory, Place.PARKED.find(laid.directory))
    password = laid.samba.administrator.password
    done = run("--apply", "--admin", "FABRIKAM\\Administrator", stdin=password)
    assert done.exit_code == 0, done.output
    assert "Created 'OU=MPF-Parked," in done.stdout
    assert {one.status for one in findings(laid.samba, "bind")} == {Status.OK}
    again = run("--apply", "--admin", "FABRIKAM\\Administrator", stdin=password)
    assert again.stdout.count("has all entries already") == len(Place)
    more = run("--apply", "--admin", "Administrator@fabrikam.com", "--also", "user:employeeID", stdin=password)
    assert "1 entries for FABRIKAM\\" in more.stdout
    assert laid.entries.take([also("user:employeeID")])[Place.HOSTING.find(laid.directory)] == 1
    own = run("--apply", "--admin", f"FABRIKAM\\{ACCOUNT}", "--also", "user:employeeID", stdin=SECRET)
    assert own.exit_code == 1, own.output
    assert "insufficientAccessRights" in own.output


def test_the_commands_for_windows(laid: Laid, run: Run) -> None:
    lines = run().stdout.splitlines()
    user = f"FABRIKAM\\{ACCOUNT}"
    rename = f"'{user}:WP;cn;contact' '{user}:WP;name;contact'"
    assert f"dsacls 'OU=MPF-Parked,DC=Fabrikam,DC=Com' /I:S /G {rename}" in lines
    assert f"dsacls 'OU=MPF-Parked,DC=Fabrikam,DC=Com' /I:T /G '{user}:LCRPLORC'" in lines
    assert f"dsacls 'OU=Hosting,DC=Fabrikam,DC=Com' /I:S /G '{user}:WD;;organizationalUnit'" in [
        line.replace(f"'{user}:DC;container' ", "") for line in lines
    ]
    assert not any("Reset Password" in line for line in lines)
    assert any(f"'{user}:CA;Reset Password;user'" in line for line in run("--impersonation", "policy").stdout.splitlines())
    assert sum(line.startswith("dsadd ou") for line in lines) == 0
    shown = json.loads(run("--json", "--account", "FABRIKAM\\Administrator").stdout)
    assert [one["account"] for one in shown["accounts"]] == ["FABRIKAM\\Administrator"]
    assert [need["why"] for need in shown["accounts"][0]["needs"]] == [need.why for need in needed(policy=False)]


@pytest.mark.parametrize(
    "arguments", [("--apply",), ("--admin", "x"), ("--apply", "--admin", "x", "--json"), ("--also", "employeeID")]
)
def test_what_does_not_go_together(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
