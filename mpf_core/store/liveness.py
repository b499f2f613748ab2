"""Locks that die with their process: a locked file on this host, an advisory lock in a PostgreSQL server.

A file's lock is ``flock`` on a descriptor of its own: it excludes other descriptors of the same process too, and ends with
the process whatever happens to it. A forked child would keep the descriptor, and so a dead owner alive: it closes it. The
same is true of the socket to a server that holds a lock for us.
"""

from __future__ import annotations

import os
import platform
import weakref
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Protocol

from mpf_core.errors import ConfigError


class LockFile:
    """A file that one owner at a time holds, until it lets go or its process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, *, create: bool = True) -> bool:
        """Lock the file, without waiting; False when another holds it, or when it is not there and shall not be made.

        Raises ConfigError when this system cannot lock, or the file cannot be made.
        """
        fcntl = _fcntl()
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        _opened.add(self)
        while True:
            try:
                # Known to `_let_go_in_child` from its first moment on.
                self._descriptor = os.open(self.path, flags, 0o600)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_named():
                    return True
            except FileNotFoundError:
                if not create:
                    return False
                raise ConfigError(f"the folder for lock files is missing: {self.path.parent}") from None
            except BlockingIOError:
                self.close()
                return False
            except OSError as error:
                self.close()
                raise ConfigError(f"the lock file {self.path} cannot be used: {error.strerror}") from None
            # Its last owner removed it between our opening and our lock: what we hold has no name any more.
            self.close()

    def remove(self) -> None:
        """Remove the file and let go of it; nothing when it is not held."""
        if self._descriptor is None:
            return
        # In this order: whoever opened the file before sees, once he has the lock, that it is gone.
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file and leave it where it is."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _is_named(self) -> bool:
        """Whether the open file is the one that has the name."""
        assert self._descriptor is not None
        opened = os.fstat(self._descriptor)
        try:
            named = self.path.lstat()
        except FileNotFoundError:
            return False
        return (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)


class Connection(Protocol):
    """Something on a socket."""

    def fileno(self) -> int:
        """The socket's descriptor."""
        ...


def keep_from_children(connection: Connection) -> None:
    """See to it that no forked child keeps this connection, and with it its server's session, open."""
    _connections.add(connection)


_opened: weakref.WeakSet[LockFile] = weakref.WeakSet()
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def _let_go_in_child() -> None:
    for lock in list(_opened):
        # Closing is enough, and all that is allowed: the lock belongs to the open file, which the parent still has.
        lock.close()
    for connection in list(_connections):
        # Closing it would say good-bye to the server in the parent's name; so its descriptor gets another meaning.
        with suppress(Exception):  # as drivers tell that it is closed already
            descriptor = connection.fileno()
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            os.dup2(null, descriptor, inheritable=False)
            os.close(null)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_in_child)


def _fcntl() -> ModuleType:
    """The module, which Windows does not have."""
    try:
        import fcntl  # noqa: PLC0415
    except ImportError:
        raise ConfigError("a store on disk needs file locks (flock), which this system does not have") from None
    return fcntl


def host_id() -> str:
    """What tells this host from others: the machine's id, or its name where it has none."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    return machine or platform.node()
