"""SIP domains: CreateSipDomain, DeleteSipDomain, GetSipDomainsByOrganization, ValidateSipDomainOwnership."""

from __future__ import annotations

import pytest

from mpf_core import Caller
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    HOSTING,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
    pointer,
)

DOMAIN = "alpineskihouse.com"


def create(site: Site, address: str = DOMAIN, organization: str = ALPINE, caller: Caller = ALPINE_ADMIN) -> None:
    site.succeed("CreateSipDomain", caller, organization=ldap(organization), address=address)


class TestCreateSipDomain:
    def test_adds_a_service_pointer_to_the_organization_and_returns_nothing(self, site: Site) -> None:
        data = site.succeed("CreateSipDomain", organization=ldap(ALPINE), address=DOMAIN)
        assert len(data) == 0
        assert site.read(pointer(ALPINE, "SIPDomains", DOMAIN)).values("keywords") == ("SIPDomains",)

    def test_reserves_the_domain_in_lower_case_for_its_owner(self, site: Site) -> None:
        create(site, "AlpineSkiHouse.COM")
        reservation = site.read(pointer(HOSTING, "SIPDomainReservations", DOMAIN))
        assert reservation.text("managedBy") == site.read(ALPINE).text("distinguishedName")
        assert reservation.dn.rdn.value == DOMAIN

    @pytest.mark.parametrize("again", ["alpineskihouse.com", "ALPINESKIHOUSE.com"])
    def test_a_domain_exists_only_once_in_its_organization(self, site: Site, again: str) -> None:
        create(site)
        before = site.snapshot()
        error = site.fail("CreateSipDomain", organization=ldap(ALPINE), address=again)
        assert (error.code, error.description) == (0x80004005, f"The service pointer '{DOMAIN}' exists already.")
        assert site.snapshot() == before

    def test_a_domain_is_globally_unique(self, site: Site) -> None:
        create(site, organization=OTHER_CUSTOMER, caller=site.domain_admin)
        before = site.snapshot()
        error = site.fail("CreateSipDomain", organization=ldap(ALPINE), address="AlpineSkiHouse.com")
        assert error.code == 0x80004005
        assert site.snapshot() == before

    @pytest.mark.parametrize(
        "address",
        ["10.0.0.1", "localhost", "alpine ski.com", "alpineskihouse.com.", ".com", "-a.com", "a-.com", "a..com", "", "ä.com",
         "*.com", "a,b.com", "a.com\n", f"{'a' * 61}.com", "a.c0m,CN=x", "a_b.com"],
    )  # fmt: skip
    def test_an_address_that_is_no_domain_name_is_refused(self, site: Site, address: str) -> None:
        error = site.fail("CreateSipDomain", organization=ldap(ALPINE), address=address)
        assert error.code == 0x80070057

    @pytest.mark.parametrize("address", ["a.b", "x--y.example.com", "1a.2b.c3", f"{'a' * 60}.com", "xn--80ak6aa92e.com"])
    def test_any_domain_name_is_accepted(self, site: Site, address: str) -> None:
        create(site, address)
        assert site.domains(ALPINE) == [(address, "Tenant")]

    def test_an_organization_that_does_not_exist_is_named_by_the_directory(self, site: Site) -> None:
        missing = ldap("OU=Nobody,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com")
        error = site.fail("CreateSipDomain", site.domain_admin, organization=missing, address=DOMAIN)
        assert error.code == 0x80072030

    @pytest.mark.parametrize("name", ["organization", "preferredDomainController", "address"])
    def test_missing_arguments_have_the_text_of_the_original(self, site: Site, name: str) -> None:
        arguments = {"organization": ldap(ALPINE), "preferredDomainController": site.server, "address": DOMAIN}
        del arguments[name]
        error = site.fail_exactly("CreateSipDomain", arguments)
        assert (error.code, error.description) == (0x80070057, f"The required argument {name} was not supplied.")


class TestDeleteSipDomain:
    def test_takes_away_the_pointer_and_the_reservation(self, site: Site) -> None:
        before = site.snapshot()
        create(site)
        assert len(site.succeed("DeleteSipDomain", organization=ldap(ALPINE), address="AlpineSkiHouse.com")) == 0
        assert site.find(pointer(ALPINE, "SIPDomains", DOMAIN)) is None
        assert site.find(pointer(HOSTING, "SIPDomainReservations", DOMAIN)) is None
        create(site, organization=OTHER_CUSTOMER, caller=site.domain_admin)
        site.succeed("DeleteSipDomain", site.domain_admin, organization=ldap(OTHER_CUSTOMER), address=DOMAIN)
        assert {dn: entry for dn, entry in site.snapshot().items() if dn in before} == before

    def test_a_domain_of_another_organization_is_refused_in_the_words_of_the_original(self, site: Site) -> None:
        create(site, organization=OTHER_CUSTOMER, caller=site.domain_admin)
        before = site.snapshot()
        error = site.fail("DeleteSipDomain", organization=ldap(ALPINE), address=DOMAIN)
        assert error.code == 0x80131509
        assert error.description == f"The specified SIP domain '{DOMAIN}' does not belong to '{ldap(ALPINE)}'."
        assert site.snapshot() == before

    def test_a_domain_of_the_parent_is_not_the_tenants_to_delete(self, site: Site) -> None:
        create(site, organization=MESSENGER, caller=MESSENGER_ADMIN)
        assert site.fail("DeleteSipDomain", organization=ldap(ALPINE), address=DOMAIN).code == 0x80131509

    def test_a_domain_that_does_not_exist_belongs_to_nobody(self, site: Site) -> None:
        assert site.fail("DeleteSipDomain", organization=ldap(ALPINE), address=DOMAIN).code == 0x80131509

    def test_a_second_time_fails_and_changes_nothing(self, site: Site) -> None:
        create(site)
        site.succeed("DeleteSipDomain", organization=ldap(ALPINE), address=DOMAIN)
        before = site.snapshot()
        assert site.fail("DeleteSipDomain", organization=ldap(ALPINE), address=DOMAIN).code == 0x80131509
        assert site.snapshot() == before

    def test_a_pointer_that_an_organization_forged_makes_it_no_owner(self, site: Site) -> None:
        create(site, organization=OTHER_CUSTOMER, caller=site.domain_admin)
        site.add_pointer(ALPINE, "SIPDomains", DOMAIN)
        assert site.fail("DeleteSipDomain", organization=ldap(ALPINE), address=DOMAIN).code == 0x80131509
        assert site.fail("ValidateSipDomainOwnership", organization=ldap(ALPINE), address=DOMAIN).code == 0x80131509


class TestGetSipDomainsByOrganization:
    def test_an_empty_collection_without_any(self, site: Site) -> None:
        data = site.succeed("GetSipDomainsByOrganization", organization=ldap(ALPINE))
        assert [child.tag for child in data] == ["sipDomains"]
        assert len(data[0]) == 0

    def test_lists_the_tenants_and_the_parents(self, site: Site) -> None:
        create(site, "b.alpineskihouse.com")
        create(site, "a.alpineskihouse.com")
        create(site, "messenger.com", MESSENGER, MESSENGER_ADMIN)
        create(site, "other.com", OTHER_CUSTOMER, site.domain_admin)
        assert site.domains(ALPINE) == [
            ("a.alpineskihouse.com", "Tenant"),
            ("b.alpineskihouse.com", "Tenant"),
            ("messenger.com", "Parent"),
        ]
        assert site.domains(MESSENGER, MESSENGER_ADMIN) == [("messenger.com", "Tenant")]

    def test_a_reseller_does_not_see_what_is_reserved_for_its_customers(self, site: Site) -> None:
        create(site)
        assert site.domains(MESSENGER, MESSENGER_ADMIN) == []

    def test_the_hosting_organization_may_have_domains_too(self, site: Site) -> None:
        create(site, "hosting.example", HOSTING, site.domain_admin)
        assert site.domains(HOSTING, site.domain_admin) == [("hosting.example", "Tenant")]
        assert site.domains(MESSENGER, MESSENGER_ADMIN) == [("hosting.example", "Parent")]
        site.succeed("DeleteSipDomain", site.domain_admin, organization=ldap(HOSTING), address="hosting.example")
        assert site.domains(MESSENGER, MESSENGER_ADMIN) == []

    def test_names_stand_in_the_documented_order(self, site: Site) -> None:
        create(site)
        data = site.succeed("GetSipDomainsByOrganization", organization=ldap(ALPINE))
        assert [child.tag for child in data.iterfind("sipDomains/sipDomain/*")] == ["address", "owner"]

    def test_a_forged_parent_shows_nothing_of_another_organization(self, site: Site) -> None:
        create(site, "other.com", OTHER_CUSTOMER, site.domain_admin)
        site.set_parent(ALPINE, OTHER_CUSTOMER)
        assert site.domains(ALPINE) == []
        assert site.fail("ValidateSipDomainOwnership", organization=ldap(ALPINE), address="other.com").code == 0x80131509


class TestValidateSipDomainOwnership:
    def test_tenant(self, site: Site) -> None:
        create(site)
        data = site.succeed("ValidateSipDomainOwnership", organization=ldap(ALPINE), address="AlpineSkiHouse.com")
        assert [(child.tag, child.text) for child in data] == [("owner", "Tenant")]

    def test_parent(self, site: Site) -> None:
        create(site, "messenger.com", MESSENGER, MESSENGER_ADMIN)
        data = site.succeed("ValidateSipDomainOwnership", organization=ldap(ALPINE), address="messenger.com")
        assert [(child.tag, child.text) for child in data] == [("owner", "Parent")]

    def test_a_child_does_not_own_for_its_parent(self, site: Site) -> None:
        create(site)
        error = site.fail("ValidateSipDomainOwnership", MESSENGER_ADMIN, organization=ldap(MESSENGER), address=DOMAIN)
        assert error.code == 0x80131509

    def test_neither(self, site: Site) -> None:
        error = site.fail("ValidateSipDomainOwnership", organization=ldap(ALPINE), address="nowhere.example")
        assert error.code == 0x80131509
        assert error.description == f"The specified SIP domain 'nowhere.example' does not belong to '{ldap(ALPINE)}'."

    def test_ownership_follows_a_renamed_organization(self, site: Site) -> None:
        create(site)
        renamed = ALPINE.replace("AlpineSkiHouse", r"Alpine\, Ski & \<House\>", 1)
        site.rename(ALPINE, renamed)
        data = site.succeed("ValidateSipDomainOwnership", site.domain_admin, organization=ldap(renamed), address=DOMAIN)
        assert data.findtext("owner") == "Tenant"
        assert site.domains(renamed, site.domain_admin) == [(DOMAIN, "Tenant")]

    def test_the_organization_may_be_spelled_in_any_way(self, site: Site) -> None:
        create(site)
        spelled = f"ldap://{site.server}/" + ALPINE.replace(",", ", ").lower()
        data = site.succeed("ValidateSipDomainOwnership", organization=spelled, address=DOMAIN)
        assert data.findtext("owner") == "Tenant"
