"""Managed Hosting: who administers the domain, kinds of organizations, roles of the user interface, the first unit of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from mpf_core import Caller
from mpf_core.errors import Code
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
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
from tests.namespaces.tree_by_requests import empty_site, tree

NAMESPACE = "Managed Hosting"
HOSTING_ADMIN = Caller("admin@hosting.fabrikam.com")
JOHN_HIMSELF = Caller("johnc@alpineskihouse.com")
STRANGER = Caller("MPFClientAcct@fabrikam.com")
ALL_ROLES = ["6000", "5000", "2000", "1500", "1000", "0500", "0100", "0000"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    """For what changes nothing."""
    with make_site() as made:
        yield made


def ask(site: Site, procedure: str, caller: Caller, **arguments: str) -> etree._Element:
    result = site.submit(procedure, caller, arguments, NAMESPACE)
    assert result.error is None, result.document.decode()
    data = etree.fromstring(result.document).find("data")
    assert data is not None
    return data


class TestTestDomainAdmin:
    def test_a_domain_administrator_passes(self, shared: Site) -> None:
        assert len(ask(shared, "TestDomainAdmin", DOMAIN_ADMIN)) == 0

    @pytest.mark.parametrize("caller", [HOSTING_ADMIN, MESSENGER_ADMIN, ALPINE_ADMIN, JOHN_HIMSELF], ids=lambda c: c.name)
    def test_others_get_the_documented_text_and_code(self, shared: Site, caller: Caller) -> None:
        result = shared.submit("TestDomainAdmin", caller, {}, NAMESPACE)
        assert result.error is not None
        assert result.error.code == Code.E_INVALIDARG
        assert result.error.description == "Insufficient Privilege! Not Domain Administrator."


class TestGetOrgType:
    @pytest.mark.parametrize(
        ("dn", "kind"), [(HOSTING, "hosting"), (MESSENGER, "reseller"), (ALPINE, "customer"), (JOHN, "customer")]
    )
    def test_it_is_that_of_the_organization_around(self, shared: Site, dn: str, kind: str) -> None:
        assert ask(shared, "GetOrgType", DOMAIN_ADMIN, path=ldap(dn)).findtext("orgType") == kind

    def test_without_an_entry_for_it_the_kind_is_default(self) -> None:
        with make_site() as site:
            unit = site.add_unit(ALPINE, "Sales")
            entry = f"B:32:{layout.WellKnown.THIS_ORG.value}:{unit}"
            site.directory.modify(Dn.parse(unit), [Modification("otherWellKnownObjects", ModifyOp.ADD, (entry,))])
            assert ask(site, "GetOrgType", ALPINE_ADMIN, path=ldap(unit)).findtext("orgType") == "default"

    def test_an_object_outside_of_all_organizations(self, shared: Site) -> None:
        result = shared.submit("GetOrgType", DOMAIN_ADMIN, {"path": ldap(f"CN=Users,{BASE}")}, NAMESPACE)
        assert result.error is not None
        assert result.error.code == Code.NO_SUCH_OBJECT

    def test_another_organization_is_none_of_the_callers_business(self, shared: Site) -> None:
        result = shared.submit("GetOrgType", ALPINE_ADMIN, {"path": ldap(MESSENGER)}, NAMESPACE)
        assert result.error is not None
        assert result.error.code == Code.E_ACCESSDENIED


class TestGetCallerUIRoles:
    @pytest.mark.parametrize("procedure", ["GetCallerUIRoles", "GetCallerUiRoles"])
    @pytest.mark.parametrize(
        ("caller", "highest"),
        [
            (DOMAIN_ADMIN, "6000"),
            (HOSTING_ADMIN, "5000"),
            (MESSENGER_ADMIN, "1500"),
            (ALPINE_ADMIN, "0500"),
            (JOHN_HIMSELF, "0000"),
        ],
        ids=lambda one: getattr(one, "name", one),
    )
    def test_a_role_includes_those_below(self, shared: Site, procedure: str, caller: Caller, highest: str) -> None:
        data = ask(shared, procedure, caller, hostingPath=ldap(HOSTING))
        assert [child.tag for child in data] == ["hostingPath", "uiRoles", "highestUiRole"]
        assert data.findtext("hostingPath") == HOSTING
        assert [role.text for role in data.iterfind("uiRoles/uiRole")] == ALL_ROLES[ALL_ROLES.index(highest) :]
        assert data.findtext("highestUiRole") == highest

    @pytest.mark.parametrize(
        ("organization", "highest"), [(HOSTING, "2000"), (MESSENGER, "1000"), (ALPINE, "0100")], ids=["hosting", "re", "cu"]
    )
    def test_the_representatives_of_each_kind(self, organization: str, highest: str) -> None:
        with make_site() as site:
            name = f"CSRAdmins@{Dn.parse(organization).rdn.value}"
            group = Dn.parse(organization).child("CN", name)
            site.directory.modify(group, [Modification("member", ModifyOp.ADD, (JOHN,))])
            data = ask(site, "GetCallerUIRoles", JOHN_HIMSELF, hostingPath=ldap(HOSTING))
            assert data.findtext("highestUiRole") == highest

    def test_somebody_of_no_organization_has_none(self, shared: Site) -> None:
        data = ask(shared, "GetCallerUIRoles", STRANGER, hostingPath=ldap(HOSTING))
        assert [child.tag for child in data] == ["hostingPath", "uiRoles"]
        assert len(data.findall("uiRoles/uiRole")) == 0

    def test_a_unit_without_roles(self, shared: Site) -> None:
        result = shared.submit("GetCallerUIRoles", ALPINE_ADMIN, {"hostingPath": ldap(ALPINE)}, NAMESPACE)
        assert result.error is not None
        assert result.error.code == Code.NO_SUCH_OBJECT


class TestInitializeADForHosting:
    @pytest.mark.slow
    def test_under_each_of_its_names_it_makes_the_same_tree_and_says_what(self, tmp_path: Path) -> None:
        made = []
        for number, (namespace, procedure) in enumerate(
            [
                (NAMESPACE, "InitializeADForHosting"),
                (NAMESPACE, "InitializeADforHosting"),
                ("Managed Helpers", "InitializeADForHosting"),
            ]
        ):
            folder = tmp_path / str(number)
            folder.mkdir()
            with empty_site(folder) as (requests, directory):
                data = requests.send(DOMAIN_ADMIN, namespace, procedure, containerPath=ldap(BASE))
                made.append(tree(directory))
            assert [(child.tag, child.get("name")) for child in data] == [("org", "Hosting")]
            paths = {element.get("path") for element in data.iter("org", "group")}
            assert paths == {f"LDAP://{layout.SERVER}/{dn}" for dn in spelled(made[-1])}
        assert made[0] == made[1] == made[2]

    def test_it_is_there_already(self, shared: Site) -> None:
        before = shared.snapshot()
        result = shared.submit("InitializeADForHosting", DOMAIN_ADMIN, {"containerPath": ldap(BASE)}, NAMESPACE)
        assert result.error is not None
        assert result.error.code == Code.OBJECT_ALREADY_EXISTS
        assert shared.snapshot() == before

    def test_it_belongs_at_the_top_of_the_domain(self, shared: Site) -> None:
        result = shared.submit("InitializeADForHosting", DOMAIN_ADMIN, {"containerPath": ldap(ALPINE)}, NAMESPACE)
        assert result.error is not None
        assert result.error.code == 0x80131509

    @pytest.mark.parametrize("namespace", [NAMESPACE, "Managed Helpers"])
    def test_only_domain_administrators(self, shared: Site, namespace: str) -> None:
        result = shared.submit("InitializeADForHosting", HOSTING_ADMIN, {"containerPath": ldap(BASE)}, namespace)
        assert result.error is not None
        assert result.error.code == Code.E_INVALIDARG


def spelled(found: dict[str, dict[str, frozenset[object]]]) -> set[object]:
    """The names of the objects as they are spelled."""
    return {name for attributes in found.values() for name in attributes["distinguishedname"]}
