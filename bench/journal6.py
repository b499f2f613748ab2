"""journal-6: six write steps with an undo each and a *durable* journal; ratios to a bare ladder, measured in the same run.

Contenders, on SQLite and on PostgreSQL: a hand-written ladder that commits a row before each effect and one at the end
(the floor), this engine with everything on, DBOS with hand-written compensation, and TaskFlow (SQLite only). On SQLite the
peers run with the same durability as this engine (WAL, synchronous=FULL) and once with their own defaults. Cases: success,
and failure in step 6 after its intent, with everything undone. After every request the state is compared with the
expected one; a wrong state disqualifies a contender. Each has a process of its own; they take turns.

Then strace counts the synced writes (fsync and fdatasync) of a request, checkpoints included: those of the contender's
process on SQLite, those of the server on PostgreSQL.

    python -m bench.journal6 [--seconds 2] [--requests 20] [--folder DIR]
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg

from bench.peers.contenders import CONTENDERS, FLOOR, MPF
from bench.peers.job import STEPS, Unavailable
from bench.peers.process import Disqualified, Process
from bench.peers.syncs import SyncCount
from tests.postgres import PostgresServer, PostgresUnavailable, postgres_server

CASES = ("success", "fail")
TURN = 0.1
Key = tuple[str, str]  # database, contender


def open_url(database: str, number: int, folder: Path, server: PostgresServer | None) -> str:
    """An empty database for a contender."""
    if database == "SQLite":
        return f"sqlite:///{folder / f'{number}.db'}"
    assert server is not None
    return server.create_database(f"contender{number}")


def entries(server: PostgresServer | None) -> Iterator[tuple[int, Key]]:
    """Every contender whose database is there, with a number of its own."""
    keys = ((database, name) for database, names in CONTENDERS.items() for name in names)
    return ((number, key) for number, key in enumerate(keys) if key[0] == "SQLite" or server is not None)


def measure(processes: dict[Key, Process], case: str, seconds: float) -> dict[Key, list[float] | str]:
    """The seconds of each request for each contender, or why it was disqualified.

    The contenders take turns, so that a machine that slows down slows all of them down. The first turn warms up.
    """
    results: dict[Key, list[float] | str] = {key: [] for key in processes}
    for turn in range(1 + max(1, round(seconds / TURN))):
        for key, process in processes.items():
            times = results[key]
            if isinstance(times, str):
                continue
            try:
                taken = process.run(case, seconds=TURN)
            except Disqualified as error:
                results[key] = str(error)
            else:
                times.extend(taken if turn else ())
    return results


def print_times(case: str, results: dict[Key, list[float] | str]) -> None:
    """One line for each contender, with its ratios to the floor and to this engine on the same database."""
    medians = {key: statistics.median(times) for key, times in results.items() if not isinstance(times, str)}
    for (database, name), times in results.items():
        line = f"{case:9}{database:12}{name:28}"
        if isinstance(times, str):
            print(f"{line}  disqualified: {times}")
            continue
        median = medians[database, name]
        ratios = (medians.get((database, other)) for other in (FLOOR, MPF))
        cells = "".join(f"{median / other:10.2f}" if other else f"{'-':>10}" for other in ratios)
        print(f"{line}{median * 1e6:12.0f}{cells}{len(times):10}")


def print_syncs(folder: Path, requests: int) -> None:
    """Synced writes per request and per step of every contender. Raises Unavailable without strace."""
    with ExitStack() as stack:
        on_server = SyncCount(folder / "server.strace")
        server = stack.enter_context(_server_or_none(folder / "traced", on_server))
        print(f"\n{'synced writes':21}{'contender':28}{'success':>10}{'a step':>10}{'fail':>10}{'a step':>10}")
        for number, (database, name) in entries(server):
            own = SyncCount(folder / f"{number}.strace")
            count, tracer = (own, own.command) if database == "SQLite" else (on_server, ())
            line = f"{'':9}{database:12}{name:28}"
            url = open_url(database, 100 + number, folder, server)
            try:
                with Process(database, name, url, folder / f"traced{number}", tracer) as process:
                    for case in CASES:
                        process.run(case)  # whatever is only done once
                        before = count.total()
                        process.run(case, requests=requests)
                        synced = (count.total() - before) / requests
                        line += f"{synced:10.2f}{synced / STEPS:10.2f}"
            except (Unavailable, Disqualified) as error:
                line += f"  {error}"
            print(line)


@contextmanager
def _server_or_none(folder: Path, count: SyncCount | None = None) -> Iterator[PostgresServer | None]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_server(folder, tracer=count.command if count else ()))
        except PostgresUnavailable as error:
            print(f"PostgreSQL is left out: {error}", file=sys.stderr)
            yield None
        else:
            yield server


def print_machine(folder: Path, server: PostgresServer | None) -> None:
    """What was measured on."""
    parts = [
        f"{os.cpu_count()} CPUs, {platform.machine()}",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
    ]
    if server is not None:
        with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
            parts.append(f"PostgreSQL {connection.info.parameter_status('server_version')}")
    for package in ("SQLAlchemy", "dbos", "taskflow"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"no {package}")
    print("; ".join([*parts, f"files on {file_system(folder)}"]))
    print(f"{STEPS} write steps, a durable journal, a request of about 1 KB")


def file_system(folder: Path) -> str:
    """The type of the file system that holds a folder."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    holding = [(point, kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else "an unknown file system"


def main() -> int:
    """Run every contender in every case, print a table, and one of synced writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each contender runs in each case")
    parser.add_argument("--requests", type=int, default=20, help="over how many requests synced writes are counted")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="a folder on a real disk")
    options = parser.parse_args()
    if file_system(options.folder) in {"tmpfs", "ramfs"}:
        parser.error(f"{options.folder} is in memory, where a synced write costs nothing: give a --folder on a disk")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that server and contenders are ended as well
    with tempfile.TemporaryDirectory(prefix="journal6-", dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database server runs as another user
        with ExitStack() as stack:
            server = stack.enter_context(_server_or_none(folder / "server"))
            print_machine(folder, server)
            processes: dict[Key, Process] = {}
            for number, key in entries(server):
                try:
                    process = Process(*key, open_url(key[0], number, folder, server), folder / str(number))
                except (Unavailable, Disqualified) as error:
                    print(f"left out: {key[1]} on {key[0]}: {error}")
                else:
                    processes[key] = stack.enter_context(process)
            print(f"{'case':9}{'database':12}{'contender':28}{'median µs':>12}{'x floor':>10}{'x mpf':>10}{'requests':>10}")
            for case in CASES:
                print_times(case, measure(processes, case, options.seconds))
        try:
            print_syncs(folder, options.requests)
        except Unavailable as error:
            print(f"\n{error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
