"""``mpfctl audit``: reading it, checking it, taking it away."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from mpf_core.cli.callers import system_user
from tests.cli.conftest import Run
from tests.cli.shelf import CALLER, Site

pytestmark = pytest.mark.slow


@pytest.fixture
def audited(run: Run, site: Site) -> Site:
    """Two requests, of which one fails, and one that is refused: five lines."""
    run("submit", site.request("Put:one"), "--as", CALLER)
    run("submit", site.request("Put:two", "Fail"), "--as", CALLER)
    run("submit", "-", "--as", "stranger@fabrikam.com", stdin=b"nonsense")
    return site


def lines(run: Run, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("audit", "list", "--json", *options).stdout)["lines"]
    return found


def sql(site: Site, statement: str) -> None:
    database = sqlite3.connect(site.folder / "mpf.db")
    with database:
        database.execute(statement)
    database.close()


def verified(run: Run, *options: str) -> dict[str, Any]:
    result = run("audit", "verify", "--json", *options)
    document: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if document["sound"] else 1)
    return document


def test_the_list_ends_with_the_latest(run: Run, audited: Site) -> None:
    result = run("audit", "list")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *shown = result.stdout.splitlines()
    assert heading.split()[:4] == ["line", "time", "event", "transaction"]
    assert [line.split()[0] for line in shown] == ["1", "2", "3", "4", "5"]
    assert "request.refused" in shown[-1]
    assert f"{CALLER} (by {system_user()})" in shown[0]
    assert "code=0x80004005 state=rolled-back" in shown[3]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ((), [1, 2, 3, 4, 5]),
        (("--event", "request.begin"), [1, 3]),
        (("--event", "request.refused", "--event", "request.end"), [2, 4, 5]),
        (("--caller", "STRANGER"), [5]),
        (("--procedure", "shelf::put"), [1, 2]),
        (("--since", "1h"), [1, 2, 3, 4, 5]),
        (("--until", "1h"), []),
        (("--limit", "2"), [4, 5]),
    ],
)
def test_filters(run: Run, audited: Site, options: tuple[str, ...], numbers: list[int]) -> None:
    assert [line["number"] for line in lines(run, *options)] == numbers


def test_the_lines_of_one_transaction(run: Run, audited: Site) -> None:
    wanted = lines(run)[2]["transaction_id"]
    for typed in (wanted, wanted[1:9].lower()):
        assert [line["number"] for line in lines(run, "--transaction", typed)] == [3, 4]


def test_the_list_says_when_there_are_earlier_lines(run: Run, audited: Site) -> None:
    assert "--limit" in run("audit", "list", "--limit", "2").stderr
    assert json.loads(run("audit", "list", "--limit", "2", "--json").stdout)["more"] is True
    assert json.loads(run("audit", "list", "--limit", "5", "--json").stdout)["more"] is False


def test_a_sound_chain(run: Run, audited: Site) -> None:
    result = run("audit", "verify")
    assert result.exit_code == 0
    document = verified(run)
    assert document["findings"] == []
    assert (document["lines"], document["first"], document["last"]) == (5, 1, 5)
    assert document["head"] == lines(run)[-1]["hash"]
    assert result.stdout == f"Sound: 5 lines, 1 to 5.\nIts end, to be noted elsewhere: {document['head']}\n"
    assert all(key in run("audit", "verify", "--help").stdout for key in document)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE audit SET caller = 'nobody' WHERE number = 2", "line 2 was changed"),
        ("DELETE FROM audit WHERE number = 3", "line 3 was removed"),
        ("DELETE FROM audit WHERE number = 5", "line 5 was removed from the end"),
    ],
)
def test_a_chain_that_is_not_sound(run: Run, audited: Site, statement: str, words: str) -> None:
    sql(audited, statement)
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "NOT SOUND" in result.stdout
    assert words in result.stdout
    assert any(words in finding for finding in verified(run)["findings"])


def test_a_noted_hash_is_found_again(run: Run, audited: Site) -> None:
    noted = verified(run)["head"]
    run("submit", audited.request("Put:four"), "--as", CALLER)
    assert verified(run, "--expect", noted.upper())["expected"] == {"hash": noted, "number": 5}
    assert "line 5's" in run("audit", "verify", "--expect", noted).stdout


def test_an_older_copy_of_the_store_is_found_by_a_noted_hash(run: Run, audited: Site, tmp_path: Path) -> None:
    copies = [tmp_path / "mpf.db"]
    for file in copies:
        shutil.copy(file, file.with_suffix(".old"))
    run("submit", audited.request("Put:four"), "--as", CALLER)
    noted = verified(run)["head"]
    for file in copies:
        shutil.copy(file.with_suffix(".old"), file)
    assert verified(run)["sound"] is True
    expected = verified(run, "--expect", noted)
    assert (expected["sound"], expected["expected"]) == (False, {"hash": noted, "number": None})


@pytest.mark.parametrize("typed", ["", "abc", "x" * 64])
def test_what_is_no_hash_is_wrong_usage(run: Run, audited: Site, typed: str) -> None:
    assert run("audit", "verify", "--expect", typed).exit_code == 2


def test_export_writes_the_lines_that_list_shows(run: Run, audited: Site, tmp_path: Path) -> None:
    result = run("audit", "export", "audit.jsonl")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Wrote 5 lines" in result.stderr
    written = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert written == lines(run)
    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600
    assert run("audit", "export", "-").stdout == (tmp_path / "audit.jsonl").read_text()
    rest = run("audit", "export", "-", "--after", "3").stdout
    assert [json.loads(line)["number"] for line in rest.splitlines()] == [4, 5]


def test_export_replaces_nothing_without_force(run: Run, audited: Site, tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_text("evidence")
    refused = run("audit", "export", "audit.jsonl")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "audit.jsonl").read_text() == "evidence"
    replaced = run("audit", "export", "audit.jsonl", "--force", "--json")
    assert json.loads(replaced.stdout) == {
        "file": "audit.jsonl",
        "lines": 5,
        "last": 5,
        "head": lines(run)[-1]["hash"],
    }


def test_export_where_nothing_can_be_written(run: Run, audited: Site) -> None:
    result = run("audit", "export", "missing/audit.jsonl")
    assert result.exit_code == 1
    assert "missing" in result.stderr
    assert run("audit", "export", "-", "--json").exit_code == 2


def test_prune_leaves_a_chain_that_is_sound_and_tells_who_did_it(run: Run, audited: Site) -> None:
    second = lines(run)[2]["at"]
    result = run("audit", "prune", "--before", _iso(second))
    assert result.exit_code == 0
    assert result.stdout.startswith("Removed 2 lines")
    left = lines(run)
    assert [line["number"] for line in left] == [3, 4, 5, 6]
    assert (left[-1]["event"], left[-1]["caller"]) == ("audit.prune", system_user())
    assert verified(run)["sound"] is True


@pytest.mark.parametrize("options", [(), ("--before", "2999-01-01"), ("--before", "soon")])
def test_prune_needs_a_moment_that_is_past(run: Run, audited: Site, options: tuple[str, ...]) -> None:
    assert run("audit", "prune", *options).exit_code == 2
    assert len(lines(run)) == 5


def _iso(moment: float) -> str:
    from mpf_core.cli.times import iso

    found = iso(moment)
    assert found is not None
    return found


def test_elevations(run: Run, site: Site) -> None:
    file = site.folder / "elevated.xml"
    steps = "".join(
        f'<execute namespace="Shelf" procedure="{procedure}" impersonate="2"><executeData><name>one</name></executeData></execute>'
        for procedure in ("Put", "Fail")
    )
    file.write_text(f"<request><data/><procedure>{steps}</procedure></request>")
    run("submit", str(file), "--as", CALLER)
    run("submit", site.request("Put:two"), "--as", CALLER)
    found = json.loads(run("audit", "elevations", "--json").stdout)["elevations"]
    assert [(one["to"], one["from"], one["outcome"]) for one in found] == [
        ("Shelf::Put", "request", "done"),
        ("Shelf::Fail", "request", "0x80004005"),
    ]
    for one in found:
        assert (one["caller"], one["identity"], one["kind"]) == (CALLER, "MPFServiceAcct", "elevation")
        assert one["begin"] <= one["end"]
        assert one["reason"]
    shown = run("audit", "--elevations")
    assert shown.exit_code == 0, shown.output
    assert "Shelf::Put" in shown.stdout
    assert "0x80004005" in shown.stdout
    assert run("audit", "elevations", "--procedure", "Fail", "--json").stdout.count("Shelf::Fail") == 1
    assert run("audit", "elevations", "--caller", "nobody").stderr.startswith("No elevated calls")
    assert run("audit", "--elevations", "list").exit_code == 2
    assert run("audit").exit_code == 2
