"""The audit: what is appended stays, and what was done to it behind the engine's back is found (mpf_core.store.audit)."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.store.audit import export_lines
from mpf_core.store.opening import MemoryStore, SqlStore
from mpf_core.store.port import AuditEntry
from tests.store.support import Place, execute, record, rows

pytest_plugins = ["tests.store.places"]

ENTRY = AuditEntry(
    "request.begin",
    1.5,
    "t1",
    "FABRIKAM\\joe",
    "panel",
    "FABRIKAM\\ann",
    "svc",
    "Sample::Create",
    {"code": 0, "steps": [1, 2]},
)
COLUMNS = ("hash", "event", "at", "transaction_id", "caller", "asserted_by", "trustee", "identity", "procedure", "details")


def entries(count: int, first: int = 1) -> list[AuditEntry]:
    return [replace(ENTRY, at=float(number), caller=f"caller {number}") for number in range(first, first + count)]


def test_lines_come_back_in_order_as_they_were_appended(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append([ENTRY])
    any_store.audit.append(entries(2))
    any_store.audit.append([])
    assert [line.entry for line in any_store.audit.lines()] == [ENTRY, *entries(2)]
    assert [line.number for line in any_store.audit.lines()] == [1, 2, 3]
    assert [line.number for line in any_store.audit.lines(after=1)] == [2, 3]
    assert len({line.hash for line in any_store.audit.lines()}) == 3
    assert any_store.audit.verify() == []


def test_its_length_is_the_number_of_the_last_line(any_store: SqlStore | MemoryStore) -> None:
    assert any_store.audit.length() == 0
    any_store.audit.append(entries(3))
    any_store.audit.append(entries(1))
    assert any_store.audit.length() == 4
    any_store.audit.prune(2.5, "admin")
    assert any_store.audit.length() == max(line.number for line in any_store.audit.lines())


def test_the_head_is_the_last_line(any_store: SqlStore | MemoryStore) -> None:
    assert any_store.audit.head() is None
    any_store.audit.append(entries(3))
    assert any_store.audit.head() == list(any_store.audit.lines())[-1]


def test_names_that_a_database_refuses_are_no_reason_to_lose_a_line(any_store: SqlStore | MemoryStore) -> None:
    strange = replace(ENTRY, caller="a\0b\ud800c ä €", details={"name\0": "x\0\udfff"})
    any_store.audit.append([strange])
    (line,) = any_store.audit.lines()
    assert line.entry.caller == "a\\0b\\ud800c ä €"
    assert line.entry.details == strange.details
    assert any_store.audit.verify() == []


def test_a_long_audit_is_read_in_parts(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(2345))
    assert [line.number for line in any_store.audit.lines()] == list(range(1, 2346))
    assert any_store.audit.verify() == []
    execute(any_store, "UPDATE audit SET caller = 'x' WHERE number = 2222")
    assert any_store.audit.verify() == ["line 2222 was changed, moved from another place, or added"]


def test_lines_of_a_transaction_that_was_taken_back_never_were(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(1))

    def fail() -> None:
        with any_store.db.write() as cursor:
            any_store.audit.append_in(cursor, entries(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    any_store.audit.append(entries(1))
    assert [line.number for line in any_store.audit.lines()] == [1, 2]
    assert any_store.audit.verify() == []


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (
            ["UPDATE audit SET caller = 'FABRIKAM\\ann' WHERE number = 2"],
            ["line 2 was changed, moved from another place, or added"],
        ),
        (["UPDATE audit SET at = 7.25 WHERE number = 3"], ["line 3 was changed, moved from another place, or added"]),
        (
            ["UPDATE audit SET details = '{\"code\":1}' WHERE number = 5"],
            ["line 5 was changed, moved from another place, or added"],
        ),
        (["DELETE FROM audit WHERE number = 3"], ["line 3 was removed; so line 4 cannot be checked"]),
        (["DELETE FROM audit WHERE number < 3"], ["lines 1 to 2 were removed; so line 3 cannot be checked"]),
        (["DELETE FROM audit WHERE number > 3"], ["lines 4 to 5 were removed from the end"]),
        (["DELETE FROM audit"], ["lines 1 to 5 were removed from the end"]),
        (
            ["UPDATE audit SET number = -2 WHERE number = 2"],
            [
                "line -2 was added: it is older than the chain's beginning",
                "line 2 was removed; so line 3 cannot be checked",
            ],
        ),
        (
            ["UPDATE audit SET caller = 'x' WHERE number = 1", "UPDATE audit SET caller = 'x' WHERE number = 4"],
            [f"line {number} was changed, moved from another place, or added" for number in (1, 4)],
        ),
        (
            ["UPDATE audit SET number = 6 WHERE number = 5"],
            [
                "line 5 was removed; so line 6 cannot be checked",
                "line 6 was added behind the chain's end, which is line 5",
            ],
        ),
        (["DELETE FROM meta WHERE name = 'audit.head'"], ["the record of the chain's end was changed or removed"]),
    ],
)
def test_what_was_done_is_said_in_words(any_store: SqlStore | MemoryStore, statements: list[str], found: list[str]) -> None:
    any_store.audit.append(entries(5))
    for statement in statements:
        assert execute(any_store, statement) > 0
    assert any_store.audit.verify() == found


def test_a_line_whose_hash_alone_was_changed_is_the_only_one_that_is_named(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(5))
    for number in (2, 5):
        execute(any_store, "UPDATE audit SET hash = :hash WHERE number = :number", hash=bytes(32), number=number)
    assert any_store.audit.verify() == [
        f"line {number} was changed, moved from another place, or added" for number in (2, 5)
    ]


def test_going_on_does_not_heal_an_end_that_was_forged(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(5))
    ((head,),) = rows(any_store, "SELECT value FROM meta WHERE name = 'audit.head'")
    assert isinstance(head, bytes)
    ((hash_,),) = rows(any_store, "SELECT hash FROM audit WHERE number = 3")
    assert isinstance(hash_, bytes)
    execute(any_store, "DELETE FROM audit WHERE number > 3")
    forged = head[:32] + json.dumps([3, hash_.hex()]).encode()
    execute(any_store, "UPDATE meta SET value = :value WHERE name = 'audit.head'", value=forged)
    assert any_store.audit.verify() == ["the record of the chain's end was changed or removed"]
    any_store.audit.append(entries(2))
    assert any_store.audit.verify() == [
        "line 4 was written when the chain's end did not verify: lines before it may be missing"
    ]


def test_going_on_does_not_heal_a_cut(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(5))
    execute(any_store, "DELETE FROM audit WHERE number > 3")
    any_store.audit.append(entries(1))
    assert any_store.audit.verify() == ["lines 4 to 5 were removed; so line 6 cannot be checked"]


def test_a_line_that_was_added_where_the_next_one_goes_stops_nobody(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(2))
    execute(any_store, f"INSERT INTO audit SELECT 3, {', '.join(COLUMNS)} FROM audit WHERE number = 2")
    any_store.audit.append(entries(2))
    assert [line.number for line in any_store.audit.lines()] == [1, 2, 3, 4, 5]
    assert any_store.audit.verify() == [
        "line 3 was changed, moved from another place, or added",
        "line 4 was written when the chain's end did not verify: lines before it may be missing",
    ]


def test_what_is_kept_of_an_end_is_no_good_as_a_beginning(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(3))
    ((head,),) = rows(any_store, "SELECT value FROM meta WHERE name = 'audit.head'")
    any_store.audit.append(entries(2))
    execute(any_store, "DELETE FROM audit WHERE number <= 3")
    execute(any_store, "INSERT INTO meta (name, value) VALUES ('audit.anchor', :value)", value=head)
    assert any_store.audit.verify() == ["the record of the chain's beginning was changed or removed"]


def test_pruning_removes_the_oldest_and_says_so(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(5))
    assert any_store.audit.prune(before=1.0, by="ann") == 0
    assert any_store.audit.prune(before=3.0, by="ann") == 2
    *kept, told = any_store.audit.lines()
    assert [line.number for line in kept] == [3, 4, 5]
    assert (told.number, told.entry.event, told.entry.caller) == (6, "audit.prune", "ann")
    assert told.entry.details == {"lines": 2, "last": 2, "sound": True}
    assert any_store.audit.verify() == []
    assert any_store.audit.prune(before=5.0, by="ann") == 2
    assert [line.number for line in any_store.audit.lines()] == [5, 6, 7]
    assert any_store.audit.verify() == []


def test_pruning_stops_at_the_first_line_that_is_kept(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append([replace(ENTRY, at=at) for at in (1.0, 9.0, 2.0)])
    assert any_store.audit.prune(before=5.0, by="ann") == 1
    assert [line.number for line in any_store.audit.lines()] == [2, 3, 4]


def test_everything_may_be_pruned(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(3))
    assert any_store.audit.prune(before=100.0, by="ann") == 3
    assert [line.number for line in any_store.audit.lines()] == [4]
    assert any_store.audit.verify() == []


def test_pruning_does_not_hide_what_was_done_to_the_lines_that_go(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append(entries(5))
    execute(any_store, "UPDATE audit SET caller = 'x' WHERE number = 1")
    any_store.audit.prune(before=4.0, by="ann")
    assert any_store.audit.verify() == []
    assert any_store.audit.head().entry.details == {"lines": 3, "last": 3, "sound": False}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM meta WHERE name = 'audit.anchor'", "UPDATE meta SET value = :value WHERE name = 'audit.anchor'"],
)
def test_more_than_was_pruned_cannot_be_removed(any_store: SqlStore | MemoryStore, statement: str) -> None:
    any_store.audit.append(entries(5))
    any_store.audit.prune(before=3.0, by="ann")
    execute(any_store, statement, **({"value": b"x" * 100} if ":value" in statement else {}))
    assert any_store.audit.verify() != []


def test_lines_are_exported_one_in_a_row(any_store: SqlStore | MemoryStore) -> None:
    any_store.audit.append([ENTRY, replace(ENTRY, caller="Jörg\n", details={})])
    exported = list(export_lines(any_store.audit.lines()))
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in exported)
    first, second = (json.loads(line) for line in exported)
    line = next(any_store.audit.lines())
    assert first == {
        "number": 1,
        "hash": line.hash,
        "event": "request.begin",
        "at": 1.5,
        "transaction_id": "t1",
        "caller": "FABRIKAM\\joe",
        "asserted_by": "panel",
        "trustee": "FABRIKAM\\ann",
        "identity": "svc",
        "procedure": "Sample::Create",
        "details": {"code": 0, "steps": [1, 2]},
    }
    assert second["caller"] == "Jörg\n"


def test_engines_that_append_at_once_make_one_chain(place: Place) -> None:
    stores = [place.open() for _ in range(3)]

    def append(store: SqlStore) -> None:
        for _ in range(20):
            store.audit.append(entries(2))

    threads = [threading.Thread(target=append, args=[store]) for store in stores]
    for thread in threads:
        thread.start()
    told: list[str] = []
    while any(thread.is_alive() for thread in threads):
        told.extend(stores[0].audit.verify())
    for thread in threads:
        thread.join()
    assert told == []
    assert stores[0].audit.verify() == []
    assert [line.number for line in stores[1].audit.lines()] == list(range(1, 121))
    for store in stores:
        store.close()


def test_the_journals_writes_carry_lines_with_them(place: Place) -> None:
    store = place.open()
    store.journal.write(record("e1"), audit=entries(2))
    assert [line.number for line in store.audit.lines()] == [1, 2]
    assert store.audit.verify() == []
    store.close()


# --- Any single change is found --------------------------------------------------------------------------------------------

LINES = 7


class Prepared:
    """A store with some lines, and the way back to them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.store.audit.append(entries(LINES + 2))
        self.store.audit.prune(before=3.0, by="ann")
        self.lines = rows(self.store, "SELECT * FROM audit ORDER BY number")
        self.meta = rows(self.store, "SELECT * FROM meta")
        assert len(self.lines) == LINES + 1

    def restore(self) -> None:
        execute(self.store, "DELETE FROM audit")
        execute(self.store, "DELETE FROM meta")
        self._insert("audit", self.lines)
        self._insert("meta", self.meta)
        assert self.store.audit.verify() == []

    def _insert(self, table: str, lines: Sequence[tuple[object, ...]]) -> None:
        for line in lines:
            names = [f"v{index}" for index in range(len(line))]
            marks = ", ".join(f":{name}" for name in names)
            execute(self.store, f"INSERT INTO {table} VALUES ({marks})", **dict(zip(names, line, strict=True)))


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return Prepared()


FIRST = 3
NUMBERS = st.integers(FIRST, FIRST + LINES)


@st.composite
def changed_column(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    column = draw(st.sampled_from(COLUMNS))
    number = draw(NUMBERS)
    value: object
    if column == "at":
        value = draw(st.floats(allow_nan=False, allow_infinity=False))
    elif column == "hash":
        value = draw(st.binary(max_size=40))
    else:
        value = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))
    return f"UPDATE audit SET {column} = :value WHERE number = :number AND {column} <> :value", {
        "value": value,
        "number": number,
    }


@st.composite
def removed(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    first = draw(NUMBERS)
    return "DELETE FROM audit WHERE number BETWEEN :first AND :last", {
        "first": first,
        "last": draw(NUMBERS.filter(lambda n: n >= first)),
    }


@st.composite
def cut_tail(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    return "DELETE FROM audit WHERE number >= :first", {"first": draw(NUMBERS)}


@st.composite
def renumbered(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    to = draw(st.integers(-(2**40), 2**40).filter(lambda n: not FIRST <= n <= FIRST + LINES))
    return "UPDATE audit SET number = :new WHERE number = :number", {"new": to, "number": draw(NUMBERS)}


@st.composite
def inserted(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    to = draw(st.integers(-5, 2 * LINES).filter(lambda n: not FIRST <= n <= FIRST + LINES))
    columns = ", ".join(COLUMNS)
    return (
        f"INSERT INTO audit (number, {columns}) SELECT :new, {columns} FROM audit WHERE number = :number",
        {"new": to, "number": draw(NUMBERS)},
    )


@st.composite
def changed_meta(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    name = draw(st.sampled_from(["audit.head", "audit.anchor"]))
    if draw(st.booleans()):
        return "DELETE FROM meta WHERE name = :name", {"name": name}
    return "UPDATE meta SET value = :value WHERE name = :name", {"value": draw(st.binary(max_size=120)), "name": name}


@given(change=st.one_of(changed_column(), removed(), cut_tail(), renumbered(), inserted(), changed_meta()))
def test_any_single_change_is_found_and_stays_found(prepared: Prepared, change: tuple[str, dict[str, object]]) -> None:
    statement, values = change
    prepared.restore()
    if execute(prepared.store, statement, **values) == 0:
        return  # the same value as before
    assert prepared.store.audit.verify() != []
    prepared.store.audit.append([ENTRY])
    assert prepared.store.audit.verify() != []


@given(first=NUMBERS, second=NUMBERS, with_hash=st.booleans())
def test_any_swap_is_found(prepared: Prepared, first: int, second: int, with_hash: bool) -> None:
    if first == second:
        return
    prepared.restore()
    columns = COLUMNS if with_hash else COLUMNS[1:]
    there = {row[0]: row for row in prepared.lines}
    names = [row[1] for row in rows(prepared.store, "SELECT * FROM pragma_table_info('audit')")]
    for number, other in ((first, second), (second, first)):
        values = {column: there[other][names.index(column)] for column in columns}
        setting = ", ".join(f"{column} = :{column}" for column in columns)
        execute(prepared.store, f"UPDATE audit SET {setting} WHERE number = :number", number=number, **values)
    assert prepared.store.audit.verify() != []


@given(
    lines=st.lists(
        st.tuples(st.text(max_size=5), st.floats(allow_nan=False), st.dictionaries(st.text(max_size=3), st.integers())),
        max_size=5,
    )
)
def test_whatever_is_appended_verifies(prepared: Prepared, lines: list[tuple[str, float, dict[str, int]]]) -> None:
    prepared.restore()
    prepared.store.audit.append(
        [AuditEntry("request.end", at, caller=caller, details=details) for caller, at, details in lines]
    )
    assert prepared.store.audit.verify() == []
