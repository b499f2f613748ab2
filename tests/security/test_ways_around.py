"""Entries that lead elsewhere for a moment; who is refused locks nobody out; what trusted senders free stays locked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mpf_core import Code, hookimpl
from mpf_core.security.calls import Call
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Modification, ModifyOp, Scope
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OCS,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)
from tests.namespaces.test_in_between import AD, URI, Between, with_a_shared_domain
from tests.namespaces.test_meanwhile import suffixes

RAW = "Preferred DC Active Directory Provider"
ENTRY = "0123456789ABCDEF0123456789ABCDEF"


class Flipper:
    """An administrator's other tool: an entry of the own unit leads elsewhere while TestClass_ looks."""

    name = "test.flipper"

    def __init__(self) -> None:
        self.site: Site | None = None
        self.elsewhere = ""

    def point(self, site: Site, target: str) -> None:
        found = [str(value) for value in site.read(ALPINE).values("otherWellKnownObjects")]
        values = (*(value for value in found if ENTRY not in value), f"B:32:{ENTRY}:{target}")
        site.directory.modify(Dn.parse(ALPINE), [Modification("otherWellKnownObjects", ModifyOp.REPLACE, values)])

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        if self.site is None or call.calling is None:
            return
        edge = (call.calling.name, call.procedure.name)
        if edge == ("TestClass_", "Get Properties"):
            self.point(self.site, self.elsewhere)
        elif edge == ("ModifyUser", "Lock"):
            self.point(self.site, JOHN)


def test_an_entry_leads_to_what_was_authorized_or_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered here: a sender gets there with 996 other calls in the same request, which fill the memory."""
    flipper = Flipper()
    with make_site(flipper) as site:
        flipper.elsewhere = site.add_user(OTHER_CUSTOMER, "victim@fourthcoffee.com")
        flipper.point(site, JOHN)
        by_entry = {"user": f"LDAP://<WKGUID={ENTRY},{ALPINE}>", "description": "changed"}
        monkeypatch.setattr("mpf_directory.memory._MOST_ANSWERS", 0)
        assert site.submit("ModifyUser", ALPINE_ADMIN, by_entry, AD).error is None
        flipper.site = site
        error = site.submit("ModifyUser", ALPINE_ADMIN, by_entry, AD).error
        assert site.read(flipper.elsewhere).text("description") is None
        assert error is not None
        assert error.code == Code.LOCK_VIOLATION


@pytest.fixture
def between() -> Between:
    return Between()


@pytest.fixture
def site(between: Between) -> Iterator[Site]:
    with make_site(between) as made:
        yield made


REFUSED = {
    "MoveObject": {"object": ldap(MESSENGER), "destinationContainer": ldap(ALPINE)},
    "DeleteOrganization": {"org": ldap(ALPINE)},
}


@pytest.mark.parametrize("procedure", REFUSED)
def test_who_is_refused_locks_nobody_out(site: Site, between: Between, procedure: str) -> None:
    other = {"user": ldap(JOHN), "description": "changed"}
    between.at, between.other = "SetError", lambda: site.submit("ModifyUser", ALPINE_ADMIN, other, AD)
    error = site.submit(procedure, DOMAIN_ADMIN, REFUSED[procedure], AD).error
    assert error is not None
    assert error.code == Code.INVALID_OPERATION
    assert between.result is not None
    assert between.result.error is None, between.result.error


@pytest.mark.parametrize("procedure", REFUSED)
def test_nor_is_the_reason_hidden_by_who_works_there(site: Site, between: Between, procedure: str) -> None:
    between.at = "GetPoolAssignment"
    between.other = lambda: site.submit(procedure, DOMAIN_ADMIN, REFUSED[procedure], AD)
    controller = {"preferredDomainController": site.server}
    steps = [
        (AD, "ModifyUser", {"user": ldap(JOHN), "description": "changed", **controller}),
        (OCS, "GetPoolAssignment", {"organization": ldap(ALPINE), **controller}),
    ]
    assert site._submit(ALPINE_ADMIN, steps).error is None
    assert between.result is not None
    assert between.result.error is not None
    assert between.result.error.code == Code.INVALID_OPERATION, between.result.error


def test_a_suffix_more_keeps_nobody_from_those_that_stay(site: Site, between: Between) -> None:
    assert suffixes(site, DOMAIN_ADMIN, ALPINE, "first.example").error is None
    user = {"container": ldap(ALPINE), "userPrincipalName": "new@first.example"}
    between.at, between.other = "Create Object", lambda: suffixes(site, MESSENGER_ADMIN, ALPINE, "second.example")
    assert site.submit("CreateUser", ALPINE_ADMIN, user, AD).error is None
    assert between.result is not None
    assert between.result.error is None, between.result.error


def take_back(site: Site, dn: str, properties: str) -> None:
    """A trusted sender frees something with the provider itself; somebody else comes; and it is rolled back."""
    controller = f"<preferredDomainController>{site.server}</preferredDomainController>"
    steps = f"""<execute namespace="{RAW}" procedure="Set Properties" impersonate="1"><executeData><path>{ldap(dn)}</path>
      <properties>{properties}</properties>{controller}</executeData></execute>
      <execute namespace="{OCS}" procedure="GetPoolAssignment" impersonate="1"><executeData>
      <organization>{ldap(ALPINE)}</organization>{controller}</executeData></execute>
      <execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData><hr>0x80004005</hr>
      <desc>enough</desc></executeData></execute>"""
    assert site.submit_steps(steps).error is not None


def having(site: Site, attribute: str, value: str) -> list[str]:
    found = site.directory.search(Dn.parse(HOSTING), Scope.SUBTREE, Filter.eq(attribute, value))
    return [str(entry.dn) for entry in found]


def test_a_suffix_that_a_trusted_sender_frees_stays_locked(site: Site, between: Between) -> None:
    assert suffixes(site, DOMAIN_ADMIN, OTHER_CUSTOMER, "coffee.example").error is None
    between.at, between.other = "GetPoolAssignment", lambda: suffixes(site, MESSENGER_ADMIN, ALPINE, "coffee.example")
    freeing = "<property name='uPNSuffixes' mode='delete'><value>coffee.example</value></property>"
    take_back(site, OTHER_CUSTOMER, freeing)
    assert having(site, "uPNSuffixes", "coffee.example") == [OTHER_CUSTOMER]


def test_an_address_that_a_trusted_sender_frees_stays_locked(site: Site, between: Between) -> None:
    with_a_shared_domain(site)
    mary = site.add_user(ALPINE, "mary@alpineskihouse.com")
    site.succeed("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI=URI)
    theirs = {"user": ldap(mary), "enabled": "true", "primaryURI": URI}
    between.at, between.other = "GetPoolAssignment", lambda: site.submit("CreateSipUser", MESSENGER_ADMIN, theirs)
    names = ("msRTCSIP-PrimaryUserAddress", "proxyAddresses")
    take_back(site, JOHN, "".join(f"<property name='{name}' mode='clear'/>" for name in names))
    assert having(site, "msRTCSIP-PrimaryUserAddress", URI) == [JOHN]
