"""The change of an object's access control lists as data: what the journal keeps, an operator reads, and an undo needs.

Only the entries that come and go are kept, never a whole list, so an undo leaves alone what others have put there meanwhile.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Change, Json
from mpf_directory import acl_edit
from mpf_directory.acl_edit import AclChange
from mpf_directory.dn import Dn
from mpf_directory.ldif import attribute_lines
from mpf_directory.port import Directory, Section, SecurityDescriptors
from mpf_directory.results import no_such_object
from mpf_directory.security_descriptor import Ace, AceType, Acl, AnyAce, Control, SecurityDescriptor

_KEY = "descriptor"
#: The name of a list, in documents and in journals -> its part of a descriptor.
LISTS: Mapping[str, Section] = {"dacl": Section.DACL, "sacl": Section.SACL}


@dataclass(frozen=True, slots=True)
class DescriptorChange:
    """What comes to and goes from the lists of the object that had ``guid`` and was called ``dn``."""

    dn: Dn
    guid: UUID | None
    lists: Mapping[str, AclChange]

    def to_change(self, server: str) -> Change:
        """The change as the engine keeps it."""
        content: dict[str, Json] = {"dn": str(self.dn), "guid": str(self.guid) if self.guid else None}
        content |= {name: _to_json(change) for name, change in self.lists.items()}
        return Change({"server": server, _KEY: content})

    @classmethod
    def of(cls, change: Change) -> DescriptorChange | None:
        """What `to_change` wrote; ``None`` for another kind of change."""
        data = cast(dict[str, Any], change.data or {}).get(_KEY)
        if data is None:
            return None
        guid = UUID(data["guid"]) if data["guid"] else None
        return cls(Dn.parse(data["dn"]), guid, {name: _from_json(data[name]) for name in LISTS if name in data})

    @property
    def sections(self) -> Section:
        """The parts of the descriptor that are changed."""
        return section_of(self.lists)

    @property
    def target(self) -> Dn:
        """The object, wherever it is by now."""
        return Dn.by_guid(self.guid) if self.guid else self.dn

    def do(self, directory: Directory) -> None:
        """Read the lists, change them, write them back. Raises NO_SUCH_OBJECT, and what the directory does."""
        if self._rewrite(directory, acl_edit.do) is None:
            raise no_such_object(self.dn)

    def take_back(self, directory: Directory) -> bool:
        """The other way round; returns whether there was anything to take back."""
        return bool(self._rewrite(directory, acl_edit.take_back))

    def _rewrite(self, directory: Directory, edit: Callable[[Sequence[AnyAce], AclChange], list[AnyAce]]) -> bool | None:
        """Returns whether anything had to be written; ``None`` when the object is gone.

        Between the read and the write is nothing but the edit: there is no way to write on a condition.
        """
        descriptor = descriptor_of(directory, self.target, self.sections)
        if descriptor is None:
            return None
        after = descriptor
        for name, change in self.lists.items():
            acl = acl_of(after, name) or Acl()
            aces = tuple(edit(acl.aces, change))
            if aces != acl.aces:
                after = with_acl(after, name, replace(acl, aces=aces))
        if after == descriptor:
            return False
        write(directory, self.target, after, self.sections)
        return True

    def describe(self) -> str:
        """For people: LDIF cannot say which entries of a list come and go, so they are in comments."""
        lines = [*attribute_lines("dn", [str(self.dn)]), "changetype: modify", "replace: nTSecurityDescriptor"]
        for name, change in self.lists.items():
            lines += [f"# {name}: remove {_in_words(ace)}" for _, ace in change.removed]
            lines += [f"# {name}: add {_in_words(ace)}" for ace in change.added]
        return "\n".join([*lines, "-"]) + "\n"


def section_of(names: Mapping[str, object]) -> Section:
    """The parts of a descriptor that these lists are."""
    sections = Section(0)
    for name in names:
        sections |= LISTS[name]
    return sections


def descriptors_of(directory: Directory) -> SecurityDescriptors:
    """The directory's descriptors. Raises ERROR_NOT_SUPPORTED where there are none: in the embedded directory."""
    if not directory.has_acls:
        text = "The request is not supported: the embedded directory has no access control lists; a server has."
        raise MpfError(Code.NOT_SUPPORTED, text)
    return cast(SecurityDescriptors, directory)


def descriptor_of(directory: Directory, dn: Dn, sections: Section) -> SecurityDescriptor | None:
    """These parts of the object's descriptor; ``None`` when there is no such object. Raises E_ACCESSDENIED, E_FAIL."""
    octets = descriptors_of(directory).read_descriptor(dn, sections)
    if octets is None:
        return None
    try:
        descriptor = SecurityDescriptor.parse(octets)
    except ValueError as error:
        raise MpfError(Code.E_FAIL, f"The security descriptor of '{dn}' cannot be understood: {error}") from error
    if descriptor.dacl is None and descriptor.control & Control.DACL_PRESENT:
        # No entry could be added to it without taking everything else away.
        text = f"'{dn}' has a null DACL, which allows everything to everybody"
        raise MpfError(Code.E_FAIL, f"{text}, and no entries to read or to change. Give it a list with another tool first.")
    return descriptor


def write(directory: Directory, dn: Dn, descriptor: SecurityDescriptor, sections: Section) -> None:
    """Write these parts of the descriptor. Raises E_INVALIDARG for a list that is too long, before anything is written."""
    descriptors_of(directory).write_descriptor(dn, encoded(descriptor), sections)


def encoded(descriptor: SecurityDescriptor) -> bytes:
    """The octets. Raises E_INVALIDARG for a list that is too long."""
    try:
        return descriptor.encode()
    except ValueError as error:
        raise MpfError(Code.E_INVALIDARG, str(error)) from error


def acl_of(descriptor: SecurityDescriptor, name: str) -> Acl | None:
    """One of the lists."""
    return descriptor.dacl if name == "dacl" else descriptor.sacl


def with_acl(descriptor: SecurityDescriptor, name: str, acl: Acl) -> SecurityDescriptor:
    """The descriptor with another list. An empty DACL allows nothing; an empty SACL is none."""
    if name == "dacl":
        return replace(descriptor, dacl=acl)
    if acl.aces:
        return replace(descriptor, sacl=acl)
    return replace(descriptor, sacl=None, control=descriptor.control & ~Control.SACL_PRESENT)


def _to_json(change: AclChange) -> dict[str, Json]:
    return {
        "added": [_ace_json(ace) for ace in change.added],
        "removed": [{**_ace_json(ace), "place": place} for place, ace in change.removed],
        "others": change.others,
    }


def _from_json(data: Mapping[str, Any]) -> AclChange:
    return AclChange(
        tuple(map(_ace, data["added"])), tuple((one["place"], _ace(one)) for one in data["removed"]), data["others"]
    )


def _ace_json(ace: Ace) -> dict[str, Json]:
    return {
        "type": ace.type.name,
        "flags": ace.flags,
        "mask": ace.mask,
        "sid": ace.sid,
        "object": str(ace.object_type) if ace.object_type else None,
        "inherited_object": str(ace.inherited_object_type) if ace.inherited_object_type else None,
        **({"extra": base64.b64encode(ace.extra).decode("ascii")} if ace.extra else {}),
    }


def _ace(data: Mapping[str, Any]) -> Ace:
    return Ace(
        AceType[data["type"]],
        data["flags"],
        data["mask"],
        data["sid"],
        UUID(data["object"]) if data["object"] else None,
        UUID(data["inherited_object"]) if data["inherited_object"] else None,
        base64.b64decode(data.get("extra", "")),
    )


def _in_words(ace: Ace) -> str:
    return " ".join(_words(ace))


def _words(ace: Ace) -> Iterator[str]:
    yield f"{ace.type.name} {ace.sid} permission=0x{ace.mask:x} inheritance=0x{ace.flags:x}"
    if ace.object_type is not None:
        yield f"objectType={ace.object_type}"
    if ace.inherited_object_type is not None:
        yield f"inheritedObjectType={ace.inherited_object_type}"
