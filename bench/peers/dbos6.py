"""DBOS, which has no compensation of its own: a workflow of steps that runs the opposite steps when one fails."""

from __future__ import annotations

from pathlib import Path

from bench.peers.durability import force_wal_full
from bench.peers.job import STEPS, Contender, Job, Target, ToldToFail, Unavailable


def forced(url: str, folder: Path) -> Contender:
    """DBOS with SQLite on a synced WAL."""
    force_wal_full()
    return as_it_comes(url, folder)


def as_it_comes(url: str, _folder: Path) -> Contender:
    """DBOS with its own settings. It keeps its state in the process, so there is one of it in each."""
    try:
        from dbos import DBOS, DBOSConfig  # noqa: PLC0415 - optional
    except ImportError:
        raise Unavailable("DBOS is not installed: pip install dbos") from None
    DBOS(config=DBOSConfig(name="journal6", system_database_url=url, log_level="CRITICAL"))
    target = Target()

    @DBOS.step()
    def put(number: int, job: Job) -> None:
        target.put(number, job)

    @DBOS.step()
    def remove(number: int) -> None:
        target.remove(number)

    @DBOS.workflow()
    def six(job: Job) -> bool:
        started: list[int] = []
        try:
            for number in range(1, STEPS + 1):
                # Noted before the call: a step that failed may have done something, and is compensated as well.
                started.append(number)
                put(number, job)
        except ToldToFail:
            for number in reversed(started):
                remove(number)
            return False
        return True

    DBOS.launch()

    def run(document: bytes) -> bool:
        return bool(six(Job.parse(document)))

    return Contender(target, run)
