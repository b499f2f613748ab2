"""Path procedures, and Evaluate, which needs no directory either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_directory.paths import LdapPath
from tests.providers.ad_site import BASE, CUSTOMER, RESELLER, USER, Site, ldap, site_in

DC = "AD01.Fabrikam.com"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


class TestConversions:
    @pytest.mark.parametrize("path", [ldap(USER), ldap(USER, DC), f"ldap://{USER}"])
    def test_to_dn(self, site: Site, path: str) -> None:
        assert site.texts("Path To DN", path=path) == {"distinguishedName": USER}

    @pytest.mark.parametrize("server", ["", DC])
    def test_from_dn_keeps_the_server_of_the_reference(self, site: Site, server: str) -> None:
        found = site.texts("Path From DN", referencePath=ldap(BASE, server), distinguishedName=USER)
        assert found == {"path": ldap(USER, server)}

    @pytest.mark.parametrize("server", ["", DC])
    def test_from_rn(self, site: Site, server: str) -> None:
        name = "OU=AlpineSkiHouse,OU=ConsolidatedMessenger"
        found = site.texts("Path From RN", referencePath=ldap(RESELLER.split(",", 1)[1], server), relativeName=name)
        assert found == {"path": ldap(CUSTOMER, server)}

    def test_from_typed_parts(self, site: Site) -> None:
        xml = '<rdn type="CN">a, b</rdn><rdn>_Private</rdn><rdn type="OU">x=y</rdn>'
        found = site.texts("Path From RN", xml, referencePath=ldap(BASE))
        assert found == {"path": ldap(f"CN=a\\, b,CN=_Private,OU=x\\=y,{BASE}")}

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        st.text(min_size=1, alphabet=st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cs", "Cc"]))
    )
    def test_a_part_is_never_more_than_a_part(self, site: Site, value: str) -> None:
        xml = f'<rdn type="CN">{escape(value)}</rdn>'
        if not value.strip(" "):
            with pytest.raises(MpfError):
                site.texts("Path From RN", xml, referencePath=ldap(BASE))
            return
        path = LdapPath.parse(site.texts("Path From RN", xml, referencePath=ldap(BASE))["path"] or "")
        assert path.dn.rdn == ("CN", value)
        assert str(path.dn.parent) == BASE

    @pytest.mark.parametrize(
        ("xml", "code"),
        [
            ("", Code.E_INVALIDARG),
            ("<relativeName/>", Code.E_INVALIDARG),
            ("<relativeName>x</relativeName>", 0x80005000),
            ("<relativeName>CN=x</relativeName><rdn>y</rdn>", Code.E_INVALIDARG),
            ("<rdn/>", 0x80005000),
            ('<rdn type="C N">x</rdn>', 0x80005000),
        ],
    )
    def test_what_is_no_relative_name(self, site: Site, xml: str, code: int) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Path From RN", xml, referencePath=ldap(BASE))
        assert raised.value.code == code


class TestDomainControllerSpecific:
    NAME = "Make Path Domain Controller Specific"

    def make(self, site: Site, path: str, **controllers: str) -> dict[str, str | None]:
        return site.texts(self.NAME, path=path, **controllers)

    @pytest.mark.parametrize("path", [ldap(USER), ldap(USER, "AD09.Fabrikam.com")])
    def test_takes_the_preferred_one(self, site: Site, path: str) -> None:
        found = self.make(site, path, preferredDomainController="ad01.fabrikam.com")
        assert found == {"dcPath": ldap(USER, DC), "domainController": DC}
        assert site.directories.asked == ["ad01.fabrikam.com"]

    def test_the_other_argument_outranks_it(self, site: Site) -> None:
        self.make(site, ldap(USER), preferredDomainController="AD02", domainController="AD03")
        assert site.directories.asked == ["AD03"]

    def test_without_one_the_path_stays_serverless(self, site: Site) -> None:
        assert self.make(site, ldap(USER)) == {"dcPath": ldap(USER), "domainController": DC}
        assert self.make(site, ldap(USER), preferredDomainController=" ") == {
            "dcPath": ldap(USER), "domainController": DC,
        }  # fmt: skip

    def test_without_one_a_server_in_the_path_stays(self, site: Site) -> None:
        assert self.make(site, ldap(USER, "AD09")) == {"dcPath": ldap(USER, "AD09"), "domainController": "AD09"}

    @pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.1:389"])
    def test_an_ip_address_stays(self, site: Site, address: str) -> None:
        found = self.make(site, ldap(USER, address), preferredDomainController=DC)
        assert found == {"dcPath": ldap(USER, address), "domainController": address}

    def test_another_domain_is_an_error(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            self.make(site, "LDAP://CN=x,DC=Contoso,DC=Com", preferredDomainController=DC)
        assert raised.value.code == 0xC2100FA5

    def test_an_object_by_guid_or_in_a_well_known_container(self, site: Site) -> None:
        guid = f"<GUID={site.guid(USER)}>"
        assert self.make(site, ldap(guid), preferredDomainController=DC)["dcPath"] == ldap(guid, DC)
        name = f"<WKGUID={'A9D1CA15768811D1ADED00C04FD8D5CD'},{BASE}>"
        assert self.make(site, ldap(name), preferredDomainController=DC)["domainController"] == DC


@pytest.mark.parametrize("server", ["", DC, "10.0.0.1"])
def test_domain_specific(site: Site, server: str) -> None:
    assert site.texts("Make Path Domain Specific", path=ldap(USER, server)) == {"domainPath": ldap(USER, "Fabrikam.Com")}


def test_domain_specific_by_guid(site: Site) -> None:
    guid = f"<GUID={site.guid(USER)}>"
    assert site.texts("Make Path Domain Specific", path=ldap(guid)) == {"domainPath": ldap(guid, "Fabrikam.Com")}


class TestEvaluate:
    @pytest.mark.parametrize(
        ("expression", "result"),
        [
            ("<value>512</value>", 512),
            ("<value>-5</value>", -5),
            ("<hex>0x80000000</hex>", -(2**31)),
            ("<hex>10</hex>", 16),
            ("<enum>ADS_UF_DONT_EXPIRE_PASSWD</enum>", 0x10000),
            ("<or><enum>ADS_UF_NORMAL_ACCOUNT</enum><enum>ADS_UF_ACCOUNTDISABLE</enum></or>", 514),
            ("<and><value>514</value><not><enum>ADS_UF_ACCOUNTDISABLE</enum></not></and>", 512),
            ("<not><value>0</value></not>", -1),
            ("<mod><value>17</value><value>5</value></mod>", 2),
            ("<mod><value>-17</value><value>5</value></mod>", -2),
            ("<mod><value>17</value><value>-5</value></mod>", 2),
        ],
    )
    def test_results(self, site: Site, expression: str, result: int) -> None:
        assert site.texts("Evaluate", f"<expression>{expression}</expression>") == {"result": str(result)}

    def test_rand(self, site: Site) -> None:
        found = {site.texts("Evaluate", "<expression><rand/></expression>")["result"] for _ in range(20)}
        assert len(found) > 1
        assert all(0 <= int(text or "-1") < 32768 for text in found)

    @pytest.mark.parametrize(
        "xml",
        [
            "",
            "<expression/>",
            "<expression>5</expression>",
            "<expression><value>1</value><value>2</value></expression>",
            "<expression><value>many</value></expression>",
            "<expression><value>4294967296</value></expression>",
            "<expression><enum>ADS_UF_GOLD</enum></expression>",
            "<expression><xor><value>1</value><value>2</value></xor></expression>",
            "<expression><or><value>1</value></or></expression>",
            "<expression><mod><value>1</value><value>0</value></mod></expression>",
        ],
    )
    def test_what_cannot_be_evaluated(self, site: Site, xml: str) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Evaluate", xml)
        assert raised.value.code == Code.E_INVALIDARG
