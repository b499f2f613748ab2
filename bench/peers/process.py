"""The other end of a contender's process: it is started, given orders, and ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.peers.job import Unavailable

_ROOT = Path(__file__).parents[2]


class Disqualified(Exception):  # noqa: N818 - a verdict, said by its name
    """A contender that left a wrong end state or ended on its own; the text says which."""


class Process:
    """A contender that runs in a process of its own, because some of them keep their state in the process."""

    def __init__(self, database: str, name: str, url: str, folder: Path, tracer: Sequence[str] = ()) -> None:
        """Start it; ``tracer`` is put before its command. Raises Unavailable and Disqualified."""
        folder.mkdir()
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own worker
                [*tracer, sys.executable, "-m", "bench.peers.worker", database, name, url, str(folder)],
                cwd=_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            if reason := self._answer().get("unavailable"):
                raise Unavailable(reason)
        except BaseException:
            self.close()
            raise

    def run(self, case: str, *, seconds: float = 0.0, requests: int = 1) -> list[float]:
        """Run at least so many requests for at least so long; the seconds that each took. Raises Disqualified."""
        assert self._process.stdin is not None
        try:
            print(json.dumps({"case": case, "seconds": seconds, "requests": requests}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise self._ended() from None
        answer = self._answer()
        if answer["wrong"]:
            raise Disqualified(f"wrong end state: {answer['wrong']}")
        times: list[float] = answer["times"]
        return times

    def close(self) -> None:
        """End the process and wait for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> Disqualified:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return Disqualified(f"it ended: {lines[-1] if lines else 'without a word'}")
