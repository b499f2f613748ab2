"""Where a transaction keeps what it has read of the directory: `caching` says for how long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

#: So many answers are kept of one transaction.
_MOST_ANSWERS = 1000


@dataclass(slots=True, weakref_slot=True, eq=False)
class Memory:
    """Of one transaction. Used by its thread only; lives as long as somebody holds it.

    ``changes`` counts the transaction's writes, and ``locks`` says how many locks it has taken, as far as that is known:
    what was concluded from reads before the last one is out of date.
    """

    changes: int = 0
    locks: Callable[[], int] = lambda: 0
    _locked: int = 0
    _answers: dict[Hashable, object] = field(default_factory=dict)

    @property
    def age(self) -> tuple[int, int]:
        """Another one after every write and every lock."""
        return self.changes, self.locks()

    def forget(self) -> None:
        """The transaction changes something."""
        self.changes += 1
        self._answers.clear()

    @property
    def answers(self) -> dict[Hashable, object]:
        """What has been read since the last lock and the last write."""
        locked = self.locks()
        if locked != self._locked or len(self._answers) >= _MOST_ANSWERS:
            self._answers.clear()
            self._locked = locked
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
