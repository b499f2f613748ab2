"""A directory whose writes pass the points at which tests kill the process (`mpf_core.points`), and stop when time is up."""

from __future__ import annotations

from collections.abc import Callable

from mpf_core.points import reach
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.port import Directory


class PointedDirectory(DelegatingDirectory):
    """Stands before another directory wherever a change is done, undone or committed."""

    def __init__(self, directory: Directory, remaining: Callable[[], object]) -> None:
        """``remaining`` raises when no time is left: then the next write is not begun."""
        super().__init__(directory)
        self._remaining = remaining

    def _write(self, effect: Callable[[], None]) -> None:
        self._remaining()
        reach("provider.effect.before")
        effect()
        reach("provider.effect.after")
