"""The tests' end of a worker process (`tests.kills.zygote`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kills.jobs import Job

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a child: killed, or ``result``, the points that it passed, and the content of the store then."""

    killed: bool
    result: Any = None
    points: tuple[str, ...] = ()
    store: Mapping[str, Any] | None = None


class ChildFailed(Exception):  # noqa: N818 - what happened
    """A child raised something, or died of something else than a kill of ours."""


class Worker:
    """One worker process. One job at a time; `send` and `receive` let something else happen meanwhile."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.zygote", json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def do(self, job: Job) -> Outcome:
        """Do a job in a child of the worker's. Raises ChildFailed."""
        self.send(job)
        return self.receive()

    def send(self, job: Job) -> None:
        """Begin a job."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job.to_json()) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Outcome:
        """The outcome of the job that was begun. Raises ChildFailed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailed(f"the worker ended with {self._process.wait()}")
        said = json.loads(line)
        if said["signal"] == signal.SIGKILL:
            return Outcome(True)
        if said["signal"] or "result" not in said:
            raise ChildFailed(said.get("raised") or f"a child died of signal {said['signal']}")
        return Outcome(False, said["result"], tuple(said["points"]), said["store"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
