"""The exchange of messages with a server: each request and its whole answer in one time, and what is known when it fails.

The library's own way waits for each packet anew, takes a time-out for the end of a connection, loses an answer that arrives
together with a notice of disconnection, and does not say whether a request was sent.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from typing import Any, NoReturn

from ldap3.strategy.base import RESPONSE_COMPLETE, BaseStrategy
from ldap3.strategy.sync import SyncStrategy
from ldap3.utils import asn1
from pyasn1.error import PyAsn1Error

from mpf_core.errors import Code
from mpf_directory.results import NoAnswerError, Result

_PARTS = frozenset({"searchResEntry", "searchResRef", "intermediateResponse"})
_UNSOLICITED = 0
_RECEIVED = 1 << 16
#: No answer of a directory is longer; a length beyond that is no length.
_LONGEST = 1 << 28
#: What the library's decoder stumbles with over octets that are no LDAP message.
_MALFORMED = (LookupError, ValueError, TypeError, PyAsn1Error)

#: The library's parts without types. Its encoder writes booleans as LDAP has them, which the one of pyasn1 does not.
_CODEC: Any = asn1
_BASE: Any = BaseStrategy


class Clock:
    """The time that a server is given: ``timeout`` seconds for each exchange, and no more than is left until ``deadline``.

    ``deadline`` is a reading of `time.monotonic`, or ``None``.
    """

    def __init__(self, server: str, timeout: float, deadline: float | None) -> None:
        self.server = server
        self.timeout = timeout
        self.deadline = deadline
        self._until = 0.0
        self.start()

    def start(self) -> None:
        """An exchange begins."""
        self._until = time.monotonic() + self.timeout
        if self.deadline is not None:
            self._until = min(self._until, self.deadline)

    def left(self, *, sent: bool) -> float:
        """Seconds for the exchange, more than none. Raises `NoAnswerError` when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            self.over(sent=sent)
        return left

    def over(self, *, sent: bool) -> NoReturn:
        """Raise SERVER_DOWN for a server that had its time, TIMEOUT when the request's time was shorter."""
        if self.deadline is not None and self.deadline <= self._until:
            text = f"The time for this request is over, and {self.server} has not answered."
            raise NoAnswerError(Code.TIMEOUT, text, sent=sent, passing=False)
        text = f"{self.server} does not answer: silent for {self.timeout:g} seconds."
        raise NoAnswerError(Code.SERVER_DOWN, text, sent=sent, passing=False)


class Wire(SyncStrategy):
    """How a connection of the library sends and receives, over a socket that is connected already."""

    def __init__(self, connection: Any, connected: socket.socket, clock: Clock) -> None:
        super().__init__(connection)
        connection.strategy = self
        # The connection has copies of the methods of the strategy that it was made with.
        for name in ("send", "open", "get_response", "post_send_single_response", "post_send_search"):
            setattr(connection, name, getattr(self, name))
        connection.socket, connection.closed, connection.listening = connected, False, True
        self._outstanding: dict[int, Any] = {}
        self._buffer = bytearray()
        self._answered = True
        self.clock = clock

    @property
    def usable(self) -> bool:
        """Whether the last answer came whole and the server has said nothing since: unasked, it only says farewell."""
        if not self._answered or self._buffer or self.connection.socket is None:
            return False
        try:
            return not select.select([self.connection.socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def begin_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Go on inside TLS: the certificate and its name are checked during the handshake.

        Raises `NoAnswerError`: also for octets that came before the handshake, which anybody may have sent.
        """
        if self._buffer:
            text = f"{self.clock.server} sent something between the answer to StartTLS and TLS itself."
            raise NoAnswerError(Code.SERVER_DOWN, text, sent=False, passing=False)
        plain = self.connection.socket
        plain.settimeout(self.clock.left(sent=False))
        self.connection.socket = context.wrap_socket(plain, server_hostname=name)

    def sending(self, ldap_message: Any) -> None:
        """Send the whole message. One that was not accepted to its end cannot be read by the server: it is not sent."""
        encoded = _CODEC.encode(ldap_message)
        self.clock.start()
        self._answered = False
        try:
            self.connection.socket.settimeout(self.clock.left(sent=False))
            self.connection.socket.sendall(encoded)
        except TimeoutError:
            self.clock.over(sent=False)
        except OSError as error:
            text = f"{self.clock.server} does not take the request: {error}"
            raise NoAnswerError(Code.SERVER_DOWN, text, sent=False, passing=True) from None

    def _get_response(self, message_id: int, timeout: float) -> list[Any]:
        answers: list[Any] = []
        while not self._answered:
            number, answer = self._decoded(self._message())
            if number == _UNSOLICITED:
                said = f"{answer.get('description')}: {answer.get('message')}"
                text = f"{self.clock.server} ends the connection ({said})."
                raise NoAnswerError(Code.SERVER_DOWN, text, sent=True, passing=True)
            if number != message_id:
                self._garbled(f"an answer to request {number} where one to request {message_id} is due")
            answers.append(answer)
            self._answered = answer["type"] not in _PARTS
        return [*answers, RESPONSE_COMPLETE]

    def _message(self) -> bytes:
        """The next message, whole."""
        while True:
            size = _BASE.compute_ldap_message_size(self._buffer)
            if size > _LONGEST:
                self._garbled(f"a message of {size} octets")
            if 0 <= size <= len(self._buffer):
                message = bytes(self._buffer[:size])
                del self._buffer[:size]
                return message
            self._buffer += self._receive()

    def _receive(self) -> bytes:
        received: bytes = b""
        try:
            self.connection.socket.settimeout(self.clock.left(sent=True))
            received = self.connection.socket.recv(_RECEIVED)
        except TimeoutError:
            self.clock.over(sent=True)
        except OSError as error:
            text = f"{self.clock.server} does not answer: {error}"
            raise NoAnswerError(Code.SERVER_DOWN, text, sent=True, passing=True) from None
        if not received:
            text = f"{self.clock.server} does not answer: it closed the connection."
            raise NoAnswerError(Code.SERVER_DOWN, text, sent=True, passing=True)
        return received

    def _decoded(self, message: bytes) -> tuple[int, Any]:
        try:
            decoded = _CODEC.decode_message_fast(message)
            return decoded["messageID"], _BASE.decode_response_fast(self, decoded)
        except _MALFORMED as error:
            self._garbled(f"{type(error).__name__}: {error}")

    def _garbled(self, what: str) -> NoReturn:
        text = f"{self.clock.server} gives an answer that is no LDAP: {what}."
        raise NoAnswerError(Result.DECODING_ERROR, text, sent=True, passing=False)
