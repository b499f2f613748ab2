"""What a transaction has read is out of date when another one can have changed it before a lock was taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from mpf_core import CallContext
from mpf_core.provider import read
from tests.support import Bench, StoreProvider


class Relying(StoreProvider):
    """Takes a lock, ``alone`` or not, and notes what is said to be out of date before and after it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, int]] = []
        self.names = ["a", "b", "c"]
        self.alone = False

    @read("Echo")
    def echo(self, ctx: CallContext, data: etree._Element) -> None:
        assert ctx.stale is not None
        before = ctx.stale()
        ctx.lock(self.names.pop(0), shared=not self.alone)
        self.seen.append((before, ctx.stale()))


PUT = '<execute namespace="Store" procedure="Put"><executeData><name>z</name><value>1</value></executeData></execute>'
ECHO = '<execute namespace="Store" procedure="Echo"/>'
ELEVATED = '<execute namespace="Store" procedure="Echo" impersonate="2"/>'
REDUCED = '<execute namespace="Store" procedure="Echo" impersonate="1"/>'
MISBEHAVE = '<execute namespace="Store" procedure="Misbehave"/>'


@pytest.fixture
def provider() -> Relying:
    return Relying()


@pytest.fixture
def bench(tmp_path: Path, provider: Relying) -> Bench:
    return Bench(tmp_path, provider=provider)


@pytest.mark.parametrize("steps", [ECHO, ELEVATED, REDUCED, ELEVATED + REDUCED + ECHO, PUT + ECHO])
def test_a_shared_lock_while_nobody_else_is_there_changes_nothing(bench: Bench, provider: Relying, steps: str) -> None:
    bench.run(PUT)
    provider.seen.clear()
    assert bench.run(steps).error is None
    assert set(provider.seen) == {(0, 0)}


def test_a_lock_for_a_change_always_does(bench: Bench, provider: Relying) -> None:
    provider.alone = True
    assert bench.run(ECHO + ECHO).error is None
    assert provider.seen == [(0, 1), (1, 2)]


@pytest.mark.parametrize("other", [PUT, MISBEHAVE.replace("Misbehave", "Fail"), "<try/><catch/>"])
def test_a_request_that_ended_meanwhile_is_noticed_once(bench: Bench, provider: Relying, other: str) -> None:
    def meanwhile(_data: object) -> None:
        provider.misbehaviour = lambda _data: None
        bench.run(other)

    provider.misbehaviour = meanwhile
    assert bench.run(ECHO + MISBEHAVE + ECHO + ECHO).error is None
    assert provider.seen == [(0, 0), (0, 1), (1, 1)]


def test_a_lock_that_is_held_already_is_no_other_one(bench: Bench, provider: Relying) -> None:
    provider.names = ["a", "a"]

    def meanwhile(_data: object) -> None:
        provider.misbehaviour = lambda _data: None
        bench.run(PUT)

    provider.misbehaviour = meanwhile
    assert bench.run(ECHO + MISBEHAVE + ECHO).error is None
    assert provider.seen == [(0, 0), (0, 0)]
