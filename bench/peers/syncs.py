"""Synced writes, counted from outside: strace sees every fsync and fdatasync of a process and its children."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bench.peers.job import Unavailable

#: A call that is interrupted in the log by another process's goes on as ``<... fsync resumed>``, which is not counted.
_CALL = re.compile(r"\b(?:fsync|fdatasync)\(")


class SyncCount:
    """A command that is put before another one's, and the number of synced writes that it has seen so far."""

    def __init__(self, log: Path) -> None:
        """Raises Unavailable without strace."""
        strace = shutil.which("strace")
        if strace is None:
            raise Unavailable("synced writes are not counted: strace is missing (on Debian: apt-get install strace)")
        self._log = log
        log.touch()
        log.chmod(0o666)  # a database server runs as another user
        # -D: the command, and not strace, is the child of whoever starts it, and gets the signals that are meant for it.
        options = "-D -f -qq --seccomp-bpf -e trace=fsync,fdatasync -e signal=none -o"
        self.command = (strace, *options.split(), str(log))

    def total(self) -> int:
        """Synced writes since the command was started."""
        return len(_CALL.findall(self._log.read_text(encoding="utf-8", errors="replace")))
