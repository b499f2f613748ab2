"""What somebody puts back, or turns to another place, who writes to the store's database and has no master key."""

from __future__ import annotations

import contextlib
import sqlite3

from mpf_core import Code, StepState, TransactionState
from tests.store.support import execute
from tests.support import CALLER, Bench
from tests.transactions.conftest import Site
from tests.transactions.test_ending import put
from tests.transactions.test_resend import OPEN, send_simple
from tests.transactions.test_tampering import store_of


def database(site: Site) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(site.folder / "mpf.db"))


def test_a_key_that_is_turned_to_another_transaction_gives_nobody_its_response(site: Site) -> None:
    bench = site.engine(OPEN)
    victim = send_simple(bench, "victim@fabrikam.com", "treasure")
    send_simple(bench, "mallory@fabrikam.com", "a")
    turn = f"UPDATE request_keys SET transaction_id = '{victim.transaction_id}' WHERE scope = 'mallory@fabrikam.com'"
    assert execute(store_of(bench), turn) == 1
    again = send_simple(bench, "mallory@fabrikam.com", "a")
    assert b"treasure" not in again.document
    assert again.error is not None
    assert again.error.code == Code.UNSETTLED


def test_a_committed_transaction_cannot_be_opened_again_by_its_own_old_rows(site: Site, bench: Bench) -> None:
    """Their seals are right: each was written by an engine."""
    saved: dict[str, list[tuple[object, ...]]] = {}

    def copy(_ctx: object, _name: str) -> None:
        with database(site) as db:
            saved.update({name: db.execute(f"SELECT * FROM {name}").fetchall() for name in ("transactions", "steps")})

    bench.store.during_apply = copy
    assert bench.run(put("a")).error is None
    bench.engine.close()
    site.benches.remove(bench)
    with database(site) as db, db:
        for name, rows in saved.items():
            db.execute(f"DELETE FROM {name}")
            db.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * len(rows[0]))})", rows)
        db.execute(
            "INSERT INTO engines (id, name, host, pid, lock_file, started, left, master_key) "
            "SELECT engine, 'gone', 'gone', 1, '', 0, 0, '' FROM transactions"
        )
    other = site.engine()
    (recovered,) = other.engine.recover()
    assert site.provider.values == {"a": "1"}
    assert ("undo", "a") not in site.provider.calls
    assert recovered.state is TransactionState.INCONSISTENT
    assert [step.state for step in recovered.steps] == [StepState.UNDO_FAILED]
    assert other.engine.transactions.retry(recovered.transaction_id, "olivia").state is TransactionState.INCONSISTENT


def test_an_end_of_the_audit_that_is_put_back_under_a_running_engine_is_told(site: Site, bench: Bench) -> None:
    store = store_of(bench)
    bench.run(put("a"))
    kept = store.audit.length()
    with database(site) as db:
        (head,) = db.execute("SELECT value FROM meta WHERE name = 'audit.head'").fetchall()
    bench.run(put("b"))
    with database(site) as db, db:
        db.execute("DELETE FROM audit WHERE number > ?", [kept])
        db.execute("UPDATE meta SET value = ? WHERE name = 'audit.head'", head)
    bench.run(put("c"))
    assert any("lines before it may be missing" in problem for problem in store.audit.verify())


def test_a_plan_says_for_whom_as_a_request_does(bench: Bench) -> None:
    request = (
        '<request><data/><context><securityContext trustee="somebody"><authentication><basic username="svc" '
        'password="s3cret-pw"/></authentication></securityContext></context><procedure><execute namespace="Store" '
        'procedure="Echo" impersonate="1"/></procedure></request>'
    )
    assert bench.engine.plan(request, CALLER).error is None
    lines = list(bench.engine.store.audit.lines())
    assert {line.entry.trustee for line in lines} == {"somebody"}
