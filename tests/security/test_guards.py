"""Each guard is needed: with it the attack is refused, and without it the same attack succeeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.guards import GUARDS, Guard


def test_names_are_unique() -> None:
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_this_guard_the_attack_succeeds(guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not guard.attack(tmp_path / "guarded")
    guard.disable(monkeypatch)
    assert guard.attack(tmp_path / "unguarded")
