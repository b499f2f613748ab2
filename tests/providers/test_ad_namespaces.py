"""The two namespace files: they match the provider, they explain themselves, and they run in an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from lxml import etree

import mpf_directory
from mpf_core import Caller, Config, Engine, Provider, hookimpl
from mpf_core.engine import Result
from mpf_core.loader import load_namespace
from mpf_core.model import Access, Execute, Namespace
from mpf_core.testing import AllowAll
from mpf_core.transaction.states import StepState, TransactionState
from mpf_directory.provider import ActiveDirectoryProvider
from tests.providers.ad_site import CUSTOMER, GROUP, OTHER, RESELLER, USER, USER_CREATORS, Site, ldap, site_in

FOLDER = Path(next(iter(mpf_directory.__path__))) / "namespaces"
PROVIDER, PREFERRED = "Active Directory Provider", "Preferred DC Active Directory Provider"
CALLER = Caller("tester@fabrikam.com")
DC = "AD01.Fabrikam.com"
XS = "{http://www.w3.org/2001/XMLSchema}"


def load(name: str) -> Namespace:
    return load_namespace(FOLDER / f"{name.lower().replace(' ', '_')}.xml")


class TestFiles:
    def test_the_provider_has_every_procedure_and_no_other(self) -> None:
        namespace = load(PROVIDER)
        assert namespace.provider_source == "mpf.directory"
        declared = {name: procedure.type for name, procedure in namespace.procedures.items()}
        assert declared == {name: handler.type for name, (handler, _) in ActiveDirectoryProvider.handlers.items()}

    @pytest.mark.parametrize("name", [PROVIDER, PREFERRED])
    def test_every_procedure_is_private_and_for_domain_administrators(self, name: str) -> None:
        for procedure in load(name).procedures.values():
            assert procedure.access is Access.PRIVATE
            assert procedure.minimum_role == "DomainAdmins"
            assert procedure.description.endswith(".")

    @pytest.mark.parametrize("name", [PROVIDER, PREFERRED])
    def test_everything_in_the_schemas_is_documented_with_an_example(self, name: str) -> None:
        root = etree.parse(str(FOLDER / f"{name.lower().replace(' ', '_')}.xml"))
        elements = [e for e in root.iter(f"{XS}element") if e.get("name") != "executeData"]
        assert len(elements) > 100
        for element in elements:
            documentation = element.findtext(f"{XS}annotation/{XS}documentation")
            assert documentation, element.get("name")
            assert documentation.endswith("."), documentation
            assert element.findtext(f"{XS}annotation/{XS}appinfo"), element.get("name")

    def test_the_preferred_one_has_the_same_procedures_with_two_more_arguments(self) -> None:
        original, preferred = load(PROVIDER), load(PREFERRED)
        assert preferred.provider_source is None
        for name, procedure in preferred.procedures.items():
            wrapped = original.procedures[name]
            assert procedure.type is wrapped.type
            first, second = procedure.steps
            assert isinstance(first, Execute)
            assert isinstance(second, Execute)
            assert (first.procedure, second.procedure) == ("Make Path Domain Controller Specific", name)
            assert procedure.input_schema is not None
            assert wrapped.input_schema is not None
            own = {argument.name for argument in procedure.input_schema.arguments}
            extra = own - {argument.name for argument in wrapped.input_schema.arguments}
            assert extra == {"preferredDomainController", "domainController"}


class DirectoryPlugin:
    """Brings the namespaces and the provider over a site."""

    name = "test.directory"

    def __init__(self, site: Site) -> None:
        self.site = site

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        return [FOLDER]

    @hookimpl
    def mpf_providers(self) -> Mapping[str, Provider]:
        return {"mpf.directory": self.site.provider}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


@pytest.fixture
def engine(site: Site) -> Iterator[Engine]:
    permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
    config = Config.model_validate({"security": {"permissions": permissions}})
    with Engine(config, plugins=[DirectoryPlugin(site), AllowAll()]) as made:
        yield made


def step(procedure: str, xml: str = "", namespace: str = PREFERRED, **arguments: str) -> str:
    data = xml + "".join(f"<{name}>{text}</{name}>" for name, text in arguments.items())
    after = '<after source="executeData" destination="data" mode="merge"/>'
    return f'<execute namespace="{namespace}" procedure="{procedure}"><executeData>{data}</executeData>{after}</execute>'


FAIL = step("Get Properties", path="LDAP://CN=Nobody,DC=Fabrikam,DC=Com")
DESCRIPTION = '<properties><property name="description"><value>new</value></property></properties>'

CALLS = {
    "Create Object": step("Create Object", DESCRIPTION, container=ldap(CUSTOMER), name="New", **{"class": "contact"}),
    "Delete Object": step("Delete Object", path=ldap(USER)),
    "Set Properties": step("Set Properties", DESCRIPTION, path=ldap(USER)),
    "Move Object": step("Move Object", source=ldap(USER), destination=ldap(RESELLER)),
    "Rename Object": step("Rename Object", source=ldap(USER), name="CN=John"),
    "Group Add": step("Group Add", group=ldap(GROUP), path=ldap(USER)),
    "Group Remove": step("Group Remove", group=ldap(GROUP), path=ldap(OTHER)),
    "Set Other Well Known Object": step(
        "Set Other Well Known Object", path=ldap(CUSTOMER), guid=USER_CREATORS, distinguishedName=GROUP
    ),
}
READS = {
    "Get Properties": (step("Get Properties", path=ldap(USER)), "properties/property"),
    "Search": (step("Search", path=ldap(CUSTOMER), filter="objectClass=user"), "objects/object"),
    "Group Members": (step("Group Members", group=ldap(GROUP)), "members/member"),
    "Group IsMember": (step("Group IsMember", group=ldap(GROUP), path=ldap(OTHER)), "isMember[.='1']"),
    "User Groups": (step("User Groups", path=ldap(OTHER)), "groups/group"),
    "Find Ancestor": (step("Find Ancestor", path=ldap(USER)), f"path[2][.='{ldap(CUSTOMER)}']"),
    "Get Other Well Known Object": (
        step("Get Other Well Known Object", path=ldap(CUSTOMER), guid="0" * 32),
        "distinguishedName",
    ),
}


class TestInAnEngine:
    @pytest.fixture(autouse=True)
    def content(self, site: Site) -> None:
        site.set(GROUP, member=[OTHER])
        site.set(CUSTOMER, otherWellKnownObjects=[f"B:32:{'0' * 32}:{GROUP}"])

    def submit(self, engine: Engine, *steps: str) -> Result:
        return engine.execute(f"<request><data/><procedure>{''.join(steps)}</procedure></request>", CALLER)

    def data(self, engine: Engine, *steps: str) -> etree._Element:
        result = self.submit(engine, *steps)
        assert result.error is None, result.document.decode()
        data = etree.fromstring(result.document).find("data")
        assert data is not None
        return data

    def test_every_procedure_of_the_preferred_one_is_tried_here(self, engine: Engine) -> None:
        passwords = {"User Set Password", "User Change Password"}
        elsewhere = {"Get DACL", "Get SACL", "Update ACL"}  # test_ad_acl.py: this directory has no access control lists
        assert CALLS.keys() | READS.keys() | passwords | elsewhere == engine.namespaces[PREFERRED].procedures.keys()

    @pytest.mark.parametrize("name", CALLS)
    def test_a_failure_after_it_leaves_nothing_behind(self, engine: Engine, site: Site, name: str) -> None:
        snapshot = site.snapshot()
        result = self.submit(engine, CALLS[name], FAIL)
        assert result.error is not None
        assert result.error.code == 0x80072030
        assert result.state is TransactionState.ROLLED_BACK
        assert [outcome.state for outcome in result.rollback] == [StepState.UNDONE]
        assert site.snapshot() == snapshot

    @pytest.mark.parametrize("name", CALLS)
    def test_it_changes_something_at_the_domain_controller_that_it_names(
        self, engine: Engine, site: Site, name: str
    ) -> None:
        snapshot = site.snapshot()
        call = CALLS[name].replace(
            "</executeData>", f"<preferredDomainController>{DC}</preferredDomainController></executeData>"
        )
        data = self.data(engine, call)
        assert site.snapshot() != snapshot
        assert set(site.directories.asked) == {DC}
        assert (data.findtext("dcPath") or "").startswith(f"LDAP://{DC}/")
        assert [element.text for element in data.findall("domainController")] == [DC]

    @pytest.mark.parametrize("name", READS)
    def test_it_reads(self, engine: Engine, name: str) -> None:
        call, expected = READS[name]
        data = self.data(engine, call)
        assert data.xpath(expected), etree.tostring(data)
        assert data.findtext("domainController") == DC

    def test_the_domain_controller_that_was_given_is_returned_once(self, engine: Engine) -> None:
        data = self.data(engine, step("Group Members", group=ldap(GROUP), domainController="ad01.fabrikam.com"))
        assert [element.text for element in data.findall("domainController")] == [DC]

    def test_paths_of_the_output_are_at_that_domain_controller(self, engine: Engine) -> None:
        arguments = {"container": ldap(CUSTOMER), "class": "contact", "name": "New", "preferredDomainController": DC}
        assert self.data(engine, step("Create Object", **arguments)).findtext("path") == ldap(f"CN=New,{CUSTOMER}", DC)

    def test_a_structured_filter(self, engine: Engine) -> None:
        xml = """<filter><and><equal name="objectClass">user</equal>
                 <not><equal name="sAMAccountName">annw</equal></not></and></filter>
                 <preferences><preference><searchPref>ADS_SEARCHPREF_SEARCH_SCOPE</searchPref><type>ADSTYPE_INTEGER</type>
                 <value>ADS_SCOPE_ONELEVEL</value></preference></preferences>"""
        data = self.data(engine, step("Search", xml, path=ldap(CUSTOMER)))
        assert data.xpath("objects/object/@name") == ["Johnc@AlpineSkiHouse.com"]

    def test_typed_values_pass_the_schema(self, engine: Engine, site: Site) -> None:
        xml = """<properties xmlns:dt="urn:schemas-microsoft-com:datatypes"><property name="msRTCSIP-UserEnabled">
                 <value dt:dt="boolean">1</value></property><property name="description">text</property></properties>"""
        self.data(engine, step("Set Properties", xml, path=ldap(USER)))
        assert site.values(USER, "msRTCSIP-UserEnabled") == ["TRUE"]

    def test_a_relative_name_in_parts(self, engine: Engine) -> None:
        xml = f'<rdn type="CN">a, b</rdn><referencePath>{ldap(CUSTOMER)}</referencePath><rdn type="OU">c</rdn>'
        data = self.data(engine, step("Path From RN", xml, namespace=PROVIDER))
        assert data.findtext("path") == ldap(f"CN=a\\, b,OU=c,{CUSTOMER}")

    def test_an_expression(self, engine: Engine) -> None:
        xml = "<expression><or><value>512</value><not><not><value>2</value></not></not></or></expression>"
        assert self.data(engine, step("Evaluate", xml, namespace=PROVIDER)).findtext("result") == "514"

    @pytest.mark.parametrize(
        "call",
        [
            step("Get Properties"),
            step("Get Properties", path=""),
            step("Get Properties", "<paths/>", path=ldap(USER)),
            step("Set Properties", '<properties><property name="sn" mode="replace"/></properties>', path=ldap(USER)),
            step("Set Properties", "<properties><property/></properties>", path=ldap(USER)),
            step("Search", "<filter><like/></filter>", path=ldap(USER)),
            step("Search", path=ldap(USER)),
            step("Evaluate", "<expression><or><value>1</value></or></expression>", namespace=PROVIDER),
        ],
    )
    def test_what_does_not_fit_the_schema(self, engine: Engine, call: str) -> None:
        result = self.submit(engine, call)
        assert result.error is not None
        assert result.error.code == 0x80070057

    def test_passwords_are_set_and_stay_secret(self, engine: Engine, site: Site) -> None:
        site.set(USER, userAccountControl=["512"])
        secret = '<newPassword do-not-log="1">N3w-secret</newPassword>'
        result = self.submit(engine, step("User Set Password", secret, path=ldap(USER)), FAIL)
        assert [outcome.state for outcome in result.rollback] == [StepState.IRREVERSIBLE]
        assert b"N3w-secret" not in result.document
        old = "<oldPassword>N3w-secret</oldPassword><newPassword>N3w-again</newPassword>"
        result = self.submit(engine, step("User Change Password", old, path=ldap(USER)), FAIL)
        assert [outcome.state for outcome in result.rollback] == [StepState.UNDONE]
