"""Faults on purpose: when they strike, how they look, and that a seed repeats them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mpf_core import Config, Engine, TransactionState
from mpf_core.engine import Result
from mpf_core.testing import AllowAll, Fault, Faults
from tests.support import CALLER, STORE_NAMESPACE, StorePlugin, StoreProvider


class Bench:
    def __init__(self, folder: Path, faults: Faults) -> None:
        (folder / "store.xml").write_text(STORE_NAMESPACE)
        self.store, self.faults = StoreProvider(), faults
        permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
        config = Config.model_validate({"security": {"permissions": permissions}, "engine": {"undo_wait": 0}})
        plugins = [faults.wrap(StorePlugin(self.store)), AllowAll()]
        self.engine = Engine(config, plugins=plugins, namespaces=[folder / "store.xml"])

    def put(self, *names: str) -> Result:
        steps = "".join(
            f'<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>{name}</name><value>1</value>'
            "</executeData></execute>"
            for name in names
        )
        return self.engine.execute(f"<request><procedure>{steps}</procedure></request>", CALLER)

    def get(self, name: str) -> Result:
        step = (
            f'<execute namespace="Store" procedure="Get" impersonate="1"><executeData><name>{name}</name></executeData>'
            '<after source="executeData" destination="data" mode="merge"/></execute>'
        )
        return self.engine.execute(f"<request><procedure>{step}</procedure></request>", CALLER)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Faults(seed=7))


@pytest.mark.parametrize(
    ("fault", "code", "undone"),
    [
        (Fault.BEFORE, 0x80004005, ["a"]),
        (Fault.INSTEAD, 0x80004005, ["b", "a"]),
        (Fault.AFTER, 0x80004005, ["b", "a"]),
        (Fault.TIME_OUT, None, ["b", "a"]),
        (Fault.CUT, 0x8007203A, ["b", "a"]),
    ],
)
def test_at_the_second_call(bench: Bench, fault: Fault, code: int | None, undone: list[str]) -> None:
    bench.faults.add(fault, "Put", call=2)
    result = bench.put("a", "b", "c")
    assert result.error is not None
    assert code is None or result.error.code == code
    assert result.state is TransactionState.ROLLED_BACK
    assert [name for what, name in bench.store.calls if what == "undo"] == undone
    assert bench.store.values == {}
    assert bench.faults.struck == [(fault, "Put")]


def test_the_effect_is_there_or_not(bench: Bench) -> None:
    seen: list[dict[str, str]] = []
    undo = bench.store.undo

    def look(*arguments: object) -> object:
        seen.append(dict(bench.store.values))
        return undo(*arguments)  # type: ignore[arg-type]

    bench.store.undo = look  # type: ignore[method-assign, assignment]
    bench.faults.add(Fault.INSTEAD, "Put", call=1)
    bench.put("a")
    bench.faults.clear()
    bench.faults.add(Fault.AFTER, "Put", call=1)
    bench.put("a")
    assert seen == [{}, {"a": "1"}]


def test_an_undo_that_fails_is_retried_and_then_recorded(bench: Bench) -> None:
    bench.faults.add(Fault.AFTER, "Put", call=1).add(Fault.UNDO_FAILS, "Put", times=2)
    assert bench.put("a").state is TransactionState.ROLLED_BACK  # the third attempt
    bench.faults.clear()
    bench.faults.add(Fault.AFTER, "Put", call=1).add(Fault.UNDO_FAILS, "Put")
    assert bench.put("a").state is TransactionState.INCONSISTENT


def test_a_wrong_answer_takes_the_place_of_the_right_one(bench: Bench) -> None:
    bench.store.values["a"] = "right"
    bench.faults.add(Fault.WRONG_ANSWER, "Get", answer={"value": "wrong"}, times=1)
    assert b"<value>wrong</value>" in bench.get("a").document
    assert b"<value>right</value>" in bench.get("a").document


def test_a_slow_call_is_right(bench: Bench) -> None:
    bench.faults.add(Fault.SLOW, "Put", seconds=0.01)
    assert bench.put("a", "b").error is None
    assert [fault for fault, _ in bench.faults.struck] == [Fault.SLOW, Fault.SLOW]


def test_a_slow_call_may_be_too_slow(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Faults().add(Fault.SLOW, "Put", seconds=0.2))
    step = '<execute namespace="Store" procedure="Put" impersonate="1"><executeData><name>a</name></executeData></execute>'
    result = bench.engine.execute(f"<request><procedure>{step}</procedure></request>", CALLER, timeout=0.05)
    assert result.error is not None
    assert bench.store.values == {}


def test_a_fault_for_any_procedure(bench: Bench) -> None:
    bench.faults.add(Fault.BEFORE, call=3)
    assert bench.put("a", "b").error is None
    assert bench.get("a").error is not None


def test_random_faults_are_repeated_by_their_seed(tmp_path: Path) -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(seed).add(Fault.BEFORE, "Put", probability=0.5)
        bench = Bench(tmp_path, faults)
        return [bench.put(f"n{number}").error is None for number in range(20)]

    first = run(1)
    assert first == run(1)
    assert {True, False} == set(first)
    assert first != run(2)


def test_a_plugin_without_providers_cannot_be_wrapped() -> None:
    with pytest.raises(ValueError, match="no providers"):
        Faults().wrap(AllowAll())


def test_an_undo_that_fails_at_a_call_fails_each_time_it_is_tried(bench: Bench) -> None:
    bench.faults.add(Fault.AFTER, "Put", call=1).add(Fault.UNDO_FAILS, "Put", call=1)
    assert bench.put("a").state is TransactionState.INCONSISTENT


def test_what_is_ordered_later_leaves_the_counts_of_others_alone(bench: Bench) -> None:
    bench.faults.add(Fault.BEFORE, "Put", call=2)
    assert bench.put("a").error is None
    bench.faults.add(Fault.SLOW, "Get", seconds=0)
    assert bench.put("b").error is not None


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"procedure": "Putt"}, KeyError),
        ({"probability": 5}, ValueError),
        ({"call": 0}, ValueError),
        ({"times": 0}, ValueError),
    ],
)
def test_an_order_that_could_never_strike_is_refused(bench: Bench, order: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        bench.faults.add(Fault.BEFORE, **order)
    with pytest.raises(TypeError, match=r"Fault\.BEFORE"):
        bench.faults.add("before")  # type: ignore[arg-type]
