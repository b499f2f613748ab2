"""A third-party package, built as a wheel and installed into a clean environment, adds a namespace with a provider."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from mpf_core import Caller, Config, Engine
from mpf_core.testing import AllowAll

config = Config.load(sys.argv[1])
with Engine(config, plugins=[AllowAll()]) as engine:
    for info in engine.plugins:
        print(info.name, info.state, info.reason)
    print(engine.submit("<request><data><name>Ada</name><greeting>Hello</greeting></data></request>",
                        Caller("me"), "Acme Greeter", "SetGreeting").decode())
    print(engine.submit("<request><data><name>Ada</name></data></request>",
                        Caller("me"), "Acme Greeter", "GetGreeting").decode())
"""


def run(*command: object, cwd: Path) -> str:
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_wheel_of_somebody_else_is_found_enabled_and_called(tmp_path: Path) -> None:
    for source in (ROOT, ROOT / "examples" / "greeter"):
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, source, cwd=tmp_path)
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *tmp_path.glob("*.whl"), cwd=tmp_path)
    (tmp_path / "mpf.toml").write_text('[plugins]\nenabled = ["acme.greeter"]\n')
    (tmp_path / "program.py").write_text(PROGRAM)
    printed = run(python, "program.py", "mpf.toml", cwd=tmp_path)
    assert "acme.greeter ok" in printed
    assert "mpf.directory disabled" in printed
    assert "<greeting>Hello</greeting>" in printed
    assert (tmp_path / "greetings.json").read_text() == '{"Ada": "Hello"}'
    listed = run(tmp_path / "clean" / "bin" / "mpfctl", "--config", "mpf.toml", "plugins", "list", cwd=tmp_path)
    assert "acme.greeter" in listed


def test_nothing_called_plugins_or_procedures_lands_in_the_wheel(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    import zipfile

    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == {
        "mpf_core",
        "mpf_access",
        "mpf_config",
        "mpf_directory",
        "mpf_error",
        "mpf_eventlog",
        "mpf_managed",
        "mpf_ocs",
        "mpf_policy",
        "mpf_pytest",
    }
    assert "mpf_core/py.typed" in names
    assert any(name.endswith("provisioning.xsd") for name in names)
