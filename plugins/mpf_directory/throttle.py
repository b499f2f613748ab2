"""Wrong passwords are tried a few times only: nobody guesses passwords, or locks accounts out, through the engine."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from mpf_core.errors import Code, MpfError


class BindThrottle:
    """Counts failed binds by name; threads may share one. It forgets a name with its first right password."""

    def __init__(self, failures: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``failures`` within ``window`` seconds are allowed for each name."""
        self._failures = failures
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: dict[str, deque[float]] = {}

    def check(self, name: str) -> None:
        """Raise E_ACCESSDENIED when the name has failed too often: its password must not be tried now."""
        with self._lock:
            self._forget()
            failed = self._failed.get(name.casefold())
            if failed is not None and len(failed) >= self._failures:
                wait = int(failed[0] + self._window - self._clock()) + 1
                raise MpfError(
                    Code.E_ACCESSDENIED,
                    f"The password of '{name}' was wrong {len(failed)} times; it can be tried again in {wait} seconds.",
                )

    def failed(self, name: str) -> None:
        """Note a wrong password."""
        with self._lock:
            self._failed.setdefault(name.casefold(), deque(maxlen=self._failures)).append(self._clock())

    def succeeded(self, name: str) -> None:
        """Note a right password."""
        with self._lock:
            self._failed.pop(name.casefold(), None)

    def _forget(self) -> None:
        oldest = self._clock() - self._window
        for name, failed in list(self._failed.items()):
            while failed and failed[0] <= oldest:
                failed.popleft()
            if not failed:
                del self._failed[name]
