"""``mpfctl init`` and ``mpfctl demo``."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mpf_core import Config
from mpf_core.cli.demo import ACTS
from mpf_core.cli.init import FILES
from mpf_core.engine import Engine
from tests.cli.conftest import ADMIN, Run

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]


def test_init_writes_a_commented_configuration_that_works(run: Run, trial: Path) -> None:
    text = trial.read_text()
    assert text.count("#") > 20
    config = Config.load(trial)
    assert config.plugins.settings("mpf.policy")["elevations"]
    with Engine.from_config(config) as engine:
        assert {info.name: info.reason for info in engine.plugins if info.enabled and info.state != "ok"} == {}
        assert "Managed Office Communications Server" in engine.namespaces


def test_init_makes_a_store_that_keeps_what_was_done(run: Run, trial: Path, tmp_path: Path) -> None:
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in FILES if name != trial.name)
    assert run("submit", REPOSITORY / "examples" / "requests" / "01-create-sip-domain.xml", "--as", ADMIN).exit_code == 0
    assert "committed" in run("transactions", "list").stdout
    assert run("audit", "verify").exit_code == 0


@pytest.mark.parametrize("name", FILES)
def test_init_looks_for_every_file_that_it_would_write(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    result = run("init")
    assert result.exit_code == 2
    assert name in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_what_is_commented_out_is_the_default(run: Run, trial: Path) -> None:
    lines = [
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in trial.read_text().split("\n")
    ]
    lines = [line for line in lines if not line.startswith("namespaces")]
    trial.with_name("all.toml").write_text("\n".join(lines))
    everything, written = Config.load(trial.with_name("all.toml")), Config.load(trial)
    assert everything.model_dump(exclude={"file"}) == written.model_dump(exclude={"file"})
    assert any(line.startswith("document_bytes") for line in lines)


def test_init_replaces_nothing_without_force(run: Run, trial: Path, tmp_path: Path) -> None:
    run("submit", REPOSITORY / "examples" / "requests" / "01-create-sip-domain.xml", "--as", ADMIN)
    before = {path: path.read_bytes() for path in (tmp_path / name for name in FILES)}
    result = run("init")
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert run("init", "--force").exit_code == 0
    assert run("transactions", "list").stdout == "", "the store is a new one"
    assert (tmp_path / "mpf.key").read_bytes() != before[tmp_path / "mpf.key"]
    again = run("submit", REPOSITORY / "examples" / "requests" / "01-create-sip-domain.xml", "--as", ADMIN)
    assert again.exit_code == 0, "the directory is a new one"


def test_init_in_a_folder_with_a_strange_name(run: Run, tmp_path: Path) -> None:
    assert run("init", 'a "b" #c/é').exit_code == 0
    assert run("--config", 'a "b" #c/é/mpf.toml', "namespaces").exit_code == 0


def test_init_where_nothing_can_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("init", "file/below")
    assert result.exit_code == 2
    assert "cannot make file" in result.stderr
    assert "Not a directory" in result.stderr


def test_the_demo_ends_as_it_should(run: Run, tmp_path: Path) -> None:
    result = run("demo")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("Response:") == len(ACTS)
    assert result.stdout.count("Nothing is left behind") == 2
    for words in (
        "alpineskihouse.com",
        "pool01.fabrikam.com",
        "sip:johnc@alpineskihouse.com",
        "0x80131509",
        "0x80070005",
        "undone",
    ):
        assert words in result.stdout
    assert not list(tmp_path.iterdir())


def test_the_demo_in_a_folder_leaves_it_there(run: Run, tmp_path: Path) -> None:
    assert run("demo", "kept").exit_code == 0
    assert (tmp_path / "kept" / "mpf.toml").is_file()
    assert run("demo", "kept").exit_code == 2
    assert run("demo", "kept", "--force").exit_code == 0


def test_a_real_process(tmp_path: Path) -> None:
    """Exit codes, pipes and no colours, as a shell sees them."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(REPOSITORY / part) for part in ("", "plugins", "procedures")),
    }
    environment.pop("MPF_CONFIG", None)

    def mpfctl(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", "from mpf_core.cli import main; main()", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, check=False, timeout=60
        )

    assert mpfctl("namespaces").returncode == 2
    made = mpfctl("init")
    assert (made.returncode, made.stdout) == (0, b"")
    request = (REPOSITORY / "examples" / "requests" / "01-create-sip-domain.xml").read_bytes()
    first, second = (mpfctl("submit", "-", "--as", ADMIN, stdin=request) for _ in range(2))
    assert (first.returncode, first.stdout.split(), first.stderr) == (0, [b"<response><data>", b"</data></response>"], b"")
    assert second.returncode == 1
    assert b"<errorContext" in second.stdout
    assert b"\x1b" not in second.stdout + second.stderr
