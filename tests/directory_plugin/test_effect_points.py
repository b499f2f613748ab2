"""Every single write of a directory passes the points at which tests kill: when it is done, undone and committed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.testing import at_point, passing
from mpf_directory.port import Directory
from tests.directory_plugin.calls import (
    UNIT,
    Calls,
    Procedure,
    create,
    delete,
    join,
    leave,
    move,
    password,
    point,
    rename,
    set_property,
)
from tests.providers.ad_site import CUSTOMER, RESELLER, USER, site_in

BEFORE, AFTER = "provider.effect.before", "provider.effect.after"
PROCEDURES: dict[str, Procedure] = {
    "create": create(),
    "delete": delete(),
    "delete with all below": delete(UNIT),
    "change": set_property(USER, "description", "new"),
    "move": move(UNIT, RESELLER),
    "rename": rename(USER, "New"),
    "join": join(),
    "leave": leave(),
    "point": point(),
    "password": password(),
}


class Counting:
    """A directory that notes its writes among the points that are passed."""

    def __init__(self, directory: Directory, passed: list[str]) -> None:
        self._directory, self._passed = directory, passed

    def __getattr__(self, name: str) -> Any:
        wrapped = getattr(self._directory, name)
        if name not in {"add", "modify", "delete", "rename"}:
            return wrapped

        def call(*arguments: object) -> object:
            self._passed.append("write")
            return wrapped(*arguments)

        return call


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with site_in(tmp_path) as site:
        yield Calls(site)


@pytest.mark.parametrize("name", PROCEDURES)
def test_each_write_stands_between_two_points(calls: Calls, name: str) -> None:
    provider = calls.site.provider
    ctx, change = calls.prepare("{1}", PROCEDURES[name])
    with passing() as passed:
        calls.site.directories.directory = Counting(calls.site.directory, passed)
        provider.apply(ctx, change)
        assert passed
        assert passed == [BEFORE, "write", AFTER] * (len(passed) // 3)
        if change.reversible:
            done = len(passed)
            provider.undo(ctx, change)
            assert len(passed) > done
            assert passed == [BEFORE, "write", AFTER] * (len(passed) // 3)


def test_a_commit_deletes_one_object_between_two_points(calls: Calls) -> None:
    ctx, change = calls.prepare("{1}", delete(UNIT))
    calls.site.provider.apply(ctx, change)
    with passing() as passed:
        calls.site.directories.directory = Counting(calls.site.directory, passed)
        calls.site.provider.prepare_commit(ctx, change)
        assert passed == []
        calls.site.provider.commit(ctx, change)
    assert passed == [BEFORE, "write", AFTER] * 3


def test_a_call_whose_time_is_over_begins_no_further_write(calls: Calls) -> None:
    ctx, change = calls.prepare("{1}", delete(UNIT))
    snapshot = calls.site.snapshot()

    def run_out() -> None:
        ctx.deadline = 0.0

    with at_point(AFTER, run_out, 2), pytest.raises(MpfError) as raised:
        calls.site.provider.apply(ctx, change)
    assert raised.value.code == Code.TIMEOUT
    assert calls.site.find(UNIT) is not None
    ctx.deadline = None
    calls.site.provider.undo(ctx, change)
    assert calls.site.snapshot() == snapshot


def test_nothing_passes_while_a_call_is_prepared(calls: Calls) -> None:
    with passing() as passed:
        for procedure in PROCEDURES.values():
            calls.prepare("{1}", procedure)
    assert passed == []
    assert calls.site.find(f"CN=New,{CUSTOMER}") is None
