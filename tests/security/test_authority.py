"""What a refusal says, who is asked about a claim, what a grant costs, and what the audit keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpf_core import Code, Credentials, Decision, Grant, MpfError, hookimpl
from mpf_core.events import Event
from mpf_core.security.calls import Call
from mpf_core.store.port import AuditEntry, StoreUnavailable
from mpf_core.testing import AllowAll
from tests.support import CALLER, Bench

PUT = '<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>a</name><value>1</value></executeData></execute>'
AS_SERVICE = PUT.replace('impersonate="1"', 'impersonate="2"')
FAIL = '<execute namespace="Store" procedure="Fail" impersonate="1"/>'
ALLOWED = Decision(True)


class Policy:
    """Answers what the functions say."""

    name = "test.policy"

    def __init__(
        self,
        authorize: Callable[[Call], Any] = lambda _call: ALLOWED,
        claim: Callable[[Call, str, str], Any] = lambda _call, _argument, _name: ALLOWED,
        elevate: Callable[[Call], Any] = lambda _call: Grant("testing"),
    ) -> None:
        self._authorize, self._claim, self._elevate = authorize, claim, elevate

    @hookimpl
    def mpf_authorize(self, call: Call) -> Any:
        return self._authorize(call)

    @hookimpl
    def mpf_claim(self, call: Call, argument: str, name: str) -> Any:
        return self._claim(call, argument, name)

    @hookimpl
    def mpf_elevate(self, call: Call) -> Any:
        return self._elevate(call)


def raising(error: BaseException) -> Callable[..., Any]:
    def act(*_arguments: object) -> Any:
        raise error

    return act


def refusal(bench: Bench, steps: str) -> tuple[int, str]:
    error = bench.run(steps).error
    assert error is not None
    assert bench.store.values == {}
    return error.code, error.description


def entries(bench: Bench, *events: str) -> list[AuditEntry]:
    return [line.entry for line in bench.engine.store.audit.lines() if line.entry.event in events]


NOBODY = f"Access denied: no policy allows {CALLER.name} 'Store::Put'."


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (lambda _call: None, Code.E_ACCESSDENIED, NOBODY),
        (lambda _call: Decision(False), Code.E_ACCESSDENIED, NOBODY),
        (lambda _call: Decision(False, "not you"), Code.E_ACCESSDENIED, "not you"),
        (lambda _call: Decision(False, "not you", 0x80041234), 0x80041234, "not you"),
        (lambda _call: True, Code.E_ACCESSDENIED, "'test.policy' gave no decision"),
        (raising(ValueError("x")), Code.E_ACCESSDENIED, "Access denied: the policy 'test.policy' failed."),
        (raising(MpfError(0x80041234, "its own words")), 0x80041234, "its own words"),
    ],
)
def test_a_refusal_says_who_refuses_what(tmp_path: Path, answer: Callable[[Call], Any], code: int, text: str) -> None:
    assert refusal(Bench(tmp_path, plugins=(Policy(answer),)), PUT) == (code, text)


def test_a_policy_without_an_answer_hides_no_refusal_of_the_next(tmp_path: Path) -> None:
    silent = Policy(lambda _call: None)
    silent.name = "test.silent"
    bench = Bench(tmp_path, plugins=(silent, Policy(lambda _call: Decision(False, "not you")), AllowAll()))
    assert refusal(bench, PUT) == (Code.E_ACCESSDENIED, "not you")


def test_an_interrupt_in_a_policy_is_passed_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plugins=(Policy(raising(KeyboardInterrupt())),))
    with pytest.raises(KeyboardInterrupt):
        bench.run(PUT)


def claiming(access: str = "public", inner: str = "<transform/>") -> str:
    """A namespace with a procedure that claims what its argument ``address`` says, and another that names something."""
    schema = (
        '<Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:sec="urn:mpf:security">'
        '<xs:annotation><xs:appinfo><di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo">'
        '<di:MinimumRole type="Implicit">Users</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation>'
        '<xs:element name="executeData"><xs:complexType><xs:all>'
        '<xs:element name="address" type="xs:string" minOccurs="0"><xs:annotation><xs:appinfo>'
        '<sec:Object kind="sip-domain" needs="claimed"/></xs:appinfo></xs:annotation></xs:element>'
        '<xs:element name="domain" type="xs:string" minOccurs="0"><xs:annotation><xs:appinfo>'
        '<sec:Object kind="sip-domain" needs="owned"/></xs:appinfo></xs:annotation></xs:element>'
        "</xs:all></xs:complexType></xs:element></xs:schema></Schema>"
    )
    data = "<executeData><address>fabrikam.com</address></executeData>"
    return (
        f'<namespace name="N"><procedure name="Claim" access="{access}">{schema}{inner}</procedure>'
        f'<procedure name="Outer" access="public"><execute namespace="N" procedure="Claim" impersonate="1">{data}</execute>'
        "</procedure></namespace>"
    )


CLAIM = (
    '<execute namespace="N" procedure="Claim" impersonate="1"><executeData><address>fabrikam.com</address>'
    "<domain>contoso.com</domain></executeData></execute>"
)


class TestClaims:
    def test_policies_are_asked_about_what_is_claimed_and_nothing_else(self, tmp_path: Path) -> None:
        asked: list[tuple[str, str, str]] = []

        def claim(call: Call, argument: str, name: str) -> Decision:
            asked.append((call.procedure.full_name, argument, name))
            return ALLOWED

        bench = Bench(tmp_path, claiming(), plugins=(Policy(claim=claim),))
        assert bench.run(CLAIM).error is None
        assert asked == [("N::Claim", "address", "fabrikam.com")]

    def test_without_an_answer_it_is_refused(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, claiming(), plugins=(Policy(claim=lambda *_arguments: None),))
        assert refusal(bench, CLAIM) == (
            Code.E_ACCESSDENIED,
            f"Access denied: no policy lets {CALLER.name} claim 'fabrikam.com'.",
        )

    def test_a_private_part_claims_what_it_declares(self, tmp_path: Path) -> None:
        """As it does when something is to be asked again, because it is locked by now."""
        bench = Bench(tmp_path, claiming("private"), plugins=(Policy(claim=lambda *_arguments: Decision(False, "no")),))
        assert refusal(bench, '<execute namespace="N" procedure="Outer" impersonate="1"/>') == (Code.E_ACCESSDENIED, "no")


class TestExecuteAs:
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        inner = f'<namespace name="N"><procedure name="P" access="public">{PUT}{PUT.replace(">a<", ">b<")}</procedure></namespace>'
        bench = Bench(tmp_path, inner)
        bench.engine.administration.put_credential("Priv", Credentials("priv", "pw"), "root")
        bench.engine.administration.put_credential("Other", Credentials("other", "pw"), "root")
        bench.engine.administration.assign("N::P", "Priv", "olivia")
        return bench

    def test_the_reason_says_who_assigned_it_and_to_what(self, bench: Bench) -> None:
        bench.engine.administration.assign("Store::Put", "Priv", "root")
        bench.engine.administration.assign("Store::Get", "Other", "root")
        bench.run('<execute namespace="N" procedure="P" impersonate="1"/>')
        (line,) = entries(bench, "elevation")
        assert line.details["reason"] == "Execute As: N::P runs as it, says olivia; Store::Put runs as it, says root"

    def test_it_stays_as_it_was_when_the_request_began(self, bench: Bench) -> None:
        kinds: list[str] = []

        def change(ctx: Any, _name: str) -> None:
            kinds.append(ctx.identity.name)
            bench.engine.administration.assign("Store::Put", "Other", "root")

        bench.store.during_apply = change
        assert bench.run('<execute namespace="N" procedure="P" impersonate="1"/>').error is None
        assert kinds == ["Priv", "Priv"]

    def test_a_store_that_cannot_say_refuses_the_call(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench.engine.administration, "assignments", raising(StoreUnavailable("gone")))
        assert refusal(bench, PUT) == (Code.STORE_UNAVAILABLE, "The store cannot say who procedures run as.")


class TestElevation:
    def test_the_first_grant_counts(self, tmp_path: Path) -> None:
        first, second = Policy(elevate=lambda _call: None), Policy(elevate=lambda _call: Grant("the second"))
        third = Policy(elevate=raising(AssertionError()))
        first.name, second.name, third.name = "a", "b", "c"
        bench = Bench(tmp_path, plugins=(first, second, third))
        assert bench.run(AS_SERVICE).error is None
        assert [line.details["reason"] for line in entries(bench, "elevation")] == ["the second"]

    @pytest.mark.parametrize(
        ("answer", "text"),
        [
            (lambda _call: None, "No elevation rule lets 'request' run 'Store::Put' as MPFServiceAcct."),
            (lambda _call: True, "No elevation rule lets 'request' run 'Store::Put' as MPFServiceAcct."),
            (raising(ValueError("x")), "Elevation refused: 'test.policy' failed."),
        ],
    )
    def test_without_a_grant_it_is_refused(self, tmp_path: Path, answer: Callable[[Call], Any], text: str) -> None:
        bench = Bench(tmp_path, plugins=(Policy(elevate=answer),))
        assert refusal(bench, AS_SERVICE) == (Code.E_ACCESSDENIED, text)

    def test_an_interrupt_in_an_elevation_hook_is_passed_on(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path, plugins=(Policy(elevate=raising(KeyboardInterrupt())),))
        with pytest.raises(KeyboardInterrupt):
            bench.run(AS_SERVICE)

    def test_no_hook_changes_what_the_engine_saw(self, tmp_path: Path) -> None:
        lies = {"kind": "none", "reason": "none", "from": "nobody", "step": "nowhere", "rule": "7"}
        bench = Bench(tmp_path, plugins=(Policy(elevate=lambda _call: Grant("testing", details=lies)),))
        assert bench.run(AS_SERVICE).error is None
        (line,) = entries(bench, "elevation")
        assert line.details == {
            "kind": "elevation",
            "reason": "testing",
            "from": "request",
            "step": "request/execute[1]",
            "rule": "7",
        }
        assert (line.procedure, line.identity, line.caller) == ("Store::Put", "MPFServiceAcct", CALLER.name)

    def test_observers_are_told_of_it(self, tmp_path: Path) -> None:
        told: list[Event] = []

        class Observer:
            name = "observer"

            @hookimpl
            def mpf_event(self, event: Event) -> None:
                told.append(event)

        bench = Bench(tmp_path, plugins=(AllowAll(), Observer()))
        bench.run(AS_SERVICE)
        (event,) = [one for one in told if one.name == "elevation"]
        assert dict(event.fields) == {
            "from": "request",
            "to": "Store::Put",
            "identity": "MPFServiceAcct",
            "reason": "testing",
        }

    def test_a_store_that_cannot_record_it_stops_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bench = Bench(tmp_path)
        audit = bench.engine.store.audit
        append = audit.append

        def fail(lines: list[AuditEntry]) -> None:
            if any(line.event == "elevation" for line in lines):
                raise StoreUnavailable("the disk is full")
            append(lines)

        monkeypatch.setattr(audit, "append", fail)
        assert refusal(bench, AS_SERVICE) == (
            Code.STORE_UNAVAILABLE,
            "The store cannot record the elevation, so there is none.",
        )

    @pytest.mark.parametrize(("steps", "outcome"), [(AS_SERVICE, "done"), (FAIL.replace('"1"', '"2"'), "0x80004005")])
    def test_its_end_says_how_it_ended(self, tmp_path: Path, steps: str, outcome: str) -> None:
        bench = Bench(tmp_path)
        bench.run(steps)
        (begin,) = entries(bench, "elevation")
        (end,) = entries(bench, "elevation.end")
        assert (end.details["outcome"], end.details["began"]) == (outcome, round(begin.at, 6))

    def test_one_that_is_interrupted_says_so(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path)
        bench.store.during_apply = raising(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            bench.run(AS_SERVICE)
        assert [line.details["outcome"] for line in entries(bench, "elevation.end")] == ["interrupted"]

    def test_losing_the_request_to_another_engine_is_no_error_of_the_call(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path)

        def rob(ctx: Any, _name: str) -> None:
            (record,) = bench.engine.transactions.find()
            assert bench.engine.store.journal.adopt(record.id, record.engine, "another")
            ctx.checkpoint()

        bench.store.during_apply = rob
        error = bench.run(AS_SERVICE).error
        assert error is not None
        assert error.code == Code.XACT_E_INDOUBT

    def test_giving_rights_up_says_why(self, tmp_path: Path) -> None:
        inner = f'<namespace name="N"><procedure name="P" access="public">{PUT}</procedure></namespace>'
        bench = Bench(tmp_path, inner)
        bench.run('<execute namespace="N" procedure="P" impersonate="2"/>')
        assert [(line.details["kind"], line.details["reason"]) for line in entries(bench, "elevation")] == [
            ("elevation", "testing"),
            ("reduction", "impersonate"),
        ]

    def test_each_end_is_recorded_once_and_before_the_next_begin(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path)
        bench.run(AS_SERVICE + AS_SERVICE.replace(">a<", ">b<"))
        kinds = [line.event for line in entries(bench, "elevation", "elevation.end", "request.end")]
        assert kinds == ["elevation", "elevation.end", "elevation", "elevation.end", "request.end"]
