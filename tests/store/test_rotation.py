"""A new master key for a store, at any moment of which the store can be opened (mpf_core.store.rotation)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mpf_core.config import StoreSettings
from mpf_core.errors import ConfigError
from mpf_core.store import rotation
from mpf_core.store.engines import Registration, SqlEngines
from mpf_core.store.keys import MasterKeys, read_key_file, replace_key_file
from mpf_core.store.opening import SqlStore, open_store
from mpf_core.store.port import StepRecord
from mpf_core.store.vault import wrapped_with
from mpf_core.transaction.states import TransactionState
from tests.store.support import Place, execute, record, rows, sqlite_place

pytest_plugins = ["tests.store.places"]

JOIN = "engine = store.engines.join('child')\nsay(engine)\nsys.stdin.readline()\n"
STEP = StepRecord("t1", 1, 1, "Sample", "Create", "sample", "1", {"secret": "word"}, 1)


def key_file(place: Place) -> Path:
    return place.base_dir / "mpf.key"


def fill(store: SqlStore, count: int = 3) -> None:
    for number in range(count):
        there = store.journal.transaction(f"t{number}")
        store.journal.write(there or record("e1", f"t{number}"), [replace(STEP, transaction_id=f"t{number}")])
    store.settings.put("a", "blue")
    store.audit.append([])


def wrapped_keys(store: SqlStore) -> set[str]:
    """The ids of the master keys that data keys in the store are wrapped with."""
    found = rows(
        store,
        "SELECT data_key FROM transactions UNION ALL SELECT value FROM meta WHERE name NOT IN ('audit.head', 'audit.anchor')",
    )
    return {wrapped_with(wrapped) for (wrapped,) in found if isinstance(wrapped, bytes)}


def assert_readable(store: SqlStore, count: int = 3) -> None:
    for number in range(count):
        (step,) = store.journal.steps(f"t{number}")
        assert step.verified
        assert step.change == {"secret": "word"}
    assert store.settings.get("a") == "blue"
    assert store.audit.verify() == []


def test_a_rotation_leaves_one_new_key_and_everything_readable(place: Place) -> None:
    store = place.open()
    fill(store)
    digest = store.digest(b"x")
    old = read_key_file(key_file(place)).ids
    seen: list[int] = []
    done = store.rotation.rotate_file(key_file(place), "ann", seen.append)
    new = read_key_file(key_file(place)).ids
    assert len(new) == 1
    assert new != old
    assert (done.master_key, done.rewrapped, done.unchanged, done.unreadable, done.waiting) == (new[0], 6, 0, 0, ())
    assert seen == sorted(seen)
    assert seen[-1] == 6
    assert wrapped_keys(store) == {new[0]}
    # The engine that did it goes on, and whoever opens the store now needs only the new key.
    fill(store, 5)
    store.close()
    store = place.open()
    assert wrapped_keys(store) == {new[0]}
    assert_readable(store, 5)
    assert store.digest(b"x") == digest
    entry = next(line.entry for line in store.audit.lines() if line.entry.event == "keys.rotate")
    assert (entry.caller, entry.details["master_key"], entry.details["rewrapped"]) == ("ann", new[0], 6)
    store.close()


def test_many_transactions_are_done_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "_BATCH", 10)
    store = sqlite_place(tmp_path).open()
    fill(store, 35)
    seen: list[int] = []
    assert store.rotation.rotate_file(tmp_path / "mpf.key", "ann", seen.append).rewrapped == 38
    assert seen == [3, 13, 23, 33, 38]
    assert len(wrapped_keys(store)) == 1
    store.close()
    store = sqlite_place(tmp_path).open()
    assert_readable(store, 35)
    store.close()


def test_it_may_be_repeated(place: Place) -> None:
    store = place.open()
    fill(store)
    first = store.rotation.rotate_file(key_file(place), "ann")
    second = store.rotation.rotate_file(key_file(place), "ann")
    assert first.master_key != second.master_key
    again = store.rotation.rewrap("ann")
    assert (again.rewrapped, again.unchanged) == (0, 6)
    store.close()
    store = place.open()
    assert_readable(store)
    store.close()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["before the file", "after the file", "while rewrapping", "before the old one goes"])
def test_killed_at_any_moment_the_store_opens_and_the_rotation_can_be_finished(
    place: Place, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place.open()
    fill(store)
    old = read_key_file(key_file(place)).ids[0]
    replaced = 0

    def replace_or_die(path: Path, keys: MasterKeys) -> None:
        nonlocal replaced
        replaced += 1
        if moment == "before the file" or (moment == "before the old one goes" and replaced == 2):
            raise Killed
        replace_key_file(path, keys)
        if moment == "after the file":
            raise Killed

    def die(done: int) -> None:
        if moment == "while rewrapping" and done > 3:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "replace_key_file", replace_or_die)
        with pytest.raises(Killed):
            store.rotation.rotate_file(key_file(place), "ann", die)
    store.close()
    keys = read_key_file(key_file(place)).ids
    assert len(keys) == (1 if moment == "before the file" else 2)
    store = place.open()
    assert wrapped_keys(store) == ({keys[0]} if moment == "before the old one goes" else {old})
    assert_readable(store)
    done = store.rotation.rotate_file(key_file(place), "ann")
    if len(keys) == 2:
        assert done.master_key == keys[0]
    assert read_key_file(key_file(place)).ids == (done.master_key,)
    store.close()
    store = place.open()
    assert_readable(store)
    store.close()


@pytest.mark.slow
def test_the_old_key_stays_while_an_engine_uses_it(place: Place) -> None:
    store = place.open()
    fill(store)
    old = read_key_file(key_file(place)).ids[0]
    with place.process(
        JOIN
        + "from tests.store.support import record\nstore.journal.write(record(engine, 'late'))\nsay(0)\n"
        + "sys.stdin.readline()\n"
    ) as child:
        engine = child.hear()
        done = store.rotation.rotate_file(key_file(place), "ann")
        assert done.waiting == (engine,)
        assert read_key_file(key_file(place)).ids == (done.master_key, old)
        child.tell()
        child.hear()
        # It wraps with the old key still, and can be read by those who have both.
        assert wrapped_keys(store) == {done.master_key, old}
        other = place.open()
        late = other.journal.transaction("late")
        assert late is not None
        assert late.verified
        other.close()
        child.kill()
    finished = store.rotation.rotate_file(key_file(place), "ann")
    assert (finished.master_key, finished.rewrapped, finished.waiting) == (done.master_key, 1, ())
    assert read_key_file(key_file(place)).ids == (done.master_key,)
    assert wrapped_keys(store) == {done.master_key}
    store.close()


def test_what_an_engine_wrote_before_it_left_is_not_lost(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store, leaving = place.open(), place.open()
    fill(store)
    engine = leaving.engines.join("leaving")
    look = SqlEngines.registrations

    def leave_first(self: SqlEngines) -> Sequence[Registration]:
        monkeypatch.setattr(SqlEngines, "registrations", look)
        leaving.journal.write(replace(record(engine, "late"), state=TransactionState.COMMITTED))
        leaving.engines.leave(engine)
        return look(self)

    monkeypatch.setattr(SqlEngines, "registrations", leave_first)
    done = store.rotation.rotate_file(key_file(place), "ann")
    assert (done.waiting, done.rewrapped) == ((), 7)
    assert wrapped_keys(store) == {done.master_key}
    store.close()
    leaving.close()


def test_an_engine_that_joins_later_has_the_new_key_wherever_it_began(place: Place) -> None:
    store, waiting = place.open(), place.open()
    fill(store)
    done = store.rotation.rotate_file(key_file(place), "ann")
    assert waiting.vault.keys.ids[0] != done.master_key
    engine = waiting.engines.join("late")
    waiting.journal.write(record(engine, "late"))
    assert wrapped_keys(store) == {done.master_key}
    assert store.rotation.rewrap("ann").waiting == ()
    assert_readable(waiting)
    store.close()
    waiting.close()


def test_an_engine_that_joined_before_reads_what_was_rewrapped(place: Place) -> None:
    store, running = place.open(), place.open()
    fill(store)
    running.engines.join("running")
    store.rotation.rotate_file(key_file(place), "ann")
    assert_readable(running)
    store.close()
    running.close()


def test_keys_of_a_credential_are_rewrapped_with_the_first_one(tmp_path: Path) -> None:
    old = MasterKeys.generate()
    settings = StoreSettings(url="sqlite:///mpf.db", key="store-key")
    store = open_store(settings, tmp_path, old.text)
    assert isinstance(store, SqlStore)
    fill(store)
    store.close()
    both = old.with_new()
    store = open_store(settings, tmp_path, both.text)
    assert isinstance(store, SqlStore)
    assert store.rotation.rewrap("ann").rewrapped == 6
    store.close()
    store = open_store(settings, tmp_path, both.current_only().text)
    assert isinstance(store, SqlStore)
    assert_readable(store)
    store.close()


def test_a_record_that_cannot_be_unwrapped_is_counted_and_left_alone(tmp_path: Path) -> None:
    store = sqlite_place(tmp_path).open()
    fill(store)
    execute(store, "UPDATE transactions SET data_key = :value WHERE id = 't1'", value=b"\x01 something else")
    done = store.rotation.rotate_file(tmp_path / "mpf.key", "ann")
    assert (done.rewrapped, done.unreadable) == (5, 1)
    assert rows(store, "SELECT data_key FROM transactions WHERE id = 't1'") == [(b"\x01 something else",)]
    store.close()


def test_nothing_is_rewrapped_when_the_stores_own_keys_were_changed(tmp_path: Path) -> None:
    store = sqlite_place(tmp_path).open()
    fill(store)
    execute(store, "UPDATE meta SET value = :value WHERE name = 'key.settings'", value=b"\x01 something else")
    with pytest.raises(ConfigError, match=r"key\.settings in meta does not verify"):
        store.rotation.rotate_file(tmp_path / "mpf.key", "ann")
    store.close()
    keys = read_key_file(tmp_path / "mpf.key").ids
    assert len(keys) == 2
    connection = sqlite3.connect(tmp_path / "mpf.db")
    assert {wrapped_with(row[0]) for row in connection.execute("SELECT data_key FROM transactions")} == {keys[1]}
    connection.close()
