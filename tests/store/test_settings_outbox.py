"""Runtime configuration and the outbox (mpf_core.store.settings, mpf_core.store.outbox)."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.provider import Json
from mpf_core.store.opening import MemoryStore, SqlStore
from mpf_core.store.vault import Tampered
from tests.store.support import Place, execute, record, rows, sqlite_place

pytest_plugins = ["tests.store.places"]

JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def memory() -> MemoryStore:
    return MemoryStore()


def test_a_setting_is_there_until_it_is_removed(any_store: SqlStore | MemoryStore) -> None:
    settings = any_store.settings
    assert settings.get("credentials/a") is None
    settings.put("credentials/a", {"username": "a"})
    settings.put("credentials/b", ["x", 1, None])
    settings.put("credentials/a", {"username": "ä", "n": 1.5})
    assert settings.get("credentials/a") == {"username": "ä", "n": 1.5}
    assert settings.keys("credentials/") == ["credentials/a", "credentials/b"]
    settings.put("credentials/a", None)
    settings.put("credentials/a", None)
    assert settings.get("credentials/a") is None
    assert settings.keys() == ["credentials/b"]


def test_keys_are_in_order_and_a_prefix_is_no_pattern(any_store: SqlStore | MemoryStore) -> None:
    for key in ("b", "B", "a_c", "abc", "a%", "ä", "a.b"):
        any_store.settings.put(key, False)
    assert any_store.settings.keys() == sorted(["b", "B", "a_c", "abc", "a%", "ä", "a.b"])
    assert any_store.settings.keys("a_") == ["a_c"]
    assert any_store.settings.keys("a%") == ["a%"]
    assert any_store.settings.keys("A") == []
    assert any_store.settings.get("a%") is False


@given(key=st.text(min_size=1, max_size=10), value=JSON.filter(lambda value: value is not None))
def test_any_value_comes_back(memory: MemoryStore, key: str, value: Json) -> None:
    key = key.encode("utf-8", "ignore").decode()
    memory.settings.put(key, value)
    assert memory.settings.get(key) == value
    memory.settings.put(key, None)


def test_numbers_that_are_none_are_kept_too(memory: MemoryStore) -> None:
    memory.settings.put("n", math.inf)
    assert memory.settings.get("n") == math.inf


def test_another_engine_sees_a_setting_at_once(place: Place) -> None:
    mine, other = place.open(), place.open()
    mine.settings.put("a", "blue")
    assert other.settings.get("a") == "blue"
    other.settings.put("a", "green")
    assert mine.settings.get("a") == "green"
    mine.close()
    other.close()


def test_values_are_not_in_the_files_of_the_database(tmp_path: Path) -> None:
    store = sqlite_place(tmp_path).open()
    store.settings.put("credentials/svc", {"password": "a very secret word"})
    store.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("mpf.db*") if file.is_file())
    assert b"credentials/svc" in stored
    assert b"secret" not in stored


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE settings SET value = (SELECT value FROM settings WHERE key = 'b') WHERE key = 'a'",
        "UPDATE settings SET value = :value WHERE key = 'a'",
        "UPDATE settings SET key = 'c' WHERE key = 'a'",
    ],
)
def test_a_value_that_was_changed_or_moved_is_not_believed(any_store: SqlStore | MemoryStore, statement: str) -> None:
    any_store.settings.put("a", "blue")
    any_store.settings.put("b", "red")
    execute(any_store, statement, **({"value": b"\x02" + bytes(28) + b'"green"'} if ":value" in statement else {}))
    with pytest.raises(Tampered):
        any_store.settings.get("c" if "key = 'c'" in statement else "a")
    assert any_store.settings.get("b") == "red"


def test_messages_wait_in_order_until_they_are_delivered(any_store: SqlStore | MemoryStore) -> None:
    assert list(any_store.outbox.pending()) == []
    engine = any_store.engines.join("blue")
    for number in range(3):
        messages: list[tuple[str, Json]] = [("topic", {"n": number}), ("other", [number])]
        any_store.journal.write(record(engine, f"t{number}"), messages=messages)
    waiting = any_store.outbox.pending()
    assert [(message.topic, message.body) for message in waiting] == [
        (topic, body) for n in range(3) for topic, body in (("topic", {"n": n}), ("other", [n]))
    ]
    assert any_store.outbox.pending(limit=2) == waiting[:2]
    any_store.outbox.delivered([waiting[0].id, waiting[3].id])
    any_store.outbox.delivered([waiting[0].id])
    any_store.outbox.delivered([])
    assert any_store.outbox.pending() == [waiting[1], waiting[2], waiting[4], waiting[5]]


def test_a_message_is_there_for_all_engines_and_later(place: Place) -> None:
    mine = place.open()
    mine.outbox.put("topic", "ä\0")
    other = place.open()
    mine.close()
    (message,) = other.outbox.pending()
    assert (message.topic, message.body) == ("topic", "ä\0")
    assert len(rows(other, "SELECT id FROM outbox")) == 1
    other.close()
