"""What the two kinds of directory have in common for the service, and the embedded one."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import Protocol

from mpf_core.attempts import Attempt
from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Ticket
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.logon_names import find_account, name_in
from mpf_directory.port import Directory
from mpf_directory.results import Result
from mpf_directory.settings import DirectorySettings, server_key
from mpf_directory.throttle import Fresh

#: Who logs on with credentials that nobody has checked before.
_CHECKED = frozenset({IdentityKind.BASIC, IdentityKind.EXECUTE_AS})


class Trying(Protocol):
    """Notes, before they are tried, credentials that an account logs on with; ``own`` are those of the engine itself."""

    def __call__(self, credentials: Credentials, *, own: bool, deadline: float | None = None) -> Attempt:
        """Raises E_ACCESSDENIED when too many wrong passwords of the account were tried."""
        ...


class Backend(Protocol):
    """A kind of directory. ``controller`` is the `server_key` of one that the settings name."""

    def open(self, identity: Identity, controller: str, deadline: float | None) -> Directory:
        """See `port.Directories.open`."""
        ...

    def account(self, identity: Identity) -> Hashable:
        """See `port.Directories.account`."""
        ...

    def verify_password(self, dn: Dn, password: str, controller: str) -> bool:
        """Whether the password, which is not empty, is the account's. Nobody counts here."""
        ...

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """Whose ticket it is, by the SIDs of the account and its groups. Raises the codes of `kerberos.KerberosError`."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class EmbeddedBackend:
    """The embedded directory. It has no access control lists, so an identity makes no difference there.

    But credentials of a request, and those that a procedure executes as, must be right, as servers have it. Callers' own
    were checked before.
    """

    def __init__(self, settings: DirectorySettings, base_dir: Path, trying: Trying) -> None:
        """Does not open the file."""
        self._path = base_dir / settings.path.expanduser()
        self._server = settings.controllers[server_key(settings.server)][0]
        # The file knows its own domain; a base that is configured has to be the same.
        self._base = Dn.parse(settings.base) if "base" in settings.model_fields_set else None
        self._trying = trying
        self._lock = threading.Lock()
        self._directory: EmbeddedDirectory | None = None
        self._key = secrets.token_bytes(32)
        self._right = Fresh[bool]()

    def open(self, identity: Identity, controller: str, deadline: float | None) -> EmbeddedDirectory:
        """The directory, opened once. Raises SERVER_DOWN when its file is missing or no directory.

        Raises LOGON_FAILURE when credentials are wrong, or of an account without a password; right ones are good for some
        minutes, as a server's connection is.
        """
        opened = self._opened()
        if identity.kind in _CHECKED and identity.credentials is not None:
            given = identity.credentials
            said = json.dumps([given.username, given.domain, given.password]).encode("ascii")
            self._right.get(hmac.digest(self._key, said, "sha256"), partial(self._log_on, opened, given, deadline))
        return opened

    def account(self, identity: Identity) -> None:
        """See `Backend.account`: everybody is the operator."""

    def verify_password(self, dn: Dn, password: str, controller: str) -> bool:
        """See `Backend.verify_password`."""
        return _matches(self._opened(), dn, password)

    def _log_on(self, directory: EmbeddedDirectory, credentials: Credentials, deadline: float | None) -> bool:
        account = find_account(directory, name_in(credentials, directory))
        dn = account.dn if account is not None else directory.base.child("CN", "nobody has this name")
        with self._trying(credentials, own=False, deadline=deadline) as attempt:
            if not _matches(directory, dn, credentials.password):
                attempt.failed()
                text = f"'{credentials.username}' cannot log on at {directory.server}: the name or the password is wrong."
                raise MpfError(Result.LOGON_FAILURE, text)
            attempt.succeeded()
        return True

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


def _matches(directory: EmbeddedDirectory, dn: Dn, password: str) -> bool:
    """Whether it is the password of that account; as much is done for one that is not there."""
    try:
        return directory.verify_password(dn, password)
    except MpfError as error:
        if error.code != Code.NO_SUCH_OBJECT:
            raise
        return False
