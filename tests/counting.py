"""What is asked of a directory, counted: behind the port for any directory, and on the wire for a server."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unittest import mock

from ldap3.strategy.base import BaseStrategy

from mpf_core import Engine
from mpf_core.security.identity import Identity
from mpf_directory.backends import Backend
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.ldap_wire import Wire
from mpf_directory.port import Directories, Directory, Entry, Modification, Scope, Value
from mpf_directory.service import DirectoriesService


class Operation(NamedTuple):
    """One request to a directory, and whom it was made as."""

    name: str
    dn: str
    kind: str = ""


@dataclass
class Operations:
    """The operations so far. Threads may share one."""

    made: list[Operation] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, operation: Operation) -> None:
        with self._lock:
            self.made.append(operation)

    def take(self) -> list[Operation]:
        """What was noted since the last time."""
        with self._lock:
            taken, self.made = self.made, []
        return taken

    @property
    def counts(self) -> Counter[str]:
        return Counter(operation.name for operation in self.made)


class CountingDirectory(DelegatingDirectory):
    """Notes everything that is asked of another directory."""

    def __init__(self, directory: Directory, operations: Operations, kind: str = "") -> None:
        super().__init__(directory)
        self._operations = operations
        self._kind = kind

    def _note(self, name: str, dn: Dn) -> None:
        self._operations.note(Operation(name, str(dn), self._kind))

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        self._note("read", dn)
        return super().read(dn, attributes)

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - LDAP's word
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        self._note("search", base)
        return super().search(base, scope, filter, attributes, limit)

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        self._note("add", dn)
        super().add(dn, attributes)

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        self._note("modify", dn)
        super().modify(dn, modifications)

    def delete(self, dn: Dn) -> None:
        self._note("delete", dn)
        super().delete(dn)

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        self._note("rename", dn)
        super().rename(dn, new_dn)


class _CountingBackend:
    def __init__(self, backend: Backend, operations: Operations) -> None:
        self._backend = backend
        self._operations = operations

    def open(self, identity: Identity, controller: str, deadline: float | None) -> CountingDirectory:
        opened = self._backend.open(identity, controller, deadline)
        return CountingDirectory(opened, self._operations, identity.kind.value)

    def account(self, identity: Identity) -> Hashable:
        return self._backend.account(identity)

    def verify_password(self, dn: Dn, password: str, controller: str) -> bool:
        return self._backend.verify_password(dn, password, controller)

    def close(self) -> None:
        self._backend.close()


@contextmanager
def counted(engine: Engine, operations: Operations | None = None) -> Iterator[Operations]:
    """Everything that the engine asks of its directories from here on; beside what ``operations`` notes already."""
    service = engine.services.get(Directories)  # type: ignore[type-abstract]
    assert isinstance(service, DirectoriesService)
    operations = operations or Operations()
    backend = service._backend
    service._backend = _CountingBackend(backend, operations)
    try:
        yield operations
    finally:
        service._backend = backend


@contextmanager
def on_the_wire() -> Iterator[Operations]:
    """Every LDAP request that this process sends to any server, as ``ldap3`` names it; pages and ranges count."""
    operations = Operations()

    def noting(strategy: type[BaseStrategy]) -> Any:
        sending = strategy.sending

        def note_and_send(self: BaseStrategy, ldap_message: Any) -> Any:
            operations.note(Operation(str(ldap_message["protocolOp"].getName()), ""))
            return sending(self, ldap_message)

        return mock.patch.object(strategy, "sending", note_and_send)

    with noting(BaseStrategy), noting(Wire):
        yield operations
