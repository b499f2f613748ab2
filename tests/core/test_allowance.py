"""Small requests that would take much: whatever is used up ends the request, and no catch goes on."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mpf_core import Code, Config
from tests.support import CALLER, Bench

LIMITS = {"turns": 40, "copied_bytes": 4000, "secrets": 5}
PUT = '<execute namespace="Store" procedure="Put"><executeData><name>a</name><value>1</value></executeData></execute>'
NEVER = '<before source="data" sourcePath="nothing" destination="executeData" mode="insert" ifNull="skip"/>'
DOUBLE = '<before source="executeData" destination="executeData" mode="insert"/>'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
    config = Config.model_validate({"engine": {"limits": LIMITS}, "security": {"permissions": permissions}})
    return Bench(tmp_path, config=config)


def _call(body: str) -> str:
    return f'<execute namespace="Store" procedure="Put">{body}</execute>'


LOOPS = "".join(f'<forEach name="{name}" root="data" path="a"/>' for name in "xyz")
TOO_MUCH = {
    "loops without a call": (_call(LOOPS + NEVER), "<a/>" * 10, Code.TOO_MANY_REPEATS),
    "loops in loops that have nothing": (
        _call(f'{LOOPS}<forEach name="n" root="data" path="nothing" ifNull="skip"/>'),
        "<a/>" * 10,
        Code.TOO_MANY_REPEATS,
    ),
    "conditions that never hold": (
        _call('<repeat source="data" sourcePath="n"/><when source="data" sourcePath="nothing"/>'),
        "<n>41</n>",
        Code.TOO_MANY_REPEATS,
    ),
    "steps": (_call('<when source="data" sourcePath="nothing"/>') * 41, "", Code.TOO_MANY_REPEATS),
    "copies of copies": (_call(DOUBLE * 12), "", Code.TOO_MUCH_DATA),
    "text": (_call('<before source="data" sourcePath="a" destination="executeData" mode="merge"/>' * 9), f"<a>{'x' * 500}</a>", Code.TOO_MUCH_DATA),
    "attributes": (
        _call('<before source="data" sourcePath="a/@b" destination="executeData" destinationPath="@b" mode="insert"/>' * 9),
        f"<a b='{'x' * 500}'/>",
        Code.TOO_MUCH_DATA,
    ),
    "literal data, over and over": (
        f"<execute namespace='Store' procedure='Put'><executeData><a>{'x' * 500}</a></executeData><repeat source='data' sourcePath='n'/>{NEVER}</execute>",
        "<n>9</n>",
        Code.TOO_MUCH_DATA,
    ),
    "text that stays behind": (
        _call('<before source="data" sourcePath="a" destination="executeData" mode="move"/>'),
        "<a/>xxxxx" * 60,
        Code.TOO_MUCH_DATA,
    ),
    "secrets": (PUT, "".join(f"<s do-not-log='1'>{n}</s>" for n in range(6)), Code.TOO_MUCH_DATA),
    "secrets of literal data": (
        "<execute namespace='Store' procedure='Put'><executeData>"
        + "".join(f"<s do-not-log='1'>{n}</s>" for n in range(6))
        + "</executeData></execute>",
        "",
        Code.TOO_MUCH_DATA,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("steps", "data", "code"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_uses_up_its_allowance_ends(bench: Bench, steps: str, data: str, code: Code) -> None:
    result = bench.run(PUT + steps, data)
    assert result.error is not None
    assert (Code(result.error.code), bench.store.values) == (code, {})


@pytest.mark.parametrize("steps", [_call(LOOPS + NEVER), _call(DOUBLE * 12)])
def test_no_catch_goes_on(bench: Bench, steps: str) -> None:
    result = bench.run(f"<try>{steps}</try><catch>{PUT}</catch>", "<a/>" * 10)
    assert result.error is not None
    assert result.error.step == "request/try[1]/execute[1]"
    assert result.error.code in {Code.TOO_MANY_REPEATS, Code.TOO_MUCH_DATA}
    assert bench.store.values == {}


def test_what_is_within_the_allowance_passes(bench: Bench) -> None:
    data = bench.data(PUT + _call(f'<forEach name="x" root="data" path="a"/>{NEVER}'), "<a/>" * 10)
    assert bench.store.values == {"a": "1"}
    assert data.count("<a/>") == 10


def test_globalData_is_not_copied_for_more_data_than_there_is_room(bench: Bench) -> None:
    request = f"<request><globalData><g>{'x' * 500}</g></globalData>{'<data/>' * 9}<procedure>{PUT}</procedure></request>"
    result = bench.engine.execute(request, CALLER)
    assert result.error is not None
    assert result.error.code == Code.TOO_MUCH_DATA


def test_time_is_looked_at_where_no_call_is_made(tmp_path: Path) -> None:
    permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
    settings = {"engine": {"limits": {"turns": 10**9}}, "security": {"permissions": permissions}}
    bench = Bench(tmp_path, config=Config.model_validate(settings))
    steps = _call(LOOPS + NEVER)
    request = f"<request><data>{'<a/>' * 400}</data><procedure>{steps}</procedure></request>"
    cancel = threading.Event()
    threading.Timer(0.2, cancel.set).start()
    begin = time.monotonic()
    result = bench.engine.execute(request, CALLER, cancel=cancel)
    assert result.error is not None
    assert result.error.code == Code.CANCELLED
    # 64 million turns would take minutes; nothing here measures how quick it is.
    assert time.monotonic() - begin < 60


def test_the_text_of_many_nodes_is_merged_at_once(tmp_path: Path) -> None:
    """Written one by one, each write would copy everything before it: a request of 2 MB took minutes."""
    bench = Bench(tmp_path)
    steps = '<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>a</name></executeData><before source="data" sourcePath="a" destination="executeData" destinationPath="value" mode="merge"/></execute>'
    bench.data(steps, "<a>x</a>" * 50_000)
    assert bench.store.values == {"a": "x" * 50_000}
