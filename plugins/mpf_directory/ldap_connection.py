"""Connections to one domain controller: LDAPS, checked certificates, time-outs everywhere, one account each.

The library's traps that are dealt with here: it waits for ever, prints passwords in its ``repr``, keeps them for as long as
the connection lives, shares state between connections of one ``Server``, follows referrals with the same password,
checks names of certificates with a matcher of its own, rewrites names and values after its own idea of a schema, and
stumbles over empty attributes beside ranges.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import select
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPCommunicationError, LDAPExceptionError, LDAPResponseTimeoutError

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.principal import Credentials
from mpf_directory.results import Result, hresult
from mpf_directory.settings import Address
from mpf_directory.throttle import BindThrottle

_INVALID_CREDENTIALS = 49
#: Idle connections of one account that are kept, and for how many seconds; after the second time an account binds anew,
#: so that a changed password or a disabled account counts.
_KEPT, _IDLE_SECONDS, _LIFE_SECONDS = 4, 60.0, 600.0


def tls_context(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    """How certificates are checked: against ``ca_file`` or the system's authorities, or not at all.

    Raises ConfigError when the file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificates in {ca_file} cannot be read: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Tls(ldap3.Tls):
    """TLS as Python's own module does it: the certificate's name is checked during the handshake."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__(validate=context.verify_mode)
        self._context = context
        self._name = name

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        connection.socket = self._context.wrap_socket(
            connection.socket, server_hostname=self._name, do_handshake_on_connect=do_handshake
        )


@dataclass(frozen=True, slots=True)
class Controller:
    """A domain controller as it is configured."""

    name: str
    address: Address
    context: ssl.SSLContext
    timeout: int

    @property
    def certified_name(self) -> str:
        """The name that the certificate must have: the address's, or the controller's where that is a number."""
        try:
            ipaddress.ip_address(self.address.host)
        except ValueError:
            return self.address.host
        return self.name

    def connect(self, credentials: Credentials) -> Any:
        """A bound connection. Raises LOGON_FAILURE for a wrong password, SERVER_DOWN when there is no answer."""
        if not credentials.password:
            # A bind without a password succeeds, as nobody.
            raise MpfError(Code.E_ACCESSDENIED, f"There is no password for '{credentials.username}'.")
        with answering(self):
            server = ldap3.Server(
                self.address.host,
                port=self.address.port,
                use_ssl=True,
                tls=_Tls(self.context, self.certified_name),
                get_info=ldap3.NONE,
                connect_timeout=self.timeout,
            )
            connection = ldap3.Connection(
                server,
                user=account_name(credentials),
                password=credentials.password,
                authentication=ldap3.SIMPLE,
                receive_timeout=self.timeout,
                auto_referrals=False,
                auto_range=False,
                auto_escape=False,
                auto_encode=False,
                check_names=False,
                return_empty_attributes=False,
            )
            try:
                connection.open(read_server_info=False)
                connection.bind(read_server_info=False)
            except BaseException:
                close(connection)
                raise
            finally:
                connection.password = connection.request = None
        if connection.result["result"] != 0:
            result = connection.result
            close(connection)
            raise MpfError(
                hresult(result["result"]),
                f"'{credentials.username}' cannot log on at {self.name}: {server_text(result)}",
            )
        return connection


def account_name(credentials: Credentials) -> str:
    """The name to bind with: ``DOMAIN\\name``, a user principal name or a distinguished name."""
    name = credentials.username
    return f"{credentials.domain}\\{name}" if credentials.domain and not set("\\@=").intersection(name) else name


def server_text(result: dict[str, Any]) -> str:
    """What the server says about a result, in its own words."""
    text = str(result.get("message") or "").replace("\x00", "").strip()
    return f"{result['description']}: {text}" if text else str(result["description"])


def close(connection: Any) -> None:
    """Close without a word: what is wrong with a connection was said where it went wrong."""
    # The library forgets the socket of a connection that it could not open.
    opened = connection.socket
    with suppress(LDAPExceptionError, OSError, AttributeError):
        connection.strategy.close()
    if opened is not None:
        with suppress(OSError):
            opened.close()


@contextmanager
def answering(controller: Controller) -> Iterator[None]:
    """Turn what the library raises into SERVER_DOWN (no answer) or GEN_FAILURE (an answer that it does not understand)."""
    try:
        yield
    except (LDAPCommunicationError, LDAPResponseTimeoutError, OSError) as error:
        raise MpfError(Code.SERVER_DOWN, f"{controller.name} does not answer: {error}") from None
    except LDAPExceptionError as error:
        raise MpfError(Result.GEN_FAILURE, f"{controller.name}: {type(error).__name__}: {error}") from None


@dataclass(slots=True)
class _Idle:
    connection: Any
    bound_at: float
    idle_since: float


class ConnectionPool:
    """The idle connections to one controller, by account *and* password. Threads may share one.

    It keeps no passwords: accounts are told apart by a keyed hash, so that a wrong password never gets a connection that
    was bound with the right one.
    """

    def __init__(self, controller: Controller, throttle: BindThrottle) -> None:
        self.controller = controller
        self._throttle = throttle
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._idle: dict[bytes, list[_Idle]] = defaultdict(list)
        self._closed = False

    @contextmanager
    def lease(self, credentials: Credentials) -> Iterator[Any]:
        """A connection bound with ``credentials``, of this thread alone; it is kept unless communication failed.

        Raises LOGON_FAILURE, E_ACCESSDENIED (too many wrong passwords) or SERVER_DOWN.
        """
        account = self._account(credentials)
        idle = self._take(account) or self._bind(credentials)
        healthy = False
        try:
            yield idle.connection
            healthy = True
        except MpfError as error:
            healthy = error.code not in {Code.SERVER_DOWN, Result.GEN_FAILURE}
            raise
        finally:
            if not (healthy and self._keep(account, idle)):
                close(idle.connection)

    def verify(self, credentials: Credentials) -> bool:
        """Whether the account can log on now: by a bind of its own, because an idle one only says that it could."""
        try:
            close(self._bind(credentials).connection)
        except MpfError as error:
            if error.code == hresult(_INVALID_CREDENTIALS):
                return False
            raise
        return True

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        with self._lock:
            self._closed = True
            idle = [connection for kept in self._idle.values() for connection in kept]
            self._idle.clear()
        for one in idle:
            close(one.connection)

    def _account(self, credentials: Credentials) -> bytes:
        parts = (account_name(credentials).casefold().encode(), credentials.password.encode("utf-8", "surrogatepass"))
        return hmac.digest(self._key, b"".join(hashlib.sha256(part).digest() for part in parts), "sha256")

    def _bind(self, credentials: Credentials) -> _Idle:
        name = account_name(credentials)
        self._throttle.check(name)
        try:
            connection = self.controller.connect(credentials)
        except MpfError as error:
            if error.code == hresult(_INVALID_CREDENTIALS):
                self._throttle.failed(name)
            raise
        self._throttle.succeeded(name)
        now = time.monotonic()
        return _Idle(connection, now, now)

    def _take(self, account: bytes) -> _Idle | None:
        now = time.monotonic()
        taken, stale = None, []
        with self._lock:
            kept = self._idle.get(account, [])
            while kept and taken is None:
                candidate = kept.pop()
                if now - candidate.idle_since < _IDLE_SECONDS and _is_quiet(candidate.connection):
                    taken = candidate
                else:
                    stale.append(candidate)
        for one in stale:
            close(one.connection)
        return taken

    def _keep(self, account: bytes, idle: _Idle) -> bool:
        now = time.monotonic()
        expired = []
        with self._lock:
            for other, kept in list(self._idle.items()):
                expired += [one for one in kept if now - one.idle_since >= _IDLE_SECONDS]
                kept[:] = [one for one in kept if now - one.idle_since < _IDLE_SECONDS]
                if not kept:
                    del self._idle[other]
            keep = not self._closed and now - idle.bound_at < _LIFE_SECONDS and len(self._idle.get(account, ())) < _KEPT
            if keep:
                idle.idle_since = now
                self._idle[account].append(idle)
        for one in expired:
            close(one.connection)
        return keep


def _is_quiet(connection: Any) -> bool:
    """Whether the server has nothing to say: on an idle connection it says only that it is closed."""
    try:
        return not select.select([connection.socket], [], [], 0)[0]
    except (OSError, ValueError, TypeError):
        return False
