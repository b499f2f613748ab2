"""Operations as one account, from one domain controller on: tried again where that is safe, and led on by referrals."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay, wait_exponential, wait_random

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Credentials
from mpf_directory.dn import Dn
from mpf_directory.ldap_connection import ReferralError, answering
from mpf_directory.ldap_pool import ConnectionPool
from mpf_directory.results import NoAnswerError, Result

T = TypeVar("T")

#: Where a referral leads: the pool of a configured server, and the name to go on with. Raises REFERRAL.
Route = Callable[[ReferralError, Dn, ConnectionPool], tuple[ConnectionPool, Dn]]

_HOPS = 5
#: Answers by which a server says that it has not done it, and may do it a moment later.
_TRANSIENT = frozenset({Result.BUSY, Result.UNAVAILABLE})
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 2.0


class Session:
    """Who is bound, where, until when, and how often is tried. Threads may share one."""

    def __init__(
        self, pool: ConnectionPool, credentials: Credentials, route: Route, attempts: int, deadline: float | None
    ) -> None:
        """``deadline`` is a reading of `time.monotonic`: nothing is begun after it, and no read waits longer."""
        self.pool = pool
        self.credentials = credentials
        self.deadline = deadline
        self._route = route
        self._attempts = attempts

    def bind(self) -> None:
        """Have a bound connection, and nothing else."""
        self._patiently(self._bound, safe=True)

    def read(self, dn: Dn, operation: Callable[[Any, Dn], T]) -> T:
        """Do what changes nothing, on a connection of its own: again, from its beginning, when the connection ends."""

        def attempt(pool: ConnectionPool, target: Dn) -> T:
            with pool.lease(self.credentials, self.deadline) as connection, answering(pool.controller):
                return operation(connection, target)

        return self.run(dn, attempt, safe=True)

    def write(self, dn: Dn, operation: Callable[[Any, Dn], T]) -> T:
        """Change something, once: it is tried again only where the request certainly was not sent.

        What was sent is waited for with the server's whole time, even after the deadline: giving up before would make the
        outcome unknown, and whoever looks for it then may look before the server is done.
        """

        def attempt(pool: ConnectionPool, target: Dn) -> T:
            with pool.lease(self.credentials, self.deadline) as connection, answering(pool.controller):
                connection.strategy.clock.deadline = None
                return operation(connection, target)

        return self.run(dn, attempt, safe=False)

    def run(self, dn: Dn, attempt: Callable[[ConnectionPool, Dn], T], *, safe: bool) -> T:
        """Run ``attempt`` with the pool and name to use. ``safe`` says that it may be repeated whatever became of it.

        Raises what it raises; REFERRAL or REFERRAL_LIMIT_EXCEEDED for referrals that are not followed; TIMEOUT.
        """
        pool, target = self.pool, dn
        for _ in range(_HOPS):
            try:
                return self._patiently(partial(attempt, pool, target), safe=safe)
            except ReferralError as referred:
                pool, target = self._route(referred, target, pool)
        raise MpfError(Result.REFERRAL_LIMIT_EXCEEDED, f"'{dn}': the servers refer to each other, {_HOPS} times already.")

    def _patiently(self, attempt: Callable[[], T], *, safe: bool) -> T:
        self._require_time()
        try:
            return attempt()
        except MpfError as error:
            if self._attempts == 1 or not _may_repeat(error, safe=safe):
                raise
        stop = stop_after_attempt(self._attempts - 1)
        left = None if self.deadline is None else self.deadline - time.monotonic()
        retrying = Retrying(
            retry=retry_if_exception(lambda error: _may_repeat(error, safe=safe)),
            stop=stop if left is None else stop | stop_before_delay(left),
            wait=wait_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT) + wait_random(0, _FIRST_WAIT),
            reraise=True,
        )
        return retrying(attempt)

    def _require_time(self) -> None:
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise NoAnswerError(Code.TIMEOUT, "The time for this request is over.", sent=False, passing=False)

    def _bound(self) -> None:
        with self.pool.lease(self.credentials, self.deadline):
            return


def _may_repeat(error: BaseException, *, safe: bool) -> bool:
    if isinstance(error, NoAnswerError):
        return error.passing and (safe or not error.sent)
    return safe and isinstance(error, MpfError) and error.code in _TRANSIENT
