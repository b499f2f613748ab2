"""A directory, a store, and a worker process over both: everything that a kill needs, again and again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpf_managed import elevations
from tests.kills import facts
from tests.kills.facts import Facts
from tests.kills.jobs import Job
from tests.kills.plans import Plan
from tests.kills.requests import Scenario, request
from tests.kills.stores import EmptiedStore
from tests.kills.worker import Outcome, Worker
from tests.namespaces.support import DOMAIN_ADMIN, seeded


class Site:
    """One at a time in its folder."""

    def __init__(self, folder: Path, store: EmptiedStore) -> None:
        trusted = [DOMAIN_ADMIN.name]
        self.store = store
        self.config: dict[str, Any] = {
            "base_dir": str(folder),
            "engine": {"undo_wait": 0, "recovery_interval": 3600},
            "store": dict(store.settings),
            "directory": {"path": "directory.db"},
            "security": {"permissions": {"trusted_requests": trusted, "private_procedures": trusted}},
            "plugins": {"mpf.policy": {"elevations": list(elevations())}},
        }
        self.file = folder / "directory.db"
        self.worker = Worker(self.config)
        self._states: dict[Sequence[str], bytes] = {(): seeded()}

    def reset(self, setup: Sequence[str] = ()) -> None:
        """A new store, and the directory as it is after ``setup``."""
        state = self._states.get(setup)
        if state is None:
            self.reset(setup[:-1])
            outcome = self.run(request(setup[-1]))
            assert outcome.result["error"] is None, outcome.result
            state = self._states[setup] = self.file.read_bytes()
        self._clear()
        self.file.write_bytes(state)
        self.store.empty()

    def keep(self, setup: Sequence[str]) -> None:
        """Take the directory as it is now for what ``setup`` leads to. Nobody may have it open."""
        self._states[setup] = self.file.read_bytes()

    def run(
        self,
        document: str,
        plan: Plan | None = None,
        *,
        key: str | None = None,
        without: Sequence[str] = (),
        look: bool = True,
    ) -> Outcome:
        """Run a request in a new process."""
        return self.worker.do(Job("run", document, key, plan=plan or Plan(), without=tuple(without), look=look))

    def recover(self, plan: Plan | None = None, *, without: Sequence[str] = ()) -> Outcome:
        """Recover in a new process."""
        return self.worker.do(Job("recover", plan=plan or Plan(), without=tuple(without)))

    def facts(self, scenario: Scenario | None = None) -> Facts:
        """The directory as it is."""
        return facts.read(self.file, scenario.passwords if scenario else ())

    def close(self) -> None:
        """End the worker process."""
        self.worker.close()
        self.store.close()

    def _clear(self) -> None:
        for end in ("-wal", "-shm"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)
