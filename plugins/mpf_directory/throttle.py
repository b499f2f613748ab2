"""Wrong passwords are tried a few times only: nobody guesses passwords, or locks accounts out, through the engine."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from mpf_core.attempts import Attempt, Attempts, TooManyAttempts
from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Entry

T = TypeVar("T")

#: After how many wrong passwords an account is locked out, and for how long they count: of the domain, and of a PSO.
_OF_DOMAIN = ("lockoutThreshold", "lockOutObservationWindow")
_OF_PSO = ("msDS-LockoutThreshold", "msDS-LockoutObservationWindow")
#: The password settings object of an account, as the server works it out from the account and its groups.
_PSO = "msDS-ResultantPSO"
#: For so many seconds what was read is good; so many accounts are remembered at most.
_FRESH, _MOST = 300.0, 1000
#: Names that nobody has are told apart by so many hexadecimal digits of a hash only: whoever makes names up fills no store.
_UNKNOWN_DIGITS = 3


class Limits(NamedTuple):
    """So many failures, forgotten so many seconds after the last."""

    failures: int
    window: float


class ThrottledError(MpfError):
    """Too many wrong passwords were tried; this one was not."""

    def __init__(self, wait: float) -> None:
        super().__init__(
            Code.E_ACCESSDENIED,
            f"Too many wrong passwords were tried for this account; try again in {max(1, math.ceil(wait))} seconds.",
        )


class BindThrottle:
    """Counts failed logons by account; a right password makes it forget them. Threads may share one."""

    def __init__(self, attempts: Callable[[], Attempts], limits: Callable[[str], Limits]) -> None:
        self._attempts = attempts
        self._limits = limits

    def attempt(self, account: str, deadline: float | None = None) -> Attempt:
        """Note, before it is tried, a password of the account with that key, and say then what became of it.

        Raises `ThrottledError` when too many have failed: this password must not be tried now. Raises STORE_UNAVAILABLE.
        """
        limits = self._limits(account)
        try:
            return self._attempts().begin(f"password/{account}", limits.failures, limits.window, deadline)
        except TooManyAttempts as full:
            raise ThrottledError(full.wait) from None


def key_of(account: Entry) -> str:
    """What an account is counted by, whichever of its names is used."""
    guid = account.octets("objectGUID")
    return str(UUID(bytes_le=guid)) if guid else key_of_name(str(account.dn))


def key_of_name(name: str) -> str:
    """What a name is counted by where no directory says whose it is."""
    return f"name/{hashlib.sha256(name.strip().casefold().encode('utf-8', 'surrogatepass')).hexdigest()}"


def key_of_nobody(name: str) -> str:
    """What a name is counted by that nobody has."""
    return f"nobody/{key_of_name(name).removeprefix('name/')[:_UNKNOWN_DIGITS]}"


def account_of(key: str) -> Dn | None:
    """The account that `key_of` has made a key of."""
    return None if "/" in key else Dn.by_guid(UUID(key))


def limits_of_domain(directory: Directory, most: Limits) -> Limits:
    """What the domain allows less one, so that no account is locked out, and no more than ``most`` in any case.

    A domain that locks out after one wrong password leaves none to try: there it is one.
    """
    return _limits(directory.read(directory.base, _OF_DOMAIN), _OF_DOMAIN, most) or most


def limits_of_account(directory: Directory, account: Dn, most: Limits) -> Limits | None:
    """The same of the account's own password settings (PSO); ``None`` where there are none, or they cannot be read."""
    found = directory.read(account, [_PSO])
    pso = found.text(_PSO) if found is not None else None
    return _limits(directory.read(Dn.parse(pso), _OF_PSO), _OF_PSO, most) if pso else None


def _limits(settings: Entry | None, names: tuple[str, str], most: Limits) -> Limits | None:
    threshold, window = (settings.text(name) if settings is not None else None for name in names)
    if threshold is None:
        return None
    if int(threshold) <= 0:  # nobody is ever locked out
        return most
    return Limits(max(1, min(most.failures, int(threshold) - 1)), max(most.window, -int(window or 0) / 10_000_000))


class Fresh(Generic[T]):
    """What was found out is good for some minutes. Threads may share one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Hashable, tuple[float, T]] = {}

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """What ``find`` says, now or some minutes ago."""
        until, value = self._known.get(key, (0.0, None))
        if value is not None and self._clock() < until:
            return value
        value = find()
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = (self._clock() + _FRESH, value)
        return value
