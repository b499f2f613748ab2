"""Connections to one domain controller: LDAPS or StartTLS, checked certificates, time-outs everywhere, one account each.

The library's traps that are dealt with here: it waits for ever, prints passwords in its ``repr``, keeps them for as long as
the connection lives, shares state between connections of one ``Server``, follows referrals with the same password,
checks names of certificates with a matcher of its own, rewrites names and values after its own idea of a schema, and
stumbles over empty attributes beside ranges.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import ldap3
from ldap3.core.exceptions import LDAPExceptionError
from pyasn1.error import PyAsn1Error

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.principal import Credentials, Ticket
from mpf_directory import kerberos
from mpf_directory.dn import Dn
from mpf_directory.extended_errors import explain
from mpf_directory.ldap_wire import Clock, Wire
from mpf_directory.results import NoAnswerError, Result, hresult, no_such_object
from mpf_directory.settings import Address

#: What the system says of an address: its family, kind and protocol, a name, and the address itself.
_Found: TypeAlias = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]

_START_TLS = "1.3.6.1.4.1.1466.20037"
_SUCCESS, _REFERRAL, _NO_SUCH_OBJECT, _BUSY, _UNAVAILABLE = 0, 10, 32, 51, 52


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


@dataclass(frozen=True, slots=True)
class Controller:
    """A domain controller as it is configured; ``start_tls`` says that TLS begins inside of a plain connection."""

    name: str
    address: Address
    context: ssl.SSLContext
    timeout: float
    start_tls: bool = False

    @property
    def certified_name(self) -> str:
        """The name that the certificate must have: the address's, or the controller's where that is a number."""
        try:
            ipaddress.ip_address(self.address.host)
        except ValueError:
            return self.address.host
        return self.name

    def connect(self, credentials: Credentials, deadline: float | None = None) -> Any:
        """A bound connection, within the controller's time-out and until ``deadline`` at most.

        Raises LOGON_FAILURE or another of `results.LOGON_REFUSALS` for a wrong password, the codes of
        `kerberos.KerberosError` for a ticket that is none, E_ACCESSDENIED for one of another account, and `NoAnswerError`
        (SERVER_DOWN, TIMEOUT, BUSY), which says that nothing was sent: no request that the connection is wanted for.
        """
        if not (credentials.password or isinstance(credentials, Ticket)):
            # A bind without a password succeeds, as nobody.
            raise MpfError(Code.E_ACCESSDENIED, f"There is no password for '{credentials.username}'.")
        clock = Clock(self.name, self.timeout, deadline)
        try:
            with answering(self):
                connection = self._open(credentials, clock)
        except NoAnswerError as error:
            raise NoAnswerError(error.code, error.description, sent=False, passing=error.passing) from None
        result = connection.result
        if result["result"] == _SUCCESS:
            return connection
        close(connection)
        who = f"'{credentials.username}'" if credentials.username else "The holder of the Kerberos ticket"
        text = f"{who} cannot log on at {self.name}: {server_text(result)}"
        code = hresult(result["result"], str(result.get("message")))
        if result["result"] in {_BUSY, _UNAVAILABLE}:
            raise NoAnswerError(code, text, sent=False, passing=True)
        raise MpfError(code, text)

    def _open(self, credentials: Credentials, clock: Clock) -> Any:
        connection = ldap3.Connection(
            ldap3.Server(self.address.host, port=self.address.port, get_info=ldap3.NONE),
            user=account_name(credentials) or None,
            password=credentials.password or None,
            authentication=ldap3.ANONYMOUS if isinstance(credentials, Ticket) else ldap3.SIMPLE,
            auto_referrals=False,
            auto_range=False,
            auto_escape=False,
            auto_encode=False,
            check_names=False,
            return_empty_attributes=False,
        )
        try:
            connected = self._connected(clock)
            wire = Wire(connection, connected, clock)
            if self.start_tls:
                connection.extended(_START_TLS)
                if connection.result["result"] != _SUCCESS:
                    text = f"{self.name} refuses StartTLS: {server_text(connection.result)}"
                    raise MpfError(hresult(connection.result["result"]), text)
            clock.start()
            wire.begin_tls(self.context, self.certified_name)
            if isinstance(credentials, Ticket):
                kerberos.bind(connection, self.certified_name, credentials)
            else:
                connection.bind(read_server_info=False)
        except TimeoutError:
            close(connection)
            clock.over(sent=False)
        except BaseException:
            close(connection)
            raise
        finally:
            connection.password = connection.request = None
        return connection

    def _connected(self, clock: Clock) -> socket.socket:
        """A plain connection to the first of the host's addresses that answers; each gets its share of the time."""
        found = self._addresses(clock)
        for number, (family, kind, protocol, _, address) in enumerate(found):
            connected = socket.socket(family, kind, protocol)
            try:
                connected.settimeout(clock.left(sent=False) / (len(found) - number))
                connected.connect(address)
            except (OSError, NoAnswerError):
                connected.close()
                if number + 1 == len(found):
                    raise
            else:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connected
        raise OSError(f"{self.address.host} has no address")

    def _addresses(self, clock: Clock) -> Sequence[_Found]:
        """The host's addresses. The system asks for them for as long as it likes, so a thread waits for it and not the call.

        One that is waited for no more ends when the system gives up (``timeout`` and ``attempts`` of ``resolv.conf``).
        """
        answer: Future[Sequence[_Found]] = Future()

        def ask() -> None:
            try:
                answer.set_result(socket.getaddrinfo(*self.address, type=socket.SOCK_STREAM))
            except BaseException as error:  # raised where it is waited for
                answer.set_exception(error)

        threading.Thread(target=ask, name=f"addresses of {self.address.host}", daemon=True).start()
        return answer.result(clock.left(sent=False))


class ReferralError(MpfError):
    """The server refers to others, of which the ``urls`` tell; `ldap_referrals` says to which one may be gone."""

    def __init__(self, description: str, urls: tuple[str, ...]) -> None:
        super().__init__(Result.REFERRAL, description)
        self.urls = urls


def check(result: Mapping[str, Any], dn: Dn) -> None:
    """Raise what the result of an operation on ``dn`` stands for, in the server's own words, unless it is success."""
    code = result["result"]
    if code == _SUCCESS:
        return
    text = server_text(result)
    if code == _REFERRAL:
        raise ReferralError(f"{dn}: {text}", tuple(result.get("referrals") or ()))
    if code == _NO_SUCH_OBJECT:
        raise MpfError(Code.NO_SUCH_OBJECT, f"{no_such_object(dn).description} ({text})")
    raise MpfError(hresult(code, str(result.get("message") or "")), f"{dn}: {text}")


def account_name(credentials: Credentials) -> str:
    """The name to bind with: ``DOMAIN\\name``, a user principal name or a distinguished name."""
    name = credentials.username
    return f"{credentials.domain}\\{name}" if credentials.domain and not set("\\@=").intersection(name) else name


def server_text(result: Mapping[str, Any]) -> str:
    """What the server says about a result, in its own words."""
    text = str(result.get("message") or "").replace("\x00", "").strip()
    return f"{result['description']}: {explain(text)}" if text else str(result["description"])


def close(connection: Any) -> None:
    """Close without a word: what is wrong with a connection was said where it went wrong."""
    with suppress(LDAPExceptionError, OSError, AttributeError):
        connection.strategy.close()


@contextmanager
def answering(controller: Controller) -> Iterator[None]:
    """Turn what the library raises into SERVER_DOWN (no connection) or GEN_FAILURE (a request that it does not send)."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        text = f"The certificate of {controller.name} is not trusted: {error.verify_message}"
        raise NoAnswerError(Code.SERVER_DOWN, text, sent=False, passing=False) from None
    except OSError as error:
        # What TLS objects to stays as it is, but for a connection that just ended.
        passing = not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError)
        text = f"{controller.name} does not answer: {error}"
        raise NoAnswerError(Code.SERVER_DOWN, text, sent=False, passing=passing) from None
    except (LDAPExceptionError, PyAsn1Error) as error:
        raise MpfError(Result.GEN_FAILURE, f"{controller.name}: {type(error).__name__}: {error}") from None
