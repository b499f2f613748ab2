"""``mpfctl store``: what is in it, a new key, tidying up; and ``submit --key``, which relies on it."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Run
from tests.cli.shelf import CALLER, Site, finish


@pytest.fixture
def used(run: Run, site: Site) -> Site:
    """A store with one transaction that was committed and one that was rolled back."""
    run("submit", site.request("Put:one"), "--as", CALLER)
    run("submit", site.request("Put:two", "Fail"), "--as", CALLER)
    return site


def test_info_says_what_is_there(run: Run, used: Site) -> None:
    result = run("store", "info")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(run("store", "info", "--json").stdout)
    assert all(key in run("store", "info", "--help").stdout for key in document)
    assert document["url"] == "sqlite:///mpf.db"
    assert document["transactions"] == {"committed": 1, "rolled-back": 1}
    assert document["key_file"] == str(used.folder / "mpf.key")
    assert document["audit_lines"] == 4
    assert document["engines"] == []
    for words in ("sqlite:///mpf.db", document["keys"][0], document["version"], "1 committed, 1 rolled-back", "4 lines"):
        assert words in result.stdout


@pytest.mark.slow
def test_info_tells_living_engines_from_dead_ones(run: Run, used: Site) -> None:
    used.kill_in("Put:three")
    with used.waiting("Put:four") as process:
        # The living one recovers the dead one's transaction before it waits or while it does.
        engines = json.loads(run("store", "info", "--json").stdout)["engines"]
        [alive] = [engine for engine in engines if engine["presence"] == "alive"]
        assert alive["pid"] == process.pid
        text = run("store", "info").stdout
        assert f"{alive['id']}  mpf   alive" in text
    after = json.loads(run("store", "info", "--json").stdout)["engines"]
    assert [engine["presence"] for engine in after if engine["pid"] == process.pid] == ["gone"]


def test_rotate_makes_a_new_key_and_everything_stays_readable(run: Run, used: Site) -> None:
    used.tell("undo-fails")
    run("submit", used.request("Put:three", "Fail"), "--as", CALLER)
    used.take_back("undo-fails")
    before, old = (used.folder / "mpf.key").read_text(), json.loads(run("store", "info", "--json").stdout)["keys"]
    result = run("store", "rotate", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["finished"], document["unreadable"], document["waiting"]) == (True, 0, [])
    assert all(key in run("store", "rotate", "--help").stdout for key in document)
    assert (used.folder / "mpf.key").read_text() != before
    assert json.loads(run("store", "info", "--json").stdout)["keys"] == [document["master_key"]] != old
    assert run("transactions", "retry", "--all").exit_code == 0
    assert run("audit", "verify").exit_code == 0
    (used.folder / "mpf.key").write_text(before)
    refused = run("transactions", "list")
    assert refused.exit_code == 2
    assert document["master_key"] in refused.stderr


@pytest.mark.slow
def test_rotate_waits_for_engines_that_still_need_the_old_key(run: Run, used: Site) -> None:
    with used.waiting("Put:three") as process:
        result = run("store", "rotate")
        assert result.exit_code == 1
        assert "still needed by engines that live" in result.stderr
        assert len(json.loads(run("store", "info", "--json").stdout)["keys"]) == 2
        used.take_back("wait-in-apply")
        finish(process)
    assert process.returncode == 0
    assert run("store", "rotate").exit_code == 0
    assert len(json.loads(run("store", "info", "--json").stdout)["keys"]) == 1


def test_prune_forgets_what_has_ended_and_nothing_else(run: Run, used: Site) -> None:
    used.tell("undo-fails")
    run("submit", used.request("Put:three", "Fail"), "--as", CALLER)
    assert json.loads(run("store", "prune", "--json").stdout)["removed"] == 0, "90 days are kept"
    assert run("store", "prune", "--before", "0s").stdout.startswith("Removed 2 transactions")
    assert json.loads(run("store", "info", "--json").stdout)["transactions"] == {"inconsistent": 1}
    assert run("audit", "verify").exit_code == 0


def test_prune_does_not_look_into_the_future(run: Run, used: Site) -> None:
    assert run("store", "prune", "--before", "2999-01-01").exit_code == 2


def test_a_store_of_a_server_that_does_not_answer(run: Run, site: Site) -> None:
    site.config.write_text(
        site.config.read_text().replace(
            'url = "sqlite:///mpf.db"', 'url = "postgresql://mpf@127.0.0.1:1/mpf"\nkey_file = "mpf.key"'
        )
    )
    result = run("store", "info")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The store cannot be reached" in result.stderr


def test_a_request_with_a_key_is_done_once(run: Run, site: Site) -> None:
    site.request("Put:one")
    first = run("submit", "request.xml", "--as", CALLER, "--key", "order-1")
    (site.shelf / "one").unlink()
    second = run("submit", "request.xml", "--as", CALLER, "--key", "order-1")
    assert (first.exit_code, first.stderr, second.exit_code) == (0, "", 0)
    assert second.stdout == first.stdout
    assert "Not done again" in second.stderr
    assert site.things() == []
    assert run("submit", "request.xml", "--as", CALLER, "--key", "order-2").stderr == ""
    assert site.things() == ["one"]


def test_a_key_that_came_with_another_request_is_refused(run: Run, site: Site) -> None:
    run("submit", site.request("Put:one"), "--as", CALLER, "--key", "order-1")
    result = run("submit", site.request("Put:two"), "--as", CALLER, "--key", "order-1")
    assert result.exit_code == 1
    assert "0xa2100011" in result.stdout
    assert site.things() == ["one"]


def test_an_empty_key_is_wrong_usage(run: Run, site: Site) -> None:
    assert run("submit", site.request("Put:one"), "--as", CALLER, "--key", " ").exit_code == 2
    assert site.things() == []
