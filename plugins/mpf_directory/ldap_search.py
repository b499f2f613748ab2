"""Reading over LDAP: objects with all of their values, and searches page by page: complete, or an error, never a part."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import ldap3
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn, respelled
from mpf_directory.filters import Filter
from mpf_directory.ldap_connection import answering, check
from mpf_directory.ldap_filter import encode_filter
from mpf_directory.ldap_pool import ConnectionPool
from mpf_directory.ldap_session import Session
from mpf_directory.port import Entry, Scope, Value
from mpf_directory.schema import default_schema

_PAGED = "1.2.840.113556.1.4.319"
_RANGE = ";range="
_WHOLE = "0-*"
#: How often an attribute is read that changes while it is read, and the number of an object's last change at a server.
_READINGS, _CHANGED = 3, "uSNChanged"
_BOUNDS = re.compile(r"(\d{1,9})-(\d{1,9}|\*)")
_EVERYTHING = Filter.present("objectClass")
_SCOPES = {Scope.BASE: ldap3.BASE, Scope.ONE_LEVEL: ldap3.LEVEL, Scope.SUBTREE: ldap3.SUBTREE}


def read_object(connection: Any, dn: Dn, attributes: Sequence[str]) -> Entry | None:
    """The object, or ``None`` where the server shows none under that name. Raises NO_SUCH_OBJECT where it has none."""
    found, result = _exchange(connection, dn, Scope.BASE, _EVERYTHING, attributes)
    check(result, dn)
    return _entry(connection, found[0]) if found else None


class PagedSearch:
    """One search, page by page, on one connection: the server's cookies are good on that one only.

    When the connection ends, the search begins anew and leaves out what it has given already. A context manager, which lets
    go of the connection.
    """

    def __init__(
        self, session: Session, base: Dn, scope: Scope, wanted: Filter, attributes: Sequence[str], *, size: int
    ) -> None:
        self._session = session
        self._base = base
        self._query = (scope, wanted, attributes)
        self._size = size
        self._lease = ExitStack()
        self._connection: Any = None
        self._target = base
        self._cookie: bytes | None = None
        self._given: set[Dn] = set()

    def __enter__(self) -> PagedSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def pages(self) -> Iterator[list[Entry]]:
        """The entries of each page. Raises what the server says, of whichever page."""
        while self._cookie != b"":
            found = self._session.run(self._base, self._page, safe=True)
            fresh = [entry for entry in found if entry.dn not in self._given]
            if self._cookie:
                self._given.update(entry.dn for entry in fresh)
            else:
                # Nothing can be in the way of the last page, and nobody has to wait for the connection.
                self._let_go()
            yield fresh

    def _page(self, pool: ConnectionPool, target: Dn) -> list[Entry]:
        try:
            if self._connection is None:
                self._connection = self._lease.enter_context(pool.lease(self._session.credentials, self._session.deadline))
                self._target, self._cookie = target, None
            with answering(pool.controller):
                control = paged_search_control(True, self._size, self._cookie)
                found, result = _exchange(self._connection, self._target, *self._query, control)
                check(result, self._target)
                entries = [_entry(self._connection, one) for one in found]
        except BaseException:
            self._let_go()
            raise
        paging = result.get("controls", {}).get(_PAGED)
        self._cookie = paging["value"]["cookie"] if paging else b""
        return entries

    def _let_go(self) -> None:
        self._connection = None
        self._lease.close()


def _exchange(
    connection: Any, base: Dn, scope: Scope, wanted: Filter, attributes: Sequence[str], *controls: Any
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One search request and all its answers. References to other servers are left out, as ADSI does by default."""
    clock = connection.strategy.clock
    clock.start()
    request = search_operation(
        str(base), "(objectClass=*)", _SCOPES[scope], ldap3.DEREF_NEVER, list(attributes) or ["*"],
        0, math.ceil(clock.left(sent=False)), False, False, False,
    )  # fmt: skip
    request["filter"] = encode_filter(wanted)
    responses, result = connection.get_response(connection.send("searchRequest", request, list(controls) or None))
    return [one for one in responses if one["type"] == "searchResEntry"], result


def _entry(connection: Any, response: dict[str, Any]) -> Entry:
    dn = Dn.from_server(response["dn"])
    attributes: dict[str, tuple[Value, ...]] = {}
    for name, values in response["raw_attributes"].items():
        bare, ranged, bounds = name.partition(_RANGE)
        if ranged:
            values = values if bounds == _WHOLE else _all_values(connection, dn, bare)  # noqa: PLW2901 - all of the same
        if values:
            attributes[bare] = _from_octets(bare, values)
    return Entry(dn, attributes)


def _all_values(connection: Any, dn: Dn, name: str) -> list[bytes]:
    """All values of an attribute of which the server gives a part at a time. LOCK_VIOLATION when it changes all the while.

    Active Directory gives 1,500 values at a time; who takes them for all of them empties groups. Each part is read for
    itself, so what comes or goes meanwhile moves the others, and one of them would be missed or taken twice: everything is
    read again where the object has changed. It is from the beginning, because the first answer does not say which state of
    the object it shows. The directory's own work on a group, when a member is deleted, changes it without a trace.
    """
    for _ in range(_READINGS - 1):
        with suppress(_TornError):
            return _read_through(connection, dn, name)
    return _read_through(connection, dn, name)


def _read_through(connection: Any, dn: Dn, name: str) -> list[bytes]:
    """The values of the first range, ``0-1499``, and of those after it up to and with ``...-*``."""
    all_values: list[bytes] = []
    state = None
    while True:
        bounds, values, now = _range(connection, dn, name, len(all_values))
        start, _, end = bounds.partition("-")
        whole = _BOUNDS.fullmatch(bounds) and int(start) == len(all_values)
        if not whole or (end != "*" and int(end) + 1 - int(start) != len(values)) or (end != "*" and not values):
            raise _TornError(dn, name, len(all_values))
        if all_values and now != state:
            raise _TornError(dn, name, len(all_values))
        state = now
        all_values += values
        if end == "*":
            return all_values


def _range(connection: Any, dn: Dn, name: str, start: int) -> tuple[str, Sequence[bytes], Sequence[bytes]]:
    """The bounds and values of the range from ``start`` on, and the number of the object's last change, if it has one."""
    found, result = _exchange(connection, dn, Scope.BASE, _EVERYTHING, [f"{name}{_RANGE}{start}-*", _CHANGED])
    check(result, dn)
    attributes = found[0]["raw_attributes"] if found else {}
    changed = next((values for attribute, values in attributes.items() if attribute.lower() == _CHANGED.lower()), ())
    for attribute, values in attributes.items():
        bare, ranged, bounds = attribute.partition(_RANGE)
        if ranged and bare.lower() == name.lower():
            return bounds, values, changed
    raise _TornError(dn, name, start)


class _TornError(MpfError):
    """An attribute changed between one of its parts and the next."""

    def __init__(self, dn: Dn, name: str, start: int) -> None:
        text = f"{name} of {dn} changed while it was read (values from {start} on are missing); try it again."
        super().__init__(Code.LOCK_VIOLATION, text)


def _from_octets(name: str, values: Sequence[bytes]) -> tuple[Value, ...]:
    """Text or octets, as the schema has it; text that is none stays octets. Names are spelled as `Dn.parse` reads them."""
    if default_schema().is_bytes(name):
        return tuple(bytes(value) for value in values)
    try:
        texts = tuple(bytes(value).decode() for value in values)
    except UnicodeDecodeError:
        return tuple(bytes(value) for value in values)
    known = default_schema().attribute(name)
    return tuple(map(respelled, texts)) if known is not None and known.is_dn else texts
