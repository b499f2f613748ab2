"""Telling observers, in a thread of their own: a slow or failing one never changes a request's outcome."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import NamedTuple

from mpf_core.events import Event
from mpf_core.log import logger
from mpf_core.plugins import HookCaller

_MOST_WAITING = 10_000


class _Letter(NamedTuple):
    observers: Sequence[HookCaller]
    event: Event


class Observing:
    """Delivers events in order. When observers fall far behind, events are dropped, and the log says so.

    ``patience`` is how many seconds a request's response may wait for its own events to be delivered, so that what is
    observed is usually complete when the response is there.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._letters: queue.Queue[_Letter | threading.Event | None] = queue.Queue(_MOST_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._behind = False
        self._log = logger()

    def tell(self, observers: Sequence[HookCaller], event: Event) -> None:
        """Deliver ``event`` soon."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._deliver, name="mpf-observers", daemon=True)
                    self._thread.start()
        try:
            self._letters.put_nowait(_Letter(observers, event))
        except queue.Full:
            self._log.warning("observer.event_dropped", event_name=event.name, transaction=event.transaction_id)

    def wait(self) -> None:
        """Wait a little for what was told so far; not at all while observers are behind."""
        if self._thread is None or (self._behind and not self._letters.empty()):
            return
        self._behind = not self._flushed(self._patience)

    def close(self, patience: float = 5.0) -> None:
        """Wait for all deliveries, within reason, and stop."""
        if self._thread is None:
            return
        if not self._flushed(patience):
            self._log.warning("observer.events_undelivered", waiting=self._letters.qsize())
        try:
            self._letters.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(0.1)

    def _flushed(self, patience: float) -> bool:
        done = threading.Event()
        try:
            self._letters.put_nowait(done)
        except queue.Full:
            return False
        return done.wait(patience)

    def _deliver(self) -> None:
        while (letter := self._letters.get()) is not None:
            if isinstance(letter, threading.Event):
                letter.set()
                continue
            for observer in letter.observers:
                try:
                    observer(event=letter.event)
                except (Exception, SystemExit) as error:  # an observer never changes a request's outcome
                    self._log.warning(
                        "observer.failed",
                        plugin=observer.plugin,
                        error=type(error).__name__,
                        transaction=letter.event.transaction_id,
                    )
