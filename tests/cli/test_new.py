"""``mpfctl new``: what is written, under which names, and what is refused. What is in it is for tests/packaging."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mpf_core.cli.scaffold import KINDS, Names, files
from mpf_core.errors import ConfigError
from tests.cli.conftest import Run

GROUPS = {"namespace": "mpf.plugins", "provider": "mpf.plugins", "policy": "mpf.security"}


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_written_and_what_comes_next_is_said(run: Run, tmp_path: Path, kind: str) -> None:
    result = run("new", kind, "Fabrikam Phones")
    assert result.exit_code == 0
    own = {
        ".gitignore",
        "pyproject.toml",
        "README.md",
        "fabrikam_phones/__init__.py",
        "fabrikam_phones/py.typed",
        "tests/test_fabrikam_phones.py",
    }
    xml = set() if kind == "policy" else {"fabrikam_phones/fabrikam_phones.xml"}
    assert written(tmp_path / "fabrikam-phones") == own | xml
    project = tomllib.loads((tmp_path / "fabrikam-phones" / "pyproject.toml").read_text())["project"]
    assert project["name"] == "fabrikam-phones"
    assert project["entry-points"] == {GROUPS[kind]: {"fabrikam.phones": "fabrikam_phones:FabrikamPhonesPlugin"}}
    commands = [line.strip() for line in result.stderr.splitlines() if line.startswith("  ")]
    assert commands[:2] == ['pip install -e "./fabrikam-phones[test]"', 'pytest "./fabrikam-phones"']
    assert commands[2].startswith("mpfctl plugins enable fabrikam.phones ")


def test_nothing_of_the_template_is_left(tmp_path: Path) -> None:
    for kind in KINDS:
        for path, text in files(kind, Names.of("Fabrikam Phones")).items():
            assert "PACKAGE" not in f"{path} {text}"
            assert "$" not in text
            assert not path.name.endswith(".template")


def test_another_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "of mine").mkdir()
    (tmp_path / "of mine" / "LICENSE").write_text("mine")
    result = run("new", "policy", "Fabrikam Freeze", "-o", "of mine")
    assert result.exit_code == 0
    assert 'pip install -e "./of mine[test]"' in result.stderr
    assert written(tmp_path / "of mine") >= {"LICENSE", "pyproject.toml", "fabrikam_freeze/__init__.py"}
    absolute = tmp_path / "else" / "where"
    assert f'pip install -e "{absolute}[test]"' in run("new", "policy", "Fabrikam Freeze", "-o", str(absolute)).stderr


def test_nothing_is_overwritten_and_nothing_is_half_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "fabrikam-phones").mkdir()
    (tmp_path / "fabrikam-phones" / "README.md").write_text("mine")
    result = run("new", "provider", "Fabrikam Phones")
    assert result.exit_code == 2
    assert "fabrikam-phones/README.md: there already. Nothing was written" in result.stderr
    assert written(tmp_path) == {"fabrikam-phones/README.md"}
    assert (tmp_path / "fabrikam-phones" / "README.md").read_text() == "mine"


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("new", "provider", "Fabrikam Phones", "-o", "file/folder")
    assert result.exit_code == 1
    assert "file/folder" in result.stderr


@pytest.mark.parametrize(
    ("name", "package", "distribution", "plugin", "class_name"),
    [
        ("Phones", "phones", "phones", "phones", "PhonesPlugin"),
        ("Fabrikam 2nd_Line phones", "fabrikam_2nd_line_phones", "fabrikam-2nd-line-phones", "fabrikam.2nd.line.phones", "Fabrikam2ndLinePhonesPlugin"),
        ("FabrikamPhones", "fabrikamphones", "fabrikamphones", "fabrikamphones", "FabrikamPhonesPlugin"),
        ("Provider", "provider", "provider", "provider", "ProviderPlugin"),
    ],
)  # fmt: skip
def test_names_are_made_from_one(name: str, package: str, distribution: str, plugin: str, class_name: str) -> None:
    names = Names.of(name)
    assert (names.package, names.distribution, names.plugin, names.class_name) == (package, distribution, plugin, class_name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *((name, "It takes words of letters") for name in ("", " ", "2nd", "a  b", "a/b", "../up", "Zürich", 'a"b', "a\n", "$a", "a" * 51, "a.b", "a-b")),
        ("Class", "'class' is a word of Python's own"),
        ("json", "'json' is a word of Python's own"),
        ("Tests", "the package 'tests' is reserved"),
        ("mpf", "the package 'mpf' is reserved"),
        ("MPF Managed", "the package 'mpf_managed' is reserved"),
        ("click", "a package 'click' is installed"),
        ("Active Directory Provider", "it is a namespace of the plugin 'mpf.directory'"),
        ("managed HOSTING", "it is a namespace of the plugin 'mpf.managed'"),
    ],
)  # fmt: skip
def test_names_that_cannot_be(run: Run, tmp_path: Path, name: str, why: str) -> None:
    result = run("new", "provider", "--", name)
    assert result.exit_code == 2
    assert why in result.stderr
    assert not written(tmp_path)


def test_an_earlier_try_at_the_same_package_is_not_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for distribution, package, plugin in (
        ("fabrikam-phones", "fabrikam_phones", "fabrikam.phones"),
        ("other", "x", "taken"),
    ):
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "top_level.txt").write_text(package)
        (info / "entry_points.txt").write_text(f"[mpf.plugins]\n{plugin} = {package}:P\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Names.of("Fabrikam Phones").package == "fabrikam_phones"
    with pytest.raises(ConfigError, match="the plugin 'taken' is in 'other'"):
        Names.of("Taken")


def test_a_kind_that_is_none(run: Run) -> None:
    result = run("new", "plugin", "Fabrikam Phones")
    assert result.exit_code == 2
    assert "'namespace', 'provider', 'policy'" in result.stderr


def test_what_cannot_be_written_to_the_end_is_not_left_behind(run: Run, tmp_path: Path) -> None:
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "tests").write_text("a file")
    result = run("new", "provider", "Blocked")
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "blocked").rglob("*") if path.is_file()] == ["tests"]
