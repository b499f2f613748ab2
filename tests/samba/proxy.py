"""A TCP proxy before a controller, which cuts connections when it is told to: what is sent arrives, and no answer comes back."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress


class Proxy:
    """Listens on loopback until it is closed. ``armed`` cuts the connection on which the next answer comes, before the answer."""

    def __init__(self, address: str, port: int) -> None:
        self._target = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.armed = threading.Event()
        self.cuts = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Listen no longer; what is connected ends with its client."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._forward, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _forward(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(self._target) as server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = _received(source)
                    if not data:
                        return
                    if source is server and self.armed.is_set():
                        self.armed.clear()
                        self.cuts += 1
                        return
                    (server if source is client else client).sendall(data)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
