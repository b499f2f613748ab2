"""What the engine asks of a store: journal, locks, audit, runtime configuration, outbox, and who is alive.

One store has one URL and may be shared by many engines. Memory, SQLite and PostgreSQL implement the same protocols and are
held to the same contract (tests/store; design: docs/design/transactions.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from mpf_core.provider import Json
from mpf_core.transaction.states import StepState, TransactionState


class StoreUnavailable(Exception):  # noqa: N818 - a state of the store, said by its name
    """The store cannot be reached, or cannot write (disk full, server down). What was to be written may be durable."""


class Fenced(Exception):  # noqa: N818 - what happened to the engine, not an error of the caller's
    """The transaction belongs to another engine by now: this one may neither go on with it nor undo it."""


class IdTaken(Exception):  # noqa: N818
    """A transaction of that id is in the store already, and this is another one."""


class KeyReused(Exception):  # noqa: N818
    """An idempotency key came with another request than the first time."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An idempotency key. ``scope`` is the authenticated caller, ``digest`` a keyed hash of the request."""

    scope: str
    key: str
    digest: bytes


@dataclass(slots=True)
class TransactionRecord:
    """One request in the journal. Times are seconds since the epoch.

    ``caller`` is authenticated; ``asserted_by`` says who vouched for it instead; ``trustee`` is whom the request says it is
    for. ``engine`` is the id of the engine that owns the transaction. ``code`` and ``error`` say why it failed;
    ``response`` is kept for requests with an idempotency key. ``settled_by`` and ``settled_because`` are an operator's.
    ``verified`` is False when the record was changed behind the engine's back. ``error`` and ``response`` are encrypted at
    rest. ``stored`` says that the store is known to have it.
    """

    id: str
    caller: str
    procedure: str
    started: float
    state: TransactionState = TransactionState.RUNNING
    ended: float | None = None
    asserted_by: str = ""
    trustee: str = ""
    client_transaction_id: str = ""
    engine: str = ""
    key: RequestKey | None = None
    code: int | None = None
    error: str = ""
    response: bytes | None = field(default=None, repr=False)
    settled_by: str = ""
    settled_because: str = ""
    verified: bool = True
    stored: bool = field(default=False, compare=False)


@dataclass(slots=True)
class StepRecord:
    """One write call in the journal: enough to undo it without the namespace's XML.

    ``order`` counts the write calls of the transaction from 1; ``sequence`` is the number of the call among all calls
    (executeSeqNo); ``identity`` is the account it ran as and ``identity_kind`` the `IdentityKind`'s value. ``change`` is
    the `Change.data` and ``format`` its version. ``running_until`` is when the call can no longer be under way, or ``None``
    when nobody knows. ``detail`` says why an undo or commit failed. ``secrets`` are the texts in ``change`` that must not be
    shown with it.

    ``change``, ``saved_data``, ``secrets``, ``evidence`` and ``detail`` are encrypted at rest unless ``clear``; those of a
    ``confidential`` step are erased when the transaction is final. All that was recorded
    before the effect is authenticated, and ``verified`` is False when it was changed behind the engine's back.
    """

    transaction_id: str
    order: int
    sequence: int
    namespace: str
    procedure: str
    provider_source: str
    step: str
    change: Json = field(repr=False)
    format: int
    identity: str = ""
    identity_kind: str = ""
    reversible: bool = True
    two_phase: bool = False
    clear: bool = False
    confidential: bool = False
    started: float = 0.0
    running_until: float | None = None
    saved_data: bytes | None = field(default=None, repr=False)
    state: StepState = StepState.STARTED
    evidence: dict[str, Json] = field(default_factory=dict, repr=False)
    detail: str = ""
    attempts: int = 0
    ended: float | None = None
    verified: bool = True
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit. ``details`` holds names, codes and outcomes, never data of calls.

    ``event`` is ``request.begin``, ``request.plan``, ``request.end``, ``request.refused``, ``elevation``, ``elevation.end``,
    ``recovery``, ``retry``, ``resolve``, ``keys.rotate``, ``audit.prune``, ``credentials.set``, ``credentials.remove``
    or ``execute-as``; ``identity`` is the effective identity where one is.
    """

    event: str
    at: float
    transaction_id: str = ""
    caller: str = ""
    asserted_by: str = ""
    trustee: str = ""
    identity: str = ""
    procedure: str = ""
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An audit entry as it is stored: its number from 1, and the chained hash (hexadecimal)."""

    number: int
    hash: str
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class Message:
    """Something in the outbox that has not been delivered yet."""

    id: int
    topic: str
    body: Json


@dataclass(frozen=True, slots=True)
class Query:
    """Which transactions are wanted: all conditions hold; ``caller`` and ``procedure`` match any part, in any case."""

    states: frozenset[TransactionState] = frozenset()
    caller: str = ""
    procedure: str = ""
    since: float | None = None
    until: float | None = None
    engine: str = ""
    limit: int | None = None


class Journal(Protocol):
    """Durable memory of transactions, and the locks that they hold.

    Every method raises StoreUnavailable when the store cannot answer.
    """

    def write(
        self,
        transaction: TransactionRecord,
        steps: Sequence[StepRecord] = (),
        *,
        audit: Sequence[AuditEntry] = (),
        messages: Sequence[tuple[str, Json]] = (),
        sync: bool = True,
    ) -> None:
        """Record all of this as it is now, in one go: new records are added, known ones replaced.

        With ``sync`` it survives a loss of power when this returns, and so does everything that was written before.
        A transaction in a final state (`FINAL_STATES`) lets go of its locks. May be repeated after StoreUnavailable.
        Raises Fenced when the transaction is in the store and its engine is another than ``transaction.engine``, or its
        state there is none that it can have come from (`REACHED_FROM`), or when that engine has lost its lock
        (`Engines.holds`); IdTaken for a new one whose id is there already.
        """
        ...

    def claim(self, transaction: TransactionRecord) -> TransactionRecord | None:
        """Begin a transaction that has a ``key``, durably; or return the earlier one of that key, which stands in the way.

        One that was rolled back does not stand in the way. Raises KeyReused when the earlier one's digest is another, Fenced
        and IdTaken as `write` does.
        """
        ...

    def lock(self, key: str, transaction: TransactionRecord, *, shared: bool = False) -> str | None:
        """Take ``key`` for a transaction, seen by all engines at once: ``None``, or the id of one that stands in the way.

        Many may hold it ``shared``, or one alone. Taking it twice is no error; taking it alone after shared makes it so if
        nobody else holds it, and shared after alone changes nothing. Needs no sync of its own: it is durable with the
        transaction's next `write`, and before that there is no effect which it would have to guard. Raises Fenced when the
        transaction is not in the store, has ended, or is another engine's: nobody would ever let go of the key.
        """
        ...

    def release(self, transaction_id: str) -> None:
        """Let go of the locks of a transaction that ended without a record."""
        ...

    def transaction(self, transaction_id: str) -> TransactionRecord | None:
        """The record of that id, or ``None``."""
        ...

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """The steps of a transaction in order."""
        ...

    def find(self, query: Query) -> Sequence[TransactionRecord]:
        """The transactions that are wanted, latest first, without their responses."""
        ...

    def locks(self, transaction_id: str) -> Sequence[str]:
        """The keys that a transaction holds."""
        ...

    def adopt(self, transaction_id: str, old: str, new: str) -> bool:
        """Make engine ``new`` the owner of a transaction of engine ``old``; False when it is not ``old``'s any more."""
        ...

    def prune(self, before: float) -> int:
        """Forget the transactions that ended for good before that time, with keys and steps; returns how many."""
        ...


class Audit(Protocol):
    """The append-only log of every request, chained by a keyed hash."""

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries; durable with the next synced write of the journal."""
        ...

    def length(self) -> int:
        """The number of the last line, 0 for none. It grows before anybody can take the locks of a transaction that ends."""
        ...

    def lines(self, after: int = 0) -> Iterator[AuditLine]:
        """All lines in order, from the one after number ``after``."""
        ...

    def contradicted(self) -> frozenset[str]:
        """The transactions that the journal has as open or unsettled, though a line says that they have ended for good."""
        ...

    def verify(self) -> Sequence[str]:
        """What is wrong with the chain (a removed, changed or moved line), in words; nothing when it is sound."""
        ...

    def prune(self, before: float, by: str) -> int:
        """Remove the oldest lines up to that time, and note by whom, so that `verify` still holds; returns how many."""
        ...


class Claim(Protocol):
    """An engine that is gone, held so that nobody else recovers it at the same time.

    ``certain`` is False when its process may still live (another host, and only its connection is gone): a call whose
    ``running_until`` is not over may then still be under way.
    """

    @property
    def certain(self) -> bool:
        """Whether the engine's process has surely ended, or let go of the store itself."""
        ...


class Engines(Protocol):
    """Which engines use the store, and whether they are alive: told by a lock that dies with the process."""

    def join(self, name: str) -> str:
        """Register an engine and take its lock; returns its id, which is never used again."""
        ...

    def leave(self, engine: str) -> None:
        """Give the lock back; the registration goes when no open transaction needs it."""
        ...

    def holds(self, engine: str) -> bool:
        """Whether an engine of this process still has its lock, as far as is known. One that has not joins anew."""
        ...

    def others(self, engine: str) -> Sequence[str]:
        """The ids of all registered engines but this one, the living included."""
        ...

    def claim(self, engine: str) -> AbstractContextManager[Claim | None]:
        """Hold an engine that is gone; ``None`` when it is alive, or being recovered by another."""
        ...

    def forget(self, engine: str) -> None:
        """Remove the registration of an engine that is gone, unless it has open transactions."""
        ...

    def is_sure(self) -> bool:
        """Whether nobody can take this process's engines for gone, even while the store does not answer."""
        ...


class RuntimeSettings(Protocol):
    """Configuration that changes while engines run (stored credentials, for example). Values are encrypted at rest."""

    def get(self, key: str) -> Json:
        """The value of ``key``; ``None`` when there is none."""
        ...

    def put(self, key: str, value: Json) -> None:
        """Set a value; ``None`` removes it. Durable."""
        ...

    def keys(self, prefix: str = "") -> Sequence[str]:
        """All keys that begin with ``prefix``, in order."""
        ...


class Outbox(Protocol):
    """Messages that were written together with a transaction's end and wait for delivery, at least once."""

    def pending(self, limit: int = 100) -> Sequence[Message]:
        """The oldest undelivered messages."""
        ...

    def delivered(self, ids: Sequence[int]) -> None:
        """Remove messages."""
        ...


class Store(Protocol):
    """All of it, behind one URL."""

    @property
    def journal(self) -> Journal: ...
    @property
    def audit(self) -> Audit: ...
    @property
    def engines(self) -> Engines: ...
    @property
    def settings(self) -> RuntimeSettings: ...
    @property
    def outbox(self) -> Outbox: ...

    def digest(self, data: bytes) -> bytes:
        """A keyed hash that is the same for all engines of the store (32 bytes)."""
        ...

    def close(self) -> None:
        """Let go of connections and locks."""
        ...
