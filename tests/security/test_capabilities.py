"""What a capability covers, how long it lasts, and which rule gives it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from mpf_core import hookimpl
from mpf_core.events import Event
from mpf_core.model import Access, Procedure
from mpf_core.security.calls import Call
from mpf_core.security.capability import Capability, Permit
from mpf_core.security.identity import Identity, IdentityKind, Impersonate, SecurityState
from mpf_core.security.principal import Principal
from mpf_core.testing import AllowAll
from mpf_directory.dn import Dn
from mpf_policy.elevation import grant
from mpf_policy.settings import PolicySettings
from tests.support import Bench

BASE = Dn.parse("DC=Fabrikam,DC=Com")
SERVICE = Identity(IdentityKind.SERVICE, "MPFServiceAcct")
CALLER = Identity(IdentityKind.CALLER, "tester@fabrikam.com")
PRIVILEGED = Identity(IdentityKind.EXECUTE_AS, "priv")
LIMITED = Capability((Permit(frozenset({"read"})),))


@pytest.mark.parametrize(
    ("patterns", "attributes", "covered"),
    [
        ((), ["member", "anything"], True),
        (("member",), ["member"], True),
        (("member",), ["MEMBER"], True),
        (("Member",), ["member"], True),
        (("member",), ["description"], False),
        (("description",), ["member"], False),
        (("member",), ["members"], False),
        (("member",), ["membe"], False),
        (("member",), ["member", "description"], False),
        (("member", "description"), ["member", "description"], True),
        (("msRTCSIP-*",), ["msRTCSIP-UserEnabled"], True),
        (("msRTCSIP-*",), ["msrtcsip-userenabled"], True),
        (("msRTCSIP-*",), ["msRTCSIP"], False),
        (("msRTCSIP-*",), ["msRTCSIPxUserEnabled"], False),
        (("msRTCSIP-*",), ["x-msRTCSIP-UserEnabled"], False),
        (("member",), [], True),
    ],
)
def test_attributes(patterns: tuple[str, ...], attributes: list[str], covered: bool) -> None:
    assert Permit(frozenset({"modify"}), attributes=patterns).covers(attributes) is covered


def test_a_permit_is_for_its_operations() -> None:
    read, write = Permit(frozenset({"read"})), Permit(frozenset({"create", "modify"}))
    capability = Capability((read, write))
    assert capability.to("read") == (read,)
    assert capability.to("modify") == (write,)
    assert capability.to("delete") == ()


def state(identity: Identity, capability: Capability | None = LIMITED) -> SecurityState:
    return SecurityState(identity, SERVICE, CALLER, None, capability)


def test_a_grant_limits_and_changes_nothing_else() -> None:
    assert state(SERVICE, None).limited(LIMITED) == state(SERVICE, LIMITED)


@pytest.mark.parametrize("impersonate", [Impersonate.INHERIT, Impersonate.OFF])
def test_limits_last_as_long_as_the_account(impersonate: Impersonate) -> None:
    """Or an elevated procedure could get rid of them by calling as the service account once more."""
    inner = state(SERVICE).enter(impersonate, None)
    assert (inner.identity, inner.capability) == (SERVICE, LIMITED)


@pytest.mark.parametrize(
    ("outer", "impersonate", "execute_as", "identity"),
    [
        (SERVICE, Impersonate.ON, None, CALLER),
        (CALLER, Impersonate.OFF, None, SERVICE),
        (SERVICE, Impersonate.ON, PRIVILEGED, PRIVILEGED),
    ],
)
def test_another_account_has_limits_of_its_own(
    outer: Identity, impersonate: Impersonate, execute_as: Identity | None, identity: Identity
) -> None:
    inner = state(outer).enter(impersonate, execute_as)
    assert (inner.identity, inner.capability) == (identity, None)


def call(calling: str | None, called: str) -> Call:
    def procedure(name: str) -> Procedure:
        namespace, _, own = name.partition("::")
        return Procedure(namespace, own, access=Access.PUBLIC)

    return Call(
        "{1}",
        Principal("tester"),
        SERVICE,
        procedure(called),
        procedure(calling) if calling else None,
        etree.Element("executeData"),
        "request",
        {"user": ("u",), "container": ("c",)},
    )


def rules(**more: object) -> PolicySettings:
    rule = {"from": "N::Put*", "to": "Store::Put", "reason": "r", "may": "anything", **more}
    return PolicySettings.model_validate({"elevations": [rule]})


def resolve(text: str) -> list[tuple[Dn, Dn]]:
    known = {"u": Dn.parse("CN=u,DC=Fabrikam,DC=Com"), "c": Dn.parse("OU=c,DC=Fabrikam,DC=Com")}
    return [(known[text], known[text])]


@pytest.mark.parametrize(
    ("calling", "called", "granted"),
    [
        ("N::Put", "Store::Put", True),
        ("N::PutAll", "Store::Put", True),
        ("N::Pu", "Store::Put", False),
        ("N::Pux", "Store::Put", False),
        ("M::Put", "Store::Put", False),
        ("O::Put", "Store::Put", False),
        ("xN::Put", "Store::Put", False),
        ("N::Put", "Store::PutAll", False),
        ("N::Put", "Store::Pus", False),
        ("N::Put", "Store::Puu", False),
        (None, "Store::Put", False),
    ],
)
def test_a_rule_is_for_its_edge(calling: str | None, called: str, granted: bool) -> None:
    found = grant(call(calling, called), rules().elevations, BASE, resolve)
    assert (found is not None) is granted


def test_what_a_rule_gives_is_what_the_call_was_authorized_for() -> None:
    may = [
        {"operations": ["read"], "within": ["OU=Hosting"], "below": ["container"]},
        {"operations": ["modify"], "objects": ["user"], "attributes": ["member"]},
    ]
    found = grant(call("N::Put", "Store::Put"), rules(may=may).elevations, BASE, resolve)
    assert found is not None
    assert found.reason == "r"
    assert found.capability == Capability(
        (
            Permit(
                frozenset({"read"}),
                within=("OU=c,DC=Fabrikam,DC=Com", "OU=Hosting,DC=Fabrikam,DC=Com"),
                places={"OU=c,DC=Fabrikam,DC=Com": "OU=c,DC=Fabrikam,DC=Com"},
            ),
            Permit(
                frozenset({"modify"}),
                objects=("CN=u,DC=Fabrikam,DC=Com",),
                attributes=("member",),
                places={"CN=u,DC=Fabrikam,DC=Com": "CN=u,DC=Fabrikam,DC=Com"},
            ),
        )
    )


class Listening:
    """Allows everything, and hears of what happens."""

    name = "test.listening"

    def __init__(self) -> None:
        self.events: list[Event] = []

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        self.events.append(event)


def test_observers_hear_who_elevated_what(tmp_path: Path) -> None:
    listening = Listening()
    bench = Bench(tmp_path, plugins=(AllowAll(), listening))
    bench.run('<execute namespace="Store" procedure="Echo" impersonate="2"/>')
    bench.engine.close()
    heard = [event.fields for event in listening.events if event.name == "elevation"]
    assert heard == [{"from": "request", "to": "Store::Echo", "identity": "MPFServiceAcct", "reason": "testing"}]


def test_the_parts_of_an_edge() -> None:
    assert call("N::Put", "Store::Put").edge == ("N::Put", "Store::Put")
    assert call(None, "Store::Put").edge == ("request", "Store::Put")
    private = call("N::Put", "Store::Put")._replace(procedure=Procedure("Store", "Put", access=Access.PRIVATE))
    assert private.is_part
    assert not private._replace(calling=None).is_part
    assert not call("N::Put", "Store::Put").is_part
