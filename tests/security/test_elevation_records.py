"""Which acts with other rights than the caller's are in the audit: elevations, those that give rights up, and assertions."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from mpf_core import CallContext, Change, Code, IdentityKind, argument
from mpf_core.provider import read, write
from mpf_core.store.port import AuditEntry, StoreUnavailable
from tests.support import CALLER, Bench, StoreProvider


class StandIn(StoreProvider):
    """Acts for every caller with an account of its own, and says so."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[IdentityKind] = []

    @read("Echo")
    def echo(self, ctx: CallContext, data: etree._Element) -> None:
        self.kinds.append(ctx.identity.kind)
        if ctx.identity.kind is IdentityKind.CALLER:
            ctx.record_assertion()
            ctx.record_assertion()

    @read("Misbehave")
    def misbehave(self, ctx: CallContext, data: etree._Element) -> None:
        ctx.record_assertion()
        self.misbehaviour(data)

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        ctx.record_assertion()
        return Change({"name": argument(data, "name"), "new": "v", "old": None})


def elevations(bench: Bench) -> list[AuditEntry]:
    return [line.entry for line in bench.engine.store.audit.lines() if line.entry.event == "elevation"]


def echo(impersonate: str) -> str:
    return f'<execute namespace="Store" procedure="Echo" impersonate="{impersonate}"/>'


def test_that_the_service_account_acts_for_a_caller_is_recorded_once_for_each_call(tmp_path: Path) -> None:
    bench = Bench(tmp_path, provider=StandIn())
    assert bench.run(echo("1") + echo("1")).error is None
    lines = elevations(bench)
    assert [(line.details["kind"], line.identity, line.procedure) for line in lines] == [
        ("asserted", "MPFServiceAcct", "Store::Echo")
    ] * 2
    assert [line.details["step"] for line in lines] == ["request/execute[1]", "request/execute[2]"]


def test_it_is_recorded_before_it_happens(tmp_path: Path) -> None:
    provider = StandIn()
    bench = Bench(tmp_path, provider=provider)
    seen: list[int] = []
    provider.misbehaviour = lambda _data: seen.append(len(elevations(bench)))
    assert bench.run(echo("1").replace("Echo", "Misbehave")).error is None
    assert seen == [1]
    (line,) = elevations(bench)
    assert line.details["reason"] == "no password: the engine's authorization decides alone"


def test_before_a_change_that_cannot_be_recorded_nobody_acts_for_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, provider=StandIn())
    audit = bench.engine.store.audit
    append = audit.append

    def fail(lines: list[AuditEntry]) -> None:
        if any(line.event == "elevation" for line in lines):
            raise StoreUnavailable("the disk is full")
        append(lines)

    monkeypatch.setattr(audit, "append", fail)
    error = bench.run(
        '<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>a</name></executeData></execute>'
    ).error
    assert error is not None
    assert (error.code, error.description) == (
        Code.STORE_UNAVAILABLE,
        "The store cannot record whom the service account acts for, so it does not.",
    )
    assert bench.store.values == {}


def test_before_a_change_it_is_recorded_at_once(tmp_path: Path) -> None:
    provider = StandIn()
    bench = Bench(tmp_path, provider=provider)
    seen: list[int] = []
    provider.during_apply = lambda _ctx, _name: seen.append(len(elevations(bench)))
    put = '<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>a</name></executeData></execute>'
    assert bench.run(put).error is None
    assert seen == [1]


def test_a_call_that_goes_back_to_the_caller_is_a_reduction(tmp_path: Path) -> None:
    provider = StandIn()
    inner = f'<namespace name="N"><procedure name="P" access="public">{echo("1")}{echo("0")}</procedure></namespace>'
    bench = Bench(tmp_path, inner, provider=provider)
    assert bench.run('<execute namespace="N" procedure="P" impersonate="2"/>').error is None
    assert provider.kinds == [IdentityKind.CALLER, IdentityKind.SERVICE]
    kinds = [(line.details["kind"], line.details["from"], line.procedure) for line in elevations(bench)]
    assert kinds == [
        ("elevation", "request", "N::P"),
        ("reduction", "N::P", "Store::Echo"),
        ("asserted", "N::P", "Store::Echo"),
    ]


BASIC = '<context><securityContext><authentication><basic username="basic" password="pw"/></authentication></securityContext></context>'


def test_what_runs_with_credentials_of_the_request_is_recorded(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.run(echo("1") + echo("1"), context=BASIC).error is None
    lines = [line.entry for line in bench.engine.store.audit.lines()]
    assert [(line.event, line.caller, line.identity, line.details.get("kind")) for line in lines] == [
        ("request.begin", CALLER.name, "basic", None),
        ("elevation", CALLER.name, "basic", "basic"),
        ("elevation.end", CALLER.name, "basic", None),
        ("elevation", CALLER.name, "basic", "basic"),
        ("elevation.end", CALLER.name, "basic", None),
        ("request.end", CALLER.name, "", None),
    ]


def test_a_request_begins_as_its_caller_however_it_is_spelled(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.run(echo("1")).error is None
    simple = bench.engine.execute("<request><data/></request>", CALLER, namespace="Store", procedure="Echo")
    assert simple.error is None
    lines = [line.entry for line in bench.engine.store.audit.lines() if line.entry.event == "request.begin"]
    assert [line.identity for line in lines] == [CALLER.name, CALLER.name]
