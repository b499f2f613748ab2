"""The tutorial, followed to the letter: every command is run, every file written, every output that is shown compared.

What the page's blocks mean is in their first line: ``sh`` is run, in the folder that the last one ended in; ``text`` and
``xml`` are what it printed; with a ``title`` a block is a file, or a part of one that is there already, and a ``diff`` a
change of it. The first block makes an environment with the wheel and its dependencies, which takes long: it is run where
MPF_ALL_PYTHONS is set, and the whole page in what it made. Otherwise the page is followed in an environment that sees the
packages of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.cli.scaffold import Names, files
from tests.packaging.test_scaffold import said
from tests.packaging.test_third_party import wheel

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
ALL_PYTHONS = bool(os.environ.get("MPF_ALL_PYTHONS"))
BEGINNING = ["python3 -m venv .venv", ". .venv/bin/activate", "pip install ./mpf_core-*.whl"]
#: What is another one each time.
VARYING = (
    (r"\{[0-9A-F-]{36}\}", "{}"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE"),
    (r"\b\d+(\.\d+)? ?(ms|s)\b", "TIME"),
    (r"={3,}", "="),
    (r"[ \t]+", " "),
)


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    return [
        Block(*found) for found in re.findall(r'^```(\w+)(?: title="(.+?)")?\n(.*?)^```$', page, re.DOTALL | re.MULTILINE)
    ]


def edited(text: str, diff: str) -> str:
    """``text`` with its one place that has the context and the removed lines changed."""
    lines = diff.splitlines(keepends=True)
    assert all(line[0] in " +-" for line in lines if line != "\n"), diff
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"{text.count(before)} places for:\n{diff}"
    return text.replace(before, after)


def same(shown: Block, printed: str) -> None:
    """Fail where the shown output is another one; a line of three dots stands for any number of lines."""
    if shown.language == "xml":
        assert canonical(printed) == canonical(shown.text)
        return
    pattern = "".join(".*" if line.strip() == "..." else re.escape(varied(line)) + "\n" for line in shown.text.splitlines())
    assert re.fullmatch(pattern, "".join(varied(line) + "\n" for line in printed.splitlines()), re.DOTALL), printed


def varied(line: str) -> str:
    for pattern, text in VARYING:
        line = re.sub(pattern, text, line)
    return line.rstrip()


def canonical(text: str) -> bytes:
    return etree.tostring(etree.fromstring(varied(text), etree.XMLParser(remove_blank_text=True)), method="c14n")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """An environment that has what ours has, and takes what is installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    clean = tmp_path / "venv" / "bin"
    own = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    (packages / "ours.pth").write_text(own)
    programs = {
        "mpfctl": "from mpf_core.cli import main\nmain()",
        "pytest": "import sys\nfrom pytest import main\nsys.exit(main())",
        "pip": "import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())",
    }
    for command, program in programs.items():
        (clean / command).write_text(f"#!{clean / 'python'}\n{program}\n")
        (clean / command).chmod(0o755)
    return clean


@pytest.mark.slow
@pytest.mark.skipif(ALL_PYTHONS, reason="the whole page is followed from an empty folder")
def test_the_tutorial_works_to_the_letter(tmp_path: Path, bin_folder: Path) -> None:
    beginning, *others = blocks(PAGE.read_text(encoding="utf-8"))
    assert beginning.text.splitlines() == BEGINNING
    (tmp_path / "empty").mkdir()
    follow(others, tmp_path, bin_folder)


@pytest.mark.slow
@pytest.mark.skipif(not ALL_PYTHONS, reason="from an empty folder where MPF_ALL_PYTHONS is set")
def test_the_tutorial_works_with_the_wheel_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
    wheel(ROOT, tmp_path / "empty")
    follow(blocks(PAGE.read_text(encoding="utf-8")), tmp_path, tmp_path / "bin")
    [package] = (tmp_path / "empty" / ".venv").glob("lib/python*/site-packages/mpf_core")
    assert package.is_dir()


def test_what_the_page_says_about_its_length_is_so() -> None:
    """Lines that the reader writes, put-back ones aside, and commands."""
    found = blocks(PAGE.read_text(encoding="utf-8"))
    commands = sum(len(block.text.splitlines()) for block in found if block.language == "sh")
    added = [
        line
        for block in found
        if block.language == "diff"
        for line in block.text.splitlines()
        if re.fullmatch(r"\+.*\S.*", line) and not line.startswith('+        self._put(data["name"], data["old"])')
    ]
    request = next(block for block in found if block.title == "both.xml").text.splitlines()
    texts = files("provider", Names.of("Fabrikam Phones"))
    written = [
        line for path, text in texts.items() if path.suffix in {".py", ".xml"} for line in text.splitlines() if line.strip()
    ]
    says = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"{len(added)} lines of Python, a request of {len(request)} lines, and {commands} commands" in says
    assert f"`mpfctl new` has written {len(written)} lines" in says
    own, tests = (
        sum(
            len(said(path.suffix, text))
            for path, text in texts.items()
            if path.suffix in {".py", ".xml"} and ("tests" in path.parts) is part
        )
        for part in (False, True)
    )
    assert f"{own} are the namespace and its provider, and {tests} the tests" in says


def follow(page: list[Block], tmp_path: Path, bin_folder: Path) -> None:
    """Do what the page says, in the folder ``empty``."""
    folder = tmp_path / "empty"
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith(("MPF_", "PYTEST_", "PYTHONPATH"))},
        "PYTEST_ADDOPTS": "-p no:randomly",  # which a reader does not have: what fails first is on the page
        "PIP_NO_COMPILE": "1",  # what is imported is compiled by whoever imports it
    }
    printed = ""
    compared = 0
    for block in page:
        if block.language == "sh":
            # Only the last command's output is shown on the page where the block has several.
            script = f"{block.text}\npwd > {tmp_path / 'pwd'}\necho $PATH > {tmp_path / 'path'}\n"
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=folder,
                env=environment | {"PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            path = (tmp_path / "path").read_text().strip()
            printed = done.stdout or done.stderr
            folder = Path((tmp_path / "pwd").read_text().strip())
        elif block.title:
            file = folder / block.title
            if block.language == "diff":
                file.write_text(edited(file.read_text(encoding="utf-8"), block.text), encoding="utf-8")
            elif file.exists():
                assert block.text in file.read_text(encoding="utf-8")
            else:
                file.write_text(block.text, encoding="utf-8")
        else:
            same(block, printed)
            compared += 1
    assert compared == len([block for block in page if block.language in {"text", "xml"} and not block.title])
    assert (tmp_path / "empty" / "dist").is_dir()
