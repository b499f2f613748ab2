"""A plan of every write procedure of ours: it has steps, and leaves the directory exactly as it was."""

from __future__ import annotations

from functools import partial

import pytest

from tests.kills.requests import Scenario, request
from tests.kills.scenarios import SCENARIOS
from tests.kills.scenarios_acl import lend_access_control_lists
from tests.namespaces.support import DOMAIN_ADMIN, make_site

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "scenario",
    [one for one in SCENARIOS if not (one.fails or one.keyed)],
    ids=lambda scenario: scenario.name,
)
def test_nothing_is_written(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    lend_access_control_lists(partial(monkeypatch.setattr, raising=False))
    with make_site() as site:
        for step in scenario.setup:
            assert site.engine.execute(request(step), DOMAIN_ADMIN).error is None
        before, known = site.snapshot(), len(site.engine.transactions.find())
        plan = site.engine.plan(scenario.request, DOMAIN_ADMIN)
        assert plan.steps
        assert plan.error is None or plan.stopped
        assert all(step.change for step in plan.steps)
        assert site.snapshot() == before
        assert len(site.engine.transactions.find()) == known
