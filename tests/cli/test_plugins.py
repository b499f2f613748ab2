"""``mpfctl plugins`` and the commands that plugins bring."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mpf_core import hookimpl
from mpf_core.cli import cli
from mpf_error import ErrorPlugin
from tests.cli.conftest import Run
from tests.support import offer


class Friendly:
    """Brings a command that uses the engine."""

    @hookimpl
    def mpf_commands(self) -> list[click.Command]:
        @click.command("count-namespaces", help="Count them.")
        def count() -> None:
            click.echo(len(click.get_current_context().obj.engine.namespaces))

        @click.command(help="Read a file that is not there.")
        def missing() -> None:
            Path("missing.txt").read_text()

        return [count, missing]


class Sulky:
    """Fails when it is asked for commands."""

    @hookimpl
    def mpf_commands(self) -> list[click.Command]:
        raise RuntimeError("not today")


class Greedy:
    """Brings a namespace that another plugin has."""

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        return [*ErrorPlugin().mpf_namespaces()]


class Dead:
    """Fails when it is made."""

    def __init__(self) -> None:
        raise RuntimeError("dead on arrival")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package with these plugins were installed."""
    real = metadata.entry_points
    ours = [
        metadata.EntryPoint(name, f"{__name__}:{target}", "mpf.plugins")
        for name, target in (
            ("t.friendly", "Friendly"),
            ("t.sulky", "Sulky"),
            ("t.dead", "Dead"),
            ("t.gone", "Gone"),
            ("t.greedy", "Greedy"),
        )
    ]

    def entry_points(**wanted: str) -> metadata.EntryPoints:
        found = list(real(**wanted))
        return metadata.EntryPoints([*found, *(point for point in ours if point.group == wanted.get("group"))])

    offer(monkeypatch, entry_points)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mpf.toml"
    path.write_text('# mine\n[plugins]\nenabled = [\n    # why\n]\n\n[plugins."t.friendly"] # settings\n')
    return path


def states(output: str) -> dict[str, str]:
    return {line.split()[0]: line.split()[1] for line in output.splitlines() if line.startswith("t.")}


def test_installed_plugins_are_listed_with_how_to_enable_them(run: Run, config: Path) -> None:
    result = run("plugins")
    assert result.exit_code == 0
    assert states(result.stdout) == dict.fromkeys(("t.friendly", "t.sulky", "t.dead", "t.gone", "t.greedy"), "disabled")
    assert "mpfctl plugins enable t.friendly" in result.stdout
    assert run("plugins", "list").stdout == result.stdout


def test_broken_plugins_are_listed_with_the_reason(run: Run, config: Path) -> None:
    run("plugins", "enable", "t.dead", "t.gone", "t.friendly")
    result = run("plugins")
    assert states(result.stdout) == {
        "t.friendly": "ok",
        "t.sulky": "disabled",
        "t.dead": "broken",
        "t.gone": "broken",
        "t.greedy": "disabled",
    }
    assert "dead on arrival" in result.stdout
    assert "Gone" in result.stdout


def test_without_a_configuration_what_is_installed_is_listed(run: Run) -> None:
    result = run("plugins")
    assert result.exit_code == 0
    assert states(result.stdout) == dict.fromkeys(("t.friendly", "t.sulky", "t.dead", "t.gone", "t.greedy"), "-")
    assert "mpf.toml" in result.stderr


def test_enable_and_disable_keep_comments_and_settings(run: Run, config: Path) -> None:
    before = config.read_text()
    assert run("plugins", "enable", "t.friendly").exit_code == 0
    enabled = config.read_text()
    assert '"t.friendly"' in enabled.split("]")[1]
    for comment in ("# mine", "# why", "# settings"):
        assert comment in enabled
    assert run("plugins", "disable", "t.friendly").exit_code == 0
    assert [line.strip() for line in config.read_text().split("\n")] == [line.strip() for line in before.split("\n")]


def test_enable_twice_and_disable_what_is_not_enabled_change_nothing(run: Run, config: Path) -> None:
    run("plugins", "enable", "t.friendly", "t.friendly")
    once = config.read_text()
    assert once.count('"t.friendly"') == 2  # enabled, and its table
    assert "already" in run("plugins", "enable", "t.friendly").stderr
    assert "was not enabled" in run("plugins", "disable", "t.sulky").stderr
    assert config.read_text() == once


def test_enable_writes_the_section_where_there_is_none(run: Run, config: Path) -> None:
    config.write_text('[engine]\nname = "x"\n')
    assert run("plugins", "enable", "t.friendly").exit_code == 0
    assert states(run("plugins").stdout)["t.friendly"] == "ok"


def test_enable_says_at_once_that_a_plugin_is_broken(run: Run, config: Path) -> None:
    for words in ("enabled", "was enabled already"):
        result = run("plugins", "enable", "t.dead")
        assert f"t.dead: {words}\n" in result.stderr
        assert result.stderr.count("dead on arrival") == 1


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_a_misspelt_plugin_gets_a_suggestion_and_nothing_is_written(run: Run, config: Path, command: str) -> None:
    before = config.read_bytes()
    result = run("plugins", command, "t.freindly")
    assert result.exit_code == 2
    assert "did you mean 't.friendly'?" in result.stderr
    assert config.read_bytes() == before


def test_an_enabled_plugin_that_is_not_installed_can_be_disabled(run: Run, config: Path) -> None:
    config.write_text('[plugins]\nenabled = ["t.away"]\n')
    assert run("plugins", "disable", "t.away").exit_code == 0
    assert "t.away" not in config.read_text()


def test_a_broken_configuration_is_not_edited(run: Run, config: Path) -> None:
    config.write_text("[engine]\nnam = 1\n")
    result = run("plugins", "disable", "t.dead")
    assert result.exit_code == 2
    assert config.read_text() == "[engine]\nnam = 1\n"


def test_a_broken_plugin_can_be_disabled_even_where_it_is_fatal(run: Run, config: Path) -> None:
    run("plugins", "enable", "t.dead")
    assert run("--strict", "namespaces").exit_code == 2
    assert run("--strict", "plugins", "disable", "t.dead").exit_code == 0
    assert run("--strict", "namespaces").exit_code == 0


def test_plugins_bring_commands(run: Run, config: Path) -> None:
    run("plugins", "enable", "t.friendly")
    assert "count-namespaces  Count them." in run("--help").stdout
    result = run("count-namespaces")
    assert (result.exit_code, result.stdout) == (0, "0\n")


def test_a_missing_file_is_not_taken_for_lost_output(run: Run, config: Path) -> None:
    run("plugins", "enable", "t.friendly")
    result = run("missing")
    assert (result.exit_code, result.stderr) == (1, "Error: missing.txt: No such file or directory\n")


def test_a_plugin_that_fails_to_give_commands_costs_only_its_own(run: Run, config: Path) -> None:
    run("plugins", "enable", "t.friendly", "t.sulky", "t.dead")
    result = run("--help")
    assert result.exit_code == 0
    assert "count-namespaces" in result.stdout
    assert "not today" in result.stderr


@pytest.mark.parametrize(
    ("line", "offered"), [("mpfctl cou", "count-namespaces"), ("mpfctl plugins enable t.f", "t.friendly")]
)
def test_completion_knows_what_plugins_bring(run: Run, config: Path, line: str, offered: str) -> None:
    run("plugins", "enable", "t.friendly", "t.dead")
    result = CliRunner().invoke(cli, prog_name="mpfctl", env={"_MPFCTL_COMPLETE": "bash_complete", "MPFCTL_LINE": line})
    assert (result.stdout, result.stderr) == (f"plain,{offered}\n", "")


def test_completion_is_silent_with_a_broken_configuration(run: Run, config: Path) -> None:
    config.write_text("[")
    result = CliRunner().invoke(
        cli, prog_name="mpfctl", env={"_MPFCTL_COMPLETE": "bash_complete", "MPFCTL_LINE": "mpfctl describe x"}
    )
    assert result.output.strip() == ""


def test_what_would_keep_everything_from_starting_is_not_enabled(run: Run, config: Path) -> None:
    assert run("plugins", "enable", "mpf.error").exit_code == 0
    before = config.read_text()
    refused = run("plugins", "enable", "t.friendly", "t.greedy")
    assert refused.exit_code == 2
    assert "Nothing was changed, because nothing would start" in refused.stderr
    assert "the namespace 'Error Provider' is claimed twice" in refused.stderr
    assert config.read_text() == before
    assert run("namespaces").exit_code == 0
    forced = run("plugins", "enable", "t.greedy", "--force")
    assert forced.exit_code == 0
    assert "the configuration does not work yet" in forced.stderr
    assert run("plugins", "enable", "t.friendly").exit_code == 0, "what does not work can be mended, step by step"
    assert run("plugins", "disable", "t.greedy").exit_code == 0
    assert run("namespaces").exit_code == 0
