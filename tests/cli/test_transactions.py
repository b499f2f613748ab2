"""``mpfctl transactions``: what operators see, and what they can do about it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mpf_core.cli.callers import system_user
from tests.cli.conftest import ADMIN, Run
from tests.cli.shelf import CALLER, Site

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples" / "requests"


def listed(run: Run, *options: str) -> list[dict[str, Any]]:
    result = run("transactions", "list", "--json", *options)
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["transactions"]
    return found


@pytest.fixture
def inconsistent(run: Run, site: Site) -> str:
    """The id of a transaction whose undo has failed."""
    site.tell("undo-fails")
    assert run("submit", site.request("Put:book", "Fail"), "--as", CALLER).exit_code == 1
    [found] = listed(run, "--unsettled")
    return str(found["id"])


@pytest.fixture
def in_doubt(run: Run, site: Site) -> str:
    """The id of a transaction whose commit has failed."""
    site.tell("commit-fails", "old")
    assert run("submit", site.request("Drop:old"), "--as", CALLER).exit_code == 1
    [found] = listed(run, "--unsettled")
    return str(found["id"])


def test_the_list_has_one_line_for_each_transaction_the_latest_first(run: Run, site: Site) -> None:
    run("submit", site.request("Put:one"), "--as", CALLER)
    run("submit", site.request("Put:two", "Fail"), "--as", CALLER)
    result = run("transactions", "list")
    assert (result.exit_code, result.stderr) == (0, "")
    heading, latest, earlier = result.stdout.splitlines()
    assert heading.split() == ["id", "started", "duration", "state", "caller", "procedure", "code"]
    assert "rolled-back" in latest
    assert "0x80004005" in latest
    assert "committed" in earlier
    assert all(CALLER in line and line.startswith("{") for line in (latest, earlier))


def test_the_list_in_json_has_the_keys_that_its_help_names(run: Run, site: Site) -> None:
    run("submit", site.request("Put:one", "Fail"), "--as", CALLER)
    [found] = listed(run)
    documented = run("transactions", "list", "--help").stdout
    assert all(key in documented for key in found)
    assert found["caller"] == CALLER
    assert found["asserted_by"] == system_user()
    assert found["code"] == "0x80004005"
    assert found["error"] == "told to fail"
    assert found["started"] < found["ended"]
    assert found["duration"] > 0


@pytest.mark.parametrize(
    ("options", "states"),
    [
        ((), ["inconsistent", "rolled-back", "committed"]),
        (("--unsettled",), ["inconsistent"]),
        (("--open",), []),
        (("--open", "--state", "committed"), ["committed"]),
        (("--state", "committed", "--state", "rolled-back"), ["rolled-back", "committed"]),
        (("--caller", "TESTER"), ["inconsistent", "rolled-back", "committed"]),
        (("--caller", "nobody"), []),
        (("--procedure", "SHELF::put"), ["committed"]),
        (("--procedure", "Drop"), []),
        (("--since", "1h"), ["inconsistent", "rolled-back", "committed"]),
        (("--until", "1h"), []),
        (("--since", "2001-01-01T00:00Z", "--until", "2001-12-31"), []),
        (("--limit", "1"), ["inconsistent"]),
    ],
)
def test_filters(run: Run, site: Site, options: tuple[str, ...], states: list[str]) -> None:
    run("submit", site.request("Put:one"), "--as", CALLER)
    run("submit", site.request("Put:two", "Fail"), "--as", CALLER)
    site.tell("undo-fails")
    run("submit", site.request("Put:three", "Fail"), "--as", CALLER)
    assert [found["state"] for found in listed(run, *options)] == states


def test_the_list_says_when_there_are_more(run: Run, site: Site) -> None:
    for name in ("one", "two"):
        run("submit", site.request(f"Put:{name}"), "--as", CALLER)
    cut = run("transactions", "list", "--limit", "1")
    assert len(cut.stdout.splitlines()) == 2
    assert "--limit" in cut.stderr
    assert json.loads(run("transactions", "list", "--limit", "1", "--json").stdout)["more"] is True
    assert json.loads(run("transactions", "list", "--limit", "2", "--json").stdout)["more"] is False


def test_an_empty_list_names_the_store(run: Run, site: Site) -> None:
    assert run("submit", site.request("Fail"), "--as", CALLER).exit_code == 1
    result = run("transactions", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "sqlite:///mpf.db" in result.stderr


def test_show_says_who_what_and_what_to_do(run: Run, site: Site, inconsistent: str) -> None:
    result = run("transactions", "show", inconsistent)
    assert result.exit_code == 0
    for words in (
        inconsistent,
        "inconsistent",
        f"{CALLER} (on the word of {system_user()})",
        "0x80004005 told to fail",
        "shelf:book",
        "Shelf::Put",
        f"Ran as:      {CALLER} (caller)",
        "undo-failed after 3 attempts: 0x8007203a The shelf does not answer.",
        '"put": "book"',
        f"mpfctl transactions retry {inconsistent}",
        f"mpfctl transactions resolve {inconsistent} --because TEXT",
    ):
        assert words in result.stdout, words


def test_show_in_json_says_the_same(run: Run, site: Site, inconsistent: str) -> None:
    shown = json.loads(run("transactions", "show", inconsistent, "--json").stdout)
    documented = run("transactions", "show", "--help").stdout + run("transactions", "list", "--help").stdout
    assert all(key in documented for key in (*shown, *shown["steps"][0]))
    [step] = shown["steps"]
    assert (shown["id"], shown["locks"]) == (inconsistent, ["shelf:book"])
    assert (step["namespace"], step["procedure"], step["state"], step["attempts"]) == ("Shelf", "Put", "undo-failed", 3)
    assert json.loads(step["change"]) == {"put": "book"}
    assert (step["identity"], step["identity_kind"]) == (CALLER, "caller")
    assert "retry" in shown["advice"]


def test_a_directory_change_is_shown_as_ldif(run: Run, trial: Path) -> None:
    run("submit", EXAMPLES / "01-create-sip-domain.xml", "--as", ADMIN)
    [found] = listed(run)
    result = run("transactions", "show", found["id"])
    assert "changetype: add" in result.stdout
    assert "objectClass: serviceConnectionPoint" in result.stdout
    assert "What to do" not in result.stdout


@pytest.mark.parametrize("write", [str, lambda one: one.strip("{}"), lambda one: one.lower(), lambda one: one[1:9]])
def test_an_id_may_be_written_in_many_ways(run: Run, site: Site, inconsistent: str, write: Any) -> None:
    assert json.loads(run("transactions", "show", write(inconsistent), "--json").stdout)["id"] == inconsistent


@pytest.mark.parametrize(
    ("typed", "words"),
    [("FFFFFF", "no transaction FFFFFF"), ("ABC", "at least the first 6"), ("", "no id"), ("%%%%%%", "no transaction")],
)
def test_an_id_that_means_nothing_is_wrong_usage(run: Run, site: Site, inconsistent: str, typed: str, words: str) -> None:
    for command in (("show",), ("retry",), ("resolve", "--because", "x")):
        result = run("transactions", *command, typed)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr


def test_a_beginning_that_means_two_transactions_is_wrong_usage(run: Run, site: Site, inconsistent: str) -> None:
    with sqlite3.connect(site.folder / "mpf.db") as database:
        twin = inconsistent[:10] + "FFFF" + inconsistent[14:]
        database.execute("CREATE TEMP TABLE twin AS SELECT * FROM transactions")
        database.execute("UPDATE twin SET id = ?", (twin,))
        database.execute("INSERT INTO transactions SELECT * FROM twin")
    database.close()
    result = run("transactions", "show", inconsistent[1:9])
    assert result.exit_code == 2
    assert inconsistent in result.stderr
    assert twin in result.stderr
    assert run("transactions", "show", inconsistent).exit_code == 0
    changed = run("transactions", "show", twin)
    assert "changed behind the engine's back" in changed.stdout


def test_a_retry_that_fails_again_is_exit_code_1_and_says_why(run: Run, site: Site, inconsistent: str) -> None:
    result = run("transactions", "retry", inconsistent)
    assert result.exit_code == 1
    assert f"{inconsistent}  inconsistent" in result.stdout
    assert "The shelf does not answer." in result.stdout
    assert "1 not settled" in result.stderr


def test_a_retry_after_the_cause_is_gone(run: Run, site: Site, inconsistent: str) -> None:
    assert "book" in site.things()
    site.take_back("undo-fails")
    result = run("transactions", "retry", inconsistent[1:9])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{inconsistent}  rolled-back" in result.stdout
    assert "1 undone" in result.stdout
    assert site.things() == []
    assert listed(run, "--unsettled") == []


def test_commits_in_doubt_are_retried_too(run: Run, site: Site, in_doubt: str) -> None:
    assert "old" in site.things()
    site.take_back("commit-fails")
    result = run("transactions", "retry", "--all", "--json")
    assert result.exit_code == 0
    [retried] = json.loads(result.stdout)["results"]
    assert (retried["id"], retried["state"], retried["settled"], retried["error"]) == (in_doubt, "committed", True, None)
    assert [step["state"] for step in retried["steps"]] == ["committed"]
    assert site.things() == []


def test_retry_all_goes_through_everything_that_waits(run: Run, site: Site, inconsistent: str) -> None:
    run("submit", site.request("Put:pen", "Fail"), "--as", CALLER)
    failed = json.loads(run("transactions", "retry", "--all", "--json").stdout)
    assert failed["unsettled"] == len(failed["results"]) == 2
    site.take_back("undo-fails")
    assert run("transactions", "retry", "--all").exit_code == 0
    nothing = run("transactions", "retry", "--all")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "Nothing waits" in nothing.stderr


def test_a_retry_of_what_has_ended_does_nothing(run: Run, site: Site) -> None:
    run("submit", site.request("Put:book"), "--as", CALLER)
    [found] = listed(run)
    result = run("transactions", "retry", found["id"], "--json")
    assert result.exit_code == 0
    [retried] = json.loads(result.stdout)["results"]
    assert (retried["state"], retried["settled"]) == ("committed", True)
    assert "nothing to settle" in retried["error"]
    assert site.things() == ["book"]


@pytest.mark.parametrize("arguments", [(), ("--all", "3F2A77")])
def test_retry_needs_ids_or_all(run: Run, site: Site, inconsistent: str, arguments: tuple[str, ...]) -> None:
    assert run("transactions", "retry", *arguments).exit_code == 2


def test_resolve_records_who_and_why_and_lets_go_of_the_locks(run: Run, site: Site, inconsistent: str) -> None:
    refused = run("submit", site.request("Put:book"), "--as", CALLER)
    assert inconsistent in refused.stdout
    result = run("transactions", "resolve", inconsistent, "--because", "threw it away")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"by {system_user()}: threw it away" in result.stdout
    shown = json.loads(run("transactions", "show", inconsistent, "--json").stdout)
    assert (shown["state"], shown["settled_by"], shown["settled_because"], shown["locks"], shown["advice"]) == (
        "resolved",
        system_user(),
        "threw it away",
        [],
        "",
    )
    assert run("submit", site.request("Put:book"), "--as", CALLER).exit_code == 0


def test_who_settles_for_another_is_recorded_beside(run: Run, site: Site, inconsistent: str) -> None:
    result = run("transactions", "resolve", inconsistent, "--because", "x", "--by", "Ada", "--json")
    assert json.loads(result.stdout)["settled_by"] == f"Ada (recorded by {system_user()})"


@pytest.mark.parametrize("options", [(), ("--because", " "), ("--because", "x", "--by", "")])
def test_resolve_needs_a_reason_and_a_name(run: Run, site: Site, inconsistent: str, options: tuple[str, ...]) -> None:
    assert run("transactions", "resolve", inconsistent, *options).exit_code == 2
    assert listed(run, "--unsettled") != []


def test_what_has_ended_cannot_be_resolved(run: Run, site: Site) -> None:
    run("submit", site.request("Put:book"), "--as", CALLER)
    [found] = listed(run)
    result = run("transactions", "resolve", found["id"], "--because", "x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing to settle" in result.stderr


def test_what_runs_can_be_seen_and_neither_retried_nor_resolved(run: Run, site: Site) -> None:
    with site.waiting("Put:book"):
        [found] = listed(run, "--open")
        shown = json.loads(run("transactions", "show", found["id"], "--json").stdout)
        assert (shown["state"], shown["engine_presence"], shown["ended"]) == ("running", "alive", None)
        assert "(alive)" in run("transactions", "show", found["id"]).stdout
        for command in (("retry",), ("resolve", "--because", "x")):
            refused = run("transactions", *command, found["id"])
            assert refused.exit_code == 1
            assert "is running" in refused.output


def test_a_terminal_is_not_obeyed(run: Run, site: Site, inconsistent: str) -> None:
    run("transactions", "resolve", inconsistent, "--because", "\x1b[2Jgone\n  State:       committed")
    shown = run("transactions", "show", inconsistent).stdout
    assert "\x1b" not in shown
    assert "\\x1b[2Jgone" in shown
    assert "\n  State:       committed" not in shown


@pytest.mark.parametrize(
    "command", [("list",), ("show", "ABCDEF"), ("retry", "--all"), ("resolve", "ABCDEF", "--because", "x")]
)
def test_without_a_durable_store_there_is_nothing_to_see(run: Run, site: Site, command: tuple[str, ...]) -> None:
    missing = run("transactions", *command)
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert str(site.folder / "mpf.db") in missing.stderr
    assert not (site.folder / "mpf.db").exists(), "looking makes no store"
    site.config.write_text(site.config.read_text().replace("sqlite:///mpf.db", "memory:"))
    forgetful = run("transactions", *command)
    assert forgetful.exit_code == 2
    assert '"memory:"' in forgetful.stderr


def test_a_store_that_is_none_says_what_to_check(run: Run, site: Site) -> None:
    (site.folder / "mpf.db").write_bytes(b"this is no database, and long enough to be seen as none" * 100)
    result = run("transactions", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The store cannot be reached" in result.stderr
    assert "[store] url" in result.stderr


@pytest.mark.parametrize("arguments", [("list",), ("show", "ID"), ("retry", "--all")])
def test_looking_recovers_nothing(run: Run, site: Site, inconsistent: str, arguments: tuple[str, ...]) -> None:
    site.kill_in("Put:pen")
    run("transactions", *[inconsistent if one == "ID" else one for one in arguments])
    assert [found["state"] for found in listed(run, "--open")] == ["running"]
    assert "pen" in site.things()
