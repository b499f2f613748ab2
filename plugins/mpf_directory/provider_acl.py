"""Access control lists: Get DACL, Get SACL, Update ACL (spec: helpers-and-ad-providers.md, 3.8 and 3.12).

Only a real directory has them; the embedded one answers ERROR_NOT_SUPPORTED.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import (
    CallContext,
    Change,
    Element,
    Output,
    Undo,
    argument,
    optional_argument,
    output,
    read,
    write,
)
from mpf_directory import acl_edit, acl_words
from mpf_directory.acl_change import LISTS, DescriptorChange, acl_of, descriptor_of, descriptors_of, encoded, with_acl
from mpf_directory.acl_edit import Wish
from mpf_directory.acl_object_types import object_type, object_type_names
from mpf_directory.acl_trustees import sid_of
from mpf_directory.acl_words import Form, Mode, TrusteeType
from mpf_directory.changes import REFUSALS
from mpf_directory.dn import Dn
from mpf_directory.locking import hold_value
from mpf_directory.operations import guid_of
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory
from mpf_directory.provider_common import PathCalls, unable_to_open
from mpf_directory.security_descriptor import ALLOWING, AUDITING, DENYING, Ace, AceFlag, Acl, AnyAce

_AUDIT_MODES = ((AceFlag.SUCCESSFUL_ACCESS, Mode.SET_AUDIT_SUCCESS), (AceFlag.FAILED_ACCESS, Mode.SET_AUDIT_FAILURE))
_INHERITANCE_BITS = 0x1F


class AclCalls(PathCalls):
    """Procedures on the access control lists of an object. Numbers come back as decimals, as documented."""

    @read("Get DACL")
    def get_dacl(self, ctx: CallContext, data: Element) -> Output:
        """IN name, objectType. OUT dacl: an ace for each entry, inherited ones too. Without a DACL, nothing."""
        return self._list(ctx, data, "dacl")

    @read("Get SACL")
    def get_sacl(self, ctx: CallContext, data: Element) -> Output:
        """IN name, objectType. OUT sacl: an ace for each entry, for success and failure one each. Without a SACL, nothing.

        Raises E_ACCESSDENIED unless the account has the right to manage auditing.
        """
        return self._list(ctx, data, "sacl")

    @write("Update ACL")
    def update_acl(self, ctx: CallContext, data: Element) -> Change:
        """IN name, objectType, dacl, sacl: each with ace elements, which are done in order. Undone entry by entry.

        Raises E_INVALIDARG for an ace that cannot be understood, ERROR_NONE_MAPPED for a trustee that nobody is.
        """
        acl_words.check_object_kind(argument(data, "objectType"))
        given = {name: element for name in LISTS if (element := data.find(name)) is not None}
        if not given:
            raise MpfError(Code.E_INVALIDARG, "The required argument dacl was not supplied.")
        path = _path(argument(data, "name"))
        directory = self.directory_of(ctx, path)
        descriptors_of(directory)
        name = self.plain(directory, path)
        hold_value(ctx, name, "nTSecurityDescriptor")
        entry = self.require(directory, path, ["objectGUID"], name)
        wishes = {which: list(_wishes(directory, element)) for which, element in given.items()}
        return _plan(directory, entry.dn, guid_of(entry), {which: some for which, some in wishes.items() if some})

    def apply(self, ctx: CallContext, change: Change) -> Output:
        """Change the lists of an object; anything else as the other procedures do."""
        update = DescriptorChange.of(change)
        if update is None:
            return super().apply(ctx, change)
        directory = self.reopen(ctx, change)
        try:
            update.do(directory)
        except MpfError as error:
            ctx.evidence["refused"] = error.code in REFUSALS
            raise
        return None

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Take out the entries that were added and put back those that were removed, as far as they are still as left."""
        update = DescriptorChange.of(change)
        if update is None:
            return super().undo(ctx, change)
        if ctx.evidence.get("refused"):
            return Undo.NOTHING_TO_UNDO
        return Undo.UNDONE if update.take_back(self.reopen(ctx, change)) else Undo.NOTHING_TO_UNDO

    def describe(self, change: Change) -> str:
        """The entries that come and go."""
        update = DescriptorChange.of(change)
        return super().describe(change) if update is None else update.describe()

    def _list(self, ctx: CallContext, data: Element, which: str) -> Output:
        acl_words.check_object_kind(argument(data, "objectType"))
        path = _path(argument(data, "name"))
        directory = self.directory_of(ctx, path)
        descriptor = descriptor_of(directory, path.dn, LISTS[which])
        if descriptor is None:
            raise unable_to_open(path)
        acl = acl_of(descriptor, which)
        if acl is None:
            return None
        guids = {guid for ace in acl.aces if isinstance(ace, Ace) for guid in _object_types(ace)}
        names = object_type_names(directory, guids) if guids else {}
        element = output(which)
        element.extend(_ace(ace, mode, names) for ace in acl.aces if isinstance(ace, Ace) for mode in _modes(ace))
        return [element]


def _plan(directory: Directory, dn: Dn, guid: UUID | None, wishes: Mapping[str, list[Wish]]) -> Change:
    if not wishes:
        return Change()
    target = Dn.by_guid(guid) if guid else dn
    sections = DescriptorChange(dn, guid, {name: acl_edit.AclChange() for name in wishes}).sections
    descriptor = descriptor_of(directory, target, sections)
    if descriptor is None:
        raise unable_to_open(LdapPath(None, dn))
    changes = {}
    for name, wanted in wishes.items():
        acl = acl_of(descriptor, name) or Acl()
        if change := acl_edit.plan(acl.aces, wanted):
            changes[name] = change
            # What cannot be written is refused before the journal says that it will be.
            encoded(with_acl(descriptor, name, Acl(tuple(acl_edit.do(acl.aces, change)), acl.revision)))
    return DescriptorChange(dn, guid, changes).to_change(directory.server) if changes else Change()


def _path(text: str) -> LdapPath:
    """The object, by its LDAP path or, as Windows has it, by its distinguished name alone."""
    return LdapPath.parse(text) if text[:7].upper() == "LDAP://" else LdapPath(None, Dn.parse(text))


def _wishes(directory: Directory, element: Element) -> Iterator[Wish]:
    for ace in element.iterchildren("ace"):
        form = optional_argument(ace, "trusteeForm")
        type_ = optional_argument(ace, "trusteeType")
        if type_ is not None:
            acl_words.check_trustee_type(type_)
        yield Wish(
            acl_words.parse_mode(argument(ace, "mode")),
            acl_words.parse_permission(argument(ace, "permission")),
            sid_of(directory, argument(ace, "trustee"), acl_words.parse_form(form) if form is not None else None),
            acl_words.parse_inheritance(optional_argument(ace, "inheritance") or "0"),
            _object_type(directory, ace, "objectTypeName"),
            _object_type(directory, ace, "inheritedObjectTypeName"),
        )


def _object_type(directory: Directory, ace: etree._Element, name: str) -> UUID | None:
    text = optional_argument(ace, name)
    return object_type(directory, text) if text is not None else None


def _modes(ace: Ace) -> list[Mode]:
    """What an entry does, as ACCESS_MODE says it; an audit entry may look at success and failure both."""
    if ace.type in ALLOWING:
        return [Mode.GRANT_ACCESS]
    if ace.type in DENYING:
        return [Mode.DENY_ACCESS]
    audited = [mode for flag, mode in _AUDIT_MODES if ace.flags & flag and ace.type in AUDITING]
    return audited or [Mode.NOT_USED_ACCESS]


def _object_types(ace: AnyAce) -> list[UUID]:
    found = (ace.object_type, ace.inherited_object_type) if isinstance(ace, Ace) else ()
    return [guid for guid in found if guid is not None]


def _ace(ace: Ace, mode: Mode, names: Mapping[UUID, str]) -> Element:
    """One entry, with its children in the documented order."""
    form = Form.TRUSTEE_IS_OBJECTS_AND_SID if _object_types(ace) else Form.TRUSTEE_IS_SID
    element = output("ace")
    content = {
        "permission": str(ace.mask),
        "mode": str(mode.value),
        "trusteeForm": str(form.value),
        "trustee": ace.sid,
        "trusteeType": str(TrusteeType.TRUSTEE_IS_UNKNOWN.value),
        "inheritance": str(ace.flags & _INHERITANCE_BITS),
    }
    element.extend(output(name, text) for name, text in content.items())
    for name, guid in (("objectTypeName", ace.object_type), ("inheritedObjectTypeName", ace.inherited_object_type)):
        if guid is not None:
            element.append(output(name, names.get(guid, str(guid))))
    return element
