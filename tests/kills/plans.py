"""What shall go wrong in a process, at which of the points that it passes (`mpf_core.points`)."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from mpf_core import Code, MpfError

#: How long a process waits at most where it was told to.
PATIENCE = 30.0


@dataclass(slots=True)
class Plan:
    """All of it is off at first; steps and undos are counted from 1, in the order in which they begin.

    ``kill`` is the number of the point, whatever its name, at which the process is killed. ``fail`` names steps, and
    whether their effect has happened by then; ``fail_undo`` names undos, every attempt of which fails. At the point number
    ``wait`` the process makes the file ``waiting`` and goes on when it is gone.
    """

    kill: int = 0
    fail: dict[int, bool] = field(default_factory=dict)
    fail_undo: tuple[int, ...] = ()
    wait: int = 0
    waiting: str = ""


class Watch:
    """The points that a process passes, and what a plan does at them. For `mpf_core.points.act`."""

    def __init__(self, plan: Plan) -> None:
        self.passed: list[str] = []
        self._plan = plan
        self._steps = self._undos = 0
        self._undoing = False

    def __call__(self, point: str) -> None:
        """Pass a point."""
        plan = self._plan
        self.passed.append(point)
        if len(self.passed) == plan.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.passed) == plan.wait:
            _wait(Path(plan.waiting))
        if point == "provider.apply.before":
            self._steps += 1
        elif point == "provider.undo.before":
            self._undos, self._undoing = self._undos + 1, True
        elif point == "provider.undo.after":
            self._undoing = False
        elif point == "provider.effect.before":
            # An undo that failed passes no point behind it; the next one, or none, comes.
            self._fail(effect=False)
        elif point == "provider.effect.after":
            self._fail(effect=True)

    def _fail(self, *, effect: bool) -> None:
        if self._undoing:
            if self._undos in self._plan.fail_undo and not effect:
                raise MpfError(Code.E_FAIL, "this undo fails")
        elif self._plan.fail.get(self._steps) is effect:
            raise MpfError(Code.E_FAIL, "this step fails")


def _wait(file: Path) -> None:
    file.touch()
    until = time.monotonic() + PATIENCE
    while file.exists() and time.monotonic() < until:
        time.sleep(0.01)
