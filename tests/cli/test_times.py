"""Moments and durations, as people type and read them."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.cli.times import Moment, duration, iso, local, parse, zoned

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("0s", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("3d", 259_200), ("1w", 604_800), (" 2 H ", 7200)],
)
def test_how_long_ago(typed: str, seconds: float) -> None:
    assert parse(typed, now=NOW) == NOW.timestamp() - seconds


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-03-01T14:05:09Z", datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)),
        ("2026-03-01T15:05+01:00", datetime(2026, 3, 1, 14, 5, tzinfo=UTC)),
        ("20260301T140509Z", datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)),
        ("2026-03-01 14:05", datetime(2026, 3, 1, 14, 5).astimezone()),
    ],
)
def test_iso_8601(typed: str, moment: datetime) -> None:
    assert parse(typed) == moment.timestamp()


def test_a_day_is_its_beginning_or_its_end() -> None:
    first, last = parse("2026-03-01"), parse("2026-03-01", last=True)
    assert first == datetime(2026, 3, 1).astimezone().timestamp()
    assert last == pytest.approx(datetime(2026, 3, 2).astimezone().timestamp(), abs=0.001)
    assert last < datetime(2026, 3, 2).astimezone().timestamp()
    assert parse("20260301") == first
    assert parse("2026-03-01T00:00", last=True) == first


@pytest.mark.parametrize("typed", ["", "soon", "2026-13-01", "2026-02-30", "h", "-2h", "2y", "99999999999d", "1e3h"])
def test_what_is_no_moment(typed: str) -> None:
    with pytest.raises(ValueError):
        parse(typed)
    with pytest.raises(click.BadParameter, match="ISO 8601"):
        Moment().convert(typed, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-1, "-"),
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (1.25, "1.2 s"),
        (0.9996, "1.0 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (184, "3 min 4 s"),
        (3600, "1 h"),
        (7384, "2 h 3 min"),
        (90_000, "1 d 1 h"),
        (86_400 + 59, "1 d"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e9))
def test_every_duration_can_be_said(seconds: float) -> None:
    text = duration(seconds)
    assert 2 <= len(text.split()) <= 4
    assert "1000 ms" not in text
    assert "60.0 s" not in text


@given(st.floats(min_value=0, max_value=4e9))
def test_what_is_written_can_be_read_again(moment: float) -> None:
    for write in (iso, zoned):
        text = write(moment)
        assert text is not None
        assert parse(text) == pytest.approx(moment, abs=0.001)


def test_no_moment() -> None:
    assert (iso(None), local(None), zoned(None)) == (None, "-", "-")
