"""The file: making and opening it, several threads and processes at once, and what SQLite's troubles become."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mpf_core.errors import Code, ConfigError, MpfError
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.embedded_store import Store
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Scope
from mpf_directory.results import Result
from tests.directory.support import BASE, HOSTING, Site, add, refused

ADDS_MANY = """
import sys
from pathlib import Path
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Modification, ModifyOp
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with EmbeddedDirectory(path) as directory:
    unit = directory.base.child("OU", "Hosting")
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(count):
        user = unit.child("CN", f"{name} {number}")
        directory.add(user, {"objectClass": ["user"]})
        directory.modify(unit.child("CN", "all"), [Modification("member", ModifyOp.ADD, (str(user),))])
"""


def test_it_is_a_directory_of_the_port(site: Site) -> None:
    directory: Directory = site.directory
    assert not directory.has_acls


class TestFile:
    def test_what_is_written_is_there_after_reopening(self, site: Site) -> None:
        dn = site.user("x")
        before = site.entry(dn)
        site.directory.close()
        with EmbeddedDirectory(site.path) as again:
            assert again.read(dn) == before
            assert (again.server, again.base) == ("AD01.Fabrikam.com", BASE)

    def test_only_its_owner_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "new.db"
        EmbeddedDirectory.create(path).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_another_domain_and_server(self, tmp_path: Path) -> None:
        path, base = tmp_path / "new.db", Dn.parse("DC=corp,DC=litwareinc,DC=com")
        with EmbeddedDirectory.create(path, server="dc.litwareinc.com", base=base) as directory:
            entry = directory.read(base)
            assert entry is not None
            assert entry.text("dc") == "corp"
        with EmbeddedDirectory(path, server="other", base=Dn.parse("dc=CORP,dc=litwareinc,dc=com")) as directory:
            assert directory.server == "other"
        with pytest.raises(ConfigError, match="holds DC=corp"):
            EmbeddedDirectory(path, base=BASE)

    def test_a_missing_file_is_not_made_by_opening_it(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="there is no embedded directory"):
            EmbeddedDirectory(tmp_path / "missing.db")
        assert list(tmp_path.iterdir()) == []

    def test_an_existing_file_is_not_made_anew(self, site: Site) -> None:
        dn = site.user("x")
        with pytest.raises(ConfigError, match="not empty"):
            EmbeddedDirectory.create(site.path)
        assert site.entry(dn)

    def test_a_file_that_is_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "text.db"
        path.write_text("no database " * 100)
        with refused(Result.FILE_CORRUPT):
            EmbeddedDirectory(path)
        with refused(Result.FILE_CORRUPT):
            EmbeddedDirectory.create(path)

    def test_a_database_that_is_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE t (x)")
        db.close()
        with pytest.raises(ConfigError, match="no embedded directory"):
            EmbeddedDirectory(path)
        with pytest.raises(ConfigError, match="not empty"):
            EmbeddedDirectory.create(path)

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be created"):
            EmbeddedDirectory.create(tmp_path / "missing" / "new.db")

    def test_a_closed_directory(self, site: Site) -> None:
        found = site.directory.search(BASE, Scope.SUBTREE, Filter.present("objectClass"))
        site.directory.close()
        site.directory.close()
        with refused(Code.SERVER_DOWN):
            site.directory.read(HOSTING)
        with refused(Code.SERVER_DOWN):
            site.user("x")
        assert len(list(found)) > 5


class TestTroubles:
    def test_a_file_that_another_program_keeps_locked(self, site: Site) -> None:
        other = sqlite3.connect(site.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        store = Store(site.path, patience=0.05)
        try:
            with refused(Result.BUSY), store.writing():
                pass
            with store.reading() as db:
                assert db.execute("SELECT count(*) FROM object").fetchone()[0] > 5
        finally:
            store.close()
            other.close()

    def test_a_thread_that_waits_too_long(self, site: Site) -> None:
        store = Store(site.path, patience=0.05)
        caught: list[MpfError] = []

        def write() -> None:
            try:
                with store.writing():
                    pass
            except MpfError as error:
                caught.append(error)

        with store.writing():
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        store.close()
        assert [error.code for error in caught] == [Result.BUSY]

    @pytest.mark.slow
    def test_a_full_disk(self, site: Site) -> None:
        # A limit on the size of files does to SQLite what a full disk does.
        script = (
            "import resource, signal, sys; from pathlib import Path; from mpf_core.errors import MpfError\n"
            "from mpf_directory.embedded import EmbeddedDirectory\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
            "directory = EmbeddedDirectory(Path(sys.argv[1])); unit = directory.base.child('OU', 'Hosting')\n"
            "try: directory.add(unit.child('CN', 'x'), {'objectClass': ['user'], 'info': ['x' * 1000]})\n"
            "except MpfError as error: print(hex(error.code)); print(directory.read(unit.child('CN', 'x')))\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", script, str(site.path)], capture_output=True, text=True, check=False, env=dict(os.environ)
        )
        assert result.stdout.split() in (["0x80070070", "None"], ["0x8007001d", "None"]), result.stderr


class TestAtOnce:
    def test_many_threads(self, site: Site) -> None:
        group = site.group("all")
        errors: list[BaseException] = []

        def work(action: Callable[[int], None]) -> None:
            try:
                for number in range(15):
                    action(number)
            except BaseException as error:
                errors.append(error)

        def write(thread: int) -> Callable[[int], None]:
            def one(number: int) -> None:
                user = site.user(f"{thread} {number}")
                site.modify(group, add("member", str(user)))

            return one

        def read(number: int) -> None:
            for member in site.values(group, "member"):
                # Whoever is a member knows of it: an entry is read in one view.
                assert str(group) in site.values(Dn.parse(str(member)), "memberOf")

        threads = [threading.Thread(target=work, args=[write(thread)]) for thread in range(4)]
        threads += [threading.Thread(target=work, args=[read]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(site.values(group, "member")) == 60
        sids = [
            entry.octets("objectSid")
            for entry in site.directory.search(BASE, Scope.SUBTREE, Filter.eq("objectClass", "user"))
        ]
        assert len(set(sids)) == len(sids)

    def test_only_one_thread_gets_a_name(self, site: Site) -> None:
        outcomes: list[int] = []
        barrier = threading.Barrier(4)

        def take() -> None:
            barrier.wait()
            try:
                site.user("wanted")
                outcomes.append(0)
            except MpfError as error:
                outcomes.append(error.code)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [0, *[Code.OBJECT_ALREADY_EXISTS] * 3]

    @pytest.mark.slow
    def test_two_processes(self, site: Site) -> None:
        site.group("all")
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", ADDS_MANY, str(site.path), name, "25"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("one", "two")
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for number in range(10):
            site.user(f"own {number}")
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        assert len(site.values(HOSTING.child("CN", "all"), "member")) == 50
        assert len(site.names("objectClass=user")) == 60

    def test_a_forked_child_uses_connections_of_its_own(self, site: Site) -> None:
        site.user("before")
        child = os.fork()
        if child == 0:  # pragma: no cover - runs in another process
            try:
                site.user("in the child")
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        site.user("after")
        assert site.names("objectClass=user") == ["after", "before", "in the child"]
