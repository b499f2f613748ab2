"""The plugin's hooks: one namespace and its provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mpf_config.provider import ConfigProvider
from mpf_core.hookspecs import hookimpl
from mpf_core.provider import Provider
from mpf_core.services import Services

_NAMESPACES = Path(__file__).parent / "namespaces"


class ConfigPlugin:
    """Brings the namespace "MPF Config"."""

    name = "mpf.config"

    def __init__(self) -> None:
        self._provider = ConfigProvider()

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """There are no settings; the provider finds what it administers among the services."""
        self._provider = ConfigProvider(services)

    @hookimpl
    def mpf_namespaces(self) -> Iterable[Path]:
        """The namespace file in this package."""
        return [_NAMESPACES]

    @hookimpl
    def mpf_providers(self) -> Mapping[str, Provider]:
        """The provider, under the plugin's own name."""
        return {self.name: self._provider}
