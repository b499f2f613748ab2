"""``mpfctl lint``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import OCS, Run
from tests.cli.shelf import Site
from tests.support import for_anybody

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


def test_a_file_that_does_not_load_is_a_finding_and_the_others_are_looked_at(run: Run, site: Site) -> None:
    (site.folder / "wrong.xml").write_text(WRONG)
    (site.folder / "broken.xml").write_text('<namespace name="Broken">\n<procedure name="Do"/>\n</namespace>')
    config = site.folder / "mpf.toml"
    text = config.read_text()
    config.write_text(text.replace('["shelf.xml"]', '["broken.xml", "absent.xml", "shelf.xml", "wrong.xml"]'))
    result = run("lint")
    broken, absent, wrong = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "broken.xml:2: " in broken
    assert "absent.xml: there is no such namespace file or folder" in absent
    assert wrong.startswith("Wrong::Do execute[1]: ")
    findings = json.loads(run("lint", "--json").stdout)["findings"]
    assert findings[0]["file"].endswith("broken.xml")
    assert "broken.xml:2: " in run("lint", "Broken").stderr


def test_a_role_that_no_policy_knows(run: Run, trial: Path) -> None:
    bogus = for_anybody(
        '<namespace name="Bogus">\n<procedure name="Do" access="public"><procedureData/></procedure>\n</namespace>'
    )
    (trial.parent / "bogus.xml").write_text(bogus.replace(">Users<", ">OrgMakers<"))
    trial.write_text(trial.read_text().replace("[engine]", '[engine]\nnamespaces = ["bogus.xml"]', 1))
    result = run("lint")
    assert (
        "bogus.xml:2: no enabled policy knows the role 'OrgMakers', the minimum role of 'Do' (did you mean 'OrgCreators'?)"
        in result.stdout
    )
    started = run("namespaces")
    assert started.exit_code == 2
    assert "bogus.xml:2: no enabled policy knows the role 'OrgMakers'" in started.stderr


def test_an_unknown_namespace(run: Run, site: Site) -> None:
    result = run("lint", "Shelve")
    assert result.exit_code == 2
    assert "did you mean 'Shelf'" in result.stderr
    assert "did you mean 'Shelf'" in run("lint", "SHELF").stderr
