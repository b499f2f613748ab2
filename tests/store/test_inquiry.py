"""What only people ask of a store (mpf_core.store.inquiry), in each kind of database."""

from __future__ import annotations

import pytest

from mpf_core.store.inquiry import ids_beginning, look_at, presence_of
from mpf_core.store.port import AuditEntry
from mpf_core.transaction.states import TransactionState
from tests.store.support import Place, record

pytest_plugins = ["tests.store.places"]

CHILD = """
from tests.store.support import record
engine = store.engines.join("child")
store.journal.write(record(engine, "{CHILD}"))
say(engine)
sys.stdin.readline()
"""


def test_everything_about_a_store(place: Place) -> None:
    store = place.open()
    empty = look_at(store)
    assert (dict(empty.states), list(empty.engines), empty.audit_lines, empty.undelivered) == ({}, [], 0, 0)
    engine = store.engines.join("mine")
    ended = record(engine, "{B}")
    ended.state = TransactionState.INCONSISTENT
    store.journal.write(record(engine, "{A}"), audit=[AuditEntry("request.begin", 1.0)])
    store.journal.write(ended, messages=[("topic", {})])
    view = look_at(store)
    assert dict(view.states) == {TransactionState.RUNNING: 1, TransactionState.INCONSISTENT: 1}
    assert [(one.registration.id, one.registration.name, one.presence) for one in view.engines] == [
        (engine, "mine", "alive")
    ]
    assert (view.audit_lines, view.undelivered) == (1, 1)
    assert (view.keys, view.key_file, view.version) == (store.vault.keys.ids, place.base_dir / "mpf.key", "0001")
    store.close()


@pytest.mark.slow
def test_whether_an_engine_is_alive_gone_or_has_left(place: Place) -> None:
    store = place.open()
    with place.process(CHILD) as child:
        killed = str(child.hear())
        assert presence_of(store, killed) == "alive"
    left = store.engines.join("left")
    store.journal.write(record(left, "{LEFT}"))
    store.engines.leave(left)
    assert (presence_of(store, killed), presence_of(store, left)) == ("gone", "left")
    with store.engines.claim(killed) as claim:
        assert claim is not None, "looking does not hold on to an engine"
    assert presence_of(store, "f" * 32) == "unknown"
    store.close()


def test_ids_by_their_beginning(place: Place) -> None:
    store = place.open()
    engine = store.engines.join("mine")
    for one in ("{AB1}", "{AB2}", "{A_3}", "{A%4}"):
        store.journal.write(record(engine, one))
    assert sorted(ids_beginning(store, "{AB", 10)) == ["{AB1}", "{AB2}"]
    assert len(ids_beginning(store, "{A", 3)) == 3
    assert list(ids_beginning(store, "{A_", 10)) == ["{A_3}"]
    assert list(ids_beginning(store, "{A%", 10)) == ["{A%4}"]
    assert list(ids_beginning(store, "AB", 10)) == []
    store.close()
