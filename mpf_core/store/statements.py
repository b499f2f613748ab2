"""The journal's SQL statements, each made once."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, delete, insert, literal, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mpf_core.store.rows import OUTCOME, STEP_COLUMNS
from mpf_core.store.tables import locks, outbox, request_keys, steps, transactions
from mpf_core.transaction.states import FINAL_STATES, OPEN_TRANSACTIONS, REACHED_FROM

#: Engines wait for each other here until the transaction is over.
SERIALISE = "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))"

CHANGING = ("state", "ended", "code", "error", "response", "settled_by", "settled_because", "seal")
TRANSACTION_COLUMNS = tuple(column.name for column in transactions.columns)
FOUND = tuple(name for name in TRANSACTION_COLUMNS if name != "response")

BY_ID = transactions.c.id == bindparam("transaction")
GET = select(transactions.c.data_key).where(BY_ID)
ALL = select(*transactions.columns).where(BY_ID)
ADD = insert(transactions).values({name: bindparam(name) for name in TRANSACTION_COLUMNS})
#: To each state, from those that it can be reached from.
CHANGE = {
    state: update(transactions)
    .where(transactions.c.id == bindparam("the_id"), transactions.c.engine == bindparam("the_engine"))
    .where(transactions.c.state.in_([literal(one) for one in sorted(one.value for one in before)]))
    .values({name: bindparam(name) for name in CHANGING})
    for state, before in REACHED_FROM.items()
}
FENCE = select(transactions.c.id).where(
    transactions.c.id == bindparam("the_id"), transactions.c.engine == bindparam("the_engine")
)
#: A transaction whose state does not change.
FENCE_SAME = FENCE.where(transactions.c.state == bindparam("the_state"))
FENCE_SAME_ALONE = FENCE_SAME.with_for_update()
FENCE_OPEN = FENCE.where(
    transactions.c.state.in_([literal(state) for state in sorted(state.value for state in OPEN_TRANSACTIONS)])
)
FENCE_OPEN_ALONE = FENCE_OPEN.with_for_update()
ADOPT = (
    update(transactions)
    .where(transactions.c.id == bindparam("the_id"), transactions.c.engine == bindparam("old_engine"))
    .values(engine=bindparam("new_engine"))
)
OLD = (
    select(transactions.c.id)
    .where(transactions.c.ended < bindparam("before"))
    .where(transactions.c.state.in_([literal(state) for state in sorted(state.value for state in FINAL_STATES)]))
    .limit(500)
)

STEPS = (
    select(*(steps.c[name] for name in STEP_COLUMNS))
    .where(steps.c.transaction_id == bindparam("transaction"))
    .order_by(steps.c.number)
)
NUMBERS = select(steps.c.number).where(steps.c.transaction_id == bindparam("transaction"))
CHANGE_STEP = (
    update(steps)
    .where(steps.c.transaction_id == bindparam("the_transaction"), steps.c.number == bindparam("the_number"))
    .values({name: bindparam(name) for name in OUTCOME})
)

ERASE = (
    update(steps)
    .where(steps.c.transaction_id == bindparam("the_transaction"), steps.c.number == bindparam("the_number"))
    .values(intent=bindparam("nothing"), outcome=null())
)

HOLDERS = select(locks.c.transaction_id, locks.c.shared).where(locks.c.key == bindparam("the_key"))
HELD = select(locks.c.key).where(locks.c.transaction_id == bindparam("transaction")).order_by(locks.c.key)
TAKE = insert(locks).values({name: bindparam(name) for name in ("key", "transaction_id", "shared")})
TAKE_ALONE = (
    update(locks)
    .where(locks.c.key == bindparam("the_key"), locks.c.transaction_id == bindparam("transaction"))
    .values(shared=False)
)
UNLOCK = delete(locks).where(locks.c.transaction_id == bindparam("transaction"))

ONE_KEY = (request_keys.c.scope == bindparam("the_scope"), request_keys.c.key == bindparam("the_key"))
GET_KEY = select(request_keys.c.digest, request_keys.c.transaction_id).where(*ONE_KEY)
KEY_OF = select(request_keys.c.scope, request_keys.c.key, request_keys.c.digest).where(
    request_keys.c.transaction_id == bindparam("transaction")
)
PUT_KEY = insert(request_keys).values({name: bindparam(name) for name in ("scope", "key", "digest", "transaction_id")})
DROP_KEY = delete(request_keys).where(*ONE_KEY)

PUT_MESSAGE = insert(outbox).values(topic=bindparam("topic"), body=bindparam("body"))

FORGET = (
    delete(request_keys).where(request_keys.c.transaction_id == bindparam("transaction")),
    delete(locks).where(locks.c.transaction_id == bindparam("transaction")),
    delete(steps).where(steps.c.transaction_id == bindparam("transaction")),
    delete(transactions).where(BY_ID),
)


@cache
def add_step(dialect: str) -> Insert:
    """Insert a step; one that is there already gets its new outcome."""
    add: Any = (postgresql if dialect == "postgresql" else sqlite).insert(steps)
    add = add.values({name: bindparam(name) for name in STEP_COLUMNS})
    outcome = {name: add.excluded[name] for name in OUTCOME}
    made: Insert = add.on_conflict_do_update(index_elements=["transaction_id", "number"], set_=outcome)
    return made
