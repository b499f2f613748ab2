"""The names an account has: ``DOMAIN\\name``, user principal name, canonical name, GUID, and so on.

The forms are those of NAME_FORMAT, as far as a directory can answer them (spec: helpers-and-ad-providers.md, 3.19).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import BAD_PATHNAME, Dn, Rdn, domain_of
from mpf_directory.filters import Filter
from mpf_directory.operations import guid_of
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.sids import sid_to_text

NAMES_READ = ("objectClass", "objectGUID", "objectSid", "sAMAccountName", "displayName", "userPrincipalName")

_GUID = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_BUILTIN = "S-1-5-32-"
_CANONICAL_SPECIAL = re.compile(r"([/\\])")


class NameFormat(IntEnum):
    """EXTENDED_NAME_FORMAT; NAME_UNKNOWN lets the form of an input name be told by looking at it."""

    UNKNOWN = 0
    FULLY_QUALIFIED_DN = 1
    SAM_COMPATIBLE = 2
    DISPLAY = 3
    UNIQUE_ID = 6
    CANONICAL = 7
    USER_PRINCIPAL = 8
    CANONICAL_EX = 9


_BY_NAME = {f"name{member.name.replace('_', '').lower()}": member for member in NameFormat}


def parse_format(text: str) -> NameFormat:
    """``NameSamCompatible`` or ``2``. Raises E_INVALIDARG for a form that a directory cannot answer."""
    try:
        return NameFormat(int(text)) if text.isdigit() else _BY_NAME[text.lower()]
    except (KeyError, ValueError):
        raise MpfError(Code.E_INVALIDARG, f"The name format '{text}' is not supported.") from None


def none_mapped(name: str) -> MpfError:
    """ERROR_NONE_MAPPED for a name or SID that belongs to nobody."""
    return MpfError(Code.NONE_MAPPED, f"No mapping between account names and security IDs was done for '{name}'.")


def find_named(directory: Directory, name: str, form: NameFormat) -> Entry:
    """The object with that name. Raises ERROR_NONE_MAPPED when there is none, or more than one."""
    forms = [form] if form is not NameFormat.UNKNOWN else list(_possible(name))
    for candidate in forms:
        found = _find(directory, name, candidate)
        if found is not None:
            return found
    raise none_mapped(name)


def name_of(directory: Directory, entry: Entry, form: NameFormat) -> str | None:
    """The entry's name in that form; ``None`` where it has none. ``entry`` is read with `NAMES_READ`."""
    if form is NameFormat.SAM_COMPATIBLE:
        account = entry.text("sAMAccountName")
        return f"{domain_name(directory, entry)}\\{account}" if account else None
    give = _GIVEN.get(form)
    return give(entry) if give else None


def canonical_name(dn: Dn) -> str:
    """``fabrikam.com/Hosting/ConsolidatedMessenger``; a slash in a name is escaped."""
    parts = [_CANONICAL_SPECIAL.sub(r"\\\1", rdn.value) for rdn in reversed(dn.rdns) if rdn.type.upper() != "DC"]
    return f"{domain_of(dn)}/{'/'.join(parts)}"


def _canonical_ex(entry: Entry) -> str:
    head, _, last = canonical_name(entry.dn).rpartition("/")
    return f"{head}\n{last}"


def _unique_id(entry: Entry) -> str | None:
    guid = guid_of(entry)
    return f"{{{guid}}}" if guid else None


_GIVEN: Mapping[NameFormat, Callable[[Entry], str | None]] = {
    NameFormat.FULLY_QUALIFIED_DN: lambda entry: str(entry.dn),
    NameFormat.DISPLAY: lambda entry: entry.text("displayName"),
    NameFormat.UNIQUE_ID: _unique_id,
    NameFormat.CANONICAL: lambda entry: canonical_name(entry.dn),
    NameFormat.CANONICAL_EX: _canonical_ex,
    NameFormat.USER_PRINCIPAL: lambda entry: entry.text("userPrincipalName"),
}


def domain_name(directory: Directory, entry: Entry | None = None) -> str:
    """The domain's NetBIOS name, as in ``FABRIKAM\\johnc``; BUILTIN for the groups that every machine has.

    It is in the configuration; where that cannot be read, the first part of the DNS name stands for it.
    """
    sid = entry.octets("objectSid") if entry is not None else None
    if sid is not None and sid_to_text(sid).startswith(_BUILTIN):
        return "BUILTIN"
    partitions = directory.base.child("CN", "Configuration").child("CN", "Partitions")
    wanted = Filter.and_(Filter.eq("nCName", str(directory.base)), Filter.present("nETBIOSName"))
    try:
        for crossref in directory.search(partitions, Scope.ONE_LEVEL, wanted, ["nETBIOSName"]):
            if name := crossref.text("nETBIOSName"):
                return name
    except MpfError as error:
        if error.code not in {Code.NO_SUCH_OBJECT, Code.E_ACCESSDENIED}:
            raise
    return directory.base.rdn.value.upper()


def _possible(name: str) -> Iterator[NameFormat]:
    """The forms that a name may be in, the most telling first."""
    if _GUID.fullmatch(name):
        yield NameFormat.UNIQUE_ID
    if "=" in name:
        yield NameFormat.FULLY_QUALIFIED_DN
    if "\\" in name:
        yield NameFormat.SAM_COMPATIBLE
    if "\n" in name:
        yield NameFormat.CANONICAL_EX
    elif "/" in name:
        yield NameFormat.CANONICAL
    if "@" in name:
        yield NameFormat.USER_PRINCIPAL
    yield NameFormat.DISPLAY


def _find(directory: Directory, name: str, form: NameFormat) -> Entry | None:
    look = _LOOKED_UP.get(form)
    return look(directory, name) if look else None


def _by_guid(directory: Directory, name: str) -> Entry | None:
    guid = _GUID.fullmatch(name)
    return directory.read(Dn.by_guid(UUID(guid[1])), NAMES_READ) if guid else None


def _by_account(directory: Directory, name: str) -> Entry | None:
    domain, _, account = name.rpartition("\\")
    found = _only(directory, Filter.eq("sAMAccountName", account)) if account else None
    known = found is None or not domain or domain.lower() == domain_name(directory, found).lower()
    return found if known else None


def _read(directory: Directory, name: str) -> Entry | None:
    try:
        return directory.read(Dn.parse(name), NAMES_READ)
    except MpfError as error:
        if error.code != BAD_PATHNAME:
            raise
        return None


def _only(directory: Directory, wanted: Filter) -> Entry | None:
    found = list(directory.search(directory.base, Scope.SUBTREE, wanted, NAMES_READ, limit=2))
    return found[0] if len(found) == 1 else None


def _by_canonical_name(directory: Directory, name: str) -> Entry | None:
    """Walks down from the domain: a canonical name does not say whether a part is called by CN or by OU."""
    domain, *parts = (re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\)/", name))
    if domain.lower() != domain_of(directory.base).lower():
        return None
    place = directory.read(directory.base, NAMES_READ)
    for part in parts:
        if place is None or not part:
            return place if place is not None and part is parts[-1] else None
        candidates = (directory.read(place.dn.child(*rdn), NAMES_READ) for rdn in (Rdn("CN", part), Rdn("OU", part)))
        place = next((entry for entry in candidates if entry is not None), None)
    return place


_LOOKED_UP: Mapping[NameFormat, Callable[[Directory, str], Entry | None]] = {
    NameFormat.FULLY_QUALIFIED_DN: _read,
    NameFormat.SAM_COMPATIBLE: _by_account,
    NameFormat.DISPLAY: lambda directory, name: _only(directory, Filter.eq("displayName", name)),
    NameFormat.UNIQUE_ID: _by_guid,
    NameFormat.CANONICAL: _by_canonical_name,
    NameFormat.USER_PRINCIPAL: lambda directory, name: _only(directory, Filter.eq("userPrincipalName", name)),
    NameFormat.CANONICAL_EX: lambda directory, name: _by_canonical_name(directory, name.replace("\n", "/")),
}
