"""A real directory server behind the port: Active Directory or Samba, through ``ldap3``."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import ldap3
from ldap3.core.results import RESULT_NO_SUCH_OBJECT
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control

from mpf_core.errors import Code, MpfError
from mpf_core.security.principal import Credentials
from mpf_directory.dn import Dn, DnForm, escape
from mpf_directory.filters import Filter
from mpf_directory.ldap_connection import ConnectionPool, answering, server_text
from mpf_directory.ldap_filter import encode_filter
from mpf_directory.port import Entry, Modification, ModifyOp, Scope, Value
from mpf_directory.results import Result, hresult, no_such_object
from mpf_directory.schema import default_schema
from mpf_directory.security_descriptor_ldap import LdapDescriptors

_PAGED = "1.2.840.113556.1.4.319"
_PAGE = 500
_RANGE = ";range="
_EVERYTHING = Filter.present("objectClass")
_SCOPES = {Scope.BASE: ldap3.BASE, Scope.ONE_LEVEL: ldap3.LEVEL, Scope.SUBTREE: ldap3.SUBTREE}
_OPERATIONS = {
    ModifyOp.ADD: ldap3.MODIFY_ADD,
    ModifyOp.DELETE: ldap3.MODIFY_DELETE,
    ModifyOp.REPLACE: ldap3.MODIFY_REPLACE,
}


class LdapDirectory(LdapDescriptors):
    """A `port.Directory` at one domain controller, as one account. Threads may share one.

    Errors carry the HRESULT that ADSI has for the LDAP result, and the server's own words; SERVER_DOWN when it does not
    answer in time. Whether a write that ends so was done is unknown.
    """

    has_acls = True

    def __init__(self, pool: ConnectionPool, credentials: Credentials, base: Dn) -> None:
        """Does not connect; `connect` does."""
        self.server = pool.controller.name
        self.base = base
        self._pool = pool
        self._credentials = credentials

    def connect(self) -> LdapDirectory:
        """Bind now rather than with the first operation. Raises LOGON_FAILURE, E_ACCESSDENIED or SERVER_DOWN."""
        with self._pool.lease(self._credentials):
            return self

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        with self._pool.lease(self._credentials) as connection:
            return self._read(connection, dn, attributes)

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
        with self._pool.lease(self._credentials) as connection:
            with answering(self._pool.controller):
                connection.add(str(dn), attributes=values)
            _check(connection.result, dn)

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """See `port.Directory.modify`."""
        changes: dict[str, list[tuple[str, list[bytes]]]] = {}
        for part in modifications:
            change = (_OPERATIONS[part.op], _to_octets(part.attribute, part.values))
            changes.setdefault(part.attribute, []).append(change)
        if not changes:
            return
        with self._pool.lease(self._credentials) as connection:
            with answering(self._pool.controller):
                connection.modify(str(dn), changes)
            _check(connection.result, dn)

    def delete(self, dn: Dn) -> None:
        """See `port.Directory.delete`."""
        with self._pool.lease(self._credentials) as connection:
            with answering(self._pool.controller):
                connection.delete(str(dn))
            _check(connection.result, dn)

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """See `port.Directory.rename`."""
        new = new_dn.rdn
        stays = dn.form is DnForm.NAME and dn.parent == new_dn.parent
        with self._pool.lease(self._credentials) as connection:
            with answering(self._pool.controller):
                connection.modify_dn(
                    str(dn),
                    f"{new.type}={escape(new.value)}",
                    new_superior=None if stays or new_dn.parent is None else str(new_dn.parent),
                )
            _check(connection.result, dn)

    def _read(self, connection: Any, dn: Dn, attributes: Sequence[str]) -> Entry | None:
        found, result = self._exchange(connection, dn, Scope.BASE, _EVERYTHING, attributes)
        if result["result"] == RESULT_NO_SUCH_OBJECT:
            return None
        _check(result, dn)
        return self._entry(connection, found[0]) if found else None

    def _pages(
        self, base: Dn, scope: Scope, wanted: Filter, attributes: Sequence[str], size: int
    ) -> Generator[list[Entry], None, None]:
        with self._pool.lease(self._credentials) as connection:
            cookie: bytes | None = None
            while cookie != b"":
                control = paged_search_control(True, size, cookie)
                found, result = self._exchange(connection, base, scope, wanted, attributes, control)
                _check(result, base)
                yield [self._entry(connection, one) for one in found]
                paging = result.get("controls", {}).get(_PAGED)
                cookie = paging["value"]["cookie"] if paging else b""

    def _exchange(
        self,
        connection: Any,
        base: Dn,
        scope: Scope,
        wanted: Filter,
        attributes: Sequence[str],
        *controls: Any,
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """One search request and all its answers. References to other servers are left out, as ADSI does by default."""
        with answering(self._pool.controller):
            request = search_operation(
                str(base), "(objectClass=*)", _SCOPES[scope], ldap3.DEREF_NEVER, list(attributes) or ["*"],
                0, self._pool.controller.timeout, False, False, False,
            )  # fmt: skip
            request["filter"] = encode_filter(wanted)
            responses, result = connection.get_response(connection.send("searchRequest", request, list(controls) or None))
        return [one for one in responses if one["type"] == "searchResEntry"], result

    def _entry(self, connection: Any, response: dict[str, Any]) -> Entry:
        dn = Dn.parse(response["dn"])
        attributes: dict[str, tuple[Value, ...]] = {}
        for name, values in response["raw_attributes"].items():
            bare, ranged, bounds = name.partition(_RANGE)
            if ranged:
                values = [*values, *self._rest(connection, dn, bare, bounds)]  # noqa: PLW2901 - the same values, all of them
            if values:
                attributes[bare] = _from_octets(bare, values)
        return Entry(dn, attributes)

    def _rest(self, connection: Any, dn: Dn, name: str, bounds: str) -> Iterator[bytes]:
        """The values after the range ``0-1499``; up to and with ``...-*``, or an error: never a part of them."""
        last = bounds.partition("-")[2]
        while last != "*":
            start = int(last) + 1
            found, result = self._exchange(connection, dn, Scope.BASE, _EVERYTHING, [f"{name}{_RANGE}{start}-*"])
            _check(result, dn)
            ranges = {
                bounds: values
                for one in found
                for attribute, values in one["raw_attributes"].items()
                for bare, _, bounds in [attribute.partition(_RANGE)]
                if bare.lower() == name.lower() and bounds.startswith(f"{start}-")
            }
            if len(ranges) != 1:
                raise MpfError(
                    Code.LOCK_VIOLATION, f"{name} of {dn} changed while it was read (values from {start} on are missing)."
                )
            ((bounds, values),) = ranges.items()
            yield from values
            last = bounds.partition("-")[2]


def _check(result: Mapping[str, Any], dn: Dn) -> None:
    """Raise what the result stands for, unless it is success."""
    code = result["result"]
    if code == 0:
        return
    text = server_text(dict(result))
    if code == RESULT_NO_SUCH_OBJECT:
        raise MpfError(Code.NO_SUCH_OBJECT, f"{no_such_object(dn).description} ({text})")
    raise MpfError(hresult(code), f"{dn}: {text}")


def _to_octets(name: str, values: Sequence[Value]) -> list[bytes]:
    try:
        return [value if isinstance(value, bytes) else value.encode() for value in values]
    except UnicodeEncodeError:
        raise MpfError(Result.INVALID_ATTRIBUTE_SYNTAX, f"A value of {name} is no Unicode text.") from None


def _from_octets(name: str, values: Sequence[bytes]) -> tuple[Value, ...]:
    """Text or octets, as the schema has it; text that is none stays octets."""
    if default_schema().is_bytes(name):
        return tuple(bytes(value) for value in values)
    try:
        return tuple(bytes(value).decode() for value in values)
    except UnicodeDecodeError:
        return tuple(bytes(value) for value in values)
