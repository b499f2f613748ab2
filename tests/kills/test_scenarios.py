"""There is a scenario for every procedure that writes, and each goes as it should when nobody is killed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mpf_core.points import POINTS
from mpf_core.provider import ProcedureType
from tests.kills import facts
from tests.kills.checks import Course
from tests.kills.choice import chosen
from tests.kills.requests import Scenario
from tests.kills.scenarios import SCENARIOS
from tests.kills.site import Site
from tests.namespaces.support import make_site

_UNDO_POINTS = {"provider.undo.before", "provider.undo.after"}


def test_no_procedure_that_writes_lacks_a_scenario() -> None:
    with make_site() as made:
        writing = {
            (namespace.name, procedure.name)
            for namespace in made.engine.namespaces.values()
            for procedure in namespace.procedures.values()
            if procedure.type is not ProcedureType.READ
        }
    assert len(writing) > 30
    for fails in (False, True):
        assert writing == {(one.namespace, one.procedure) for one in SCENARIOS if one.fails is fails}


def test_scenarios_have_names_of_their_own() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", chosen(SCENARIOS, 12, "courses"), ids=lambda scenario: scenario.name)
def test_a_scenario_writes_and_a_failing_one_leaves_nothing(
    sqlite_site: Site, courses: Callable[[Site, Scenario], Course], scenario: Scenario
) -> None:
    course = courses(sqlite_site, scenario)
    assert "provider.effect.after" in course.points
    changed = list(facts.differences(facts.of_any_run(course.before, course.before), course.after))
    assert bool(changed) is (not scenario.fails or scenario.irreversible), changed


@pytest.mark.slow
def test_the_scenarios_pass_every_point(sqlite_site: Site, courses: Callable[[Site, Scenario], Course]) -> None:
    some = [one for one in SCENARIOS if one.procedure == "Delete Object" and one.variant == "subtree"]
    assert {point for scenario in some for point in courses(sqlite_site, scenario).points} == POINTS.keys()
