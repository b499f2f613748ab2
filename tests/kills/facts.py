"""A whole embedded directory as data, and what tells two of its states apart."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Entry, Scope, Value
from tests.directory_plugin.descriptors import KEPT_IN
from tests.namespaces.support import JOHN

#: An object's attributes, and its name.
Object: TypeAlias = Mapping[str, frozenset[Value]]
#: Objects by their GUID, which tells one that was put back from one that was made again.
Facts: TypeAlias = Mapping[str, Object]

#: What a directory writes by itself whenever an object changes, and an undo is a change too.
_STAMPS = frozenset({"whenchanged", "usnchanged", "modifytimestamp"})
#: Values go on pointing at what was deleted, by the name that it had last.
_PARKED_NAME = re.compile(r"(?<==)[0-9a-f]{32}(?=\\0ADEL:)")
#: Where tests keep access control lists.
_DESCRIPTOR = KEPT_IN.lower()
#: What an object gets when it is made, and another one each time.
_ITS_OWN = frozenset({"objectguid", "objectsid", "whencreated", "usncreated"})


def read(file: Path, passwords: Sequence[str] = ()) -> Facts:
    """Everything in the directory, but for stamps; and which of ``passwords`` is John's."""
    with EmbeddedDirectory(file) as directory:
        everything = directory.search(directory.base, Scope.SUBTREE, Filter.present("objectClass"))
        facts = {_guid(entry): _object(entry) for entry in everything}
        if passwords:
            right = frozenset(one for one in passwords if directory.verify_password(Dn.parse(JOHN), one))
            facts["password"] = {"dn": frozenset({JOHN}), "is": right}
    return facts


def differences(before: Facts, after: Facts) -> Iterator[str]:
    """What went and what came, in words; nothing when both are the same, objects' identity included."""
    for guid in sorted(before.keys() | after.keys()):
        was, is_ = before.get(guid), after.get(guid)
        if was == is_:
            continue
        if was is None or is_ is None:
            dn = ", ".join(map(str, (was or is_ or {})["dn"]))
            yield f"{'came' if was is None else 'went'}: {dn} {guid}"
            continue
        for name in sorted(was.keys() | is_.keys()):
            if was.get(name) != is_.get(name):
                dn = ", ".join(map(str, was["dn"]))
                yield f"{dn} {name}: {set(was.get(name, ()))} -> {set(is_.get(name, ()))}"


def of_any_run(facts: Facts, before: Facts) -> Facts:
    """``facts`` without what differs between two runs of a request from the state ``before``.

    That is the identity of new objects, in access control lists too, and the random names that objects had while they were
    parked.
    """
    same = {}
    sids = {
        sid: str(found["dn"]) for guid, found in facts.items() if guid not in before for sid in found.get("objectsid", ())
    }
    for guid, found in facts.items():
        known = guid in before
        shown = {
            name: frozenset(_named(value, sids) if name == _DESCRIPTOR else _unparked(value) for value in values)
            for name, values in (found if known else _anonymous(found)).items()
        }
        same[guid if known else f"new: {', '.join(map(str, found['dn']))}"] = shown
    return same


def uuid_of(guid: str) -> UUID:
    """The GUID that is a key of `Facts`."""
    return UUID(bytes_le=bytes.fromhex(guid))


def _guid(entry: Entry) -> str:
    octets = entry.octets("objectGUID")
    assert octets is not None
    return octets.hex()


def _object(entry: Entry) -> Object:
    attributes: dict[str, frozenset[Value]] = {
        name.lower(): frozenset(values) for name, values in entry.attributes.items() if name.lower() not in _STAMPS
    }
    if attributes.get("pwdlastset", frozenset({"0"})) != frozenset({"0"}):
        attributes["pwdlastset"] = frozenset({"some time"})
    return {**attributes, "dn": frozenset({str(entry.dn)})}


def _unparked(value: Value) -> Value:
    return _PARKED_NAME.sub("parked", value) if isinstance(value, str) else value


def _named(value: Value, sids: Mapping[Value, str]) -> Value:
    """A security descriptor with the names of new objects instead of their SIDs."""
    octets = base64.b64decode(value)
    for sid, name in sids.items():
        octets = octets.replace(sid if isinstance(sid, bytes) else sid.encode(), name.encode())
    return octets


def _anonymous(found: Object) -> Object:
    generated = {"samaccountname"} if any(str(name).startswith("$") for name in found.get("samaccountname", ())) else set()
    return {name: values for name, values in found.items() if name not in _ITS_OWN | generated}
