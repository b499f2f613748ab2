"""What administrators write into their own units with other tools leads no procedure out of them; and containers hide nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core import Caller, Result
from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.layout import Kind, WellKnown, type_of
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    BASE,
    HOSTING,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    POOL2,
    Site,
    ldap,
    make_site,
)

AD = "Managed Active Directory"
CSR = Caller("csr@hosting.example")
NO_ORGANIZATION = 0x80131509


def write(site: Site, unit: str, entries: dict[WellKnown, object]) -> None:
    """What administrators of a unit can do who are bound directly: its entries, those of the same GUIDs replaced."""
    found = [str(value) for value in site.read(unit).values("otherWellKnownObjects")]
    kept = [value for value in found if not any(one.value in value for one in entries)]
    values = (*kept, *(f"B:32:{one.value}:{target}" for one, target in entries.items()))
    site.directory.modify(Dn.parse(unit), [Modification("otherWellKnownObjects", ModifyOp.REPLACE, values)])


def enter(site: Site, group: str, member: str) -> None:
    site.directory.modify(Dn.parse(group), [Modification("member", ModifyOp.ADD, (member,))])


def code(site: Site, caller: Caller, procedure: str, namespace: str = AD, **arguments: str) -> int | None:
    error = site.submit(procedure, caller, arguments, namespace).error
    return None if error is None else error.code


def ask(site: Site, caller: Caller, procedure: str, content: str) -> Result:
    request = f"<request><data>{content}</data></request>"
    return site.engine.execute(request, caller, namespace=AD, procedure=procedure)


@pytest.fixture
def site() -> Iterator[Site]:
    """The provider has a representative."""
    with make_site() as made:
        user = made.add_user(HOSTING, CSR.name)
        made.directory.modify(Dn.parse(user), [Modification("userAccountControl", ModifyOp.REPLACE, ("512",))])
        enter(made, f"CN=CSRAdmins@Hosting,{HOSTING}", user)
        yield made


# A representative moves a unit, and a reseller's administrator with it.


def test_a_representative_does_not_move_administrators_with_their_unit(site: Site) -> None:
    """Below a customer, its administrators, whose passwords are his business, would set theirs."""
    staff = site.add_unit(MESSENGER, "Staff")
    boss = site.add_user(staff, "boss@consolidatedmessenger.com")
    enter(site, f"CN=Admins@ConsolidatedMessenger,{MESSENGER}", boss)
    before = site.snapshot()
    assert code(site, CSR, "MoveObject", object=ldap(boss), destinationContainer=ldap(ALPINE)) == Code.E_ACCESSDENIED
    assert code(site, CSR, "MoveObject", object=ldap(staff), destinationContainer=ldap(ALPINE)) == Code.E_ACCESSDENIED
    assert site.snapshot() == before
    assert code(site, MESSENGER_ADMIN, "MoveObject", object=ldap(staff), destinationContainer=ldap(ALPINE)) is None


def test_nor_groups_that_are_among_them(site: Site) -> None:
    staff = site.add_unit(MESSENGER, "Staff")
    group = f"CN=Chiefs,{staff}"
    site.directory.add(Dn.parse(group), {"objectClass": ["group"], "sAMAccountName": ["Chiefs"]})
    enter(site, f"CN=Admins@ConsolidatedMessenger,{MESSENGER}", group)
    assert code(site, CSR, "MoveObject", object=ldap(staff), destinationContainer=ldap(ALPINE)) == Code.E_ACCESSDENIED


def test_units_with_others_are_moved_as_before(site: Site) -> None:
    staff = site.add_unit(MESSENGER, "Staff")
    site.add_user(staff, "mole@consolidatedmessenger.com")
    assert code(site, CSR, "MoveObject", object=ldap(staff), destinationContainer=ldap(ALPINE)) is None


# The entry for the private container points into another organization.

PLACES = [f"CN=_Private,{OTHER_CUSTOMER}", OTHER_CUSTOMER, f"CN=_Private,{HOSTING}", MESSENGER, f"CN=Users,{BASE}"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("capacity", ["UserN", "ChildOrgN"])
def test_no_groups_of_others_are_expanded_distributed_or_listed(site: Site, place: str, capacity: str) -> None:
    write(site, ALPINE, {WellKnown.PRIVATE: place})
    before = site.snapshot()
    about = {"organization": ldap(ALPINE), "capacityType": capacity}
    assert code(site, ALPINE_ADMIN, "ExpandWin2KCapacity", **about, multiplier="2") == NO_ORGANIZATION
    assert code(site, ALPINE_ADMIN, "DistributeGroupMemberships", **about) == NO_ORGANIZATION
    assert code(site, ALPINE_ADMIN, "GetWin2KCapacityPending", **about) == NO_ORGANIZATION
    assert code(site, ALPINE_ADMIN, "GetWin2KCapacityExpansion", **about) == NO_ORGANIZATION
    assert site.snapshot() == before


def test_no_groups_of_others_are_renamed(site: Site) -> None:
    """A customer of the same name as another reseller's has groups of the same names."""
    content = f"<container>{ldap(MESSENGER)}</container><name>FourthCoffee</name><policyName>customer</policyName>"
    assert ask(site, MESSENGER_ADMIN, "CreateOrganization", content).error is None
    own = f"OU=FourthCoffee,{MESSENGER}"
    write(site, own, {WellKnown.PRIVATE: OTHER_CUSTOMER})
    code(site, MESSENGER_ADMIN, "RenameOrganization", org=ldap(own), newName="Evil")
    for name in ("Admins", "CSRAdmins"):
        assert site.find(f"CN={name}@FourthCoffee,{OTHER_CUSTOMER}") is not None


# A unit that a customer's administrator has prepared becomes an organization where somebody moves it.


def test_a_unit_with_entries_of_an_organization_is_not_moved(site: Site) -> None:
    unit = site.add_unit(ALPINE, "Dept")
    write(site, unit, {WellKnown.USER_CREATORS: f"CN=Admins@AlpineSkiHouse,{ALPINE}", WellKnown.POOL: POOL2})
    for caller in (CSR, MESSENGER_ADMIN):
        moved = code(site, caller, "MoveObject", object=ldap(unit), destinationContainer=ldap(MESSENGER))
        assert moved == NO_ORGANIZATION


# A unit of somebody's own passes for an organization by the administrators of another one.


def test_the_groups_of_another_organization_are_no_evidence() -> None:
    unit = f"OU=Self,{MESSENGER}"
    with make_site(claims={"evidence": "upn-suffixes"}) as site:
        services = Dn.parse(unit).child("CN", "_Private").child("CN", "Services")
        private = services.parent
        assert private is not None
        site.directory.add(Dn.parse(unit), {"objectClass": ["organizationalUnit"], "uPNSuffixes": ["nobodys.example"]})
        for place in (private, services):
            site.directory.add(place, {"objectClass": ["container"]})
        write(
            site,
            unit,
            {
                WellKnown.THIS_ORG: unit,
                WellKnown.USER_CREATORS: f"CN=Admins@AlpineSkiHouse,{ALPINE}",
                WellKnown.ORG_TYPE: type_of(Dn.parse(HOSTING), Kind.CUSTOMER),
                WellKnown.SERVICES: services,
            },
        )
        claim = {"organization": ldap(unit), "address": "nobodys.example"}
        error = site.submit("CreateSipDomain", MESSENGER_ADMIN, claim).error
        assert error is not None
        assert error.code == Code.E_ACCESSDENIED


# A reseller makes resellers: the kind of a container is an entry that its administrators write.


def test_a_reseller_lies_in_the_hosting_organization(site: Site) -> None:
    unit = site.add_unit(MESSENGER, "Fakes")
    write(site, unit, {WellKnown.ORG_TYPE: type_of(Dn.parse(HOSTING), Kind.HOSTING)})
    gathering = f"CN=AllResellerAdminsGroups,CN=_Private,{HOSTING}"
    before = site.read(gathering).values("member")
    content = f"<container>{ldap(unit)}</container><name>Sub</name><policyName>reseller</policyName>"
    error = ask(site, MESSENGER_ADMIN, "CreateOrganization", content).error
    assert error is not None
    assert error.code == NO_ORGANIZATION
    assert site.read(gathering).values("member") == before
