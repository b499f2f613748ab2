"""What one request does, or is about to do, to domains while another one looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mpf_core import Caller, Result, hookimpl
from mpf_core.security.calls import Call
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    MESSENGER,
    OCS,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)

COFFEE_ADMIN = Caller("admin@fourthcoffee.com")
EXTENSIONS = "Managed Office Communications Server Extensions"


class Between:
    """Another request, once, when a call of ``at`` is authorized."""

    name = "test.between"

    def __init__(self) -> None:
        self.at = ""
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


def test_who_does_not_own_a_domain_locks_nobody_out_of_it(site: Site, between: Between) -> None:
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(MESSENGER), address="messenger.example")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
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
