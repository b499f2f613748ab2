"""Engine, journal and directory against a model: requests, faults, kills, recoveries, operators, and somebody else's writes.

Each request, recovery and settlement runs in a process of its own, as after a restart. What must be true between them:
the directory equals the model; each started step has exactly one outcome; only transactions that wait for an operator hold
locks; the audit is sound; and no value of a request is in clear in the database.

What it does not do: two requests at once (each is over, or killed, when the next one begins; those that overlap are in
test_guards.py, in tests/namespaces/test_races.py and, under load, in tests/transactions/test_faults.py); faults of the store
itself; a store in memory, which does not outlive its process.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mpf_core import Code
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Modification, ModifyOp
from tests.kills import facts
from tests.kills.choice import ALL
from tests.kills.facts import Facts, Object
from tests.kills.jobs import Job
from tests.kills.machine import Course, Doing, Thing, Things, play
from tests.kills.plans import Plan
from tests.kills.requests import ADMINS, request
from tests.kills.site import Site
from tests.namespaces.support import ALPINE, PARKING

pytestmark = pytest.mark.slow

#: In each value that a request brings, and nowhere in the database's files.
MARKER = "do-not-find-me"
_OPEN_STEPS = {"started", "done", "failed"}
_FINAL_STEPS = {"committed", "undone", "nothing-to-undo"}
_OPEN = {"running", "committing", "rolling-back"}

_SETUP = ("the machine's",)


def test_whatever_happens_the_directory_is_what_the_model_says(sqlite_site: Site) -> None:
    _run(sqlite_site, 200 if ALL else 8)


def test_it_is_so_with_a_store_in_a_server(postgres_site: Site) -> None:
    _run(postgres_site, 75 if ALL else 3)


def _run(where: Site, examples: int) -> None:
    _make_base(where)

    class Here(Machine):
        site = where

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30 if ALL else 15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _make_base(site: Site) -> None:
    """Four contacts, and the place for parked objects."""
    things = [Thing(f"c{number}", "at first") for number in range(5)]
    gone = replace(things[0], place="gone")
    made = [Doing("create", number, gone, thing) for number, thing in enumerate(things)]
    site.reset()
    for document in (
        request(*(one.xml for one in made)),
        request(Doing("delete", 4, things[4], replace(things[4], place="parked")).xml),
    ):
        assert site.run(document).result["error"] is None
    site.keep(_SETUP)


@dataclass(slots=True)
class Unsettled:
    """A transaction that waits for an operator: the steps that could not be undone, and the objects that it holds.

    ``held`` are those that it holds alone for sure, ``touched`` those that it may hold. ``lost`` are the numbers of objects
    whose step cannot be undone any more, because somebody else has changed them again; ``failed`` is the step that failed,
    of which less is known.
    """

    id: str
    left: list[Doing]
    held: frozenset[int]
    touched: frozenset[int]
    failed: Doing | None
    lost: set[int] = field(default_factory=set)

    def overwrite(self, number: int) -> None:
        """Somebody else has changed what an object shows: whose value it is, and whose object, cannot be told then."""
        for doing in self.left:
            if doing.of == number and (doing.kind == "show" or (doing.kind == "create" and doing is self.failed)):
                self.lost.add(number)


@dataclass(slots=True)
class Killed:
    """A request whose process was killed: how it would have ended, and what the journal has of it (perhaps nothing)."""

    course: Course
    record: Mapping[str, Any] | None
    id: str
    overwritten: set[int] = field(default_factory=set)


class Machine(RuleBasedStateMachine):
    """See the module's text."""

    site: ClassVar[Site]

    def __init__(self) -> None:
        super().__init__()
        self.site.reset(_SETUP)
        self.things: Things = {number: Thing(f"c{number}", "at first") for number in range(4)}
        self.guids: dict[int, str] = {}
        self.unsettled: list[Unsettled] = []
        self.killed: Killed | None = None
        self.known: set[str] = set()
        self.store: Mapping[str, Any] | None = None
        self.numbers = itertools.count(10)
        self.rest = self._rest(self.site.facts())

    # --- Requests ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.killed is None)
    @rule(data=st.data())
    def run(self, data: st.DataObject) -> None:
        """A request, with or without faults."""
        course = self._course(data)
        end = play(course, self.things)
        outcome = self.site.run(request(course.xml), _faults(course))
        self._look(outcome.store)
        self.known.add(outcome.result["id"])
        assert outcome.result["state"] == end.state, outcome.result
        if course.fails and end.state != "committed":
            assert outcome.result["error"] == Code.E_FAIL, outcome.result
        self.things = end.things
        if end.left:
            self._wait_for_operator(outcome.result["id"], end.left, end.started, course)

    @precondition(lambda self: self.killed is None)
    @rule(data=st.data(), at=st.integers(1, 50))
    def kill(self, data: st.DataObject, at: int) -> None:
        """A request that is killed at some point, if it gets there."""
        course = replace(self._course(data), undo_fails=frozenset())
        plan = _faults(course)
        plan.kill = at
        outcome = self.site.run(request(course.xml), plan)
        if not outcome.killed:
            end = play(course, self.things)
            assert outcome.result["state"] == end.state
            self.known.add(outcome.result["id"])
            self.things = end.things
            self._look(outcome.store)
            return
        looked = self.site.worker.do(Job("look"))
        self._look(looked.store)
        assert looked.store is not None
        new = {id_: record for id_, record in looked.store["transactions"].items() if id_ not in self.known}
        assert len(new) <= 1
        id_, record = next(iter(new.items()), ("", None))
        self.killed = Killed(course, record, id_)

    @precondition(lambda self: self.killed is None and any(one.held for one in self.unsettled))
    @rule(data=st.data())
    def clash(self, data: st.DataObject) -> None:
        """A request for an object that a transaction still holds is refused, and leaves nothing behind."""
        held = [
            number
            for one in self.unsettled
            for number in sorted(one.held)
            if number in self.things and self.things[number].place == "there"
        ]
        if not held:
            return
        thing = self.things[number := data.draw(st.sampled_from(held))]
        free = [self._doing(data, one) for one in self._free()[:1]]
        show = Doing("show", number, thing, replace(thing, display=self._value()))
        outcome = self.site.run(request(*(one.xml for one in free), show.xml))
        self._look(outcome.store)
        self.known.add(outcome.result["id"])
        assert outcome.result["error"] == Code.LOCK_VIOLATION, outcome.result
        assert outcome.result["state"] == "rolled-back"

    # --- Somebody else -------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def somebody_else_writes(self, data: st.DataObject) -> None:
        """A writer outside of the engine changes what an object shows."""
        busy = self._maybe_made()
        possible = [n for n, one in self.things.items() if one.place != "gone" and n in self.guids and n not in busy]
        if not possible:
            return
        touched = [number for number in possible if number in self._touched()]
        near = bool(touched) and data.draw(st.booleans())
        number = data.draw(st.sampled_from(touched if near else possible))
        shown = f"somebody else's {next(self.numbers)}"
        with EmbeddedDirectory(self.site.file) as directory:
            entry = directory.read(Dn.by_guid(facts.uuid_of(self.guids[number])), ["objectGUID"])
            if entry is None:  # deleted by a request that was killed behind its decision
                return
            directory.modify(entry.dn, [Modification("displayName", ModifyOp.REPLACE, (shown,))])
        self.things[number] = replace(self.things[number], display=shown)
        for one in self.unsettled:
            one.overwrite(number)
        if self.killed is not None:
            self.killed.overwritten.add(number)

    # --- Afterwards ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.killed is not None)
    @rule(again=st.integers(0, 12))
    def recover(self, again: int) -> None:
        """Another engine starts; its recovery may be killed as well, and then the next one's begins."""
        killed, self.killed = self.killed, None
        assert killed is not None
        if again:
            self.site.recover(Plan(kill=again))
        outcome = self.site.recover()
        self._look(outcome.store)
        assert outcome.store is not None
        if killed.record is None:
            assert killed.id not in outcome.store["transactions"]
            return
        self.known.add(killed.id)
        state = outcome.store["transactions"][killed.id]["state"]
        end = play(killed.course, self.things)
        if killed.record["state"] in {"committing", "committed"}:
            assert state == "committed"
            self.things = {
                number: replace(thing, display=self.things[number].display) if number in killed.overwritten else thing
                for number, thing in end.things.items()
            }
            return
        left = [
            doing
            for doing, step in zip(end.started, killed.record["steps"], strict=False)
            if doing.kind == "show" and doing.of in killed.overwritten and step["state"] in _OPEN_STEPS
        ]
        assert state == ("inconsistent" if left else "rolled-back")
        if left:
            started = end.started[: len(killed.record["steps"])]
            self._wait_for_operator(killed.id, left, started, killed.course)
            self.unsettled[-1].lost |= {doing.of for doing in left}

    @precondition(lambda self: self.killed is None and self.unsettled)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """An operator runs the failed undos again."""
        one = data.draw(st.sampled_from(self.unsettled))
        outcome = self.site.worker.do(Job("retry", transaction=one.id))
        self._look(outcome.store)
        for doing in [doing for doing in one.left if doing.of not in one.lost]:
            doing.undo(self.things)
            one.left.remove(doing)
        assert outcome.result["state"] == ("inconsistent" if one.left else "rolled-back"), outcome.result
        if not one.left:
            self.unsettled.remove(one)

    @precondition(lambda self: self.killed is None and self.unsettled)
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        """An operator says that a transaction is settled; what it has left stays as it is."""
        one = data.draw(st.sampled_from(self.unsettled))
        outcome = self.site.worker.do(Job("resolve", transaction=one.id))
        self._look(outcome.store)
        self.unsettled.remove(one)

    # --- What must be true ---------------------------------------------------------------------------------------------

    @invariant()
    def directory_equals_model(self) -> None:
        """Unless nobody can know yet."""
        if self.killed is not None:
            return
        found = self.site.facts()
        assert not list(facts.differences(self.rest, self._rest(found)))
        shown = {guid: _shown(one) for guid, one in found.items() if _is_contact(one)}
        for number, thing in self.things.items():
            if number not in self.guids and thing.place == "there":
                (self.guids[number],) = [guid for guid, one in shown.items() if one[0] == thing.name]
        assert shown == {
            self.guids[number]: (thing.name if thing.place == "there" else "", thing.display, thing.member)
            for number, thing in self.things.items()
            if thing.place != "gone"
        }

    @invariant()
    def journal_tells_everything(self) -> None:
        """Each started step has one outcome; locks, engines and open transactions are those of the living and the waiting."""
        store = self.store
        if store is None:
            return
        assert not store["broken_audit"], store["broken_audit"]
        waiting = {one.id for one in self.unsettled}
        busy = {self.killed.id} if self.killed is not None else set()
        for id_, record in store["transactions"].items():
            if id_ in busy:
                continue
            assert record["state"] not in _OPEN, record
            assert (record["state"] == "inconsistent") is (id_ in waiting), record
            allowed = _FINAL_STEPS | {"undo-failed"} if record["state"] in {"inconsistent", "resolved"} else _FINAL_STEPS
            assert {step["state"] for step in record["steps"]} <= allowed, record
        if self.killed is None:
            assert {transaction for _, transaction in store["locks"]} <= waiting
            assert not store["engines"]
            assert not self.site.store.lock_files()

    @invariant()
    def no_value_is_in_clear(self) -> None:
        """Neither in the database nor in its log."""
        assert MARKER.encode() not in self.site.store.content()

    # --- What the rules are made of ------------------------------------------------------------------------------------

    def _look(self, store: Mapping[str, Any] | None) -> None:
        assert store is not None
        self.store = store

    def _free(self) -> list[int]:
        held = {number for one in self.unsettled for number in one.touched}
        return [number for number, thing in self.things.items() if thing.place == "there" and number not in held]

    def _touched(self) -> frozenset[int]:
        """The objects of transactions that have not come to their end."""
        pending = [self.killed.course.touched] if self.killed is not None else []
        return frozenset().union(*pending, *(one.touched for one in self.unsettled))

    def _maybe_made(self) -> frozenset[int]:
        return self.killed.course.touched - self.things.keys() if self.killed is not None else frozenset()

    def _value(self) -> str:
        return f"{MARKER} {next(self.numbers)}"

    def _doing(self, data: st.DataObject, number: int) -> Doing:
        thing = self.things[number]
        kind = data.draw(st.sampled_from(["show", "rename", "delete", *([] if thing.member else ["join"])]))
        match kind:
            case "show":
                return Doing("show", number, thing, replace(thing, display=self._value()))
            case "rename":
                return Doing("rename", number, thing, replace(thing, name=f"c{next(self.numbers)}"))
            case "delete":
                return Doing("delete", number, thing, replace(thing, place="parked"))
            case _:
                return Doing("join", number, thing, replace(thing, member=True))

    def _new(self) -> Doing:
        number = next(self.numbers)
        thing = Thing(f"c{number}", self._value())
        return Doing("create", number, replace(thing, place="gone"), thing)

    def _course(self, data: st.DataObject) -> Course:
        """Steps on different objects that nobody holds, and perhaps a fault, a try, and undos that fail."""
        numbers = data.draw(
            st.lists(st.sampled_from(free), unique=True, max_size=4) if (free := self._free()) else st.just([])
        )
        doings = [self._doing(data, number) for number in numbers]
        doings += [self._new() for _ in range(data.draw(st.integers(0 if doings else 1, 2)))]
        steps = tuple(data.draw(st.permutations(doings)))
        rescue = self._new() if data.draw(st.booleans()) else None
        fails = data.draw(st.integers(0, len(steps)))
        return Course(
            steps,
            guarded=data.draw(st.integers(1, len(steps))) if rescue else 0,
            rescue=rescue,
            fails=fails,
            late=data.draw(st.booleans()),
            undo_fails=data.draw(st.frozensets(st.integers(1, 4), max_size=2)) if fails else frozenset(),
        )

    def _wait_for_operator(self, id_: str, left: list[Doing], started: Sequence[Doing], course: Course) -> None:
        held = frozenset(doing.of for doing in started if doing.kind in {"show", "rename", "delete"})
        failed = course.steps[course.fails - 1] if course.fails else None
        self.unsettled.append(Unsettled(id_, list(left), held, course.touched, failed))

    def _rest(self, found: Facts) -> Facts:
        """All that no request of the machine changes."""
        return {
            guid: {name: values for name, values in one.items() if name != "member"} if ADMINS in one["dn"] else one
            for guid, one in found.items()
            if not _is_contact(one)
        }


def _faults(course: Course) -> Plan:
    return Plan(fail={course.fails: course.late} if course.fails else {}, fail_undo=tuple(sorted(course.undo_fails)))


def _is_contact(found: Object) -> bool:
    return "contact" in found["objectclass"]


def _shown(found: Object) -> tuple[str, str, bool]:
    """An object as the model has it. A parked one has a random name."""
    (dn,) = found["dn"]
    name = Dn.parse(str(dn))
    parked = name.is_within(Dn.parse(PARKING))
    assert parked or name.is_within(Dn.parse(ALPINE))
    (display,) = found.get("displayname", frozenset({""}))
    member = Dn.parse(ADMINS) in {Dn.parse(str(group)) for group in found.get("memberof", ())}
    return ("" if parked else name.rdn.value, str(display), member)
