"""One comparison of a search filter as SQL: a test of the object ``o`` and, where an index helps, a driver."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from mpf_core.errors import MpfError
from mpf_directory import filters
from mpf_directory.dn import Dn, fold, squeeze
from mpf_directory.embedded_names import find_text
from mpf_directory.embedded_values import compared
from mpf_directory.port import Value
from mpf_directory.schema import Attribute, Schema, Syntax

Parameters: TypeAlias = tuple[Any, ...]
Comparison: TypeAlias = filters.Present | filters.Compare | filters.Substring | filters.Extensible

#: Attributes that hold the same value in a large part of all objects.
_COARSE = frozenset({"objectclass", "objectcategory", "useraccountcontrol", "grouptype", "samaccounttype", "primarygroupid"})
_MASK = re.compile(r"-?[0-9]{1,18}")


class Rank(IntEnum):
    """How few objects a driver gives: the lowest is best."""

    EXACT = 0
    SEVERAL = 1
    COARSE = 2


@dataclass(frozen=True, slots=True)
class Driver:
    """A query for the numbers (``id``) of all objects that can match."""

    sql: str
    parameters: Parameters
    rank: Rank


@dataclass(frozen=True, slots=True)
class Test:
    """A condition on the object ``o``, and the driver that it has."""

    sql: str
    parameters: Parameters = ()
    driver: Driver | None = None


UNDEFINED = Test("NULL")
TRUE = Test("1")
FALSE = Test("0", driver=Driver("SELECT 0 AS id WHERE 0", (), Rank.EXACT))


class Comparisons:
    """Turns comparisons into tests; names of objects in them are looked up at once."""

    def __init__(self, db: sqlite3.Connection, schema: Schema) -> None:
        self._db = db
        self._schema = schema

    def compile(self, wanted: Comparison) -> Test:
        """The test for ``wanted``; UNDEFINED for an attribute that is unknown, secret or computed."""
        attribute = self._schema.attribute(wanted.attribute)
        if attribute is None or attribute.secret or attribute.constructed:
            return UNDEFINED
        if attribute.key == "distinguishedname":
            return self._own_name(wanted)
        if attribute.link:
            return self._back_link(self._schema.attributes[attribute.link.lower()], wanted)
        return self._stored(attribute, wanted)

    def _stored(self, attribute: Attribute, wanted: Comparison) -> Test:
        match wanted:
            case filters.Present():
                return _having(attribute, "1", (), Rank.COARSE)
            case filters.Compare(_, relation, value):
                return self._compare(attribute, relation, value)
            case filters.Substring(_, parts) if attribute.syntax is Syntax.TEXT:
                return _substring(attribute, parts)
            case filters.Extensible(_, filters.IN_CHAIN, value) if attribute.is_dn:
                return self._chain("object", "target", attribute, value)
            case filters.Extensible(_, rule, value) if attribute.syntax in (Syntax.INTEGER, Syntax.LARGE_INTEGER):
                return _bits(attribute, rule, value)
        return UNDEFINED

    def _compare(self, attribute: Attribute, relation: filters.Relation, value: Value) -> Test:
        category = attribute.key == "objectcategory"
        key = self._category(str(value)) if category else compared(self._db, attribute, value)
        if key is None:
            # A name of nothing matches nothing; a value of another syntax cannot be compared.
            return FALSE if attribute.is_dn else UNDEFINED
        if relation in (filters.Relation.EQUAL, filters.Relation.APPROXIMATE):
            return _having(attribute, "v.key = ?", (key,), Rank.COARSE if attribute.key in _COARSE else Rank.EXACT)
        return UNDEFINED if attribute.is_dn else _having(attribute, f"v.key {relation.value} ?", (key,))

    def _category(self, value: str) -> str | None:
        """The class schema object's common name, given its DN, or the name of a class (as Active Directory allows)."""
        if object_class := self._schema.object_class(value):
            return fold(object_class.category)
        try:
            return fold(Dn.parse(value).rdn.value)
        except MpfError:
            return None

    def _own_name(self, wanted: Comparison) -> Test:
        match wanted:
            case filters.Present():
                return TRUE
            case filters.Compare(_, filters.Relation.EQUAL, value):
                number = find_text(self._db, str(value))
                if number is None:
                    return FALSE
                return Test("o.id = ?", (number,), Driver("SELECT ? AS id", (number,), Rank.EXACT))
        return UNDEFINED

    def _back_link(self, forward: Attribute, wanted: Comparison) -> Test:
        seen = "SELECT 1 FROM value v WHERE v.target = o.id AND v.attribute = ?"
        match wanted:
            case filters.Present():
                return Test(f"EXISTS ({seen})", (forward.key,))
            case filters.Compare(_, filters.Relation.EQUAL, value):
                holder = find_text(self._db, str(value))
                if holder is None:
                    return FALSE
                sql = "SELECT target AS id FROM value WHERE object = ? AND attribute = ? AND target IS NOT NULL"
                driver = Driver(sql, (holder, forward.key), Rank.SEVERAL)
                return Test(f"EXISTS ({seen} AND v.object = ?)", (forward.key, holder), driver)
            case filters.Extensible(_, filters.IN_CHAIN, value):
                return self._chain("target", "object", forward, value)
        return UNDEFINED

    def _chain(self, found: str, named: str, attribute: Attribute, value: Value) -> Test:
        """Objects from which ``attribute`` leads to ``value``, over any number of objects in between."""
        start = find_text(self._db, str(value))
        if start is None:
            return FALSE
        sql = (
            f"WITH RECURSIVE reached(id) AS (SELECT {found} FROM value WHERE {named} = ? AND attribute = ?"  # noqa: S608 - from constants
            f" UNION SELECT v.{found} FROM reached r JOIN value v ON v.{named} = r.id AND v.attribute = ?)"
            " SELECT id FROM reached WHERE id IS NOT NULL"
        )
        parameters = (start, attribute.key, attribute.key)
        return Test(f"o.id IN ({sql})", parameters, Driver(sql, parameters, Rank.SEVERAL))


def _substring(attribute: Attribute, parts: tuple[str, ...]) -> Test:
    # A key has no blanks at its ends.
    first, *between, last = map(squeeze, parts)
    first = first.lstrip(" ")
    pattern = json.dumps([first, *between, last.rstrip(" ")])
    if not first:
        return _having(attribute, "matches(v.key, ?)", (pattern,))
    condition = "v.key >= ? AND v.key < ? AND matches(v.key, ?)"
    return _having(attribute, condition, (first, first + "\U0010ffff", pattern), Rank.SEVERAL)


def _bits(attribute: Attribute, rule: str, value: Value) -> Test:
    # A mask may be written without a sign, for which the attribute's own syntax is too narrow.
    if not isinstance(value, str) or not _MASK.fullmatch(value):
        return UNDEFINED
    mask = int(value)
    if rule == filters.BIT_AND:
        return _having(attribute, "v.key & ? = ?", (mask, mask))
    return _having(attribute, "v.key & ?", (mask,)) if rule == filters.BIT_OR else UNDEFINED


def _having(attribute: Attribute, condition: str, parameters: Parameters, rank: Rank | None = None) -> Test:
    """The object has a value of ``attribute`` that meets ``condition``; with a rank, that is a driver too."""
    everything = (attribute.key, *parameters)
    where = f"v.attribute = ? AND {condition}"
    sql = f"EXISTS (SELECT 1 FROM value v INDEXED BY value_by_object WHERE v.object = o.id AND {where})"  # noqa: S608 - from constants
    driver = None if rank is None else Driver(f"SELECT v.object AS id FROM value v WHERE {where}", everything, rank)  # noqa: S608 - from constants
    return Test(sql, everything, driver)
