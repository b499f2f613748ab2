"""The plugin ``mpf.directory``: directories for other plugins, the two directory namespaces, and who callers are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import click

from mpf_core.attempts import Attempts
from mpf_core.errors import ConfigError
from mpf_core.hookspecs import hookimpl
from mpf_core.provider import Provider
from mpf_core.security.principal import Caller, Principal
from mpf_core.services import Services
from mpf_core.settings import parse_settings
from mpf_directory.accounts import Accounts
from mpf_directory.commands import directory_commands
from mpf_directory.port import Directories
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_directory.provider_account_names import AccountNameProvider
from mpf_directory.provider_caller import CallerProvider
from mpf_directory.provider_inheritance import InheritanceProvider
from mpf_directory.provider_locks import LockProvider
from mpf_directory.service import DirectoriesService
from mpf_directory.settings import DirectorySettings


class DirectoryPlugin:
    """One instance serves one engine. Registers the service `port.Directories`; touches no server before it is used."""

    name = "mpf.directory"
    settings_model = DirectorySettings

    def __init__(self) -> None:
        self._service: DirectoriesService | None = None

    @property
    def _directories(self) -> DirectoriesService:
        if self._service is None:
            raise ConfigError("the plugin mpf.directory is not configured")
        return self._service

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take `DirectorySettings`. Raises ConfigError with everything that is wrong in them."""
        checked = parse_settings(DirectorySettings, settings, "directory")
        service = DirectoriesService(checked, services.base_dir, services.credentials, partial(_attempts, services))
        self._service = service
        services.provide(Directories, service, close=service.close)  # type: ignore[type-abstract]

    @hookimpl
    def mpf_namespaces(self) -> Iterable[Path]:
        """Active Directory Provider, Preferred DC Active Directory Provider, and the providers of ours beside them."""
        return [Path(__file__).parent / "namespaces"]

    @hookimpl
    def mpf_providers(self) -> Mapping[str, Provider]:
        """The providers of those namespaces."""
        return {
            self.name: ActiveDirectoryProvider(self._directories),
            f"{self.name}.names": AccountNameProvider(self._directories),
            f"{self.name}.callers": CallerProvider(self._directories),
            f"{self.name}.inheritance": InheritanceProvider(self._directories),
            f"{self.name}.locks": LockProvider(self._directories),
        }

    @hookimpl
    def mpf_authenticate(self, caller: Caller) -> bool | None:
        """See `Accounts.authenticate`."""
        return Accounts(self._directories).authenticate(caller)

    @hookimpl
    def mpf_resolve_caller(self, caller: Caller) -> Principal | None:
        """See `Accounts.resolve`."""
        return Accounts(self._directories).resolve(caller)

    @hookimpl
    def mpf_commands(self) -> Iterable[click.Command]:
        """``mpfctl directory``."""
        return [directory_commands]


def _attempts(services: Services) -> Attempts | None:
    """What counts wrong passwords for all engines of the store: there as soon as the engine is."""
    try:
        return services.get(Attempts)
    except LookupError:
        return None
