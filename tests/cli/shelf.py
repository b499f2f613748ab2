"""A site for operators' tests: a store in SQLite, and a provider whose effects are files, which every process sees.

The provider does what files in its folder tell it to: ``undo-fails`` and ``commit-fails`` make undos and commits fail,
``wait-in-apply``, ``wait-in-undo`` and ``wait-in-commit`` make it wait until that file is gone, and ``kill`` kills the process
behind an effect.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lxml import etree

from mpf_core import CallContext, Change, MpfError, Provider, Undo, argument, hookimpl, read, two_phase, write
from mpf_core.services import Services
from mpf_core.testing import AllowAll
from tests.support import for_anybody

__all__ = ["AllowAll", "ShelfPlugin", "Site"]

REPOSITORY = Path(__file__).parents[2]
CALLER = "tester@fabrikam.com"
#: ``mpfctl``. A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from mpf_core.cli import main
main()
"""
NAMESPACE = for_anybody("""<namespace name="Shelf" providerSource="test.shelf">
  <procedure name="Put" type="write" access="public"/>
  <procedure name="Drop" type="two-phase" access="public"/>
  <procedure name="Fail" type="read" access="public"/>
</namespace>
""")
CONFIGURATION = f"""
[engine]
undo_wait = 0
recovery_interval = 0.1
namespaces = ["shelf.xml"]
[store]
url = "sqlite:///mpf.db"
[security.permissions]
trusted_requests = ["{CALLER}"]
assert_caller = ["system:*"]
[logging]
level = "error"
[plugins]
enabled = ["test.shelf", "test.allow"]
"""


class ShelfProvider(Provider):
    """Puts files on a shelf."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        name = argument(data, "name")
        ctx.lock(f"shelf:{name}")
        return Change({"put": name})

    @two_phase("Drop")
    def drop(self, ctx: CallContext, data: etree._Element) -> Change:
        return Change({"drop": argument(data, "name")})

    @read("Fail")
    def fail(self, ctx: CallContext, data: etree._Element) -> None:
        raise MpfError(0x80004005, "told to fail")

    def apply(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        if "put" in change.data:
            (self.folder / str(change.data["put"])).touch()
        if (self.folder / "kill").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        self._wait("wait-in-apply")

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        if (self.folder / "undo-fails").exists():
            raise MpfError(0x8007203A, "The shelf does not answer.")
        assert isinstance(change.data, dict)
        if "drop" in change.data:
            return Undo.NOTHING_TO_UNDO
        (self.folder / str(change.data["put"])).unlink(missing_ok=True)
        self._wait("wait-in-undo")
        return Undo.UNDONE

    def commit(self, ctx: CallContext, change: Change) -> None:
        if (self.folder / "commit-fails").exists():
            raise MpfError(0x8007203A, "The shelf does not answer.")
        assert isinstance(change.data, dict)
        self._wait("wait-in-commit")
        (self.folder / str(change.data["drop"])).unlink(missing_ok=True)

    def _wait(self, order: str) -> None:
        if (self.folder / order).exists():
            (self.folder / "waiting").touch()
            wait_for(lambda: not (self.folder / order).exists(), 120)


class ShelfPlugin:
    """Brings the provider; its folder is beside the configuration."""

    name = "test.shelf"

    def __init__(self) -> None:
        self.folder = Path()

    @hookimpl
    def mpf_configure(self, settings: object, services: Services) -> None:
        self.folder = services.base_dir / "shelf"

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"test.shelf": ShelfProvider(self.folder)}


class Site:
    """The folder of a configuration, its store and its shelf."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shelf = folder / "shelf"
        self.shelf.mkdir()
        (folder / "shelf.xml").write_text(NAMESPACE)
        self.config = folder / "mpf.toml"
        self.config.write_text(CONFIGURATION)
        info = folder / "site" / "shelf-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[mpf.plugins]\ntest.shelf = tests.cli.shelf:ShelfPlugin\n"
            "[mpf.security]\ntest.allow = tests.cli.shelf:AllowAll\n"
        )

    def tell(self, *orders: str) -> None:
        """Give the provider orders."""
        for order in orders:
            (self.shelf / order).touch()

    def take_back(self, *orders: str) -> None:
        """Take orders back."""
        for order in orders:
            (self.shelf / order).unlink()

    def request(self, *calls: str) -> Path:
        """A request file: ``Put:name``, ``Drop:name`` and ``Fail``, one call after another."""
        steps = "".join(
            f'<execute namespace="Shelf" procedure="{procedure}" impersonate="1"><executeData><name>{name}</name></executeData></execute>'
            for procedure, _, name in (call.partition(":") for call in calls)
        )
        file = self.folder / "request.xml"
        file.write_text(f"<request><data/><procedure>{steps}</procedure></request>")
        return file

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """A process of ``mpfctl``, as a shell starts it."""
        path = [self.folder / "site", REPOSITORY, REPOSITORY / "plugins", REPOSITORY / "procedures"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
        environment.pop("MPF_CONFIG", None)
        environment["PYTHONFAULTHANDLER"] = "1"  # for `finish`
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def waiting(self, *calls: str, order: str = "wait-in-apply") -> Iterator[subprocess.Popen[str]]:
        """A process that submits these calls and waits where ``order`` says."""
        self.tell(order)
        with self.waits("submit", self.request(*calls), "--as", CALLER) as process:
            yield process

    @contextmanager
    def waits(self, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
        """A process of ``mpfctl`` that waits by now; killed at the end."""
        process = self.start(*arguments)
        try:
            wait_for((self.shelf / "waiting").exists)
            self.take_back("waiting")
            yield process
        finally:
            process.kill()
            process.communicate()

    def kill_in(self, *calls: str) -> None:
        """Submit these calls in a process that is killed behind the first effect."""
        self.tell("kill")
        process = self.start("submit", self.request(*calls), "--as", CALLER)
        finish(process)
        assert process.returncode == -signal.SIGKILL
        self.take_back("kill")

    def things(self) -> Sequence[str]:
        """What is on the shelf, orders included."""
        return sorted(path.name for path in self.shelf.iterdir())


def finish(process: subprocess.Popen[str], seconds: float = 60) -> tuple[str, str]:
    """Wait for the end of a process; what it wrote to its outputs. Where it hangs is in the error if it does not end."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        _, errors = process.communicate()
        raise AssertionError(f"it did not end in time:\n{errors}") from None


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until ``condition`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
