"""``mpfctl recover``: what engines that are gone have left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mpf_core.cli.callers import system_user
from mpf_core.store.engines import Claimed, FileLiveness, Registration
from tests.cli.conftest import Run
from tests.cli.shelf import CALLER, Site, finish, wait_for

pytestmark = pytest.mark.slow


def test_what_a_killed_process_did_is_undone(run: Run, site: Site) -> None:
    site.kill_in("Put:one")
    assert site.things() == ["one"]
    result = run("recover")
    assert result.exit_code == 0, result.output
    [line] = result.stdout.splitlines()
    assert "rolled-back  Shelf::Put  (1 undone)" in line
    assert "1 open; those whose engine lives are left alone." in result.stderr
    assert "Recovered 1: 1 rolled-back." in result.stderr
    assert site.things() == []


def test_it_says_when_there_is_nothing_to_do(run: Run, site: Site) -> None:
    run("submit", site.request("Put:one"), "--as", CALLER)
    result = run("recover")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "Nothing to recover.\n")
    assert json.loads(run("recover", "--json").stdout) == {"recovered": [], "open": 0}


def test_what_could_not_be_undone_is_exit_code_1(run: Run, site: Site) -> None:
    site.kill_in("Put:one")
    site.tell("undo-fails")
    result = run("recover")
    assert result.exit_code == 1
    assert "inconsistent" in result.stdout
    assert "The shelf does not answer." in result.stdout
    assert "mpfctl transactions list --unsettled" in result.stderr
    again = run("recover")
    assert (again.exit_code, again.stdout) == (0, ""), "that is for `retry`"


def test_json_has_the_keys_that_the_help_names(run: Run, site: Site) -> None:
    site.kill_in("Put:one")
    result = run("recover", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    [recovered] = document["recovered"]
    assert (document["open"], recovered["state"], recovered["settled"]) == (0, "rolled-back", True)
    documented = run("recover", "--help").stdout
    assert all(key in documented for key in (*document, *recovered, *recovered["steps"][0]))


def test_a_living_engine_is_left_alone(run: Run, site: Site) -> None:
    with site.waiting("Put:one") as process:
        result = run("recover")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "1 open still: their engines live" in result.stderr
        site.take_back("wait-in-apply")
        finish(process)
    assert process.returncode == 0
    assert site.things() == ["one"]


def test_who_knows_that_an_engine_is_gone_may_say_so(run: Run, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = FileLiveness.claim

    @contextmanager
    def as_from_another_host(self: FileLiveness, engine: Registration) -> Iterator[object]:
        with claim(self, engine) as found:
            yield found and Claimed(certain=False)

    monkeypatch.setattr(FileLiveness, "claim", as_from_another_host)
    site.kill_in("Put:one")
    result = run("recover")
    assert "a call of theirs may still be under way" in result.stderr
    [engine] = json.loads(run("store", "info", "--json").stdout)["engines"]
    result = run("recover", "--gone", engine["id"])
    assert (result.exit_code, site.things()) == (0, []), result.output
    [line] = json.loads(run("audit", "list", "--json", "--event", "engine.gone").stdout)["lines"]
    assert (line["caller"], line["details"]) == (system_user(), {"engine": engine["id"]})


def test_an_engine_that_lives_or_never_was_is_not_gone(run: Run, site: Site) -> None:
    with site.waiting("Put:one") as process:
        [engine] = json.loads(run("store", "info", "--json").stdout)["engines"]
        lives = run("recover", "--gone", engine["id"])
        assert (lives.exit_code, "holds its lock" in lives.stderr) == (2, True)
        unknown = run("recover", "--gone", "0" * 32)
        assert (unknown.exit_code, "There is no engine" in unknown.stderr) == (2, True)
        site.take_back("wait-in-apply")
        finish(process)
    assert site.things() == ["one"]


def test_the_next_submit_recovers_too(run: Run, site: Site) -> None:
    site.kill_in("Put:one")
    site.tell("wait-in-apply")
    with site.waits("submit", site.request("Put:two"), "--as", CALLER) as process:
        wait_for(lambda: "one" not in site.things())  # in the background, while the request waits
        site.take_back("wait-in-apply")
        finish(process)
    assert process.returncode == 0
    assert site.things() == ["two"]


def test_there_must_be_a_store(run: Run, site: Site) -> None:
    result = run("recover")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no store" in result.stderr
