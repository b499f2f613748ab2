"""An object that is moved between the decision about it and its change: the decision was about where it was."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest

from mpf_core import hookimpl
from mpf_core.errors import Code
from mpf_core.security.calls import Call
from mpf_directory.dn import Dn
from mpf_directory.operations import guid_of
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)

NAME = "CN=Johnc@AlpineSkiHouse.com"
AD = "Managed Active Directory"


class Mover:
    """Another request, which moves the user into another organization at one ``moment`` of this one: before its nth call."""

    name = "test.mover"

    def __init__(self) -> None:
        self.site: Site | None = None
        self.moment = 0
        self.moved: bool | None = None

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        if self.site is None:
            return
        self.moment -= 1
        if self.moment == 0:
            site, self.site = self.site, None
            there = {"object": ldap(JOHN), "destinationContainer": ldap(OTHER_CUSTOMER)}
            moved = site.submit("MoveObject", DOMAIN_ADMIN, there, AD)
            assert moved.error is None or moved.error.code == Code.LOCK_VIOLATION, moved.error
            self.moved = moved.error is None


def by_guid(site: Site, dn: str) -> str:
    guid = guid_of(site.read(dn))
    assert guid is not None
    return ldap(str(Dn.by_guid(guid)))


def prepared(site: Site) -> Site:
    site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    return site


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        yield prepared(made)


@pytest.mark.slow
def test_at_no_moment_does_an_elevated_change_follow_a_user_into_another_organization() -> None:
    ways: set[bool] = set()
    for moment in range(1, 1000):
        mover = Mover()
        with make_site(mover) as site:
            prepared(site)
            mover.site, mover.moment = site, moment
            user = {"user": by_guid(site, JOHN), "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}
            result = site.submit("CreateSipUser", ALPINE_ADMIN, user)
            if mover.moved is None:
                break
            ways.add(mover.moved)
            entry = site.read(f"{NAME},{OTHER_CUSTOMER}" if mover.moved else JOHN)
            enabled = any(name.startswith("msRTCSIP") for name in entry.attributes)
            assert enabled is (not mover.moved), moment
            assert (result.error is None) is enabled, moment
    assert ways == {True, False}, "both happened: it was moved in time, and it was locked in time"


def test_what_the_request_has_moved_itself_is_decided_by_where_it_is_then(site: Site) -> None:
    user = escape(by_guid(site, JOHN))

    def step(procedure: str, arguments: str) -> str:
        data = f"<executeData>{arguments}</executeData>"
        return f'<execute namespace="{AD}" procedure="{procedure}" impersonate="1">{data}</execute>'

    move = f"<object>{user}</object><destinationContainer>{ldap(MESSENGER)}</destinationContainer>"
    steps = step("MoveObject", move) + step("DisableUser", f"<user>{user}</user>")
    request = f"<request><data/><procedure>{steps}</procedure></request>"
    assert site.engine.execute(request, MESSENGER_ADMIN).error is None
    assert site.find(f"{NAME},{MESSENGER}") is not None
