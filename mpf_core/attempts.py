"""What may fail a few times only, counted in the store: passwords that are tried, for example.

All engines of a store, and every `mpfctl`, count together. An attempt is noted before it is made, so that those made at the
same moment are no more than may fail. A plugin finds this object among the engine's services.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Json
from mpf_core.store.port import RuntimeSettings, StoreUnavailable
from mpf_core.store.vault import Tampered

_PREFIX = "attempt/"
_PENDING, _FAILED = "pending", "failed"
#: After so many seconds nobody waits for the end of an attempt any more: its process is gone.
_LONGEST = 60.0
#: How long an attempt waits at most for others of the same, and between two looks.
_PATIENCE, _PAUSE = 20.0, 0.05
#: When to come again after having waited in vain for others.
_SOON = 1.0


class TooManyAttempts(Exception):  # noqa: N818 - what happened, not a mistake
    """It has failed too often; ``wait`` seconds from now it may be tried again."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class _Noted(NamedTuple):
    key: str
    at: float


@dataclass(slots=True)
class Attempt:
    """One that is being made. Left without a word, it is withdrawn: nobody knows what would have become of it."""

    _settings: RuntimeSettings
    _key: str
    _forgiven: Sequence[str]
    _ended: bool = False

    def succeeded(self) -> None:
        """It was right: failures that were known when it began count no more."""
        self._end(None, self._forgiven)

    def failed(self) -> None:
        """It was wrong."""
        self._end(_FAILED)

    def _end(self, state: str | None, forgiven: Sequence[str] = ()) -> None:
        self._ended = True
        with suppress(StoreUnavailable):  # then it stays noted, which is the safe side
            self._settings.put(self._key, state)
            for key in forgiven:
                self._settings.put(key, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._ended:
            self._end(None)


class Attempts:
    """Counts attempts by what is attempted. Threads may share one."""

    def __init__(
        self, settings: Callable[[], RuntimeSettings] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """``settings`` opens the store's; without it they are counted in this object only."""
        own = _InMemory()
        self._settings = settings or (lambda: own)
        self._clock = clock
        self._lock = threading.Lock()

    def begin(self, what: str, failures: int, window: float, deadline: float | None = None) -> Attempt:
        """Note an attempt at ``what``, of which ``failures`` may fail; they are forgotten ``window`` seconds after the last.

        Waits while others are under way that use up what is left, until ``deadline``, a reading of `time.monotonic`, at
        most. Raises TooManyAttempts, and STORE_UNAVAILABLE: what cannot be counted is not tried.
        """
        patience = time.monotonic() + _PATIENCE
        patience = patience if deadline is None else min(patience, deadline)
        try:
            settings = self._settings()
            while True:
                begun = self._try(settings, what, failures, window)
                if isinstance(begun, Attempt):
                    return begun
                if begun.hopeless or time.monotonic() >= patience:
                    raise TooManyAttempts(begun.wait)
                time.sleep(_PAUSE * random.random())  # noqa: S311 - so that those who wait do not meet again
        except StoreUnavailable as error:
            raise MpfError(Code.STORE_UNAVAILABLE, "The store cannot count passwords, so none is tried.") from error

    def _try(self, settings: RuntimeSettings, what: str, failures: int, window: float) -> Attempt | _Full:
        with self._lock:
            now = self._clock()
            noted = self._noted(settings, window, now).get(what, [])
            if len(noted) >= failures:
                hopeless = len(self._failed(settings, noted, now)) >= failures
                return _Full(hopeless, noted[-1].at + window - now if hopeless else _SOON)
            key = f"{_PREFIX}{what}/{now:017.6f}-{secrets.token_hex(8)}"
            settings.put(key, _PENDING)
            others = [one for one in self._noted(settings, window, now).get(what, []) if one.key != key]
            if len(others) >= failures:  # another engine was faster
                settings.put(key, None)
                return _Full(hopeless=False, wait=_SOON)
            return Attempt(settings, key, self._failed(settings, others, now))

    def _noted(self, settings: RuntimeSettings, window: float, now: float) -> Mapping[str, list[_Noted]]:
        """All that counts still, by what was attempted and in order; the rest is removed."""
        found: defaultdict[str, list[_Noted]] = defaultdict(list)
        for key in settings.keys(_PREFIX):
            what, _, rest = key.removeprefix(_PREFIX).rpartition("/")
            found[what].append(_Noted(key, float(rest.partition("-")[0])))
        for what in [what for what, noted in found.items() if noted[-1].at + window <= now]:
            for one in found.pop(what):
                settings.put(one.key, None)
        return found

    def _failed(self, settings: RuntimeSettings, noted: Sequence[_Noted], now: float) -> list[str]:
        """Those that have failed, or count as such because nobody can say any more."""
        return [one.key for one in noted if one.at + _LONGEST <= now or _state(settings, one.key) != _PENDING]


class _InMemory:
    """Implements `RuntimeSettings` for what one object counts."""

    def __init__(self) -> None:
        self._values: dict[str, Json] = {}

    def get(self, key: str) -> Json:
        return self._values.get(key)

    def put(self, key: str, value: Json) -> None:
        self._values[key] = value
        if value is None:
            del self._values[key]

    def keys(self, prefix: str = "") -> Sequence[str]:
        return sorted(key for key in tuple(self._values) if key.startswith(prefix))


class _Full(NamedTuple):
    """There is no room for another attempt now; without hope, because what has failed is too much already."""

    hopeless: bool
    wait: float


def _state(settings: RuntimeSettings, key: str) -> object:
    try:
        return settings.get(key)
    except Tampered:
        return _FAILED
