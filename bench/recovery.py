"""Recovery of many open transactions: how long it takes and how much memory, against doing the same undos by hand.

An engine is killed (its locks are let go of) with N transactions open, two steps each. Another engine on the same store
brings them to their end. The floor does the bare minimum in the same run: one raw synced SQLite commit for each transaction.

    python bench/recovery.py [--transactions 10000]
"""

from __future__ import annotations

import argparse
import platform
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from mpf_core import CallContext, Change, Config, Engine, Provider, Undo, hookimpl, write
from mpf_core.provider import Element
from mpf_core.store.opening import open_store
from mpf_core.store.port import StepRecord, TransactionRecord
from mpf_core.testing import AllowAll
from mpf_core.transaction.states import TransactionState

STEPS = 2


class Values(Provider):
    """What the steps did."""

    name = "bench"

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    @write("Put")
    def put(self, ctx: CallContext, data: Element) -> Change:
        """Never called here."""
        return Change({})

    def apply(self, ctx: CallContext, change: Change) -> None:
        """Never called here."""

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Take a value out."""
        assert isinstance(change.data, dict)
        return Undo.NOTHING_TO_UNDO if self.values.pop(str(change.data["name"]), None) is None else Undo.UNDONE

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        """This provider."""
        return {"bench": self}


def leave_open(config: Config, provider: Values, number: int) -> None:
    """Write ``number`` open transactions as an engine does, and be gone."""
    store = open_store(config.store, config.base_dir)
    engine = store.engines.join("killed")
    for transaction in range(number):
        record = TransactionRecord(f"{{{transaction:08d}}}", "bench", "Bench::Put", time.time(), engine=engine)
        steps = []
        for order in range(1, STEPS + 1):
            name = f"{transaction}/{order}"
            provider.values[name] = "x" * 100
            change = {"name": name, "value": "x" * 100}
            steps.append(StepRecord(record.id, order, order, "Bench", "Put", "bench", "execute[1]", change, 1))
        store.journal.write(record, steps, sync=False)
    store.close()


def floor(folder: Path, number: int) -> float:
    """Seconds for ``number`` raw synced commits of a row."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)")
    begun = time.perf_counter()
    for row in range(number):
        connection.execute("INSERT INTO t VALUES (?, ?)", (row, b"x" * 500))
    taken = time.perf_counter() - begun
    connection.close()
    return taken


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--transactions", type=int, default=10_000)
    number: int = parser.parse_args().transactions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = Config.model_validate({"base_dir": folder, "store": {"url": "sqlite:///mpf.db"}})
        provider = Values()
        leave_open(config, provider, number)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with_engine = Engine(config, plugins=[provider, AllowAll()])
        begun = time.perf_counter()
        ended = sum(1 for recovered in with_engine.recover() if recovered.state is TransactionState.ROLLED_BACK)
        taken = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with_engine.close()
        least = floor(folder, number)
    if ended != number or provider.values:
        print(f"WRONG: {ended} of {number} rolled back, {len(provider.values)} values left", file=sys.stderr)
        return 1
    print(f"CPython {platform.python_version()}, {platform.machine()}; SQLite {sqlite3.sqlite_version}; {STEPS} steps each")
    print(f"recovery of {number} open transactions: {taken:.1f} s ({taken / number * 1e3:.2f} ms each), ", end="")
    print(f"{taken / least:.1f} x a raw synced commit for each ({least:.1f} s)")
    print(f"peak memory: {before / 1024:.0f} MiB before, {after / 1024:.0f} MiB after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
