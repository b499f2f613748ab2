"""A request for every procedure that writes organizations, the Hosting unit, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.kills.requests import AD, DC, HELPERS, MANAGED_AD, Scenario, properties, step
from tests.namespaces.support import ALPINE, BASE, HOSTING, JOHN, MESSENGER, ldap

MANAGED_HOSTING, ACCESS_CONTROL = "Managed Hosting", "Access Control Provider"
_PROSEWARE = f"OU=Proseware,{MESSENGER}"
_PRIVATE_GUID = "4619BE598BF441DB8C9DB0482E62E386"


def _scenario(procedure: str, *setup: str, variant: str = "", content: str = "", **arguments: str) -> Scenario:
    call = step(MANAGED_AD, procedure, content, preferredDomainController=DC, **arguments)
    return Scenario(MANAGED_AD, procedure, call, setup, variant)


def _organizations() -> Iterator[Scenario]:
    made = _scenario(
        "CreateOrganization",
        content=properties(uPNSuffixes="proseware.com"),
        name="Proseware",
        container=ldap(MESSENGER),
        policyName="customer",
        description="Toys",
    )
    yield made
    reseller = {"name": "Proseware", "container": ldap(HOSTING), "policyName": "reseller"}
    yield _scenario("CreateOrganization", variant="reseller", **reseller)
    yield _scenario("CreateOrganization", variant="plain", name="Sales", container=ldap(ALPINE))
    place = '<org class="container" name="Place"><groups><group name="Crew" samName="Crew"/></groups></org>'
    yield _scenario("CreateOrganization_", content=place, container=ldap(ALPINE))
    organization = {"org": ldap(_PROSEWARE)}
    yield _scenario("ModifyOrganization", content=properties(description="new", l="Redmond"), org=ldap(ALPINE))
    yield _scenario("RenameOrganization", made.call, newName="Wingtip", **organization)
    yield _scenario("DeleteOrganization", made.call, **organization)
    yield _scenario("MoveObject", object=ldap(JOHN), destinationContainer=ldap(MESSENGER))
    entry = f'<otherWellKnownObjects><entry guid="{_PRIVATE_GUID[::-1]}" path="{ldap(JOHN)}"/></otherWellKnownObjects>'
    yield _scenario("SetOtherWellKnownObjects_", content=entry, object=ldap(ALPINE))


def _capacity() -> Iterator[Scenario]:
    users = {"organization": ldap(ALPINE), "capacityType": "UserN"}
    expanded = _scenario("ExpandWin2KCapacity", multiplier="2", **users)
    yield expanded
    yield _scenario("ExpandWin2KCapacity", expanded.call, variant="again", multiplier="4", **users)
    group = f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}"
    place = {"group": ldap(group), "name": "AllUsers@AlpineSkiHouse", "container": ldap(ALPINE)}
    yield _scenario("ExpandWin2KCapacity_", first="0", end="2", **place)
    yield _scenario("DistributeGroupMemberships", expanded.call, **users)


def _access() -> Iterator[Scenario]:
    """The directory gets access control lists by `scenarios_acl.lend_access_control_lists`."""
    unit = {"object": ldap(ALPINE)}
    entry = "<permission>{}</permission><mode>GRANT_ACCESS</mode><trustee>S-1-5-11</trustee><inheritance>2</inheritance>"
    ace = f"<ace>{entry.format('WRITE_DAC')}</ace>"
    yield _scenario("SetSecurity_", content=f"<security>{ace}</security>", **unit)
    granted = step(AD, "Update ACL", f"<dacl>{ace}</dacl>", name=ldap(ALPINE), objectType="SE_DS_OBJECT")
    yield _scenario("RemoveAllAuthenticatedUsersACEs_", granted, **unit)
    yield _scenario("BlockDaclInheritance_", **unit)
    block = step(ACCESS_CONTROL, "Block DACL Inheritance", path=ldap(ALPINE))
    yield Scenario(ACCESS_CONTROL, "Block DACL Inheritance", block)


def _hosting() -> Iterator[Scenario]:
    """Each on a domain without a Hosting unit."""
    emptied = step(AD, "Delete Object", path=ldap(HOSTING))
    for namespace, name in (
        (MANAGED_HOSTING, "InitializeADForHosting"),
        (MANAGED_HOSTING, "InitializeADforHosting"),
        (HELPERS, "InitializeADForHosting"),
    ):
        content = properties(uPNSuffixes="hosting.fabrikam.com")
        call = step(namespace, name, content, containerPath=ldap(BASE), preferredDomainController=DC)
        yield replace(Scenario(namespace, name, call), setup=(emptied,))


#: Every request about organizations that is killed.
SCENARIOS_HOSTING: tuple[Scenario, ...] = (*_organizations(), *_capacity(), *_access(), *_hosting())
