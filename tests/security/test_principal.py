"""What is known of callers: shown by nobody's ``repr``, told apart, and never changed."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, replace

import pytest

from mpf_core import Caller, Credentials, IdentityKind, Principal, Ticket
from mpf_core.security.calls import Decision, Grant
from mpf_core.security.capability import Capability, Permit
from mpf_core.security.declarations import Declared
from mpf_core.security.identity import Identity, SecurityState

SERVICE = Identity(IdentityKind.SERVICE, "MPFServiceAcct")


def test_a_password_is_in_no_repr() -> None:
    credentials = Credentials("ada", "hunter2", "FABRIKAM")
    assert repr(credentials) == "Credentials(username='ada', domain='FABRIKAM')"
    assert "hunter2" not in repr(Caller("ada", credentials)) + repr(Principal("ada", credentials=credentials))


def test_a_password_is_a_secret_and_none_is_not() -> None:
    assert Credentials("ada", "hunter2").secrets == ("hunter2",)
    assert Credentials("ada", "").secrets == ()


class TestTicket:
    def test_of_a_ticket_only_the_owner_is_shown(self) -> None:
        ticket = Ticket(cache="FILE:/run/krb5cc_4711", delegated="token", keytab="/etc/krb5.keytab", sid="S-1-5-21-7")
        assert repr(ticket) == "Ticket(sid='S-1-5-21-7')"

    def test_its_cache_is_its_secret(self) -> None:
        assert Ticket(cache="FILE:/run/krb5cc_4711").secrets == ("FILE:/run/krb5cc_4711",)
        assert Ticket(keytab="/etc/krb5.keytab").secrets == ()

    def test_it_has_no_name_and_no_password(self) -> None:
        ticket = Ticket()
        assert (ticket.username, ticket.password, ticket.domain) == ("", "", "")
        assert list(inspect.signature(Ticket).parameters) == ["cache", "delegated", "keytab", "sid", "serial"]

    def test_by_itself_it_is_whatever_kerberos_finds_and_anybodys(self) -> None:
        ticket = Ticket()
        assert (ticket.cache, ticket.delegated, ticket.keytab, ticket.sid) == (None, None, "", "")

    def test_another_ticket_is_another_one_though_it_comes_from_the_same_place(self) -> None:
        """What a cache holds may change: connections are shared by one ticket, and what is made of it."""
        first, second = Ticket(cache="FILE:/run/krb5cc_4711"), Ticket(cache="FILE:/run/krb5cc_4711")
        assert first != second
        assert replace(first, sid="S-1-5-21-7").serial == first.serial


def test_nothing_is_known_that_nobody_said() -> None:
    assert Caller("ada") == Caller("ada", None, "")
    assert Principal("ada") == Principal("ada", "", "", "", frozenset(), None, "")
    assert Credentials("ada", "hunter2") == Credentials("ada", "hunter2", "")
    assert Identity(IdentityKind.SERVICE, "MPFServiceAcct", None, None) == SERVICE
    assert SecurityState(SERVICE, SERVICE, SERVICE) == SecurityState(SERVICE, SERVICE, SERVICE, None, None)
    assert Decision(allowed=True) == Decision(True, "", None)
    assert Grant("because") == Grant("because", None, {})
    assert Permit(frozenset()) == Permit(frozenset(), (), (), (), {})


@pytest.mark.parametrize(
    "decided",
    [
        Caller("ada"),
        Principal("ada"),
        Credentials("ada", "hunter2"),
        Ticket(),
        SERVICE,
        SecurityState(SERVICE, SERVICE, SERVICE),
        Decision(allowed=False),
        Grant("because"),
        Permit(frozenset()),
        Capability(()),
        Declared("object", "Users"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_no_plugin_changes_what_a_decision_rests_on(decided: object) -> None:
    name = next(iter(inspect.signature(type(decided)).parameters))
    with pytest.raises(FrozenInstanceError):
        setattr(decided, name, None)


def test_kinds_of_identities_are_named_in_records_for_ever() -> None:
    """They are in the journal and in the audit of every installation."""
    assert [kind.value for kind in IdentityKind] == ["service", "caller", "basic", "execute-as", "recovery"]
