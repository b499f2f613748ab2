"""Ctrl-C and SIGTERM, with real processes: a request that is cancelled is rolled back, and the exit code says so."""

from __future__ import annotations

import json
import signal
import subprocess
import threading

import pytest

from mpf_core.cli.signals import stopping
from tests.cli.conftest import Run
from tests.cli.shelf import CALLER, Site, finish, wait_for

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


def said(process: subprocess.Popen[str]) -> str:
    """The next line on standard error: the signal has been handled when it is there."""
    assert process.stderr is not None
    return process.stderr.readline()


def states(run: Run) -> list[str]:
    return [found["state"] for found in json.loads(run("transactions", "list", "--json").stdout)["transactions"]]


@BOTH
def test_the_first_signal_cancels_and_rolls_back(run: Run, site: Site, number: signal.Signals, code: int) -> None:
    with site.waiting("Put:one", "Put:two") as process:
        process.send_signal(number)
        assert said(process).startswith("Cancelling")
        site.take_back("wait-in-apply")
        output, errors = finish(process)
    assert process.returncode == code
    assert 'code="0x800704c7"' in output
    assert "Rolled back: 1 undone." in errors
    assert (site.things(), states(run)) == ([], ["rolled-back"])


def test_a_second_ctrl_c_stops_at_once(run: Run, site: Site) -> None:
    with site.waiting("Put:one") as process:
        process.send_signal(signal.SIGTERM)
        assert said(process).startswith("Cancelling")
        process.send_signal(signal.SIGINT)
        output, errors = finish(process)
    assert (process.returncode, output) == (130, "")
    [found] = json.loads(run("transactions", "list", "--json").stdout)["transactions"]
    assert f"`mpfctl recover`: transaction {found['id']}." in errors
    assert "Traceback" not in errors
    assert found["state"] == "rolled-back"
    assert site.things() == ["wait-in-apply"]


def test_a_ctrl_c_in_the_rollback_leaves_the_rest_to_recovery(run: Run, site: Site) -> None:
    site.tell("wait-in-undo")
    with site.waits("submit", site.request("Put:one", "Fail"), "--as", CALLER) as process:
        process.send_signal(signal.SIGINT)
        assert said(process).startswith("Cancelling")
        process.send_signal(signal.SIGINT)
        finish(process)
    assert process.returncode == 130
    assert states(run) == ["rolling-back"]
    site.take_back("wait-in-undo")
    assert run("recover").exit_code == 0
    assert (site.things(), states(run)) == ([], ["rolled-back"])


def test_a_second_sigterm_is_as_patient_as_the_first(run: Run, site: Site) -> None:
    with site.waiting("Put:one") as process:
        process.terminate()
        assert said(process).startswith("Cancelling")
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        site.take_back("wait-in-apply")
        finish(process)
    assert (process.returncode, site.things()) == (143, [])


def test_a_signal_that_comes_too_late_is_told_and_changes_nothing(run: Run, site: Site) -> None:
    site.tell("old")
    with site.waiting("Drop:old", order="wait-in-commit") as process:
        process.send_signal(signal.SIGINT)
        assert said(process).startswith("Cancelling")
        site.take_back("wait-in-commit")
        output, errors = finish(process)
    assert process.returncode == 0
    assert "<response>" in output
    assert "too late" in errors
    assert (site.things(), states(run)) == ([], ["committed"])


@BOTH
def test_recover_finishes_the_transaction_at_hand(run: Run, site: Site, number: signal.Signals, code: int) -> None:
    with site.waiting("Put:one") as one, site.waiting("Put:two"):
        # Or it would recover the other one before its own end comes.
        one.send_signal(signal.SIGSTOP)
    site.take_back("wait-in-apply")
    site.tell("wait-in-undo")
    with site.waits("recover", "--json") as process:
        process.send_signal(number)
        assert said(process).startswith("Stopping")
        site.take_back("wait-in-undo")
        output, _ = finish(process)
    assert process.returncode == code
    done = json.loads(output)
    assert ([one["state"] for one in done["recovered"]], done["open"]) == (["rolled-back"], 1)
    assert sorted(states(run)) == ["rolled-back", "running"]
    assert run("recover").exit_code == 0
    assert site.things() == []


def test_recover_watches_until_ctrl_c(run: Run, site: Site) -> None:
    run("submit", site.request("Put:zero"), "--as", CALLER)
    process = site.start("recover", "--watch", "--json")
    try:
        assert said(process).startswith("Looking every 0.1 seconds")
        for name in ("one", "two"):
            site.kill_in(f"Put:{name}")
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["state"] == "rolled-back"
            wait_for(lambda: site.things() == ["zero"])
        process.send_signal(signal.SIGINT)
        _, errors = finish(process)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert "Recovered 2: 2 rolled-back." in errors


def test_a_retry_that_is_interrupted_can_be_repeated(run: Run, site: Site) -> None:
    site.tell("undo-fails")
    run("submit", site.request("Put:one", "Fail"), "--as", CALLER)
    site.take_back("undo-fails")
    site.tell("wait-in-undo")
    with site.waits("transactions", "retry", "--all") as process:
        process.send_signal(signal.SIGINT)
        output, errors = finish(process)
    assert (process.returncode, output, errors) == (130, "", "")
    assert states(run) == ["inconsistent"]
    site.take_back("wait-in-undo")
    assert run("transactions", "retry", "--all").exit_code == 0
    assert (site.things(), states(run)) == ([], ["rolled-back"])


def test_the_first_signal_is_a_wish_and_the_second_ctrl_c_an_order() -> None:
    asked = []
    with stopping(lambda: asked.append(True)) as wish:
        assert (wish.event.is_set(), wish.signal) == (False, None)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert (wish.event.is_set(), wish.signal, asked) == (True, signal.SIGTERM, [True])
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert wish.exit_code == 143


def test_handlers_are_put_back_and_other_threads_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stopping(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    seen = []

    def elsewhere() -> None:
        with stopping(lambda: None) as wish:
            seen.append((signal.getsignal(signal.SIGINT) is before, wish.event.is_set()))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [(True, False)]
