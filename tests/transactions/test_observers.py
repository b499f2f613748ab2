"""Observers are told in a thread of their own: a slow or failing one never changes what becomes of a request."""

from __future__ import annotations

import threading

from mpf_core import Event, TransactionState, hookimpl
from mpf_core.testing import AllowAll
from tests.support import Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import FAIL, put


class Observer:
    """Remembers events; does something at each of them."""

    name = "observer"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = False
        self.gave_up = False

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        self.gave_up = self.gave_up or not self.go_on.wait(5)
        if self.fails:
            raise RuntimeError("the observer fails")
        self.events.append(event)

    def names(self) -> list[str]:
        return [event.name for event in self.events]


def observed(site: Site, observer: Observer) -> Bench:
    return site.engine(plugins=(AllowAll(), observer), observer_patience=0.2)


def test_events_are_there_when_the_response_is(site: Site) -> None:
    observer = Observer()
    bench = observed(site, observer)
    bench.run(put("a"))
    assert observer.names() == ["transaction.begin", "elevation", "call.begin", "call.end", "transaction.end"] or (
        observer.names()[0],
        observer.names()[-1],
    ) == ("transaction.begin", "transaction.end")


def test_a_slow_observer_delays_a_little_and_changes_nothing(site: Site) -> None:
    observer = Observer()
    bench = observed(site, observer)
    observer.go_on.clear()
    assert bench.run(put("a")).error is None
    assert bench.run(put("b")).error is None
    assert not observer.gave_up, "both are done, and the observer is still busy with the first event"
    observer.go_on.set()
    bench.engine.close()
    site.benches.remove(bench)
    assert observer.names().count("transaction.end") == 2


def test_a_failing_observer_changes_nothing(site: Site) -> None:
    observer = Observer()
    observer.fails = True
    bench = observed(site, observer)
    assert bench.run(put("a")).error is None
    observer.fails = False
    assert bench.run(put("b")).error is None
    assert "transaction.end" in observer.names()


def test_a_transaction_that_needs_a_person_is_told_until_it_was_heard(site: Site) -> None:
    bench = site.engine()
    bench.store.fail_undo.add("a")
    failed = bench.run(put("a") + FAIL)
    assert failed.state is TransactionState.INCONSISTENT
    bench.engine.close()
    site.benches.remove(bench)
    observer = Observer()
    other = observed(site, observer)
    list(other.engine.recover())
    other.engine.close()
    site.benches.remove(other)
    (told,) = [event for event in observer.events if event.name == "transaction.unsettled"]
    assert told.transaction_id == failed.transaction_id
    assert told.fields["state"] == "inconsistent"
