"""TaskFlow's serial engine with its persistence in SQLite, and its own way to undo: ``revert``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sqlalchemy.pool import QueuePool

from bench.peers.durability import force_wal_full
from bench.peers.job import STEPS, Contender, Job, Target, ToldToFail, Unavailable


def forced(url: str, _folder: Path) -> Contender:
    """TaskFlow on a synced WAL, with its own way of connecting: anew for every transaction."""
    force_wal_full()
    return _contender({"connection": url})


def forced_and_kept(url: str, _folder: Path) -> Contender:
    """TaskFlow on a synced WAL with connections that stay open: the last one that closes would checkpoint the log."""
    force_wal_full()
    return _contender({"connection": url, "engine_args": {"poolclass": QueuePool}})


def as_it_comes(url: str, _folder: Path) -> Contender:
    """TaskFlow with its own settings."""
    return _contender({"connection": url})


def _contender(settings: dict[str, object]) -> Contender:
    """The flow is built once; an engine is made for each request, as in TaskFlow's manual."""
    try:
        from taskflow import engines, task  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
        from taskflow.patterns import linear_flow  # type: ignore[import-untyped]  # noqa: PLC0415
        from taskflow.persistence import backends  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        raise Unavailable("TaskFlow is not installed: pip install taskflow") from None
    target = Target()

    class Put(task.Task):  # type: ignore[misc]
        def __init__(self, number: int) -> None:
            super().__init__(name=f"put{number}", inject={"number": number})

        def execute(self, number: int, values: dict[str, str], fail: bool) -> None:
            target.put(number, Job(values, fail))

        def revert(self, number: int, **_rest: object) -> None:
            target.remove(number)

    flow = linear_flow.Flow("six").add(*(Put(number) for number in range(1, STEPS + 1)))
    backend = backends.fetch(settings)
    with closing(backend.get_connection()) as connection:
        connection.upgrade()

    def run(document: bytes) -> bool:
        job = Job.parse(document)
        try:
            engines.run(flow, engine="serial", backend=backend, store={"values": job.values, "fail": job.fail})
        except ToldToFail:
            return False
        return True

    return Contender(target, run)
