"""The plugin's hooks: one namespace and its provider, on the directory that another plugin brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mpf_core.hookspecs import hookimpl
from mpf_core.provider import Provider
from mpf_core.services import Services
from mpf_core.settings import Settings, parse_settings
from mpf_directory.port import Directories
from mpf_ocs.provider import OcsProvider

_NAMESPACES = Path(__file__).parent / "namespaces"


class OcsPlugin:
    """Brings the namespace "Office Communications Server Provider". Needs a plugin that provides `Directories`."""

    name = "mpf.ocs"
    settings_model = Settings

    def __init__(self) -> None:
        self._services: Services | None = None

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """There is nothing to set: raises ConfigError for any key."""
        parse_settings(Settings, settings, 'plugins."mpf.ocs"')
        self._services = services

    @hookimpl
    def mpf_namespaces(self) -> Iterable[Path]:
        """The namespace file in this package."""
        return [_NAMESPACES]

    @hookimpl
    def mpf_providers(self) -> Mapping[str, Provider]:
        """The provider, under the plugin's own name. Raises LookupError where no plugin provides `Directories`."""
        if self._services is None:
            raise LookupError("the plugin was not configured")
        # A protocol serves as the key only; nobody instantiates it.
        directories = self._services.get(Directories)  # type: ignore[type-abstract]
        return {self.name: OcsProvider(directories)}
