"""Settings of the whole deployment: global SIP domains, federation domains and lists of policies, for domain administrators."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_core import Caller, MpfError
from mpf_core.transaction.states import TransactionState
from mpf_directory.dn import Dn
from mpf_directory.layout import FOREST_SIP_DOMAIN
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, BASE, HOSTING, JOHN, MESSENGER_ADMIN, Site, ldap, pointer

EXTENSIONS = "Managed Office Communications Server Extensions"
GLOBAL_SETTINGS = f"CN=Global Settings,CN=RTC Service,CN=Microsoft,CN=System,{BASE}"
OWN = ("fabrikam.com", "true", "true")


def succeed(site: Site, procedure: str, **arguments: str) -> etree._Element:
    result = site.submit(procedure, site.domain_admin, arguments, EXTENSIONS)
    assert result.error is None, result.document.decode()
    data = etree.fromstring(result.document).find("data")
    assert data is not None
    return data


def fail(site: Site, procedure: str, caller: Caller | None = None, /, **arguments: str) -> MpfError:
    result = site.submit(procedure, caller or site.domain_admin, arguments, EXTENSIONS)
    assert result.error is not None, result.document.decode()
    return result.error


def domains(site: Site) -> list[tuple[str | None, ...]]:
    """Address, authoritative and defaultDomain of every global SIP domain."""
    data = succeed(site, "GetGlobalSipDomains")
    assert [child.tag for child in data] == ["sipDomains"]
    return [tuple(child.text for child in domain)[:3] for domain in data.iterfind("sipDomains/sipDomain")]


def federated(site: Site) -> list[str | None]:
    data = succeed(site, "GetFederationDomains")
    assert [child.tag for child in data] == ["federationDomains"]
    return [domain.text for domain in data.iterfind("federationDomains/supportedInternalDomain")]


def serve(site: Site, address: str = "alpineskihouse.com", **more: str) -> None:
    assert len(succeed(site, "CreateGlobalSipDomain", address=address, **{"authoritative": "true", **more})) == 0


def federate(site: Site, domain: str = "alpineskihouse.com") -> None:
    assert len(succeed(site, "CreateFederationDomain", supportedInternalDomain=domain)) == 0


class TestGlobalSipDomains:
    def test_the_forest_has_its_own(self, site: Site) -> None:
        data = succeed(site, "GetGlobalSipDomains")
        names = ["address", "authoritative", "defaultDomain", "instanceID"]
        assert [child.tag for child in data.iterfind("sipDomains/sipDomain/*")] == names
        assert domains(site) == [OWN]

    def test_one_that_is_created_is_listed(self, site: Site) -> None:
        serve(site, "AlpineSkiHouse.com", authoritative="0")
        serve(site, "*.litwareinc.com")
        expected = [("*.litwareinc.com", "true", "false"), ("alpineskihouse.com", "false", "false"), OWN]
        assert domains(site) == expected

    def test_it_is_an_object_of_the_global_settings(self, site: Site) -> None:
        serve(site)
        entry = next(
            entry for dn, entry in site.snapshot().items() if "alpineskihouse.com" in entry.get("msRTCSIP-DomainName", ())
            and GLOBAL_SETTINGS in dn
        )  # fmt: skip
        assert "msRTCSIP-Domain" in entry["objectClass"]
        assert entry["msRTCSIP-Default"] == {"FALSE"}

    def test_a_second_one_of_that_name_is_refused(self, site: Site) -> None:
        serve(site)
        before = site.snapshot()
        error = fail(site, "CreateGlobalSipDomain", address="ALPINESKIHOUSE.com", authoritative="true")
        assert error.code == 0x80071392
        assert error.description == "The SIP domain 'alpineskihouse.com' is in the list already."
        assert site.snapshot() == before

    def test_so_is_one_that_was_made_by_others(self, site: Site) -> None:
        assert fail(site, "CreateGlobalSipDomain", address="fabrikam.com", authoritative="true").code == 0x80071392

    def test_there_is_one_default_domain(self, site: Site) -> None:
        arguments = {"address": "alpineskihouse.com", "authoritative": "true", "defaultDomain": "true"}
        error = fail(site, "CreateGlobalSipDomain", **arguments)
        assert error.code == 0x80131509
        assert error.description == "The default SIP domain is 'fabrikam.com'; there can be no second one."
        succeed(site, "DeleteGlobalSipDomain", address="fabrikam.com")
        serve(site, defaultDomain="true")
        assert domains(site) == [("alpineskihouse.com", "true", "true")]

    def test_what_is_deleted_is_gone(self, site: Site) -> None:
        before = site.snapshot()
        serve(site)
        assert len(succeed(site, "DeleteGlobalSipDomain", address="AlpineSkiHouse.com")) == 0
        assert site.snapshot() == before

    def test_one_that_is_not_there_cannot_be_deleted(self, site: Site) -> None:
        error = fail(site, "DeleteGlobalSipDomain", address="alpineskihouse.com")
        assert error.code == 0x80072030
        assert error.description == "The SIP domain 'alpineskihouse.com' is not in the list."

    @pytest.mark.parametrize("address", ["10.0.0.1", "localhost", "*", "*.*.com", "a.*.com", "a b.com", ""])
    def test_an_address_that_is_none_is_refused(self, site: Site, address: str) -> None:
        before = site.snapshot()
        assert fail(site, "CreateGlobalSipDomain", address=address, authoritative="true").code == 0x80070057
        assert site.snapshot() == before

    def test_a_forest_without_global_settings(self, site: Site) -> None:
        for dn in (f"CN={FOREST_SIP_DOMAIN},{GLOBAL_SETTINGS}", GLOBAL_SETTINGS):
            site.directory.delete(Dn.parse(dn))
        assert fail(site, "GetGlobalSipDomains").code == 0x80072030


class TestFederationDomains:
    def test_one_that_is_created_is_listed(self, site: Site) -> None:
        assert federated(site) == []
        federate(site, "Litwareinc.com")
        federate(site)
        assert federated(site) == ["alpineskihouse.com", "litwareinc.com"]

    def test_it_is_a_service_pointer_of_the_hosting_unit(self, site: Site) -> None:
        federate(site)
        entry = site.read(pointer(HOSTING, "FederationDomains", "alpineskihouse.com"))
        assert entry.values("keywords") == ("FederationDomains",)

    def test_the_list_is_created_if_it_is_missing(self, site: Site) -> None:
        list_ = pointer(HOSTING, "FederationDomains", "x").split(",", 1)[1]
        site.directory.delete(Dn.parse(list_))
        assert federated(site) == []
        federate(site)
        assert federated(site) == ["alpineskihouse.com"]

    def test_without_a_hosting_unit_there_is_no_place_for_it(self, site: Site) -> None:
        site.rename(HOSTING, HOSTING.replace("Hosting", "Elsewhere"))
        assert fail(site, "CreateFederationDomain", supportedInternalDomain="alpineskihouse.com").code == 0x80072030

    def test_a_second_one_of_that_name_is_refused(self, site: Site) -> None:
        federate(site)
        before = site.snapshot()
        error = fail(site, "CreateFederationDomain", supportedInternalDomain="ALPINESKIHOUSE.com")
        assert error.code == 0x80071392
        assert error.description == "The SIP domain 'alpineskihouse.com' is in the list already."
        assert site.snapshot() == before

    def test_what_is_deleted_is_gone(self, site: Site) -> None:
        before = site.snapshot()
        federate(site)
        assert len(succeed(site, "DeleteFederationDomain", supportedInternalDomain="AlpineSkiHouse.com")) == 0
        assert federated(site) == []
        assert site.snapshot() == before

    def test_one_that_is_not_there_cannot_be_deleted(self, site: Site) -> None:
        error = fail(site, "DeleteFederationDomain", supportedInternalDomain="alpineskihouse.com")
        assert error.code == 0x80072030
        assert error.description == "The SIP domain 'alpineskihouse.com' is not in the list."

    @pytest.mark.parametrize("domain", ["10.0.0.1", "localhost", "*.litwareinc.com", "a" * 62 + ".com", ""])
    def test_a_name_that_is_none_is_refused(self, site: Site, domain: str) -> None:
        before = site.snapshot()
        assert fail(site, "CreateFederationDomain", supportedInternalDomain=domain).code == 0x80070057
        assert site.snapshot() == before


class TestPolicies:
    def test_are_listed_by_the_names_that_create_sip_user_takes(self, site: Site) -> None:
        meeting = [policy.text for policy in succeed(site, "GetMeetingPolicies").iterfind("meetingPolicies/meetingPolicy")]
        voice = [policy.text for policy in succeed(site, "GetUCPolicies").iterfind("ucPolicies/ucPolicy")]
        assert (meeting, voice) == (["Policy 1 (High)", "Policy 5 (Low)"], ["Default UC Policy"])
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        site.succeed("SetPoolAssignment", site.domain_admin, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        address = "sip:johnc@alpineskihouse.com"
        policies = {"meetingPolicy": "Policy 5 (Low)", "ucPolicy": "Default UC Policy"}
        site.succeed("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI=address, **policies)
        data = site.succeed("GetSipUserProperties", user=ldap(JOHN))
        assert {name: data.findtext(name) for name in policies} == policies


CALLS: dict[str, dict[str, str]] = {
    "CreateGlobalSipDomain": {"address": "alpineskihouse.com", "authoritative": "true"},
    "DeleteGlobalSipDomain": {"address": "fabrikam.com"},
    "GetGlobalSipDomains": {},
    "CreateFederationDomain": {"supportedInternalDomain": "alpineskihouse.com"},
    "DeleteFederationDomain": {"supportedInternalDomain": "litwareinc.com"},
    "GetFederationDomains": {},
    "GetMeetingPolicies": {},
    "GetUCPolicies": {},
}


def test_these_are_all_of_them(site: Site) -> None:
    assert site.engine.namespaces[EXTENSIONS].procedures.keys() == CALLS.keys()


@pytest.mark.parametrize("procedure", CALLS)
def test_all_are_for_domain_administrators_only(site: Site, procedure: str) -> None:
    federate(site, "litwareinc.com")
    before = site.snapshot()
    for caller in (MESSENGER_ADMIN, ALPINE_ADMIN, Caller("admin@hosting.fabrikam.com")):
        error = fail(site, procedure, caller, **CALLS[procedure])
        assert (error.code, error.description) == (0x80070057, "Insufficient Privilege! Not Domain Administrator.")
    assert site.snapshot() == before
    succeed(site, procedure, **CALLS[procedure])


@pytest.mark.parametrize("procedure", [name for name in CALLS if not name.startswith("Get")])
def test_the_required_arguments_have_the_text_of_the_original(site: Site, procedure: str) -> None:
    name = next(iter(CALLS[procedure]))
    arguments = {other: value for other, value in CALLS[procedure].items() if other != name}
    error = fail(site, procedure, **arguments)
    assert (error.code, error.description) == (0x80070057, f"The required argument {name} was not supplied.")


def step(procedure: str, content: str) -> str:
    dc = "<preferredDomainController>AD01.Fabrikam.com</preferredDomainController>"
    data = f"<executeData>{content}{dc}</executeData>"
    return f'<execute namespace="{EXTENSIONS}" procedure="{procedure}" impersonate="1">{data}</execute>'


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("GlobalSipDomain", "<address>alpineskihouse.com</address>"),
        ("FederationDomain", "<supportedInternalDomain>alpineskihouse.com</supportedInternalDomain>"),
    ],
)
def test_delete_and_create_again_in_one_request(site: Site, kind: str, content: str) -> None:
    authoritative = "<authoritative>true</authoritative>" if kind == "GlobalSipDomain" else ""
    create, delete = step(f"Create{kind}", content + authoritative), step(f"Delete{kind}", content)
    assert site.submit_steps(create).error is None
    before = site.snapshot()
    error = '<execute namespace="Error Provider" procedure="SetError"><executeData><hr>0x80004005</hr><desc>enough</desc>'
    failed = site.submit_steps(f"{delete}{create}{error}</executeData></execute>")
    assert failed.state is TransactionState.ROLLED_BACK
    assert site.snapshot() == before
    assert site.submit_steps(delete + create).error is None
    again = site.submit_steps(create)
    assert again.error is not None
    assert again.error.code == 0x80071392
