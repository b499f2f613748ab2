"""Killing the process, or breaking something, at the named points that the engine and the providers pass.

The points are those of `mpf_core.points.POINTS`. Nothing of this is on unless a test turns it on.

    with passing() as passed:                     # which points does this request pass, in order?
        engine.execute(request, caller)

    kill_at("provider.effect.after", 2)           # in a child process: SIGKILL when it has had its second effect
    engine.execute(request, caller)
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mpf_core import points


def kill_at(point: str | None = None, occurrence: int = 1) -> None:
    """Kill this process (SIGKILL) when it passes ``point`` for that time; without a point, any of them counts.

    Raises KeyError for a point that does not exist.
    """

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    points.act(_counted(point, occurrence, kill))


@contextmanager
def at_point(point: str, action: Callable[[], None], occurrence: int = 1) -> Iterator[None]:
    """Do ``action`` (raise something, for example) when ``point`` is passed for that time, within the ``with`` block."""
    points.act(_counted(point, occurrence, action))
    try:
        yield
    finally:
        points.act(None)


@contextmanager
def passing() -> Iterator[list[str]]:
    """The points that are passed within the ``with`` block, in order."""
    passed: list[str] = []
    points.act(passed.append)
    try:
        yield passed
    finally:
        points.act(None)


def _counted(point: str | None, occurrence: int, action: Callable[[], None]) -> Callable[[str], None]:
    if point is not None and point not in points.POINTS:
        raise KeyError(point)
    seen = 0

    def count(passed: str) -> None:
        nonlocal seen
        if point is None or passed == point:
            seen += 1
            if seen == occurrence:
                action()

    return count
