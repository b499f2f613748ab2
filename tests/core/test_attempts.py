"""Attempts are counted before they are made, in the store, for all its engines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core import MpfError, attempts
from mpf_core.attempts import Attempts, TooManyAttempts
from mpf_core.config import StoreSettings
from mpf_core.errors import Code
from mpf_core.store.opening import open_store
from mpf_core.store.port import RuntimeSettings, StoreUnavailable


class Clock:
    now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


def allowed(counted: Attempts, what: str = "johnc", failures: int = 3, window: float = 60) -> bool:
    """One more wrong attempt, if there may be one."""
    try:
        with counted.begin(what, failures, window) as attempt:
            attempt.failed()
    except TooManyAttempts:
        return False
    return True


def _given(settings: RuntimeSettings) -> RuntimeSettings:
    return settings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], RuntimeSettings]]:
    """One store, opened as often as there are engines."""
    stores = []

    def _open() -> RuntimeSettings:
        stores.append(open_store(StoreSettings(url="sqlite:///mpf.db"), tmp_path))
        return stores[-1].settings

    yield _open
    for store in stores:
        store.close()


def test_what_failed_too_often_waits_until_its_window_is_over(clock: Clock) -> None:
    counted = Attempts(clock=clock)
    assert [allowed(counted) for _ in range(4)] == [True, True, True, False]
    assert allowed(counted, "kimba")
    with pytest.raises(TooManyAttempts) as raised:
        counted.begin("johnc", 3, 60)
    assert raised.value.wait == 60
    clock.now += 60
    assert allowed(counted)


def test_the_window_begins_with_the_last_failure(clock: Clock) -> None:
    """As that of a directory does, which counts on as long as there is one in time."""
    counted = Attempts(clock=clock)
    for _ in range(3):
        assert allowed(counted)
        clock.now += 50
    assert not allowed(counted)


def test_what_is_right_is_a_fresh_start_and_what_nobody_knows_does_not_count(clock: Clock) -> None:
    counted = Attempts(clock=clock)
    assert [allowed(counted), allowed(counted)] == [True, True]
    for _ in range(5):
        with pytest.raises(ConnectionError), counted.begin("johnc", 3, 60):
            raise ConnectionError
    with counted.begin("johnc", 3, 60) as attempt:
        attempt.succeeded()
    assert [allowed(counted) for _ in range(4)] == [True, True, True, False]


def test_what_failed_meanwhile_is_not_forgiven(clock: Clock) -> None:
    counted = Attempts(clock=clock)
    with counted.begin("johnc", 2, 60) as attempt:
        assert allowed(counted, failures=2)
        attempt.succeeded()
    assert [allowed(counted, failures=2) for _ in range(2)] == [True, False]


@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 4))
def test_no_window_ever_sees_more_failures_than_the_limit(pauses: list[float], limit: int) -> None:
    clock = Clock()
    counted = Attempts(clock=clock)
    failures = []
    for pause in pauses:
        clock.now += pause
        if allowed(counted, failures=limit):
            failures.append(clock.now)
    for at in failures:
        assert len([other for other in failures if at <= other < at + 60]) <= limit


def test_engines_of_a_store_count_together(opened: Callable[[], RuntimeSettings]) -> None:
    engines = [Attempts(partial(_given, opened())) for _ in range(3)]
    assert [allowed(one) for one in engines] == [True, True, True]
    assert not any(allowed(one) for one in [*engines, Attempts(opened)])


def test_attempts_at_the_same_moment_are_no_more_than_may_fail(opened: Callable[[], RuntimeSettings]) -> None:
    engines = [Attempts(partial(_given, opened())) for _ in range(2)]
    together = threading.Barrier(12)
    made = []

    def guess(number: int) -> None:
        together.wait()
        try:
            with engines[number % 2].begin("johnc", 3, 60) as attempt:
                time.sleep(0.05)
                made.append(number)
                attempt.failed()
        except TooManyAttempts:
            return

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(guess, range(12)))
    assert len(made) == 3


def test_those_who_are_right_wait_for_each_other_and_all_get_in() -> None:
    counted = Attempts()

    def log_on(_number: int) -> bool:
        with counted.begin("johnc", 2, 60) as attempt:
            time.sleep(0.01)
            attempt.succeeded()
        return True

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(log_on, range(20)))


def test_nobody_waits_for_a_process_that_is_gone(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_PATIENCE", 0.2)
    counted = Attempts(clock=clock)
    counted.begin("johnc", 1, 600)  # and no end of it
    with pytest.raises(TooManyAttempts) as raised:
        counted.begin("johnc", 1, 600)
    assert raised.value.wait == 1
    clock.now += 100
    with pytest.raises(TooManyAttempts) as raised:
        counted.begin("johnc", 1, 600)
    assert raised.value.wait == 500


def test_what_is_over_leaves_nothing_behind(opened: Callable[[], RuntimeSettings], clock: Clock) -> None:
    settings = opened()
    counted = Attempts(lambda: settings, clock)
    for name in ("johnc", "kimba", "annw"):
        allowed(counted, name)
    clock.now += 60
    with counted.begin("johnc", 3, 60) as attempt:
        attempt.succeeded()
    assert settings.keys("attempt/") == []


def test_what_cannot_be_counted_is_not_tried() -> None:
    class Gone:
        def __getattr__(self, name: str) -> object:
            raise StoreUnavailable("disk full")

    with pytest.raises(MpfError) as raised:
        Attempts(Gone).begin("johnc", 3, 60)  # type: ignore[arg-type,return-value]
    assert raised.value.code == Code.STORE_UNAVAILABLE
