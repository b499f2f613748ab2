"""Master keys, their file, and what they keep closed (mpf_core.store.keys, mpf_core.store.vault)."""

from __future__ import annotations

import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.errors import ConfigError
from mpf_core.store.keys import MasterKeys, create_key_file, read_key_file, replace_key_file
from mpf_core.store.vault import Tampered, UnknownMasterKey, Vault, wrapped_with

KEYS = MasterKeys.generate()
VAULT = Vault(KEYS)
KEY = VAULT.new_key()


def test_keys_are_read_from_text_in_order() -> None:
    first, second = os.urandom(32), os.urandom(32)
    text = f"\n  {base64.b64encode(first).decode()}\t\r\n{base64.b64encode(second).decode()}  "
    keys = MasterKeys.parse(text)
    assert len(keys) == 2
    assert keys.current[1] == first
    assert [keys.find(bytes.fromhex(key_id)) for key_id in keys.ids] == [first, second]
    assert MasterKeys.parse(keys.text()).ids == keys.ids


def test_the_same_key_twice_is_one() -> None:
    assert len(MasterKeys.parse(KEYS.text() * 2)) == 1


@pytest.mark.parametrize(
    "text",
    ["", " \n", "AAAA", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode(), "geheim!", "ä" * 44],
)
def test_text_that_holds_no_keys_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        MasterKeys.parse(text)
    assert not text.strip() or text.strip() not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_nothing_shows_a_key() -> None:
    secret = KEYS.current[1]
    for shown in (repr(KEYS), repr(VAULT), repr(KEY), str(KEYS)):
        assert secret.hex() not in shown
        assert base64.b64encode(secret).decode() not in shown
        assert repr(secret) not in shown
    assert KEYS.ids[0] in repr(VAULT)


@given(plaintext=st.binary(max_size=300), bound=st.binary(max_size=100), clear=st.booleans())
def test_what_was_sealed_can_be_opened(plaintext: bytes, bound: bytes, clear: bool) -> None:
    assert VAULT.unwrap(KEY.wrapped).open(KEY.seal(plaintext, bound, clear), bound) == plaintext


@given(data=st.data(), plaintext=st.binary(max_size=40), bound=st.binary(max_size=20), clear=st.booleans())
def test_any_change_is_seen(data: st.DataObject, plaintext: bytes, bound: bytes, clear: bool) -> None:
    sealed = KEY.seal(plaintext, bound, clear)
    kind = data.draw(st.sampled_from(["flip", "cut", "grow", "bound", "other key"]))
    key, changed, other = KEY, sealed, bound
    if kind == "flip":
        at = data.draw(st.integers(0, len(sealed) - 1))
        changed = sealed[:at] + bytes([sealed[at] ^ data.draw(st.integers(1, 255))]) + sealed[at + 1 :]
    elif kind == "cut":
        changed = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    elif kind == "grow":
        changed = sealed + data.draw(st.binary(min_size=1, max_size=8))
    elif kind == "bound":
        other = data.draw(st.binary(max_size=20).filter(lambda value: value != bound))
    else:
        key = VAULT.new_key()
    with pytest.raises(Tampered):
        key.open(changed, other)


def test_a_clear_blob_shows_its_plaintext_and_the_boundary_to_what_it_is_bound_to_cannot_be_moved() -> None:
    sealed = KEY.seal(b"cd", b"ab", clear=True)
    assert sealed.endswith(b"cd")
    with pytest.raises(Tampered):
        KEY.open(sealed[:-2] + b"bcd", b"a")
    assert b"plain" not in KEY.seal(b"plain", b"")


def test_the_same_plaintext_is_never_sealed_alike() -> None:
    assert KEY.seal(b"x", b"") != KEY.seal(b"x", b"")
    assert VAULT.new_key().wrapped != VAULT.new_key().wrapped


def test_an_older_master_key_still_unwraps_and_rewrap_ends_that() -> None:
    both = KEYS.with_new()
    vault = Vault(both)
    sealed = KEY.seal(b"data", b"here")
    assert vault.unwrap(KEY.wrapped).open(sealed, b"here") == b"data"
    rewrapped = vault.rewrap(KEY.wrapped)
    assert wrapped_with(KEY.wrapped) == KEYS.ids[0]
    assert wrapped_with(rewrapped) == both.ids[0]
    assert vault.rewrap(rewrapped) == rewrapped
    only = Vault(both.current_only())
    assert only.unwrap(rewrapped).open(sealed, b"here") == b"data"
    with pytest.raises(ConfigError, match=f"master key {KEYS.ids[0]}, which is not among those given"):
        only.unwrap(KEY.wrapped)


def test_a_key_that_became_known_later_is_asked_for_once_it_is_needed() -> None:
    both = KEYS.with_new()
    wrapped = Vault(both).new_key().wrapped
    running = Vault(KEYS, lambda: both)
    assert running.unwrap(wrapped).wrapped == wrapped
    assert running.keys.ids == both.ids


@given(data=st.data())
def test_a_changed_wrapped_key_never_unwraps(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(KEY.wrapped) - 1))
    flipped = KEY.wrapped[:at] + bytes([KEY.wrapped[at] ^ data.draw(st.integers(1, 255))]) + KEY.wrapped[at + 1 :]
    changed = data.draw(st.sampled_from([flipped, KEY.wrapped[:at], KEY.wrapped + b"x", b""]))
    with pytest.raises(Tampered):
        VAULT.unwrap(changed)


def test_a_missing_master_key_is_a_wrong_configuration_and_unverified_data_alike() -> None:
    with pytest.raises(UnknownMasterKey) as caught:
        Vault(MasterKeys.generate()).unwrap(KEY.wrapped)
    assert isinstance(caught.value, ConfigError)
    assert isinstance(caught.value, Tampered)


def test_derived_keys_differ_by_purpose_and_key() -> None:
    assert KEY.derive("a") == VAULT.unwrap(KEY.wrapped).derive("a")
    assert len({KEY.derive("a"), KEY.derive("b"), VAULT.new_key().derive("a")}) == 3


def test_a_key_file_is_for_its_owner_only_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "mpf.key"
    keys = create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path).ids == keys.ids
    with pytest.raises(FileExistsError):
        create_key_file(path)
    assert read_key_file(path).ids == keys.ids
    assert [file.name for file in tmp_path.iterdir()] == ["mpf.key"]


def test_of_many_who_make_the_key_file_one_does(tmp_path: Path) -> None:
    path = tmp_path / "mpf.key"
    seen: list[tuple[str, ...]] = []

    def make() -> None:
        try:
            keys = create_key_file(path)
        except FileExistsError:
            keys = read_key_file(path)
        seen.append(keys.ids)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_a_key_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "mpf.key"
    both = create_key_file(path).with_new()
    replace_key_file(path, both)
    assert read_key_file(path).ids == both.ids
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["mpf.key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mpf.key"
    create_key_file(path)
    for mode in (0o640, 0o604, 0o620, 0o601):
        path.chmod(mode)
        with pytest.raises(ConfigError, match="for its owner only: chmod 600"):
            read_key_file(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mpf.key"
    create_key_file(path)
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigError, match="belongs to another account"):
        read_key_file(path)


def test_what_is_no_key_file_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "mpf.key"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_key_file(path)
    path.touch(mode=0o600)
    for content in (b"", b"not a key", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="must hold keys") as caught:
            read_key_file(path)
        assert "not a key" not in str(caught.value)
    with pytest.raises(ConfigError):
        read_key_file(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        create_key_file(tmp_path / "missing" / "mpf.key")
