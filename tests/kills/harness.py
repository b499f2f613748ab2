"""Killing a request at a point, recovering, and comparing what is there with what was."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.layout import SERVER
from mpf_directory.port import Scope
from tests.kills.scenarios import SCENARIOS, WHOLE, Call
from tests.namespaces.support import PARKING, VOLATILE, seeded

ROOT = Path(__file__).parents[2]
Snapshot = dict[str, dict[str, list[str]]]
#: What identifies an object, and differs between two runs that do the same.
OWN = {"objectGUID", "objectSid", "whenCreated"}
FINAL_STEPS = {"undone", "nothing-to-undo", "irreversible", "committed"}


class Failed(AssertionError):  # noqa: N818 - as pytest calls it
    """An invariant does not hold."""


def snapshot(file: Path) -> Snapshot:
    """Everything in a directory, but for what it keeps for itself. The place for parked objects may stay."""
    with EmbeddedDirectory(file, server=SERVER, base=Dn.parse(WHOLE)) as directory:
        return {
            str(entry.dn): {
                name: sorted(value.hex() if isinstance(value, bytes) else value for value in values)
                for name, values in entry.attributes.items()
                if name not in VOLATILE
            }
            for entry in directory.search(Dn.parse(WHOLE), Scope.SUBTREE, Filter.present("objectClass"))
            if str(entry.dn) != PARKING
        }


def likeness(found: Snapshot, before: Snapshot) -> Snapshot:
    """A snapshot in which new objects have nothing of their own, to compare two runs that do the same."""
    return {
        dn: attributes if dn in before else {name: values for name, values in attributes.items() if name not in OWN}
        for dn, attributes in found.items()
    }


@dataclass
class Prepared:
    """A scenario: the directory before, what is in it, what is in it after the request, and the points on the way."""

    name: str
    call: Call
    file: Path
    before: Snapshot
    after: Snapshot
    points: list[str]


class Worker:
    """The forking process, and its files."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.kills.worker", str(folder), url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def job(self, **job: Any) -> dict[str, Any]:
        """Have a job done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"the worker ended: {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, call: Call, **more: Any) -> dict[str, Any]:
        """Have a request run."""
        transaction_id = more.pop("id", new_id())
        return self.job(
            do="run", document=call.document, namespace=call.namespace, procedure=call.procedure, id=transaction_id, **more
        )

    def directory(self, source: Path) -> None:
        """Put a directory into the place of the one that there is."""
        for file in self.folder.glob("directory.db*"):
            file.unlink()
        shutil.copy(source, self.folder / "directory.db")

    def look(self) -> Snapshot:
        """What is in the directory now."""
        return snapshot(self.folder / "directory.db")

    def prepare(self, name: str) -> Prepared:
        """Bring a scenario to where its request can run, and run it once to learn its points."""
        before, call = SCENARIOS[name]
        seed = self.folder / "seed.db"
        seed.write_bytes(seeded())
        self.directory(seed)
        for step in before:
            answer = self.run(step)
            if answer.get("error") or answer["exit"] != 0:
                raise Failed(f"{name}: {step.procedure} before it failed: {answer}")
        _settle(self.folder / "directory.db")
        file = self.folder / f"before-{uuid.uuid4()}.db"
        shutil.copy(self.folder / "directory.db", file)
        at_first = self.look()
        answer = self.run(call, record=True)
        if answer.get("error") or answer["exit"] != 0:
            raise Failed(f"{name} failed: {answer}")
        return Prepared(name, call, file, at_first, self.look(), answer["passed"])

    def kill(self, prepared: Prepared, number: int, *, again: int = 0, verify: bool = False) -> str:
        """Kill the request at its point ``number``, recover, and check; with ``again``, recovery is killed there first.

        Returns where the transaction ended. Raises Failed.
        """
        self.directory(prepared.file)
        transaction_id = new_id()
        where = f"{prepared.name} killed at point {number} ({prepared.points[number - 1]})"
        answer = self.run(prepared.call, kill=number, id=transaction_id)
        if answer["signal"] != signal.SIGKILL:
            raise Failed(f"{where}: it was not killed: {answer}")
        if again:
            self.job(do="recover", id=transaction_id, kill=again)
            where += f", recovery killed at {again}"
        answer = self.job(do="recover", id=transaction_id, verify=verify)
        if answer["exit"] != 0:
            raise Failed(f"{where}: recovery failed: {answer}")
        self._check(where, prepared, answer)
        return str(answer["state"])

    def _check(self, where: str, prepared: Prepared, answer: dict[str, Any]) -> None:
        found = self.look()
        state = answer["state"]
        if state in {None, "rolled-back"}:
            irreversible = "irreversible" in answer["steps"]
            if found != prepared.before and not irreversible:
                raise Failed(f"{where}: {state}, and the directory is another: {difference(prepared.before, found)}")
        elif state == "committed":
            wanted, got = likeness(prepared.after, prepared.before), likeness(found, prepared.before)
            if wanted != got:
                raise Failed(f"{where}: committed, and the directory is another: {difference(wanted, got)}")
        else:
            raise Failed(f"{where}: it ended {state}: {answer}")
        if not set(answer["steps"]) <= FINAL_STEPS:
            raise Failed(f"{where}: steps without an outcome: {answer['steps']}")
        for what in ("open", "locks", "audit"):
            if answer[what]:
                raise Failed(f"{where}: {what} left: {answer[what]}")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@contextmanager
def worker(url: str) -> Iterator[Worker]:
    """A worker in a folder of its own; ``url`` may be ``sqlite:///mpf.db``."""
    with tempfile.TemporaryDirectory() as folder:
        made = Worker(Path(folder), url)
        try:
            yield made
        finally:
            made.close()


def new_id() -> str:
    """A transaction id."""
    return "{" + str(uuid.uuid4()).upper() + "}"


def difference(wanted: Snapshot, found: Snapshot) -> str:
    """What differs, in short."""
    lines = []
    for dn in sorted(wanted.keys() | found.keys()):
        if wanted.get(dn) != found.get(dn):
            ours, theirs = wanted.get(dn), found.get(dn)
            if ours is None or theirs is None:
                lines.append(f"{dn} is {'missing' if theirs is None else 'too many'}")
                continue
            names = [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
            lines.append(f"{dn}: " + ", ".join(f"{name} {ours.get(name)} -> {theirs.get(name)}" for name in names))
    return "; ".join(lines) or "nothing"


def _settle(file: Path) -> None:
    """Bring everything into the file itself, so that it can be copied."""
    import sqlite3

    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
