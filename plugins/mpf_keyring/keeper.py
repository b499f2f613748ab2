"""Credentials as entries of the system's keyring, each in the form of the environment: ``DOMAIN\\user:password``.

So an entry can also be made by hand, with ``keyring set mpf NAME`` or the keyring's own window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from mpf_core.errors import ConfigError
from mpf_core.security.principal import Credentials
from mpf_policy.credentials import parse_account, written_account


class KeyringKeeper:
    """Implements `mpf_core.security.keeper.CredentialKeeper` with the library ``keyring``, imported when it is needed."""

    def __init__(self, service: str, names: Sequence[str]) -> None:
        """Opens nothing."""
        self._service = service
        self.names = tuple(names)

    def find(self, name: str) -> Credentials | None:
        """See `CredentialKeeper.find`."""
        with _opened() as keyring:
            value: str | None = keyring.get_password(self._service, name)
        if value is None:
            return None
        found = parse_account(value)
        if found is None:
            raise ConfigError(f"the keyring's entry '{name}' of '{self._service}' must be DOMAIN\\user:password")
        return found

    def put(self, name: str, credentials: Credentials) -> None:
        """See `CredentialKeeper.put`. Raises ConfigError for a user name with a colon, too, which could not be read back."""
        if name not in self.names:
            raise ConfigError(f"the keyring is asked only for the names in its settings, and '{name}' is not there")
        value = written_account(credentials)
        with _opened() as keyring:
            keyring.set_password(self._service, name, value)

    def remove(self, name: str) -> bool:
        """See `CredentialKeeper.remove`."""
        with _opened() as keyring:
            if keyring.get_password(self._service, name) is None:
                return False
            keyring.delete_password(self._service, name)
        return True


@contextmanager
def _opened() -> Iterator[ModuleType]:
    """The library. What it raises becomes ConfigError, without what a backend says: nobody knows what that quotes."""
    try:
        keyring = import_module("keyring")
        errors = import_module("keyring.errors")
    except ImportError as error:
        raise ConfigError(f"the keyring needs a library: pip install 'mpf-core[keyring]' ({error})") from None
    try:
        yield keyring
    except errors.NoKeyringError:
        raise ConfigError(
            "there is no keyring that this program could use: it needs a desktop session, or a backend (`keyring diagnose` "
            "shows which are there). On a server, a credentials file or the engine's store is the better place."
        ) from None
    except errors.KeyringLocked:
        raise ConfigError("the keyring is locked: unlock it as the user that the engine runs as") from None
    except errors.KeyringError as error:
        raise ConfigError(f"the keyring refuses ({type(error).__name__})") from None
