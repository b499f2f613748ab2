"""The service that opens directories for the engine's plugins, on whichever kind is configured."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Ticket
from mpf_directory.backends import Backend, EmbeddedBackend
from mpf_directory.dn import Dn
from mpf_directory.memory import Memories, Memory
from mpf_directory.port import Directory
from mpf_directory.settings import DirectorySettings, server_key
from mpf_directory.throttle import BindThrottle


class DirectoriesService:
    """Implements `port.Directories`. Nothing is opened before it is asked for."""

    def __init__(
        self, settings: DirectorySettings, base_dir: Path, stored_credentials: Callable[[str], Credentials]
    ) -> None:
        """Relative paths in ``settings`` refer to ``base_dir``; ``stored_credentials`` raises ConfigError for none.

        Raises ConfigError when certificates cannot be read, or the library for servers is not installed.
        """
        self._settings = settings
        self._backend = _backend(settings, base_dir, stored_credentials)
        self._memories = Memories()

    def open(self, identity: Identity, server: str | None = None, *, deadline: float | None = None) -> Directory:
        """See `port.Directories.open`. Raises LOGON_FAILURE when the account's password is wrong.

        SERVER_DOWN also stands for an embedded directory whose file is missing.
        """
        key = server_key(server or self._settings.server)
        if key not in self._settings.controllers:
            raise MpfError(
                Code.E_ACCESSDENIED,
                f"'{server}' is not a domain controller that may be used; directory.servers lists those that may.",
            )
        return self._backend.open(identity, key, deadline)

    def service(self, *, deadline: float | None = None) -> Directory:
        """See `port.Directories.service`."""
        return self.open(Identity(IdentityKind.SERVICE, self._settings.service_account), deadline=deadline)

    def account(self, identity: Identity) -> Hashable:
        """See `port.Directories.account`."""
        return self._backend.account(identity)

    def memory(self, transaction_id: str) -> Memory:
        """See `port.Directories.memory`."""
        return self._memories.of(transaction_id)

    def verify_password(self, dn: Dn, password: str) -> bool:
        """Whether ``password`` is the one of the account ``dn`` and the account may log on now.

        Raises E_ACCESSDENIED when too many wrong ones were tried, without trying this one; SERVER_DOWN.
        """
        return bool(password) and self._backend.verify_password(dn, password)

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """Whose ticket it is, as the operator's own server says it: the SIDs of the account and of its groups.

        Raises the codes of `kerberos.KerberosError`, E_NOTIMPL on the embedded directory, SERVER_DOWN.
        """
        return self._backend.holder(ticket)

    def close(self) -> None:
        """Close files and connections. They are opened again if the service is used after that."""
        self._backend.close()


def _backend(settings: DirectorySettings, base_dir: Path, stored_credentials: Callable[[str], Credentials]) -> Backend:
    throttle = BindThrottle(settings.bind_failures, settings.bind_failures_window)
    if settings.backend == "embedded":
        return EmbeddedBackend(settings, base_dir, throttle)
    try:
        # The library for servers is an extra, which the embedded directory does without.
        from mpf_directory.ldap_backend import LdapBackend  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(f"directory.backend 'ldap' needs a library: pip install 'mpf-core[ldap]' ({error})") from error
    return LdapBackend(settings, base_dir, throttle, stored_credentials)
