"""What one request frees, or is about to claim, while another one comes in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mpf_core import Caller, Code, Result, hookimpl
from mpf_core.security.calls import Call
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OCS,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)

AD = "Managed Active Directory"
EXTENSIONS = "Managed Office Communications Server Extensions"
COFFEE_ADMIN = Caller("admin@fourthcoffee.com")
URI = "sip:ceo@messenger.example"


class Between:
    """Another request, once, when a call of ``at`` is authorized."""

    name = "test.between"

    def __init__(self, at: str = "") -> None:
        self.at = at
        self.other: Callable[[], Result] | None = None
        self.result: Result | None = None

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        if self.other is not None and call.procedure.name == self.at:
            other, self.other = self.other, None
            self.result = other()


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def site(between: Between) -> Iterator[Site]:
    with make_site(between) as made:
        yield made


def with_a_shared_domain(site: Site) -> Site:
    """The reseller has a SIP domain, which its customers may use."""
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(MESSENGER), address="messenger.example")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    return site


def holders_after_an_undo(site: Site, between: Between, owner: str, freeing: tuple[str, str, dict[str, str]]) -> list[str]:
    """Who has ``owner``'s address when a request that frees it is taken back, and another one wanted it meanwhile."""
    mary = site.add_user(ALPINE, "mary@alpineskihouse.com")
    site.succeed("CreateSipUser", user=ldap(owner), enabled="true", primaryURI=URI)
    theirs = {"user": ldap(mary), "enabled": "true", "primaryURI": URI}
    between.at, between.other = "GetPoolAssignment", lambda: site.submit("CreateSipUser", MESSENGER_ADMIN, theirs)
    steps = [freeing, (OCS, "GetPoolAssignment", {"organization": ldap(ALPINE)})]
    controller = {"preferredDomainController": site.server}
    assert (
        site._submit(ALPINE_ADMIN, [(*one, {**given, **controller}) for *one, given in steps], fail=True).error is not None
    )
    return [dn for dn in (owner, mary) if site.read(dn).text("msRTCSIP-PrimaryUserAddress") == URI]


CONTACT = f"CN=bob,{ALPINE}"


@pytest.mark.parametrize(
    ("owner", "freeing"),
    [
        (JOHN, (OCS, "DeleteSipUser", {"user": ldap(JOHN)})),
        (JOHN, (OCS, "SetSipUserProperties", {"user": ldap(JOHN), "primaryURI": "sip:other@messenger.example"})),
        (JOHN, (AD, "DeleteUser", {"user": ldap(JOHN)})),
        (CONTACT, (AD, "DeleteContact", {"contact": ldap(CONTACT)})),
    ],
    ids=lambda one: one[1] if isinstance(one, tuple) else "",
)
def test_an_undo_gives_no_address_to_two(
    site: Site, between: Between, owner: str, freeing: tuple[str, str, dict[str, str]]
) -> None:
    with_a_shared_domain(site)
    assert site.submit("CreateContact", ALPINE_ADMIN, {"container": ldap(ALPINE), "name": "bob"}, AD).error is None
    assert holders_after_an_undo(site, between, owner, freeing) == [owner]
    assert between.result is not None
    assert between.result.error is not None
    assert between.result.error.code == Code.LOCK_VIOLATION


def test_who_does_not_own_a_domain_locks_nobody_out_of_it(site: Site, between: Between) -> None:
    with_a_shared_domain(site)
    mary = site.add_user(ALPINE, "mary@alpineskihouse.com")
    given = {"user": ldap(mary), "enabled": "true", "primaryURI": "sip:mary@messenger.example"}
    between.at, between.other = "IsSipDomainOwnedBy_", lambda: site.submit("CreateSipUser", ALPINE_ADMIN, given)
    site.fail("DeleteSipDomain", COFFEE_ADMIN, organization=ldap(OTHER_CUSTOMER), address="messenger.example")
    assert between.result is not None
    assert between.result.error is None, between.result.error


def test_an_undo_makes_no_second_default_domain(site: Site, between: Between) -> None:
    second = {"address": "two.example", "authoritative": "true", "defaultDomain": "true"}
    between.at = "GetPoolAssignment"
    between.other = lambda: site.submit("CreateGlobalSipDomain", DOMAIN_ADMIN, second, EXTENSIONS)
    controller = {"preferredDomainController": site.server}
    steps = [
        (EXTENSIONS, "DeleteGlobalSipDomain", {"address": "fabrikam.com", **controller}),
        (OCS, "GetPoolAssignment", {"organization": ldap(ALPINE), **controller}),
    ]
    assert site._submit(DOMAIN_ADMIN, steps, fail=True).error is not None
    domains = site.submit("GetGlobalSipDomains", DOMAIN_ADMIN, {}, EXTENSIONS).document
    assert domains.count(b"<defaultDomain>true</defaultDomain>") == 1


def test_two_claims_at_once_leave_no_domain_below_one_of_others(site: Site, between: Between) -> None:
    claim = {"organization": ldap(OTHER_CUSTOMER), "address": "sub.victim.example"}
    between.at, between.other = "TestOrganization_", lambda: site.submit("CreateSipDomain", COFFEE_ADMIN, claim)
    first = site.submit("CreateSipDomain", ALPINE_ADMIN, {"organization": ldap(ALPINE), "address": "victim.example"})
    assert between.result is not None
    assert (first.error is None) + (between.result.error is None) == 1
