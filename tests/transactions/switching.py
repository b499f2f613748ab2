"""A pytest plugin that runs each test of `GUARDS` with its guard switched off, and writes down what became of it.

pytest -p tests.transactions.switching --without-guards FILE TEST...
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.transactions.guards import GUARDS


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write it: the outcome of each phase of a test, by the guard's name."""
    parser.addoption("--without-guards", type=Path, required=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run them one by one, with nothing left of the one before."""
    tests = {item.nodeid: item for item in session.items}
    found = {name: _run(tests[guard.test], name) for name, guard in GUARDS.items()}
    file: Path = session.config.getoption("--without-guards")
    file.write_text(json.dumps(found), encoding="utf-8")
    return True


def _run(item: pytest.Item, guard: str) -> Sequence[tuple[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        GUARDS[guard].off(patch)
        reports = runtestprotocol(item, log=False)
    return [(report.when, report.outcome) for report in reports]
