"""Each guard is switched off once, to see that the checks notice; and, in the same way, that it is on otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mpf_core import Code
from tests.kills import facts
from tests.kills.checks import Course, course, kill_and_recover
from tests.kills.guards import GUARDS
from tests.kills.jobs import Job
from tests.kills.plans import PATIENCE, Plan
from tests.kills.requests import AD, HELPERS, Scenario, request, step
from tests.kills.scenarios import SCENARIOS
from tests.kills.site import Site
from tests.kills.worker import Outcome, Worker
from tests.namespaces.support import JOHN, ldap

pytestmark = pytest.mark.slow


def scenario(namespace: str, procedure: str, variant: str = "") -> Scenario:
    wanted = (namespace, procedure, variant, False, False)
    (found,) = [one for one in SCENARIOS if (one.namespace, one.procedure, one.variant, one.fails, one.keyed) == wanted]
    return found


SET = scenario(AD, "Set Properties")
#: Two steps, and the second one's object stands in the first one's.
NESTED = scenario(HELPERS, "CreateServicePointer_")
#: Two steps that have nothing to do with each other.
PAIR = replace(SET, variant="and another", more=(scenario(AD, "Group Add").call,))


# What a kill shows.


@pytest.mark.parametrize(
    ("guard", "killed", "point", "broken"),
    [
        ("no_intent", SET, "provider.effect.after", {"intent", "directory"}),
        ("forward_order", NESTED, "provider.apply.after", {"open", "directory"}),
        ("blind_undo", SET, "provider.effect.before", {"open", "outcome"}),
        ("no_decision", scenario(AD, "Delete Object"), "provider.commit.after", {"outcome"}),
    ],
)
def test_a_kill_shows_it(sqlite_site: Site, guard: str, killed: Scenario, point: str, broken: set[str]) -> None:
    def rules(*without: str) -> set[str]:
        gone = course(sqlite_site, killed, without=without)
        at = max(number for number, passed in enumerate(gone.points, 1) if passed == point)
        problems = kill_and_recover(sqlite_site, gone, at, without=without)
        return {problem.partition(":")[0] for problem in problems}

    assert not rules()
    assert rules(guard) >= broken


# What two engines show.


@pytest.fixture
def rival(sqlite_site: Site) -> Iterator[Worker]:
    """Another process on the same store."""
    worker = Worker(sqlite_site.config)
    yield worker
    worker.close()


def interrupted(
    site: Site,
    rival: Worker,
    tmp_path: Path,
    request: Scenario,
    *,
    without: Sequence[str] = (),
    rivals: Sequence[str] = (),
    third: Scenario | None = None,
) -> tuple[Course, Outcome]:
    """A request that waits behind its first step while another engine recovers, and ``third`` is run: how it ends."""
    gone = course(site, request)
    site.reset(request.setup)
    waiting = tmp_path / "waiting"
    at = gone.points.index("provider.apply.after") + 1
    site.worker.send(Job("run", request.request, plan=Plan(wait=at, waiting=str(waiting)), without=tuple(without)))
    until = time.monotonic() + PATIENCE
    while not waiting.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    rival.do(Job("recover once", without=tuple(rivals), look=False))
    if third is not None:
        assert rival.do(Job("run", third.request, look=False)).result["state"] == "committed"
    waiting.unlink()
    return gone, site.worker.receive()


@pytest.mark.parametrize("guard", [None, "claims_anybody"])
def test_a_living_engine_is_left_alone(sqlite_site: Site, rival: Worker, tmp_path: Path, guard: str | None) -> None:
    gone, outcome = interrupted(sqlite_site, rival, tmp_path, PAIR, rivals=[guard] if guard else [])
    now = facts.of_any_run(sqlite_site.facts(), gone.before)
    unharmed = outcome.result["state"] == "committed" and not list(facts.differences(gone.after, now))
    assert unharmed is (guard is None)


@pytest.mark.parametrize("guard", [None, "no_fence"])
def test_an_engine_that_was_taken_for_gone_does_nothing_more(
    sqlite_site: Site, rival: Worker, tmp_path: Path, guard: str | None
) -> None:
    without = [guard] if guard else []
    gone, outcome = interrupted(sqlite_site, rival, tmp_path, PAIR, without=without, rivals=["claims_anybody"])
    assert outcome.store is not None
    unharmed = not list(facts.differences(gone.before, sqlite_site.facts())) and not outcome.store["locks"]
    told = outcome.result["error"] == Code.XACT_E_INDOUBT
    assert (unharmed, told) == (guard is None, guard is None)


@pytest.mark.parametrize("guard", [None, "unfenced_rollback"])
def test_an_engine_that_was_taken_for_gone_does_not_undo_what_others_have_done_since(
    sqlite_site: Site, rival: Worker, tmp_path: Path, guard: str | None
) -> None:
    gone, outcome = interrupted(
        sqlite_site,
        rival,
        tmp_path,
        replace(SET, fails=True),
        without=[guard] if guard else [],
        rivals=["claims_anybody"],
        third=SET,
    )
    assert outcome.result["error"] is not None
    now = facts.of_any_run(sqlite_site.facts(), gone.before)
    unharmed = not list(facts.differences(course(sqlite_site, SET).after, now))
    assert unharmed is (guard is None)


# What a change behind the engine's back shows.


@pytest.mark.parametrize("guard", [None, "unbound_records"])
def test_a_record_that_was_moved_is_shown_and_not_executed(sqlite_site: Site, guard: str | None) -> None:
    without = (guard,) if guard else ()
    gone = course(sqlite_site, NESTED, without=without)
    sqlite_site.reset(NESTED.setup)
    sqlite_site.run(NESTED.request, Plan(kill=len(gone.points) - 2), without=without)
    left = sqlite_site.facts()
    sqlite_site.store.execute("UPDATE steps SET number = 10 - number")
    recovered = sqlite_site.recover(without=without)
    assert recovered.store is not None
    (transaction,) = recovered.store["transactions"].values()
    shown = transaction["state"] == "inconsistent" and {s["state"] for s in transaction["steps"]} == {"undo-failed"}
    executed = bool(list(facts.differences(left, sqlite_site.facts())))
    assert (shown, executed) == ((True, False) if guard is None else (False, True))


# What a second request shows.


@pytest.mark.parametrize("guard", [None, "no_locks"])
def test_the_locks_of_a_dead_process_hold_until_it_is_recovered(sqlite_site: Site, guard: str | None) -> None:
    gone = course(sqlite_site, SET)
    sqlite_site.reset()
    sqlite_site.run(SET.request, Plan(kill=gone.points.index("provider.effect.after") + 1))
    other = '<properties><property name="sn"><value>Other</value></property></properties>'
    again = request(step(AD, "Set Properties", other, path=ldap(JOHN)))
    second = sqlite_site.run(again, without=(guard,) if guard else ())
    refused = second.result["error"] == Code.LOCK_VIOLATION
    recovered = sqlite_site.recover()
    assert recovered.store is not None
    clean = not recovered.store["locks"] and not list(facts.differences(gone.before, sqlite_site.facts()))
    assert (refused, clean) == (guard is None, guard is None)
    if guard is None:
        assert sqlite_site.run(again).result["error"] is None


def test_every_guard_is_switched_off_here() -> None:
    assert all(f'"{name}"' in Path(__file__).read_text(encoding="utf-8") for name in GUARDS)
