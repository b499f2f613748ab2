"""Each guard is switched off once, to see that a test notices (see also tests/kills/test_guards.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transactions.guards import GUARDS

_ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_each_guard_is_missed(tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    tests = sorted({guard.test for guard in GUARDS.values()})
    plugins = ["-p", "tests.transactions.switching", "-p", "no:randomly", "-p", "no:cacheprovider"]
    # What a test leaves open when it fails is none of the next one's faults.
    warnings = ["-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", *plugins, *warnings, "--without-guards", str(file), *tests],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert file.exists(), done.stdout + done.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found.keys() == GUARDS.keys()
    outcomes = {guard: dict(reports) for guard, reports in found.items()}
    assert not {guard: one for guard, one in outcomes.items() if one.get("call") == "passed" or one["setup"] == "failed"}
