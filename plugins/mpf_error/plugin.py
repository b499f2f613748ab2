"""The plugin's hooks: one namespace and its provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mpf_core.hookspecs import hookimpl
from mpf_core.provider import Provider
from mpf_core.services import Services
from mpf_core.settings import Settings, parse_settings
from mpf_error.maps import ErrorMaps
from mpf_error.provider import ErrorProvider

_NAMESPACES = Path(__file__).parent / "namespaces"


class ErrorSettings(Settings):
    """``[plugins."mpf.error"]``: where the map files are (``root_folder``), and what becomes of an error
    that they do not have.

    ``must_handle_error`` true makes it 0x80004005, false leaves it as it is; without it the call decides.
    """

    root_folder: Path | None = None
    must_handle_error: bool | None = None


class ErrorPlugin:
    """Brings the namespace "Error Provider"."""

    name = "mpf.error"
    settings_model = ErrorSettings

    def __init__(self) -> None:
        self._provider = ErrorProvider(ErrorMaps(None))

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take the settings; ``root_folder`` is relative to the configuration's folder. Raises ConfigError."""
        own = parse_settings(ErrorSettings, settings, 'plugins."mpf.error"')
        folder = None if own.root_folder is None else services.base_dir / own.root_folder.expanduser()
        self._provider = ErrorProvider(ErrorMaps(folder), own.must_handle_error)

    @hookimpl
    def mpf_namespaces(self) -> Iterable[Path]:
        """The namespace file in this package."""
        return [_NAMESPACES]

    @hookimpl
    def mpf_providers(self) -> Mapping[str, Provider]:
        """The provider, under the plugin's own name."""
        return {self.name: self._provider}
