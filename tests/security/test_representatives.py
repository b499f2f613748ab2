"""Customer service representatives serve users; they do not become their administrators, or who creates organizations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core import Caller
from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import ALPINE, HOSTING, JOHN, MESSENGER, Site, ldap, make_site

AD = "Managed Active Directory"
PROVIDERS = Caller("csr@hosting.example")
RESELLERS = Caller("csr@reseller.example")
MESSENGERS_ADMIN = f"CN=admin@consolidatedmessenger.com,{MESSENGER}"
ALPINES_ADMIN = f"CN=admin@alpineskihouse.com,{ALPINE}"
RESELLER_ADMINS = f"CN=Admins@ConsolidatedMessenger,{MESSENGER}"
CUSTOMER_ADMINS = f"CN=Admins@AlpineSkiHouse,{ALPINE}"
NESTED = f"CN=Nested,{MESSENGER}"
MOLE = f"CN=mole@consolidatedmessenger.com,{MESSENGER}"
PASSWORD = {"newPassword": "N3wP@ssword"}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Both organizations have a representative; a group is a member of the reseller's administrators."""
    with make_site() as made:
        for organization, name, caller in ((HOSTING, "Hosting", PROVIDERS), (MESSENGER, "ConsolidatedMessenger", RESELLERS)):
            user = made.add_user(organization, caller.name)
            made.directory.modify(Dn.parse(user), [Modification("userAccountControl", ModifyOp.REPLACE, ("512",))])
            enter(made, f"CSRAdmins@{name}", organization, user)
        made.add_user(MESSENGER, "mole@consolidatedmessenger.com")
        made.directory.add(Dn.parse(NESTED), {"objectClass": ["group"], "sAMAccountName": ["Nested"]})
        enter(made, "Admins@ConsolidatedMessenger", MESSENGER, NESTED)
        yield made


def enter(site: Site, group: str, organization: str, member: str) -> None:
    site.directory.modify(Dn.parse(f"CN={group},{organization}"), [Modification("member", ModifyOp.ADD, (member,))])


def code(site: Site, caller: Caller, procedure: str, **arguments: str) -> int | None:
    error = site.submit(procedure, caller, arguments, AD).error
    return None if error is None else error.code


@pytest.mark.parametrize(
    ("procedure", "arguments"),
    [
        ("SetUserPassword", {"user": ldap(MESSENGERS_ADMIN), **PASSWORD}),
        ("ModifyUser", {"user": ldap(MESSENGERS_ADMIN), "description": "x"}),
        ("DisableUser", {"user": ldap(MESSENGERS_ADMIN)}),
        ("DeleteUser", {"user": ldap(MESSENGERS_ADMIN)}),
        ("MoveObject", {"object": ldap(MESSENGERS_ADMIN), "destinationContainer": ldap(ALPINE)}),
        ("GroupAdd", {"group": ldap(RESELLER_ADMINS), "newMember": ldap(MOLE)}),
        ("GroupAdd", {"group": ldap(NESTED), "newMember": ldap(MOLE)}),
        ("GroupRemove", {"group": ldap(RESELLER_ADMINS), "member": ldap(MESSENGERS_ADMIN)}),
        ("RenameGroup", {"group": ldap(RESELLER_ADMINS), "newName": "Others"}),
        ("DeleteGroup", {"group": ldap(NESTED)}),
    ],
)
def test_the_providers_do_nothing_to_a_resellers_administrators(
    site: Site, procedure: str, arguments: dict[str, str]
) -> None:
    before = site.snapshot()
    assert code(site, PROVIDERS, procedure, **arguments) == Code.E_ACCESSDENIED
    assert site.snapshot() == before


def test_nor_do_the_resellers_to_one_who_works_in_a_customers_organization(site: Site) -> None:
    helper = site.add_user(ALPINE, "helper@alpineskihouse.com")
    assert code(site, RESELLERS, "SetUserPassword", user=ldap(helper), **PASSWORD) is None
    enter(site, "Admins@ConsolidatedMessenger", MESSENGER, helper)
    assert code(site, RESELLERS, "SetUserPassword", user=ldap(helper), **PASSWORD) == Code.E_ACCESSDENIED


def test_nor_to_an_administrator_of_another_reseller_wherever_the_account_is(site: Site) -> None:
    guest = site.add_user(ALPINE, "guest@alpineskihouse.com")
    enter(site, "Admins@Litware", f"OU=Litware,{HOSTING}", guest)
    for caller in (PROVIDERS, RESELLERS):
        assert code(site, caller, "SetUserPassword", user=ldap(guest), **PASSWORD) == Code.E_ACCESSDENIED


@pytest.mark.parametrize("caller", [PROVIDERS, RESELLERS], ids=lambda caller: caller.name)
def test_a_customers_users_and_administrators_are_their_business(site: Site, caller: Caller) -> None:
    for user in (JOHN, ALPINES_ADMIN):
        assert code(site, caller, "SetUserPassword", user=ldap(user), **PASSWORD) is None
    assert code(site, caller, "GroupAdd", group=ldap(CUSTOMER_ADMINS), newMember=ldap(JOHN)) is None
    assert code(site, caller, "GroupRemove", group=ldap(CUSTOMER_ADMINS), member=ldap(JOHN)) is None


def test_a_resellers_other_users_are_the_providers(site: Site) -> None:
    assert code(site, PROVIDERS, "SetUserPassword", user=ldap(MOLE), **PASSWORD) is None
    assert code(site, RESELLERS, "SetUserPassword", user=ldap(MOLE), **PASSWORD) == Code.E_ACCESSDENIED
