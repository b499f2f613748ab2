"""What the two kinds of directory have in common for the service, and the embedded one."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from pathlib import Path
from typing import Protocol

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.identity import Identity
from mpf_core.security.principal import Ticket
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Directory
from mpf_directory.settings import DirectorySettings, server_key
from mpf_directory.throttle import BindThrottle


class Backend(Protocol):
    """A kind of directory. ``controller`` is the `server_key` of one that the settings name."""

    def open(self, identity: Identity, controller: str, deadline: float | None) -> Directory:
        """See `port.Directories.open`."""
        ...

    def account(self, identity: Identity) -> Hashable:
        """See `port.Directories.account`."""
        ...

    def verify_password(self, dn: Dn, password: str) -> bool:
        """Whether the password, which is not empty, is the account's. E_ACCESSDENIED after too many wrong ones."""
        ...

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """Whose ticket it is, by the SIDs of the account and its groups. Raises the codes of `kerberos.KerberosError`."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class EmbeddedBackend:
    """The embedded directory. An identity makes no difference there: it has no access control lists."""

    def __init__(self, settings: DirectorySettings, base_dir: Path, throttle: BindThrottle) -> None:
        """Does not open the file."""
        self._path = base_dir / settings.path.expanduser()
        self._server = settings.controllers[server_key(settings.server)][0]
        # The file knows its own domain; a base that is configured has to be the same.
        self._base = Dn.parse(settings.base) if "base" in settings.model_fields_set else None
        self._throttle = throttle
        self._lock = threading.Lock()
        self._directory: EmbeddedDirectory | None = None

    def open(self, identity: Identity, controller: str, deadline: float | None) -> EmbeddedDirectory:
        """The directory, opened once. Raises SERVER_DOWN when its file is missing or no directory."""
        return self._opened()

    def account(self, identity: Identity) -> None:
        """See `Backend.account`: everybody is the operator."""

    def verify_password(self, dn: Dn, password: str) -> bool:
        """See `Backend.verify_password`."""
        name = dn.normalised
        self._throttle.check(name)
        right = self._opened().verify_password(dn, password)
        if right:
            self._throttle.succeeded(name)
        else:
            self._throttle.failed(name)
        return right

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """See `Backend.holder`: nobody gives tickets for it."""
        raise MpfError(Code.E_NOTIMPL, "The embedded directory knows no Kerberos: say with --as who sends the request.")

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            directory, self._directory = self._directory, None
        if directory is not None:
            directory.close()

    def _opened(self) -> EmbeddedDirectory:
        with self._lock:
            if self._directory is None:
                try:
                    self._directory = EmbeddedDirectory(self._path, server=self._server, base=self._base)
                except ConfigError as error:
                    raise MpfError(Code.SERVER_DOWN, str(error)) from error
            return self._directory
