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
from pyasn1.type import univ

_SEARCH, _ENTRY, _DONE, _REFERENCE, _BIND, _BOUND = 3, 4, 5, 19, 0, 1
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
    """Listens with TLS on a loopback port until it is closed. ``refuse_bind`` and ``silent`` can be changed at any time."""

    def __init__(self, folder: Path, search: Search) -> None:
        self.certificate, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stub.test",
             "-addext", "subjectAltName=DNS:stub.test", "-keyout", str(key), "-out", str(self.certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.search = search
        self.bind_result = 0
        self.silent = False
        self.binds: list[str] = []
        self.requests: list[SearchRequest] = []
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

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
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self._connections.append(connection)
                    self._talk(connection)
            except (OSError, ssl.SSLError):
                return

    def _talk(self, connection: ssl.SSLSocket) -> None:
        buffer = b""
        while received := connection.recv(65536):
            buffer += received
            while buffer and _length(buffer) <= len(buffer):
                message, buffer = decoder.decode(buffer, asn1Spec=LDAPMessage())
                if self.silent:
                    continue
                for answer in self._answers(message):
                    connection.sendall(answer)

    def _answers(self, message: Any) -> list[bytes]:
        number, kind = int(message["messageID"]), message["protocolOp"].getName()
        if kind == "bindRequest":
            self.binds.append(str(message["protocolOp"]["bindRequest"]["name"]))
            return [_message(number, _BOUND, _result(self.bind_result))]
        if kind != "searchRequest":
            return []
        asked = message["protocolOp"]["searchRequest"]
        request = SearchRequest(str(asked["baseObject"]), [str(name) for name in asked["attributes"]], _cookie(message))
        self.requests.append(request)
        entries, code = self.search(request)
        answers = [_message(number, _ENTRY, _entry(dn, attributes)) for dn, attributes in entries]
        answers.append(_message(number, _REFERENCE, _octets("ldap://elsewhere.test/DC=x")))
        return [*answers, _message(number, _DONE, _result(code), request.next_cookie)]


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


def _result(code: int) -> bytes:
    return _tlv(0x0A, bytes([code])) + _octets("") + _octets("the server's own words" if code else "")


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
