"""Ctrl-C and SIGTERM as a wish to stop, which is granted at the next place where stopping does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """What signals have asked for. ``event`` is set by the first one, and ``signal`` is which one that was."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """What shells expect of a program that a signal has ended: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + (self.signal or signal.SIGINT)


@contextmanager
def stopping(asked: Callable[[], None]) -> Iterator[Stopping]:
    """Meanwhile the first signal sets an event and calls ``asked``; SIGINT after it raises KeyboardInterrupt.

    Another SIGTERM does nothing more: supervisors send it to a process and to its group. Signals can be handled in the main
    thread only; elsewhere nothing is changed.
    """
    wish = Stopping()

    def handle(number: int, _frame: FrameType | None) -> None:
        if wish.signal is None:
            wish.signal = signal.Signals(number)
            wish.event.set()
            asked()
        elif number == signal.SIGINT:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
