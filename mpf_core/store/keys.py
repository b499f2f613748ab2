"""The store's master keys, and the file that may hold them.

A master key is 32 random bytes, written as base64. Several may be given, separated by white space: the first one is used,
the others still unwrap what was written with them (design: docs/design/transactions.md, "Secrets at rest").
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from mpf_core.errors import ConfigError

KEY_BYTES = 32
ID_BYTES = 4
#: A key file holds a few keys; whatever is much longer is something else.
_MOST_BYTES = 64 * 1024


class MasterKeys:
    """One or more master keys; the first one is current. Each is known by a short id that tells nothing about it."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises ConfigError when there is none, or one that is not 32 bytes long."""
        self._keys: dict[bytes, bytes] = {}  # for `repr`, whatever is wrong below
        if not keys:
            raise ConfigError("no master key was given: one is 32 random bytes, as base64")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ConfigError("a master key must be 32 bytes, as base64")
        self._keys = {_key_id(key): bytes(key) for key in keys}

    @classmethod
    def parse(cls, text: str) -> MasterKeys:
        """Read base64 keys separated by white space. Raises ConfigError, without the text, when they are not that."""
        try:
            return cls([base64.b64decode(word, validate=True) for word in text.split()])
        except (binascii.Error, ValueError):
            raise ConfigError("a master key must be 32 bytes, as base64") from None

    @classmethod
    def generate(cls) -> MasterKeys:
        """One new random key."""
        return cls([secrets.token_bytes(KEY_BYTES)])

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the current one's first."""
        return tuple(key_id.hex() for key_id in self._keys)

    @property
    def current(self) -> tuple[bytes, bytes]:
        """Id and key of the one that is used."""
        return next(iter(self._keys.items()))

    def find(self, key_id: bytes) -> bytes | None:
        """The key of that id."""
        return self._keys.get(key_id)

    def with_new(self) -> MasterKeys:
        """These keys behind a new random one."""
        return MasterKeys([secrets.token_bytes(KEY_BYTES), *self._keys.values()])

    def current_only(self) -> MasterKeys:
        """The current key alone."""
        return MasterKeys([self.current[1]])

    def text(self) -> str:
        """What `parse` reads. A secret."""
        return "".join(f"{base64.b64encode(key).decode()}\n" for key in self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self.ids)})"


def _key_id(key: bytes) -> bytes:
    return hmac.digest(key, b"mpf master key id", hashlib.sha256)[:ID_BYTES]


def create_key_file(path: Path) -> MasterKeys:
    """Make a file with one new key, for its owner only, and return the key when it is on the disk.

    Raises FileExistsError when there is one already, and ConfigError when it cannot be written.
    """
    keys = MasterKeys.generate()
    draft = _draft(path, keys)
    try:
        # A link, so that a file of this name is complete from the first moment on: another engine may be waiting for it.
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be made: {error.strerror}") from None
    finally:
        draft.unlink()
    _sync_folder(path)
    return keys


def replace_key_file(path: Path, keys: MasterKeys) -> None:
    """Put ``keys`` in the place of what the file holds: at any moment the file has the old or the new keys, whole.

    Raises ConfigError when it cannot be written; then the old keys are still there.
    """
    draft = _draft(path, keys)
    try:
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"the key file {path} cannot be replaced: {error.strerror}") from None
    _sync_folder(path)


def read_key_file(path: Path) -> MasterKeys:
    """The keys in a key file.

    Raises ConfigError when it cannot be read, when somebody else than its owner may read or write it, when it belongs to
    another account, or when it holds no keys; never with what is in it.
    """
    try:
        with path.open("rb") as file:
            # Of the open file, so that it cannot be exchanged between the look and the reading.
            status = os.fstat(file.fileno())
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"the key file {path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError(f"the key file {path} must be a file for its owner only: chmod 600 {path}")
    if status.st_uid not in {0, os.geteuid()}:
        raise ConfigError(f"the key file {path} belongs to another account than this program's")
    try:
        return MasterKeys.parse(content.decode("ascii"))
    except (ConfigError, UnicodeDecodeError):
        raise ConfigError(f"the key file {path} must hold keys of 32 bytes, as base64, one in a line") from None


def _draft(path: Path, keys: MasterKeys) -> Path:
    """A new file beside ``path`` that holds the keys, on the disk."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(keys.text().encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"the key file {path} cannot be written: {error.strerror}") from None
    return draft


def _sync_folder(path: Path) -> None:
    """Make the name itself durable, not the content only."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
