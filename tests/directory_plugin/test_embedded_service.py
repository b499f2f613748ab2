"""The plugin on the embedded directory: opening it, callers, commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mpf_core.cli import cli
from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Caller, Credentials
from mpf_core.services import Services
from mpf_directory import DirectoryPlugin, layout
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Directories, Modification, ModifyOp
from mpf_directory.seed import seed_hosting_tree
from mpf_directory.sids import sid_to_text

PASSWORD = "Hosting-w0rd"
JOHN = "johnc@alpineskihouse.com"
JOHN_DN = layout.unit(layout.BASE, ("Hosting", "ConsolidatedMessenger", "AlpineSkiHouse")).child(
    "CN", "Johnc@AlpineSkiHouse.com"
)


def no_credentials(name: str) -> Credentials:
    raise ConfigError(f"there is no credential '{name}'")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("embedded") / "directory.db"
    with EmbeddedDirectory.create(path) as made:
        seed_hosting_tree(made, PASSWORD)
    return path


@pytest.fixture
def services(file: Path) -> Iterator[Services]:
    made = Services(file.parent, no_credentials)
    yield made
    made.close()


@pytest.fixture
def plugin(services: Services) -> DirectoryPlugin:
    made = DirectoryPlugin()
    made.mpf_configure({"path": "directory.db"}, services)
    return made


@pytest.fixture
def directories(services: Services, plugin: DirectoryPlugin) -> Directories:
    found: Directories = services.get(Directories)  # type: ignore[type-abstract]
    return found


def test_every_identity_opens_the_one_file(directories: Directories) -> None:
    caller = directories.open(Identity(IdentityKind.CALLER, JOHN), "ad01.fabrikam.COM")
    assert caller is directories.service()
    assert caller.server == "AD01.Fabrikam.com"
    assert caller.base == layout.BASE
    assert not caller.has_acls


def test_another_server_is_refused(directories: Directories) -> None:
    with pytest.raises(MpfError) as raised:
        directories.open(Identity(IdentityKind.SERVICE, ""), "AD02.Fabrikam.com")
    assert raised.value.code == Code.E_ACCESSDENIED


def test_a_missing_file_is_a_server_that_is_down(tmp_path: Path) -> None:
    services = Services(tmp_path, no_credentials)
    DirectoryPlugin().mpf_configure({}, services)
    with pytest.raises(MpfError) as raised:
        services.get(Directories).service()  # type: ignore[type-abstract]
    assert raised.value.code == Code.SERVER_DOWN
    assert "directory.db" in raised.value.description


def test_wrong_settings_are_refused_when_the_plugin_is_configured(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="backend"):
        DirectoryPlugin().mpf_configure({"backend": "x"}, Services(tmp_path, no_credentials))


def test_the_plugin_brings_its_provider_and_namespaces(plugin: DirectoryPlugin) -> None:
    parts = {"", ".callers", ".inheritance", ".locks", ".names"}
    assert set(plugin.mpf_providers()) == {f"mpf.directory{part}" for part in parts}
    (folder,) = plugin.mpf_namespaces()
    assert list(folder.glob("*.xml"))


@pytest.mark.parametrize("name", [JOHN, "FABRIKAM\\{sam}", "fabrikam.com\\{sam}", "{sam}@fabrikam.com", "{dn}", "{sid}"])
def test_a_caller_is_found_by_each_of_its_names(plugin: DirectoryPlugin, directories: Directories, name: str) -> None:
    entry = directories.service().read(JOHN_DN, ["objectSid", "sAMAccountName"])
    assert entry is not None
    sid = sid_to_text(entry.octets("objectSid") or b"")
    found = plugin.mpf_resolve_caller(Caller(name.format(sam=entry.text("sAMAccountName"), dn=entry.dn, sid=sid)))
    assert found is not None
    assert Dn.parse(found.dn) == JOHN_DN
    assert found.sid == sid
    gathering = layout.unit(layout.BASE, ("Hosting",)).child("CN", "_Private").child("CN", "AllUsersGroup")
    for group in (gathering, layout.BASE.child("CN", "Users").child("CN", "Domain Users")):
        found_group = directories.service().read(group, ["objectSid"])
        assert found_group is not None
        assert sid_to_text(found_group.octets("objectSid") or b"") in found.groups


@pytest.mark.parametrize(
    "name",
    ["nobody@x.com", "FABRIKAM\\nobody", "OTHER\\Administrator", "Administrator", "", "S-1-5-21-1-2-3", "CN=x", "CN==,", "*@*",
     "FABRIKAM\\", "CN=Domain Admins,CN=Users,DC=Fabrikam,DC=Com", "@", "\\", "\x00@x"],
)  # fmt: skip
def test_an_unknown_caller_is_nobody(plugin: DirectoryPlugin, name: str) -> None:
    assert plugin.mpf_resolve_caller(Caller(name)) is None


def test_nobody_becomes_another_account_by_its_principal_name(plugin: DirectoryPlugin, directories: Directories) -> None:
    directory = directories.service()
    users = layout.BASE.child("CN", "Users")
    victim = users.child("CN", "victim")
    directory.add(victim, {"objectClass": ["user"], "sAMAccountName": ["victim"], "userAccountControl": ["512"]})
    assert plugin.mpf_resolve_caller(Caller("victim@fabrikam.com")) is not None
    directory.modify(JOHN_DN, [Modification("userPrincipalName", ModifyOp.REPLACE, ("victim@fabrikam.com",))])
    try:
        with pytest.raises(MpfError) as raised:
            plugin.mpf_resolve_caller(Caller("Victim@Fabrikam.com"))
    finally:
        directory.modify(JOHN_DN, [Modification("userPrincipalName", ModifyOp.REPLACE, (JOHN,))])
        directory.delete(victim)
    assert raised.value.code == Code.E_ACCESSDENIED


def test_a_disabled_account_is_refused(plugin: DirectoryPlugin, directories: Directories) -> None:
    directory = directories.service()
    directory.modify(JOHN_DN, [Modification("userAccountControl", ModifyOp.REPLACE, ("514",))])
    try:
        with pytest.raises(MpfError) as raised:
            plugin.mpf_resolve_caller(Caller(JOHN))
    finally:
        directory.modify(JOHN_DN, [Modification("userAccountControl", ModifyOp.REPLACE, ("512",))])
    assert raised.value.code == Code.E_ACCESSDENIED


def test_credentials_are_checked_and_belong_to_the_caller(plugin: DirectoryPlugin) -> None:
    admin = "admin@alpineskihouse.com"
    assert plugin.mpf_authenticate(Caller(JOHN)) is None
    assert plugin.mpf_authenticate(Caller("nobody@x.com", Credentials("nobody@x.com", "x"))) is None
    assert plugin.mpf_authenticate(Caller(JOHN, Credentials(JOHN, PASSWORD))) is True
    assert plugin.mpf_authenticate(Caller(str(JOHN_DN), Credentials(JOHN, PASSWORD))) is True
    assert plugin.mpf_authenticate(Caller(admin, Credentials(JOHN, PASSWORD))) is False
    assert plugin.mpf_authenticate(Caller(JOHN, Credentials("nobody@x.com", PASSWORD))) is False
    for wrong in ("wrong", "Wrong", "WRONG"):
        assert plugin.mpf_authenticate(Caller(JOHN, Credentials(JOHN, wrong))) is False
    assert plugin.mpf_authenticate(Caller(JOHN, Credentials(JOHN, PASSWORD))) is False


@pytest.fixture
def run(file: Path) -> Callable[..., Result]:
    config = file.parent / "mpf.toml"
    config.write_text('[plugins]\nenabled = ["mpf.directory"]\n')

    def _run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(config), "directory", *arguments])

    return _run


def test_show_prints_one_object_and_what_is_below(run: Callable[..., Result]) -> None:
    shown = run("show", str(JOHN_DN.parent))
    assert shown.exit_code == 0, shown.output
    assert "otherWellKnownObjects: B:32:" in shown.output
    assert f"#   {JOHN_DN}" in shown.output
    assert run("show").output.startswith("dn: DC=Fabrikam,DC=Com\n")
    missing = run("show", "CN=nobody,DC=Fabrikam,DC=Com")
    assert missing.exit_code == 1
    assert "no such object" in missing.output
    assert run("show", "not a name").exit_code == 2


@pytest.mark.parametrize("nasty", ["\x1b[2J\x1b]0;title\x07", "\u202egnp.exe\u2066", "\x9b31m", "a\nFORGED: x", "\x7f\x08"])
def test_nothing_that_a_terminal_obeys_is_printed(run: Callable[..., Result], directories: Directories, nasty: str) -> None:
    directory = directories.service()
    unit = layout.BASE.child("OU", f"x{nasty}x")
    directory.add(unit, {"objectClass": ["organizationalUnit"], "description": [nasty, f"x{nasty}"]})
    try:
        for arguments in (("show", str(unit)), ("show",), ("export",), ("check",)):
            printed = run(*arguments).output
            assert not [one for one in printed if not one.isprintable() and one != "\n"], arguments
            assert not [line for line in printed.splitlines() if line.startswith("FORGED")]
    finally:
        directory.delete(unit)


def test_export_prints_containers_before_what_they_hold(run: Callable[..., Result]) -> None:
    exported = run("export", "OU=Hosting,DC=Fabrikam,DC=Com")
    assert exported.exit_code == 0
    names = [line[4:] for line in exported.output.replace("\n ", "").splitlines() if line.startswith("dn: ")]
    assert names[0] == "OU=Hosting,DC=Fabrikam,DC=Com"
    seen: set[Dn] = set()
    for name in map(Dn.parse, names[1:]):
        seen.add(name)
        assert name.parent in seen or name.parent == Dn.parse(names[0])
    assert run("export", "OU=none,DC=Fabrikam,DC=Com").exit_code == 1


def test_the_schema_is_for_the_root_that_is_named(run: Callable[..., Result]) -> None:
    printed = run("schema", "DC=x,DC=com").output
    assert "dn: CN=ms-RTC-SIP-Line,CN=Schema,CN=Configuration,DC=x,DC=com\n" in printed
    assert printed.count("schemaUpdateNow: 1") == 5
