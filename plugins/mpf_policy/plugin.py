"""The plugin's hooks. Each answers by one function of one other module."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mpf_core.errors import ConfigError
from mpf_core.events import Event
from mpf_core.hookspecs import hookimpl
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.security.principal import Credentials
from mpf_core.services import Services
from mpf_core.settings import parse_settings
from mpf_directory.caching import RememberingDirectory
from mpf_directory.memory import Memory
from mpf_directory.port import Directories
from mpf_policy import credentials, elevation
from mpf_policy.claims import decide_claim
from mpf_policy.names import Names
from mpf_policy.organizations import DomainAdmins, Organizations
from mpf_policy.padding import CountedDirectory, make_up
from mpf_policy.pools import decide_pools
from mpf_policy.roles import Role, decide
from mpf_policy.settings import PolicySettings
from mpf_policy.suffixes import decide_suffixes

#: Transactions whose look-ups are kept at most. More than that run at once only where nobody tells of their end.
_MOST_TRANSACTIONS = 1000


class _LookedUp(NamedTuple):
    """What was looked up for a transaction, and how old it was then (`Memory.age`)."""

    directory: CountedDirectory
    organizations: Organizations
    names: Names
    memory: Memory
    age: tuple[int, int]


class PolicyPlugin:
    """Authorizes by the roles of the MPS delegation model, elevates by configured rules, and keeps credentials."""

    name = "mpf.policy"
    settings_model = PolicySettings

    def __init__(self) -> None:
        self._settings = PolicySettings()
        self._credentials_file: Path | None = None
        self._services: Services | None = None
        self._looked_up: OrderedDict[str, _LookedUp] = OrderedDict()
        self._domain_admins = DomainAdmins()
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
        """Decide by the procedure's minimum role, and by the pools and the user principal names in it; always an answer."""
        known = self._known(call.transaction_id)
        before = known.directory.looked_up
        decision = decide(call, known.organizations, known.names)
        if not decision.allowed:
            make_up(call, known.directory, before)
            return decision
        # Of parts, too: one may be given what the calling procedure has found, or come when something is locked by now.
        refused = (one(call, known.organizations, known.names) for one in (decide_pools, decide_suffixes))
        return next((one for one in refused if one is not None), decision)

    @hookimpl
    def mpf_roles(self) -> Iterable[str]:
        """Those of the delegation model."""
        return [role.value for role in Role]

    @hookimpl
    def mpf_claim(self, call: Call, name: str) -> Decision:
        """Decide by the evidence that the configuration names; always an answer."""
        known = self._known(call.transaction_id)
        return decide_claim(call, name, known.organizations, known.names, self._settings.domain_claims)

    @hookimpl
    def mpf_elevate(self, call: Call) -> Grant | None:
        """Grant what a rule names."""
        known = self._known(call.transaction_id)
        return elevation.grant(call, self._settings.elevations, known.organizations.base, known.names.objects)

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

    def _known(self, transaction_id: str) -> _LookedUp:
        """What the transaction has looked up since its last write and its last lock.

        So no decision rests on what it changed itself, and none on what others did before it kept them from it.
        """
        with self._lock:
            known = self._looked_up.get(transaction_id)
        if known is not None and known.age == known.memory.age:
            return known
        if self._services is None:
            raise ConfigError("the policy plugin was not configured")
        # A protocol serves as the key only; nobody instantiates it.
        directories = self._services.get(Directories)  # type: ignore[type-abstract]
        memory = known.memory if known is not None else directories.memory(transaction_id)
        directory = CountedDirectory(directories.service())
        organizations = Organizations(
            RememberingDirectory(directory, memory, None), self._settings.hosting_ou, self._domain_admins
        )
        if known is not None and known.age[0] == memory.age[0]:
            organizations.keep_groups(known.organizations)
        names = known.names if known is not None else Names(memory)
        names.unsettle()
        made = _LookedUp(directory, organizations, names, memory, memory.age)
        with self._lock:
            self._looked_up[transaction_id] = made
            while len(self._looked_up) > _MOST_TRANSACTIONS:
                self._looked_up.popitem(last=False)
        return made
