"""The Access Control Provider: stops an object from inheriting the access control list of the one above.

Ours: Update ACL changes entries only, and BlockDaclInheritance_ (spec: helpers-and-ad-providers.md, 2.1) is about a bit of
the security descriptor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from mpf_core.provider import NO_CHANGE, CallContext, Change, Element, Output, Undo, write
from mpf_directory.acl_change import descriptor_of
from mpf_directory.acl_change import write as write_descriptor
from mpf_directory.dn import Dn
from mpf_directory.ldif import attribute_lines
from mpf_directory.locking import hold_value
from mpf_directory.operations import guid_of
from mpf_directory.port import Directory, Section
from mpf_directory.provider_common import PathCalls, unable_to_open
from mpf_directory.results import no_such_object
from mpf_directory.security_descriptor import Control


class InheritanceProvider(PathCalls):
    """``providerSource="mpf.directory.inheritance"``; all its procedures are private."""

    @write("Block DACL Inheritance")
    def block(self, ctx: CallContext, data: Element) -> Change:
        """IN path. Inherited entries go, the object's own ones stay. Undone by inheriting again.

        Raises NO_SUCH_OBJECT, and ERROR_NOT_SUPPORTED where there are no access control lists.
        """
        path, directory, name = self.resolve(ctx, data)
        hold_value(ctx, name, "nTSecurityDescriptor")
        entry = self.require(directory, path, ["objectGUID"], name)
        descriptor = descriptor_of(directory, entry.dn, Section.DACL)
        if descriptor is None:
            raise unable_to_open(path)
        if descriptor.control & Control.DACL_PROTECTED:
            return NO_CHANGE
        guid = guid_of(entry)
        return Change({"server": directory.server, "dn": str(entry.dn), "guid": str(guid) if guid else None})

    def apply(self, ctx: CallContext, change: Change) -> Output:
        """Block it. Raises NO_SUCH_OBJECT when the object is gone."""
        if _set(self.reopen(ctx, change), _target(change), protected=True) is None:
            raise no_such_object(_name(change))
        return None

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Let it inherit again; the directory itself puts the inherited entries back."""
        undone = _set(self.reopen(ctx, change), _target(change), protected=False)
        return Undo.UNDONE if undone else Undo.NOTHING_TO_UNDO

    def describe(self, change: Change) -> str:
        """For people: LDIF cannot say which bit changes, so it is in a comment."""
        lines = [*attribute_lines("dn", [str(_name(change))]), "changetype: modify", "replace: nTSecurityDescriptor"]
        return "\n".join([*lines, "# dacl: no inheritance", "-"]) + "\n"


def _set(directory: Directory, dn: Dn, *, protected: bool) -> bool | None:
    """Returns whether anything had to be written; ``None`` when the object is gone."""
    descriptor = descriptor_of(directory, dn, Section.DACL)
    if descriptor is None:
        return None
    if bool(descriptor.control & Control.DACL_PROTECTED) == protected:
        return False
    control = descriptor.control ^ Control.DACL_PROTECTED
    dacl = descriptor.dacl
    if dacl is not None:
        dacl = replace(dacl, aces=tuple(ace for ace in dacl.aces if not ace.inherited))
    write_descriptor(directory, dn, replace(descriptor, control=control, dacl=dacl), Section.DACL)
    return True


def _name(change: Change) -> Dn:
    return Dn.parse(cast(dict[str, Any], change.data)["dn"])


def _target(change: Change) -> Dn:
    """The object, wherever it is by now."""
    guid = cast(dict[str, Any], change.data)["guid"]
    return Dn.by_guid(UUID(guid)) if guid else _name(change)
