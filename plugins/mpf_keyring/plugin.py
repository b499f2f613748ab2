"""The plugin ``mpf.keyring``: credentials that the operating system keeps, unlocked with a user's session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from mpf_core.hookspecs import hookimpl
from mpf_core.security.keeper import CredentialKeeper
from mpf_core.security.principal import Credentials
from mpf_core.services import Services
from mpf_core.settings import Settings, parse_settings
from mpf_keyring.keeper import KeyringKeeper

Text = Annotated[str, Field(min_length=1)]


class KeyringSettings(Settings):
    """``[plugins."mpf.keyring"]``: ``service`` is what the entries are filed under, ``names`` the credentials among them.

    Only these are looked for: a keyring cannot be listed, and each look into one may ask somebody to unlock it.
    """

    service: Text = "mpf"
    names: tuple[Text, ...] = ()


class KeyringPlugin:
    """Answers for the credentials that its settings name, and lets ``mpfctl credentials --keyring`` keep them."""

    name = "mpf.keyring"
    settings_model = KeyringSettings

    def __init__(self) -> None:
        self._keeper = KeyringKeeper("mpf", ())

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take the settings; the keyring is left alone. Raises ConfigError for wrong ones."""
        checked = parse_settings(KeyringSettings, settings, 'plugins."mpf.keyring"')
        self._keeper = KeyringKeeper(checked.service, checked.names)
        services.provide(CredentialKeeper, self._keeper)  # type: ignore[type-abstract]

    @hookimpl
    def mpf_credentials(self, name: str) -> Credentials | None:
        """Look into the keyring for a name of the settings. Raises ConfigError when there is none to look into."""
        return self._keeper.find(name) if name in self._keeper.names else None

    @hookimpl
    def mpf_credential_names(self) -> Iterable[str]:
        """Those of the settings."""
        names: Sequence[str] = self._keeper.names
        return sorted(names)
