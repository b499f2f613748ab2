"""What the README shows is what happens."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from lxml import etree

from mpf_core import Caller, Engine
from mpf_core.engine import Result
from mpf_core.testing import AllowAll
from tests.cli.conftest import ADMIN, Run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    found = [
        text
        for kind, text in re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
        if kind == language and containing in text
    ]
    assert len(found) == 1, f"{len(found)} {language} blocks with {containing!r}"
    return found[0]


def test_the_request_runs_when_it_is_copied_to_a_file(run: Run, trial: Path, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text(block("xml", "<request>"))
    assert run("submit", "request.xml", "--as", ADMIN).exit_code == 0
    assert run("submit", "request.xml", "--as", ADMIN).exit_code == 1


def test_the_embedding_code_runs(run: Run, trial: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "request.xml").write_text(block("xml", "<request>"))
    code = compile(block("python", "Engine.from_config"), "README.md", "exec")
    exec(code, {})
    assert capsys.readouterr().out.split() == ["<response><data>", "</data></response>"]
    exec(code, {})
    assert "errorContext" in capsys.readouterr().out


def test_the_provider_runs_and_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "acme_phone"
    package.mkdir()
    (package / "namespace.xml").write_text(block("xml", "acme.phone"))
    (package / "__init__.py").write_text(block("python", "class PhonePlugin"))
    monkeypatch.syspath_prepend(str(tmp_path))
    points = tomllib.loads(block("toml", "entry-points"))["project"]["entry-points"]["mpf.plugins"]
    module, _, attribute = points["acme.phone"].partition(":")
    __import__(module)
    plugin = getattr(sys.modules[module], attribute)()
    monkeypatch.delitem(sys.modules, module)
    with Engine(plugins=[plugin, AllowAll()]) as engine:

        def call(procedure: str, **arguments: str) -> Result:
            request = etree.Element("request")
            data = etree.SubElement(request, "data")
            for name, value in arguments.items():
                etree.SubElement(data, name).text = value
            return engine.execute(etree.tostring(request), Caller("x"), namespace="Acme Phones", procedure=procedure)

        assert call("SetExtension", user="john", extension="4711").error is None
        step = '<execute namespace="Acme Phones" procedure="{}" impersonate="1"><executeData>{}</executeData></execute>'
        steps = step.format("SetExtension", "<user>john</user><extension>1</extension>") + step.format(
            "SetExtension", "<user/>"
        )
        failed = engine.execute(f"<request><procedure>{steps}</procedure></request>", Caller("x"))
        assert [outcome.state.value for outcome in failed.rollback] == ["undone"]
        assert b"<extension>4711</extension>" in call("GetExtension", user="john").document


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (root / target).exists(), target
