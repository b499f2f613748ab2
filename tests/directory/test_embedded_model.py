"""The embedded directory against a plain dictionary: any sequence of operations has the same outcome in both."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Modification, ModifyOp, Scope
from mpf_directory.results import Result
from tests.directory.support import BASE

OK = 0
NAMES = st.sampled_from(["a", "A", "b", "x, y", "X,  Y"])
TEXTS = st.sampled_from(["one", "ONE", "two", "t  wo", "é"])
PLACES = st.integers(0, 6)
MULTI, SINGLE = "proxyAddresses", "displayName"


def folded(text: str) -> str:
    return " ".join(text.split()).casefold()


@dataclass
class Item:
    """An object of the model; ``home`` is where it will be homed, None once that object is gone."""

    kind: str
    name: str
    parent: Item | None
    multi: list[str] = field(default_factory=list)
    single: str | None = None
    members: list[Item] = field(default_factory=list)
    alive: bool = True

    @property
    def dn(self) -> Dn:
        above = self.parent.dn if self.parent else BASE
        return above.child("OU" if self.kind == "organizationalUnit" else "CN", self.name)


class AgainstDictionary(RuleBasedStateMachine):
    template: Path

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "directory.db"
        shutil.copy(self.template, path)
        self.directory = EmbeddedDirectory(path)
        self.items: list[Item] = []
        for name in ("Top", "Other"):
            self.items.append(Item("organizationalUnit", name, None))
            self.directory.add(self.items[-1].dn, {"objectClass": ["organizationalUnit"]})

    def teardown(self) -> None:
        if hasattr(self, "directory"):
            self.directory.close()
            self.folder.cleanup()

    def pick(self, number: int) -> Item:
        return self.items[number % len(self.items)]

    def outcome(self, operation: Callable[[], None]) -> int:
        try:
            operation()
        except MpfError as error:
            return error.code
        return OK

    def clash(self, parent: Item | None, kind: str, name: str, but: Item | None = None) -> bool:
        unit = kind == "organizationalUnit"
        return any(
            item is not but
            and item.parent is parent
            and (item.kind == "organizationalUnit") == unit
            and folded(item.name) == folded(name)
            for item in self.items
        )

    @rule(
        place=PLACES,
        kind=st.sampled_from(["user", "group", "organizationalUnit"]),
        name=NAMES,
        values=st.lists(TEXTS, max_size=2),
    )
    def add(self, place: int, kind: str, name: str, values: list[str]) -> None:
        parent = self.pick(place)
        item = Item(kind, name, parent, multi=list(values))
        attributes = {"objectClass": [kind], **({MULTI: values} if values else {})}
        if self.clash(parent, kind, name):
            expected = int(Code.OBJECT_ALREADY_EXISTS)
        elif parent.kind != "organizationalUnit":
            expected = Result.NAMING_VIOLATION
        elif len({folded(value) for value in values}) < len(values):
            expected = Result.ATTRIBUTE_OR_VALUE_EXISTS
        else:
            expected = OK
            self.items.append(item)
        assert self.outcome(lambda: self.directory.add(item.dn, attributes)) == expected

    @rule(place=PLACES)
    def delete(self, place: int) -> None:
        item = self.pick(place)
        if any(other.parent is item for other in self.items):
            expected = int(Result.CANT_ON_NON_LEAF)
        elif len(self.items) == 1:
            return
        else:
            expected = OK
        assert self.outcome(lambda: self.directory.delete(item.dn)) == expected
        if expected == OK:
            self.items.remove(item)
            for other in self.items:
                other.members = [member for member in other.members if member is not item]

    @rule(place=PLACES, to=PLACES, name=NAMES)
    def rename(self, place: int, to: int, name: str) -> None:
        item, parent = self.pick(place), self.pick(to)
        above: Item | None = parent
        while above is not None and above is not item:
            above = above.parent
        new = Item(item.kind, name, parent)
        if above is item:
            expected = int(Result.UNWILLING_TO_PERFORM)
        elif self.clash(parent, item.kind, name, item):
            expected = Code.OBJECT_ALREADY_EXISTS
        elif parent.kind != "organizationalUnit":
            expected = Result.NAMING_VIOLATION
        else:
            expected = OK
        assert self.outcome(lambda: self.directory.rename(item.dn, new.dn)) == expected
        if expected == OK:
            item.name, item.parent = name, parent

    @rule(place=PLACES, op=st.sampled_from(ModifyOp), values=st.lists(TEXTS, max_size=2))
    def modify_multi(self, place: int, op: ModifyOp, values: list[str]) -> None:
        item = self.pick(place)
        before = list(item.multi)
        expected = self.change(item.multi, op, values)
        if expected != OK:
            item.multi = before
        assert self.outcome(lambda: self.directory.modify(item.dn, [Modification(MULTI, op, tuple(values))])) == expected

    def change(self, present: list[str], op: ModifyOp, values: list[str]) -> int:
        if op is ModifyOp.ADD and not values:
            return Result.CONSTRAINT_VIOLATION
        if op is ModifyOp.DELETE and not values:
            gone = bool(present)
            present.clear()
            return OK if gone else Result.NO_ATTRIBUTE_OR_VALUE
        if op is ModifyOp.REPLACE:
            present.clear()
        for value in values:
            same = [other for other in present if folded(other) == folded(value)]
            if op is ModifyOp.DELETE:
                if not same:
                    return Result.NO_ATTRIBUTE_OR_VALUE
                present.remove(same[0])
            elif same:
                return Result.ATTRIBUTE_OR_VALUE_EXISTS
            else:
                present.append(value)
        return OK

    @rule(place=PLACES, first=TEXTS, second=TEXTS)
    def swap_single(self, place: int, first: str, second: str) -> None:
        """Removing one value and adding another happens in full or not at all."""
        item = self.pick(place)
        parts = [Modification(SINGLE, ModifyOp.DELETE, (first,)), Modification(SINGLE, ModifyOp.ADD, (second,))]
        if item.single is None or folded(item.single) != folded(first):
            expected = int(Result.NO_ATTRIBUTE_OR_VALUE)
        else:
            expected, item.single = OK, second
        assert self.outcome(lambda: self.directory.modify(item.dn, parts)) == expected

    @rule(place=PLACES, value=TEXTS)
    def add_single(self, place: int, value: str) -> None:
        item = self.pick(place)
        expected = OK if item.single is None else int(Result.ATTRIBUTE_OR_VALUE_EXISTS)
        item.single = item.single or value
        part = Modification(SINGLE, ModifyOp.ADD, (value,))
        assert self.outcome(lambda: self.directory.modify(item.dn, [part])) == expected

    @rule(place=PLACES, member=PLACES, op=st.sampled_from([ModifyOp.ADD, ModifyOp.DELETE]))
    def membership(self, place: int, member: int, op: ModifyOp) -> None:
        group, other = self.pick(place), self.pick(member)
        there = any(item is other for item in group.members)
        if group.kind != "group":
            expected = int(Result.OBJ_CLASS_VIOLATION)
        elif op is ModifyOp.ADD:
            expected = Code.OBJECT_ALREADY_EXISTS if there else OK
        else:
            expected = OK if there else Result.UNWILLING_TO_PERFORM
        part = Modification("member", op, (str(other.dn).lower(),))
        assert self.outcome(lambda: self.directory.modify(group.dn, [part])) == expected
        if expected == OK:
            group.members = [item for item in group.members if item is not other]
            if op is ModifyOp.ADD:
                group.members.append(other)

    @rule(text=TEXTS)
    def search(self, text: str) -> None:
        wanted = Filter.or_(Filter.eq(MULTI, text), Filter.eq(SINGLE, text))
        found = {entry.dn for entry in self.directory.search(BASE, Scope.SUBTREE, wanted, ["cn"])}
        expected = {
            item.dn
            for item in self.items
            if folded(text) in map(folded, [*item.multi, *([item.single] if item.single else [])])
        }
        assert found == expected

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "directory"):
            return
        top = {item.dn for item in self.items if item.parent is None}
        entries = {
            entry.dn: entry
            for dn in top
            for entry in self.directory.search(dn, Scope.SUBTREE, Filter.present("objectClass"))
        }
        assert set(entries) == {item.dn for item in self.items}
        for item in self.items:
            entry = entries[item.dn]
            assert str(entry.dn) == str(item.dn)
            assert entry.text("name") == item.name
            assert list(entry.values(MULTI)) == item.multi
            assert entry.text(SINGLE) == item.single
            assert sorted(map(str, entry.values("member"))) == sorted(str(member.dn) for member in item.members)
            groups = [str(group.dn) for group in self.items if any(member is item for member in group.members)]
            assert sorted(map(str, entry.values("memberOf"))) == sorted(groups)


@pytest.mark.slow
def test_the_embedded_directory_is_what_the_model_says(empty_domain: Path) -> None:
    class Machine(AgainstDictionary):
        template = empty_domain

    Machine.TestCase.settings = settings(
        max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Machine.TestCase("runTest").runTest()
