"""A model of what requests do to a few objects, faults included: what test_machine.py holds engine and directory to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.kills.requests import AD, ADMINS, step
from tests.namespaces.support import ALPINE, ldap

Kind = Literal["create", "show", "rename", "join", "delete"]
Place = Literal["there", "parked", "gone"]


@dataclass(frozen=True, slots=True)
class Thing:
    """A contact: its name, what it shows, whether it is in the group, and where it is."""

    name: str
    display: str
    member: bool = False
    place: Place = "there"

    @property
    def dn(self) -> str:
        """Its name while it is there."""
        return f"CN={self.name},{ALPINE}"


Things = dict[int, Thing]


@dataclass(frozen=True, slots=True)
class Doing:
    """One step: it changes one aspect of one object, and has one effect in the directory."""

    kind: Kind
    of: int
    before: Thing
    after: Thing

    @property
    def xml(self) -> str:
        """The step in a request."""
        path = ldap(self.before.dn)
        match self.kind:
            case "create":
                shown = _property("displayName", self.after.display)
                return step(AD, "Create Object", shown, container=ldap(ALPINE), name=self.after.name, **{"class": "contact"})
            case "show":
                return step(AD, "Set Properties", _property("displayName", self.after.display), path=path)
            case "rename":
                return step(AD, "Rename Object", source=path, name=f"CN={self.after.name}")
            case "join":
                return step(AD, "Group Add", group=ldap(ADMINS), path=path)
            case "delete":
                return step(AD, "Delete Object", path=path)

    def do(self, things: Things) -> None:
        """Its effect."""
        self._change(things, self.after)

    def undo(self, things: Things) -> None:
        """Take the effect back, and leave alone what else has changed."""
        self._change(things, self.before)

    def commit(self, things: Things) -> None:
        """A delete becomes final."""
        if self.kind == "delete":
            things[self.of] = replace(things[self.of], place="gone")

    def _change(self, things: Things, to: Thing) -> None:
        now = things.get(self.of, self.before)
        match self.kind:
            case "create":
                things[self.of] = to
            case "show":
                things[self.of] = replace(now, display=to.display)
            case "rename":
                things[self.of] = replace(now, name=to.name)
            case "join":
                things[self.of] = replace(now, member=to.member)
            case "delete":
                things[self.of] = replace(now, place=to.place)


@dataclass(frozen=True, slots=True)
class Course:
    """A request: steps on different objects; the one with the number ``guarded`` stands in a try with ``rescue`` in its catch.

    Step ``fails`` (counted from 1) fails, before its effect or ``late``, behind it. Those of the undos that are in
    ``undo_fails`` (counted from 1, too) fail.
    """

    steps: tuple[Doing, ...]
    guarded: int = 0
    rescue: Doing | None = None
    fails: int = 0
    late: bool = False
    undo_fails: frozenset[int] = frozenset()

    @property
    def xml(self) -> str:
        """The steps of the request."""
        return "".join(
            f"<try>{one.xml}</try><catch>{self.rescue.xml}</catch>" if self.rescue and number == self.guarded else one.xml
            for number, one in enumerate(self.steps, 1)
        )

    @property
    def touched(self) -> frozenset[int]:
        """The objects that it may change."""
        return frozenset(one.of for one in (*self.steps, *([self.rescue] if self.rescue else [])))


@dataclass(slots=True)
class End:
    """How a request ends: its steps in order of start, and those whose effect is left because their undo failed."""

    things: Things
    state: str = "committed"
    started: list[Doing] = field(default_factory=list)
    left: list[Doing] = field(default_factory=list)


def play(course: Course, things: Things) -> End:
    """What must become of ``things``."""
    end = End(dict(things))
    kept: list[Doing] = []
    for number, one in enumerate(course.steps, 1):
        end.started.append(one)
        if number != course.fails:
            one.do(end.things)
            kept.append(one)
            continue
        if course.late:
            one.do(end.things)
        if number != course.guarded or course.rescue is None:
            _roll_back(end, [*kept, one], course, one, range(1, 99))
            return end
        if course.late and 1 in course.undo_fails:
            end.left.append(one)
            _roll_back(end, kept, course, one, range(2, 99))
            return end
        one.undo(end.things)
        end.started.append(course.rescue)
        course.rescue.do(end.things)
        kept.append(course.rescue)
    for one in kept:
        one.commit(end.things)
    return end


def _roll_back(end: End, done: Sequence[Doing], course: Course, failed: Doing, numbers: range) -> None:
    for number, one in zip(numbers, reversed(done), strict=False):
        # What has had no effect needs no write to be undone, and so cannot fail to be.
        if number in course.undo_fails and (one is not failed or course.late):
            end.left.append(one)
        else:
            one.undo(end.things)
    end.state = "inconsistent" if end.left else "rolled-back"


def _property(name: str, value: str) -> str:
    return f'<properties><property name="{name}"><value>{value}</value></property></properties>'
