"""What the README and docs/extending.md show is what happens."""

from __future__ import annotations

import json
import logging
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from lxml import etree

from mpf_core import Engine
from tests.cli.conftest import ADMIN, OCS, Run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
EXTENDING = ROOT / "docs" / "extending.md"
GREETER = ROOT / "examples" / "greeter"


def blocks(file: Path, language: str) -> list[str]:
    found = re.findall(r"```(\w+)\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL)
    return [text for kind, text in found if kind == language]


def block(file: Path, language: str, containing: str) -> str:
    found = [text for text in blocks(file, language) if containing in text]
    assert len(found) == 1, f"{len(found)} {language} blocks with {containing!r}"
    return found[0]


def commands(text: str) -> list[list[str]]:
    """The arguments of every call of mpfctl in a block, in order."""
    parts = (part.strip() for line in text.replace("\\\n", " ").splitlines() for part in line.split("&&"))
    return [shlex.split(part, comments=True)[1:] for part in parts if part.startswith("mpfctl ")]


def install(site: Path, name: str, group: str, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip leaves behind for a package with one entry point, its modules apart."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{point}\n")
    monkeypatch.syspath_prepend(str(site))


@pytest.fixture
def greeter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = tomllib.loads((GREETER / "pyproject.toml").read_text())["project"]["entry-points"]["mpf.plugins"]
    [(name, target)] = points.items()
    monkeypatch.syspath_prepend(str(GREETER))
    install(tmp_path / "site", "acme_greeter", "mpf.plugins", f"{name} = {target}", monkeypatch)
    monkeypatch.delitem(sys.modules, "acme_greeter", raising=False)


def same(response: str, shown: str) -> None:
    def plain(text: str) -> bytes:
        text = re.sub(r"\{[0-9A-F-]{36}\}", "{}", text)
        return etree.tostring(etree.fromstring(text, etree.XMLParser(remove_blank_text=True)), method="c14n")

    assert plain(response) == plain(shown)


def test_the_request_runs_when_it_is_copied_to_a_file(run: Run, trial: Path, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text(block(README, "xml", "<request>"))
    assert run("submit", "request.xml", "--as", ADMIN).exit_code == 0
    for command in commands(block(README, "sh", "mpfctl directory")):
        shown = run(*command)
        assert shown.exit_code == 0
        assert "CN=alpineskihouse.com,CN=SIPDomains" in shown.stdout.replace("\n ", "")
    again = run("submit", "request.xml", "--as", ADMIN)
    assert again.exit_code == 1
    error = etree.fromstring(again.stdout).find("errorContext")
    assert error is not None
    text = re.sub(r"\s+", " ", README.read_text(encoding="utf-8"))
    assert f'fails with {error.get("code")}, "{error.get("description")}"' in text
    for command in commands(block(README, "sh", f'--namespace "{OCS}"')):
        assert run(*command).exit_code == 0


def test_the_commands_for_operators_find_the_request(run: Run, trial: Path, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text(block(README, "xml", "<request>"))
    assert run("submit", "request.xml", "--as", ADMIN).exit_code == 0
    shown = commands(block(README, "sh", "mpfctl audit verify"))
    outputs = {tuple(command[:2]): run(*command) for command in shown}
    assert [result.exit_code for result in outputs.values()] == [0] * len(shown)
    assert "committed" in outputs["transactions", "list"].stdout
    assert "request.end" in outputs["audit", "list"].stdout
    assert "1 committed" in outputs["store", "info"].stdout


def test_the_embedding_code_runs(run: Run, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "request.xml").write_text(block(README, "xml", "<request>"))
    code = compile(block(README, "python", "Engine.from_config"), "README.md", "exec")
    exec(code, {})
    assert capsys.readouterr().out.split() == ["<response><data>", "</data></response>"]
    exec(code, {})
    assert "errorContext" in capsys.readouterr().out


def test_the_logging_code_shows_the_transaction_of_every_event(
    run: Run, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "request.xml").write_text(block(README, "xml", "<request>"))
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    level = root.level
    try:
        exec(block(README, "python", "import logging"), {})
        exec(block(README, "python", "Engine.from_config"), {})
    finally:
        root.setLevel(level)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {event["event"] for event in events} >= {"transaction.begin", "transaction.end"}
    assert all(event["transaction"] for event in events)


@pytest.mark.parametrize(
    ("file", "language"),
    [
        ("pyproject.toml", "toml"),
        ("acme_greeter/greeter.xml", "xml"),
        ("acme_greeter/__init__.py", "python"),
        ("fails-half-way.xml", "xml"),
    ],
)
def test_the_guide_shows_the_example_package_as_it_is(file: str, language: str) -> None:
    assert (GREETER / file).read_text(encoding="utf-8") in blocks(EXTENDING, language)


def test_the_guides_commands_give_the_responses_it_shows(
    run: Run, greeter: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    init, *others = commands(block(EXTENDING, "sh", "mpfctl init"))
    assert run(*init).exit_code == 0
    monkeypatch.chdir(tmp_path / init[1])
    for command in others:
        assert run(*command).exit_code == 0
    set_, get = commands(block(EXTENDING, "sh", "SetGreeting --set"))
    assert run(*set_).exit_code == 0
    same(run(*get).stdout, block(EXTENDING, "xml", "<response>\n  <data>"))
    [fails] = commands(block(EXTENDING, "sh", "fails-half-way.xml"))
    failed = run(*fails)
    assert failed.exit_code == 1
    same(failed.stdout, block(EXTENDING, "xml", "<errorContext"))
    assert json.loads(Path("greetings.json").read_text()) == {"Ada": "Hello"}
    assert run("submit", "--as", ADMIN, "--namespace", "Acme Greeter", "--procedure", "RemoveGreeting", "--set", "name=Ada")
    assert json.loads(Path("greetings.json").read_text()) == {}


@pytest.mark.parametrize("group", ["mpf.security", "mpf.plugins"])
def test_the_policy_is_heard_in_its_group_and_refuses_everything_in_the_other(
    group: str, run: Run, trial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = tomllib.loads(block(EXTENDING, "toml", "mpf.security"))["project"]["entry-points"]["mpf.security"]
    [(name, target)] = points.items()
    site = tmp_path / "site"
    install(site, "acme_freeze", group, f"{name} = {target}", monkeypatch)
    (site / "acme_freeze.py").write_text(block(EXTENDING, "python", "class FreezePlugin"))
    monkeypatch.delitem(sys.modules, "acme_freeze", raising=False)
    run("plugins", "enable", name)
    trial.write_text(trial.read_text() + block(EXTENDING, "toml", "callers"))
    (tmp_path / "request.xml").write_text(block(README, "xml", "<request>"))
    reading = commands(block(README, "sh", f'--namespace "{OCS}"'))[0]
    refused = run("submit", "request.xml", "--as", ADMIN)
    assert refused.exit_code == 1
    heard = group == "mpf.security"
    assert ("Nothing may be changed before Monday." in refused.stdout) is heard
    assert (run(*reading).exit_code == 0) is heard
    assert (run("submit", "request.xml", "--as", "Administrator@fabrikam.com").exit_code == 0) is heard
    with Engine.from_config(trial) as engine:
        assert {info.name: info.state for info in engine.plugins}[name] == ("ok" if heard else "broken")


@pytest.mark.parametrize("file", sorted([README, *(ROOT / "docs").rglob("*.md")]), ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8")):
        assert (file.parent / target).exists(), target
