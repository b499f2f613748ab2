"""A unit that an administrator makes in the own organization, with the entries of an organization, is none for SIP either."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    HOSTING,
    POOL1,
    POOL2,
    Site,
    ldap,
    make_site,
)

GUIDS = {"THIS": "CC016CF08DEF4EA4A05C9C54B198785A", "PARENT": "58888CFC8F7F430C8183102CD5758D81"}


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        made.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        made.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(HOSTING), address="hoster.example")
        made.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        yield made


def self_made(site: Site, *, parent: str, pool: str) -> str:
    """What an administrator of Alpine makes who is bound directly, with all the denials of `directory rights` in place."""
    unit = site.add_unit(ALPINE, "Fake")
    entries = {GUIDS["THIS"]: unit, GUIDS["PARENT"]: parent, WellKnown.POOL.value: pool}
    values = tuple(f"B:32:{guid}:{target}" for guid, target in entries.items())
    site.directory.modify(Dn.parse(unit), [Modification("otherWellKnownObjects", ModifyOp.ADD, values)])
    return unit


def enable(site: Site, user: str, uri: str) -> int | None:
    given = {"user": ldap(user), "enabled": "true", "primaryURI": uri}
    error = site.submit("CreateSipUser", ALPINE_ADMIN, given).error
    return error.code if error else None


def test_it_gives_no_user_a_pool_that_is_not_assigned(site: Site) -> None:
    user = site.add_user(self_made(site, parent=ALPINE, pool=POOL2), "eve@alpineskihouse.com")
    enable(site, user, "sip:eve@alpineskihouse.com")
    assert site.read(user).text("msRTCSIP-PrimaryHomeServer") in {None, POOL1}


def test_it_gives_no_user_an_address_of_the_hosting_organization(site: Site) -> None:
    user = site.add_user(self_made(site, parent=HOSTING, pool=POOL1), "eve@alpineskihouse.com")
    assert enable(site, user, "sip:ceo@hoster.example") == Code.INVALID_OPERATION
    assert site.read(user).text("msRTCSIP-PrimaryUserAddress") is None


def test_it_shows_no_domains_of_the_hosting_organization(site: Site) -> None:
    unit = self_made(site, parent=HOSTING, pool=POOL1)
    result = site.submit("GetSipDomainsByOrganization", ALPINE_ADMIN, {"organization": ldap(unit)})
    assert b"hoster.example" not in result.document
    owned = {"organization": ldap(unit), "address": "hoster.example"}
    assert site.submit("ValidateSipDomainOwnership", ALPINE_ADMIN, owned).error is not None
