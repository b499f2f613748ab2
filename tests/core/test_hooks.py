"""Every hook has one sentence of documentation and is used by at least one of our own plugins."""

from __future__ import annotations

import inspect
from importlib import metadata

import pytest

from mpf_core import hookspecs
from mpf_core.plugins import GROUP, SECURITY_GROUP

OWN = "mpf-core"
HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("mpf_"))


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_and_used(hook: str) -> None:
    assert inspect.getdoc(getattr(hookspecs, hook))
    points = [p for group in (GROUP, SECURITY_GROUP) for p in metadata.entry_points(group=group) if p.dist.name == OWN]  # type: ignore[union-attr]
    assert any(hasattr(point.load(), hook) for point in points)


def test_the_page_of_hooks_fits_on_a_page() -> None:
    assert len(inspect.getsource(hookspecs).splitlines()) < 100
