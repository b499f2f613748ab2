"""Killed in the middle of a change, killed again in the middle of its undo, undone by the next process all the same.

Every write of a call is cut off once before and once after it happened; then every write of its undo; then the undo runs
again, in a process that has nothing but the intent. What was there before is there again, under the same GUIDs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Undo
from mpf_core.testing import at_point, passing
from mpf_directory.changes import DirectoryProvider
from mpf_directory.dn import Dn
from mpf_directory.operations import add, plan_modify
from tests.directory_plugin.calls import (
    CLERK,
    INNER,
    UNIT,
    Calls,
    Procedure,
    create,
    delete,
    join,
    leave,
    move,
    point,
    rename,
    set_property,
)
from tests.providers.ad_site import CUSTOMER, GROUP, PARKED, RESELLER, USER, site_in

POINTS = ("provider.effect.before", "provider.effect.after")
PROCEDURES: dict[str, Procedure] = {
    "create": create(CUSTOMER, "ann", "user"),
    "delete": delete(),
    "delete with all below": delete(UNIT),
    "change": set_property(USER, "description", "new"),
    "change of a name": set_property(USER, "sAMAccountName", "john"),
    "move": move(UNIT, RESELLER),
    "rename": rename(USER, "New"),
    "respelling": rename(USER, "JOHNC@AlpineSkiHouse.com"),
    "join": join(),
    "leave": leave(),
    "point": point(),
}


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, and nothing is remembered."""


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with site_in(tmp_path) as site:
        yield Calls(site)


def cut(act: Callable[[], object], point_: str, occurrence: int) -> bool:
    """Run ``act`` and kill it at that point; returns whether it came there."""

    def kill() -> None:
        raise Killed

    with at_point(point_, kill, occurrence):
        try:
            act()
        except Killed:
            return True
    return False


def places(act: Callable[[], object]) -> list[tuple[str, int]]:
    """Every point that ``act`` passes, with the number of the time."""
    with passing() as passed:
        act()
    return [(name, number) for name in POINTS for number in range(1, passed.count(name) + 1)]


def undo(calls: Calls, change: Change) -> Undo:
    """The undo in another process: there is no evidence, and a new context."""
    return calls.site.provider.undo(calls.context("{1}"), change)


def check(calls: Calls, prepare: Callable[[], tuple[CallContext, Change]]) -> None:
    """Cut the change off everywhere, and its undo everywhere, and look."""
    apply, snapshot = calls.site.provider.apply, calls.site.snapshot()
    ctx, change = prepare()
    in_apply = places(partial(apply, ctx, change))
    in_undo = places(partial(undo, calls, change))
    assert in_apply
    assert in_undo
    for place, again in product([*in_apply, None], in_undo):
        ctx, change = prepare()
        if place is None:
            apply(ctx, change)
        else:
            assert cut(partial(apply, ctx, change), *place)
        # What was cut off early has less to undo, and may be back before the second kill would come.
        cut(partial(undo, calls, change), *again)
        undo(calls, change)
        assert calls.site.snapshot() == snapshot, (place, again)
        assert undo(calls, change) is Undo.NOTHING_TO_UNDO


@pytest.mark.parametrize("name", PROCEDURES)
def test_a_procedure(calls: Calls, name: str) -> None:
    check(calls, lambda: calls.prepare("{1}", PROCEDURES[name]))


def test_several_operations_in_one_change(calls: Calls) -> None:
    def prepare() -> tuple[CallContext, Change]:
        directory = calls.site.directory
        place = Dn.parse(f"OU=Made,{CUSTOMER}")
        user = calls.site.find(USER, "description", "displayName", "objectGUID")
        group = calls.site.find(GROUP, "member", "objectGUID")
        assert user is not None
        assert group is not None
        change = DirectoryProvider.change(
            directory,
            add(place, {"objectClass": ["organizationalUnit"]}, shared=True),
            add(place.child("CN", "Inner"), {"objectClass": ["contact"]}),
            plan_modify(user, {"description": ["a"], "displayName": ["b"]}),
            plan_modify(group, {"member": [*group.values("member"), USER]}),
        )
        return calls.context("{1}"), change

    check(calls, prepare)


def test_the_unit_for_parked_objects_goes_with_the_last_of_them(calls: Calls) -> None:
    ctx, change = calls.prepare("{1}", delete())
    assert cut(lambda: calls.site.provider.apply(ctx, change), "provider.effect.after", 1)
    assert calls.site.find(PARKED) is not None
    undo(calls, change)
    assert calls.site.find(PARKED) is None


class TestCommit:
    """The objects below go first, so that what is left hangs together, and the commit can be run again."""

    def deleted(self, calls: Calls) -> Change:
        ctx, change = calls.prepare("{1}", delete(UNIT))
        calls.site.provider.apply(ctx, change)
        return change

    def commit(self, calls: Calls, change: Change) -> None:
        calls.site.provider.commit(calls.context("{1}"), change)

    @pytest.mark.parametrize("point_", POINTS)
    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_goes_on_where_it_was_killed(self, calls: Calls, point_: str, number: int) -> None:
        guids = [calls.site.guid(dn) for dn in (UNIT, INNER, CLERK)]
        change = self.deleted(calls)
        assert cut(lambda: self.commit(calls, change), point_, number)
        gone = [calls.site.find(guid) is None for guid in reversed(guids)]
        assert gone.count(True) == (number if point_.endswith("after") else number - 1)
        assert gone == sorted(gone, reverse=True)
        self.commit(calls, change)
        assert [calls.site.find(guid) for guid in guids] == [None, None, None]
        self.commit(calls, change)

    def prepared(self, calls: Calls, change: Change) -> None:
        calls.site.provider.prepare_commit(calls.context("{1}"), change)

    def parked(self, calls: Calls) -> str:
        (name,) = calls.site.children(PARKED)
        return f"OU={name},{PARKED}"

    def test_is_possible_while_nobody_touched_it(self, calls: Calls) -> None:
        self.prepared(calls, self.deleted(calls))

    @pytest.mark.parametrize("moved", [False, True])
    def test_something_that_somebody_put_there_is_not_deleted(self, calls: Calls, moved: bool) -> None:
        change = self.deleted(calls)
        place = f"CN=Newcomer,OU=Desk,{self.parked(calls)}"
        if moved:
            calls.site.move(USER, place)
        else:
            calls.site.put(place, "contact")
        for act in (self.prepared, self.commit):
            with pytest.raises(MpfError, match="put there by somebody else") as raised:
                act(calls, change)
            assert raised.value.code == Code.E_FAIL
        assert calls.site.find(place) is not None
        undo(calls, change)
        assert calls.site.find(f"CN=Newcomer,{INNER}") is not None

    def test_something_that_somebody_took_out_is_spared(self, calls: Calls) -> None:
        change = self.deleted(calls)
        rescued = f"CN=Clerk,{CUSTOMER}"
        calls.site.move(f"CN=Clerk,OU=Desk,{self.parked(calls)}", rescued)
        self.prepared(calls, change)
        self.commit(calls, change)
        assert calls.site.find(rescued) is not None
        assert calls.site.children(PARKED) == []

    @pytest.mark.parametrize("name", ["rescued", "gone"])
    def test_the_object_itself_is_not_there(self, calls: Calls, name: str) -> None:
        change = self.deleted(calls)
        parked = self.parked(calls)
        if name == "rescued":
            calls.site.move(parked, UNIT)
        else:
            for dn in (f"CN=Clerk,OU=Desk,{parked}", f"OU=Desk,{parked}", parked):
                calls.site.directory.delete(Dn.parse(dn))
        with pytest.raises(MpfError) as raised:
            self.prepared(calls, change)
        assert raised.value.code == Code.E_FAIL
