"""Active Directory's own access control: what tenants cannot do themselves, a procedure does for them, or nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Credentials
from mpf_directory import layout
from mpf_directory.check import Finding, Ground, Status, ask
from mpf_directory.commands import QUESTIONS
from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.port import Directory, Modification, ModifyOp
from mpf_directory.rights_administrators import TRUSTED, needs_of
from mpf_directory.rights_entries import Entries
from mpf_directory.rights_table import NEEDS, SIP_ATTRIBUTES, needed
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings
from mpf_directory.sids import sid_to_octets, sid_to_text
from mpf_managed import elevations
from tests.differential.cases import ADD_POOL, ASSIGN, CREATE_DOMAIN, CREATE_USER, SIP_USER
from tests.differential.requests import CALLERS
from tests.differential.sides import PASSWORD, samba_side
from tests.differential.state import State, restore
from tests.namespaces.support import ALPINE, BASE, HOSTING, JOHN, MESSENGER, POOL1
from tests.samba.controller import Samba, SambaCredentials, engine_config
from tests.samba.least import ACCOUNT, SECRET, Least, least_engine, make_account, make_parking
from tests.samba.test_main_path import snapshot
from tests.samba.writes import ALL, Write

pytestmark = [pytest.mark.samba, pytest.mark.slow]

#: A value of the right form for each attribute of a SIP user.
VALUES: dict[str, str | bytes] = {
    **dict.fromkeys(SIP_ATTRIBUTES, "sip:johnc@alpineskihouse.com"),
    **dict.fromkeys(("msRTCSIP-PrimaryHomeServer", "msRTCSIP-TargetHomeServer", "msRTCSIP-UserLocationProfile"), POOL1),
    **dict.fromkeys(("msRTCSIP-UserEnabled", "msRTCSIP-FederationEnabled", "msRTCSIP-InternetAccessEnabled"), "TRUE"),
    **dict.fromkeys(("msRTCSIP-OptionFlags", "msRTCSIP-ArchivingEnabled"), "1"),
    "msRTCSIP-UserPolicy": f"B:8:00000001:{POOL1}",
    "msRTCSIP-OriginatorSid": sid_to_octets("S-1-5-21-1-2-3-4"),
}
JOHNS = Write(CREATE_USER, SIP_USER[:-1])
Bind = Callable[[str], Directory]


@dataclass(frozen=True, slots=True)
class Laid:
    """The tree that requests have built, and what its administrators are denied."""

    samba: Samba
    directory: Directory
    start: State
    admin: Least

    def organizations(self) -> Iterator[tuple[Dn, Entries]]:
        """Each unit, with entries for its administrators."""
        for organization in layout.ORGANIZATIONS:
            unit = organization.dn(self.directory.base)
            entry = self.directory.read(unit.child("CN", f"Admins@{organization.name}"), ["objectSid"])
            assert entry is not None
            yield unit, Entries(self.directory, sid_to_text(entry.octets("objectSid") or b""))

    def warnings(self) -> list[Finding]:
        """What ``mpfctl directory check`` warns of."""
        settings = DirectorySettings.model_validate(engine_config(self.samba))
        service = DirectoriesService(settings, self.samba.folder, lambda _: self.samba.administrator)
        questions = [question for question in QUESTIONS if question.subject == "administrators"]
        try:
            return [one for one in ask(Ground(service, settings), questions) if one.status is Status.WARNING]
        finally:
            service.close()


@pytest.fixture(scope="module")
def built(samba: Samba, directory: Directory) -> Iterator[Laid]:
    """The service account with its least rights; nothing is denied to administrators yet."""
    with samba_side(samba, directory) as side:
        start = side.start
    make_parking(directory)
    own = Entries(directory, make_account(directory))
    every = [right for need in NEEDS for right in need.rights]
    own.take(every)
    own.give(right for need in needed(policy=False) for right in need.rights)
    with least_engine(samba, directory, start, "bind", SambaCredentials(samba)) as admin:
        yield Laid(samba, directory, start, admin)
    own.take(every)
    restore(directory, start)


@pytest.fixture(scope="module")
def laid(built: Laid) -> Iterator[Laid]:
    """With what `mpfctl directory rights --organizations` denies."""
    denied = {unit: [right for need in needs_of(unit) for right in need.rights] for unit, _ in built.organizations()}
    warned = {(one.detail.partition(" can write")[0], one.advice.partition(":")[0]) for one in built.warnings()}
    assert len(warned) == len(denied) - 1
    for unit, entries in built.organizations():
        # CreateOrganization has given the first, and does not deny yet.
        assert entries.give(denied[unit]) == {unit: len(TRUSTED) + len(SIP_ATTRIBUTES)}
    yield built
    for unit, entries in built.organizations():
        entries.take(right for right in denied[unit] if right.denied)


@pytest.fixture(scope="module")
def least(laid: Laid) -> Iterator[Least]:
    with least_engine(laid.samba, laid.directory, laid.start, "bind") as made:
        yield made


@pytest.fixture
def bound(samba: Samba) -> Iterator[Bind]:
    """The directory, bound as one of the callers or as the service account."""
    opened: list[DirectoriesService] = []

    def bind(name: str) -> Directory:
        own = Credentials(ACCOUNT, SECRET, "FABRIKAM") if name == "service" else Credentials(CALLERS[name], PASSWORD)
        settings = DirectorySettings.model_validate(engine_config(samba))
        opened.append(DirectoriesService(settings, samba.folder, lambda _: own))
        return opened[-1].service()

    yield bind
    for service in opened:
        service.close()


def replaced(attribute: str, value: str | bytes) -> list[Modification]:
    return [Modification(attribute, ModifyOp.REPLACE, (value,))]


def refused(directory: Directory, dn: str, attribute: str, value: str | bytes) -> bool:
    """Whether the directory itself refuses the write for want of rights."""
    try:
        directory.modify(Dn.parse(dn), replaced(attribute, value))
    except MpfError as error:
        # What somebody cannot see is not there for them.
        return error.code in {Code.E_ACCESSDENIED, Code.NO_SUCH_OBJECT}
    return False


@pytest.mark.parametrize("attribute", SIP_ATTRIBUTES)
def test_nobody_but_the_service_account_makes_sip_users(laid: Laid, bound: Bind, attribute: str) -> None:
    restore(laid.directory, laid.start)
    writers = ("customer", "reseller", "hosting", "foreign", "user", "service")
    could = [name for name in writers if not refused(bound(name), JOHN, attribute, VALUES[attribute])]
    assert could == ["service"]


def test_administrators_may_write_the_rest_in_their_organizations_and_nowhere_else(laid: Laid, bound: Bind) -> None:
    restore(laid.directory, laid.start)
    for name in ("customer", "reseller", "hosting"):
        assert not refused(bound(name), JOHN, "sn", f"by {name}")
    for name in ("foreign", "user"):
        assert refused(bound(name), JOHN, "sn", f"by {name}")
    assert refused(bound("customer"), MESSENGER, "description", "mine")
    trusted = {"otherWellKnownObjects": f"B:32:{WellKnown.POOL.value}:{POOL1}", "uPNSuffixes": "fourthcoffee.com"}
    assert trusted.keys() == TRUSTED.keys()
    for attribute, value in trusted.items():
        assert refused(bound("customer"), ALPINE, attribute, value)
    assert not refused(bound("reseller"), ALPINE, "uPNSuffixes", "alpineskihouse.example")


def test_nobody_is_warned_of_any_more(laid: Laid) -> None:
    # An organization that a test before has made is not denied anything.
    restore(laid.directory, laid.start)
    assert laid.warnings() == []


def test_the_same_change_by_a_procedure(laid: Laid, least: Least, bound: Bind) -> None:
    least.prepare(laid.admin, JOHNS)
    assert refused(bound("customer"), JOHN, "msRTCSIP-UserEnabled", "TRUE")
    assert least.send(CREATE_USER).error is None
    john = laid.directory.read(Dn.parse(JOHN), ["msRTCSIP-UserEnabled"])
    assert john is not None
    assert john.text("msRTCSIP-UserEnabled") == "TRUE"


@pytest.mark.parametrize("caller", ["foreign", "user"])
def test_others_fail_both_ways(laid: Laid, least: Least, bound: Bind, caller: str) -> None:
    least.prepare(laid.admin, JOHNS)
    before = snapshot(laid.directory)
    assert refused(bound(caller), JOHN, "msRTCSIP-UserEnabled", "TRUE")
    result = least.send(CREATE_USER.by(caller))
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED
    assert snapshot(laid.directory) == before


def test_without_the_elevation_nothing_is_written(laid: Laid) -> None:
    edge = "Office Communications Server Provider::CreateSipUser"
    rules = [rule for rule in elevations() if rule["to"] != edge]
    assert len(rules) < len(elevations())
    with least_engine(laid.samba, laid.directory, laid.start, "bind", rules=rules) as refusing:
        refusing.prepare(laid.admin, Write(CREATE_USER, (ADD_POOL,)))
        before = snapshot(laid.directory)
        # All but the last are done, and taken back.
        result = refusing.send(CREATE_DOMAIN, ASSIGN, CREATE_USER)
        assert result.error is not None
        assert result.error.code == Code.E_ACCESSDENIED
        assert "CreateSipUser" in result.error.description
        assert {outcome.state.value for outcome in result.rollback} == {"undone"}
        assert snapshot(laid.directory) == before


@pytest.mark.parametrize(
    "procedure", ["CreateUser", "ModifyUser", "GroupAdd", "CreateOrganization", "RenameOrganization", "SetPoolAssignment"]
)
def test_what_is_denied_is_in_nobodys_way(laid: Laid, least: Least, procedure: str) -> None:
    write = next(write for write in ALL if write.ask.procedure == procedure)
    before = least.prepare(laid.admin, write)
    assert least.complaint(write.ask, before) == ""


def test_the_service_account_may_do_nothing_elsewhere(laid: Laid, bound: Bind) -> None:
    service = bound("service")
    account = f"CN={ACCOUNT},CN=Users,{BASE}"
    assert refused(service, account, "description", "mine")
    for group in ("Domain Admins", "RTCUniversalServerAdmins", "MPFAdmins"):
        with pytest.raises(MpfError) as raised:
            service.modify(Dn.parse(f"CN={group},CN=Users,{BASE}"), [Modification("member", ModifyOp.ADD, (account,))])
        assert raised.value.code == Code.E_ACCESSDENIED
    for place in (f"CN=Users,{BASE}", BASE, f"CN=Computers,{BASE}"):
        with pytest.raises(MpfError) as raised:
            service.add(Dn.parse(f"CN=Mallory,{place}"), {"objectClass": ["user"], "sAMAccountName": ["mallory"]})
        assert raised.value.code == Code.E_ACCESSDENIED
    # And inside of the tree nothing that no procedure does.
    assert refused(service, JOHN, "employeeID", "1")
    assert refused(service, JOHN, "unicodePwd", '"Anything-1"'.encode("utf-16-le"))
    assert refused(service, HOSTING, "description", "mine")
