"""The sample hosting tree on a real server, and the callers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Caller, Credentials
from mpf_directory import layout
from mpf_directory.accounts import Accounts
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Modification, ModifyOp, Scope
from mpf_directory.seed import seed_hosting_tree
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from mpf_directory.sids import sid_to_text
from tests.samba.controller import PASSWORD, SEEDED, Samba, engine_config

pytestmark = pytest.mark.samba

JOHN = "johnc@alpineskihouse.com"
#: Attributes that the server, and not the one who seeds, decides on.
OWN = frozenset(
    {
        "accountexpires", "admincount", "badpasswordtime", "badpwdcount", "codepage", "countrycode", "distinguishedname",
        "dscorepropagationdata", "instancetype", "iscriticalsystemobject", "lastlogoff", "lastlogon", "lastlogontimestamp",
        "localpolicyflags", "logoncount", "name", "objectcategory", "objectguid", "objectsid", "primarygroupid",
        "pwdlastset", "samaccounttype", "showinadvancedviewonly", "systemflags", "usnchanged", "usncreated", "whenchanged",
        "whencreated",
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedDirectory]:
    with EmbeddedDirectory.create(tmp_path_factory.mktemp("embedded") / "directory.db") as made:
        seed_hosting_tree(made, PASSWORD)
        yield made


def john(directory: Directory) -> Dn:
    return layout.unit(directory.base, ("Hosting", "ConsolidatedMessenger", "AlpineSkiHouse")).child(
        "CN", "Johnc@AlpineSkiHouse.com"
    )


def content(entries: Iterator[Entry]) -> dict[tuple[str, ...], dict[str, set[str]]]:
    """Names and values that seeding writes, in a form that compares."""
    found = {}
    for entry in entries:
        values = {
            name.lower(): {str(value).casefold() for value in given if isinstance(value, str)}
            for name, given in entry.attributes.items()
            if name.lower() not in OWN
        }
        found[entry.dn.key] = values
    return found


def test_seeding_builds_the_same_hosting_tree_as_on_the_embedded_directory(
    seeded: Directory, embedded: EmbeddedDirectory
) -> None:
    everything = Filter.present("objectClass")
    for root in SEEDED:
        there = content(seeded.search(root, Scope.SUBTREE, everything))
        here = content(embedded.search(root, Scope.SUBTREE, everything))
        assert there.keys() == here.keys()
        for name, values in here.items():
            assert there[name] == values, name


def test_seeding_again_changes_nothing(seeded: Directory) -> None:
    hosting = layout.unit(seeded.base, ("Hosting",))
    before = [(entry.dn, entry.text("uSNChanged")) for entry in _all(seeded, hosting)]
    seed_hosting_tree(seeded, PASSWORD)
    assert [(entry.dn, entry.text("uSNChanged")) for entry in _all(seeded, hosting)] == before


def _all(directory: Directory, root: Dn) -> list[Entry]:
    found = directory.search(root, Scope.SUBTREE, Filter.present("objectClass"), ["uSNChanged"])
    return sorted(found, key=lambda entry: entry.dn.key)


def test_back_links_of_the_extension_work(seeded: Directory) -> None:
    rtc = seeded.base.child("CN", "System").child("CN", "Microsoft").child("CN", "RTC Service")
    home = rtc.child("CN", "Pools").child("CN", "pool01").child("CN", "Microsoft").child("CN", "LC Services")
    entry = seeded.read(home, ["msRTCSIP-FrontEndServers"])
    assert entry is not None
    assert len(entry.values("msRTCSIP-FrontEndServers")) == 2


@pytest.mark.parametrize("name", [JOHN, JOHN.upper(), "FABRIKAM\\{sam}", "fabrikam.com\\{sam}", "{dn}", "{sid}", " {dn}"])
def test_a_caller_is_found_by_each_of_its_names(seeded: Directory, service: DirectoriesService, name: str) -> None:
    entry = seeded.read(john(seeded), ["objectSid", "sAMAccountName"])
    assert entry is not None
    sid = sid_to_text(entry.octets("objectSid") or b"")
    given = name.format(sam=entry.text("sAMAccountName"), dn=entry.dn, sid=sid)

    found = Accounts(service).resolve(Caller(given, asserted_by="test"))

    assert found is not None
    assert Dn.parse(found.dn) == entry.dn
    assert found.sid == sid
    assert found.asserted_by == "test"
    by_guid = seeded.read(Dn.parse(f"<GUID={found.guid}>"), ["cn"])
    assert by_guid is not None
    assert by_guid.dn == entry.dn


def test_the_groups_of_a_caller_are_nested_and_primary_ones_too(seeded: Directory, service: DirectoriesService) -> None:
    found = Accounts(service).resolve(Caller(JOHN))
    assert found is not None
    organization = john(seeded).parent
    assert organization is not None
    hosting = layout.unit(seeded.base, ("Hosting",)).child("CN", "_Private")
    direct = organization.child("CN", "_Private").child("CN", "AllUsers@AlpineSkiHouse")
    nested = hosting.child("CN", "AllUsersGroup")
    primary = seeded.base.child("CN", "Users").child("CN", "Domain Users")
    for group in (direct, nested, primary):
        entry = seeded.read(group, ["objectSid"])
        assert entry is not None
        assert sid_to_text(entry.octets("objectSid") or b"") in found.groups
    admins = seeded.read(organization.child("CN", "Admins@AlpineSkiHouse"), ["objectSid"])
    assert admins is not None
    assert sid_to_text(admins.octets("objectSid") or b"") not in found.groups


@pytest.mark.parametrize(
    "name",
    ["nobody@fabrikam.com", "FABRIKAM\\nobody", "OTHER\\Administrator", "CN=x,DC=Fabrikam,DC=Com", "S-1-5-21-1-2-3-4",
     "Administrator", "", "*@fabrikam.com", "FABRIKAM\\*", "CN=Domain Admins,CN=Users,DC=Fabrikam,DC=Com", "CN=="],
)  # fmt: skip
def test_an_unknown_caller_is_nobody(seeded: Directory, service: DirectoriesService, name: str) -> None:
    assert Accounts(service).resolve(Caller(name)) is None


def test_the_name_that_every_account_has_counts(seeded: Directory, service: DirectoriesService) -> None:
    entry = seeded.read(john(seeded), ["sAMAccountName"])
    assert entry is not None
    found = Accounts(service).resolve(Caller(f"{entry.text('sAMAccountName')}@fabrikam.com"))
    assert found is not None
    assert Dn.parse(found.dn) == entry.dn


def test_a_disabled_account_is_refused(seeded: Directory, service: DirectoriesService) -> None:
    with pytest.raises(MpfError) as raised:
        Accounts(service).resolve(Caller("FABRIKAM\\krbtgt"))
    assert raised.value.code == Code.E_ACCESSDENIED


def test_credentials_are_checked_and_belong_to_the_caller(seeded: Directory, samba: Samba, tmp_path: Path) -> None:
    # A service of its own: it counts wrong passwords.
    settings = DirectorySettings.model_validate(engine_config(samba))
    service = DirectoriesService(settings, tmp_path, lambda _name: samba.administrator)
    accounts = Accounts(service)
    try:
        for right in (Credentials(JOHN, PASSWORD), Credentials(str(john(seeded)), PASSWORD)):
            assert accounts.authenticate(Caller(JOHN, right)) is True
        administrator = samba.administrator
        assert accounts.authenticate(Caller("Administrator@fabrikam.com", administrator)) is True
        bare = Credentials(administrator.username, administrator.password)
        assert accounts.authenticate(Caller("FABRIKAM\\Administrator", bare)) is True
        assert accounts.authenticate(Caller(JOHN)) is None
        assert accounts.authenticate(Caller("nobody@fabrikam.com", administrator)) is None
        assert accounts.authenticate(Caller("Administrator@fabrikam.com", Credentials(JOHN, PASSWORD))) is False
        assert accounts.authenticate(Caller(JOHN, Credentials(JOHN, ""))) is False
        for _ in range(3):
            assert accounts.authenticate(Caller(JOHN, Credentials(JOHN, "wrong"))) is False
        assert accounts.authenticate(Caller(JOHN, Credentials(JOHN, PASSWORD))) is False  # not tried any more
    finally:
        service.close()


@contextmanager
def the_domain_locks_out(directory: Directory) -> Iterator[None]:
    """After three wrong passwords."""
    before = {name: directory.read(directory.base, [name]) for name in ("lockoutThreshold", "lockOutObservationWindow")}
    window = Modification("lockOutObservationWindow", ModifyOp.REPLACE, ("-18000000000",))
    directory.modify(directory.base, [Modification("lockoutThreshold", ModifyOp.REPLACE, ("3",)), window])
    try:
        yield
    finally:
        for name, old in before.items():
            value = (old.text(name) if old is not None else None) or "0"
            directory.modify(directory.base, [Modification(name, ModifyOp.REPLACE, (value,))])


@contextmanager
def settings_of_its_own(directory: Directory) -> Iterator[None]:
    """John is locked out after three wrong passwords, and nobody else is."""
    pso = directory.base.child("CN", "System").child("CN", "Password Settings Container").child("CN", "of a test")
    values = {
        "PasswordSettingsPrecedence": "1",
        "PasswordReversibleEncryptionEnabled": "FALSE",
        "PasswordHistoryLength": "0",
        "PasswordComplexityEnabled": "FALSE",
        "MinimumPasswordLength": "0",
        "MinimumPasswordAge": "0",
        "MaximumPasswordAge": "-9223372036854775808",
        "LockoutThreshold": "3",
        "LockoutObservationWindow": "-18000000000",
        "LockoutDuration": "-18000000000",
        "PSOAppliesTo": str(john(directory)),
    }
    named = {f"msDS-{name}": [value] for name, value in values.items()}
    directory.add(pso, {"objectClass": ["msDS-PasswordSettings"], **named})
    try:
        yield
    finally:
        directory.delete(pso)


@pytest.mark.parametrize("locking", [the_domain_locks_out, settings_of_its_own])
def test_nobody_locks_an_account_out_through_the_engine(
    seeded: Directory,
    samba: Samba,
    tmp_path: Path,
    locking: Callable[[Directory], AbstractContextManager[None]],
) -> None:
    settings = DirectorySettings.model_validate(engine_config(samba))
    entry = seeded.read(john(seeded), ["sAMAccountName"])
    assert entry is not None
    sam = entry.text("sAMAccountName")
    service = DirectoriesService(settings, tmp_path, lambda _name: samba.administrator)
    with locking(seeded), closing(service):
        for name in (JOHN, f"FABRIKAM\\{sam}", f"{sam}@fabrikam.com", str(john(seeded))):
            assert Accounts(service).authenticate(Caller(name, Credentials(name, "gu3ss"))) is False
        with pytest.raises(MpfError) as raised:
            service.open(Identity(IdentityKind.BASIC, "x", credentials=Credentials(str(sam), PASSWORD, "FABRIKAM")))
        assert raised.value.code == Code.E_ACCESSDENIED
        found = seeded.read(john(seeded), ["badPwdCount", "lockoutTime"])
        assert found is not None
        assert (found.text("badPwdCount"), found.text("lockoutTime") or "0") == ("2", "0")
    other = DirectoriesService(settings, tmp_path, lambda _name: samba.administrator)
    assert Accounts(other).authenticate(Caller(JOHN, Credentials(JOHN, PASSWORD))) is True
    other.close()
