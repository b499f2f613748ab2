"""A plan of every write procedure of ours: it has steps, and no provider is asked to write."""

from __future__ import annotations

from functools import partial

import pytest

from mpf_core.provider import CallContext, Change, Output, Provider, Undo
from mpf_core.testing import WrappedProvider, wrap_plugin
from tests.kills.requests import Scenario, request
from tests.kills.scenarios import SCENARIOS
from tests.kills.scenarios_acl import lend_access_control_lists
from tests.namespaces.support import DOMAIN_ADMIN, make_site

pytestmark = pytest.mark.slow


class Watched(WrappedProvider):
    """Notes everything that a provider is asked to do besides answering."""

    def __init__(self, inner: Provider, seen: list[str]) -> None:
        super().__init__(inner)
        self._seen = seen

    def apply(self, ctx: CallContext, change: Change) -> Output:
        self._seen.append(f"apply {ctx.procedure}")
        return super().apply(ctx, change)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        self._seen.append(f"undo {ctx.procedure}")
        return super().undo(ctx, change)

    def prepare_commit(self, ctx: CallContext, change: Change) -> None:
        self._seen.append(f"prepare commit {ctx.procedure}")
        super().prepare_commit(ctx, change)

    def commit(self, ctx: CallContext, change: Change) -> None:
        self._seen.append(f"commit {ctx.procedure}")
        super().commit(ctx, change)


@pytest.mark.parametrize(
    "scenario",
    [one for one in SCENARIOS if not (one.fails or one.keyed)],
    ids=lambda scenario: scenario.name,
)
def test_nothing_is_written(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    lend_access_control_lists(partial(monkeypatch.setattr, raising=False))
    seen: list[str] = []
    with make_site(wrap=lambda plugin: wrap_plugin(plugin, lambda provider: Watched(provider, seen))) as site:
        for step in scenario.setup:
            assert site.engine.execute(request(step), DOMAIN_ADMIN).error is None
        assert bool(seen) == bool(scenario.setup)
        seen.clear()
        before, known = site.snapshot(), len(site.engine.transactions.find())
        plan = site.engine.plan(scenario.request, DOMAIN_ADMIN)
        assert seen == []
        assert plan.steps
        assert plan.error is None or plan.stopped
        assert {step.sequence for step in plan.steps} <= {call.sequence for call in plan.calls}
        assert all(step.change for step in plan.steps)
        assert site.snapshot() == before
        assert len(site.engine.transactions.find()) == known
