"""Opening stores: keys, key files and what does not fit together (mpf_core.store.opening, mpf_core.store.keyring)."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from mpf_core.config import StoreSettings
from mpf_core.errors import ConfigError
from mpf_core.store import opening
from mpf_core.store.database import Database
from mpf_core.store.keys import MasterKeys, create_key_file, read_key_file
from mpf_core.store.opening import MemoryStore, SqlStore, open_store
from mpf_core.store.port import AuditEntry, Query, Store
from tests.store.support import Place, execute, record, sqlite_place

pytest_plugins = ["tests.store.places"]

SQLITE = "sqlite:///mpf.db"
OPEN_IN_CHILD = "say(store.digest(b'x').hex())\nsys.stdin.readline()\n"


def test_a_store_in_memory_has_everything_and_is_new_each_time(tmp_path: Path) -> None:
    first, second = open_store(StoreSettings(), tmp_path), open_store(StoreSettings(), tmp_path)
    store: Store = first
    store.journal.write(record("e1"), audit=[AuditEntry("request.begin", 1.0)], messages=[("topic", 1)])
    assert [found.id for found in store.journal.find(Query())] == ["t1"]
    assert len(list(store.audit.lines())) == 1
    assert len(store.outbox.pending()) == 1
    assert second.outbox.pending() == []
    assert first.digest(b"x") != second.digest(b"x")
    assert list(tmp_path.iterdir()) == []
    first.close()
    second.close()


def test_a_store_on_disk_keeps_everything(place: Place) -> None:
    store: Store = place.open()
    store.journal.write(record("e1"), audit=[AuditEntry("request.begin", 1.0)], messages=[("topic", 1)])
    store.settings.put("a", 1)
    digest = store.digest(b"x")
    store.close()
    store = place.open()
    found = store.journal.transaction("t1")
    assert found is not None
    assert found.verified
    assert store.audit.verify() == []
    assert len(store.outbox.pending()) == 1
    assert store.settings.get("a") == 1
    assert store.digest(b"x") == digest
    assert len(digest) == 32
    assert digest != store.digest(b"y")
    store.close()


def test_a_store_opened_twice_in_one_process_works(place: Place) -> None:
    first, second = place.open(), place.open()
    first.journal.write(record("e1"))
    second.journal.write(record("e2", "t2"))
    assert {found.id for found in first.journal.find(Query())} == {"t1", "t2"}
    first.close()
    second.journal.write(record("e2", "t3"))
    second.close()


@pytest.mark.slow
def test_a_store_opened_twice_survives_a_process_that_comes_and_goes(place: Place) -> None:
    """SQLite's locks are the process's: nothing but SQLite may open and close the file while it is in use."""
    first, second = place.open(), place.open()
    first.settings.put("before", 1)
    with place.process("store.settings.put('theirs', 2)\nstore.close()\nsay(0)\n") as child:
        assert child.hear() == 0
        child.process.wait()
    first.settings.put("after", 3)
    second.settings.put("second", 4)
    expected = ["after", "before", "second", "theirs"]
    assert first.settings.keys() == second.settings.keys() == expected
    first.close()
    second.close()
    third = place.open()
    assert third.settings.keys() == expected
    third.close()


@pytest.mark.slow
def test_processes_that_open_a_new_store_at_once_have_the_same_keys(place: Place) -> None:
    with place.process(OPEN_IN_CHILD) as a, place.process(OPEN_IN_CHILD) as b, place.process(OPEN_IN_CHILD) as c:
        assert len({child.hear() for child in (a, b, c)}) == 1
    assert len(read_key_file(place.base_dir / "mpf.key")) == 1


def test_threads_that_open_a_new_store_at_once_have_the_same_keys(tmp_path: Path) -> None:
    place = sqlite_place(tmp_path)
    digests: list[bytes] = []

    def open_one() -> None:
        store = place.open()
        digests.append(store.digest(b"x"))
        store.close()

    threads = [threading.Thread(target=open_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 4
    assert len(set(digests)) == 1


def test_another_engine_makes_the_new_store_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = sqlite_place(tmp_path)
    look = opening.master_key_of

    def late(db: Database) -> str | None:
        monkeypatch.setattr(opening, "master_key_of", look)
        place.open().close()
        return look(db)

    monkeypatch.setattr(opening, "master_key_of", late)
    store = place.open()
    assert store.vault.keys.ids == read_key_file(tmp_path / "mpf.key").ids
    store.close()


def test_a_new_sqlite_store_gets_its_key_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    store = open_store(StoreSettings(url="sqlite:///data/mpf.db"), tmp_path)
    assert isinstance(store, SqlStore)
    assert store.key_file == tmp_path / "data" / "mpf.key"
    assert stat.S_IMODE(store.key_file.stat().st_mode) == 0o600
    store.close()


def test_a_key_file_that_is_there_is_used(place: Place) -> None:
    keys = create_key_file(place.base_dir / "mpf.key")
    store = place.open()
    assert store.vault.keys.ids == keys.ids
    store.close()


def test_a_lost_key_file_is_said_and_not_replaced(place: Place) -> None:
    place.open().close()
    key_file = place.base_dir / "mpf.key"
    key_id = read_key_file(key_file).ids[0]
    key_file.unlink()
    with pytest.raises(
        ConfigError, match=f"the key file .*mpf.key is missing; the store was written with master key {key_id}"
    ):
        place.open()
    assert not key_file.exists()


def test_another_key_than_the_stores_is_said(place: Place) -> None:
    place.open().close()
    key_file = place.base_dir / "mpf.key"
    key_id = read_key_file(key_file).ids[0]
    key_file.unlink()
    create_key_file(key_file)
    with pytest.raises(ConfigError, match=f"written with master key {key_id}, which is not among those given"):
        place.open()


def test_a_key_file_that_others_can_read_is_refused(place: Place) -> None:
    place.open().close()
    (place.base_dir / "mpf.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        place.open()


def test_the_keys_may_come_from_a_stored_credential(tmp_path: Path) -> None:
    keys = MasterKeys.generate().with_new()
    settings = StoreSettings(url=SQLITE, key="store-key")
    store = open_store(settings, tmp_path, keys.text)
    assert isinstance(store, SqlStore)
    assert store.key_file is None
    assert store.vault.keys.ids == keys.ids
    store.close()
    assert not (tmp_path / "mpf.key").exists()
    open_store(settings, tmp_path, keys.current_only().text).close()
    with pytest.raises(ConfigError, match="not among those given"):
        open_store(settings, tmp_path, MasterKeys.generate().text)
    with pytest.raises(ConfigError, match="base64"):
        open_store(settings, tmp_path, lambda: "my dog's name")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": SQLITE, "key": "k"}, "nobody here can give it"),
        ({"url": SQLITE, "key": "k", "key_file": "mpf.key"}, "exclude each other"),
        ({"url": "sqlite:///missing/mpf.db"}, "cannot be opened"),
        ({"url": "sqlite:///"}, "names no file"),
    ],
)
def test_what_does_not_fit_together_is_said(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_store(StoreSettings.model_validate(settings), tmp_path)
    assert not (tmp_path / "mpf.key").exists()


def test_a_postgresql_store_must_be_told_where_its_key_is(postgres_place: Place) -> None:
    with pytest.raises(ConfigError, match=r"needs store\.key or store\.key_file"):
        postgres_place.open(key_file=None)


@pytest.mark.parametrize("name", ["key.audit", "key.settings", "key.digest"])
def test_a_store_whose_own_keys_were_changed_is_not_opened(place: Place, name: str) -> None:
    store = place.open()
    ((wrapped,),) = _meta(store, name)
    execute(
        store,
        "UPDATE meta SET value = :value WHERE name = :name",
        value=wrapped[:-1] + b"\0\0"[: 1 + (wrapped[-1] == 0)],
        name=name,
    )
    with pytest.raises(ConfigError, match="changed by somebody else"):
        place.open()
    execute(store, "DELETE FROM meta WHERE name = :name", name=name)
    with pytest.raises(ConfigError, match=f"{name} is missing in meta"):
        place.open()
    store.close()


def test_stores_of_their_own_have_digests_of_their_own(tmp_path: Path) -> None:
    one, two = MemoryStore(), sqlite_place(tmp_path).open()
    assert one.digest(b"x") != two.digest(b"x")
    one.close()
    two.close()


def _meta(store: SqlStore, name: str) -> list[tuple[bytes]]:
    with store.db.read() as cursor:
        found: list[tuple[bytes]] = cursor.execute(f"SELECT value FROM meta WHERE name = '{name}'").fetchall()
    return found
