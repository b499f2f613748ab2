"""The tables of a store, and the version of the schema. Every change of this file needs a migration."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

#: The latest migration in mpf_core/store/migrations/versions.
HEAD = "0001"

metadata = MetaData()

# Without a row number of their own, SQLite keeps rows in their key's tree, and a commit has fewer pages to write.

#: In SQLite, only INTEGER is the row's own number.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

transactions = Table(
    "transactions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("engine", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("started", Float(53), nullable=False),
    Column("ended", Float(53)),
    Column("caller", Text, nullable=False),
    Column("asserted_by", Text, nullable=False),
    Column("trustee", Text, nullable=False),
    Column("procedure", Text, nullable=False),
    Column("client_transaction_id", Text, nullable=False),
    Column("code", BigInteger),
    Column("error", LargeBinary),
    Column("response", LargeBinary),
    Column("settled_by", Text, nullable=False),
    Column("settled_because", Text, nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Index("transactions_by_engine", "engine", "state"),
    Index("transactions_by_start", "started"),
    sqlite_with_rowid=False,
)

steps = Table(
    "steps",
    metadata,
    Column("transaction_id", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("procedure", Text, nullable=False),
    Column("provider_source", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("identity_kind", String(16), nullable=False),
    Column("format", Integer, nullable=False),
    Column("reversible", Boolean, nullable=False),
    Column("two_phase", Boolean, nullable=False),
    Column("clear", Boolean, nullable=False),
    Column("confidential", Boolean, nullable=False),
    Column("started", Float(53), nullable=False),
    Column("running_until", Float(53)),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("ended", Float(53)),
    Column("intent", LargeBinary, nullable=False),
    Column("outcome", LargeBinary),
    sqlite_with_rowid=False,
)

locks = Table(
    "locks",
    metadata,
    Column("key", Text, primary_key=True),
    Column("transaction_id", String(64), primary_key=True),
    Column("shared", Boolean, nullable=False),
    Index("locks_by_transaction", "transaction_id"),
    sqlite_with_rowid=False,
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("transaction_id", String(64), nullable=False),
    Index("request_keys_by_transaction", "transaction_id"),
    sqlite_with_rowid=False,
)

engines = Table(
    "engines",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("lock_file", Text, nullable=False),
    Column("started", Float(53), nullable=False),
    Column("left", Boolean, nullable=False),
    Column("master_key", String(64), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("asserted_by", Text, nullable=False),
    Column("trustee", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("procedure", Text, nullable=False),
    Column("details", Text, nullable=False),
)

settings = Table(
    "settings",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("body", Text, nullable=False),
)

meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
