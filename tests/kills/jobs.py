"""What a forked child does: run a request, recover, settle a transaction; and look at what is in the store then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mpf_core import Engine, points
from mpf_core.engine import Result
from mpf_core.store.opening import SqlStore, open_store
from mpf_core.store.port import Query, Store
from mpf_core.transaction.recovery import Recovered
from tests.kills.guards import GUARDS
from tests.kills.plans import Plan, Watch
from tests.namespaces.support import DOMAIN_ADMIN

#: How long a recovery waits for a server to notice that a client is dead.
_NOTICES = 10.0


@dataclass(frozen=True, slots=True)
class Job:
    """``do`` is one of `DOINGS`; ``without`` names guards of `GUARDS` that are switched off; ``look`` at the store at the end."""

    do: str
    request: str = ""
    key: str | None = None
    transaction: str = ""
    plan: Plan = field(default_factory=Plan)
    without: tuple[str, ...] = ()
    look: bool = True

    def to_json(self) -> dict[str, Any]:
        """For the way to the child."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Job:
        """The other way."""
        plan = dict(data["plan"])
        plan["fail"] = {int(number): effect for number, effect in plan["fail"].items()}
        plan["fail_undo"] = tuple(plan["fail_undo"])
        return cls(**{**data, "plan": Plan(**plan), "without": tuple(data["without"])})


def perform(engine: Engine, job: Job) -> dict[str, Any]:
    """Do it, let the engine go, and tell what came of it, which points were passed, and what is in the store then."""
    for name in job.without:
        GUARDS[name]()
    watch = Watch(job.plan)
    points.act(watch)
    try:
        result = DOINGS[job.do](engine, job)
    finally:
        points.act(None)
    engine.close()
    return {"result": result, "points": watch.passed, "store": look(engine) if job.look else None}


def look(engine: Engine) -> dict[str, Any]:
    """All that the checks need to know of a store. Nobody uses it meanwhile."""
    store = open_store(engine.config.store, engine.config.base_dir)
    try:
        return _content(store)
    finally:
        store.close()


def _content(store: Store) -> dict[str, Any]:
    assert isinstance(store, SqlStore)
    with store.db.read() as cursor:
        locks = [list(row) for row in cursor.execute("SELECT key, transaction_id FROM locks").fetchall()]
        engines = [row[0] for row in cursor.execute("SELECT id FROM engines").fetchall()]
    return {
        "transactions": {
            record.id: {
                "state": record.state.value,
                "verified": record.verified,
                "steps": [
                    {"order": step.order, "state": step.state.value, "verified": step.verified, "detail": step.detail}
                    for step in store.journal.steps(record.id)
                ],
            }
            for record in store.journal.find(Query())
        },
        "locks": locks,
        "engines": engines,
        "audit": [[line.entry.event, line.entry.transaction_id] for line in store.audit.lines()],
        "broken_audit": list(store.audit.verify()),
        "outbox": [[message.topic, message.body] for message in store.outbox.pending()],
    }


def _run(engine: Engine, job: Job) -> dict[str, Any]:
    return _answer(engine.execute(job.request, DOMAIN_ADMIN, idempotency_key=job.key))


def _recover(engine: Engine, job: Job) -> list[dict[str, Any]]:
    """Until nobody but this engine is registered, as an engine's own rounds would do; or until it has taken too long.

    A database server may need a moment to notice that a client was killed.
    """
    recovered = list(engine.recover())
    until = time.monotonic() + _NOTICES
    while _others(engine) and time.monotonic() < until:
        time.sleep(0.02)
        recovered += engine.recover()
    return [_recovered(one) for one in recovered]


def _others(engine: Engine) -> bool:
    store = engine.store
    assert isinstance(store, SqlStore)
    with store.db.read() as cursor:
        return int(cursor.execute("SELECT COUNT(*) FROM engines").fetchone()[0]) > 1


def _recover_once(engine: Engine, job: Job) -> list[dict[str, Any]]:
    return [_recovered(one) for one in engine.recover()]


def _retry(engine: Engine, job: Job) -> dict[str, Any]:
    return _recovered(engine.transactions.retry(job.transaction, "tester"))


def _resolve(engine: Engine, job: Job) -> dict[str, Any]:
    return {"state": engine.transactions.resolve(job.transaction, "tester", "put right by hand").state.value}


def _look(engine: Engine, job: Job) -> None:
    return None


def _answer(result: Result) -> dict[str, Any]:
    return {
        "id": result.transaction_id,
        "state": result.state.value,
        "error": None if result.error is None else result.error.code,
        "text": "" if result.error is None else result.error.description,
        "repeated": result.repeated,
        "document": result.document.decode("utf-8"),
    }


def _recovered(one: Recovered) -> dict[str, Any]:
    return {"id": one.transaction_id, "state": one.state.value, "steps": [step.state.value for step in one.steps]}


#: What can be done.
DOINGS: dict[str, Callable[[Engine, Job], Any]] = {
    "run": _run,
    "recover": _recover,
    "recover once": _recover_once,
    "retry": _retry,
    "resolve": _resolve,
    "look": _look,
}
