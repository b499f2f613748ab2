"""An object that is moved between the decision about it and its change: the decision was about where it was."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest

from mpf_core import MpfError, hookimpl
from mpf_core.errors import Code
from mpf_core.security.calls import Call
from mpf_directory.dn import Dn
from mpf_directory.memory import Memory
from mpf_directory.operations import guid_of
from mpf_policy.names import Names
from mpf_policy.organizations import DomainAdmins, Organizations
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OCS,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
    pointer,
)

NAME = "CN=Johnc@AlpineSkiHouse.com"
AD = "Managed Active Directory"
DC = "preferredDomainController"


class Mover:
    """Another request, which moves the user into another organization at one ``moment`` of this one: before its nth call."""

    name = "test.mover"

    def __init__(self) -> None:
        self.site: Site | None = None
        self.moment = 0
        self.moved: bool | None = None

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        if self.site is None:
            return
        self.moment -= 1
        if self.moment == 0:
            site, self.site = self.site, None
            there = {"object": ldap(JOHN), "destinationContainer": ldap(OTHER_CUSTOMER)}
            moved = site.submit("MoveObject", DOMAIN_ADMIN, there, AD)
            assert moved.error is None or moved.error.code == Code.LOCK_VIOLATION, moved.error
            self.moved = moved.error is None


def by_guid(site: Site, dn: str) -> str:
    guid = guid_of(site.read(dn))
    assert guid is not None
    return ldap(str(Dn.by_guid(guid)))


def prepared(site: Site) -> Site:
    site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    return site


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        yield prepared(made)


@pytest.mark.slow
def test_at_no_moment_does_an_elevated_change_follow_a_user_into_another_organization() -> None:
    ways: set[bool] = set()
    for moment in range(1, 1000):
        mover = Mover()
        with make_site(mover) as site:
            prepared(site)
            mover.site, mover.moment = site, moment
            user = {"user": by_guid(site, JOHN), "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}
            result = site.submit("CreateSipUser", ALPINE_ADMIN, user)
            if mover.moved is None:
                break
            ways.add(mover.moved)
            entry = site.read(f"{NAME},{OTHER_CUSTOMER}" if mover.moved else JOHN)
            enabled = any(name.startswith("msRTCSIP") for name in entry.attributes)
            assert enabled is (not mover.moved), moment
            assert (result.error is None) is enabled, moment
    assert ways == {True, False}, "both happened: it was moved in time, and it was locked in time"


CHANGES = {
    "ModifyUser": {"description": "changed"},
    "SetUserPassword": {"newPassword": "N3wP@ssword"},
    "DisableUser": {},
    "RenameUser": {"newName": "changed"},
    "DeleteUser": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("procedure", CHANGES)
def test_nor_does_a_change_with_the_callers_own_rights(procedure: str) -> None:
    """Where the service account acts for a caller without a password, the directory itself refuses nothing."""
    ways: set[bool] = set()
    with make_site(mover := Mover()) as site:
        moved = f"{NAME},{OTHER_CUSTOMER}"
        for moment in range(1, 1000):
            given = {"user": by_guid(site, JOHN), **CHANGES[procedure]}
            before = site.snapshot()
            mover.moved, mover.site, mover.moment = None, site, moment
            error = site.submit(procedure, ALPINE_ADMIN, given, AD).error
            mover.site = None
            if mover.moved is None or not mover.moved:
                break
            ways.add(error is None)
            site.rename(moved, JOHN)
            assert site.snapshot() == before, moment
    assert ways == {False}


def test_nor_does_a_name_that_has_become_another_objects(site: Site) -> None:
    """A nested call may need less over it: it does not change which object the outer call was allowed for."""
    names, organizations = Names(Memory()), Organizations(site.directory, "Hosting", DomainAdmins())
    text, name = ldap(JOHN), Dn.parse(JOHN)
    assert names.resolve(name, text, organizations, nested=False) == name
    first = next(iter(names.objects(text)))
    site.rename(JOHN, f"CN=Old,{ALPINE}")
    site.rename(f"CN=admin@alpineskihouse.com,{ALPINE}", JOHN)
    names.unsettle()
    with pytest.raises(MpfError) as raised:
        names.resolve(name, text, organizations, nested=True)
    assert raised.value.code == Code.LOCK_VIOLATION
    assert next(iter(names.objects(text))) == first
    names.resolve(name, text, organizations, nested=False)
    assert next(iter(names.objects(text))) != first


class Swapper:
    """Another tool, which locks nothing: it gives an object's name to another one before the nth call."""

    name = "test.swapper"

    def __init__(self, moment: int) -> None:
        self.moment = moment
        self.site: Site | None = None
        self.names = ("", "")
        self.left: dict[str, dict[str, frozenset[object]]] = {}

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        self.moment -= 1 if self.site is not None else 0
        if self.moment == 0 and self.site is not None:
            site, self.site = self.site, None
            first, second = self.names
            site.rename(first, old(first))
            site.rename(second, first)
            self.left = site.snapshot()


def old(name: str) -> str:
    return f"{Dn.parse(name).rdn.type}=Old,{ALPINE}"


BOB = f"CN=bob@alpineskihouse.com,{ALPINE}"
TEAM, OTHERS = (f"CN={name},{ALPINE}" for name in ("Team", "Others"))
UNIT, OTHER_UNIT = (f"OU={name},{ALPINE}" for name in ("First", "Second"))
USERS, GROUPS, UNITS = (JOHN, BOB), (TEAM, OTHERS), (UNIT, OTHER_UNIT)
NEW_USER = {"userPrincipalName": "new@alpineskihouse.com"}
SIP_USER = {"user": ldap(JOHN), "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}
MEMBERSHIP = {"group": ldap(TEAM), "newMember": ldap(JOHN)}
#: Whose name is given to whom, and what is asked for then.
SWAPS: tuple[tuple[tuple[str, str], str, str, dict[str, str]], ...] = (
    (USERS, OCS, "CreateSipUser", SIP_USER),
    (USERS, AD, "ModifyUser", {"user": ldap(JOHN), "description": "changed"}),
    (USERS, AD, "SetUserPassword", {"user": ldap(JOHN), "newPassword": "N3wP@ssword"}),
    (USERS, AD, "DisableUser", {"user": ldap(JOHN)}),
    (USERS, AD, "RenameUser", {"user": ldap(JOHN), "newName": "changed"}),
    (USERS, AD, "DeleteUser", {"user": ldap(JOHN)}),
    (USERS, AD, "GroupAdd", MEMBERSHIP),
    (USERS, AD, "MoveObject", {"object": ldap(JOHN), "destinationContainer": ldap(UNIT)}),
    (GROUPS, AD, "GroupAdd", MEMBERSHIP),
    (UNITS, AD, "MoveObject", {"object": ldap(JOHN), "destinationContainer": ldap(UNIT)}),
    (UNITS, AD, "CreateUser", {"container": ldap(UNIT), **NEW_USER}),
    (UNITS, AD, "CreateGroup", {"container": ldap(UNIT), "name": "New"}),
)


def after_a_swap(
    moment: int, names: tuple[str, str], asked: tuple[str, str, dict[str, str]]
) -> tuple[int | None, frozenset[str]] | None:
    """The error, and the objects that were changed after the swap; ``None`` where the request has fewer calls."""
    swapper = Swapper(moment)
    with make_site(swapper) as site:
        prepared(site)
        site.add_user(ALPINE, "bob@alpineskihouse.com")
        for name in ("Team", "Others"):
            assert site.submit("CreateGroup", ALPINE_ADMIN, {"container": ldap(ALPINE), "name": name}, AD).error is None
        for name in ("First", "Second"):
            site.add_unit(ALPINE, name)
        swapper.names, swapper.site = names, site
        namespace, procedure, given = asked
        error = site.submit(procedure, ALPINE_ADMIN, given, namespace).error
        if swapper.site is not None:
            return None
        before, after = swapper.left, site.snapshot()
        changed = frozenset(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return error.code if error else None, changed


@pytest.mark.slow
@pytest.mark.parametrize(("names", "asked"), [(swap[0], swap[1:]) for swap in SWAPS])
def test_no_change_goes_to_what_was_given_the_name_of_what_was_authorized(
    names: tuple[str, str], asked: tuple[str, str, dict[str, str]]
) -> None:
    """Elevated or not: also where both are in the same place, and the caller has the same rights over both."""
    found = []
    while (one := after_a_swap(len(found) + 1, names, asked)) is not None:
        found.append(one)
    refused = {(Code.E_ACCESSDENIED, frozenset[str]()), (Code.LOCK_VIOLATION, frozenset[str]())}
    assert refused & set(found)
    assert set(found) - refused <= {(None, frozenset({old(names[0])}))}, "what was authorized is changed, whatever its name"


def steps(*calls: tuple[str, str, dict[str, str]]) -> str:
    """A plain request of several calls."""
    made = []
    for namespace, procedure, arguments in calls:
        data = "".join(f"<{name}>{text}</{name}>" for name, text in arguments.items())
        step = f'<execute namespace="{namespace}" procedure="{procedure}" impersonate="1">'
        made.append(f"{step}<executeData>{data}</executeData></execute>")
    return f"<request><data/><procedure>{''.join(made)}</procedure></request>"


def test_each_call_is_decided_by_what_has_the_name_when_it_is_made(site: Site) -> None:
    org, new = {"org": ldap(ALPINE)}, {"container": ldap(MESSENGER), "name": "AlpineSkiHouse", "policyName": "customer"}
    swap = [(AD, "RenameOrganization", {**org, "newName": "Old"}), (AD, "CreateOrganization", new)]
    claim = (OCS, "CreateSipDomain", {"organization": ldap(ALPINE), "address": "swap.example", DC: site.server})
    asked = (AD, "ModifyOrganization", {**org, "properties": '<property name="description">y</property>'})
    was = guid_of(site.read(ALPINE))
    result = site.engine.execute(steps(asked, *swap, asked, claim), MESSENGER_ADMIN)
    assert result.error is None, result.error
    decided = [guid_of(site.read(f"OU=Old,{MESSENGER}")), site.read(ALPINE).text("description")]
    assert decided == [was, "y"]
    reservation = site.read(pointer(HOSTING, "SIPDomainReservations", "swap.example"))
    assert str(reservation.text("managedBy")).lower() == ALPINE.lower()


def test_what_the_request_has_moved_itself_is_decided_by_where_it_is_then(site: Site) -> None:
    user = escape(by_guid(site, JOHN))

    def step(procedure: str, arguments: str) -> str:
        data = f"<executeData>{arguments}</executeData>"
        return f'<execute namespace="{AD}" procedure="{procedure}" impersonate="1">{data}</execute>'

    move = f"<object>{user}</object><destinationContainer>{ldap(MESSENGER)}</destinationContainer>"
    steps = step("MoveObject", move) + step("DisableUser", f"<user>{user}</user>")
    request = f"<request><data/><procedure>{steps}</procedure></request>"
    assert site.engine.execute(request, MESSENGER_ADMIN).error is None
    assert site.find(f"{NAME},{MESSENGER}") is not None
