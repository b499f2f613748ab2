"""What a transaction knows of the directory: what it has read (`caching` says for how long), and what names stand for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakValueDictionary

from mpf_directory.dn import Dn, DnForm

#: So many answers are kept of one transaction.
_MOST_ANSWERS = 1000


@dataclass(slots=True, weakref_slot=True, eq=False)
class Memory:
    """Of one transaction. Used by its thread only; lives as long as somebody holds it.

    ``changes`` counts the transaction's writes, and ``stale``, as far as that is known, how often a lock that it has taken
    has put what it had read before out of date (`mpf_core.CallContext.stale`). ``authorized`` are the objects that its calls
    were authorized for, by the names that they had then, or have been given by the transaction since: see `authorized`.
    """

    changes: int = 0
    stale: Callable[[], int] = lambda: 0
    authorized: dict[Dn, UUID] = field(default_factory=dict)
    _seen: int = 0
    _answers: dict[Hashable, object] = field(default_factory=dict)

    @property
    def age(self) -> tuple[int, int]:
        """Another one after every write, and every lock that counts."""
        return self.changes, self.stale()

    def forget(self) -> None:
        """The transaction changes something."""
        self.changes += 1
        self._answers.clear()

    def renamed(self, dn: Dn, new_dn: Dn) -> None:
        """The transaction has given the object ``dn``, and all below it, another name."""
        known = self.authorized
        plain = {name: guid for name, guid in known.items() if name.form is DnForm.NAME}
        old = dn if dn.form is DnForm.NAME else next((name for name, guid in plain.items() if guid == dn.guid), None)
        if old is None:  # what is known may lie below it
            known.clear()
            return
        below = {name: guid for name, guid in plain.items() if name.is_within(old)}
        self.authorized = {name: guid for name, guid in known.items() if name not in below} | {
            name.moved(old, new_dn): guid for name, guid in below.items()
        }

    def deleted(self) -> None:
        """The transaction has deleted something: whatever name that had may be given to something else."""
        self.authorized.clear()

    @property
    def answers(self) -> dict[Hashable, object]:
        """What has been read since the last write, and the last lock that counts."""
        stale = self.stale()
        if stale != self._seen or len(self._answers) >= _MOST_ANSWERS:
            self._answers.clear()
            self._seen = stale
        return self._answers


class Memories:
    """The memories of the transactions that are running now, by their ids. Threads share one."""

    def __init__(self) -> None:
        self._living: WeakValueDictionary[str, Memory] = WeakValueDictionary()
        self._lock = threading.Lock()

    def of(self, transaction_id: str) -> Memory:
        """The memory of that transaction; a new one where nobody holds one any more."""
        with self._lock:
            memory = self._living.get(transaction_id)
            if memory is None:
                memory = self._living[transaction_id] = Memory()
            return memory
