"""The journal in SQL: transactions, steps, locks and idempotency keys, encrypted and authenticated.

`SqlJournal.write` is walked once for every step, so it does what is needed and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, bindparam, delete, func, insert, literal, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mpf_core import points
from mpf_core.provider import Json
from mpf_core.store.audit import SqlAudit
from mpf_core.store.database import Cursor, Database, canonical
from mpf_core.store.port import (
    AuditEntry,
    Fenced,
    KeyReused,
    Query,
    RequestKey,
    StepRecord,
    TransactionRecord,
)
from mpf_core.store.tables import locks, outbox, request_keys, steps, transactions
from mpf_core.store.vault import DataKey, Tampered, UnknownMasterKey, Vault
from mpf_core.transaction.states import FINAL_STATES, OPEN_TRANSACTIONS, StepState, TransactionState


@dataclass(slots=True)
class _Open:
    """What is known of a transaction that is not final: its key, and the steps that are in the table."""

    key: DataKey
    stored: set[int] = field(default_factory=set)
    #: Whether one of the steps is.
    confidential: bool = False
    #: Whether the transaction's own row is there for sure.
    there: bool = False
    #: The transaction's own columns as they are in the table.
    row: tuple[object, ...] = ()


class SqlJournal:
    """Implements `mpf_core.store.port.Journal` on a `Database`."""

    def __init__(self, db: Database, vault: Vault, audit: SqlAudit) -> None:
        self._db = db
        self._vault = vault
        self._audit = audit
        self._open: dict[str, _Open] = {}
        self._add_step = db.compiled(_add_step(db.dialect))
        self._get = db.compiled(_GET)
        self._add = db.compiled(_ADD)
        self._change = db.compiled(_CHANGE)
        self._fence = db.compiled(_FENCE_ALONE if db.dialect == "postgresql" else _FENCE)
        self._fence_open = db.compiled(_FENCE_OPEN_ALONE if db.dialect == "postgresql" else _FENCE_OPEN)
        self._change_step = db.compiled(_CHANGE_STEP)
        self._unlock = db.compiled(_UNLOCK)
        self._serialise = _SERIALISE if db.dialect == "postgresql" else None

    # --- Writing -------------------------------------------------------------------------------------------------------

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
        if sync:
            points.reach("journal.write.before")
        final = transaction.state in FINAL_STATES
        with self._db.write(sync=sync) as cursor:
            opened = self._put(cursor, transaction)
            for step in steps:
                self._put_step(cursor, opened, step)
                opened.confidential |= step.confidential
            if final:
                cursor.execute(self._unlock, {"transaction": transaction.id})
                if opened.confidential:
                    self._erase(cursor, opened.key, transaction.id)
            for topic, body in messages:
                cursor.execute(self._db.compiled(_PUT_MESSAGE), {"topic": topic, "body": json.dumps(body)})
            self._audit.append_in(cursor, audit)
        opened.there = True
        opened.row = _row(transaction)
        opened.stored.update(step.order for step in steps)
        if transaction.state not in OPEN_TRANSACTIONS:
            self._open.pop(transaction.id, None)
        if sync:
            points.reach("journal.write.after")

    def claim(self, transaction: TransactionRecord) -> TransactionRecord | None:
        """See `Journal.claim`."""
        key = transaction.key
        assert key is not None
        points.reach("journal.write.before")
        with self._db.write() as cursor:
            self._alone(cursor, f"key {key.scope} {key.key}")
            row = cursor.execute(self._db.compiled(_GET_KEY), {"the_scope": key.scope, "the_key": key.key}).fetchone()
            if row is not None:
                digest, earlier_id = bytes(row[0]), row[1]
                if digest != key.digest:
                    raise KeyReused
                earlier = self._read(cursor, earlier_id)
                if earlier is not None and earlier.state is not TransactionState.ROLLED_BACK:
                    return earlier
                cursor.execute(self._db.compiled(_DROP_KEY), {"the_scope": key.scope, "the_key": key.key})
            values = {"scope": key.scope, "key": key.key, "digest": key.digest, "transaction_id": transaction.id}
            cursor.execute(self._db.compiled(_PUT_KEY), values)
            opened = self._put(cursor, transaction)
        opened.there = True
        points.reach("journal.write.after")
        return None

    def _put(self, cursor: Cursor, record: TransactionRecord) -> _Open:
        """Insert or change the transaction's row."""
        opened = self._open.get(record.id)
        if opened is not None and opened.there:
            self._update(cursor, opened, record)
            return opened
        row = cursor.execute(self._get, {"transaction": record.id}).fetchone()
        if row is None:
            if opened is None:
                opened = self._open[record.id] = _Open(self._vault.new_key())
            cursor.execute(self._add, {**self._values(opened.key, record), **_fixed(record), "data_key": opened.key.wrapped})
            return opened
        if opened is None:
            opened = self._open[record.id] = _Open(self._key_for_more(row), confidential=True)
            numbers = cursor.execute(self._db.compiled(_NUMBERS), {"transaction": record.id}).fetchall()
            opened.stored.update(number for (number,) in numbers)
        self._update(cursor, opened, record)
        return opened

    def _update(self, cursor: Cursor, opened: _Open, record: TransactionRecord) -> None:
        """Change the row, or only make sure that it is still ours when there is nothing to change."""
        whose = {"the_id": record.id, "the_engine": record.engine}
        if _row(record) == opened.row:
            ours = cursor.execute(self._fence, whose).fetchone() is not None
        else:
            cursor.execute(self._change, {**self._values(opened.key, record), **whose})
            ours = cursor.rowcount == 1
        if not ours:
            self._open.pop(record.id, None)
            raise Fenced(record.id)

    def _key_for_more(self, row: Sequence[object]) -> DataKey:
        """The key of a transaction that is in the table: the only column of ``row``.

        One that was changed is replaced, for this time only: what is written with it can be read as little as the rest.
        Raises UnknownMasterKey.
        """
        try:
            return self._vault.unwrap(_columns(transactions, ("data_key",), row)["data_key"])
        except UnknownMasterKey:
            raise
        except Tampered:
            return self._vault.new_key()

    def _values(self, key: DataKey, record: TransactionRecord) -> dict[str, object]:
        """The columns that change. A record that does not verify gets no new seal: it would verify from then on."""
        return {
            "state": record.state.value,
            "ended": record.ended,
            "code": record.code,
            "error": key.seal(record.error.encode("utf-8", "replace"), _about(record, "error")) if record.error else None,
            "response": key.seal(record.response, _about(record, "response")) if record.response is not None else None,
            "settled_by": record.settled_by,
            "settled_because": record.settled_because,
            "seal": key.seal(b"", _sealed(record), clear=True) if record.verified else b"",
        }

    def _put_step(self, cursor: Cursor, opened: _Open, step: StepRecord) -> None:
        values: dict[str, object] = {
            "state": step.state.value,
            "attempts": step.attempts,
            "ended": step.ended,
            "outcome": None,
        }
        if step.evidence or step.detail:
            outcome = canonical([step.evidence, step.detail])
            values["outcome"] = opened.key.seal(outcome, _bound(step, "outcome" if step.verified else _DOUBTFUL))
        if step.order in opened.stored:
            values["the_transaction"], values["the_number"] = step.transaction_id, step.order
            cursor.execute(self._change_step, values)
            return
        saved = None if step.saved_data is None else step.saved_data.decode("utf-8", "surrogateescape")
        values["intent"] = opened.key.seal(canonical([step.change, saved]), _bound(step, "intent"), step.clear)
        values["number"] = step.order
        for name in _STEP_FACTS:
            values[name] = getattr(step, name)
        cursor.execute(self._add_step, values)

    def _erase(self, cursor: Cursor, key: DataKey, transaction_id: str) -> None:
        """Forget the contents of the confidential steps. What else is known of them stays authenticated."""
        for row in cursor.execute(self._db.compiled(_STEPS), {"transaction": transaction_id}).fetchall():
            step = _step(_columns(steps, _STEP_COLUMNS, row), key)
            if step.confidential:
                nothing = key.seal(_NOTHING, _bound(step, "intent"), clear=True) if step.verified else b""
                values = {"the_transaction": transaction_id, "the_number": step.order, "nothing": nothing}
                cursor.execute(self._db.compiled(_ERASE), values)

    # --- Locks ---------------------------------------------------------------------------------------------------------

    def lock(self, key: str, transaction: TransactionRecord, *, shared: bool = False) -> str | None:
        """See `Journal.lock`."""
        with self._db.write(sync=False) as cursor:
            whose = {"the_id": transaction.id, "the_engine": transaction.engine}
            if cursor.execute(self._fence_open, whose).fetchone() is None:
                raise Fenced(transaction.id)
            self._alone(cursor, f"lock {key}")
            rows = cursor.execute(self._db.compiled(_HOLDERS), {"the_key": key}).fetchall()
            own: bool | None = None
            for holder, with_others in rows:
                if holder == transaction.id:
                    own = bool(with_others)
                elif not (shared and with_others):
                    return str(holder)
            if own is None:
                values = {"key": key, "transaction_id": transaction.id, "shared": shared}
                cursor.execute(self._db.compiled(_TAKE), values)
            elif own and not shared:
                cursor.execute(self._db.compiled(_TAKE_ALONE), {"the_key": key, "transaction": transaction.id})
        points.reach("journal.lock.after")
        return None

    def release(self, transaction_id: str) -> None:
        """See `Journal.release`."""
        with self._db.write(sync=False) as cursor:
            cursor.execute(self._unlock, {"transaction": transaction_id})

    def locks(self, transaction_id: str) -> Sequence[str]:
        """See `Journal.locks`."""
        with self._db.read() as cursor:
            rows = cursor.execute(self._db.compiled(_HELD), {"transaction": transaction_id}).fetchall()
        return [str(key) for (key,) in rows]

    def _alone(self, cursor: Cursor, what: str) -> None:
        """Make other engines wait that want to do the same; SQLite has one writer anyway."""
        if self._serialise is not None:
            cursor.execute(self._serialise, {"key": what})

    # --- Reading -------------------------------------------------------------------------------------------------------

    def transaction(self, transaction_id: str) -> TransactionRecord | None:
        """See `Journal.transaction`."""
        with self._db.read() as cursor:
            return self._read(cursor, transaction_id)

    def steps(self, transaction_id: str) -> Sequence[StepRecord]:
        """See `Journal.steps`."""
        with self._db.read() as cursor:
            row = cursor.execute(self._get, {"transaction": transaction_id}).fetchone()
            if row is None:
                return ()
            rows = cursor.execute(self._db.compiled(_STEPS), {"transaction": transaction_id}).fetchall()
        key = self._key(_columns(transactions, ("data_key",), row)["data_key"])
        return [_step(_columns(steps, _STEP_COLUMNS, found), key) for found in rows]

    def find(self, query: Query) -> Sequence[TransactionRecord]:
        """See `Journal.find`."""
        wanted = select(*(transactions.c[name] for name in _FOUND)).order_by(
            transactions.c.started.desc(), transactions.c.id
        )
        if query.states:
            wanted = wanted.where(transactions.c.state.in_(sorted(state.value for state in query.states)))
        for column, part in ((transactions.c.caller, query.caller), (transactions.c.procedure, query.procedure)):
            if part:
                wanted = wanted.where(func.lower(column).contains(part.lower(), autoescape=True))
        if query.since is not None:
            wanted = wanted.where(transactions.c.started >= query.since)
        if query.until is not None:
            wanted = wanted.where(transactions.c.started <= query.until)
        if query.engine:
            wanted = wanted.where(transactions.c.engine == query.engine)
        if query.limit is not None:
            wanted = wanted.limit(query.limit)
        with self._db.read() as cursor:
            rows = cursor.execute(self._db.statement(wanted)).fetchall()
        return [self._record(_columns(transactions, _FOUND, row)) for row in rows]

    def _read(self, cursor: Cursor, transaction_id: str) -> TransactionRecord | None:
        row = cursor.execute(self._db.compiled(_ALL), {"transaction": transaction_id}).fetchone()
        if row is None:
            return None
        record = self._record(_columns(transactions, _TRANSACTION_COLUMNS, row))
        found = cursor.execute(self._db.compiled(_KEY_OF), {"transaction": transaction_id}).fetchone()
        if found is not None:
            record.key = RequestKey(found[0], found[1], bytes(found[2]))
        return record

    def _key(self, wrapped: bytes) -> DataKey | None:
        try:
            return self._vault.unwrap(wrapped)
        except Tampered:
            return None

    def _record(self, row: Mapping[str, Any]) -> TransactionRecord:
        """A record from its columns. What does not verify is not shown as if it did."""
        key = self._key(row["data_key"])
        try:
            state, verified = TransactionState(row["state"]), True
        except ValueError:
            state, verified = TransactionState.INCONSISTENT, False
        record = TransactionRecord(
            id=row["id"],
            caller=row["caller"],
            procedure=row["procedure"],
            started=row["started"],
            state=state,
            ended=row["ended"],
            asserted_by=row["asserted_by"],
            trustee=row["trustee"],
            client_transaction_id=row["client_transaction_id"],
            engine=row["engine"],
            code=row["code"],
            settled_by=row["settled_by"],
            settled_because=row["settled_because"],
            verified=verified and key is not None,
        )
        if key is None:
            return record
        blobs = {"seal": _sealed(record), "error": _about(record, "error"), "response": _about(record, "response")}
        opened: dict[str, bytes] = {}
        for name, bound in blobs.items():
            try:
                if row.get(name) is not None:
                    opened[name] = key.open(row[name], bound)
            except Tampered:
                record.verified = False
        record.error, record.response = opened.get("error", b"").decode("utf-8"), opened.get("response")
        return record

    # --- Whose ---------------------------------------------------------------------------------------------------------

    def adopt(self, transaction_id: str, old: str, new: str) -> bool:
        """See `Journal.adopt`."""
        with self._db.write(sync=False) as cursor:
            cursor.execute(self._db.compiled(_ADOPT), {"the_id": transaction_id, "old_engine": old, "new_engine": new})
            adopted: bool = cursor.rowcount == 1
        self._open.pop(transaction_id, None)
        return adopted

    def prune(self, before: float) -> int:
        """See `Journal.prune`."""
        removed = 0
        while True:
            with self._db.write(sync=False) as cursor:
                old = [row[0] for row in cursor.execute(self._db.compiled(_OLD), {"before": before}).fetchall()]
                for statement in _FORGET if old else ():
                    cursor.executemany(self._db.compiled(statement), [{"transaction": found} for found in old])
            removed += len(old)
            if not old:
                return removed


@cache
def _add_step(dialect: str) -> Insert:
    """Insert a step; one that is there already gets its new outcome."""
    add: Any = (postgresql if dialect == "postgresql" else sqlite).insert(steps)
    add = add.values({name: bindparam(name) for name in _STEP_COLUMNS})
    outcome = {name: add.excluded[name] for name in _OUTCOME}
    made: Insert = add.on_conflict_do_update(index_elements=["transaction_id", "number"], set_=outcome)
    return made


def _row(record: TransactionRecord) -> tuple[object, ...]:
    """What of a record may have changed since it was written."""
    return (record.state, record.ended, record.code, record.error, record.response, record.settled_by)


def _fixed(record: TransactionRecord) -> dict[str, object]:
    """The columns that never change, but for the engine."""
    return {
        "id": record.id,
        "engine": record.engine,
        "started": record.started,
        "caller": record.caller,
        "asserted_by": record.asserted_by,
        "trustee": record.trustee,
        "procedure": record.procedure,
        "client_transaction_id": record.client_transaction_id,
    }


def _sealed(record: TransactionRecord) -> bytes:
    """What a transaction's seal covers."""
    return canonical(
        [
            "transaction",
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            record.procedure,
            record.started,
            record.state.value,
        ]
    )


def _about(record: TransactionRecord, part: str) -> bytes:
    return canonical([part, record.id])


def _bound(step: StepRecord, part: str) -> bytes:
    """What a step's blobs are bound to."""
    return canonical([part, step.transaction_id, step.order, *(getattr(step, name) for name in _BOUND)])


def _columns(table: Table, names: Sequence[str], row: Sequence[object]) -> dict[str, Any]:
    """A row by its columns' names. SQLite keeps values of any type anywhere: those of a wrong one are read as nothing."""
    found: dict[str, Any] = {}
    for name, value in zip(names, row, strict=True):
        column = table.c[name]
        expected = column.type.python_type
        fits = isinstance(value, expected) or (expected is bool and isinstance(value, int))
        found[name] = value if fits or (value is None and column.nullable) else expected()
    return found


def _step(row: Mapping[str, Any], key: DataKey | None) -> StepRecord:
    """A step from its columns; one that does not verify has no change."""
    try:
        state, verified = StepState(row["state"]), key is not None
    except ValueError:
        state, verified = StepState.STARTED, False
    facts: dict[str, Any] = {name: bool(row[name]) if name in _FLAGS else row[name] for name in _STEP_FACTS}
    step = StepRecord(
        order=row["number"],
        state=state,
        attempts=row["attempts"],
        ended=row["ended"],
        change=None,
        verified=verified,
        **facts,
    )
    if key is None:
        return step
    try:
        step.change, saved = json.loads(key.open(row["intent"], _bound(step, "intent")))
        step.saved_data = None if saved is None else saved.encode("utf-8", "surrogateescape")
        if row["outcome"] is not None:
            step.evidence, step.detail = json.loads(key.open(row["outcome"], _bound(step, "outcome")))
    except Tampered:
        step.verified, step.change, step.saved_data = False, None, None
        with suppress(Tampered):
            _, step.detail = json.loads(key.open(row["outcome"] or b"", _bound(step, _DOUBTFUL)))
    return step


#: Engines wait for each other here until the transaction is over.
_SERIALISE = "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))"

#: The part under which the outcome of a step that does not verify is sealed: it shall not verify because of that.
_DOUBTFUL = "outcome of what does not verify"
#: An intent without contents.
_NOTHING = canonical([None, None])

#: What of a step is authenticated together with its intent.
_BOUND = (
    "sequence",
    "namespace",
    "procedure",
    "provider_source",
    "step",
    "identity",
    "identity_kind",
    "format",
    "reversible",
    "two_phase",
    "clear",
    "confidential",
)
_FLAGS = {"reversible", "two_phase", "clear", "confidential"}
_STEP_FACTS = ("transaction_id", *_BOUND, "started", "running_until")
_OUTCOME = ("state", "attempts", "ended", "outcome")
_STEP_COLUMNS = ("number", "intent", *_STEP_FACTS, *_OUTCOME)

_CHANGING = ("state", "ended", "code", "error", "response", "settled_by", "settled_because", "seal")
_TRANSACTION_COLUMNS = tuple(column.name for column in transactions.columns)
_FOUND = tuple(name for name in _TRANSACTION_COLUMNS if name != "response")

_BY_ID = transactions.c.id == bindparam("transaction")
_GET = select(transactions.c.data_key).where(_BY_ID)
_ALL = select(*transactions.columns).where(_BY_ID)
_ADD = insert(transactions).values({name: bindparam(name) for name in _TRANSACTION_COLUMNS})
_CHANGE = (
    update(transactions)
    .where(transactions.c.id == bindparam("the_id"), transactions.c.engine == bindparam("the_engine"))
    .values({name: bindparam(name) for name in _CHANGING})
)
_FENCE = select(transactions.c.id).where(
    transactions.c.id == bindparam("the_id"), transactions.c.engine == bindparam("the_engine")
)
_FENCE_ALONE = _FENCE.with_for_update()
_FENCE_OPEN = _FENCE.where(
    transactions.c.state.in_([literal(state) for state in sorted(state.value for state in OPEN_TRANSACTIONS)])
)
_FENCE_OPEN_ALONE = _FENCE_OPEN.with_for_update()
_ADOPT = (
    update(transactions)
    .where(transactions.c.id == bindparam("the_id"), transactions.c.engine == bindparam("old_engine"))
    .values(engine=bindparam("new_engine"))
)
_OLD = (
    select(transactions.c.id)
    .where(transactions.c.ended < bindparam("before"))
    .where(transactions.c.state.in_([literal(state) for state in sorted(state.value for state in FINAL_STATES)]))
    .limit(500)
)

_STEPS = (
    select(*(steps.c[name] for name in _STEP_COLUMNS))
    .where(steps.c.transaction_id == bindparam("transaction"))
    .order_by(steps.c.number)
)
_NUMBERS = select(steps.c.number).where(steps.c.transaction_id == bindparam("transaction"))
_CHANGE_STEP = (
    update(steps)
    .where(steps.c.transaction_id == bindparam("the_transaction"), steps.c.number == bindparam("the_number"))
    .values({name: bindparam(name) for name in _OUTCOME})
)

_ERASE = (
    update(steps)
    .where(steps.c.transaction_id == bindparam("the_transaction"), steps.c.number == bindparam("the_number"))
    .values(intent=bindparam("nothing"), outcome=null())
)

_HOLDERS = select(locks.c.transaction_id, locks.c.shared).where(locks.c.key == bindparam("the_key"))
_HELD = select(locks.c.key).where(locks.c.transaction_id == bindparam("transaction")).order_by(locks.c.key)
_TAKE = insert(locks).values({name: bindparam(name) for name in ("key", "transaction_id", "shared")})
_TAKE_ALONE = (
    update(locks)
    .where(locks.c.key == bindparam("the_key"), locks.c.transaction_id == bindparam("transaction"))
    .values(shared=False)
)
_UNLOCK = delete(locks).where(locks.c.transaction_id == bindparam("transaction"))

_ONE_KEY = (request_keys.c.scope == bindparam("the_scope"), request_keys.c.key == bindparam("the_key"))
_GET_KEY = select(request_keys.c.digest, request_keys.c.transaction_id).where(*_ONE_KEY)
_KEY_OF = select(request_keys.c.scope, request_keys.c.key, request_keys.c.digest).where(
    request_keys.c.transaction_id == bindparam("transaction")
)
_PUT_KEY = insert(request_keys).values({name: bindparam(name) for name in ("scope", "key", "digest", "transaction_id")})
_DROP_KEY = delete(request_keys).where(*_ONE_KEY)

_PUT_MESSAGE = insert(outbox).values(topic=bindparam("topic"), body=bindparam("body"))

_FORGET = (
    delete(request_keys).where(request_keys.c.transaction_id == bindparam("transaction")),
    delete(locks).where(locks.c.transaction_id == bindparam("transaction")),
    delete(steps).where(steps.c.transaction_id == bindparam("transaction")),
    delete(transactions).where(_BY_ID),
)
