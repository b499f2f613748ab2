"""Which class, attribute, property set or extended right an entry is about: names to GUIDs and back.

Classes and attributes have a schemaIDGUID, property sets and extended rights a rightsGuid ([MS-ADTS] 5.1.3.2). Both are in
the configuration of the forest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn, parse_guid
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Scope, Value

_SCHEMA_READ = ("lDAPDisplayName", "schemaIDGUID", "attributeSecurityGUID")
_RIGHTS_READ = ("cn", "displayName", "rightsGuid")
#: So many GUIDs are looked up by one search.
_AT_ONCE = 50


def object_type(directory: Directory, text: str) -> UUID:
    """The GUID of a class, attribute, property set or extended right, by its name or the GUID itself.

    Raises E_INVALIDARG for a name that nothing has.
    """
    guid = parse_guid(text)
    if guid is not None:
        return guid
    for entry in _search(directory, _schema(directory), Filter.eq("lDAPDisplayName", text), _SCHEMA_READ):
        if found := _guid(entry, "schemaIDGUID"):
            return found
    named = Filter.or_(Filter.eq("cn", text), Filter.eq("displayName", text))
    for entry in _search(directory, _rights(directory), named, _RIGHTS_READ):
        if found := parse_guid(entry.text("rightsGuid") or ""):
            return found
    raise MpfError(Code.E_INVALIDARG, f"'{text}' is no class, attribute, property set or extended right.")


def object_type_names(directory: Directory, guids: Iterable[UUID]) -> Mapping[UUID, str]:
    """The names of those that have one: lDAPDisplayName, or cn of an extended right."""
    wanted = list(dict.fromkeys(guids))
    names: dict[UUID, str] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        by_schema = Filter.or_(*(Filter.eq("schemaIDGUID", guid.bytes_le) for guid in some))
        by_right = Filter.or_(*(Filter.eq("rightsGuid", str(guid)) for guid in some))
        for entry in _search(directory, _rights(directory), by_right, _RIGHTS_READ):
            _note(names, parse_guid(entry.text("rightsGuid") or ""), entry.text("cn"))
        for entry in _search(directory, _schema(directory), by_schema, _SCHEMA_READ):
            _note(names, _guid(entry, "schemaIDGUID"), entry.text("lDAPDisplayName"))
    return names


def attribute_guids(directory: Directory, attribute: str) -> frozenset[UUID]:
    """The GUIDs under which an entry may speak about an attribute: its own, and that of its property set."""
    for entry in _search(directory, _schema(directory), Filter.eq("lDAPDisplayName", attribute), _SCHEMA_READ):
        found = (_guid(entry, "schemaIDGUID"), _guid(entry, "attributeSecurityGUID"))
        return frozenset(guid for guid in found if guid is not None)
    return frozenset()


def _note(names: dict[UUID, str], guid: UUID | None, name: str | None) -> None:
    if guid is not None and name is not None:
        names[guid] = name


def _schema(directory: Directory) -> Dn:
    return directory.base.child("CN", "Configuration").child("CN", "Schema")


def _rights(directory: Directory) -> Dn:
    return directory.base.child("CN", "Configuration").child("CN", "Extended-Rights")


def _search(directory: Directory, base: Dn, wanted: Filter, attributes: Sequence[str]) -> list[Entry]:
    try:
        return list(directory.search(base, Scope.ONE_LEVEL, wanted, attributes))
    except MpfError as error:
        # An account that cannot read the configuration gets GUIDs instead of names.
        if error.code not in {Code.NO_SUCH_OBJECT, Code.E_ACCESSDENIED}:
            raise
        return []


def _guid(entry: Entry, attribute: str) -> UUID | None:
    value = next(iter(entry.values(attribute)), None)
    octets = _octets(value) if value is not None else b""
    return UUID(bytes_le=octets) if len(octets) == 16 else None


def _octets(value: Value) -> bytes:
    """Octets that happen to be text were read as such, because our own schema does not know the attribute."""
    return value if isinstance(value, bytes) else value.encode()
