"""The plugin's hooks. Each answers by one function of one other module."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

from mpf_core.errors import ConfigError
from mpf_core.events import Event
from mpf_core.hookspecs import hookimpl
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.security.principal import Credentials
from mpf_core.services import Services
from mpf_core.settings import parse_settings
from mpf_directory.port import Directories
from mpf_policy import credentials, elevation
from mpf_policy.organizations import Organizations
from mpf_policy.roles import decide
from mpf_policy.settings import PolicySettings

#: Transactions whose look-ups are kept at most. More than that run at once only where nobody tells of their end.
_MOST_TRANSACTIONS = 1000


class PolicyPlugin:
    """Authorizes by the roles of the MPS delegation model, elevates by configured rules, and keeps credentials."""

    name = "mpf.policy"

    def __init__(self) -> None:
        self._settings = PolicySettings()
        self._credentials_file: Path | None = None
        self._services: Services | None = None
        self._looked_up: OrderedDict[str, Organizations] = OrderedDict()
        self._lock = threading.Lock()

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take the settings. Raises ConfigError for wrong ones, and for a credentials file that others may read."""
        self._settings = parse_settings(PolicySettings, settings, 'plugins."mpf.policy"')
        self._services = services
        if self._settings.credentials_file is not None:
            self._credentials_file = services.base_dir / self._settings.credentials_file.expanduser()
            credentials.read_file(self._credentials_file)

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        """Decide by the procedure's minimum role; always an answer."""
        return decide(call, self._organizations(call.transaction_id))

    @hookimpl
    def mpf_elevate(self, call: Call) -> Grant | None:
        """Grant what a rule names."""
        return elevation.grant(call, self._settings.elevations)

    @hookimpl
    def mpf_credentials(self, name: str) -> Credentials | None:
        """Look in the environment, then in the file. Raises ConfigError for a value or file that is not in the form."""
        found = credentials.from_environment(name, os.environ)
        if found is None and self._credentials_file is not None:
            found = credentials.from_file(name, self._credentials_file)
        return found

    @hookimpl
    def mpf_credential_names(self) -> Iterable[str]:
        """Those in the file; what is in the environment is known by its variable only."""
        return [] if self._credentials_file is None else sorted(credentials.read_file(self._credentials_file))

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        """Forget a transaction's look-ups at its end, so that no decision outlives it."""
        if event.name == "transaction.end":
            with self._lock:
                self._looked_up.pop(event.transaction_id, None)

    def _organizations(self, transaction_id: str) -> Organizations:
        with self._lock:
            known = self._looked_up.get(transaction_id)
        if known is not None:
            return known
        if self._services is None:
            raise ConfigError("the policy plugin was not configured")
        # A protocol serves as the key only; nobody instantiates it.
        directories = self._services.get(Directories)  # type: ignore[type-abstract]
        organizations = Organizations(directories.service(), self._settings.hosting_ou)
        with self._lock:
            self._looked_up[transaction_id] = organizations
            while len(self._looked_up) > _MOST_TRANSACTIONS:
                self._looked_up.popitem(last=False)
        return organizations
