"""SIP users: CreateSipUser, SetSipUserProperties, GetSipUserProperties, DeleteSipUser."""

from __future__ import annotations

import pytest

from bench.ldap_operations import COSTS
from mpf_core import Caller
from mpf_directory.seed import share_pools
from tests.counting import counted
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    POOL1,
    POOL2,
    Site,
    ldap,
)

URI = "sip:johnc@alpineskihouse.com"
MINIMUM = {"enabled": "true", "primaryURI": URI}


@pytest.fixture
def ready(site: Site) -> Site:
    """An organization with a SIP domain and a pool."""
    site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
    share_pools(site.directory)
    site.succeed("SetPoolAssignment", site.domain_admin, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    return site


def create(site: Site, **arguments: str) -> None:
    data = site.succeed("CreateSipUser", user=ldap(JOHN), **{**MINIMUM, **arguments})
    assert len(data) == 0


def properties(site: Site) -> dict[str, str | None]:
    data = site.succeed("GetSipUserProperties", user=ldap(JOHN))
    return {str(child.tag): child.text for child in data}


class TestCreateSipUser:
    def test_homes_the_user_on_the_pool_of_the_organization(self, ready: Site) -> None:
        create(ready)
        user = ready.read(JOHN)
        assert user.text("msRTCSIP-PrimaryUserAddress") == URI
        assert user.text("msRTCSIP-UserEnabled") == "TRUE"
        assert user.text("msRTCSIP-PrimaryHomeServer") == ready.read(POOL1).text("distinguishedName")
        assert URI in user.values("proxyAddresses")

    def test_or_on_the_home_server_that_is_given(self, ready: Site) -> None:
        create(ready, homeServerDN=POOL2)
        assert ready.read(JOHN).text("msRTCSIP-PrimaryHomeServer") == ready.read(POOL2).text("distinguishedName")

    def test_a_given_home_server_needs_no_assignment(self, ready: Site) -> None:
        ready.succeed("DeletePoolAssignment", organization=ldap(ALPINE))
        create(ready, homeServerDN=POOL2)

    def test_without_either_it_says_what_is_missing(self, ready: Site) -> None:
        ready.succeed("DeletePoolAssignment", organization=ldap(ALPINE))
        error = ready.fail("CreateSipUser", user=ldap(JOHN), **MINIMUM)
        assert error.code == 0x80131509
        assert error.description == (
            f"No home server was given and no pool is assigned to the organization '{ready.path(ALPINE)}'."
        )

    def test_passes_every_property_on(self, ready: Site) -> None:
        flags = {
            "enabledForEnhancedPresence": "true",
            "enabledForFederation": "1",
            "enabledForInternetAccess": "true",
            "publicNetworkEnabled": "true",
            "allowOrganizeMeetingWithAnonymousParticipants": "true",
            "ucEnabled": "true",
        }
        create(ready, **flags)
        found = properties(ready)
        assert {name: found[name] for name in flags} == dict.fromkeys(flags, "true")

    def test_a_domain_of_the_parent_will_do(self, ready: Site) -> None:
        ready.succeed("CreateSipDomain", MESSENGER_ADMIN, organization=ldap(MESSENGER), address="messenger.com")
        create(ready, primaryURI="sip:johnc@messenger.com")

    @pytest.mark.parametrize("domain", ["nobody.example", "other.com", "sub.alpineskihouse.com"])
    def test_any_other_domain_is_refused(self, ready: Site, domain: str) -> None:
        ready.succeed("CreateSipDomain", ready.domain_admin, organization=ldap(OTHER_CUSTOMER), address="other.com")
        before = ready.snapshot()
        error = ready.fail("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI=f"sip:johnc@{domain}")
        assert error.code == 0x80131509
        assert error.description == f"The specified SIP domain '{domain}' does not belong to '{ready.path(ALPINE)}'."
        assert ready.snapshot() == before

    @pytest.mark.parametrize(
        "uri",
        ["johnc@alpineskihouse.com", "sip:alpineskihouse.com", "sip:@alpineskihouse.com", "sip:a b@alpineskihouse.com",
         "sip:johnc@0.0.0.0", "sip:johnc@230.1.1.1", "sip:johnc@localhost", "sip:a@b@alpineskihouse.com",
         "tel:johnc@alpineskihouse.com", "sip:johnc@alpineskihouse.com@evil.example"],
    )  # fmt: skip
    def test_an_address_that_is_none_is_refused(self, ready: Site, uri: str) -> None:
        before = ready.snapshot()
        assert ready.fail("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI=uri).code == 0x80070057
        assert ready.snapshot() == before

    def test_an_address_that_is_taken_is_refused(self, ready: Site) -> None:
        create(ready)
        jane = ready.add_user(ALPINE, "jane@alpineskihouse.com")
        error = ready.fail("CreateSipUser", user=ldap(jane), enabled="true", primaryURI="sip:JohnC@AlpineSkiHouse.com")
        assert error.code == 0x80071392

    def test_a_second_time_is_refused(self, ready: Site) -> None:
        create(ready)
        before = ready.snapshot()
        assert ready.fail("CreateSipUser", user=ldap(JOHN), **MINIMUM).code == 0x80071392
        assert ready.snapshot() == before

    def test_a_user_that_does_not_exist_is_named(self, ready: Site) -> None:
        error = ready.fail("CreateSipUser", ready.domain_admin, user=ldap(f"CN=Nobody,{ALPINE}"), **MINIMUM)
        assert error.code == 0x80072030
        assert error.description == (
            f"Unable to open object 'LDAP://{ready.server}/CN=Nobody,{ALPINE}'."
            "/There is no such object on the server./ADsGetObject"
        )

    def test_a_user_outside_of_every_organization_is_refused(self, ready: Site) -> None:
        user = "CN=Administrator,CN=Users,DC=Fabrikam,DC=Com"
        assert ready.fail("CreateSipUser", ready.domain_admin, user=ldap(user), **MINIMUM).code == 0x80072030

    def test_a_user_in_a_unit_below_belongs_to_the_organization(self, ready: Site) -> None:
        user = ready.add_user(ready.add_unit(ALPINE, "Sales, North"), "sales@alpineskihouse.com")
        ready.succeed("CreateSipUser", user=ldap(user), enabled="true", primaryURI="sip:sales@alpineskihouse.com")

    @pytest.mark.parametrize("name", ["user", "preferredDomainController", "enabled", "primaryURI"])
    def test_missing_arguments_have_the_text_of_the_original(self, ready: Site, name: str) -> None:
        arguments = {"user": ldap(JOHN), "preferredDomainController": ready.server, **MINIMUM}
        del arguments[name]
        error = ready.fail_exactly("CreateSipUser", arguments)
        assert (error.code, error.description) == (0x80070057, f"The required argument {name} was not supplied.")

    def test_an_argument_that_does_not_exist_is_refused(self, ready: Site) -> None:
        assert ready.fail("CreateSipUser", user=ldap(JOHN), **MINIMUM, colour="blue").code == 0x80070057


class TestSetSipUserProperties:
    def test_changes_what_is_given_and_nothing_else(self, ready: Site) -> None:
        create(ready, enabledForFederation="true")
        before = properties(ready)
        assert len(ready.succeed("SetSipUserProperties", user=ldap(JOHN), enabled="false")) == 0
        assert properties(ready) == {**before, "enabled": "false"}

    def test_repeating_it_changes_nothing(self, ready: Site) -> None:
        create(ready)
        ready.succeed("SetSipUserProperties", user=ldap(JOHN), homeServerDN=POOL2, ucEnabled="true")
        before = ready.snapshot()
        ready.succeed("SetSipUserProperties", user=ldap(JOHN), homeServerDN=POOL2, ucEnabled="true")
        assert ready.snapshot() == before

    def test_a_new_address_must_be_in_a_domain_of_the_organization(self, ready: Site) -> None:
        create(ready)
        ready.succeed("SetSipUserProperties", user=ldap(JOHN), primaryURI="sip:john@alpineskihouse.com")
        assert properties(ready)["primaryURI"] == "sip:john@alpineskihouse.com"
        error = ready.fail("SetSipUserProperties", user=ldap(JOHN), primaryURI="sip:john@evil.example")
        assert error.code == 0x80131509
        assert properties(ready)["primaryURI"] == "sip:john@alpineskihouse.com"

    def test_an_empty_address_is_no_way_around_that(self, ready: Site) -> None:
        create(ready)
        assert ready.fail("SetSipUserProperties", user=ldap(JOHN), primaryURI="").code == 0x80070057

    def test_a_home_server_must_exist(self, ready: Site) -> None:
        create(ready)
        error = ready.fail(
            "SetSipUserProperties", ready.domain_admin, user=ldap(JOHN), homeServerDN=POOL1.replace("pool01", "pool99")
        )
        assert error.code in {0x80072030, 0x80070057}

    def test_a_user_who_is_not_in_ocs_is_refused(self, ready: Site) -> None:
        assert ready.fail("SetSipUserProperties", user=ldap(JOHN), enabled="true").code == 0x80131509


class TestGetSipUserProperties:
    def test_returns_the_documented_properties_in_order(self, ready: Site) -> None:
        create(ready)
        assert list(properties(ready)) == [
            "enabled",
            "enabledForEnhancedPresence",
            "enabledForFederation",
            "enabledForInternetAccess",
            "homeServerDN",
            "instanceID",
            "primaryURI",
            "publicNetworkEnabled",
            "allowOrganizeMeetingWithAnonymousParticipants",
            "ucEnabled",
        ]

    def test_a_user_who_is_not_in_ocs_is_refused(self, ready: Site) -> None:
        assert ready.fail("GetSipUserProperties", user=ldap(JOHN)).code == 0x80131509


class TestDeleteSipUser:
    def test_leaves_the_user_as_before(self, ready: Site) -> None:
        before = ready.snapshot()
        create(ready, enabledForFederation="true")
        assert len(ready.succeed("DeleteSipUser", user=ldap(JOHN))) == 0
        assert ready.snapshot() == before

    def test_a_second_time_is_refused(self, ready: Site) -> None:
        create(ready)
        ready.succeed("DeleteSipUser", user=ldap(JOHN))
        assert ready.fail("DeleteSipUser", user=ldap(JOHN)).code == 0x80131509


class TestDelegation:
    def test_an_administrator_may_do_it_in_the_own_organization_only(self, ready: Site) -> None:
        foreign = ready.add_user(OTHER_CUSTOMER, "eve@other.example")
        error = ready.fail("CreateSipUser", ALPINE_ADMIN, user=ldap(foreign), **MINIMUM)
        assert error.code == 0x80070005

    def test_a_reseller_may_do_it_for_the_customers(self, ready: Site) -> None:
        ready.succeed("CreateSipUser", MESSENGER_ADMIN, user=ldap(JOHN), **MINIMUM)

    def test_pools_are_for_domain_administrators(self, ready: Site) -> None:
        error = ready.fail("GetPools", ALPINE_ADMIN)
        assert (error.code, error.description) == (0x80070057, "Insufficient Privilege! Not Domain Administrator.")

    def test_the_hosting_unit_is_not_a_customers(self, ready: Site) -> None:
        error = ready.fail("CreateSipDomain", ALPINE_ADMIN, organization=ldap(HOSTING), address="grab.example")
        assert error.code == 0x80070005


@pytest.mark.parametrize("procedure", ["CreateSipUser", "SetSipUserProperties", "GetSipUserProperties", "DeleteSipUser"])
@pytest.mark.parametrize("dn", [ALPINE, f"CN=Admins@AlpineSkiHouse,{ALPINE}", f"CN=_Private,{ALPINE}"])
def test_another_object_is_refused_before_anything_is_locked(ready: Site, procedure: str, dn: str) -> None:
    arguments = MINIMUM if procedure == "CreateSipUser" else {}
    with counted(ready.engine) as made:
        error = ready.fail(procedure, user=ldap(dn), **arguments)
    assert (error.code, error.description) == (0x80005004, f"The object '{ldap(dn)}' is no user or contact.")
    assert len(made.take()) <= COSTS["GetSipUserProperties"].taken


class TestAnAddressAtAnIpAddress:
    """``sip:user@10.0.0.1``: documented as valid, and nobody's domain."""

    URI = "sip:johnc@10.0.0.1"
    LONG = f"sip:johnc@{'a' * 60}.alpineskihouse.com"

    @pytest.mark.parametrize("uri", [URI, LONG])
    def test_domain_administrators_give_it(self, ready: Site, uri: str) -> None:
        ready.succeed("CreateSipUser", ready.domain_admin, user=ldap(JOHN), enabled="true", primaryURI=uri)
        assert properties(ready)["primaryURI"] == uri
        ready.succeed("SetSipUserProperties", ready.domain_admin, user=ldap(JOHN), primaryURI="sip:john@10.0.0.2")
        assert properties(ready)["primaryURI"] == "sip:john@10.0.0.2"

    @pytest.mark.parametrize("caller", [ALPINE_ADMIN, MESSENGER_ADMIN], ids=lambda caller: caller.name)
    @pytest.mark.parametrize("uri", [URI, LONG])
    def test_it_belongs_to_no_organization(self, ready: Site, caller: Caller, uri: str) -> None:
        before = ready.snapshot()
        error = ready.fail("CreateSipUser", caller, user=ldap(JOHN), enabled="true", primaryURI=uri)
        domain = uri.partition("@")[2]
        text = f"The specified SIP domain '{domain}' does not belong to '{ready.path(ALPINE)}'."
        assert (error.code, error.description) == (0x80131509, text)
        assert ready.snapshot() == before
        create(ready)
        error = ready.fail("SetSipUserProperties", caller, user=ldap(JOHN), primaryURI=uri)
        assert (error.code, error.description) == (0x80131509, text)

    @pytest.mark.parametrize(
        "uri", ["sip:johnc@0.0.0.0", "sip:johnc@224.0.0.1", "sip:johnc@239.255.255.255", "sip:j@300.1.1.1"]
    )
    def test_the_documented_rule_holds_for_everybody(self, ready: Site, uri: str) -> None:
        for caller in (ready.domain_admin, ALPINE_ADMIN):
            error = ready.fail("CreateSipUser", caller, user=ldap(JOHN), enabled="true", primaryURI=uri)
            assert (error.code, f"The argument 'primaryURI' is '{uri}'" in error.description) == (0x80070057, True)

    def test_no_error_speaks_of_an_argument_that_nobody_gave(self, ready: Site) -> None:
        error = ready.fail("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI="sip:johnc@localhost")
        assert (error.code, "'primaryURI'" in error.description) == (0x80070057, True)
