"""An LDAP server for what no real one here does: ranges, pages, referrals, silence. It answers as it is told to."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import univ

_ENTRY, _DONE, _REFERENCE, _BOUND, _EXTENDED = 4, 5, 19, 1, 24
#: Requests that change something, and the tags of their answers.
_WRITES = {"modifyRequest": 7, "addRequest": 9, "delRequest": 11, "modDNRequest": 13}
PAGED = "1.2.840.113556.1.4.319"

#: A request for entries -> what comes back: entries as (DN, attributes), and the result code.
Search = Callable[["SearchRequest"], tuple[Sequence[tuple[str, dict[str, list[str]]]], int]]


class SearchRequest:
    """What a client asked for; ``next_cookie`` is sent back, as the sign that there are more pages."""

    def __init__(self, base: str, attributes: list[str], cookie: bytes | None) -> None:
        self.base = base
        self.attributes = attributes
        self.cookie = cookie
        self.next_cookie = b""


class StubServer:
    """Listens with TLS on a loopback port until it is closed; its attributes say how it answers, and can be changed any time.

    With ``start_tls`` the client has to ask for TLS. ``write`` is asked about every change (its kind and the DN) and gives the
    result code, or ``None`` to cut the connection instead of answering. ``farewells`` is how many of the next requests are
    answered with a notice of disconnection.
    """

    def __init__(self, folder: Path, search: Search, *, name: str = "stub.test", start_tls: bool = False) -> None:
        self.certificate, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
             "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(self.certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.search = search
        self.start_tls = start_tls
        self.reset()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def reset(self) -> None:
        """Answer as in the beginning, and remember nothing."""
        self.bind_result = self.start_tls_result = self.farewells = 0
        self.silent = False
        self.message = "the server's own words"
        self.referrals: Sequence[str] = ()
        self.write: Callable[[str, str], int | None] = lambda _kind, _dn: 0
        self.binds: list[str] = []
        self.requests: list[SearchRequest] = []
        self.writes: list[tuple[str, str]] = []
        self.before_tls = b""

    def drop_connections(self) -> None:
        """End all connections, as a server does that restarts."""
        while self._connections:
            connection = self._connections.pop()
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(plain,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with plain:
            try:
                if self.start_tls and not self._begin_tls(plain):
                    return
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self._connections.append(connection)
                    self._talk(connection)
            except (OSError, ssl.SSLError):
                return

    def _begin_tls(self, plain: socket.socket) -> bool:
        """Wait for the request for TLS and answer it; whether TLS is to begin."""
        buffer = b""
        while not buffer or _length(buffer) > len(buffer):
            received = plain.recv(65536)
            if not received or (buffer or received)[0] != 0x30:  # no LDAP message
                return False
            buffer += received
        message, _ = decoder.decode(buffer, asn1Spec=LDAPMessage())
        number, kind = int(message["messageID"]), message["protocolOp"].getName()
        if kind != "extendedReq":
            self.binds.append("in the clear")
            return False
        plain.sendall(_message(number, _EXTENDED, self._result(self.start_tls_result)) + self.before_tls)
        return self.start_tls_result == 0

    def _talk(self, connection: ssl.SSLSocket) -> None:
        buffer = b""
        while received := connection.recv(65536):
            buffer += received
            while buffer and _length(buffer) <= len(buffer):
                whole, buffer = buffer[: _length(buffer)], buffer[_length(buffer) :]
                try:
                    message, _ = decoder.decode(whole, asn1Spec=LDAPMessage())
                except PyAsn1Error:  # a filter of several parts is more than the library can read: nothing is found
                    number = int(decoder.decode(whole[whole.index(b"\x02") :])[0])
                    connection.sendall(_message(number, _DONE, self._result(0)))
                    continue
                if self.silent:
                    continue
                for answer in self._answers(message):
                    if answer is None:
                        connection.shutdown(socket.SHUT_RDWR)
                        return
                    connection.sendall(answer)

    def _answers(self, message: Any) -> list[bytes | None]:
        number, kind = int(message["messageID"]), message["protocolOp"].getName()
        if kind == "bindRequest":
            self.binds.append(str(message["protocolOp"]["bindRequest"]["name"]))
            return [_message(number, _BOUND, self._result(self.bind_result))]
        if self.farewells:
            self.farewells -= 1
            notice = self._result(52) + _tlv(0x8A, b"1.3.6.1.4.1.1466.20036")
            return [_message(0, _EXTENDED, notice), None]
        if kind in _WRITES:
            request = message["protocolOp"][kind]
            dn = str(request if kind == "delRequest" else request["object" if kind == "modifyRequest" else "entry"])
            self.writes.append((kind, dn))
            code = self.write(kind, dn)
            return [None] if code is None else [_message(number, _WRITES[kind], self._result(code))]
        if kind != "searchRequest":
            return []
        asked = message["protocolOp"]["searchRequest"]
        request = SearchRequest(str(asked["baseObject"]), [str(name) for name in asked["attributes"]], _cookie(message))
        self.requests.append(request)
        entries, code = self.search(request)
        answers: list[bytes | None] = [_message(number, _ENTRY, _entry(dn, attributes)) for dn, attributes in entries]
        answers.append(_message(number, _REFERENCE, _octets("ldap://elsewhere.test/DC=x")))
        return [*answers, _message(number, _DONE, self._result(code), request.next_cookie)]

    def _result(self, code: int) -> bytes:
        referral = _tlv(0xA3, b"".join(map(_octets, self.referrals))) if code == 10 and self.referrals else b""
        return _tlv(0x0A, bytes([code])) + _octets("") + _octets(self.message if code else "") + referral


def _length(buffer: bytes) -> int:
    if len(buffer) < 2 or (buffer[1] & 0x80 and len(buffer) < 2 + (buffer[1] & 0x7F)):
        return len(buffer) + 1
    if not buffer[1] & 0x80:
        return 2 + buffer[1]
    size = buffer[1] & 0x7F
    return 2 + size + int.from_bytes(buffer[2 : 2 + size], "big")


def _cookie(message: Any) -> bytes | None:
    if not message["controls"].hasValue():
        return None
    for control in message["controls"]:
        if str(control["controlType"]) == PAGED:
            value, _ = decoder.decode(bytes(control["controlValue"]))
            return bytes(value[1])
    return None


# BER by hand: one tag octet, a length, the content.


def _tlv(octet: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([octet, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([octet, 0x80 | len(digits)]) + digits + content


def _octets(text: str | bytes) -> bytes:
    return _tlv(0x04, text.encode() if isinstance(text, str) else text)


def _integer(number: int) -> bytes:
    return bytes(encoder.encode(univ.Integer(number)))


def _entry(dn: str, attributes: dict[str, list[str]]) -> bytes:
    content = b"".join(
        _tlv(0x30, _octets(name) + _tlv(0x31, b"".join(map(_octets, values)))) for name, values in attributes.items()
    )
    return _octets(dn) + _tlv(0x30, content)


def _message(number: int, operation: int, content: bytes, cookie: bytes | None = None) -> bytes:
    body = _integer(number) + _tlv(0x60 | operation, content)
    if cookie is not None:
        paging = _tlv(0x30, _integer(0) + _octets(cookie))
        body += _tlv(0xA0, _tlv(0x30, _octets(PAGED) + _octets(paging)))
    return _tlv(0x30, body)
