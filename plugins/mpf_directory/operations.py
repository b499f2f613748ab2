"""Directory operations as data: what is added, modified, renamed or deleted, each with what takes it back.

An operation is made while a call is prepared, is kept as JSON in the journal, and is done and undone from there. A modify
names the values that are really added and really removed, never "all that was there", so that its undo leaves alone what
others changed in the meantime (design: docs/design/engine.md, Directory changes).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Change, Json
from mpf_directory.dn import Dn, fold
from mpf_directory.port import Entry, Modification, ModifyOp, Value
from mpf_directory.schema import Syntax, default_schema

#: Attribute -> all the values that it shall have; none removes it.
Wanted: TypeAlias = Mapping[str, Sequence[Value]]

#: Where passwords go in besides the schema's own secret attributes: none of them may stand in a journal.
_PASSWORDS = frozenset({"userpassword", "clearpassword", "dbcspwd"})


@dataclass(frozen=True, slots=True)
class Add:
    """Create an object. ``shared`` ones (a container that other transactions use as well) may be there already.

    ``prepared`` is when the caller saw that the object was not there, in seconds since the epoch: an older object is
    not the one that this operation created.
    """

    dn: Dn
    attributes: Mapping[str, tuple[Value, ...]]
    shared: bool = False
    prepared: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True)
class ValueChange:
    """What changes in one attribute: the values that come and those that go."""

    added: tuple[Value, ...] = ()
    removed: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Modify:
    """Change attributes of the object that had ``guid`` and was called ``dn``."""

    dn: Dn
    changes: Mapping[str, ValueChange]
    guid: UUID | None = None

    @property
    def modifications(self) -> tuple[Modification, ...]:
        """The change as the port takes it. Old values are named, so it fails if somebody changed them meanwhile."""
        parts: list[Modification] = []
        for attribute, change in self.changes.items():
            if change.removed:
                parts.append(Modification(attribute, ModifyOp.DELETE, change.removed))
            if change.added:
                parts.append(Modification(attribute, ModifyOp.ADD, change.added))
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class Rename:
    """Rename or move the object with that GUID, and all below it."""

    dn: Dn
    new_dn: Dn
    guid: UUID


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object with that GUID, and all below it, for good. Only a commit does that: nothing takes it back.

    ``below`` are the objects that were below it when that was decided; what else is there by then is not deleted. ``None``
    is whatever is there.
    """

    dn: Dn
    guid: UUID
    below: frozenset[UUID] | None = None


Operation: TypeAlias = Add | Modify | Rename | Delete


def add(dn: Dn, attributes: Wanted, *, shared: bool = False) -> Add:
    """Create ``dn``; ``attributes`` holds objectClass; empty attributes are left out. E_INVALIDARG for a password."""
    _refuse_passwords(attributes)
    return Add(dn, {name: tuple(values) for name, values in attributes.items() if values}, shared)


def plan_modify(entry: Entry, wanted: Wanted | Sequence[Modification]) -> Modify | None:
    """What is really added and removed to come from ``entry`` to ``wanted``, value by value; ``None`` for nothing.

    ``wanted`` is all the values that attributes shall have, or modifications to be done in order; attributes that it
    does not name stay. Adding a value that is there, or deleting one that is not, is no error and no change. ``entry``
    has to be read with the attributes in question, and with objectGUID, by which an undo finds the object again.
    Raises E_INVALIDARG for an attribute that holds a password.
    """
    if not isinstance(wanted, Mapping):
        wanted = after(entry, wanted)
    _refuse_passwords(wanted)
    changes = {}
    for attribute, values in wanted.items():
        change = _difference(attribute, entry.values(attribute), values)
        if change.added or change.removed:
            changes[attribute] = change
    return Modify(entry.dn, changes, guid_of(entry)) if changes else None


def after(entry: Entry, modifications: Iterable[Modification]) -> dict[str, tuple[Value, ...]]:
    """The values that the attributes named in ``modifications`` have once these are done to ``entry``."""
    result: dict[str, tuple[Value, ...]] = {}
    names: dict[str, str] = {}
    for part in modifications:
        name = names.setdefault(part.attribute.lower(), part.attribute)
        current = result.get(name, entry.values(name))
        given = {value_key(name, value) for value in part.values}
        if part.op is ModifyOp.REPLACE:
            result[name] = part.values
        elif part.op is ModifyOp.ADD:
            there = {value_key(name, value) for value in current}
            result[name] = (*current, *(value for value in part.values if value_key(name, value) not in there))
        else:
            # LDAP: a delete without values deletes all of them.
            result[name] = tuple(v for v in current if part.values and value_key(name, v) not in given)
    return result


def value_key(attribute: str, value: Value) -> Hashable:
    """What two equal values of an attribute have in common, by its syntax: text without regard to case, names as names."""
    if isinstance(value, bytes):
        return value
    known = default_schema().attribute(attribute)
    syntax = known.syntax if known else Syntax.TEXT
    try:
        if syntax in {Syntax.INTEGER, Syntax.LARGE_INTEGER}:
            return int(value)
        if syntax is Syntax.DN:
            return Dn.parse(value)
        if syntax is Syntax.DN_BINARY:
            marker, length, digits, name = value.split(":", 3)
            return (marker.upper(), int(length), digits.upper(), Dn.parse(name))
    except (ValueError, MpfError):
        pass  # no value of that syntax: the directory will say so
    return fold(value)


def guid_of(entry: Entry) -> UUID | None:
    """The entry's objectGUID, if it was read."""
    octets = entry.octets("objectGUID")
    return UUID(bytes_le=octets) if octets else None


def _difference(attribute: str, current: Sequence[Value], wanted: Sequence[Value]) -> ValueChange:
    have = {value_key(attribute, value): value for value in current}
    want = {value_key(attribute, value): value for value in wanted}
    known = default_schema().attribute(attribute)
    by_spelling = known is None or known.syntax is Syntax.TEXT
    respelled = {key for key in have.keys() & want.keys() if by_spelling and have[key] != want[key]}
    return ValueChange(
        added=tuple(value for key, value in want.items() if key not in have or key in respelled),
        removed=tuple(value for key, value in have.items() if key not in want or key in respelled),
    )


def _refuse_passwords(attributes: Iterable[str]) -> None:
    for name in attributes:
        known = default_schema().attribute(name)
        if name.lower() in _PASSWORDS or (known is not None and known.secret):
            raise MpfError(Code.E_INVALIDARG, f"'{name}' holds a password: use User Set Password or User Change Password.")


# JSON


def to_json(operation: Operation) -> dict[str, Json]:
    """The operation as JSON; bytes become ``{"base64": ...}``."""
    match operation:
        case Add():
            return {
                "op": "add",
                "dn": str(operation.dn),
                "attributes": {name: _values_json(values) for name, values in operation.attributes.items()},
                "shared": operation.shared,
                "prepared": operation.prepared,
            }
        case Modify():
            changes: dict[str, Json] = {
                name: {"added": _values_json(change.added), "removed": _values_json(change.removed)}
                for name, change in operation.changes.items()
            }
            guid = str(operation.guid) if operation.guid else None
            return {"op": "modify", "dn": str(operation.dn), "guid": guid, "changes": changes}
        case Rename():
            return {
                "op": "rename",
                "dn": str(operation.dn),
                "new_dn": str(operation.new_dn),
                "guid": str(operation.guid),
            }
        case Delete():
            below = None if operation.below is None else sorted(map(str, operation.below))
            return {
                "op": "delete",
                "dn": str(operation.dn),
                "guid": str(operation.guid),
                "below": cast(list[Json] | None, below),
            }


def from_json(data: Json) -> Operation:
    """The operation that `to_json` wrote. Raises ValueError or KeyError for anything else."""
    if not isinstance(data, dict):
        raise ValueError("an operation is a JSON object")
    dn = Dn.parse(str(data["dn"]))
    match data["op"]:
        case "add":
            attributes = cast(dict[str, list[Json]], data["attributes"])
            return Add(
                dn,
                {name: _values(values) for name, values in attributes.items()},
                bool(data["shared"]),
                float(cast(float, data["prepared"])),
            )
        case "modify":
            changes = cast(dict[str, dict[str, list[Json]]], data["changes"])
            return Modify(
                dn,
                {name: ValueChange(_values(c["added"]), _values(c["removed"])) for name, c in changes.items()},
                UUID(str(data["guid"])) if data["guid"] else None,
            )
        case "rename":
            return Rename(dn, Dn.parse(str(data["new_dn"])), UUID(str(data["guid"])))
        case "delete":
            below = cast(list[Json] | None, data.get("below"))
            return Delete(
                dn, UUID(str(data["guid"])), None if below is None else frozenset(UUID(str(guid)) for guid in below)
            )
    raise ValueError(f"unknown operation {data['op']!r}")


def operations_of(change: Change) -> list[Operation]:
    """The operations of a directory change, in the order in which they are done; none of one that does nothing."""
    data = cast(dict[str, Json], change.data or {})
    return [from_json(item) for item in cast(list[Json], data.get("operations", []))]


def _values_json(values: Iterable[Value]) -> list[Json]:
    return [{"base64": base64.b64encode(v).decode("ascii")} if isinstance(v, bytes) else v for v in values]


def _values(data: Iterable[Json]) -> tuple[Value, ...]:
    return tuple(base64.b64decode(str(v["base64"])) if isinstance(v, dict) else str(v) for v in data)
