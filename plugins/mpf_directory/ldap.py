"""A real directory server behind the port: Active Directory or Samba, through ``ldap3``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import ldap3

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn, DnForm, escape
from mpf_directory.filters import Filter
from mpf_directory.ldap_connection import check
from mpf_directory.ldap_search import PagedSearch, read_object
from mpf_directory.ldap_session import Session
from mpf_directory.port import Entry, Modification, ModifyOp, Scope, Value
from mpf_directory.results import Result
from mpf_directory.security_descriptor_ldap import LdapDescriptors

_PAGE = 500
_OPERATIONS = {
    ModifyOp.ADD: ldap3.MODIFY_ADD,
    ModifyOp.DELETE: ldap3.MODIFY_DELETE,
    ModifyOp.REPLACE: ldap3.MODIFY_REPLACE,
}


class LdapDirectory(LdapDescriptors):
    """A `port.Directory` at one domain controller, as one account. Threads may share one.

    Errors carry the HRESULT that ADSI has for the LDAP result, and the server's own words; `results.NoAnswerError` when
    it does not answer in time, which says whether a write may have been done.
    """

    has_acls = True

    def __init__(self, session: Session, base: Dn) -> None:
        """Does not connect; `connect` does."""
        self.server = session.pool.controller.name
        self.base = base
        self._session = session

    def connect(self) -> LdapDirectory:
        """Bind now rather than with the first operation. Raises LOGON_FAILURE, E_ACCESSDENIED, SERVER_DOWN or TIMEOUT."""
        self._session.bind()
        return self

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        try:
            return self._session.read(dn, lambda connection, target: read_object(connection, target, attributes))
        except MpfError as error:
            if error.code == Code.NO_SUCH_OBJECT:
                return None
            raise

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - the port's name for it
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """See `port.Directory.search`. The first page is read by the call, the others while entries are taken."""
        if limit is not None and limit <= 0:
            return iter(())
        pages = self._pages(base, scope, filter, attributes, _PAGE if limit is None else min(limit, _PAGE))
        first = next(pages)
        if limit is not None and len(first) >= limit:
            pages.close()
        return islice(chain(first, chain.from_iterable(pages)), limit)

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        """See `port.Directory.add`."""
        values = {name: _to_octets(name, given) for name, given in attributes.items()}
        self._write(dn, lambda connection, target: connection.add(str(target), attributes=values))

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """See `port.Directory.modify`."""
        changes: dict[str, list[tuple[str, list[bytes]]]] = {}
        for part in modifications:
            change = (_OPERATIONS[part.op], _to_octets(part.attribute, part.values))
            changes.setdefault(part.attribute, []).append(change)
        if changes:
            self._write(dn, lambda connection, target: connection.modify(str(target), changes))

    def delete(self, dn: Dn) -> None:
        """See `port.Directory.delete`."""
        self._write(dn, lambda connection, target: connection.delete(str(target)))

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """See `port.Directory.rename`."""
        name = f"{new_dn.rdn.type}={escape(new_dn.rdn.value)}"
        stays = dn.form is DnForm.NAME and dn.parent == new_dn.parent
        above = None if stays or new_dn.parent is None else str(new_dn.parent)
        self._write(dn, lambda connection, target: connection.modify_dn(str(target), name, new_superior=above))

    def _write(self, dn: Dn, operation: Callable[[Any, Dn], object]) -> None:
        def checked(connection: Any, target: Dn) -> None:
            operation(connection, target)
            check(connection.result, target)

        self._session.write(dn, checked)

    def _pages(
        self, base: Dn, scope: Scope, wanted: Filter, attributes: Sequence[str], size: int
    ) -> Generator[list[Entry], None, None]:
        with PagedSearch(self._session, base, scope, wanted, attributes, size=size) as search:
            yield from search.pages()


def _to_octets(name: str, values: Sequence[Value]) -> list[bytes]:
    try:
        return [value if isinstance(value, bytes) else value.encode() for value in values]
    except UnicodeEncodeError:
        raise MpfError(Result.INVALID_ATTRIBUTE_SYNTAX, f"A value of {name} is no Unicode text.") from None
