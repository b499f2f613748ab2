"""A SIP address that a request frees is nobody else's before the request has ended: an undo gives it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mpf_core import Code, Result, hookimpl
from mpf_core.security.calls import Call
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OCS,
    Site,
    ldap,
    make_site,
)

AD = "Managed Active Directory"
URI = "sip:ceo@messenger.example"


class Between:
    """Another request, once, before the first GetPoolAssignment."""

    name = "test.between"

    def __init__(self) -> None:
        self.other: Callable[[], Result] | None = None
        self.result: Result | None = None

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        if self.other is not None and call.procedure.name == "GetPoolAssignment":
            other, self.other = self.other, None
            self.result = other()


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def site(between: Between) -> Iterator[Site]:
    with make_site(between) as made:
        made.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(MESSENGER), address="messenger.example")
        made.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        yield made


@pytest.mark.parametrize(
    ("namespace", "procedure", "argument", "more"),
    [
        (OCS, "DeleteSipUser", "user", {}),
        (OCS, "SetSipUserProperties", "user", {"primaryURI": "sip:other@messenger.example"}),
        (AD, "DeleteUser", "user", {}),
        (AD, "DeleteContact", "contact", {}),
    ],
)
def test_an_undo_gives_no_address_to_two(  # noqa: PLR0917 - a table
    site: Site, between: Between, namespace: str, procedure: str, argument: str, more: dict[str, str]
) -> None:
    mary, owner = site.add_user(ALPINE, "mary@alpineskihouse.com"), JOHN
    if argument == "contact":
        assert site.submit("CreateContact", ALPINE_ADMIN, {"container": ldap(ALPINE), "name": "bob"}, AD).error is None
        owner = f"CN=bob,{ALPINE}"
    site.succeed("CreateSipUser", user=ldap(owner), enabled="true", primaryURI=URI)
    theirs = {"user": ldap(mary), "enabled": "true", "primaryURI": URI}
    between.other = lambda: site.submit("CreateSipUser", MESSENGER_ADMIN, theirs)
    controller = {"preferredDomainController": site.server}
    steps = [
        (namespace, procedure, {argument: ldap(owner), **more, **controller}),
        (OCS, "GetPoolAssignment", {"organization": ldap(ALPINE), **controller}),
    ]
    assert site._submit(ALPINE_ADMIN, steps, fail=True).error is not None
    assert between.result is not None
    having = [dn for dn in (owner, mary) if site.read(dn).text("msRTCSIP-PrimaryUserAddress") == URI]
    assert having == [owner]
    assert between.result.error is not None
    assert between.result.error.code == Code.LOCK_VIOLATION
