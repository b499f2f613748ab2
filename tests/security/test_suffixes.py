"""User principal names are for the users of the organization whose suffix they end in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core import Caller
from mpf_core.errors import Code
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER_ADMIN,
    Site,
    ldap,
    make_site,
)

AD = "Managed Active Directory"
FOREIGN = "nobody@FourthCoffee.com"


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        yield made


def create(site: Site, caller: Caller, upn: str, more: str = "") -> int | None:
    content = f"<container>{ldap(ALPINE)}</container><userPrincipalName>{upn}</userPrincipalName>{more}"
    request = f"<request><data>{content}</data></request>"
    result = site.engine.execute(request, caller, namespace=AD, procedure="CreateUser")
    return None if result.error is None else result.error.code


@pytest.mark.parametrize("caller", [ALPINE_ADMIN, MESSENGER_ADMIN], ids=lambda caller: caller.name)
@pytest.mark.parametrize("upn", [FOREIGN, "x@litwareinc.com", "a@b@fourthcoffee.com", " nobody@fourthcoffee.com "])
def test_another_organizations_suffix_is_refused(site: Site, caller: Caller, upn: str) -> None:
    before = site.snapshot()
    assert create(site, caller, upn) == Code.E_ACCESSDENIED
    assert site.snapshot() == before


@pytest.mark.parametrize("upn", ["bob@alpineskihouse.com", "bob@consolidatedmessenger.com", "bob@nobodys.example", "bob"])
def test_the_own_one_the_resellers_and_nobodys_may_be_used(site: Site, upn: str) -> None:
    assert create(site, ALPINE_ADMIN, upn) is None


def test_domain_administrators_may_use_any(site: Site) -> None:
    assert create(site, DOMAIN_ADMIN, FOREIGN) is None


@pytest.mark.parametrize("name", ["userPrincipalName", "USERPRINCIPALNAME"])
def test_it_is_found_among_the_properties_too(site: Site, name: str) -> None:
    for value in (f"<value>{FOREIGN}</value>", FOREIGN):
        more = f'<properties><property name="{name}">{value}</property></properties>'
        assert create(site, ALPINE_ADMIN, "bob@alpineskihouse.com", more) == Code.E_ACCESSDENIED


@pytest.mark.parametrize(
    "more",
    [
        f"<userPrincipalName>{FOREIGN}</userPrincipalName>",
        f'<properties><property name="userPrincipalName"><value>{FOREIGN}</value></property></properties>',
    ],
)
def test_an_own_user_is_not_given_one(site: Site, more: str) -> None:
    before = site.snapshot()
    request = f"<request><data><user>{ldap(JOHN)}</user>{more}</data></request>"
    result = site.engine.execute(request, ALPINE_ADMIN, namespace=AD, procedure="ModifyUser")
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED
    assert site.snapshot() == before
