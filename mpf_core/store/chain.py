"""The audit's chain: each line has a keyed hash that covers the one before it, and both ends are authenticated.

``hash(n) = HMAC(key, hash(n - 1) + line n)``. Who does not have the key can neither change a line nor add one; a line that
was removed or moved breaks the chain. What a chain alone does not show is a cut at one of its ends; so the end's number and
hash are kept with a MAC, and the same of the last line that was removed on purpose (the anchor).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mpf_core.store.vault import DataKey

_NOTHING = bytes(32)


class Link(NamedTuple):
    """A place in the chain: the number of a line, from 1, and its hash. Number 0 is before the first line."""

    number: int
    hash: bytes


#: Where every chain begins.
START = Link(0, _NOTHING)


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as the table has it: number, hash, and what the hash covers besides, in a fixed order."""

    number: int
    hash: bytes
    fields: tuple[object, ...]


class Chain:
    """Computes and checks hashes with the audit's key."""

    __slots__ = ("_anchors", "_heads", "_lines")

    def __init__(self, key: DataKey) -> None:
        # Three keys, so that the MAC of one kind is never good for another.
        self._lines = key.derive("audit line")
        self._heads = key.derive("audit head")
        self._anchors = key.derive("audit anchor")

    def next(self, previous: Link, fields: tuple[object, ...]) -> Link:
        """The place of a new line behind ``previous``."""
        number = previous.number + 1
        return Link(number, self._hash(previous.hash, number, fields))

    def restart(self, number: int) -> Link:
        """A place to go on from when the chain's end does not verify: nothing that follows hides that it did not."""
        return Link(number, self._hash(_NOTHING, number, ("the end did not verify",)))

    def close_head(self, head: Link) -> bytes:
        """What is kept of the chain's end."""
        return _close(self._heads, head)

    def open_head(self, stored: object) -> Link | None:
        """The chain's end from what was kept, or ``None`` when it does not verify."""
        return _open(self._heads, stored)

    def close_anchor(self, anchor: Link) -> bytes:
        """What is kept of the last line that was removed on purpose."""
        return _close(self._anchors, anchor)

    def open_anchor(self, stored: object) -> Link | None:
        """The last line that was removed on purpose, or ``None`` when it does not verify."""
        return _open(self._anchors, stored)

    def verify(self, lines: Iterable[StoredLine], anchor: Link | None, head: Link | None) -> Iterator[str]:
        """What is wrong with ``lines`` (in the order of their numbers), in words.

        ``anchor`` and ``head`` are what `open_anchor` and `open_head` gave. Goes on behind a wrong line, so that the
        message tells of all of them.
        """
        if anchor is None:
            yield "the record of the chain's beginning was changed or removed"
        if head is None:
            yield "the record of the chain's end was changed or removed"
        last = anchor
        # The hashes that the next line may continue from: after a wrong line, the one it has and the one it should have.
        candidates: tuple[bytes, ...] = (anchor.hash,) if anchor else ()
        for line in lines:
            number = line.number
            if last is not None and number <= last.number:
                yield f"line {number} was added: it is older than the chain's beginning"
                continue
            if last is not None and number > last.number + 1:
                yield f"{_range(last.number + 1, number - 1)} removed; so line {number} cannot be checked"
                candidates = ()
            computed = tuple(self._hash(previous, number, line.fields) for previous in candidates)
            if computed and line.hash not in computed:
                if line.hash == self.next(self.restart(number - 1), line.fields).hash:
                    yield f"line {number} was written when the chain's end did not verify: lines before it may be missing"
                else:
                    yield f"line {number} was changed, moved from another place, or added"
            candidates = (line.hash, *(hash_ for hash_ in computed if hash_ != line.hash))[:3]
            if head is not None and number == head.number and head.hash not in candidates:
                yield f"line {number} is not the one that the chain ended with"
            if head is not None and number > head.number:
                yield f"line {number} was added behind the chain's end, which is line {head.number}"
            last = Link(number, line.hash)
        reached = last.number if last else 0
        if head is not None and reached < head.number:
            yield f"{_range(reached + 1, head.number)} removed from the end"

    def _hash(self, previous: bytes, number: int, fields: tuple[object, ...]) -> bytes:
        line = _encode([number, *fields])
        return hmac.digest(self._lines, previous + line.encode("ascii"), hashlib.sha256)


#: What is no text or number was put into the table by somebody else, and needs only to give another hash.
_encode = json.JSONEncoder(separators=(",", ":"), default=repr).encode


def _close(key: bytes, link: Link) -> bytes:
    text = json.dumps([link.number, link.hash.hex()]).encode("ascii")
    return hmac.digest(key, text, hashlib.sha256) + text


def _open(key: bytes, stored: object) -> Link | None:
    if not isinstance(stored, bytes):
        return None
    mac, text = stored[:32], stored[32:]
    if not hmac.compare_digest(mac, hmac.digest(key, text, hashlib.sha256)):
        return None
    number, hash_ = json.loads(text)
    return Link(number, bytes.fromhex(hash_))


def _range(first: int, last: int) -> str:
    return f"line {first} was" if first == last else f"lines {first} to {last} were"
