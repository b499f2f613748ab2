"""An engine in a program with an event loop: requests run in threads, and the loop goes on."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from mpf_core.engine import Engine, Result
from mpf_core.planning import Plan
from mpf_core.security.principal import Caller
from mpf_core.tracing import Trace

T = TypeVar("T")


class AsyncEngine:
    """Runs the requests of an `Engine` in threads of its own, ``workers`` at once at most; more wait for their turn.

    ``async with AsyncEngine(Engine(config)) as engine:`` starts the engine, and at the end waits for the requests that run
    and closes it. The engine itself can be used beside it, in other threads.
    """

    def __init__(self, engine: Engine, workers: int = 8) -> None:
        self.engine = engine
        self._closed = False
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="mpf-request")

    async def __aenter__(self) -> AsyncEngine:
        """Raises what `Engine.start` does; then everything is closed."""
        try:
            await self._in_thread(self.engine.start)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait for all requests, and close the engine; more of them raise RuntimeError.

        A task that is cancelled meanwhile ends when that is done.
        """
        self._closed = True
        closing = asyncio.ensure_future(asyncio.to_thread(self._close))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await _ended(closing)
            raise

    def _close(self) -> None:
        self._threads.shutdown()
        self.engine.close()

    async def submit(
        self, request: bytes | str, caller: Caller, namespace: str | None = None, procedure: str | None = None
    ) -> bytes:
        """`Engine.submit`. A task that is cancelled ends as it does in `execute`."""
        return (await self.execute(request, caller, namespace=namespace, procedure=procedure)).document

    async def execute(
        self,
        request: bytes | str,
        caller: Caller,
        *,
        namespace: str | None = None,
        procedure: str | None = None,
        transaction_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        trace: Trace | None = None,
    ) -> Result:
        """`Engine.execute`, with the same errors, and the same arguments but for ``cancel``.

        When the task is cancelled, so is the request: asyncio.CancelledError is raised once its rollback has ended. What was
        committed by then stays; whoever gave a ``transaction_id`` can ask `Engine.transactions`.
        """
        cancel = threading.Event()
        run = functools.partial(
            self.engine.execute,
            request,
            caller,
            namespace=namespace,
            procedure=procedure,
            transaction_id=transaction_id,
            idempotency_key=idempotency_key,
            timeout=timeout,
            cancel=cancel,
            trace=trace,
        )
        return await self._in_thread(run, cancel.set)

    async def plan(
        self,
        request: bytes | str,
        caller: Caller,
        *,
        namespace: str | None = None,
        procedure: str | None = None,
        timeout: float | None = None,
    ) -> Plan:
        """`Engine.plan`. When the task is cancelled, so is the plan."""
        cancel = threading.Event()
        run = functools.partial(
            self.engine.plan, request, caller, namespace=namespace, procedure=procedure, timeout=timeout, cancel=cancel
        )
        return await self._in_thread(run, cancel.set)

    async def _in_thread(self, function: Callable[[], T], cancelled: Callable[[], None] = lambda: None) -> T:
        context = contextvars.copy_context()  # spans of the caller's trace, for example
        if self._closed:
            raise RuntimeError("this engine is closed")
        job = self._threads.submit(context.run, function)
        running = asyncio.wrap_future(job)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not job.cancel():  # it runs by now
                cancelled()
                await _ended(running)
            raise


async def _ended(running: asyncio.Future[T]) -> None:
    """Wait for the end of what runs, however often the waiting task is cancelled meanwhile."""
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            continue
    if not running.cancelled():
        running.exception()  # or asyncio would say that nobody has asked for it
