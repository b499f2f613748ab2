"""otherWellKnownObjects, and the organization around an object: our own additions to the Active Directory Provider.

An organization points at its groups and containers by otherWellKnownObjects values, ``B:32:<GUID>:<DN>``, whose DN the
directory keeps current (spec: helpers-and-ad-providers.md, 2.7, 2.19).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Element, Output, argument, optional_argument, output, read, write
from mpf_directory.dn import Dn
from mpf_directory.locking import hold_targets, hold_value
from mpf_directory.paths import LdapPath
from mpf_directory.port import Entry
from mpf_directory.provider_common import PathCalls, flag, path_output, unable_to_open
from mpf_directory.schema import default_schema

OTHER_WELL_KNOWN = "otherWellKnownObjects"
_DOMAIN = "domaindns"

_GUID = re.compile(r"[0-9A-F]{32}")
_VALUE = re.compile(r"B:32:(?P<guid>[0-9A-Fa-f]{32}):(?P<dn>.+)", re.IGNORECASE | re.DOTALL)


class WellKnown(NamedTuple):
    """One value: as it stands, its GUID in upper case, and what it points at."""

    text: str
    guid: str
    dn: Dn


class WellKnownCalls(PathCalls):
    """Procedures on otherWellKnownObjects."""

    @read("Find Ancestor")
    def find_ancestor(self, ctx: CallContext, data: Element) -> Output:
        """IN path, class (default organizationalUnit), ownEntry. OUT path, distinguishedName.

        The nearest object of that class, from the given one upwards; with ownEntry, a GUID, the nearest whose
        otherWellKnownObjects entry of that GUID points at itself, which is what makes a unit an organization.
        NO_SUCH_OBJECT when there is none.
        """
        path, directory, entry = self.fetch(ctx, data, ["objectClass", OTHER_WELL_KNOWN])
        class_ = (optional_argument(data, "class") or "organizationalUnit").lower()
        own = _guid(data, "ownEntry") if optional_argument(data, "ownEntry") else None
        if class_ == _DOMAIN and own is None and entry.dn.is_within(directory.base):
            return [path_output("path", path.server, directory.base), output("distinguishedName", str(directory.base))]
        place: Entry | None = entry
        while place is not None:
            classes = {value.lower() for value in place.values("objectClass") if isinstance(value, str)}
            if class_ in classes and (own is None or _has_own(place, own)):
                return [path_output("path", path.server, place.dn), output("distinguishedName", str(place.dn))]
            above = place.dn.parent
            while above is not None and not _may_be(above, class_):
                above = above.parent
            within = above is not None and above.is_within(directory.base)
            place = directory.read(above, ["objectClass", OTHER_WELL_KNOWN]) if above and within else None
        kind = class_ if own is None else f"{class_} with an entry {own} of its own"
        raise MpfError(Code.NO_SUCH_OBJECT, f"'{path}' is no {kind}, and lies in none.")

    @read("Get Other Well Known Object")
    def get_other_well_known_object(self, ctx: CallContext, data: Element) -> Output:
        """IN path, guid (32 hexadecimal digits), within. OUT distinguishedName, path: nothing when there is no such value.

        With the flag within, one that leads out of the object is none.
        """
        guid, within = _guid(data), flag(data, "within")
        path, _, entry = self.fetch(ctx, data, [OTHER_WELL_KNOWN])
        for value in _well_known(entry):
            if value.guid == guid and (not within or value.dn.is_within(entry.dn)):
                return [output("distinguishedName", str(value.dn)), path_output("path", path.server, value.dn)]
        return []

    @write("Set Other Well Known Object")
    def set_other_well_known_object(self, ctx: CallContext, data: Element) -> Change:
        """IN path, guid, distinguishedName. The value with that GUID points there; without a name it is removed."""
        guid = _guid(data)
        name = optional_argument(data, "distinguishedName")
        path, directory, held = self.resolve(ctx, data)
        hold_value(ctx, held, guid)
        entry = self.require(directory, path, [OTHER_WELL_KNOWN, "objectGUID"], held)
        others = {value.text for value in _well_known(entry) if value.guid == guid}
        kept = [value for value in entry.values(OTHER_WELL_KNOWN) if value not in others]
        if name is not None:
            target = directory.read(Dn.parse(name), ["objectClass"])
            if target is None:
                raise unable_to_open(LdapPath(path.server, Dn.parse(name)))
            kept.append(f"B:32:{guid}:{target.dn}")
        return hold_targets(ctx, self.modify_change(directory, entry, {OTHER_WELL_KNOWN: kept}))


def _may_be(dn: Dn, class_: str) -> bool:
    """Whether an object of that class could have that name: a class has one attribute that its objects are named by."""
    known = default_schema().object_class(class_)
    return known is None or dn.rdn.type.lower() == known.naming.lower()


def _has_own(entry: Entry, guid: str) -> bool:
    return any(value.guid == guid and value.dn == entry.dn for value in _well_known(entry))


def _guid(data: Element, name: str = "guid") -> str:
    guid = argument(data, name).upper()
    if not _GUID.fullmatch(guid):
        raise MpfError(Code.E_INVALIDARG, f"The argument '{name}' is '{guid}', and not 32 hexadecimal digits.")
    return guid


def _well_known(entry: Entry) -> list[WellKnown]:
    found = []
    for value in entry.values(OTHER_WELL_KNOWN):
        match = _VALUE.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            found.append(WellKnown(match[0], match["guid"].upper(), Dn.parse(match["dn"])))
    return found
