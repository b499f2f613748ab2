"""The journal in SQL: transactions, steps, locks and idempotency keys, encrypted and authenticated.

`SqlJournal.write` is walked once for every step, so it does what is needed and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from mpf_core import points
from mpf_core.provider import Json
from mpf_core.store import statements as sql
from mpf_core.store.audit import SqlAudit
from mpf_core.store.database import Cursor, Database, canonical
from mpf_core.store.port import (
    AuditEntry,
    Fenced,
    IdTaken,
    KeyReused,
    Query,
    RequestKey,
    StepRecord,
    TransactionRecord,
)
from mpf_core.store.rows import (
    DOUBTFUL,
    NOTHING,
    STEP_COLUMNS,
    STEP_FACTS,
    about,
    bound_part,
    changing_of,
    columns_of,
    facts_of,
    fixed_columns,
    sealed_part,
    step_of,
)
from mpf_core.store.tables import steps, transactions
from mpf_core.store.vault import DataKey, Tampered, UnknownMasterKey, Vault
from mpf_core.transaction.states import FINAL_STATES, OPEN_TRANSACTIONS, TransactionState


@dataclass(slots=True)
class _Open:
    """What is known of a transaction that is not final: whose record it is, its key, and the steps that are in the table."""

    record: TransactionRecord
    key: DataKey
    stored: set[int] = field(default_factory=set)
    #: Whether one of the steps is.
    confidential: bool = False
    #: Whether the transaction's own row is there for sure.
    there: bool = False
    #: The transaction's own columns as they are in the table.
    row: tuple[object, ...] = ()


class SqlJournal:
    """Implements `mpf_core.store.port.Journal` on a `Database`. ``lost`` are engines of this process without their lock."""

    def __init__(self, db: Database, vault: Vault, audit: SqlAudit, lost: Container[str] = frozenset()) -> None:
        self._db = db
        self._lost = lost
        self._vault = vault
        self._audit = audit
        self._open: dict[str, _Open] = {}
        self._add_step = db.compiled(sql.add_step(db.dialect))
        self._get = db.compiled(sql.GET)
        self._add = db.compiled(sql.ADD)
        self._change = {state: db.compiled(statement) for state, statement in sql.CHANGE.items()}
        self._fence = db.compiled(sql.FENCE_SAME_ALONE if db.dialect == "postgresql" else sql.FENCE_SAME)
        self._fence_open = db.compiled(sql.FENCE_OPEN_ALONE if db.dialect == "postgresql" else sql.FENCE_OPEN)
        self._change_step = db.compiled(sql.CHANGE_STEP)
        self._unlock = db.compiled(sql.UNLOCK)
        self._serialise = sql.SERIALISE if db.dialect == "postgresql" else None

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
            self._put_steps(cursor, opened, steps)
            if final:
                cursor.execute(self._unlock, {"transaction": transaction.id})
                if opened.confidential:
                    self._erase(cursor, opened.key, transaction.id)
            for topic, body in messages:
                cursor.execute(self._db.compiled(sql.PUT_MESSAGE), {"topic": topic, "body": json.dumps(body)})
            self._audit.append_in(cursor, audit)
        opened.there = True
        opened.row = changing_of(transaction)
        opened.stored.update(step.order for step in steps)
        transaction.stored = True
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
            row = cursor.execute(self._db.compiled(sql.GET_KEY), {"the_scope": key.scope, "the_key": key.key}).fetchone()
            if row is not None:
                digest, earlier_id = bytes(row[0]), row[1]
                if digest != key.digest:
                    raise KeyReused
                earlier = self._read(cursor, earlier_id)
                if earlier is not None and earlier.state is not TransactionState.ROLLED_BACK:
                    return earlier
                cursor.execute(self._db.compiled(sql.DROP_KEY), {"the_scope": key.scope, "the_key": key.key})
            values = {"scope": key.scope, "key": key.key, "digest": key.digest, "transaction_id": transaction.id}
            cursor.execute(self._db.compiled(sql.PUT_KEY), values)
            opened = self._put(cursor, transaction)
        opened.there = True
        transaction.stored = True
        points.reach("journal.write.after")
        return None

    def _put(self, cursor: Cursor, record: TransactionRecord) -> _Open:
        """Insert or change the transaction's row."""
        if record.engine in self._lost:
            raise Fenced(record.id)
        opened = self._open.get(record.id)
        if opened is not None and opened.record is not record:
            if not record.stored:
                raise IdTaken(record.id)
            opened = None  # read from the table meanwhile, and so is what was known of it
        if opened is not None and opened.there:
            self._update(cursor, opened, record)
            return opened
        row = cursor.execute(self._get, {"transaction": record.id}).fetchone()
        if row is None:
            if opened is None:
                opened = self._open[record.id] = _Open(record, self._vault.new_key())
            cursor.execute(
                self._add, {**self._values(opened.key, record), **fixed_columns(record), "data_key": opened.key.wrapped}
            )
            return opened
        if opened is None:
            if not record.stored:
                raise IdTaken(record.id)
            opened = self._open[record.id] = _Open(record, self._key_for_more(row), confidential=True)
            numbers = cursor.execute(self._db.compiled(sql.NUMBERS), {"transaction": record.id}).fetchall()
            opened.stored.update(number for (number,) in numbers)
        self._update(cursor, opened, record)
        return opened

    def _update(self, cursor: Cursor, opened: _Open, record: TransactionRecord) -> None:
        """Change the row, or only make sure that it is still ours, as we know it, when there is nothing to change."""
        if changing_of(record) == opened.row:
            whose = {"the_id": record.id, "the_engine": record.engine, "the_state": record.state.value}
            ours = cursor.execute(self._fence, whose).fetchone() is not None
        else:
            whose = {"the_id": record.id, "the_engine": record.engine}
            cursor.execute(self._change[record.state], {**self._values(opened.key, record), **whose})
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
            return self._vault.unwrap(columns_of(transactions, ("data_key",), row)["data_key"])
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
            "error": key.seal(record.error.encode("utf-8", "replace"), about(record, "error")) if record.error else None,
            "response": key.seal(record.response, about(record, "response")) if record.response is not None else None,
            "settled_by": record.settled_by,
            "settled_because": record.settled_because,
            "seal": key.seal(b"", sealed_part(record), clear=True) if record.verified else b"",
        }

    def _put_steps(self, cursor: Cursor, opened: _Open, steps: Sequence[StepRecord]) -> None:
        known = []
        for step in steps:
            opened.confidential |= step.confidential
            outcome = self._outcome(opened.key, step)
            if step.order in opened.stored:
                known.append({**outcome, "the_transaction": step.transaction_id, "the_number": step.order})
            else:
                facts = dict(zip(STEP_FACTS, facts_of(step), strict=True))
                intent = self._intent(opened.key, step)
                cursor.execute(self._add_step, {**outcome, **facts, "number": step.order, "intent": intent})
        if len(known) == 1:
            cursor.execute(self._change_step, known[0])
        elif known:
            cursor.executemany(self._change_step, known)

    @staticmethod
    def _outcome(key: DataKey, step: StepRecord) -> dict[str, object]:
        values: dict[str, object] = {
            "state": step.state.value,
            "attempts": step.attempts,
            "ended": step.ended,
            "outcome": None,
        }
        if step.evidence or step.detail:
            outcome = canonical([step.evidence, step.detail])
            values["outcome"] = key.seal(outcome, bound_part(step, "outcome" if step.verified else DOUBTFUL))
        return values

    @staticmethod
    def _intent(key: DataKey, step: StepRecord) -> bytes:
        """One that does not verify is not to verify because it is written again."""
        if not step.verified:
            return b""
        saved = None if step.saved_data is None else step.saved_data.decode("utf-8", "surrogateescape")
        contents = [step.change, saved, *([list(step.secrets)] if step.secrets else ())]
        return key.seal(canonical(contents), bound_part(step, "intent"), step.clear)

    def _erase(self, cursor: Cursor, key: DataKey, transaction_id: str) -> None:
        """Forget the contents of the confidential steps. What else is known of them stays authenticated."""
        for row in cursor.execute(self._db.compiled(sql.STEPS), {"transaction": transaction_id}).fetchall():
            step = step_of(columns_of(steps, STEP_COLUMNS, row), key)
            if step.confidential:
                nothing = key.seal(NOTHING, bound_part(step, "intent"), clear=True) if step.verified else b""
                values = {"the_transaction": transaction_id, "the_number": step.order, "nothing": nothing}
                cursor.execute(self._db.compiled(sql.ERASE), values)

    # --- Locks ---------------------------------------------------------------------------------------------------------

    def lock(self, key: str, transaction: TransactionRecord, *, shared: bool = False) -> str | None:
        """See `Journal.lock`."""
        with self._db.write(sync=False) as cursor:
            whose = {"the_id": transaction.id, "the_engine": transaction.engine}
            if cursor.execute(self._fence_open, whose).fetchone() is None:
                raise Fenced(transaction.id)
            self._alone(cursor, f"lock {key}")
            rows = cursor.execute(self._db.compiled(sql.HOLDERS), {"the_key": key}).fetchall()
            own: bool | None = None
            for holder, with_others in rows:
                if holder == transaction.id:
                    own = bool(with_others)
                elif not (shared and with_others):
                    return str(holder)
            if own is None:
                values = {"key": key, "transaction_id": transaction.id, "shared": shared}
                cursor.execute(self._db.compiled(sql.TAKE), values)
            elif own and not shared:
                cursor.execute(self._db.compiled(sql.TAKE_ALONE), {"the_key": key, "transaction": transaction.id})
        points.reach("journal.lock.after")
        return None

    def release(self, transaction_id: str) -> None:
        """See `Journal.release`."""
        with self._db.write(sync=False) as cursor:
            cursor.execute(self._unlock, {"transaction": transaction_id})

    def locks(self, transaction_id: str) -> Sequence[str]:
        """See `Journal.locks`."""
        with self._db.read() as cursor:
            rows = cursor.execute(self._db.compiled(sql.HELD), {"transaction": transaction_id}).fetchall()
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
            rows = cursor.execute(self._db.compiled(sql.STEPS), {"transaction": transaction_id}).fetchall()
        key = self._key(columns_of(transactions, ("data_key",), row)["data_key"])
        return [step_of(columns_of(steps, STEP_COLUMNS, found), key) for found in rows]

    def find(self, query: Query) -> Sequence[TransactionRecord]:
        """See `Journal.find`."""
        wanted = select(*(transactions.c[name] for name in sql.FOUND)).order_by(
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
        return [self._record(columns_of(transactions, sql.FOUND, row)) for row in rows]

    def _read(self, cursor: Cursor, transaction_id: str) -> TransactionRecord | None:
        row = cursor.execute(self._db.compiled(sql.ALL), {"transaction": transaction_id}).fetchone()
        if row is None:
            return None
        record = self._record(columns_of(transactions, sql.TRANSACTION_COLUMNS, row))
        found = cursor.execute(self._db.compiled(sql.KEY_OF), {"transaction": transaction_id}).fetchone()
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
        record.stored = True
        if key is None:
            return record
        blobs = {"seal": sealed_part(record), "error": about(record, "error"), "response": about(record, "response")}
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
            cursor.execute(self._db.compiled(sql.ADOPT), {"the_id": transaction_id, "old_engine": old, "new_engine": new})
            adopted: bool = cursor.rowcount == 1
        self._open.pop(transaction_id, None)
        return adopted

    def prune(self, before: float) -> int:
        """See `Journal.prune`."""
        removed = 0
        while True:
            with self._db.write(sync=False) as cursor:
                old = [row[0] for row in cursor.execute(self._db.compiled(sql.OLD), {"before": before}).fetchall()]
                for statement in sql.FORGET if old else ():
                    cursor.executemany(self._db.compiled(statement), [{"transaction": found} for found in old])
            removed += len(old)
            if not old:
                return removed
