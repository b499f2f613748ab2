"""Moments and durations as people type and read them: ``2h``, ``2026-03-01``, ``14:05:09``, ``3 min 4 s``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import TYPE_CHECKING, Any

import click

_RELATIVE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY_ALONE = re.compile(r"\d{4}-?\d{2}-?\d{2}")

#: For the help of options that take a `Moment`.
MOMENT_HELP = "ISO 8601 (2026-03-01, 2026-03-01T14:05, local time unless it has an offset) or how long ago: 30m, 2h, 3d, 1w"

if TYPE_CHECKING:
    _MomentType = click.ParamType[float]
else:
    _MomentType = click.ParamType


class Moment(_MomentType):
    """A moment as seconds since the epoch.

    A day alone is its first moment, or with ``last`` its last one, so that ``--since DAY --until DAY`` is the whole of it.
    """

    name = "moment"

    def __init__(self, *, last: bool = False) -> None:
        self._last = last

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what was typed; a usage error for what is no moment."""
        try:
            return parse(value, last=self._last)
        except ValueError:
            self.fail(f"'{value}' is no moment. Write {MOMENT_HELP}.", param, ctx)


def parse(text: str, *, last: bool = False, now: datetime | None = None) -> float:
    """The moment that ``text`` means, as seconds since the epoch. Raises ``ValueError``."""
    text = text.strip()
    try:
        if relative := _RELATIVE.fullmatch(text):
            ago = timedelta(**{_UNITS[relative[2].lower()]: float(relative[1])})
            return ((now or datetime.now(UTC)) - ago).timestamp()
        if _DAY_ALONE.fullmatch(text):
            day = datetime.combine(date.fromisoformat(text), clock.max if last else clock.min)
            return day.astimezone().timestamp()
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (OverflowError, OSError) as error:  # a year that no clock has
        raise ValueError(text) from error


def iso(moment: float | None) -> str | None:
    """For programs: ISO 8601 in UTC with microseconds; ``None`` stays ``None``."""
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds")


def local(moment: float | None) -> str:
    """For people: local time, to the second; ``-`` for none."""
    return "-" if moment is None else datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def zoned(moment: float | None) -> str:
    """As `local`, with the offset from UTC, so that it can be compared with other machines' clocks."""
    return "-" if moment is None else datetime.fromtimestamp(moment).astimezone().isoformat(" ", "milliseconds")


def duration(seconds: float | None) -> str:
    """How long something took, in the two largest units that say something."""
    if seconds is None or seconds < 0:  # clocks are set back
        return "-"
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(place for place, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)
