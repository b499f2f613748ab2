"""Binding with a Kerberos ticket (SASL GSSAPI, RFC 4752) inside of TLS, and what can be wrong with a ticket.

The exchange is written out here because the library's own hides the server's answer behind that to its farewell, and
refuses servers that offer what is wanted, no layer beside TLS. The package ``gssapi``, whose objects have no types here, is
an extra: it is imported when a ticket is used.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from importlib import import_module
from typing import Any, NamedTuple

import ldap3
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from ldap3.protocol.sasl import sasl

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Ticket
from mpf_directory.results import Result
from mpf_directory.sids import sid_to_text

_SUCCESS, _IN_PROGRESS = 0, 14
#: The only security layer that is taken: none, because TLS is one.
_NO_LAYER = 1
_EMPTY_KEYTAB = "MEMORY:mpf-nobody"
_SASL: Any = sasl


class KerberosError(IntEnum):
    """What is wrong with a ticket, in the HRESULTs of Windows' security packages (docs/how-to/kerberos.md lists them)."""

    SECPKG_NOT_FOUND = 0x80090305
    NO_CREDENTIALS = 0x8009030E
    CONTEXT_EXPIRED = 0x80090317
    TIME_SKEW = 0x80090324
    TARGET_UNKNOWN = 0x80090303
    WRONG_PRINCIPAL = 0x80090322
    NO_AUTHENTICATING_AUTHORITY = 0x80090311
    LOGON_DENIED = 0x8009030C
    INTERNAL_ERROR = 0x80090304


class _Reason(NamedTuple):
    code: KerberosError
    text: str


_NO_TICKET = _Reason(
    KerberosError.NO_CREDENTIALS,
    "There is no Kerberos ticket: get one with kinit, and see with klist whether it is in the cache that is used "
    "(KRB5CCNAME).",
)
_EXPIRED = _Reason(KerberosError.CONTEXT_EXPIRED, "The Kerberos ticket has expired: get another one with kinit.")
_SKEW = _Reason(
    KerberosError.TIME_SKEW,
    "The clocks of this machine and of the domain controller differ by more than Kerberos allows, which is five minutes: "
    "have both set by a time server.",
)
_NO_SERVICE = _Reason(
    KerberosError.TARGET_UNKNOWN,
    "Kerberos knows no service '{service}': directory.servers must name the controller as its servicePrincipalName does.",
)
_OTHER_SERVICE = _Reason(
    KerberosError.WRONG_PRINCIPAL,
    "The server does not have the key of '{service}': the name leads to another machine, or its servicePrincipalName "
    "belongs to another account.",
)
_NO_KDC = _Reason(
    KerberosError.NO_AUTHENTICATING_AUTHORITY,
    "No Kerberos server answers: see the realm, and where its servers are, in krb5.conf and in the DNS.",
)
_REFUSED = _Reason(
    KerberosError.LOGON_DENIED,
    "Kerberos gives the account no ticket: it is disabled or locked, may not log on here and now, or has another key.",
)

#: Major statuses of GSS-API (RFC 2744) that say enough; of the others the minor status, an error of Kerberos, says why.
_MAJOR = {7 << 16: _NO_TICKET, 11 << 16: _EXPIRED, 12 << 16: _EXPIRED}
#: Errors of MIT Kerberos (krb5_err.et; the first of the table is -1765328384) as 32 bits without a sign.
_FIRST_MINOR = -1765328384 & 0xFFFFFFFF
_MINOR = {
    _FIRST_MINOR + number: reason
    for reason, numbers in {
        _EXPIRED: (32,),
        _SKEW: (33, 37),
        _NO_SERVICE: (7,),
        _OTHER_SERVICE: (31, 35, 36, 41, 44, 45),
        _REFUSED: (6, 12, 18, 23, 24),
        _NO_KDC: (154, 156),
        _NO_TICKET: (141, 195, 203),
    }.items()
    for number in numbers
}


def acquire(ticket: Ticket) -> Any:
    """The credentials to bind with, read now. Raises the codes of `KerberosError`; SECPKG_NOT_FOUND without ``gssapi``."""
    gss = _gssapi()
    if ticket.delegated is not None:
        if not isinstance(ticket.delegated, gss.Credentials):
            text = "What the host handed over as the caller's Kerberos credentials is no gssapi.Credentials."
            raise MpfError(KerberosError.NO_CREDENTIALS, text)
        return ticket.delegated
    with explained(""):
        credentials = gss.Credentials(usage="initiate", mechs=[gss.MechType.kerberos], store=_store(ticket))
        # Only a look into them tells whether there is anything.
        if credentials.lifetime == 0:
            raise MpfError(*_EXPIRED)
    return credentials


def _store(ticket: Ticket) -> dict[str, str] | None:
    """Where to look; ``None`` leaves that to Kerberos.

    Where a cache has no ticket, Kerberos goes on with the keytab of the process. A cache that is named must not lead to that
    account, so it comes with a keytab of its own, which is empty.
    """
    if ticket.cache is None and not ticket.keytab:
        return None
    cache = {} if ticket.cache is None else {"ccache": ticket.cache}
    return {**cache, "client_keytab": ticket.keytab or _EMPTY_KEYTAB}


def bind(connection: Any, host: str, ticket: Ticket) -> None:
    """Bind a connection of the library, inside of TLS, with a ticket for the service ``ldap`` on ``host``.

    ``connection.result`` is the server's last answer, as after the library's own bind. The ticket is bound to the server's
    certificate (RFC 5929), so that nobody passes it on. Raises the codes of `KerberosError`, STRONG_AUTH_REQUIRED for a
    server that wants a layer of its own inside of TLS, E_ACCESSDENIED for a ticket of another account than ``ticket.sid``.
    """
    gss, credentials = _gssapi(), acquire(ticket)
    with explained(f"ldap/{host}"):
        context = gss.SecurityContext(
            name=gss.Name(f"ldap@{host}", gss.NameType.hostbased_service),
            mech=gss.MechType.kerberos,
            creds=credentials,
            usage="initiate",
            channel_bindings=gss.raw.ChannelBindings(application_data=_end_point(connection.socket)),
        )
        connection.sasl_mechanism = ldap3.KERBEROS
        token: bytes | None = None
        while not context.complete:
            token = _answer(connection, context.step(token))
            if connection.result["result"] != _IN_PROGRESS:
                _explain_refusal(connection, context, token)
                return
        _choose_layer(connection, context, token or b"")
    if ticket.sid and connection.bound and ticket.sid not in token_sids(connection):
        raise MpfError(Code.E_ACCESSDENIED, "The Kerberos ticket is another account's by now than it was before.")


def token_sids(connection: Any) -> tuple[str, ...]:
    """Whom the server takes the holder of a connection for: the SIDs of the account and of its groups, in any order.

    The operation "Who am I?" would say it in one name, but not every domain controller has it (Samba 4.17 has not).
    """
    connection.search("", "(objectClass=*)", ldap3.BASE, attributes=["tokenGroups"])
    found = connection.response[0]["raw_attributes"].get("tokenGroups", ()) if connection.response else ()
    return tuple(map(sid_to_text, found))


def _choose_layer(connection: Any, context: Any, offer: bytes) -> None:
    offered = context.unwrap(offer).message
    if len(offered) != 4 or not offered[0] & _NO_LAYER:
        raise MpfError(Result.STRONG_AUTH_REQUIRED, "The server wants messages signed inside of TLS, which cannot be done.")
    _answer(connection, context.wrap(bytes([_NO_LAYER, 0, 0, 0]), encrypt=False).message)
    connection.bound = connection.result["result"] == _SUCCESS


def _answer(connection: Any, token: bytes | None) -> bytes | None:
    answer: bytes | None = _SASL.send_sasl_negotiation(connection, None, token or b"")["saslCreds"]
    return answer


def _explain_refusal(connection: Any, context: Any, token: bytes | None) -> None:
    """A server that ends the exchange may say why in the words of Kerberos; nobody is bound before its end."""
    if token:
        context.step(token)
    if connection.result["result"] == _SUCCESS:
        raise MpfError(KerberosError.INTERNAL_ERROR, "The server accepts the ticket before it has shown who it is.")


def _end_point(connected: ssl.SSLSocket) -> bytes:
    """What both ends know of the certificate: its hash, by the function of its signature or SHA-256 (RFC 5929, 4.1)."""
    certificate = connected.getpeercert(binary_form=True) or b""
    try:
        signed_by = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except UnsupportedAlgorithm:
        signed_by = None
    weak = signed_by is None or isinstance(signed_by, hashes.MD5 | hashes.SHA1)
    digest = hashes.Hash(hashes.SHA256() if weak or signed_by is None else signed_by)
    digest.update(certificate)
    return b"tls-server-end-point:" + digest.finalize()


@contextmanager
def explained(service: str) -> Iterator[None]:
    """Turn what ``gssapi`` raises into the codes of `KerberosError`, in words that say what to do."""
    errors = _gssapi().exceptions.GSSError
    try:
        yield
    except errors as error:
        minor = error.min_code & 0xFFFFFFFF
        code, text = _MINOR.get(minor) or _MAJOR.get(error.maj_code) or _Reason(KerberosError.INTERNAL_ERROR, str(error))
        raise MpfError(code, text.replace("{service}", service)) from None


def _gssapi() -> Any:
    try:
        return import_module("gssapi")
    except ImportError as error:
        text = f"Kerberos needs a library: pip install 'mpf-core[kerberos]' ({error})"
        raise MpfError(KerberosError.SECPKG_NOT_FOUND, text) from None
