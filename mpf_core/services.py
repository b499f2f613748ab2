"""Objects that plugins share within one engine, by type: a directory plugin provides one, an OCS provider needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mpf_core.security.principal import Credentials

T = TypeVar("T")


class Services:
    """A small typed registry, one per engine. Plugins provide in ``mpf_configure`` and look up when they first need.

    ``base_dir`` is the folder that relative paths in settings refer to (the configuration file's folder).
    ``credentials`` asks the credential hooks for a stored credential by name and raises ConfigError when none has it.
    """

    def __init__(self, base_dir: Path, credentials: Callable[[str], Credentials]) -> None:
        self.base_dir = base_dir
        self.credentials = credentials
        self._objects: dict[type, object] = {}
        self._closers: list[Callable[[], None]] = []

    def provide(self, kind: type[T], service: T, close: Callable[[], None] | None = None) -> None:
        """Register the engine's one object of ``kind``; ``close`` is called when the engine closes."""
        if kind in self._objects:
            raise LookupError(f"two plugins provide {kind.__name__}")
        self._objects[kind] = service
        if close is not None:
            self._closers.append(close)

    def get(self, kind: type[T]) -> T:
        """The object of ``kind``. Raises LookupError, saying which is missing, when no enabled plugin provides it."""
        try:
            return self._objects[kind]  # type: ignore[return-value]
        except KeyError:
            raise LookupError(f"no enabled plugin provides {kind.__module__}.{kind.__name__}") from None

    def close(self) -> None:
        """Close everything that was provided, last first. Called once by the engine."""
        while self._closers:
            self._closers.pop()()
