"""Organizations: created, changed, renamed, deleted; objects moved between them; by whom, and what is left on failure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from lxml import etree

from mpf_core import Caller, MpfError
from mpf_core.errors import Code
from mpf_core.transaction.states import StepState
from mpf_directory.dn import Dn
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    BASE,
    DOMAIN_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)
from tests.namespaces.test_rollback import INJECTED, FailAt

AD = "Managed Active Directory"
HOSTING_ADMIN = Caller("admin@hosting.fabrikam.com")
LITWARE_ADMIN = Caller("admin@litwareinc.com")
PROSEWARE = f"OU=Proseware,{MESSENGER}"
INVALID_OPERATION = 0x80131509
CUSTOMER = {"name": "Proseware", "container": ldap(MESSENGER), "policyName": "customer"}


def call(site: Site, procedure: str, caller: Caller = MESSENGER_ADMIN, /, **arguments: str) -> etree._Element:
    result = site.submit(procedure, caller, arguments, AD)
    assert result.error is None, result.document.decode()
    data = etree.fromstring(result.document).find("data")
    assert data is not None
    return data


def refused(site: Site, procedure: str, caller: Caller = MESSENGER_ADMIN, /, **arguments: str) -> MpfError:
    before = site.snapshot()
    result = site.submit(procedure, caller, arguments, AD)
    assert result.error is not None, result.document.decode()
    assert site.snapshot() == before
    return result.error


def with_properties(site: Site, procedure: str, properties: str, caller: Caller, **arguments: str) -> MpfError | None:
    """A request whose properties are elements."""
    given = "".join(f"<{name}>{value}</{name}>" for name, value in arguments.items())
    request = (
        f'<request><procedure><execute namespace="{AD}" procedure="{procedure}" impersonate="1"><executeData>{given}'
        f"<properties>{properties}</properties></executeData></execute></procedure></request>"
    )
    return site.engine.execute(request, caller).error


def groups(data: etree._Element) -> dict[str | None, str | None]:
    return {group.get("name"): group.get("samName") for group in data.iter("group")}


class TestCreateOrganization:
    def test_it_says_what_it_made_as_documented(self, site: Site) -> None:
        data = call(site, "CreateOrganization", **CUSTOMER)
        assert [child.tag for child in data] == ["org"]
        org = data[0]
        assert (org.get("path"), org.get("name")) == (site.path(PROSEWARE), "Proseware")
        assert [child.tag for child in org] == ["orgs", "groups"]
        assert org.find("orgs/org").get("name") == "_Private"  # type: ignore[union-attr]
        assert groups(data) == {
            "Admins@Proseware": "A@Proseware",
            "CSRAdmins@Proseware": "CA@Proseware",
            "AllUsers@Proseware": "AU@Proseware",
        }
        for element in data.iter("org", "group"):
            path = str(element.get("path"))
            assert path == site.path(path.removeprefix(f"LDAP://{site.server}/"))

    def test_a_reseller_has_a_group_of_its_customers(self, site: Site) -> None:
        reseller = {"name": "Reseller1", "container": ldap(HOSTING), "policyName": "reseller"}
        assert (
            groups(call(site, "CreateOrganization", HOSTING_ADMIN, **reseller))["AllCustomers@Reseller1"] == "AC@Reseller1"
        )

    def test_its_administrators_have_their_role_at_once(self, site: Site) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        admins = f"CN=Admins@Proseware,{PROSEWARE}"
        call(site, "GroupAdd", group=ldap(admins), newMember=ldap(JOHN))
        john = Caller("johnc@alpineskihouse.com")
        assert site.submit("GetOrgType", john, {"path": ldap(PROSEWARE)}, "Managed Hosting").error is None

    def test_without_a_policy_it_is_a_plain_unit(self, site: Site) -> None:
        data = call(site, "CreateOrganization", MESSENGER_ADMIN, name="Sales", container=ldap(ALPINE))
        assert len(data[0]) == 0
        entry = site.read(f"OU=Sales,{ALPINE}")
        assert not entry.values("otherWellKnownObjects")

    def test_description_and_properties(self, site: Site) -> None:
        given = {**CUSTOMER, "description": "Toys", "preferredDomainController": site.server}
        suffix = '<property name="uPNSuffixes"><value>proseware.com</value></property>'
        assert with_properties(site, "CreateOrganization", suffix, MESSENGER_ADMIN, **given) is None
        assert site.read(PROSEWARE).text("description") == "Toys"
        assert site.read(PROSEWARE).values("uPNSuffixes") == ("proseware.com",)

    @pytest.mark.parametrize("name", ["otherWellKnownObjects", "OTHERWELLKNOWNOBJECTS"])
    def test_who_administers_it_is_no_property(self, site: Site, name: str) -> None:
        value = f'<property name="{name}"><value>B:32:65F37ECB46704F0E9300E1FB48E1096E:{JOHN}</value></property>'
        error = with_properties(site, "CreateOrganization", value, MESSENGER_ADMIN, **CUSTOMER)
        assert error is not None
        assert error.code == Code.E_INVALIDARG
        assert site.find(PROSEWARE) is None

    def test_a_name_that_has_to_be_escaped(self, site: Site) -> None:
        call(site, "CreateOrganization", **{**CUSTOMER, "name": "Toys, + Co=1"})
        unit = str(Dn.parse(MESSENGER).child("OU", "Toys, + Co=1"))
        pointers = site.read(unit).values("otherWellKnownObjects")
        assert f"B:32:CC016CF08DEF4EA4A05C9C54B198785A:{site.read(unit).dn}" in pointers
        call(site, "DeleteOrganization", org=ldap(unit))

    def test_a_second_one_of_the_name(self, site: Site) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        assert refused(site, "CreateOrganization", **CUSTOMER).code == Code.OBJECT_ALREADY_EXISTS

    def test_account_names_that_are_taken_are_chosen_otherwise(self, site: Site) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        elsewhere = {**CUSTOMER, "container": ldap(f"OU=Litware,{HOSTING}")}
        chosen = groups(call(site, "CreateOrganization", LITWARE_ADMIN, **elsewhere))
        assert chosen["Admins@Proseware"] not in {None, "A@Proseware"}

    @pytest.mark.parametrize(
        ("container", "policy"),
        [(HOSTING, "customer"), (ALPINE, "customer"), (MESSENGER, "reseller"), (BASE, "reseller"), (HOSTING, "hosting")],
    )
    def test_the_container_must_suit_the_policy(self, site: Site, container: str, policy: str) -> None:
        arguments = {"name": "Proseware", "container": ldap(container), "policyName": policy}
        error = refused(site, "CreateOrganization", DOMAIN_ADMIN, **arguments)
        assert error.code == INVALID_OPERATION
        assert f"does not correspond to the policy '{policy}'." in error.description

    def test_the_hosting_organization_has_one_name_only(self, site: Site) -> None:
        arguments = {"name": "Second", "container": ldap(BASE), "policyName": "hosting"}
        assert refused(site, "CreateOrganization", DOMAIN_ADMIN, **arguments).code == INVALID_OPERATION

    def test_an_unknown_policy(self, site: Site) -> None:
        error = refused(site, "CreateOrganization", **{**CUSTOMER, "policyName": "franchise"})
        assert (error.code, error.description) == (Code.E_INVALIDARG, "There is no policy 'franchise'.")

    @pytest.mark.parametrize("name", ["name", "container"])
    def test_a_required_argument_is_missing(self, site: Site, name: str) -> None:
        error = refused(site, "CreateOrganization", **{key: value for key, value in CUSTOMER.items() if key != name})
        assert (error.code, error.description) == (Code.E_INVALIDARG, f"The required argument {name} was not supplied.")

    @pytest.mark.parametrize("caller", [MESSENGER_ADMIN, HOSTING_ADMIN, DOMAIN_ADMIN], ids=lambda caller: caller.name)
    def test_who_may(self, site: Site, caller: Caller) -> None:
        call(site, "CreateOrganization", caller, **CUSTOMER)

    @pytest.mark.parametrize(
        "caller", [ALPINE_ADMIN, LITWARE_ADMIN, Caller("johnc@alpineskihouse.com")], ids=lambda caller: caller.name
    )
    def test_who_may_not(self, site: Site, caller: Caller) -> None:
        assert refused(site, "CreateOrganization", caller, **CUSTOMER).code == Code.E_ACCESSDENIED


class TestModifyOrganization:
    PROPERTY = '<property name="description">Winter sports</property>'

    def test_it_changes_attributes_of_the_unit(self, site: Site) -> None:
        assert with_properties(site, "ModifyOrganization", self.PROPERTY, MESSENGER_ADMIN, org=ldap(ALPINE)) is None
        assert site.read(ALPINE).text("description") == "Winter sports"

    def test_what_is_no_organization(self, site: Site) -> None:
        error = with_properties(site, "ModifyOrganization", self.PROPERTY, MESSENGER_ADMIN, org=ldap(JOHN))
        assert error is not None
        assert error.code == INVALID_OPERATION

    def test_who_administers_it_is_no_property(self, site: Site) -> None:
        before = site.snapshot()
        value = '<property name="otherWellKnownObjects" mode="clear"/>'
        error = with_properties(site, "ModifyOrganization", value, MESSENGER_ADMIN, org=ldap(ALPINE))
        assert error is not None
        assert error.code == Code.E_INVALIDARG
        assert site.snapshot() == before

    @pytest.mark.parametrize("caller", [ALPINE_ADMIN, LITWARE_ADMIN], ids=lambda caller: caller.name)
    def test_who_may_not(self, site: Site, caller: Caller) -> None:
        error = with_properties(site, "ModifyOrganization", self.PROPERTY, caller, org=ldap(ALPINE))
        assert error is not None
        assert error.code == Code.E_ACCESSDENIED


NOT_GIVEN = [
    "nTSecurityDescriptor",
    "gPLink",
    "gPOptions",
    "wellKnownObjects",
    "objectClass",
    "userPassword",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "otherWellKnownObjects;binary",
    " otherWellKnownObjects",
    "otherWellKnownObjects ",
    "1.2.840.113556.1.4.1359",
    "uPNSuffixes;lang-de",
]


@pytest.mark.parametrize("name", NOT_GIVEN)
@pytest.mark.parametrize("procedure", ["CreateOrganization", "ModifyOrganization"])
def test_properties_that_organizations_are_not_given(site: Site, procedure: str, name: str) -> None:
    before = site.snapshot()
    value = f'<property name="{name}"><value>{ALPINE}</value></property>'
    given = CUSTOMER if procedure == "CreateOrganization" else {"org": ldap(ALPINE)}
    error = with_properties(site, procedure, value, DOMAIN_ADMIN, **given)
    assert error is not None
    assert error.code == Code.E_INVALIDARG
    assert site.snapshot() == before


@pytest.mark.parametrize(
    "suffix",
    [
        "\uff46abrikam.example",
        "a_b.example",
        "example..com",
        ".example",
        "x y.example",
        "x\u200b.example",
        "\u017fhop.example",
    ],
)
def test_a_suffix_is_a_domain_name(site: Site, suffix: str) -> None:
    value = f'<property name="uPNSuffixes" mode="append"><value>{suffix}</value></property>'
    error = with_properties(site, "ModifyOrganization", value, DOMAIN_ADMIN, org=ldap(ALPINE))
    assert error is not None
    assert error.code == Code.E_INVALIDARG


class TestRenameOrganization:
    def test_its_groups_are_renamed_too_and_everything_still_points_at_them(self, site: Site) -> None:
        data = call(site, "RenameOrganization", org=ldap(ALPINE), newName="Wingtip")
        wingtip = f"OU=Wingtip,{MESSENGER}"
        assert [(child.tag, child.text) for child in data] == [("path", site.path(wingtip))]
        for name in (
            f"CN=Admins@Wingtip,{wingtip}",
            f"CN=CSRAdmins@Wingtip,{wingtip}",
            f"CN=AllUsers@Wingtip,CN=_Private,{wingtip}",
        ):
            assert site.find(name) is not None, name
        assert site.read(f"CN=Admins@Wingtip,{wingtip}").text("sAMAccountName") == "A@AlpineSkiHouse"
        policy = {"policyName": "customer", "containerPath": ldap(wingtip), "objectName": "x", "objectType": "user"}
        data = call(site, "GetPolicy", ALPINE_ADMIN, **policy)
        assert data.find("user/memberships/membership").get("name") == "AllUsers@Wingtip"  # type: ignore[union-attr]

    def test_a_plain_unit(self, site: Site) -> None:
        call(site, "CreateOrganization", name="Sales", container=ldap(ALPINE))
        call(site, "RenameOrganization", org=ldap(f"OU=Sales,{ALPINE}"), newName="Marketing")
        assert site.find(f"OU=Marketing,{ALPINE}") is not None

    def test_a_name_that_is_taken(self, site: Site) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        assert refused(site, "RenameOrganization", org=ldap(ALPINE), newName="Proseware").code == Code.OBJECT_ALREADY_EXISTS

    def test_the_hosting_unit_keeps_its_name(self, site: Site) -> None:
        assert refused(site, "RenameOrganization", DOMAIN_ADMIN, org=ldap(HOSTING), newName="New").code == INVALID_OPERATION

    @pytest.mark.parametrize("caller", [ALPINE_ADMIN, LITWARE_ADMIN], ids=lambda caller: caller.name)
    def test_who_may_not(self, site: Site, caller: Caller) -> None:
        assert refused(site, "RenameOrganization", caller, org=ldap(ALPINE), newName="New").code == Code.E_ACCESSDENIED


class TestDeleteOrganization:
    def test_an_empty_one_goes_with_its_groups_and_containers(self, site: Site) -> None:
        before = site.snapshot()
        call(site, "CreateOrganization", **CUSTOMER)
        assert len(call(site, "DeleteOrganization", org=ldap(PROSEWARE))) == 0
        assert site.snapshot() == before

    @pytest.mark.parametrize("organization", [ALPINE, MESSENGER])
    def test_one_that_holds_users_or_organizations(self, site: Site, organization: str) -> None:
        error = refused(site, "DeleteOrganization", HOSTING_ADMIN, org=ldap(organization))
        assert error.code == INVALID_OPERATION
        assert "still holds users or organizations, for example '" in error.description

    def test_one_that_holds_a_plain_unit_only(self, site: Site) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        call(site, "CreateOrganization", name="Sales", container=ldap(PROSEWARE))
        assert "OU=Sales" in refused(site, "DeleteOrganization", org=ldap(PROSEWARE)).description

    def test_one_that_still_has_a_sip_domain(self, site: Site) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        site.succeed("CreateSipDomain", MESSENGER_ADMIN, organization=ldap(PROSEWARE), address="proseware.com")
        error = refused(site, "DeleteOrganization", org=ldap(PROSEWARE))
        assert error.code == INVALID_OPERATION
        assert "CN=proseware.com,CN=SIPDomains" in error.description

    @pytest.mark.parametrize("what", [JOHN, f"CN=_Private,{ALPINE}"])
    def test_what_is_no_organization(self, site: Site, what: str) -> None:
        assert refused(site, "DeleteOrganization", org=ldap(what)).code == INVALID_OPERATION

    def test_one_that_is_not_there(self, site: Site) -> None:
        assert refused(site, "DeleteOrganization", DOMAIN_ADMIN, org=ldap(PROSEWARE)).code == Code.NO_SUCH_OBJECT

    @pytest.mark.parametrize("caller", [ALPINE_ADMIN, LITWARE_ADMIN], ids=lambda caller: caller.name)
    def test_who_may_not(self, site: Site, caller: Caller) -> None:
        call(site, "CreateOrganization", **CUSTOMER)
        assert refused(site, "DeleteOrganization", caller, org=ldap(PROSEWARE)).code == Code.E_ACCESSDENIED


class TestMoveObject:
    def test_between_organizations_of_the_caller(self, site: Site) -> None:
        assert len(call(site, "MoveObject", object=ldap(JOHN), destinationContainer=ldap(MESSENGER))) == 0
        assert site.find(f"CN=Johnc@AlpineSkiHouse.com,{MESSENGER}") is not None

    @pytest.mark.parametrize("destination", [MESSENGER, OTHER_CUSTOMER])
    def test_both_must_be_the_callers(self, site: Site, destination: str) -> None:
        given = {"object": ldap(JOHN), "destinationContainer": ldap(destination)}
        assert refused(site, "MoveObject", ALPINE_ADMIN, **given).code == Code.E_ACCESSDENIED

    def test_an_organization_stays_where_it_is(self, site: Site) -> None:
        given = {"object": ldap(ALPINE), "destinationContainer": ldap(f"OU=Litware,{HOSTING}")}
        error = refused(site, "MoveObject", HOSTING_ADMIN, **given)
        assert (error.code, "cannot be moved" in error.description) == (INVALID_OPERATION, True)


class TestMovingSipUsers:
    """The domain of a SIP user's address belongs to the organization, so the user stays in it."""

    @pytest.fixture
    def enabled(self, site: Site) -> Site:
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address="alpineskihouse.com")
        site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        site.succeed("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI="sip:johnc@alpineskihouse.com")
        return site

    @pytest.mark.parametrize("destination", [MESSENGER, f"CN=Users,{BASE}"])
    def test_out_of_the_organization(self, enabled: Site, destination: str) -> None:
        error = refused(enabled, "MoveObject", DOMAIN_ADMIN, object=ldap(JOHN), destinationContainer=ldap(destination))
        assert error.code == INVALID_OPERATION
        assert error.description == (
            f"'{enabled.read(JOHN).dn}' is a user of Office Communications Server, whose SIP address belongs to the "
            "organization. Call DeleteSipUser before the move."
        )

    def test_with_the_unit_around_it(self, enabled: Site) -> None:
        unit = enabled.add_unit(ALPINE, "Instructors")
        call(enabled, "MoveObject", object=ldap(JOHN), destinationContainer=ldap(unit))
        given = {"object": ldap(unit), "destinationContainer": ldap(MESSENGER)}
        assert refused(enabled, "MoveObject", DOMAIN_ADMIN, **given).code == INVALID_OPERATION

    def test_once_it_is_none(self, enabled: Site) -> None:
        enabled.succeed("DeleteSipUser", user=ldap(JOHN))
        call(enabled, "MoveObject", object=ldap(JOHN), destinationContainer=ldap(MESSENGER))


#: Every write procedure, with what makes the state before it, and how it is called.
CASES: dict[str, tuple[list[tuple[str, Mapping[str, str]]], Mapping[str, str]]] = {
    "CreateOrganization": ([], {**CUSTOMER, "description": "Toys"}),
    "RenameOrganization": ([], {"org": ldap(ALPINE), "newName": "Wingtip"}),
    "DeleteOrganization": ([("CreateOrganization", CUSTOMER)], {"org": ldap(PROSEWARE)}),
    "MoveObject": ([], {"object": ldap(JOHN), "destinationContainer": ldap(MESSENGER)}),
    "ExpandWin2KCapacity": ([], {"organization": ldap(ALPINE), "capacityType": "UserN", "multiplier": "2"}),
    "DistributeGroupMemberships": (
        [("ExpandWin2KCapacity", {"organization": ldap(ALPINE), "capacityType": "UserN", "multiplier": "2"})],
        {"organization": ldap(ALPINE), "capacityType": "UserN"},
    ),
}


@pytest.fixture
def faults() -> FailAt:
    return FailAt()


@pytest.fixture
def faulty(faults: FailAt) -> Iterator[Site]:
    with make_site(faults) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("procedure", CASES)
def test_whichever_call_fails_nothing_is_left(faulty: Site, faults: FailAt, procedure: str) -> None:
    setup, arguments = CASES[procedure]
    for name, given in setup:
        call(faulty, name, DOMAIN_ADMIN, **given)
    before = faulty.snapshot()
    number = 0
    while True:
        number += 1
        faults.arm(number)
        result = faulty.submit(procedure, DOMAIN_ADMIN, arguments, AD)
        if result.error is None:
            break
        assert result.error.code == INJECTED, number
        assert {outcome.state for outcome in result.rollback} <= {StepState.UNDONE, StepState.NOTHING_TO_UNDO}
        assert faulty.snapshot() == before, (number, faults.calls[-1])
    assert number > len(faults.calls) > 5
    assert faulty.snapshot() != before
