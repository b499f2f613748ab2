"""Domain controllers over LDAPS or StartTLS: one pool of connections each, and the account that a call runs as."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path

from mpf_core.attempts import Attempt
from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.log import logger
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Ticket
from mpf_directory.backends import Trying
from mpf_directory.dn import Dn, domain_of
from mpf_directory.ldap import LdapDirectory
from mpf_directory.ldap_connection import Controller, ReferralError, tls_context
from mpf_directory.ldap_pool import ConnectionPool
from mpf_directory.ldap_referrals import referred_to
from mpf_directory.ldap_session import Session
from mpf_directory.results import Result
from mpf_directory.settings import DirectorySettings, server_key


class LdapBackend:
    """Implements `backends.Backend` for servers.

    The service account acts for the engine; everybody else with credentials of their own, so that the directory's own
    access control lists count (spec: engine-and-runtime.md, 14).
    """

    def __init__(
        self,
        settings: DirectorySettings,
        base_dir: Path,
        trying: Trying,
        stored_credentials: Callable[[str], Credentials],
    ) -> None:
        """Does not connect. Raises ConfigError when the authorities' certificates cannot be read."""
        file = settings.ca_file
        self._context = tls_context(base_dir / file.expanduser() if file else None, verify=settings.verify)
        if not settings.verify:
            logger().warning(
                "directory.certificates_not_checked",
                reason="directory.verify is false: anybody may be the server, and is given passwords",
            )
        self._settings = settings
        self._controllers = settings.controllers
        self._base = Dn.parse(settings.base)
        self._trying = trying
        self._stored_credentials = stored_credentials
        keytab = settings.keytab
        self._ticket = service_ticket(base_dir / keytab.expanduser()) if keytab is not None else None
        self._lock = threading.Lock()
        self._pools: dict[str, ConnectionPool] = {}

    def open(self, identity: Identity, controller: str, deadline: float | None) -> LdapDirectory:
        """A directory that is bound as ``identity``.

        Raises E_ACCESSDENIED when nobody has the account's password, LOGON_FAILURE when it is wrong, SERVER_DOWN, TIMEOUT.
        """
        credentials = self._credentials(identity)
        session = Session(self._pool(controller), credentials, self._route, self._settings.attempts, deadline)
        return LdapDirectory(session, self._base).connect()

    def verify_password(self, dn: Dn, password: str, controller: str) -> bool:
        """See `backends.Backend.verify_password`."""
        return self._pool(controller).verify(Credentials(str(dn), password))

    def holder(self, ticket: Ticket) -> tuple[str, ...]:
        """See `backends.Backend.holder`."""
        return self._pool(server_key(self._settings.server)).holder(ticket)

    def close(self) -> None:
        """Close all connections; new ones are made when they are needed."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def _pool(self, key: str) -> ConnectionPool:
        with self._lock:
            if key not in self._pools:
                name, address = self._controllers[key]
                settings = self._settings
                controller = Controller(name, address, self._context, settings.timeout, settings.tls == "starttls")
                self._pools[key] = ConnectionPool(controller, self._try, settings.connections)
            return self._pools[key]

    def _try(self, credentials: Credentials, deadline: float | None) -> Attempt:
        try:
            own = credentials == self._stored_credentials(self._settings.service_account)
        except ConfigError:
            own = False
        return self._trying(credentials, own=own, deadline=deadline)

    def _route(self, referred: ReferralError, dn: Dn, told_by: ConnectionPool) -> tuple[ConnectionPool, Dn]:
        name = told_by.controller.name
        key, target = referred_to(referred.urls, dn, self._controllers.keys(), name)
        if domain_of(target).casefold() in {"", domain_of(self._base).casefold()}:
            raise MpfError(
                Result.REFERRAL,
                f"'{dn}': {name} refers to {self._controllers[key][0]} for its own domain, which is not followed: a request "
                "stays at one domain controller. Name one that holds the whole domain, and may write.",
            )
        return self._pool(key), target

    def account(self, identity: Identity) -> Credentials | None:
        """See `backends.Backend.account`: credentials of the identity's own, or ``None`` for the service account."""
        if identity.kind is IdentityKind.SERVICE:
            return None
        of_principal = identity.principal.credentials if identity.principal is not None else None
        return identity.credentials or (of_principal if identity.kind is not IdentityKind.RECOVERY else None)

    def _credentials(self, identity: Identity) -> Credentials:
        own = self.account(identity)
        if own is not None:
            return own
        if identity.kind not in {IdentityKind.SERVICE, IdentityKind.RECOVERY} and self._settings.impersonation == "bind":
            raise MpfError(
                Code.E_ACCESSDENIED,
                f"The call runs as '{identity.name}', whose password is not known. Give the caller's credentials, store "
                "some for the procedure to execute as, or set directory.impersonation to 'policy' so that the service "
                "account acts and only the policies decide.",
            )
        if self._ticket is not None:
            return self._ticket
        try:
            return self._stored_credentials(self._settings.service_account)
        except ConfigError as error:
            raise MpfError(Code.E_ACCESSDENIED, f"The directory's service account cannot be used: {error}") from error


def service_ticket(keytab: Path) -> Ticket:
    """A ticket that is got with the keys in a file, and kept in this process, where no other one's ``kinit`` replaces it."""
    return Ticket(cache=f"MEMORY:mpf-{secrets.token_hex(8)}", keytab=str(keytab))
