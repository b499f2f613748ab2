"""The main path once against a real Active Directory: the same requests as in the demo, with the same ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lxml import etree

from mpf_core import Caller, Config, Credentials, Engine
from mpf_core.cli.demo import ACTS, DC, OCS, USER, Act
from mpf_directory import DirectoryPlugin
from mpf_directory.filters import Filter
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.seed import share_pools
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.differential.state import State, restore, state
from tests.samba.controller import Samba, SambaCredentials, engine_config

pytestmark = pytest.mark.samba


def named(name: str, plugin: object) -> object:
    plugin.name = name  # type: ignore[attr-defined]
    return plugin


def engine_on(samba: Samba, impersonation: str) -> Engine:
    directory = engine_config(samba) | {"impersonation": impersonation}
    directory["servers"] = directory["servers"] | {DC: samba.endpoint}
    config = Config.model_validate(
        {
            "directory": directory,
            "plugins": {"mpf.policy": {"elevations": list(elevations())}},
            "security": {"permissions": {"trusted_requests": ["Administrator@fabrikam.com"]}},
        }
    )
    plugins = [
        named("mpf.directory", DirectoryPlugin()),
        named("mpf.error", ErrorPlugin()),
        named("mpf.ocs", OcsPlugin()),
        named("mpf.managed", ManagedPlugin()),
        named("mpf.policy", PolicyPlugin()),
        SambaCredentials(samba),
    ]
    return Engine(config, plugins=plugins)


@pytest.fixture(scope="module")
def start(seeded: Directory) -> State:
    share_pools(seeded)
    return state(seeded)


@pytest.fixture(autouse=True)
def _as_at_the_start(seeded: Directory, start: State) -> None:
    restore(seeded, start)


@pytest.fixture(scope="module")
def engine(samba: Samba, start: State) -> Iterator[Engine]:
    with engine_on(samba, "policy") as made:
        assert [info.name for info in made.plugins if info.state == "broken"] == []
        yield made


def snapshot(directory: Directory) -> dict[str, dict[str, frozenset[str | bytes]]]:
    """Every object below the domain that these requests could touch, without what each write stamps."""

    def content(entry: Entry) -> dict[str, frozenset[str | bytes]]:
        return {
            name.lower(): frozenset(values)
            for name, values in entry.attributes.items()
            if name.lower()
            not in {"whenchanged", "usnchanged", "dscorepropagationdata", "lastlogon", "logoncount", "lastlogontimestamp"}
        }

    everything = directory.search(directory.base, Scope.SUBTREE, Filter.present("objectClass"))
    return {entry.dn.normalised: content(entry) for entry in everything if "MPF-Parked" not in str(entry.dn)}


def normal(document: bytes) -> str:
    """A response without what is generated: ids, and the spelling of the domain in DNs."""
    root = etree.fromstring(document)
    for element in root.iter("instanceID"):
        element.text = "{GUID}"
    return etree.tostring(root).decode().lower()


def test_the_requests_of_the_demo_end_in_the_same_way(engine: Engine, seeded: Directory) -> None:
    for act in ACTS:
        before = snapshot(seeded) if act.error is not None else None
        result = engine.execute(act.request, Caller(act.caller))
        code = result.error.code if result.error is not None else None
        assert code == act.error, (act.title, result.document.decode())
        if before is not None:
            assert {outcome.state.value for outcome in result.rollback} <= {"undone"}
            assert snapshot(seeded) == before, act.title
    john = seeded.read(LdapPath.parse(USER).dn)
    assert john is not None
    assert john.text("msRTCSIP-PrimaryUserAddress") == "sip:johnc@alpineskihouse.com"
    assert john.text("msRTCSIP-UserEnabled") == "TRUE"
    assert "sip:johnc@alpineskihouse.com" in john.values("proxyAddresses")
    home = john.text("msRTCSIP-PrimaryHomeServer")
    assert home is not None
    assert home.lower().startswith("cn=lc services,cn=microsoft,cn=pool01,cn=pools,")


def test_what_was_made_can_be_taken_away(engine: Engine, seeded: Directory) -> None:
    for act in ACTS:
        assert (engine.execute(act.request, Caller(act.caller)).error is None) is (act.error is None), act.title
    organization = ACTS[0].calls[0][1]["organization"]
    for procedure, arguments in (
        ("DeleteSipUser", {"user": USER}),
        ("DeletePoolAssignment", {"organization": organization}),
        ("DeleteSipDomain", {"organization": organization, "address": "alpineskihouse.com"}),
    ):
        act = Act(procedure, "admin@alpineskihouse.com", ((procedure, arguments),))
        result = engine.execute(act.request, Caller(act.caller))
        assert result.error is None, result.document.decode()
    john = seeded.read(LdapPath.parse(USER).dn)
    assert john is not None
    assert [name for name in john.attributes if name.lower().startswith("msrtcsip-")] == []
    domain = seeded.search(seeded.base, Scope.SUBTREE, Filter.eq("cn", "alpineskihouse.com"))
    assert [str(entry.dn) for entry in domain] == []


def test_a_caller_without_credentials_is_not_impersonated_by_bind(samba: Samba, seeded: Directory) -> None:
    with engine_on(samba, "bind") as strict:
        result = strict.execute(ACTS[2].request, Caller(ACTS[2].caller))
        assert result.error is not None
        assert result.error.code == 0x80070005
        own = Credentials("Administrator", samba.administrator.password, "FABRIKAM")
        result = strict.execute(ACTS[2].request, Caller("Administrator@fabrikam.com", own))
        assert result.error is None, result.document.decode()


def test_what_a_real_directory_answers_is_what_the_embedded_one_answers(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from mpf_core.cli.init import create

    config = create(tmp_path_factory.mktemp("embedded"))
    with Engine.from_config(config) as embedded:
        for act in ACTS[:6]:
            here = embedded.execute(act.request, Caller(act.caller))
            there = engine.execute(act.request, Caller(act.caller))
            assert normal(there.document) == normal(here.document), act.title
    assert OCS in engine.namespaces
