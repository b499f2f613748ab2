"""Entries of the embedded directory, put together from its tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is asked for, as queries and their parameters; a query of nothing is empty."""

    objects: str
    values: str
    value_keys: tuple[str, ...]
    links: str
    link_keys: tuple[str, ...]
    computed: tuple[Attribute, ...]
    with_name: bool


def load(db: sqlite3.Connection, schema: Schema, numbers: Sequence[int], attributes: Sequence[str]) -> list[Entry]:
    """The objects of those numbers that still exist, in that order, with the named attributes or all ordinary ones."""
    several = len(numbers) != 1
    selection = _select(schema, tuple(attributes), several)
    which: object = json.dumps(numbers) if several else numbers[0]
    found: dict[int, tuple[str, dict[str, list[Value]]]] = {
        number: (dn, {}) for number, dn in db.execute(selection.objects, (which,))
    }
    if selection.values:
        for number, key, data, target in db.execute(selection.values, (which, *selection.value_keys)):
            found[number][1].setdefault(schema.attributes[key].name, []).append(shown(data, target))
    if selection.links:
        for number, key, dn in db.execute(selection.links, (which, *selection.link_keys)):
            found[number][1].setdefault(schema.forward_links[key].name, []).append(dn)
    for number, (dn, values) in found.items():
        if selection.with_name:
            values["distinguishedName"] = [dn]
        for attribute in selection.computed:
            if computed := _computed(db, attribute, number, dn):
                values[attribute.name] = computed
    return [_entry(*found[number]) for number in numbers if number in found]


def _entry(dn: str, values: dict[str, list[Value]]) -> Entry:
    return Entry(Dn.parse(dn), {name: tuple(some) for name, some in values.items()})


@lru_cache(maxsize=256)
def _select(schema: Schema, names: tuple[str, ...], several: bool) -> _Selection:
    named = [attribute for name in names if (attribute := schema.attribute(name)) is not None]
    everything = not names or "*" in names
    keys = {attribute.key for attribute in named}
    stored = tuple(key for key in keys if not schema.attributes[key].link and not schema.attributes[key].constructed)
    links = tuple(key for key, back in schema.forward_links.items() if everything or back.key in keys)
    objects = "IN (SELECT value FROM json_each(?))" if several else "= ?"
    only = f"AND v.attribute IN ({_marks(stored)})"
    return _Selection(
        objects=f"SELECT id, dn FROM object WHERE id {objects}",  # noqa: S608 - from constants
        values=_VALUES.format(objects=objects, attributes="" if everything else only) if everything or stored else "",
        value_keys=() if everything else stored,
        links=_BACK_LINKS.format(objects=objects, attributes=_marks(links)) if links else "",
        link_keys=links,
        computed=tuple(attribute for attribute in named if attribute.constructed),
        with_name=everything or "distinguishedname" in keys,
    )


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
    """The name as ``fabrikam.com/Hosting/AlpineSkiHouse``."""
    domain = ".".join(value for kind, value in dn.rdns if kind.upper() == "DC")
    path = [value.replace("/", r"\/") for kind, value in reversed(dn.rdns) if kind.upper() != "DC"]
    return "/".join([domain, *path]) if path else f"{domain}/"
