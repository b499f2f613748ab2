"""A provider, policy or observer that misbehaves never takes the engine down, and never opens a door."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpf_core import Change, Code, Config, Decision, Engine, Grant, MpfError, hookimpl
from mpf_core.testing import AllowAll
from tests.support import CALLER, Bench

MISBEHAVE = '<execute namespace="Store" procedure="Misbehave"/>'
PUT = '<execute namespace="Store" procedure="Put"><executeData><name>a</name><value>1</value></executeData></execute>'


def raises(error: BaseException) -> Callable[[object], Any]:
    def act(_data: object) -> Any:
        raise error

    return act


@pytest.mark.parametrize(
    "act",
    [
        raises(ValueError("secret-in-text")),
        raises(RecursionError()),
        raises(MemoryError()),
        raises(SystemExit(3)),
        raises(ExceptionGroup("g", [ValueError("secret-in-text")])),
        lambda _data: 42,
        lambda _data: "text",
        lambda _data: [1],
        lambda _data: [None],
        lambda _data: object(),
    ],
)
def test_whatever_a_provider_does_becomes_an_errorContext(tmp_path: Path, act: Callable[[object], Any]) -> None:
    bench = Bench(tmp_path)
    bench.store.misbehaviour = act
    result = bench.run(PUT + MISBEHAVE)
    assert result.error is not None
    assert result.error.code == Code.E_UNEXPECTED
    assert result.error.step == "request/execute[2]"
    assert b"secret-in-text" not in result.document
    assert bench.store.values == {}
    bench.data(PUT)


def test_an_interrupt_is_passed_on_after_the_rollback(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.misbehaviour = raises(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        bench.run(PUT + MISBEHAVE)
    assert bench.store.values == {}


class Policy:
    """A policy that answers what it is told to."""

    name = "policy"

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer

    @hookimpl
    def mpf_authorize(self, call: object) -> Any:
        return self.answer(call)


@pytest.mark.parametrize("answer", [raises(ValueError("x")), lambda _c: None, lambda _c: True, lambda _c: Decision(False)])
def test_deny_wins_and_no_sound_answer_is_a_refusal(tmp_path: Path, answer: Callable[[Any], Any]) -> None:
    bench = Bench(tmp_path, plugins=(Policy(answer),))
    result = bench.run(PUT)
    assert result.error is not None
    assert result.error.code == Code.E_ACCESSDENIED
    assert bench.store.calls == []


@pytest.mark.parametrize("answer", [raises(ValueError("x")), lambda _c: True, lambda _c: Decision(False, "not you")])
def test_a_refusal_outweighs_a_permission(tmp_path: Path, answer: Callable[[Any], Any]) -> None:
    bench = Bench(tmp_path, plugins=(AllowAll(), Policy(answer)))
    result = bench.run(PUT)
    assert result.error is not None
    assert bench.store.calls == []


def test_every_nested_call_is_authorized(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    def remember(call: Any) -> Decision:
        seen.append(call.edge)
        return Decision(True)

    class Both(Policy):
        @hookimpl
        def mpf_elevate(self, call: object) -> Grant:
            return Grant("test")

    inner = f'<namespace name="N"><procedure name="P" access="public">{PUT}</procedure></namespace>'
    bench = Bench(tmp_path, inner, plugins=(Both(remember),))
    bench.data('<execute namespace="N" procedure="P"/>')
    assert seen == [("request", "N::P"), ("N::P", "Store::Put")]


def test_an_elevation_needs_a_grant(tmp_path: Path) -> None:
    bench = Bench(tmp_path, plugins=(Policy(lambda _c: Decision(True)),))
    as_caller = PUT.replace("<execute ", '<execute impersonate="1" ', 1)
    bench.data(as_caller)
    for elevated in (PUT, PUT.replace("<execute ", '<execute impersonate="2" ', 1)):
        result = bench.run(elevated)
        assert result.error is not None
        assert result.error.code == Code.E_ACCESSDENIED
        assert "No elevation rule" in result.error.description


class Observer:
    """Remembers events, or fails."""

    name = "observer"

    def __init__(self, fail: bool = False) -> None:
        self.events: list[Any] = []
        self.fail = fail

    @hookimpl
    def mpf_event(self, event: object) -> None:
        self.events.append(event)
        if self.fail:
            raise RuntimeError("observer")


def test_observers_see_what_happens_and_change_nothing(tmp_path: Path) -> None:
    failing, sound = Observer(fail=True), Observer()
    sound.name = "second"
    bench = Bench(tmp_path, plugins=(AllowAll(), failing, sound))
    bench.run(PUT + '<execute namespace="Store" procedure="Fail"/>')
    assert [event.name for event in sound.events] == [
        "transaction.begin",
        "elevation",
        "call.begin",
        "call.end",
        "elevation",
        "call.begin",
        "call.error",
        "step.undone",
        "transaction.end",
    ]
    assert len(failing.events) == len(sound.events)


def test_budgets_cannot_be_caught(tmp_path: Path) -> None:
    loop = '<namespace name="Loop"><procedure name="P" access="public"><try><execute namespace="Loop" procedure="P"/></try><catch/></procedure></namespace>'
    many = ["tester@fabrikam.com"]
    limits = {"depth": 8, "steps": 50, "repeats": 100, "result_bytes": 200, "document_bytes": 5000}
    config = Config.model_validate({"engine": {"limits": limits}, "security": {"permissions": {"trusted_requests": many}}})
    bench = Bench(tmp_path, loop, config=config)
    for steps, data, code in (
        ('<execute namespace="Loop" procedure="P"/>', "", Code.CALLS_TOO_DEEP),
        (
            '<execute namespace="Loop" procedure="P"><repeat source="data" sourcePath="n"/></execute>',
            "<n>101</n>",
            Code.TOO_MANY_REPEATS,
        ),
        ("<try/><catch/>", "x" * 300, Code.RESULT_TOO_LARGE),
        ("<try/><catch/>", "x" * 5001, Code.DOCUMENT_TOO_LARGE),
    ):
        result = bench.run(steps, data)
        assert result.error is not None
        assert result.error.code == code
    many_calls = (
        '<namespace name="Many"><procedure name="P" access="public"><try><transform/></try><catch/></procedure></namespace>'
    )
    (tmp_path / "many").mkdir()
    bench = Bench(tmp_path / "many", many_calls, config=config)
    result = bench.run(
        '<try><execute namespace="Many" procedure="P"><repeat source="data" sourcePath="n"/></execute></try><catch/>',
        "<n>51</n>",
    )
    assert result.error is not None
    assert result.error.code == Code.TOO_MANY_STEPS


def test_a_request_whose_time_is_over_is_rolled_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    cancel = threading.Event()

    def act(_data: object) -> None:
        cancel.set()

    bench.store.misbehaviour = act
    request = f"<request><procedure><try>{PUT}{MISBEHAVE}{PUT}</try><catch/></procedure></request>"
    result = bench.engine.execute(request, CALLER, cancel=cancel)
    assert result.error is not None
    assert result.error.code == Code.CANCELLED
    assert bench.store.values == {}
    result = bench.engine.execute(request, CALLER, timeout=0.0)
    assert result.error is not None
    assert result.error.code == Code.TIMEOUT


def test_threads_share_one_engine(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    failures: list[object] = []

    def work(number: int) -> None:
        for turn in range(20):
            data = bench.data(
                '<execute namespace="Store" procedure="Put"><before source="data" destination="executeData" mode="merge"/></execute>',
                f"<name>t{number}-{turn}</name><value>{turn}</value>",
            )
            if f"t{number}-{turn}" not in data:
                failures.append(data)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(bench.store.values) == 160


def test_a_closed_engine_refuses_work(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.engine:
        bench.data(PUT)
    with pytest.raises(RuntimeError):
        bench.run(PUT)
    bench.engine.close()


def test_half_a_simple_request_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="namespace and a procedure"):
        Bench(tmp_path).engine.execute("<request/>", CALLER, namespace="Store")


def test_many_engines_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = Bench(tmp_path / "one"), Bench(tmp_path / "two")
    one.data(PUT)
    assert (one.store.values, two.store.values) == ({"a": "1"}, {})


def test_a_lock_is_held_until_the_transaction_has_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    outcome: list[object] = []

    class Locking(type(bench.store)):  # type: ignore[misc]
        pass

    original = bench.store.put

    def put(ctx: Any, data: Any) -> Any:
        ctx.lock("key")
        if not outcome:
            outcome.append("first")
            inner = bench.run(PUT)
            assert inner.error is not None
            outcome.append(inner.error.code)
        return original(ctx, data)

    bench.store.put = put  # type: ignore[method-assign]
    bench.data(PUT)
    assert outcome == ["first", Code.LOCK_VIOLATION]
    bench.data(PUT)


def test_an_engine_without_any_policy_refuses_everything() -> None:
    result = Engine(namespaces=[]).execute("<request/>", CALLER, namespace="N", procedure="P")
    assert result.error is not None
    assert result.error.code == Code.UNKNOWN_NAMESPACE


def test_an_mpf_error_of_a_provider_keeps_its_code(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.store.misbehaviour = raises(MpfError(0x80072030, "There is no such object on the server."))
    result = bench.run(MISBEHAVE)
    assert result.error is not None
    assert (result.error.code, result.error.description) == (0x80072030, "There is no such object on the server.")


def test_what_an_undo_raised_goes_to_the_log_and_not_to_the_client(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(tmp_path)

    def undo(_ctx: object, _change: object) -> Any:
        raise RuntimeError("secret-in-text")

    bench.store.undo = undo  # type: ignore[method-assign]
    result = bench.run(PUT + '<execute namespace="Store" procedure="Fail"/>')
    assert b"RuntimeError" in result.document
    assert b"secret-in-text" not in result.document
    assert "secret-in-text" in caplog.text


@pytest.mark.parametrize(
    "value",
    [object(), float("nan"), ("a",), {"deep": [("a",)]}, {1: "a"}, {None: "a"}],
    ids=["an object", "not a number", "a tuple", "a tuple inside", "a number as key", "None as key"],
)
def test_a_change_that_is_no_json_is_refused_before_its_effect(tmp_path: Path, value: Any) -> None:
    """Also one that JSON can write, and that would be another one when it is read."""
    bench = Bench(tmp_path)
    bench.store.put = lambda ctx, data: Change({"name": "a", "new": value})  # type: ignore[method-assign,assignment]
    result = bench.run(PUT)
    assert result.error is not None
    assert result.error.code == Code.E_UNEXPECTED
    assert bench.store.values == {}


def test_wrong_types_are_misuse(tmp_path: Path) -> None:
    engine = Bench(tmp_path).engine
    with pytest.raises(TypeError, match="caller must be a Caller, not str"):
        engine.submit(b"<request/>", "admin")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="request must be bytes or str"):
        engine.submit(None, CALLER)  # type: ignore[arg-type]
