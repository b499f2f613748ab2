"""What must be true after a kill and a recovery: every violation in words, so that a test can expect one of them.

The first word of each says which rule is broken:

- *directory*: it is as it was before the request or, once the commit is decided or the end durable, as after it;
- *intent*: a step is in the journal before its effect begins;
- *open*: no transaction is left open, and none waits for an operator;
- *outcome*: each started step has exactly one outcome, and it is that of its transaction;
- *locks*, *engines*: nobody who is gone holds anything;
- *audit*: the chain is sound, and each transaction's end is in it once;
- *again*: the same request can be sent again, and does what it should.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.kills import facts
from tests.kills.facts import Facts
from tests.kills.plans import Plan
from tests.kills.requests import NEW_PASSWORD, OLD_PASSWORD, Scenario
from tests.kills.site import Site
from tests.kills.worker import Outcome

_ENDED = {"committed", "rolled-back"}
_UNDONE = {"undone", "nothing-to-undo"}
_ENDINGS = {"request.end", "recovery"}
_KEY = "the key"


@dataclass(frozen=True, slots=True)
class Course:
    """How a scenario goes when nobody is killed: the points that it passes, and the directory before and after."""

    scenario: Scenario
    points: tuple[str, ...]
    before: Facts
    after: Facts

    def committed(self, passed: int) -> bool:
        """Whether a process that passed so many points, the last of which killed it, had made its decision durable.

        That is the last durable write before the first commit or, without any, the last one of all.
        """
        if self.scenario.fails:
            return False
        until = self.points.index("provider.commit.before") if "provider.commit.before" in self.points else len(self.points)
        decision = max(number for number in range(until) if self.points[number] == "journal.write.after")
        return passed > decision

    def expected(self, passed: int) -> Facts:
        """The directory after recovery."""
        if self.committed(passed):
            return self.after
        if self.scenario.irreversible:
            password = NEW_PASSWORD if "provider.effect.after" in self.points[:passed] else OLD_PASSWORD
            return {**self.before, "password": {**self.before["password"], "is": frozenset({password})}}
        return self.before


def course(site: Site, scenario: Scenario, *, without: Sequence[str] = ()) -> Course:
    """Run a scenario without a kill, and perhaps ``without`` some guards."""
    site.reset(scenario.setup)
    before = site.facts(scenario)
    outcome = site.run(scenario.request, key=_KEY if scenario.keyed else None, without=without)
    assert (outcome.result["error"] is not None) is scenario.fails, outcome.result
    after = site.facts(scenario)
    assert outcome.store is not None
    problems = list(_of_store(site, outcome.store, scenario, committed=not scenario.fails))
    assert not problems, (scenario.name, problems)
    return Course(scenario, outcome.points, before, facts.of_any_run(after, before))


def kill_and_recover(
    site: Site, course: Course, at: int, *, without: Sequence[str] = (), kill_recovery: int = 0
) -> list[str]:
    """Kill the request at its ``at``-th point, recover in another process, and say what is wrong then.

    With ``kill_recovery`` the first recovery is killed as well, at that point of its own, if it gets there. ``without``
    names guards that are switched off in the request's process and in the recovery.
    """
    scenario = course.scenario
    site.reset(scenario.setup)
    killed = site.run(scenario.request, Plan(kill=at), key=_KEY if scenario.keyed else None, without=without)
    if not killed.killed:
        return [f"points: the request passed {len(killed.points)} of {at} points"]
    problems = list(_of_intents(site, course.points[:at]))
    if kill_recovery:
        site.recover(Plan(kill=kill_recovery), without=without)
    recovered = site.recover(without=without)
    assert recovered.store is not None
    committed = course.committed(at)
    problems += _of_store(site, recovered.store, scenario, committed=committed)
    problems += (f"directory: {text}" for text in _of_directory(site, course, course.expected(at)))
    if not problems:
        problems += _of_second_try(site, course, committed=committed)
    return problems


def points_of_recovery(site: Site, course: Course, at: int) -> int:
    """How many points the recovery passes after a kill at the ``at``-th point of the request."""
    site.reset(course.scenario.setup)
    site.run(course.scenario.request, Plan(kill=at), key=_KEY if course.scenario.keyed else None)
    return len(site.recover().points)


def _of_intents(site: Site, passed: Sequence[str]) -> Iterator[str]:
    begun = passed.count("provider.apply.before")
    if (recorded := site.store.steps()) < begun:
        yield f"intent: {begun} steps have begun, and {recorded} are in the journal"


def _of_store(site: Site, store: Mapping[str, Any], scenario: Scenario, *, committed: bool) -> Iterator[str]:
    for transaction, record in store["transactions"].items():
        if record["state"] not in _ENDED:
            yield f"open: {transaction} is {record['state']}"
        elif (record["state"] == "committed") is not committed:
            yield f"outcome: {transaction} is {record['state']}"
        yield from _of_steps(record, scenario)
        ends = [event for event, about in store["audit"] if about == transaction and event in _ENDINGS]
        if len(ends) != 1:
            yield f"audit: the end of {transaction} is there {len(ends)} times"
    if committed and len(store["transactions"]) != 1:
        yield f"outcome: {len(store['transactions'])} transactions, and one was committed"
    yield from (f"locks: {lock}" for lock in store["locks"])
    yield from (f"engines: {engine} is still registered" for engine in store["engines"])
    yield from (f"engines: the lock file {file} is still there" for file in site.store.lock_files())
    yield from (f"audit: {text}" for text in store["broken_audit"])
    yield from (f"open: an operator is told {message}" for message in store["outbox"])


def _of_steps(record: Mapping[str, Any], scenario: Scenario) -> Iterator[str]:
    if [step["order"] for step in record["steps"]] != list(range(1, len(record["steps"]) + 1)):
        yield f"outcome: the steps are not numbered: {record['steps']}"
    undone = _UNDONE | {"irreversible"} if scenario.irreversible else _UNDONE
    for step in record["steps"]:
        if step["state"] not in ({"committed"} if record["state"] == "committed" else undone):
            yield f"outcome: step {step['order']} of one that is {record['state']} is {step['state']}: {step['detail']}"
        if not step["verified"]:
            yield f"outcome: step {step['order']} does not verify"


def _of_directory(site: Site, course: Course, expected: Facts) -> Iterator[str]:
    now = site.facts(course.scenario)
    if expected is course.after:
        now = facts.of_any_run(now, course.before)
    yield from facts.differences(expected, now)


def _of_second_try(site: Site, course: Course, *, committed: bool) -> Iterator[str]:
    """With a key a request may always be sent again; without, when it has not happened."""
    scenario = course.scenario
    if committed and not scenario.keyed:
        return
    again: Outcome = site.run(scenario.request, key=_KEY if scenario.keyed else None, look=False)
    if (again.result["error"] is not None) is not scenario.fails:
        yield f"again: {again.result['text'] or again.result['state']}"
    if again.result["repeated"] is not committed:
        yield f"again: the request was {'done again' if committed else 'not done again'}"
    if not scenario.fails:
        yield from (f"again: {text}" for text in _of_directory(site, course, course.after))
