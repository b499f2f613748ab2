"""``mpfctl lint``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import OCS, Run
from tests.cli.shelf import Site

pytestmark = pytest.mark.slow

WRONG = """<namespace name="Wrong"><procedure name="Do" type="write" access="private">
  <execute namespace="Shelf" procedure="Putt"/>
</procedure></namespace>"""


def test_our_namespaces(run: Run, trial: Path) -> None:
    assert run("lint", OCS).stdout.startswith("Nothing found in ")
    assert run("lint").exit_code == 0


def test_a_finding(run: Run, site: Site) -> None:
    (site.folder / "wrong.xml").write_text(WRONG)
    config = site.folder / "mpf.toml"
    config.write_text(config.read_text().replace('["shelf.xml"]', '["shelf.xml", "wrong.xml"]'))
    result = run("lint", "Wrong")
    assert (result.exit_code, result.stdout) == (
        1,
        "Wrong::Do execute[1]: 'Shelf' has no procedure 'Putt' (did you mean 'Put'?)\n",
    )
    (finding,) = json.loads(run("lint", "Wrong", "--json").stdout)["findings"]
    assert finding["step"] == "execute[1]"
    assert finding["file"].endswith("wrong.xml")


def test_a_plugin_that_cannot_be_loaded_is_a_finding(run: Run, site: Site) -> None:
    config = site.folder / "mpf.toml"
    config.write_text(config.read_text().replace("enabled = [", 'enabled = ["no.such.plugin", '))
    result = run("lint")
    assert result.exit_code == 1
    assert result.stdout.startswith("The plugin 'no.such.plugin' is broken: ")
    assert json.loads(run("lint", "--json").stdout)["findings"][0]["procedure"] == ""


def test_an_unknown_namespace(run: Run, site: Site) -> None:
    result = run("lint", "Shelve")
    assert result.exit_code == 2
    assert "did you mean 'Shelf'" in result.stderr
