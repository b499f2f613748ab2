"""Help, usage errors and finding the configuration: what works before there is an engine."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from mpf_core.cli.init import create
from tests.cli.conftest import Run

COMMANDS = [
    "audit",
    "completion",
    "demo",
    "describe",
    "init",
    "namespaces",
    "plugins",
    "recover",
    "store",
    "submit",
    "transactions",
    "validate",
]
BELOW = [
    ("audit", "list", "verify", "export", "prune"),
    ("store", "info", "rotate", "prune"),
    ("transactions", "list", "show", "retry", "resolve"),
]


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ()])
def test_help_lists_every_command_without_a_configuration(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == (0 if arguments else 2)
    for command in COMMANDS:
        assert f"\n  {command} " in result.output
    assert "..." not in result.output.partition("Commands:")[2]  # no command's sentence is cut


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: mpfctl {command}")


@pytest.mark.parametrize("command", [(group, below) for group, *all_below in BELOW for below in all_below])
def test_every_command_for_operators_teaches_with_examples_and_names_its_json(run: Run, command: tuple[str, str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"mpfctl {' '.join(command)}" in result.stdout.partition("Example")[2]
    assert "--json: " in result.stdout


def test_help_works_with_a_broken_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mpf.toml").write_text("[engine\n")
    result = run("--help")
    assert result.exit_code == 0
    assert "submit" in result.stdout


def test_an_unknown_command_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mpf.toml").write_text("")
    result = run("sumbit")
    assert result.exit_code == 2
    assert "sumbit" in result.stderr


@pytest.mark.parametrize("arguments", [("frob",), ("directory", "--help")])
def test_commands_of_plugins_need_a_configuration(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert f"No such command '{arguments[0]}'" in result.stderr
    assert "Commands of plugins (such as `directory`) need a configuration" in result.stderr
    assert "There is no mpf.toml" in result.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("namespaces",), ("describe", "Error Provider"), ("plugins",)])
def test_looking_at_what_is_loaded_leaves_the_store_alone(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    create(tmp_path)
    config = tmp_path / "mpf.toml"
    settings = tomlkit.parse(config.read_text())
    settings["store"] = {"url": "sqlite:///store.db"}
    config.write_text(tomlkit.dumps(settings))
    assert run(*arguments).exit_code == 0
    assert not (tmp_path / "store.db").exists()


def test_without_a_configuration_it_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("namespaces")
    assert (result.exit_code, result.stdout) == (2, "")
    for way in ("--config", "MPF_CONFIG", "mpfctl init", str(tmp_path)):
        assert way in result.stderr


def test_the_configuration_comes_from_the_option_then_the_environment_then_the_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("option", "environment", "mpf"):
        (tmp_path / f"{name}.toml").write_text(f"{name} = 1\n")
    assert "mpf.toml:1" in run("namespaces").stderr
    monkeypatch.setenv("MPF_CONFIG", "environment.toml")
    assert "environment.toml:1" in run("namespaces").stderr
    assert "option.toml:1" in run("--config", "option.toml", "namespaces").stderr


def test_a_wrong_configuration_shows_all_its_mistakes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mpf.toml").write_text('[engine]\nnam = "x"\n[store]\nurl = "mysql:"\n')
    result = run("namespaces")
    assert result.exit_code == 2
    assert "engine.nam: unknown key; did you mean 'name'?" in result.stderr
    assert "store.url" in result.stderr


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --no-files")])
def test_completion_scripts(run: Run, shell: str, word: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert word in result.stdout
    assert "_MPFCTL_COMPLETE" in result.stdout


def test_version(run: Run) -> None:
    assert run("--version").stdout.startswith("mpfctl, version ")
