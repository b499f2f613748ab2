"""The seeded hosting tree: the names of the public documentation's samples, and what points at what."""

from __future__ import annotations

import pytest

from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.layout import WellKnown
from mpf_directory.ldif import entries_to_ldif
from mpf_directory.port import Entry, Scope
from mpf_directory.seed import seed_hosting_tree
from mpf_directory.seed_ocs import lc_services
from tests.directory.support import replace

CUSTOMER = Dn.parse("OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com")
HOSTING = Dn.parse("OU=Hosting,DC=Fabrikam,DC=Com")


def entry(directory: EmbeddedDirectory, dn: Dn) -> Entry:
    found = directory.read(dn)
    assert found is not None, str(dn)
    return found


def one(directory: EmbeddedDirectory, attribute: str, value: str) -> Entry:
    (found,) = directory.search(directory.base, Scope.SUBTREE, Filter.eq(attribute, value))
    return found


def dump(directory: EmbeddedDirectory) -> str:
    return "".join(entries_to_ldif(directory.search(directory.base, Scope.SUBTREE, Filter.present("objectClass"))))


def test_the_samples_user(hosting: EmbeddedDirectory) -> None:
    user = entry(hosting, CUSTOMER.child("CN", "Johnc@AlpineSkiHouse.com"))
    assert user.text("userPrincipalName") == "johnc@alpineskihouse.com"
    assert user.text("sAMAccountName") == "johnc_AlpineSkiHouse"
    assert hosting.server == "AD01.Fabrikam.com"
    assert str(hosting.base) == "DC=Fabrikam,DC=Com"
    assert hosting.verify_password(user.dn, "Pass@word1")


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Administrator@fabrikam.com", "CN=Domain Admins,CN=Users,DC=Fabrikam,DC=Com"),
        ("admin@hosting.fabrikam.com", f"CN=Admins@Hosting,{HOSTING}"),
        ("admin@consolidatedmessenger.com", f"CN=Admins@ConsolidatedMessenger,{CUSTOMER.parent}"),
        ("admin@alpineskihouse.com", f"CN=Admins@AlpineSkiHouse,{CUSTOMER}"),
        ("admin@litwareinc.com", f"CN=Admins@Litware,OU=Litware,{HOSTING}"),
        ("admin@fourthcoffee.com", f"CN=Admins@FourthCoffee,OU=FourthCoffee,OU=Litware,{HOSTING}"),
        ("MPFServiceAcct@fabrikam.com", "CN=MPFServiceAccts,CN=Users,DC=Fabrikam,DC=Com"),
    ],
)
def test_each_account_is_in_its_group(hosting: EmbeddedDirectory, name: str, group: str) -> None:
    assert group in one(hosting, "userPrincipalName", name).values("memberOf")


@pytest.mark.parametrize("organization", layout.ORGANIZATIONS, ids=lambda organization: organization.name)
def test_every_organization_points_at_what_it_has(hosting: EmbeddedDirectory, organization: layout.Organization) -> None:
    own = organization.dn(hosting.base)
    found = {}
    for value in entry(hosting, own).values("otherWellKnownObjects"):
        _, _, guid, name = str(value).split(":", 3)
        assert hosting.read(Dn.parse(name)) is not None
        found[WellKnown(guid)] = Dn.parse(name)
    private = own.child("CN", "_Private")
    expected = {
        WellKnown.SERVICES: private.child("CN", "Services"),
        WellKnown.PRIVATE: private,
        WellKnown.ORG_TYPE: HOSTING.child("CN", "_Private").child("CN", "WatOrgTypes").child("CN", organization.kind.value),
        WellKnown.CHILD_ORG_CREATORS: own.child("CN", f"CSRAdmins@{organization.name}"),
        WellKnown.USER_CREATORS: own.child("CN", f"Admins@{organization.name}"),
        WellKnown.THIS_ORG: own,
    }
    if organization.name != "Hosting":
        expected[WellKnown.OWNING_ORG] = own.parent or own
    assert found == expected
    assert hosting.read(private.child("CN", "Services").child("CN", "SIPDomains")) is not None
    assert hosting.read(private.child("CN", f"AllUsers@{organization.name}")) is not None


@pytest.mark.parametrize(
    "name",
    [
        "CN=SharedPools,CN=Services,CN=_Private",
        "CN=WatUIPermissions,CN=_Private",
        "CN=6000,CN=WatUIPermissions,CN=_Private",
        "CN=AllUsersGroup,CN=_Private",
        "CN=AllResellerAdminsGroups,CN=_Private",
        "CN=AllResellerCSRAdminsGroups,CN=_Private",
        "CN=AllCustomers@Litware,CN=_Private,OU=Litware",
    ],
)
def test_the_hosting_organization_has_more(hosting: EmbeddedDirectory, name: str) -> None:
    entry(hosting, Dn.parse(f"{name},{HOSTING}"))


def test_groups_gather_others(hosting: EmbeddedDirectory) -> None:
    private = HOSTING.child("CN", "_Private")
    assert len(entry(hosting, private.child("CN", "AllUsersGroup")).values("member")) == len(layout.ORGANIZATIONS)
    admins = entry(hosting, private.child("CN", "AllResellerAdminsGroups")).values("member")
    assert set(admins) == {f"CN=Admins@{name},OU={name},{HOSTING}" for name in ("ConsolidatedMessenger", "Litware")}


@pytest.mark.parametrize("name", ["pool01", "pool02"])
def test_pools(hosting: EmbeddedDirectory, name: str) -> None:
    pool = one(hosting, "dNSHostName", f"{name}.fabrikam.com")
    assert pool.dn.rdn.value == name
    assert pool.values("objectClass")[-1] == "msRTCSIP-Pool"
    assert pool.text("msRTCSIP-PoolVersion") == "3"
    assert pool.text("msRTCSIP-PoolFunctionality") == "2"
    service = entry(hosting, lc_services(hosting.base, name))
    assert str(service.dn) == (
        f"CN=LC Services,CN=Microsoft,CN={name},CN=Pools,CN=RTC Service,CN=Microsoft,CN=System,DC=Fabrikam,DC=Com"
    )
    assert service.values("objectClass")[-1] == "msRTCSIP-PoolService"
    front_ends = service.values("msRTCSIP-FrontEndServers")
    assert front_ends
    for front_end in front_ends:
        assert entry(hosting, Dn.parse(str(front_end))).text("msRTCSIP-PoolAddress") == str(service.dn)


def test_policies(hosting: EmbeddedDirectory) -> None:
    found = list(hosting.search(hosting.base, Scope.SUBTREE, Filter.eq("objectClass", "msRTCSIP-GlobalUserPolicy")))
    kinds = sorted(str(policy.text("msRTCSIP-PolicyType")) for policy in found)
    assert kinds == ["meeting", "meeting", "telephony"]
    assert all("<instance><property name=" in (policy.text("msRTCSIP-PolicyContent") or "") for policy in found)


def test_seeding_again_changes_nothing(hosting: EmbeddedDirectory) -> None:
    before = dump(hosting)
    seed_hosting_tree(hosting)
    assert dump(hosting) == before


def test_seeding_adds_what_is_missing(hosting: EmbeddedDirectory) -> None:
    user = CUSTOMER.child("CN", "Johnc@AlpineSkiHouse.com")
    hosting.delete(user)
    seed_hosting_tree(hosting)
    assert f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{CUSTOMER}" in entry(hosting, user).values("memberOf")


def test_a_pool_that_was_deleted_gets_its_front_ends_back(hosting: EmbeddedDirectory) -> None:
    home = lc_services(hosting.base, "pool02")
    hosting.delete(home)
    seed_hosting_tree(hosting)
    assert len(entry(hosting, home).values("msRTCSIP-FrontEndServers")) == 1


def test_seeding_leaves_what_was_changed(hosting: EmbeddedDirectory) -> None:
    administrator = one(hosting, "userPrincipalName", "Administrator@fabrikam.com").dn
    settings = one(hosting, "objectClass", "msRTCSIP-GlobalContainer").dn
    hosting.modify(administrator, [replace("userPrincipalName", "root@fabrikam.com")])
    hosting.modify(settings, [replace("msRTCSIP-MeetingFlags", "0")])
    seed_hosting_tree(hosting)
    assert entry(hosting, administrator).text("userPrincipalName") == "root@fabrikam.com"
    assert entry(hosting, settings).text("msRTCSIP-MeetingFlags") == "0"


def test_no_account_has_a_password_unless_one_is_given(hosting: EmbeddedDirectory) -> None:
    administrator = one(hosting, "userPrincipalName", "Administrator@fabrikam.com").dn
    assert not hosting.verify_password(administrator, "Pass@word1")
    assert not hosting.verify_password(administrator, "")
