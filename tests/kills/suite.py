"""The kills that are tried on each kind of database: see test_kills_sqlite.py and test_kills_postgresql.py.

A real process is killed at every point of every request; what is left is recovered, looked at, and used again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kills.checks import Course, kill_and_recover, points_of_recovery
from tests.kills.choice import ALL, chosen, one_of
from tests.kills.requests import Scenario
from tests.kills.scenarios import SCENARIOS
from tests.kills.site import Site

_FAILS = " / fails"
DATABASES = ("sqlite", "postgresql")


def _tried(database: str) -> Iterator[Scenario]:
    """All scenarios; or, of the two forms that each has (going on to its end, failing behind the call), one each day.

    That one is tried on one of the databases, all of them each day.
    """
    if ALL:
        yield from SCENARIOS
        return
    for name in sorted({scenario.name.removesuffix(_FAILS) for scenario in SCENARIOS}):
        if one_of(DATABASES, "database", name) == database:
            yield one_of([scenario for scenario in SCENARIOS if scenario.name.removesuffix(_FAILS) == name], name)


def on(database: str) -> pytest.MarkDecorator:
    """For a class of kills of requests: those that are tried on that database."""
    return pytest.mark.parametrize("scenario", tuple(_tried(database)), ids=lambda scenario: scenario.name)


class KillsOfRequests:
    """Needs a fixture ``site``, and `on`."""

    def test_a_request_that_is_killed_happens_completely_or_not_at_all(
        self,
        site: Site,
        scenario: Scenario,
        courses: Callable[[Site, Scenario], Course],
        count_kills: Callable[[int], None],
    ) -> None:
        course = courses(site, scenario)
        points = chosen(range(1, len(course.points) + 1), 1, scenario.name, site.store.name)
        count_kills(len(points))
        broken = {
            f"{at} {course.points[at - 1]}": problems for at in points if (problems := kill_and_recover(site, course, at))
        }
        assert not broken, broken


class KillsOfRecoveries:
    """Needs a fixture ``site``."""

    @pytest.mark.parametrize("scenario", chosen(SCENARIOS, 4, "recoveries"), ids=lambda scenario: scenario.name)
    def test_a_recovery_that_is_killed_is_finished_by_the_next(
        self,
        site: Site,
        scenario: Scenario,
        courses: Callable[[Site, Scenario], Course],
        count_kills: Callable[[int], None],
    ) -> None:
        course = courses(site, scenario)
        begun = course.points.index("provider.apply.before") + 1
        at = one_of(range(begun, len(course.points)), "killed again", scenario.name, site.store.name)
        points = chosen(range(1, points_of_recovery(site, course, at) + 1), 2, scenario.name, site.store.name)
        count_kills(len(points))
        broken = {
            f"{at} {course.points[at - 1]}, recovery at {again}": problems
            for again in points
            if (problems := kill_and_recover(site, course, at, kill_recovery=again))
        }
        assert not broken, broken
