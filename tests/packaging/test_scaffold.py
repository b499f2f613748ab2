"""What `mpfctl new` writes is a package that we would have written: it runs, is tested, typed and clean."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.cli.new import write
from mpf_core.cli.scaffold import KINDS, Names, files
from tests.cli.conftest import Run, run, trial

__all__ = ["run", "trial"]  # fixtures

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = {kind: f"Litware {kind.capitalize()}" for kind in KINDS}
#: The longest name and the shortest: lines must not break where the formatter would break them elsewhere.
EXTREMES = ("X1", "Litware Telephones And Conference Rooms In Seattle")


def scaffold(folder: Path, kind: str, name: str) -> Path:
    made = folder / Names.of(name).distribution
    write(files(kind, Names.of(name)), made)
    return made


def install(source: Path, site: Path) -> None:
    """What `pip install -e` leaves behind, without pip."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    [(group, points)] = project["entry-points"].items()
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))


def tools(*arguments: object, cwd: Path, path: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}
    command = [sys.executable, "-m", *(str(one) for one in arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """One package of each kind, as if installed: by kind, the folder that it was written to."""
    made = {kind: scaffold(tmp_path / "packages", kind, name) for kind, name in NAMES.items()}
    for folder in made.values():
        install(folder, tmp_path / "site")
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield made
    for name in NAMES.values():
        sys.modules.pop(Names.of(name).package, None)


def own_tests(packages: dict[str, Path], tmp_path: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in (*packages.values(), tmp_path / "site"))
    options = ("-W", "error", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", packages["provider"] / "pyproject.toml")
    return tools("pytest", *options, *(folder / "tests" for folder in packages.values()), cwd=tmp_path, path=path)


def test_their_tests_pass_at_once(packages: dict[str, Path], tmp_path: Path) -> None:
    done = own_tests(packages, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b33 passed in", done.stdout)


#: What somebody may do wrong, and the test of theirs that says so.
MISTAKES = [
    ("provider", "__init__.py", '"old": values.get(name)', '"old": None', "a change: a later failure undoes it"),
    ("provider", "{}.xml", "OrgCreators", "Users", "test_customers_may_read_and_not_write"),
    ("namespace", "{}.xml", 'kind="object" needs="UserCreators"', 'kind="none"', "test_only_the_own_administrators_may"),
    ("namespace", "{}.xml", 'sourcePath="newMember"', 'sourcePath="member"', "test_one_leaves_and_the_other_one_comes"),
    ("policy", "__init__.py", "or reads or", "or", "test_what_is_frozen_may_be_read_and_not_changed"),
]


def test_their_tests_fail_when_they_are_broken(packages: dict[str, Path], tmp_path: Path) -> None:
    for kind, file, right, wrong, _ in MISTAKES:
        package = Names.of(NAMES[kind]).package
        broken = packages[kind] / package / file.format(package)
        text = broken.read_text()
        assert right in text
        broken.write_text(text.replace(right, wrong))
    done = own_tests(packages, tmp_path)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    for *_, failing in MISTAKES:
        assert any(failing in line for line in failed), (failing, done.stdout)


def test_they_run_as_their_pages_say(run: Run, trial: Path, packages: dict[str, Path], tmp_path: Path) -> None:
    printed = {}
    for kind, folder in packages.items():
        page = (folder / "README.md").read_text(encoding="utf-8")
        for request in re.findall(r"```xml\n(.*?)```", page, re.DOTALL):
            (tmp_path / "request.xml").write_text(request)
        blocks = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
        commands = [shlex.split(line)[1:] for line in blocks.splitlines() if line.startswith("mpfctl ")]
        assert commands[0] == ["plugins", "enable", Names.of(NAMES[kind]).plugin]
        for command in commands:
            result = run(*command)
            assert result.exit_code == 0, (command, result.output)
            printed[kind] = result.stdout
    assert etree.fromstring(printed["provider"]).findtext("data/value") == "1"
    assert "<data>" in printed["namespace"]
    assert run("lint").stdout.startswith("Nothing found in ")
    frozen = re.findall(r"```toml\n(.*?)```", (packages["policy"] / "README.md").read_text(), re.DOTALL)
    trial.write_text(trial.read_text() + "\n" + frozen[0])
    write_ = ("--namespace", NAMES["provider"], "--procedure", "SetValue", "--set", "name=Ada", "--set", "value=2")
    assert "Nothing is changed before Monday." in run("submit", "--as", "admin@hosting.fabrikam.com", *write_).stdout
    assert run("submit", "--as", "Administrator@fabrikam.com", *write_).exit_code == 0


def test_they_are_clean_whatever_they_are_called(packages: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("ruff")
    for name in EXTREMES:
        for kind in KINDS:
            scaffold(tmp_path / "packages" / kind, kind, name)
    for command in (["check"], ["format", "--check", "--diff"]):
        done = tools("ruff", *command, "--no-cache", ".", cwd=tmp_path / "packages")
        assert done.returncode == 0, done.stdout + done.stderr


def test_they_are_strictly_typed(packages: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    path = os.pathsep.join(str(folder) for folder in packages.values())
    own = [folder / part for kind, folder in packages.items() for part in (Names.of(NAMES[kind]).package, "tests")]
    done = tools("mypy", "--strict", *own, cwd=ROOT, path="", MYPYPATH=path)  # with what `make types` knows already
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_provider_is_short() -> None:
    """What its author has to understand: all but imports, texts for people, and lines that only close tags."""
    texts = files("provider", Names.of("Litware Phones"))
    shown = [line for path, text in texts.items() if path.suffix in {".py", ".xml"} for line in said(path.suffix, text)]
    assert len(shown) <= 80


def said(suffix: str, text: str) -> list[str]:
    if suffix == ".xml":
        return [line for line in text.splitlines() if not re.fullmatch(r"\s*(?:</[^>]+>\s*)*", line)]
    silent: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            silent |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [line for number, line in enumerate(text.splitlines(), 1) if number not in silent and line.strip()]
