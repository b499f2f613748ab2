"""GetPolicy, the expansion of group capacity, and the documented arguments of the procedures about organizations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

import mpf_managed
from mpf_core import Caller
from mpf_core.errors import Code
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    BASE,
    DOMAIN_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    Site,
    ldap,
    make_site,
)
from tests.namespaces.test_files import arguments, parse

AD = "Managed Active Directory"
FOLDER = Path(mpf_managed.__file__).parent / "namespaces"
INVALID_OPERATION = 0x80131509
ALL_USERS = f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}"
USERS = {"organization": ldap(ALPINE), "capacityType": "UserN"}

#: Arguments in their documented order, and those of them that are required.
DOCUMENTED = {
    "CreateOrganization": (
        ["name", "container", "policyName", "description", "properties", "preferredDomainController"],
        {"name", "container"},
    ),
    "ModifyOrganization": (["org", "properties", "preferredDomainController"], {"org", "properties"}),
    "RenameOrganization": (["org", "newName", "preferredDomainController"], {"org", "newName"}),
    "DeleteOrganization": (["org", "preferredDomainController"], {"org"}),
    "MoveObject": (["object", "destinationContainer", "preferredDomainController"], {"object", "destinationContainer"}),
    "GetThisOrganizationRoot": (["path", "preferredDomainController"], {"path"}),
    "GetForeignOwnerOrg": (["path", "preferredDomainController"], {"path"}),
    "ExpandWin2KCapacity": (
        ["organization", "capacityType", "multiplier", "preferredDomainController"],
        {"organization", "capacityType", "multiplier"},
    ),
    "GetWin2KCapacityExpansion": (
        ["organization", "capacityType", "preferredDomainController"],
        {"organization", "capacityType"},
    ),
    "DistributeGroupMemberships": (
        ["organization", "capacityType", "preferredDomainController"],
        {"organization", "capacityType"},
    ),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    """For what changes nothing."""
    with make_site() as made:
        yield made


def call(site: Site, procedure: str, caller: Caller = ALPINE_ADMIN, /, **given: str) -> etree._Element:
    result = site.submit(procedure, caller, given, AD)
    assert result.error is None, result.document.decode()
    data = etree.fromstring(result.document).find("data")
    assert data is not None
    return data


def code(site: Site, procedure: str, caller: Caller = ALPINE_ADMIN, /, **given: str) -> int:
    error = site.submit(procedure, caller, given, AD).error
    assert error is not None
    return error.code


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_arguments_come_in_their_documented_order(name: str) -> None:
    expected, required = DOCUMENTED[name]
    found = arguments(parse(FOLDER / "managed_ad" / f"{name}.xml"), "inputSchema")
    assert [argument.get("name") for argument in found] == expected
    assert {argument.get("name") for argument in found if argument.get("minOccurs") != "0"} == required


class TestGetPolicy:
    def test_a_users_memberships_by_name_and_path(self, shared: Site) -> None:
        given = {"policyName": "customer", "containerPath": ldap(ALPINE), "objectName": "ann", "objectType": "user"}
        data = call(shared, "GetPolicy", **given)
        assert [child.tag for child in data] == ["user"]
        (membership,) = data.iterfind("user/memberships/membership")
        assert membership.items() == [("name", "AllUsers@AlpineSkiHouse"), ("path", shared.path(ALL_USERS))]

    def test_an_object_that_is_there_stands_for_its_container_and_name(self, shared: Site) -> None:
        data = call(shared, "GetPolicy", policyName="customer", objectPath=ldap(JOHN), objectType="user")
        assert data.find("user/memberships/membership").get("name") == "AllUsers@AlpineSkiHouse"  # type: ignore[union-attr]
        data = call(shared, "GetPolicy", policyName="customer", objectPath=ldap(ALPINE), objectType="org")
        assert data.find("org").get("name") == "AlpineSkiHouse"  # type: ignore[union-attr]

    def test_an_organizations_names_are_expanded(self, shared: Site) -> None:
        given = {"policyName": "customer", "containerPath": ldap(MESSENGER), "objectName": "Toys, Co", "objectType": "org"}
        data = call(shared, "GetPolicy", MESSENGER_ADMIN, **given)
        names = {group.get("name") for group in data.iter("group")}
        assert names == {"Admins@Toys, Co", "CSRAdmins@Toys, Co", "AllUsers@Toys, Co"}
        assert "AllCustomers@ConsolidatedMessenger" in {one.get("name") for one in data.iter("membership")}
        trustees = [trustee.text for trustee in data.iterfind("org/security/ace/trustee")]
        assert trustees[0] == f"LDAP://{shared.server}/CN=Admins@Toys\\, Co,OU=Toys\\, Co,{MESSENGER}"
        assert "%" not in etree.tostring(data).decode()

    @pytest.mark.parametrize("policy", [{}, {"policyName": ""}, {"policyName": "default"}, {"policyName": "Default"}])
    def test_the_default_one_knows_nothing_and_needs_no_organization(self, shared: Site, policy: dict[str, str]) -> None:
        given = {"containerPath": ldap(f"CN=Users,{BASE}"), "objectName": "x", "objectType": "user", **policy}
        data = call(shared, "GetPolicy", DOMAIN_ADMIN, **given)
        assert etree.tostring(data) == b"<data><user/></data>"

    def test_a_type_without_a_policy(self, shared: Site) -> None:
        given = {"policyName": "customer", "containerPath": ldap(ALPINE), "objectName": "www", "objectType": "webDir"}
        assert len(call(shared, "GetPolicy", **given)) == 0

    def test_a_group_becomes_a_member_of_nothing(self, shared: Site) -> None:
        given = {"policyName": "customer", "containerPath": ldap(ALPINE), "objectName": "Crew", "objectType": "group"}
        assert etree.tostring(call(shared, "GetPolicy", **given)) == b"<data><group/></data>"

    def test_a_container_of_another_kind(self, shared: Site) -> None:
        given = {"policyName": "reseller", "containerPath": ldap(ALPINE), "objectName": "ann", "objectType": "user"}
        assert code(shared, "GetPolicy", **given) == INVALID_OPERATION

    def test_what_is_missing_or_unknown(self, shared: Site) -> None:
        for given, text in (
            ({"objectType": "user", "objectName": "x"}, "The required argument containerPath was not supplied."),
            ({"objectType": "user", "containerPath": ldap(ALPINE)}, "The required argument objectName was not supplied."),
            ({"objectName": "x", "containerPath": ldap(ALPINE)}, "The required argument objectType was not supplied."),
            ({"objectType": "user", "objectPath": ldap(JOHN), "policyName": "no"}, "There is no policy 'no'."),
        ):
            error = shared.submit("GetPolicy", DOMAIN_ADMIN, given, AD).error
            assert error is not None
            assert (error.code, error.description) == (Code.E_INVALIDARG, text)

    def test_of_another_organization(self, shared: Site) -> None:
        given = {"policyName": "reseller", "containerPath": ldap(MESSENGER), "objectName": "ann", "objectType": "user"}
        assert code(shared, "GetPolicy", ALPINE_ADMIN, **given) == Code.E_ACCESSDENIED


class TestCapacity:
    def members(self, site: Site, dn: str) -> set[str]:
        return {str(value) for value in site.read(dn).values("member")}

    def test_members_are_shared_among_groups(self, site: Site) -> None:
        before = self.members(site, ALL_USERS)
        assert len(before) == 2
        place = f"CN=UserN,CN=MultiGroup,CN=_Private,{ALPINE}"
        assert call(site, "GetWin2KCapacityExpansion", **USERS).findtext("multiplier") == "1"
        assert len(call(site, "GetWin2KCapacityPending", **USERS)) == 0
        call(site, "ExpandWin2KCapacity", multiplier="2", **USERS)
        assert call(site, "GetWin2KCapacityExpansion", **USERS).findtext("multiplier") == "2"
        (pending,) = call(site, "GetWin2KCapacityPending", **USERS)
        assert pending.items() == [("path", site.path(ALL_USERS)), ("container", site.path(place))]
        data = call(site, "DistributeGroupMemberships", **USERS)
        assert [(child.tag, child.text) for child in data] == [("processed", site.path(ALL_USERS))]
        shares = [f"CN=AllUsers@AlpineSkiHouse.{number},{place}" for number in range(2)]
        assert self.members(site, ALL_USERS) == set(shares)
        held = [self.members(site, share) for share in shares]
        assert [len(one) for one in held] == [1, 1]
        assert held[0] | held[1] == before
        assert len(call(site, "GetWin2KCapacityPending", **USERS)) == 0
        assert len(call(site, "DistributeGroupMemberships", **USERS)) == 0

    def test_the_members_are_still_members(self, site: Site) -> None:
        call(site, "ExpandWin2KCapacity", multiplier="4", **USERS)
        call(site, "DistributeGroupMemberships", **USERS)
        john = Caller("johnc@alpineskihouse.com")
        result = site.submit("GetCallerUIRoles", john, {"hostingPath": ldap(HOSTING)}, "Managed Hosting")
        assert etree.fromstring(result.document).findtext("data/highestUiRole") == "0000"

    def test_a_new_user_is_pending_and_goes_to_all_groups_of_a_greater_number(self, site: Site) -> None:
        call(site, "ExpandWin2KCapacity", multiplier="2", **USERS)
        call(site, "DistributeGroupMemberships", **USERS)
        call(site, "ExpandWin2KCapacity", multiplier="4", **USERS)
        upn = "ann@alpineskihouse.com"
        call(site, "CreateUser", container=ldap(ALPINE), userPrincipalName=upn, policyName="customer")
        assert len(call(site, "GetWin2KCapacityPending", **USERS)) == 1
        call(site, "DistributeGroupMemberships", **USERS)
        assert len(self.members(site, ALL_USERS)) == 4

    def test_each_group_that_gathers_organizations_in_its_turn(self, site: Site) -> None:
        hosting = {"organization": ldap(HOSTING), "capacityType": "ChildOrgN"}
        call(site, "ExpandWin2KCapacity", DOMAIN_ADMIN, multiplier="2", **hosting)
        pending = {one.get("path") for one in call(site, "GetWin2KCapacityPending", DOMAIN_ADMIN, **hosting)}
        assert len(pending) == 3
        while pending:
            data = call(site, "DistributeGroupMemberships", DOMAIN_ADMIN, **hosting)
            pending.remove(data.findtext("processed"))
            assert {one.get("path") for one in data.iterfind("pending")} == pending

    def test_a_multiplier_that_is_not_greater(self, site: Site) -> None:
        call(site, "ExpandWin2KCapacity", multiplier="4", **USERS)
        before = site.snapshot()
        for multiplier in ("2", "4"):
            assert code(site, "ExpandWin2KCapacity", multiplier=multiplier, **USERS) == INVALID_OPERATION
        assert site.snapshot() == before

    @pytest.mark.parametrize("multiplier", ["1", "3", "4096"])
    def test_a_multiplier_that_is_no_power_of_two(self, shared: Site, multiplier: str) -> None:
        assert code(shared, "ExpandWin2KCapacity", multiplier=multiplier, **USERS) == Code.E_INVALIDARG

    def test_what_is_no_organization(self, shared: Site) -> None:
        given = {"organization": ldap(JOHN), "capacityType": "UserN"}
        assert code(shared, "ExpandWin2KCapacity", multiplier="2", **given) == INVALID_OPERATION
        assert code(shared, "GetWin2KCapacityExpansion", **given) == INVALID_OPERATION

    @pytest.mark.parametrize(
        "procedure", ["GetWin2KCapacityExpansion", "GetWin2KCapacityPending", "DistributeGroupMemberships"]
    )
    def test_by_administrators_of_the_organization(self, shared: Site, procedure: str) -> None:
        given = {"organization": ldap(MESSENGER), "capacityType": "UserN"}
        assert code(shared, procedure, ALPINE_ADMIN, **given) == Code.E_ACCESSDENIED
