"""A directory whose writes pass the points at which tests kill the process (`mpf_core.points`), and stop when time is up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.port import Directory


class PointedDirectory(DelegatingDirectory):
    """Stands before another directory wherever a change is done, undone or committed."""

    def __init__(self, directory: Directory, effect: Callable[[], AbstractContextManager[None]]) -> None:
        """``effect`` is that of the call's context (`mpf_core.CallContext.effect`)."""
        super().__init__(directory)
        self._effect = effect

    def _write(self, effect: Callable[[], None]) -> None:
        with self._effect():
            effect()
