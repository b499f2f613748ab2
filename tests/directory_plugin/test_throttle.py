"""Wrong passwords are tried a few times only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_directory.throttle import BindThrottle


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def allowed(throttle: BindThrottle, name: str) -> bool:
    try:
        throttle.check(name)
    except MpfError as error:
        return error.code != Code.E_ACCESSDENIED
    return True


def test_a_name_that_failed_too_often_waits_until_its_window_is_over() -> None:
    clock = Clock()
    throttle = BindThrottle(3, 60, clock)
    for _ in range(3):
        assert allowed(throttle, "johnc")
        throttle.failed("johnc")
    assert not allowed(throttle, "JohnC")
    assert allowed(throttle, "kimba")
    with pytest.raises(MpfError, match="in 61 seconds"):
        throttle.check("johnc")
    clock.now += 60
    assert allowed(throttle, "johnc")


def test_a_right_password_is_a_fresh_start() -> None:
    throttle = BindThrottle(2, 60)
    throttle.failed("johnc")
    throttle.succeeded("johnc")
    throttle.failed("johnc")
    assert allowed(throttle, "johnc")


@given(st.lists(st.floats(0, 30), max_size=40), st.integers(1, 4))
def test_no_window_ever_sees_more_failures_than_the_limit(pauses: list[float], limit: int) -> None:
    clock = Clock()
    throttle = BindThrottle(limit, 60, clock)
    failures = []
    for pause in pauses:
        clock.now += pause
        if allowed(throttle, "johnc"):
            throttle.failed("johnc")
            failures.append(clock.now)
    for at in failures:
        assert len([other for other in failures if at <= other < at + 60]) <= limit
