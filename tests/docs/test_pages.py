"""The pages of docs/: their commands exist and run, their links lead somewhere, and nothing is left out."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mpf_core.cli import cli
from mpf_core.errors import Code
from mpf_core.store.port import TransactionState
from mpf_core.transaction.states import StepState
from mpf_directory import DirectoryPlugin

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
PAGE_OF = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
COMMANDS: dict[str, click.Command] = {**cli.commands, **{one.name or "": one for one in DirectoryPlugin().mpf_commands()}}
_COMMAND = re.compile(r"^(?: {4,}|\s*\$ )(mpfctl .*?)(?:   +.*)?$", re.MULTILINE)


def commands() -> Iterator[tuple[str, str]]:
    """Every line of a page that is a command."""
    for name, text in PAGE_OF.items():
        yield from ((name, line) for line in _COMMAND.findall(text))


def resolved(words: list[str]) -> None:
    """Raise for a command that does not exist, or an option that it does not have."""
    command: click.Command = cli
    path = ["mpfctl"]
    known: set[str] = set()
    for word in words:
        known |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        if word.startswith("-"):
            assert word.partition("=")[0] in known | {"--help", "-h", "--version"}, f"{' '.join(path)} has no {word}"
        elif isinstance(command, click.Group):
            found = COMMANDS.get(word) if command is cli else command.get_command(click.Context(command), word)
            if found is not None:
                command = found
                path.append(word)
            elif len(path) == 1:
                before = words[words.index(word) - 1]
                assert before.startswith("-"), f"there is no command {word}"


@pytest.mark.parametrize(("page", "line"), sorted(set(commands())))
def test_every_command_of_a_page_exists(page: str, line: str) -> None:
    words = shlex.split(line.split(" && ", maxsplit=1)[0], comments=True)
    end = next((number for number, word in enumerate(words) if word in {"<", ">", "|"}), len(words))
    resolved(words[1:end])


def test_commands_that_do_not_exist_are_found() -> None:
    for line in ("transaction list", "transactions list --unsetled", "submit request.xml --by me"):
        with pytest.raises(AssertionError):
            resolved(line.split())


def test_every_link_leads_somewhere() -> None:
    lost = []
    for name, text in PAGE_OF.items():
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", outside):
            file, _, anchor = target.partition("#")
            if "://" in target:
                continue
            page = (ROOT / name).parent / file if file else ROOT / name
            if not page.exists() or (anchor and anchor not in anchors(page)):
                lost.append(f"{name}: {target}")
    assert lost == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as sites make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_error_code_and_every_state_is_explained() -> None:
    errors = PAGE_OF["docs/errors.md"]
    assert [code.name for code in Code if f"`0x{code.value:08X}`".lower() not in errors.lower()] == []
    explained = PAGE_OF["docs/operating.md"] + PAGE_OF["docs/design/transactions.md"]
    states = {state.value for kind in (TransactionState, StepState) for state in kind}
    assert [state for state in sorted(states) if state not in explained] == []


def test_every_environment_variable_is_explained() -> None:
    sources = [*ROOT.glob("mpf_core/**/*.py"), *ROOT.glob("plugins/**/*.py"), *ROOT.glob("tests/**/*.py"), ROOT / "Makefile"]
    used = {name for file in sources for name in re.findall(r"""["'](MPF_[A-Z_]+)["']""", file.read_text(encoding="utf-8"))}
    text = "".join(PAGE_OF.values())
    assert [name for name in sorted(used) if name not in text and not name.startswith(("MPF_TEST", "MPF_CREDENTIAL_"))] == []


def test_every_marker_and_make_target_is_explained() -> None:
    text = PAGE_OF["docs/contributing.md"]
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [target for target in targets if f"`make {target}`" not in text] == []
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"][
        "markers"
    ]
    assert [marker for marker in markers if f"`{marker.partition(':')[0]}`" not in text] == []


def test_the_pages_have_a_place_in_the_navigation() -> None:
    nav = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    named = set(re.findall(r'"([\w/-]+\.md)"', nav))
    there = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert named == there
