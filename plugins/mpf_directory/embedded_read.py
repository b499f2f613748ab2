"""Entries of the embedded directory, put together from its tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from mpf_directory import embedded_accounts as accounts
from mpf_directory.dn import Dn
from mpf_directory.embedded_values import shown
from mpf_directory.port import Entry, Value
from mpf_directory.schema import Attribute, Schema

_VALUES = """
SELECT v.object, v.attribute, v.data, t.dn FROM value v LEFT JOIN object t ON t.id = v.target
WHERE v.object {objects} {attributes} ORDER BY v.id
"""
_BACK_LINKS = """
SELECT v.target, v.attribute, o.dn FROM value v JOIN object o ON o.id = v.object
WHERE v.target {objects} AND v.attribute IN ({attributes}) GROUP BY v.target, v.attribute, o.id ORDER BY o.dn
"""


def load(db: sqlite3.Connection, schema: Schema, numbers: Sequence[int], attributes: Sequence[str]) -> Iterator[Entry]:
    """The objects of those numbers that still exist, in that order, with the named attributes or all ordinary ones."""
    wanted = None if not attributes or "*" in attributes else _wanted(schema, attributes)
    named = _wanted(schema, attributes)
    several = len(numbers) != 1
    objects = "IN (SELECT value FROM json_each(?))" if several else "= ?"
    parameter: object = json.dumps(numbers) if several else numbers[0]
    heads = db.execute(f"SELECT id, dn FROM object WHERE id {objects}", (parameter,))  # noqa: S608 - built from constants
    found: dict[int, tuple[str, dict[str, list[Value]]]] = {number: (dn, {}) for number, dn in heads}
    for number, key, data, target in _stored(db, objects, parameter, wanted):
        found[number][1].setdefault(schema.attributes[key].name, []).append(shown(data, target))
    for number, key, dn in _back_links(db, schema, objects, parameter, wanted):
        found[number][1].setdefault(schema.forward_links[key].name, []).append(dn)
    for number in numbers:
        if number not in found:
            continue
        dn, values = found[number]
        if wanted is None or "distinguishedname" in wanted:
            values["distinguishedName"] = [dn]
        for attribute in named.values():
            if attribute.constructed and (computed := _computed(db, attribute, number, dn)):
                values[attribute.name] = computed
        yield Entry(Dn.parse(dn), {name: tuple(some) for name, some in values.items()})


def _wanted(schema: Schema, names: Sequence[str]) -> dict[str, Attribute]:
    found = (schema.attribute(name) for name in names)
    return {attribute.key: attribute for attribute in found if attribute is not None}


def _stored(
    db: sqlite3.Connection, objects: str, parameter: object, wanted: dict[str, Attribute] | None
) -> Iterator[tuple[int, str, Value | None, str | None]]:
    if wanted is None:
        return db.execute(_VALUES.format(objects=objects, attributes=""), (parameter,))
    keys = [key for key, attribute in wanted.items() if not attribute.link and not attribute.constructed]
    if not keys:
        return iter(())
    sql = _VALUES.format(objects=objects, attributes=f"AND v.attribute IN ({_marks(keys)})")
    return db.execute(sql, (parameter, *keys))


def _back_links(
    db: sqlite3.Connection, schema: Schema, objects: str, parameter: object, wanted: dict[str, Attribute] | None
) -> Iterator[tuple[int, str, str]]:
    keys = [key for key, back in schema.forward_links.items() if wanted is None or back.key in wanted]
    if not keys:
        return iter(())
    return db.execute(_BACK_LINKS.format(objects=objects, attributes=_marks(keys)), (parameter, *keys))


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))


def _computed(db: sqlite3.Connection, attribute: Attribute, number: int, dn: str) -> list[Value]:
    match attribute.key:
        case "tokengroups":
            return list(accounts.token_groups(db, number))
        case "primarygrouptoken":
            token = accounts.primary_group_token(db, number)
            return [] if token is None else [str(token)]
        case _:
            return [_canonical(Dn.parse(dn))]


def _canonical(dn: Dn) -> str:
    """``fabrikam.com/Hosting/...``"""
    domain = ".".join(value for kind, value in dn.rdns if kind.upper() == "DC")
    path = [value.replace("/", r"\/") for kind, value in reversed(dn.rdns) if kind.upper() != "DC"]
    return "/".join([domain, *path]) if path else f"{domain}/"
