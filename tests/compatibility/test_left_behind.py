"""What engines of earlier releases left behind when they were killed, today's engine brings to its end."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mpf_core import Engine
from mpf_core.transaction.states import StepState, TransactionState
from tests.compatibility.leave_behind import COMMITTED, DECIDED, KEY, KILLED, an_engine, objects
from tests.compatibility.test_locks import RELEASES
from tests.namespaces.support import DOMAIN_ADMIN


@pytest.fixture(params=RELEASES, ids=lambda release: release.name)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A release's store and directory."""
    with zipfile.ZipFile(request.param / "left_behind.zip") as archive:
        archive.extractall(tmp_path)
    (tmp_path / "store.key").chmod(0o600)
    return tmp_path


@pytest.fixture
def engine(folder: Path) -> Iterator[Engine]:
    with closing(an_engine(folder)) as made:
        yield made


def steps(request: str) -> int:
    return request.count("<execute ")


def test_what_was_not_decided_is_undone_and_what_was_is_committed(engine: Engine, folder: Path) -> None:
    recovered = {len(one.steps): (one.state, {step.state for step in one.steps}) for one in engine.recover()}
    assert recovered == {
        steps(DECIDED): (TransactionState.COMMITTED, {StepState.COMMITTED}),
        steps(KILLED): (TransactionState.ROLLED_BACK, {StepState.UNDONE}),
    }
    assert objects(folder) == json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    assert all(record.verified for record in engine.transactions.find())
    assert list(engine.store.audit.verify()) == []


def test_a_request_that_is_sent_again_gets_the_answer_that_it_had(engine: Engine) -> None:
    again = engine.execute(COMMITTED, DOMAIN_ADMIN, idempotency_key=KEY)
    assert (again.error, again.repeated, again.state) == (None, True, TransactionState.COMMITTED)
    assert steps(COMMITTED) == len(engine.transactions.get(again.transaction_id).steps)


def test_every_release_has_left_something() -> None:
    assert RELEASES
    assert [release.name for release in RELEASES if not (release / "left_behind.zip").exists()] == []
