"""The floor: a hand-written ladder that commits one row before each effect and one at the end, and nothing more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.peers.durability import WAL_FULL
from bench.peers.job import STEPS, Contender, Job, Target, ToldToFail

_TABLE = "CREATE TABLE journal (request BIGINT, step INTEGER, value TEXT)"


def on_sqlite(url: str, _folder: Path) -> Contender:
    """A ladder on the standard library's driver."""
    connection = sqlite3.connect(make_url(url).database or "", isolation_level=None)  # each statement commits
    for statement in (*WAL_FULL, _TABLE):
        connection.execute(statement).close()

    def record(request: int, step: int, value: str) -> None:
        connection.execute("INSERT INTO journal VALUES (?, ?, ?)", (request, step, value)).close()

    return _ladder(record)


def on_postgresql(url: str, _folder: Path) -> Contender:
    """A ladder on the bare driver."""
    address = make_url(url)
    connection = psycopg.connect(
        host=str(address.query["host"]), user=address.username, dbname=address.database, autocommit=True
    )
    connection.execute(_TABLE)

    def record(request: int, step: int, value: str) -> None:
        connection.execute("INSERT INTO journal VALUES (%s, %s, %s)", (request, step, value))

    return _ladder(record)


def _ladder(record: Callable[[int, int, str], None]) -> Contender:
    target = Target()
    requests = 0

    def run(document: bytes) -> bool:
        nonlocal requests
        requests += 1
        job = Job.parse(document)
        started: list[int] = []
        try:
            for number in range(1, STEPS + 1):
                record(requests, number, job.values[f"n{number}"])
                started.append(number)
                target.put(number, job)
        except ToldToFail:
            for number in reversed(started):
                target.remove(number)
            record(requests, 0, "rolled back")
            return False
        record(requests, 0, "done")
        return True

    return Contender(target, run)
