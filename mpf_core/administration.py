"""What changes while engines run: stored credentials, and which procedures run as which of them ("Execute As").

Both are in the store, encrypted, and shared by all its engines (spec: engine-and-runtime.md, 7 and 14; helpers-and-ad-
providers.md, 4.4). A plugin finds this object among the engine's services.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mpf_core.errors import ConfigError
from mpf_core.model import Namespace
from mpf_core.provider import Json
from mpf_core.security.keeper import CredentialKeeper
from mpf_core.security.principal import Credentials, Principal
from mpf_core.store.port import AuditEntry, Store

_CREDENTIAL = "credential/"
_EXECUTE_AS = "execute-as/"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The stored credential that a procedure runs as, who assigned it, and when (seconds since the epoch)."""

    credential: str
    by: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A stored credential without its password: its name, its account, who put it there, and when."""

    name: str
    username: str
    domain: str = ""
    by: str = ""
    at: float = 0.0


class Administration:
    """Reads and changes it. ``store`` opens the engine's store; ``namespaces`` gives those that are loaded now."""

    def __init__(
        self,
        store: Callable[[], Store],
        namespaces: Callable[[], Mapping[str, Namespace]],
        credential_names: Callable[[], Sequence[str]],
        permitted: Callable[[Principal, str], bool],
    ) -> None:
        self._store = store
        self._namespaces = namespaces
        self._plugins_names = credential_names
        #: Whether somebody has a permission of ``[security.permissions]``.
        self.permitted = permitted

    @property
    def namespaces(self) -> Mapping[str, Namespace]:
        """The loaded namespaces by name."""
        return self._namespaces()

    # --- Credentials ---------------------------------------------------------------------------------------------------

    def credential_names(self) -> list[str]:
        """The names of all credentials that can be listed: those in the store, and those that plugins tell of."""
        return sorted({*(one.name for one in self.stored_credentials()), *self._plugins_names()}, key=str.casefold)

    def stored_credentials(self) -> list[StoredCredential]:
        """The credentials in the store, without passwords, by name. Raises Tampered and StoreUnavailable."""
        settings = self._store().settings
        found = []
        for key in settings.keys(_CREDENTIAL):
            value = settings.get(key)
            if isinstance(value, dict):
                name = key.removeprefix(_CREDENTIAL)
                texts = {field: str(value.get(field, "")) for field in ("username", "domain", "by")}
                found.append(StoredCredential(name, at=_number(value.get("at")), **texts))
        return found

    def credential(self, name: str, keeper: CredentialKeeper | None = None) -> Credentials | None:
        """The credential of that name in the store, or ``None``. Raises Tampered and StoreUnavailable.

        Here and below, ``keeper`` takes the place of the store for the credential itself, and its errors are raised too.
        """
        if keeper is not None:
            return keeper.find(name)
        value = self._store().settings.get(_CREDENTIAL + name)
        if not isinstance(value, dict):
            return None
        return Credentials(str(value["username"]), str(value["password"]), str(value.get("domain", "")))

    def put_credential(self, name: str, credentials: Credentials, by: str, keeper: CredentialKeeper | None = None) -> None:
        """Store a credential, in place of one of that name; the audit says who did. Raises ConfigError for no name."""
        if not name.strip() or not credentials.username or not credentials.password:
            raise ConfigError("a stored credential needs a name, a user name and a password")
        value: dict[str, Json] = {
            "username": credentials.username,
            "password": credentials.password,
            "domain": credentials.domain,
            "by": by,
            "at": time.time(),
        }
        self._record("credentials.set", by, {"credential": name, "username": credentials.username})
        if keeper is not None:
            keeper.put(name, credentials)
            return
        self._store().settings.put(_CREDENTIAL + name, value)

    def remove_credential(self, name: str, by: str, keeper: CredentialKeeper | None = None) -> bool:
        """Remove a stored credential; whether there was one. Raises ConfigError while procedures run as it."""
        users = sorted(procedure for procedure, assigned in self.assignments().items() if assigned.credential == name)
        if users:
            raise ConfigError(f"the credential '{name}' is in use: {', '.join(users)} run as it")
        if self.credential(name, keeper) is None:
            return False
        self._record("credentials.remove", by, {"credential": name})
        if keeper is not None:
            return keeper.remove(name)
        self._store().settings.put(_CREDENTIAL + name, None)
        return True

    # --- Execute As ----------------------------------------------------------------------------------------------------

    def assignments(self) -> dict[str, Assignment]:
        """The procedures (``Namespace::Procedure``) that run as a stored credential."""
        settings = self._store().settings
        found = {key.removeprefix(_EXECUTE_AS): settings.get(key) for key in settings.keys(_EXECUTE_AS)}
        return {name: _assignment(value) for name, value in found.items() if isinstance(value, dict)}

    def assign(self, procedure: str, credential: str | None, by: str) -> None:
        """Let a procedure run as a stored credential, or with ``None`` no longer; durable, and the audit says who did.

        It holds for requests that begin afterwards, in all engines of the store.
        """
        value: Json = None if credential is None else {"credential": credential, "by": by, "at": time.time()}
        self._record("execute-as", by, {"procedure": procedure, "credential": credential or ""})
        self._store().settings.put(_EXECUTE_AS + procedure, value)

    def _record(self, event: str, by: str, details: Mapping[str, Json]) -> None:
        self._store().audit.append([AuditEntry(event, time.time(), caller=by, details=details)])


def _assignment(value: dict[str, Json]) -> Assignment:
    return Assignment(str(value.get("credential", "")), str(value.get("by", "")), _number(value.get("at")))


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
