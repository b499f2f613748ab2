"""The public names; that they stay is for tests/compatibility to say."""

from __future__ import annotations

import inspect

import pytest

import mpf_core
import mpf_core.testing


@pytest.mark.parametrize("module", [mpf_core, mpf_core.testing], ids=lambda module: module.__name__)
def test_everything_public_is_sorted_there_and_has_a_docstring(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert len(names) == len(set(names))
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            assert inspect.getdoc(value), name
