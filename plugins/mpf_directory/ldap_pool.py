"""The connections to one domain controller: a bounded number of them, kept for a while by account."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from mpf_core.attempts import Attempt
from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Credentials, Ticket
from mpf_directory import kerberos
from mpf_directory.ldap_connection import Controller, account_name, answering, close
from mpf_directory.results import LOGON_REFUSALS, NoAnswerError, Result

#: For how many seconds a connection that nobody uses is kept, and one that is used: after the second time an account binds
#: anew, so that a changed password or a disabled account counts.
_IDLE_SECONDS, _LIFE_SECONDS = 60.0, 600.0


@dataclass(slots=True)
class _Kept:
    account: bytes
    connection: Any
    bound_at: float
    idle_since: float


class ConnectionPool:
    """The connections to one controller, by account *and* password, or by ticket. Threads may share one.

    It keeps no passwords: accounts are told apart by a keyed hash, so that a wrong password never gets a connection that
    was bound with the right one. Nor does it keep tickets, or know by anything in them whose they are: somebody could write
    a cache with another's name in it.
    """

    def __init__(self, controller: Controller, trying: Callable[[Credentials, float | None], Attempt], bound: int) -> None:
        """At most ``bound`` connections are open at a time; who needs another one waits.

        ``trying`` notes that a password is tried, and raises E_ACCESSDENIED when too many wrong ones were.
        """
        self.controller = controller
        self._trying = trying
        self._bound = bound
        self._key = secrets.token_bytes(32)
        self._freed = threading.Condition()
        self._idle: list[_Kept] = []
        self._open = 0
        self._closed = False

    @contextmanager
    def lease(self, credentials: Credentials, deadline: float | None = None) -> Iterator[Any]:
        """A connection bound with ``credentials``, of this thread alone; it is kept unless communication failed.

        Raises LOGON_FAILURE, E_ACCESSDENIED (too many wrong passwords), and `NoAnswerError`: SERVER_DOWN, or BUSY when all
        connections stay in use; TIMEOUT when ``deadline``, a reading of `time.monotonic`, passes before that.
        """
        kept = self._take(credentials, deadline)
        kept.connection.strategy.clock.deadline = deadline
        try:
            yield kept.connection
        finally:
            self._give_back(kept)

    def verify(self, credentials: Credentials) -> bool:
        """Whether the account can log on now: by a bind of its own, because an idle one only says that it could.

        Nobody counts here.
        """
        self._reserve(b"", None)
        try:
            connection = self.controller.connect(credentials, None)
        except MpfError as error:
            if error.code in LOGON_REFUSALS:
                return False
            raise
        finally:
            self._release()
        close(connection)
        return True

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """Whose ticket it is now, by a bind of its own: see `kerberos.token_sids`. Raises what `Controller.connect` does."""
        self._reserve(b"", None)
        try:
            connection = self.controller.connect(ticket, None)
            try:
                with answering(self.controller):
                    return kerberos.token_sids(connection)
            finally:
                close(connection)
        finally:
            self._release()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        with self._freed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._open -= len(idle)
        for one in idle:
            close(one.connection)

    def _take(self, credentials: Credentials, deadline: float | None) -> _Kept:
        account = self._account(credentials)
        kept = self._idle_one(account)
        if kept is not None:
            return kept
        # Noted before there is room for a connection: to find out whose name it is may take another one.
        with nullcontext() if isinstance(credentials, Ticket) else self._trying(credentials, deadline) as attempt:
            while True:
                found = self._reserve(account, deadline)
                if found is None:
                    break
                if found.connection.strategy.usable:
                    return found
                close(found.connection)
                self._release()
            try:
                connection = self._bind(credentials, deadline, attempt)
            except BaseException:
                self._release()
                raise
        now = time.monotonic()
        return _Kept(account, connection, now, now)

    def _idle_one(self, account: bytes) -> _Kept | None:
        """The youngest usable connection of the account that nobody uses: the others get their chance to grow old."""
        unwanted: list[_Kept] = []
        try:
            with self._freed:
                unwanted += self._expired()
                while found := next((one for one in reversed(self._idle) if one.account == account), None):
                    self._idle.remove(found)
                    if found.connection.strategy.usable:
                        return found
                    unwanted.append(found)
                    self._open -= 1
                return None
        finally:
            for one in unwanted:
                close(one.connection)

    def _reserve(self, account: bytes, deadline: float | None) -> _Kept | None:
        """An idle connection of the account, or, with ``None``, room for a new one."""
        until = time.monotonic() + self.controller.timeout
        until = until if deadline is None else min(until, deadline)
        unwanted: list[_Kept] = []
        try:
            with self._freed:
                while True:
                    unwanted += self._expired()
                    # The youngest first: the others get their chance to grow old.
                    found = next((one for one in reversed(self._idle) if one.account == account), None)
                    if found is not None:
                        self._idle.remove(found)
                        return found
                    if self._open >= self._bound and self._idle:
                        unwanted.append(self._idle.pop(0))
                        self._open -= 1
                    if self._open < self._bound:
                        self._open += 1
                        return None
                    if not self._freed.wait(until - time.monotonic()):
                        raise self._all_in_use(deadline)
        finally:
            for one in unwanted:
                close(one.connection)

    def _all_in_use(self, deadline: float | None) -> NoAnswerError:
        over = deadline is not None and time.monotonic() >= deadline
        text = f"All {self._bound} connections to {self.controller.name} are in use."
        return NoAnswerError(Code.TIMEOUT if over else Result.BUSY, text, sent=False, passing=False)

    def _give_back(self, kept: _Kept) -> None:
        now = time.monotonic()
        usable = kept.connection.strategy.usable and now - kept.bound_at < _LIFE_SECONDS
        with self._freed:
            if usable and not self._closed:
                kept.idle_since = now
                self._idle.append(kept)
                self._freed.notify()
                return
        close(kept.connection)
        self._release()

    def _release(self) -> None:
        with self._freed:
            self._open -= 1
            self._freed.notify()

    def _expired(self) -> list[_Kept]:
        """Take out what has been idle for too long: the list is in the order of that time."""
        oldest = time.monotonic() - _IDLE_SECONDS
        number = next((i for i, one in enumerate(self._idle) if one.idle_since > oldest), len(self._idle))
        expired, self._idle = self._idle[:number], self._idle[number:]
        self._open -= len(expired)
        return expired

    def _account(self, credentials: Credentials) -> bytes:
        if isinstance(credentials, Ticket):
            return f"{credentials.serial} {credentials.sid}".encode()
        parts = (account_name(credentials).casefold().encode(), credentials.password.encode("utf-8", "surrogatepass"))
        return hmac.digest(self._key, b"".join(hashlib.sha256(part).digest() for part in parts), "sha256")

    def _bind(self, credentials: Credentials, deadline: float | None, attempt: Attempt | None) -> Any:
        try:
            connection = self.controller.connect(credentials, deadline)
        except MpfError as error:
            if attempt is not None and error.code in LOGON_REFUSALS:
                attempt.failed()
            raise
        if attempt is not None:
            attempt.succeeded()
        return connection
