"""``mpfctl validate``: needs no configuration, finds everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]
#: It may be opened, and reading its beginning fails.
UNREADABLE = Path("/proc/self/mem")


def test_what_we_ship_is_valid(run: Run) -> None:
    examples = sorted((ROOT / "examples" / "requests").glob("*.xml"))
    result = run("validate", *examples, ROOT / "procedures" / "mpf_managed" / "namespaces")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("valid request") == len(examples)


def test_every_mistake_of_every_file_is_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text(
        '<request><data/><procedure>\n<execute procedure="P"/>\n<execute namespace="N"/>\n</procedure></request>'
    )
    (tmp_path / "namespace.xml").write_text(
        '<namespace name="N">\n<procedure name="A!">\n<execute namespace="X" procedure="Y" impersonate="7"/>\n'
        "</procedure>\n</namespace>"
    )
    (tmp_path / "other.xml").write_text("<other/>")
    (tmp_path / "broken.xml").write_text("<request>")
    result = run("validate", "request.xml", "namespace.xml", "other.xml", "broken.xml")
    assert result.exit_code == 1
    for words in ("request.xml:2", "request.xml:3", "namespace.xml:2", "namespace.xml:3", "other.xml", "broken.xml"):
        assert words in result.stdout, result.stdout


@pytest.mark.parametrize("path", ["document('x')", "data/*[count(../x) > 1]", "//password", "substring-after(a, 'b')"])
def test_a_path_that_a_request_may_not_hold_is_found(run: Run, tmp_path: Path, path: str) -> None:
    (tmp_path / "request.xml").write_text(
        f'<request><data/><procedure><execute namespace="N" procedure="P"><before source="data" sourcePath="{path}" '
        'destination="executeData"/></execute></procedure></request>'
    )
    result = run("validate", "request.xml")
    assert result.exit_code == 1
    assert "not allowed in a request" in result.stdout


def test_a_simple_request_is_valid_without_a_procedure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text("<request><data><a>1</a></data></request>")
    assert run("validate", "request.xml").exit_code == 0


def test_a_malformed_file_is_named_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.xml").write_text("<request>")
    line = run("validate", "broken.xml").stdout.splitlines()[1]
    assert line.startswith("  broken.xml: The document is not well-formed XML: line 1")
    assert line.count("broken.xml") == 1


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text("<request><data/></request>")
    result = run("validate", str(UNREADABLE), "request.xml")
    assert result.exit_code == 1
    assert f"{UNREADABLE}: it cannot be read: " in result.stdout
    assert "request.xml: valid request" in result.stdout


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (b"<request><data/></request>", 0, "-: valid request"),
        (b"<request><dat/></request>", 1, "-: not valid"),
        (b"<namespace name='N'/>", 1, "name the file"),
    ],
)
def test_standard_input(run: Run, document: bytes, code: int, words: str) -> None:
    result = run("validate", "-", stdin=document)
    assert result.exit_code == code
    assert words in result.stdout


def test_calls_are_looked_up_where_there_is_a_configuration(run: Run, trial: Path, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_text(
        "<request><data/><procedure>\n"
        '<execute namespace="Managed Office Communications Server" procedure="CreateSipDomian"/>\n'
        '<execute namespace="Nowhere" procedure="P"/>\n'
        '<execute namespace="Error Provider" procedure="SetError"/>\n'
        '<execute namespace="Managed Office Communications Server" procedure="CreateSipDomain"/>\n'
        "</procedure></request>"
    )
    result = run("validate", "request.xml")
    assert result.exit_code == 0
    _, misspelt, unknown, private = result.stdout.splitlines()
    assert misspelt.startswith("  warning: line 2: ")
    assert "CreateSipDomain'" in misspelt
    assert unknown.startswith("  warning: line 3: There is no namespace 'Nowhere'")
    assert private == "  warning: line 4: Error Provider::SetError is private: only other procedures may call it."
    trial.write_text("[")
    assert "warning" not in run("validate", "request.xml").output


def test_an_empty_folder_and_a_missing_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("validate", "empty").exit_code == 1
    assert run("validate", "missing.xml").exit_code == 2
    assert run("validate").exit_code == 2
