"""The sample plugin of release 0.1, as it was shipped, installed beside today's engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).with_name("greeter_0_1")
PROGRAM = """
import sys
from pathlib import Path
from mpf_core import Caller, Config, Engine
from mpf_core.testing import AllowAll

me = Caller("me")
with Engine(Config.load(sys.argv[1]), plugins=[AllowAll()]) as engine:
    print([(info.name, info.state, info.reason) for info in engine.plugins if info.enabled])
    data = "<request><data><name>Ada</name><greeting>Hello</greeting></data></request>"
    print(engine.submit(data, me, "Acme Greeter", "SetGreeting").decode())
    print(engine.submit("<request><data><name>Ada</name></data></request>", me, "Acme Greeter", "GetGreeting").decode())
    failed = engine.execute(Path(sys.argv[2]).read_bytes(), me)
    print(failed.state.value, [outcome.state.value for outcome in failed.rollback])
"""
CONFIGURATION = """
[plugins]
enabled = ["mpf.error", "acme.greeter"]
[security.permissions]
trusted_requests = ["me"]
"""


@pytest.mark.slow
def test_it_is_found_called_and_undone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = (
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    )
    subprocess.run([sys.executable, *install, "--target", site, PLUGIN], check=True)
    (tmp_path / "mpf.toml").write_text(CONFIGURATION)
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "program.py", "mpf.toml", PLUGIN / "fails-half-way.xml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plugins, written, read, failed = done.stdout.splitlines()
    assert "('acme.greeter', 'ok', '')" in plugins
    assert "errorContext" not in written
    assert "<greeting>Hello</greeting>" in read
    assert failed.startswith("rolled-back ['undone'"), failed
    assert (tmp_path / "greetings.json").read_text() == '{"Ada": "Hello"}'
