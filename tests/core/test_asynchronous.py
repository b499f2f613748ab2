"""An engine in a program with an event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from mpf_core import AsyncEngine, CallContext, Engine, Result, TransactionState
from mpf_core.errors import Code
from mpf_core.store.port import TransactionRecord
from tests.support import CALLER, Bench


def put(*names: str) -> str:
    steps = "".join(
        f'<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>{name}</name><value>v</value></executeData></execute>'
        for name in names
    )
    return f"<request><data/><procedure>{steps}</procedure></request>"


class Gate:
    """Where the effects of a provider wait until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self, _ctx: CallContext, _name: str) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.reached.set()
        assert self.opened.wait(30)
        with self._lock:
            self.inside -= 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()  # or a failing test would leave a thread behind


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


def test_a_request_is_done_and_answered(bench: Bench) -> None:
    async def main() -> tuple[bytes, Result]:
        async with AsyncEngine(bench.engine) as engine:
            return await engine.submit(put("a"), CALLER), await engine.execute(put("b"), CALLER, transaction_id="{1}")

    document, result = asyncio.run(main())
    assert etree.fromstring(document).tag == "response"
    assert (result.transaction_id, result.state) == ("{1}", TransactionState.COMMITTED)
    assert bench.store.values == {"a": "v", "b": "v"}


def test_the_loop_goes_on_while_a_provider_blocks(bench: Bench, gate: Gate) -> None:
    bench.store.during_apply = gate

    async def main() -> bool:
        async with AsyncEngine(bench.engine) as engine:
            task = asyncio.create_task(engine.execute(put("a"), CALLER))
            await until(gate.reached.is_set)  # other tasks make progress here
            waiting = not task.done()
            gate.opened.set()
            assert (await task).error is None
            return waiting

    assert asyncio.run(main())


def test_a_cancelled_task_ends_when_its_request_is_rolled_back(bench: Bench, gate: Gate) -> None:
    bench.store.during_apply = lambda ctx, name: gate(ctx, name) if name == "b" else None

    async def main() -> TransactionRecord:
        async with AsyncEngine(bench.engine) as engine:
            task = asyncio.create_task(engine.execute(put("a", "b", "c"), CALLER, transaction_id="{1}"))
            await until(gate.reached.is_set)
            for _ in range(3):  # impatient callers do no harm
                task.cancel()
                await asyncio.sleep(0.02)
            assert not task.done(), "its provider is still at work"
            gate.opened.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            return bench.engine.transactions.get("{1}").record

    record = asyncio.run(main())
    assert (bench.store.values, bench.store.calls) == ({}, [("Put", "a"), ("Put", "b"), ("undo", "b"), ("undo", "a")])
    assert (record.state, record.code) == (TransactionState.ROLLED_BACK, Code.CANCELLED)


def test_a_request_that_waits_for_a_thread_is_never_begun_when_its_task_is_cancelled(bench: Bench, gate: Gate) -> None:
    bench.store.during_apply = gate

    async def main() -> None:
        async with AsyncEngine(bench.engine, workers=1) as engine:
            first = asyncio.create_task(engine.execute(put("a"), CALLER))
            await until(gate.reached.is_set)
            second = asyncio.create_task(engine.execute(put("b"), CALLER))
            await asyncio.sleep(0.02)
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            gate.opened.set()
            assert (await first).error is None

    asyncio.run(main())
    assert bench.store.calls == [("Put", "a")]


def test_no_more_run_at_once_than_there_are_workers(bench: Bench, gate: Gate) -> None:
    bench.store.during_apply = gate

    async def main() -> list[Result]:
        async with AsyncEngine(bench.engine, workers=3) as engine:
            tasks = [asyncio.create_task(engine.execute(put(f"n{number}"), CALLER)) for number in range(9)]
            await until(lambda: gate.inside == 3)
            gate.opened.set()
            return await asyncio.gather(*tasks)

    assert all(result.error is None for result in asyncio.run(main()))
    assert (gate.most, len(bench.store.values)) == (3, 9)


def test_misuse_is_raised_and_mistakes_of_the_request_are_answered(bench: Bench) -> None:
    async def main() -> Result:
        async with AsyncEngine(bench.engine) as engine:
            with pytest.raises(ValueError, match="namespace"):
                await engine.execute(put("a"), CALLER, namespace="Store")
            return await engine.execute("<request", CALLER)

    assert asyncio.run(main()).error is not None


def test_at_the_end_it_waits_for_what_runs_and_closes_the_engine(bench: Bench, gate: Gate) -> None:
    bench.store.during_apply = gate

    async def main() -> asyncio.Task[Result]:
        async with AsyncEngine(bench.engine) as engine:
            task = asyncio.create_task(engine.execute(put("a"), CALLER))
            await until(gate.reached.is_set)
            threading.Timer(0.05, gate.opened.set).start()
        assert bench.store.values == {"a": "v"}
        await task
        with pytest.raises(RuntimeError, match="this engine is closed"):
            await engine.execute(put("b"), CALLER)
        return task

    assert asyncio.run(main()).result().error is None


def test_a_plan_writes_nothing_and_blocks_nothing(bench: Bench) -> None:
    async def main() -> Any:
        async with AsyncEngine(bench.engine) as engine:
            return await engine.plan(put("a"), CALLER)

    assert [step.procedure for step in asyncio.run(main()).steps] == ["Store::Put"]
    assert bench.store.values == {}


def test_a_plan_has_a_time_limit(bench: Bench) -> None:
    async def main() -> Any:
        async with AsyncEngine(bench.engine) as engine:
            return await engine.plan(put("a"), CALLER, timeout=0)

    error = asyncio.run(main()).error
    assert error is not None
    assert error.code == Code.TIMEOUT


def test_a_plan_is_cancelled_with_its_task(bench: Bench) -> None:
    reached, opened, made = threading.Event(), threading.Event(), list[Any]()
    prepare, plan = bench.store.put, bench.engine.plan

    def slow(ctx: CallContext, data: etree._Element) -> Any:
        reached.set()
        assert opened.wait(30)
        return prepare(ctx, data)

    bench.store.put = slow  # type: ignore[method-assign]
    bench.engine.plan = lambda *given, **more: made.append(plan(*given, **more))  # type: ignore[method-assign,assignment,func-returns-value]

    async def main() -> None:
        async with AsyncEngine(bench.engine) as engine:
            task = asyncio.ensure_future(engine.plan(put("a", "b"), CALLER))
            await until(reached.is_set)
            task.cancel()
            threading.Timer(0.05, opened.set).start()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    [found] = made
    assert [step.procedure for step in found.steps] == ["Store::Put"]
    assert found.error is not None


def test_what_the_caller_has_in_its_context_is_there_in_the_thread(bench: Bench) -> None:
    where: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")
    seen: list[str] = []
    bench.store.during_apply = lambda _ctx, _name: seen.append(where.get())

    async def main() -> None:
        async with AsyncEngine(bench.engine) as engine:
            where.set("in the panel")
            await engine.execute(put("a"), CALLER)

    asyncio.run(main())
    assert seen == ["in the panel"]


def test_a_close_that_is_cancelled_closes_all_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()
    close, waiting = bench.engine.close, threading.Event()

    def slow() -> None:
        waiting.set()
        time.sleep(0.2)
        close()
        closed.set()

    monkeypatch.setattr(bench.engine, "close", slow)

    async def main() -> None:
        task = asyncio.ensure_future(AsyncEngine(bench.engine).close())
        await until(waiting.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert closed.is_set()

    asyncio.run(main())


def test_an_engine_that_cannot_start_leaves_no_thread(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no store")

    monkeypatch.setattr(bench.engine, "start", fail)

    async def main() -> None:
        with pytest.raises(OSError, match="no store"):
            async with AsyncEngine(bench.engine):
                raise AssertionError("it has started")

    asyncio.run(main())
    assert not [one for one in threading.enumerate() if one.name.startswith("mpf-request")]


@pytest.mark.parametrize("name", ["submit", "execute", "plan"])
def test_it_is_asked_as_the_engine_itself_is(name: str) -> None:
    """But for `cancel`: whoever cancels the task cancels the request."""
    own, engines = (inspect.signature(getattr(kind, name)) for kind in (AsyncEngine, Engine))
    expected = [one for one in engines.parameters.values() if one.name != "cancel"]
    assert (list(own.parameters.values()), own.return_annotation) == (expected, engines.return_annotation)
