"""A process that dies, without one: what it had written is there, and nothing else that it knew.

For providers under test, whose world may be in this process, so that no process can be killed for real.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from mpf_core import points
from mpf_core.provider import Json
from mpf_core.store.engines import MemoryEngines
from mpf_core.store.memory import MemoryJournal
from mpf_core.store.opening import MemoryStore
from mpf_core.store.port import AuditEntry, Claim, Query, StepRecord, TransactionRecord


class Died(BaseException):
    """The process is gone, as far as the request is concerned."""


class MortalStore(MemoryStore):
    """A store in memory that keeps what is written as a file would, as JSON, and nothing from behind a death.

    Engines may share it one after another: whichever comes later recovers what those before it have left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.journal: _MortalJournal = _MortalJournal(self.audit.append, self.outbox.put)
        self.engines: _MortalEngines = _MortalEngines()

    @contextmanager
    def dying_at(self, number: int) -> Iterator[None]:
        """Die at the point (`mpf_core.points`) of that number, from 1, and whatever goes on then dies at once, too.

        Ends quietly when it has died, or when fewer points are passed.
        """
        left = number

        def count(_point: str) -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                self.journal.dead = True
                raise Died

        points.act(count)
        try:
            yield
        except Died:
            return
        finally:
            points.act(None)
            self.journal.dead = False


@dataclass(frozen=True, slots=True)
class _Gone:
    """See `Claim`."""

    certain: bool = True


class _MortalEngines(MemoryEngines):
    """Knows who was there; at any time one engine is alive, the last one."""

    def __init__(self) -> None:
        self._known: list[str] = []

    def join(self, name: str) -> str:
        """See `Engines.join`."""
        self._known.append(super().join(name))
        return self._known[-1]

    def others(self, engine: str) -> Sequence[str]:
        """See `Engines.others`."""
        return [one for one in self._known if one != engine]

    def claim(self, engine: str) -> AbstractContextManager[Claim | None]:
        """See `Engines.claim`."""
        return nullcontext(_Gone() if engine != self._known[-1] else None)

    def forget(self, engine: str) -> None:
        """See `Engines.forget`."""
        self._known.remove(engine)


class _MortalJournal(MemoryJournal):
    """Gives and takes copies: what is changed afterwards is known to the process alone."""

    def __init__(
        self, append: Callable[[Sequence[AuditEntry]], None], put: Callable[[str, Json], None], keep: int = 1000
    ) -> None:
        super().__init__(append, put, keep)
        self.dead = False

    def write(
        self,
        transaction: TransactionRecord,
        steps: Sequence[StepRecord] = (),
        *,
        audit: Sequence[AuditEntry] = (),
        messages: Sequence[tuple[str, Json]] = (),
        sync: bool = True,
    ) -> None:
        """See `Journal.write`."""
        self._live()
        super().write(
            copy.deepcopy(transaction), [_as_written(step) for step in steps], audit=audit, messages=messages, sync=sync
        )
        transaction.stored = True

    def claim(self, transaction: TransactionRecord) -> TransactionRecord | None:
        """See `Journal.claim`."""
        self._live()
        earlier = copy.deepcopy(super().claim(copy.deepcopy(transaction)))
        transaction.stored = earlier is None
        return earlier

    def lock(self, key: str, transaction: TransactionRecord, *, shared: bool = False) -> str | None:
        """See `Journal.lock`."""
        self._live()
        return super().lock(key, transaction, shared=shared)

    def transaction(self, transaction_id: str) -> TransactionRecord | None:
        """See `Journal.transaction`."""
        return copy.deepcopy(super().transaction(transaction_id))

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """See `Journal.steps`."""
        return copy.deepcopy(super().steps(transaction_id))

    def find(self, query: Query) -> Sequence[TransactionRecord]:
        """See `Journal.find`."""
        return copy.deepcopy(super().find(query))

    def _live(self) -> None:
        if self.dead:
            raise Died


def _as_written(step: StepRecord) -> StepRecord:
    written = copy.deepcopy(step)
    written.change, written.evidence = json.loads(json.dumps([step.change, step.evidence], allow_nan=False))
    return written
