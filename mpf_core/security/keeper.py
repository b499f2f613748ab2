"""A place for stored credentials beside the engine's store, which a plugin offers: the system's keyring, for example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mpf_core.security.principal import Credentials


class CredentialKeeper(Protocol):
    """A service that a plugin provides. ``mpfctl credentials --keyring`` works on it; `mpf_credentials` answers from it."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the credentials that it may keep, and no others."""
        ...

    def find(self, name: str) -> Credentials | None:
        """The credentials of that name. Raises ConfigError when the place cannot be reached or holds something else."""
        ...

    def put(self, name: str, credentials: Credentials) -> None:
        """Keep them, in place of those of that name. Raises ConfigError for a name that is not among `names`."""
        ...

    def remove(self, name: str) -> bool:
        """Forget them; whether there were any. Raises ConfigError when the place cannot be reached."""
        ...
