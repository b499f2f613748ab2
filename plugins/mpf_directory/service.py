"""The service that opens directories for the engine's plugins, on whichever kind is configured."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path

from mpf_core.attempts import Attempt, Attempts
from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.log import logger
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Ticket
from mpf_directory.backends import Backend, EmbeddedBackend, Trying
from mpf_directory.dn import Dn
from mpf_directory.logon_names import find_account, name_in
from mpf_directory.memory import Memories, Memory
from mpf_directory.port import Directory, Entry
from mpf_directory.settings import DirectorySettings, server_key
from mpf_directory.throttle import (
    BindThrottle,
    Fresh,
    Limits,
    account_of,
    key_of,
    key_of_name,
    key_of_nobody,
    limits_of_account,
    limits_of_domain,
)


class DirectoriesService:
    """Implements `port.Directories`. Nothing is opened before it is asked for."""

    def __init__(
        self,
        settings: DirectorySettings,
        base_dir: Path,
        stored_credentials: Callable[[str], Credentials],
        attempts: Callable[[], Attempts | None] = lambda: None,
    ) -> None:
        """Relative paths in ``settings`` refer to ``base_dir``; ``stored_credentials`` raises ConfigError for none.

        ``attempts`` gives what counts wrong passwords; without it this object counts its own.

        Raises ConfigError when certificates cannot be read, or the library for servers is not installed.
        """
        self._settings = settings
        self._memories = Memories()
        self._most = Limits(settings.bind_failures, settings.bind_failures_window)
        self._limits = Fresh[Limits]()
        self._keys = Fresh[str]()
        counted = Attempts()
        self._throttle = BindThrottle(lambda: attempts() or counted, self._allowed)
        # The operator's own password is nobody's guess: a wrong one that is corrected counts no more after a new start.
        self._own = BindThrottle(lambda: counted, lambda _account: self._most)
        self._backend = _backend(settings, base_dir, stored_credentials, self._try)

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

    def verify_password(self, dn: Dn, password: str, server: str | None = None) -> bool:
        """Whether ``password`` is the one of the account ``dn`` and the account may log on now, at ``server``.

        Raises E_ACCESSDENIED when too many wrong ones were tried, without trying this one; what `open` does for a server.
        """
        directory = self.open(Identity(IdentityKind.SERVICE, self._settings.service_account), server)
        return self.try_password(directory.read(dn, ["objectGUID"]), str(dn), password, server)

    def try_password(self, account: Entry | None, name: str, password: str, server: str | None = None) -> bool:
        """The same for an account that was read with its objectGUID; ``None`` stands for a ``name`` that nobody has.

        Then as much is done, and the answer is no.
        """
        if not password:  # no server is asked
            return False
        dn = account.dn if account is not None else self._nobody
        key = key_of(account) if account is not None else key_of_nobody(name)
        with self._throttle.attempt(key) as attempt:
            controller = server_key(server or self._settings.server)
            right = self._backend.verify_password(dn, password, controller) and account is not None
            (attempt.succeeded if right else attempt.failed)()
        return right

    def attempt(self, guid: str) -> Attempt:
        """See `port.Directories.attempt`."""
        return self._throttle.attempt(guid)

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """Whose ticket it is, as the operator's own server says it: the SIDs of the account and of its groups.

        Raises the codes of `kerberos.KerberosError`, E_NOTIMPL on the embedded directory, SERVER_DOWN.
        """
        return self._backend.holder(ticket)

    def close(self) -> None:
        """Close files and connections. They are opened again if the service is used after that."""
        self._backend.close()

    @property
    def _nobody(self) -> Dn:
        return Dn.parse(self._settings.base).child("CN", "nobody has this name")

    def _try(self, credentials: Credentials, *, own: bool, deadline: float | None = None) -> Attempt:
        """Note an attempt with somebody's credentials, by the account that they are of; ``own`` are the engine's."""
        if own:
            return self._own.attempt("service account", deadline)
        key = self._keys.get((credentials.username, credentials.domain), partial(self._key, credentials))
        return self._throttle.attempt(key, deadline)

    def _key(self, credentials: Credentials) -> str:
        try:
            directory = self.service()
            found = find_account(directory, name_in(credentials, directory))
        except MpfError as error:
            logger().info("directory.account_not_found", reason=error.description)
            found = None
        return key_of(found) if found is not None else key_of_name(f"{credentials.domain}\\{credentials.username}")

    def _allowed(self, key: str) -> Limits:
        try:
            domain = self._limits.get("", lambda: limits_of_domain(self.service(), self._most))
            # As much is read for a name that nobody has.
            account = account_of(key) or self._nobody
            return self._limits.get(key, lambda: limits_of_account(self.service(), account, self._most) or domain)
        except MpfError as error:
            logger().warning("directory.threshold_not_read", reason=error.description)
            return self._most


def _backend(
    settings: DirectorySettings, base_dir: Path, stored_credentials: Callable[[str], Credentials], trying: Trying
) -> Backend:
    if settings.backend == "embedded":
        return EmbeddedBackend(settings, base_dir, trying)
    try:
        # The library for servers is an extra, which the embedded directory does without.
        from mpf_directory.ldap_backend import LdapBackend  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(f"directory.backend 'ldap' needs a library: pip install 'mpf-core[ldap]' ({error})") from error
    return LdapBackend(settings, base_dir, trying, stored_credentials)
