"""A search filter as SQL over the embedded directory's tables.

Each comparison becomes a test of one object (three-valued, as in LDAP: a comparison that makes no sense is NULL, and so is
its negation) and, where an index answers it, also a *driver*: a query that gives the objects to test at all. The best
driver is taken from the comparisons that must hold together, so ``(&(objectClass=user)(sAMAccountName=x))`` reads one row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mpf_directory import filters
from mpf_directory.dn import Dn, fold, parse_guid, squeeze
from mpf_directory.embedded_names import BEHIND, find_text
from mpf_directory.embedded_values import compared
from mpf_directory.port import Scope, Value
from mpf_directory.schema import Attribute, Schema, Syntax
from mpf_directory.sids import sid_to_octets

Parameters = tuple[Any, ...]

#: Attributes that hold the same value in a large part of all objects: a poor place to start a search from.
_COARSE = frozenset({"objectclass", "objectcategory", "useraccountcontrol", "grouptype", "samaccounttype", "primarygroupid"})


@dataclass(frozen=True, slots=True)
class Driver:
    """A query for the numbers of all objects that can match, and how many it is likely to give (0 is best)."""

    sql: str
    parameters: Parameters
    rank: int


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on the object ``o``."""

    sql: str
    parameters: Parameters = ()
    driver: Driver | None = None


_UNDEFINED = Test("NULL")
_FALSE = Test("0", driver=Driver("SELECT NULL AS id WHERE 0", (), 0))
_TRUE = Test("1")


def search_ids(
    db: sqlite3.Connection, schema: Schema, base: int, scope: Scope, wanted: filters.Filter, *, limit: int | None
) -> list[int]:
    """The numbers of the objects at or below object ``base`` that match, in the order of their names."""
    test = _Compiler(db, schema).compile(wanted)
    (path, is_root) = db.execute("SELECT path, parent IS NULL FROM object WHERE id = ?", (base,)).fetchone()
    place, at = _place(scope, base, path)
    driver = test.driver
    if driver is not None and (driver.rank < _RANK_COARSE or (scope is Scope.SUBTREE and is_root)):
        sql = f"WITH d AS ({driver.sql}) SELECT DISTINCT o.id, o.path FROM d CROSS JOIN object o ON o.id = d.id"  # noqa: S608 - built from constants
        parameters: Parameters = driver.parameters
    else:
        sql, parameters = "SELECT o.id, o.path FROM object o", ()
    sql = f"{sql} WHERE {place} AND {test.sql} ORDER BY o.path LIMIT ?"
    rows = db.execute(sql, (*parameters, *at, *test.parameters, -1 if limit is None else limit))
    return [row[0] for row in rows]


def _place(scope: Scope, base: int, path: str) -> tuple[str, Parameters]:
    match scope:
        case Scope.BASE:
            return "o.id = ?", (base,)
        case Scope.ONE_LEVEL:
            return "o.parent = ?", (base,)
        case Scope.SUBTREE:
            return "o.path >= ? AND o.path < ?", (path, path + BEHIND)


_RANK_EQUAL, _RANK_PREFIX, _RANK_COARSE = 0, 1, 2


class _Compiler:
    def __init__(self, db: sqlite3.Connection, schema: Schema) -> None:
        self.db = db
        self.schema = schema

    def compile(self, wanted: filters.Filter) -> Test:
        match wanted:
            case filters.And(parts):
                return self._and([self.compile(part) for part in parts])
            case filters.Or(parts):
                return self._or([self.compile(part) for part in parts])
            case filters.Not(inner):
                test = self.compile(inner)
                return Test(f"NOT ({test.sql})", test.parameters)
            case filters.Present(name) | filters.Compare(name) | filters.Substring(name) | filters.Extensible(name):
                attribute = self.schema.attribute(name)
                if attribute is None or attribute.secret or attribute.constructed:
                    return _UNDEFINED
                return self._comparison(attribute, wanted)
        raise AssertionError(f"unknown filter {wanted!r}")

    def _and(self, tests: Sequence[Test]) -> Test:
        if not tests:
            return _TRUE
        drivers = [test.driver for test in tests if test.driver is not None]
        best = min(drivers, key=lambda driver: driver.rank, default=None)
        return Test(_joined(" AND ", tests), _parameters(tests), best)

    def _or(self, tests: Sequence[Test]) -> Test:
        if not tests:
            return _FALSE
        drivers = [test.driver for test in tests if test.driver is not None]
        union = None
        if len(drivers) == len(tests):
            union = Driver(
                " UNION ALL ".join(f"SELECT id FROM ({driver.sql})" for driver in drivers),  # noqa: S608 - built from constants
                tuple(parameter for driver in drivers for parameter in driver.parameters),
                max(driver.rank for driver in drivers),
            )
        return Test(_joined(" OR ", tests), _parameters(tests), union)

    def _comparison(self, attribute: Attribute, wanted: filters.Filter) -> Test:
        if attribute.key == "distinguishedname":
            return self._own_name(wanted)
        if attribute.link:
            return self._back_link(self.schema.attributes[attribute.link.lower()], wanted)
        match wanted:
            case filters.Present():
                return _having(attribute, "1", (), None)
            case filters.Compare(_, filters.Relation.EQUAL | filters.Relation.APPROXIMATE, value):
                return self._equal(attribute, value)
            case filters.Compare(_, relation, value) if not attribute.is_dn:
                key = compared(self.db, attribute, value)
                return _UNDEFINED if key is None else _having(attribute, f"v.key {relation.value} ?", (key,), None)
            case filters.Substring(_, parts) if attribute.syntax is Syntax.TEXT:
                return _substring(attribute, parts)
            case filters.Extensible(_, rule, value):
                return self._extensible(attribute, rule, value)
        return _UNDEFINED

    def _equal(self, attribute: Attribute, value: Value) -> Test:
        rank = _RANK_COARSE if attribute.key in _COARSE else _RANK_EQUAL
        if attribute.key == "objectcategory":
            key: Any = self._category(str(value))
        elif attribute.is_bytes:
            key = _octets(attribute, value)
        else:
            key = compared(self.db, attribute, value)
        if key is None:
            # A name of nothing, or a value that no object can have.
            return _FALSE if attribute.is_dn else _UNDEFINED
        return _having(attribute, "v.key = ?", (key,), rank)

    def _category(self, value: str) -> str:
        """The class schema object's common name, given its DN, or the name of a class (as Active Directory allows)."""
        if object_class := self.schema.object_class(value):
            return fold(object_class.category)
        return fold(Dn.parse(value).rdn.value) if "=" in value else fold(value)

    def _own_name(self, wanted: filters.Filter) -> Test:
        match wanted:
            case filters.Present():
                return _TRUE
            case filters.Compare(_, filters.Relation.EQUAL, value):
                target = find_text(self.db, str(value))
                if target is None:
                    return _FALSE
                return Test("o.id = ?", (target,), Driver("SELECT ? AS id", (target,), _RANK_EQUAL))
        return _UNDEFINED

    def _back_link(self, forward: Attribute, wanted: filters.Filter) -> Test:
        seen = "SELECT 1 FROM value v WHERE v.target = o.id AND v.attribute = ?"
        match wanted:
            case filters.Present():
                return Test(f"EXISTS ({seen})", (forward.key,))
            case filters.Compare(_, filters.Relation.EQUAL, value):
                holder = find_text(self.db, str(value))
                if holder is None:
                    return _FALSE
                driver = "SELECT target AS id FROM value WHERE object = ? AND attribute = ? AND target IS NOT NULL"
                return Test(
                    f"EXISTS ({seen} AND v.object = ?)",
                    (forward.key, holder),
                    Driver(driver, (holder, forward.key), _RANK_PREFIX),
                )
            case filters.Extensible(_, filters.IN_CHAIN, value):
                return self._chain("target", "object", forward, value)
        return _UNDEFINED

    def _extensible(self, attribute: Attribute, rule: str, value: Value) -> Test:
        if rule == filters.IN_CHAIN and attribute.is_dn:
            return self._chain("object", "target", attribute, value)
        if rule in (filters.BIT_AND, filters.BIT_OR) and attribute.syntax in (Syntax.INTEGER, Syntax.LARGE_INTEGER):
            bits = compared(self.db, attribute, value)
            if bits is not None:
                condition = "v.key & ?1 = ?1" if rule == filters.BIT_AND else "v.key & ?1"
                return _having(attribute, condition.replace("?1", str(int(bits))), (), None)
        return _UNDEFINED

    def _chain(self, found: str, named: str, attribute: Attribute, value: Value) -> Test:
        """Objects from which ``attribute`` leads to ``value``, over any number of objects in between."""
        start = find_text(self.db, str(value))
        if start is None:
            return _FALSE
        sql = (
            f"WITH RECURSIVE reached(id) AS (SELECT {found} FROM value WHERE {named} = ? AND attribute = ?"  # noqa: S608 - built from constants
            f" UNION SELECT v.{found} FROM reached r JOIN value v ON v.{named} = r.id AND v.attribute = ?)"
            " SELECT id FROM reached WHERE id IS NOT NULL"
        )
        parameters = (start, attribute.key, attribute.key)
        return Test(f"o.id IN ({sql})", parameters, Driver(sql, parameters, _RANK_PREFIX))


def _substring(attribute: Attribute, parts: tuple[str, ...]) -> Test:
    # Runs of blanks count as one in the key; blanks at its ends are not there.
    folded = [squeeze(part) for part in parts]
    folded[0], folded[-1] = folded[0].lstrip(" "), folded[-1].rstrip(" ")
    pattern = json.dumps(folded)
    if folded[0]:
        condition = "v.key >= ? AND v.key < ? AND matches(v.key, ?)"
        return _having(attribute, condition, (folded[0], folded[0] + "\U0010ffff", pattern), _RANK_PREFIX)
    return _having(attribute, "matches(v.key, ?)", (pattern,), None)


def _octets(attribute: Attribute, value: Value) -> bytes:
    """Octets as they are, or in the text forms that Active Directory takes too."""
    if isinstance(value, bytes):
        return value
    if attribute.key == "objectguid" and len(value) > 16 and (guid := parse_guid(value)):
        return guid.bytes_le
    if attribute.syntax is Syntax.SID and value.upper().startswith("S-1-"):
        try:
            return sid_to_octets(value)
        except ValueError:
            return b""
    return value.encode()


def _having(attribute: Attribute, condition: str, parameters: Parameters, rank: int | None) -> Test:
    """The object has a value of ``attribute`` that meets ``condition``; a rank makes it a driver."""
    return Test(
        f"EXISTS (SELECT 1 FROM value v INDEXED BY value_by_object"  # noqa: S608 - built from constants
        f" WHERE v.object = o.id AND v.attribute = ? AND {condition})",
        (attribute.key, *parameters),
        None
        if rank is None
        else Driver(
            f"SELECT v.object AS id FROM value v WHERE v.attribute = ? AND {condition}",  # noqa: S608 - built from constants
            (attribute.key, *parameters),
            rank,
        ),
    )


def _joined(operator: str, tests: Sequence[Test]) -> str:
    return f"({operator.join(test.sql for test in tests)})"


def _parameters(tests: Sequence[Test]) -> Parameters:
    return tuple(parameter for test in tests for parameter in test.parameters)
