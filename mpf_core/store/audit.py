"""The audit in SQL: appended within other writes, chained, verified and exported (design: docs/design/transactions.md)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from sqlalchemy import bindparam, delete, func, literal, select, text, update

from mpf_core.store.chain import START, Chain, Link, StoredLine
from mpf_core.store.database import Cursor, Database
from mpf_core.store.keyring import AUDIT_HEAD
from mpf_core.store.port import AuditEntry, AuditLine
from mpf_core.store.tables import audit, meta, transactions
from mpf_core.store.vault import DataKey
from mpf_core.transaction.states import FINAL_STATES

_ANCHOR = "audit.anchor"
_BATCH = 1000
#: The advisory lock in PostgreSQL that makes appends of several engines wait for each other, until their transactions end.
_APPENDING = 0x4D50_4601

_FIELDS = ("event", "at", "transaction_id", "caller", "asserted_by", "trustee", "identity", "procedure", "details")


class SqlAudit:
    """One chain for the whole store. Implements `mpf_core.store.port.Audit`."""

    def __init__(self, db: Database, key: DataKey) -> None:
        self._db = db
        self._chain = Chain(key)
        self._add = db.compiled(_ADD)
        self._find_end = db.compiled(_END)
        self._move_head = db.compiled(_PUT)
        #: The end that this object has written last, as it is kept and as it is.
        self._closed: bytes | None = b""
        self._place = START
        #: The number of the last end that certainly was in the table; 0 where the database may lose the latest lines.
        self._seen = 0
        self._wait = db.compiled(_WAIT) if db.dialect == "postgresql" else None

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """See `Audit.append`."""
        with self._db.write(sync=False) as cursor:
            self.append_in(cursor, entries)

    def append_in(self, cursor: Cursor, entries: Sequence[AuditEntry]) -> None:
        """Add entries within a write transaction.

        As the last thing in it: in PostgreSQL, from here on other appends wait until the transaction is over.
        """
        if not entries:
            return
        self._alone(cursor)
        place = self._end(cursor)
        for entry in entries:
            fields = _fields(entry)
            place = self._chain.next(place, fields)
            values = dict(zip(_FIELDS, fields, strict=True))
            cursor.execute(self._add, {**values, "number": place.number, "hash": place.hash})
        self._closed, self._place = self._chain.close_head(place), place
        cursor.execute(self._move_head, {"the_name": AUDIT_HEAD, "the_value": self._closed})

    def length(self) -> int:
        """See `Audit.length`."""
        with self._db.read() as cursor:
            return self._last(cursor)

    def lines(self, after: int = 0) -> Iterator[AuditLine]:
        """See `Audit.lines`."""
        while True:
            with self._db.read() as cursor:
                batch = self._batch(cursor, after)
            for line in batch:
                yield AuditLine(line.number, line.hash.hex(), _entry(line.fields))
            if len(batch) < _BATCH:
                return
            after = batch[-1].number

    def contradicted(self) -> frozenset[str]:
        """See `Audit.contradicted`."""
        with self._db.read() as cursor:
            found = cursor.execute(self._db.compiled(_ENDS)).fetchall()
        ends = {state.value for state in FINAL_STATES}
        entries = [_entry((event, 0.0, transaction, *([""] * 5), details)) for transaction, event, details in found]
        return frozenset(one.transaction_id for one in entries if one.event == "resolve" or one.details.get("state") in ends)

    def head(self) -> AuditLine | None:
        """The chain's end, or ``None`` for an empty audit: note its hash elsewhere to know it again."""
        with self._db.read() as cursor:
            last = self._last(cursor)
        return next(self.lines(last - 1), None) if last else None

    def verify(self) -> Sequence[str]:
        """See `Audit.verify`."""
        with self._db.read(snapshot=True) as cursor:
            return list(self._verify(cursor))

    def prune(self, before: float, by: str) -> int:
        """See `Audit.prune`. The line that tells of it says too whether what was removed was sound."""
        with self._db.read(snapshot=True) as cursor:
            kept = cursor.execute(self._db.compiled(_FIRST_KEPT), {"before": before}).fetchone()[0]
            last = self._link(cursor, self._last(cursor) if kept is None else kept - 1)
            if last is None:
                return 0
            # Beforehand, because nobody can write meanwhile when it is done in the write transaction.
            sound = not any(True for _ in self._verify(cursor, last))
        with self._db.write() as cursor:
            self._alone(cursor)
            if self._link(cursor, last.number) != last:  # another has removed it meanwhile
                return 0
            cursor.execute(self._db.compiled(_DELETE), {"last": last.number})
            removed: int = cursor.rowcount
            put = _NEW if self._value(cursor, _ANCHOR) is None else _PUT
            cursor.execute(self._db.compiled(put), {"the_name": _ANCHOR, "the_value": self._chain.close_anchor(last)})
            details = {"lines": removed, "last": last.number, "sound": sound}
            self.append_in(cursor, [AuditEntry("audit.prune", time.time(), caller=by, details=details)])
        return removed

    def _end(self, cursor: Cursor) -> Link:
        """Where the next line goes. An end that does not verify is not taken over as if it did."""
        stored, last = cursor.execute(self._find_end, {"name": AUDIT_HEAD}).fetchone()
        head = self._place if stored == self._closed else self._chain.open_head(stored)
        if head is None or (last or 0) > head.number or head.number < self._seen:
            head = self._chain.restart(last or 0)
        if self._wait is None:  # PostgreSQL may lose lines that were not synced, while its engines live on
            self._seen = head.number
        return head

    def _alone(self, cursor: Cursor) -> None:
        """Wait for other appends; in SQLite the write transaction has done that."""
        if self._wait is not None:
            cursor.execute(self._wait, {"key": _APPENDING})

    def _verify(self, cursor: Cursor, until: Link | None = None) -> Iterator[str]:
        """What is wrong with the chain, or with its part that ends with ``until``."""
        stored = self._value(cursor, _ANCHOR)
        anchor = START if stored is None else self._chain.open_anchor(stored)
        head = until or self._chain.open_head(self._value(cursor, AUDIT_HEAD))
        lines = self._stream(cursor)
        if until is not None:
            lines = takewhile(lambda line: line.number <= until.number, lines)
        return self._chain.verify(lines, anchor, head)

    def _stream(self, cursor: Cursor) -> Iterator[StoredLine]:
        batch = self._batch(cursor, None)
        while batch:
            yield from batch
            batch = self._batch(cursor, batch[-1].number)

    def _batch(self, cursor: Cursor, after: int | None) -> list[StoredLine]:
        """The next lines; with ``None`` from the very first, whatever number somebody may have given it."""
        values = {"after": _BEFORE_ALL if after is None else after, "most": _BATCH}
        return [_stored(row) for row in cursor.execute(self._db.compiled(_LINES), values).fetchall()]

    def _last(self, cursor: Cursor) -> int:
        return int(cursor.execute(self._db.compiled(_LAST)).fetchone()[0] or 0)

    def _link(self, cursor: Cursor, number: int) -> Link | None:
        row = cursor.execute(self._db.compiled(_ONE), {"number": number}).fetchone()
        return None if row is None else Link(number, bytes(row[0]))

    def _value(self, cursor: Cursor, name: str) -> bytes | None:
        row = cursor.execute(self._db.compiled(_GET), {"name": name}).fetchone()
        return None if row is None or not isinstance(row[0], bytes) else row[0]


def export_lines(lines: Iterable[AuditLine]) -> Iterator[str]:
    """The lines as JSON Lines: one object for each, with number, hash and the entry's fields, and a line feed."""
    for line in lines:
        values = dict(zip(_FIELDS, _fields(line.entry), strict=True))
        values["details"] = dict(line.entry.details)
        yield json.dumps({"number": line.number, "hash": line.hash, **values}, ensure_ascii=False) + "\n"


def _fields(entry: AuditEntry) -> tuple[object, ...]:
    """An entry as the columns have it, and as the hash covers it."""
    return (
        _storable(entry.event),
        # Whole microseconds: the same moment as in ISO 8601. No -0.0, which SQLite does not keep.
        round(float(entry.at), 6) + 0.0,
        _storable(entry.transaction_id),
        _storable(entry.caller),
        _storable(entry.asserted_by),
        _storable(entry.trustee),
        _storable(entry.identity),
        _storable(entry.procedure),
        _encode(dict(entry.details)) if entry.details else "{}",
    )


#: Made once: `json.dumps` would make one for each line.
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _storable(text: str) -> str:
    """Text without what a database refuses (NUL, lone surrogates): a line must never be missing for a name's sake."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")


def _stored(row: Sequence[object]) -> StoredLine:
    number, hash_, *fields = row
    assert isinstance(number, int)
    return StoredLine(number, bytes(hash_) if isinstance(hash_, bytes | memoryview) else b"", tuple(fields))


def _entry(fields: tuple[object, ...]) -> AuditEntry:
    """An entry from its columns; what somebody put there that is no entry's is shown as text, and told by `verify`."""
    event, at, transaction_id, caller, asserted_by, trustee, identity, procedure, details = fields
    try:
        parsed = json.loads(str(details))
    except ValueError:
        parsed = None
    return AuditEntry(
        str(event),
        at if isinstance(at, float) else 0.0,
        str(transaction_id),
        str(caller),
        str(asserted_by),
        str(trustee),
        str(identity),
        str(procedure),
        parsed if isinstance(parsed, dict) else {"unreadable": str(details)},
    )


#: Below the number of any line.
_BEFORE_ALL = -(2**62)

_COLUMNS = [audit.c[name] for name in ("number", "hash", *_FIELDS)]
_ADD = audit.insert().values({name: bindparam(name) for name in ("number", "hash", *_FIELDS)})
_LINES = select(*_COLUMNS).where(audit.c.number > bindparam("after")).order_by(audit.c.number).limit(bindparam("most"))
_ONE = select(audit.c.hash).where(audit.c.number == bindparam("number"))
_NOT_ENDED = select(transactions.c.id).where(
    transactions.c.state.not_in([literal(state) for state in sorted(state.value for state in FINAL_STATES)])
)
_ENDS = (
    select(audit.c.transaction_id, audit.c.event, audit.c.details)
    .where(audit.c.transaction_id.in_(_NOT_ENDED))
    .where(audit.c.event.in_([literal(event) for event in ("recovery", "request.end", "resolve", "retry")]))
)
_LAST = select(func.max(audit.c.number))
_FIRST_KEPT = select(func.min(audit.c.number)).where(audit.c.at >= bindparam("before"))
_DELETE = delete(audit).where(audit.c.number <= bindparam("last"))
_GET = select(meta.c.value).where(meta.c.name == bindparam("name"))
#: In one statement, because it is asked for with every line.
_END = select(_GET.scalar_subquery(), _LAST.scalar_subquery())
_NEW = meta.insert().values(name=bindparam("the_name"), value=bindparam("the_value"))
_PUT = update(meta).where(meta.c.name == bindparam("the_name")).values(value=bindparam("the_value"))
_WAIT = text("SELECT pg_advisory_xact_lock(:key)")
