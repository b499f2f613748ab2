"""What docs/testing.md shows is the example's file, and that passes; every fault and fixture is in the guide."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mpf_core import testing
from mpf_core.testing import Fault

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "greeter" / "tests" / "test_greeter.py"


def test_the_guide_shows_the_example() -> None:
    shown = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert shown[0] == EXAMPLE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_example_passes(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLE.parents[1])}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(EXAMPLE)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(".") > 20


def test_the_guide_is_complete() -> None:
    for fault in Fault:
        assert f"| `{fault.name}` |" in GUIDE
    for name in ("MockProvider", "mock_providers", "Faults", "Recorder", "replay", "mpf_engine", "mpf_mock", "mpf_hosting"):
        assert name in GUIDE
    assert {"MockProvider", "Faults", "Recorder", "replay", "mock_providers"} <= set(testing.__all__)
