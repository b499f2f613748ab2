"""Searches of the embedded directory: the whole filter as one SQL query.

Each comparison (`embedded_compare`) is a test of one object, three-valued as in LDAP: a comparison that makes no sense is
NULL, and so is its negation. Where an index answers it, it is a *driver* too: a query for the objects to test at all. The
best driver of those that must hold together is taken: ``(&(objectClass=user)(sAMAccountName=x))`` reads one row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from mpf_core.errors import MpfError
from mpf_directory import filters
from mpf_directory.embedded_compare import FALSE, TRUE, UNDEFINED, Comparisons, Driver, Parameters, Rank, Test
from mpf_directory.embedded_names import BEHIND
from mpf_directory.port import Scope
from mpf_directory.results import Result
from mpf_directory.schema import Schema

#: Comparisons in one filter; SQLite's own limits on statements come soon after.
_MOST_COMPARISONS = 1000
_MOST_DRIVERS = 100


def search_ids(
    db: sqlite3.Connection, schema: Schema, base: int, scope: Scope, wanted: filters.Filter, *, limit: int | None
) -> list[int]:
    """The numbers of the objects at or below object ``base`` that match, in the order of their names.

    Raises ADMIN_LIMIT_EXCEEDED for a filter of more than a thousand comparisons.
    """
    if _count(wanted) > _MOST_COMPARISONS:
        raise MpfError(Result.ADMIN_LIMIT_EXCEEDED, f"A filter has at most {_MOST_COMPARISONS} comparisons.")
    test = _compile(Comparisons(db, schema), wanted)
    (path, is_root) = db.execute("SELECT path, parent IS NULL FROM object WHERE id = ?", (base,)).fetchone()
    place, at = _place(scope, base, path)
    sql, parameters = "SELECT o.id, o.path FROM object o", ()
    # A driver that gives many objects pays only where as many would be tested without it.
    if test.driver and (test.driver.rank < Rank.COARSE or (scope is Scope.SUBTREE and is_root)):
        sql = f"SELECT DISTINCT o.id, o.path FROM ({test.driver.sql}) d CROSS JOIN object o ON o.id = d.id"  # noqa: S608 - from constants
        parameters = test.driver.parameters
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


def _compile(comparisons: Comparisons, wanted: filters.Filter) -> Test:
    match wanted:
        case filters.And(parts):
            return _and([_compile(comparisons, part) for part in parts])
        case filters.Or(parts):
            return _or([_compile(comparisons, part) for part in parts])
        case filters.Not(inner):
            test = _compile(comparisons, inner)
            return Test(f"NOT ({test.sql})", test.parameters)
        case filters.Present() | filters.Compare() | filters.Substring() | filters.Extensible():
            return comparisons.compile(wanted)
    return UNDEFINED


def _count(wanted: filters.Filter) -> int:
    match wanted:
        case filters.And(parts) | filters.Or(parts):
            return sum(map(_count, parts), start=1)
        case filters.Not(inner):
            return 1 + _count(inner)
    return 1


def _and(tests: Sequence[Test]) -> Test:
    if not tests:
        return TRUE
    drivers = [test.driver for test in tests if test.driver is not None]
    return Test(
        _balanced("AND", tests),
        _parameters(tests),
        min(drivers, key=lambda driver: driver.rank, default=None),
    )


def _or(tests: Sequence[Test]) -> Test:
    if not tests:
        return FALSE
    drivers = [test.driver for test in tests if test.driver is not None]
    union = None
    if len(drivers) == len(tests) <= _MOST_DRIVERS:
        union = Driver(
            " UNION ALL ".join(f"SELECT id FROM ({driver.sql})" for driver in drivers),  # noqa: S608 - from constants
            tuple(parameter for driver in drivers for parameter in driver.parameters),
            max(driver.rank for driver in drivers),
        )
    return Test(_balanced("OR", tests), _parameters(tests), union)


def _balanced(operator: str, tests: Sequence[Test]) -> str:
    """All tests in one expression that is as flat as can be: SQLite limits how deep one goes."""
    if len(tests) == 1:
        return tests[0].sql
    middle = len(tests) // 2
    return f"({_balanced(operator, tests[:middle])} {operator} {_balanced(operator, tests[middle:])})"


def _parameters(tests: Sequence[Test]) -> Parameters:
    return tuple(parameter for test in tests for parameter in test.parameters)
