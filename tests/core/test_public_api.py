"""The public names are what tests/core/public_api.txt says; a change there belongs into the changelog."""

from __future__ import annotations

import inspect
from pathlib import Path

import mpf_core


def test_the_public_api_is_locked() -> None:
    lines = []
    for name in sorted(mpf_core.__all__):
        value = getattr(mpf_core, name)
        signature = str(inspect.signature(value)) if inspect.isroutine(value) else ""
        lines.append(name + signature)
    expected = Path(__file__).with_name("public_api.txt").read_text(encoding="utf-8").splitlines()
    assert lines == expected


def test_everything_public_has_a_docstring() -> None:
    for name in mpf_core.__all__:
        value = getattr(mpf_core, name)
        assert name == "NO_CHANGE" or inspect.getdoc(value), name
