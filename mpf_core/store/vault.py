"""Encryption and authentication of what the store holds: AES-256-GCM under keys that a master key wraps.

Every transaction has a data key of its own, and so have the audit, the settings and the digests. A data key is stored
*wrapped* by the current master key, so that another master key needs no other data (`mpf_core.store.rotation`).

A sealed blob is a version byte, a random 96-bit nonce, and ciphertext with tag; a *clear* one is version, nonce, tag and the
plaintext itself, which is authenticated like the other. A wrapped key carries its master key's id in front. Random nonces
allow 2**32 uses of one key: four thousand million transactions under one master key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mpf_core.errors import ConfigError
from mpf_core.store.keys import ID_BYTES, KEY_BYTES, MasterKeys, create_key_file, read_key_file, replace_key_file

__all__ = [
    "DataKey",
    "MasterKeys",
    "Tampered",
    "UnknownMasterKey",
    "Vault",
    "create_key_file",
    "read_key_file",
    "replace_key_file",
    "wrapped_with",
]

_SEALED = b"\x01"
_CLEAR = b"\x02"
_WRAPPED = b"\x01"
_NONCE = 12
_TAG = 16
_HEADER = len(_WRAPPED) + ID_BYTES


class Tampered(Exception):  # noqa: N818 - what happened to the data
    """A blob is not what was sealed, or stands in another place than the one it was sealed for."""


class UnknownMasterKey(ConfigError, Tampered):  # noqa: N818 - as its parent
    """A data key needs a master key that is not given: wrong configuration, or a changed record, which look the same."""


class DataKey:
    """A key for data. ``wrapped`` is how it is stored."""

    __slots__ = ("_cipher", "_key", "wrapped")

    def __init__(self, key: bytes, wrapped: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)
        self.wrapped = wrapped

    def seal(self, plaintext: bytes, bound: bytes, clear: bool = False) -> bytes:
        """Encrypt ``plaintext`` and authenticate it together with ``bound``; with ``clear``, authenticate only.

        ``bound`` says where the blob belongs and is not stored: `open` needs the same.
        """
        nonce = os.urandom(_NONCE)
        if not clear:
            return _SEALED + nonce + self._cipher.encrypt(nonce, plaintext, _SEALED + bound)
        return _CLEAR + nonce + self._cipher.encrypt(nonce, b"", _shown(plaintext, bound)) + plaintext

    def open(self, blob: bytes, bound: bytes) -> bytes:
        """The plaintext of a sealed blob. Raises Tampered when blob or ``bound`` is not what `seal` had."""
        blob = bytes(blob)
        version, nonce, content = blob[:1], blob[1 : 1 + _NONCE], blob[1 + _NONCE :]
        try:
            if version == _SEALED:
                return self._cipher.decrypt(nonce, content, _SEALED + bound)
            if version == _CLEAR:
                tag, plaintext = content[:_TAG], content[_TAG:]
                self._cipher.decrypt(nonce, tag, _shown(plaintext, bound))
                return plaintext
        except (InvalidTag, ValueError):
            pass
        raise Tampered("what was stored does not verify")

    def derive(self, purpose: str) -> bytes:
        """Another key (32 bytes) for a purpose that is no encryption, such as a keyed hash."""
        return hmac.digest(self._key, b"mpf " + purpose.encode(), hashlib.sha256)

    def __repr__(self) -> str:
        return "DataKey(...)"


class Vault:
    """Wraps and unwraps data keys with the master keys.

    ``reload`` gives the master keys as they are now; it is asked when a data key needs one that is not known here, which
    happens to an engine that runs while its store gets a new master key.
    """

    def __init__(self, keys: MasterKeys, reload: Callable[[], MasterKeys] | None = None) -> None:
        self._reload = reload
        self.keys = keys

    @property
    def keys(self) -> MasterKeys:
        """The master keys in use."""
        return self._keys

    @keys.setter
    def keys(self, keys: MasterKeys) -> None:
        key_id, key = keys.current
        self._keys = keys
        # One assignment, so that another thread never wraps with one key under the other's id.
        self._current = _WRAPPED + key_id, AESGCM(key)

    def reload(self) -> None:
        """Read the master keys again. Raises ConfigError when they cannot be read."""
        if self._reload is not None:
            self.keys = self._reload()

    def new_key(self) -> DataKey:
        """A new random data key, wrapped with the current master key."""
        key = secrets.token_bytes(KEY_BYTES)
        return DataKey(key, self._wrap(key))

    def unwrap(self, wrapped: bytes) -> DataKey:
        """The data key that was wrapped.

        Raises Tampered when it was changed; UnknownMasterKey, which is one, when its master key is not among those given.
        """
        return DataKey(self._unwrap(bytes(wrapped)), bytes(wrapped))

    def rewrap(self, wrapped: bytes) -> bytes:
        """The same data key under the current master key. Raises the errors of `unwrap`."""
        wrapped = bytes(wrapped)
        return wrapped if wrapped[:_HEADER] == self._current[0] else self._wrap(self._unwrap(wrapped))

    def _wrap(self, key: bytes) -> bytes:
        header, cipher = self._current
        nonce = os.urandom(_NONCE)
        return header + nonce + cipher.encrypt(nonce, key, header)

    def _unwrap(self, wrapped: bytes) -> bytes:
        header, nonce, content = wrapped[:_HEADER], wrapped[_HEADER : _HEADER + _NONCE], wrapped[_HEADER + _NONCE :]
        if header[:1] != _WRAPPED or len(wrapped) != _HEADER + _NONCE + KEY_BYTES + _TAG:
            raise Tampered("a wrapped key does not verify")
        master = self._master(header[1:])
        try:
            return AESGCM(master).decrypt(nonce, content, header)
        except (InvalidTag, ValueError):
            raise Tampered("a wrapped key does not verify") from None

    def _master(self, key_id: bytes) -> bytes:
        key = self._keys.find(key_id)
        if key is None:
            self.reload()
            key = self._keys.find(key_id)
        if key is None:
            raise UnknownMasterKey(f"the store was written with master key {key_id.hex()}, which is not among those given")
        return key

    def __repr__(self) -> str:
        return f"Vault({self._keys!r})"


def wrapped_with(wrapped: bytes) -> str:
    """The id of the master key that a data key is wrapped with."""
    return bytes(wrapped)[1:_HEADER].hex()


def _shown(plaintext: bytes, bound: bytes) -> bytes:
    """What a clear blob's tag covers, with the length that keeps both parts apart."""
    return b"".join((_CLEAR, len(bound).to_bytes(8, "big"), bound, plaintext))
