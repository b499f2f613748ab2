"""A PostgreSQL server for tests and benchmarks: made, started, stopped and removed here, reachable by a Unix socket only.

The server keeps what makes commits durable (``fsync``, ``synchronous_commit``) as PostgreSQL has it. ``initdb`` and the
server refuse to run as root; root lends them an unprivileged user.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql
from sqlalchemy import URL

#: How a server is stopped: *fast* ends sessions and shuts down cleanly, *immediate* is a crash that needs recovery.
Mode = Literal["fast", "immediate"]

_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_LENT_USERS = ("postgres", "nobody")
#: Debian keeps the programs of each version in a folder of its own, out of PATH.
_VERSIONS = Path("/usr/lib/postgresql")
_PATIENCE = 60.0
#: ``sun_path`` holds 108 bytes with the closing NUL; the socket's own name is ``.s.PGSQL.5432``.
_SOCKET_FOLDER_BYTES = 107 - len("/.s.PGSQL.5432")


class PostgresUnavailable(RuntimeError):  # noqa: N818 - a state of the machine, as `StoreUnavailable` is one of the store
    """There is no server to be had on this machine; the text says what is missing."""


def programs() -> Path:
    """The folder of the newest installed server's programs. Raises PostgresUnavailable."""
    found = [path for path in _VERSIONS.glob("*/bin") if (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)])
    if in_path := shutil.which("initdb"):
        return Path(in_path).resolve().parent
    raise PostgresUnavailable("There is no PostgreSQL server here; on Debian: apt-get install postgresql")


class PostgresServer:
    """A server in a folder of its own. `postgres_server` makes one; tests of faults stop and start it."""

    def __init__(self, folder: Path, tracer: Sequence[str] = ()) -> None:
        self._folder = folder
        self._programs = programs()
        self._tracer = tuple(tracer)
        user = _lent_user()
        self._uid = user.pw_uid if user else None
        self._gid = user.pw_gid if user else None
        self._groups: list[int] | None = [] if user else None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the database that every new server has."""
        return self._url("postgres")

    @property
    def pid(self) -> int | None:
        """The process id of the running server, ``None`` while it is stopped."""
        return self._process.pid if self._process is not None else None

    def create(self) -> None:
        """Make the files of a new server. Raises PostgresUnavailable where its user cannot get at the folder."""
        if len(os.fsencode(self._folder)) > _SOCKET_FOLDER_BYTES:
            raise PostgresUnavailable(f"{self._folder} is too long a path for a Unix socket; leave the folder out")
        if self._uid is not None and self._gid is not None:
            for parent in self._folder.resolve().parents:
                if not parent.stat().st_mode & 0o001:
                    raise PostgresUnavailable(f"{parent} is closed to the server's user; leave the folder out")
            os.chown(self._folder, self._uid, self._gid)
        self._folder.chmod(0o700)
        # Anybody who can open the socket is let in: nobody else gets into its folder.
        self._run("initdb", "-D", "data", "-U", "mpf", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RuntimeError with the end of its log if it does not."""
        if self._process is not None:
            raise RuntimeError("the server runs already")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._tracer, self._programs / "postgres", "-D", "data", "-k", self._folder, "-c", "listen_addresses="],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which stop the server themselves
                user=self._uid,
                group=self._gid,
                extra_groups=self._groups,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop("immediate")
                raise RuntimeError(f"The PostgreSQL server does not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, mode: Mode = "fast") -> None:
        """Stop the server and wait for its end; nothing happens if it is stopped already."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(_SIGNALS[mode])
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()  # its children see that it is gone, and go as well
            process.wait()

    def restart(self, mode: Mode = "fast") -> None:
        """Stop and start; every connection is lost, and after ``immediate`` the server recovers from its log."""
        self.stop(mode)
        self.start()

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL. Raises psycopg's errors, such as for a name that is taken."""
        with psycopg.connect(host=str(self._folder), user="mpf", dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._url(name)

    @property
    def _log(self) -> Path:
        return self._folder / "server.log"

    def _url(self, database: str) -> str:
        url = URL.create("postgresql+psycopg", "mpf", database=database, query={"host": str(self._folder)})
        return url.render_as_string()

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=str(self._folder), user="mpf", dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            user=self._uid,
            group=self._gid,
            extra_groups=self._groups,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def postgres_server(folder: Path | None = None, *, tracer: Sequence[str] = ()) -> Iterator[PostgresServer]:
    """A running server, stopped and removed with everything in it at the end.

    ``folder`` must not exist yet. Without one the server gets a folder of its own in the system's temporary folder: the
    ones that pytest makes for root are closed to the server's user, and often too long for a socket. ``tracer`` is a
    command that is put before the server's. Raises PostgresUnavailable and RuntimeError.
    """
    programs()
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="mpf-postgres-"))
    else:
        folder.mkdir()
    try:
        server = PostgresServer(folder.absolute(), tracer)
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.stop("immediate")  # what it would write before a clean end is removed anyway
    finally:
        shutil.rmtree(folder)


def _lent_user() -> pwd.struct_passwd | None:
    """The user whom root runs the server as; ``None`` for everybody else, who runs it as himself."""
    if os.geteuid() != 0:
        return None
    for name in _LENT_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable(f"PostgreSQL does not run as root, and there is no user {' or '.join(_LENT_USERS)} here")
