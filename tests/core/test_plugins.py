"""Plugins: found by entry points, loaded one by one, and what happens to broken ones."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mpf_core import CallContext, Caller, Change, Code, Config, ConfigError, Engine, Provider, hookimpl, write
from mpf_core.plugins import GROUP, SECURITY_GROUP, installed
from mpf_core.testing import AllowAll
from tests.support import STORE_NAMESPACE, StorePlugin, StoreProvider, for_anybody, offer

MODULE = """
from mpf_core import hookimpl
loaded = []
class Good:
    def __init__(self):
        loaded.append(self)
class RaisesInConfigure:
    @hookimpl
    def mpf_configure(self, settings, services):
        raise ValueError("no settings")
class WrongSignature:
    @hookimpl
    def mpf_event(self, nonsense):
        pass
class NotAProvider:
    @hookimpl
    def mpf_providers(self):
        return {"x": object()}
class Broken:
    def __init__(self):
        raise RuntimeError("broken by design")
"""


@pytest.fixture
def fake_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake_mpf_plugins.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fake_mpf_plugins", raising=False)
    names = ("Good", "RaisesInConfigure", "WrongSignature", "NotAProvider", "Broken", "Absent")
    points = {
        GROUP: [metadata.EntryPoint(name, f"fake_mpf_plugins:{name}", GROUP) for name in names],
        SECURITY_GROUP: [
            metadata.EntryPoint("BrokenPolicy", "fake_mpf_plugins:Broken", SECURITY_GROUP),
            metadata.EntryPoint("MissingModule", "no_such_module_anywhere:X", SECURITY_GROUP),
        ],
    }
    offer(monkeypatch, lambda group: points[group])


def engine(*enabled: str, strict: bool = False) -> Engine:
    return Engine(
        Config.model_validate({"plugins": {"enabled": list(enabled)}, "engine": {"strict": strict}}), plugins=[AllowAll()]
    )


@pytest.mark.usefixtures("fake_plugins")
def test_only_enabled_plugins_are_imported() -> None:
    infos = {info.name: info for info in engine().plugins}
    assert infos["Good"].state == "disabled"
    assert "fake_mpf_plugins" not in sys.modules
    assert {info.name for info in installed()} >= {"Good", "BrokenPolicy"}
    assert {info.name: info.state for info in engine("Good").plugins}["Good"] == "ok"


@pytest.mark.usefixtures("fake_plugins")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Broken", "broken by design"),
        ("RaisesInConfigure", "no settings"),
        ("WrongSignature", "nonsense"),
        ("NotAProvider", "not a Provider"),
        ("Absent", "Absent"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_reason_and_the_rest_works(name: str, reason: str) -> None:
    working = engine(name, "Good")
    infos = {info.name: info for info in working.plugins}
    assert (infos[name].state, infos["Good"].state) == ("broken", "ok")
    assert reason in infos[name].reason
    result = working.execute("<request/>", Caller("x"), namespace="N", procedure="P")
    assert result.error is not None
    assert result.error.code == Code.UNKNOWN_NAMESPACE
    with pytest.raises(ConfigError, match=name):
        engine(name, strict=True)


@pytest.mark.usefixtures("fake_plugins")
@pytest.mark.parametrize("name", ["BrokenPolicy", "MissingModule", "not-installed-at-all"])
def test_a_broken_or_missing_security_plugin_means_refuse_everything(name: str) -> None:
    result = engine(name).execute("<request/>", Caller("x"), namespace="N", procedure="P")
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED
    assert name in result.error.description


def test_security_hooks_outside_their_group_are_not_heard_and_refuse_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = metadata.EntryPoint("sneaky", "mpf_core.testing:AllowAll", GROUP)
    offer(monkeypatch, lambda group: [point] if group == GROUP else [])
    (tmp_path / "n.xml").write_text(
        for_anybody('<namespace name="N"><procedure name="P" access="public"><transform/></procedure></namespace>')
    )
    enabled = Config.model_validate({"plugins": {"enabled": ["sneaky"]}})
    for others in ([], [AllowAll()]):
        sneaky = Engine(enabled, plugins=others, namespaces=[tmp_path])
        info = next(info for info in sneaky.plugins if info.name == "sneaky")
        assert info.state == "broken"
        assert "mpf.security" in info.reason
        result = sneaky.execute("<request/>", Caller("x"), namespace="N", procedure="P")
        assert result.error is not None
        assert result.error.code == Code.E_ACCESSDENIED


class Claims:
    """Brings a namespace file."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        return [self.path]


def test_two_plugins_that_claim_one_namespace_are_both_named(tmp_path: Path) -> None:
    file = tmp_path / "n.xml"
    file.write_text('<namespace name="N"><procedure name="P"><transform/></procedure></namespace>')
    with pytest.raises(ConfigError, match=r"'N' is claimed twice: by plugin '(one|two)'.*by plugin '(one|two)'"):
        Engine(plugins=[Claims("one", file), Claims("two", file)])


def test_two_plugins_that_offer_one_provider_are_both_named() -> None:
    one, two = StorePlugin(StoreProvider()), StorePlugin(StoreProvider())
    two.name = "other"
    with pytest.raises(ConfigError, match=r"both offer the provider 'test\.store'"):
        Engine(plugins=[one, two])


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (('<procedure name="Get" type="read"/>', ""), "'Get' is missing in the namespace file"),
        (
            ('name="Echo" type="read"', 'name="Echo" type="write"'),
            "'Echo' is write in the namespace file and read in StoreProvider",
        ),
        (('name="Fail"', 'name="Fall"'), "'Fall' is read in the namespace file and missing in StoreProvider"),
    ],
)
def test_a_namespace_and_its_provider_must_match(tmp_path: Path, change: tuple[str, str], hint: str) -> None:
    file = tmp_path / "store.xml"
    file.write_text(STORE_NAMESPACE.replace(*change))
    with pytest.raises(ConfigError) as caught:
        Engine(plugins=[StorePlugin(StoreProvider())], namespaces=[file])
    assert hint in str(caught.value)


def test_a_provider_must_be_able_to_undo_what_it_writes(tmp_path: Path) -> None:
    class Careless(Provider):
        @write("Put")
        def put(self, ctx: CallContext, data: object) -> Change:
            return Change({})

        def apply(self, ctx: CallContext, change: Change) -> None:
            pass

    class Plugin:
        @hookimpl
        def mpf_providers(self) -> dict[str, Provider]:
            return {"test.store": Careless()}

    file = tmp_path / "store.xml"
    file.write_text('<namespace name="S" providerSource="test.store"><procedure name="Put" type="write"/></namespace>')
    with pytest.raises(ConfigError, match=r"do not match") as caught:
        Engine(plugins=[Plugin()], namespaces=[file])
    assert "Careless has write procedures and no undo()" in str(caught.value)


def test_a_namespace_without_its_provider_says_so_when_called(tmp_path: Path) -> None:
    file = tmp_path / "store.xml"
    file.write_text(for_anybody(STORE_NAMESPACE.replace('name="Echo"', 'name="Echo" access="public"')))
    alone = Engine(plugins=[AllowAll()], namespaces=[file])
    result = alone.execute("<request/>", Caller("x"), namespace="Store", procedure="Echo")
    assert result.error is not None
    assert result.error.code == Code.PROVIDER_UNAVAILABLE


def test_reload_keeps_the_old_state_when_the_new_one_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "n.xml"
    file.write_text(
        for_anybody('<namespace name="N"><procedure name="P" access="public"><transform/></procedure></namespace>')
    )
    engine = Engine(plugins=[AllowAll()], namespaces=[file])
    file.write_text(for_anybody('<namespace name="N"><procedure name="P" access="public"><transform/></procedure>'))
    with pytest.raises(ConfigError):
        engine.reload()
    assert engine.execute("<request/>", Caller("x"), namespace="N", procedure="P").error is None
    file.write_text(
        for_anybody('<namespace name="N"><procedure name="Q" access="public"><transform/></procedure></namespace>')
    )
    engine.reload()
    assert set(engine.namespaces["N"].procedures) == {"Q"}


def test_what_is_installed_and_removed_meanwhile_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)

    def names() -> set[str]:
        return {info.name for info in engine().plugins}

    assert "late" not in names()
    info = tmp_path / "late-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nlate = late:Plugin\n")
    assert "late" in names()
    shutil.rmtree(info)
    assert "late" not in names()
