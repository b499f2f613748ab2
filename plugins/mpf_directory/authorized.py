"""A directory in which each name leads to the object that it was authorized for, or nowhere.

A policy decides about the objects that names stand for. What is decided, locked and written must be about the same ones,
and another tool, which locks nothing, may give a name to another object in between. So policies leave in the transaction's
memory which object each name stood for (`Memory.authorized`), and what a call then reads to prepare its change is compared
with that. The change itself goes by GUID.
"""

from __future__ import annotations

from collections.abc import Sequence

from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn
from mpf_directory.locking import renamed_meanwhile
from mpf_directory.memory import Memory
from mpf_directory.operations import guid_of
from mpf_directory.port import Directory, Entry

_GUID = "objectguid"


class AuthorizedDirectory(DelegatingDirectory):
    """Raises LOCK_VIOLATION where a name, of something that was authorized, is another object's by now."""

    def __init__(self, directory: Directory, memory: Memory) -> None:
        super().__init__(directory)
        self._memory = memory

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        authorized = self._memory.authorized.get(dn)
        if authorized is None:
            return super().read(dn, attributes)
        asked = not attributes or any(name.lower() in {_GUID, "*"} for name in attributes)
        entry = super().read(dn, attributes if asked else [*attributes, _GUID])
        if entry is None:
            return None
        if guid_of(entry) not in {authorized, None}:
            raise renamed_meanwhile(dn)
        if asked:
            return entry
        return Entry(entry.dn, {name: values for name, values in entry.attributes.items() if name.lower() != _GUID})
