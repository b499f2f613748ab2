"""What directories share that stand before another one: everything goes on to it, and all writes pass one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Modification, Scope, Section, SecurityDescriptors, Value


class DelegatingDirectory:
    """Implements `port.Directory` over another one, and `port.SecurityDescriptors` where that one has them."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.server = directory.server
        self.base = directory.base
        self.has_acls = directory.has_acls

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        return self._directory.read(dn, attributes)

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - LDAP's word
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """See `port.Directory.search`."""
        return self._directory.search(base, scope, filter, attributes, limit)

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        """See `port.Directory.add`."""
        self._write(lambda: self._directory.add(dn, attributes))

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """See `port.Directory.modify`."""
        self._write(lambda: self._directory.modify(dn, modifications))

    def delete(self, dn: Dn) -> None:
        """See `port.Directory.delete`."""
        self._write(lambda: self._directory.delete(dn))

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """See `port.Directory.rename`."""
        self._write(lambda: self._directory.rename(dn, new_dn))

    def read_descriptor(self, dn: Dn, sections: Section) -> bytes | None:
        """See `port.SecurityDescriptors.read_descriptor`; for directories that have access control lists only."""
        return cast(SecurityDescriptors, self._directory).read_descriptor(dn, sections)

    def write_descriptor(self, dn: Dn, descriptor: bytes, sections: Section) -> None:
        """See `port.SecurityDescriptors.write_descriptor`."""
        under = cast(SecurityDescriptors, self._directory)
        self._write(lambda: under.write_descriptor(dn, descriptor, sections))

    def _write(self, effect: Callable[[], None]) -> None:
        """Do one write. Subclasses do something before or after."""
        effect()
