"""Group membership (spec: helpers-and-ad-providers.md, 3.6, 3.11, 3.16)."""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.provider import NO_CHANGE, CallContext, Change, Element, Output, argument, output, read, write
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.locking import hold_object, hold_value, renamed_meanwhile
from mpf_directory.operations import Modify, ValueChange, guid_of
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Entry, Scope
from mpf_directory.provider_common import PathCalls, flag, path_output
from mpf_directory.results import Result


class GroupCalls(PathCalls):
    """Procedures on groups and their members. A group is never read whole to change one member of it."""

    @write("Group Add")
    def group_add(self, ctx: CallContext, data: Element) -> Change:
        """IN group, path (the new member), flagSkipAction. OBJECT_ALREADY_EXISTS for one that is a member already."""
        directory, group, member = self._held_pair(ctx, data)
        if flag(data, "flagSkipAction"):
            return NO_CHANGE
        if _is_member(directory, group.dn, member.dn):
            text = f"The object already exists. '{member.dn}' is a member of '{group.dn}' already."
            raise MpfError(Code.OBJECT_ALREADY_EXISTS, text)
        change = ValueChange(added=(str(member.dn),))
        return self.change(directory, Modify(group.dn, {"member": change}, guid_of(group)))

    @write("Group Remove")
    def group_remove(self, ctx: CallContext, data: Element) -> Change:
        """IN group, path (the member), flagSkipAction. ERROR_DS_UNWILLING_TO_PERFORM for one that is no member."""
        directory, group, member = self._held_pair(ctx, data)
        if flag(data, "flagSkipAction"):
            return NO_CHANGE
        if not _is_member(directory, group.dn, member.dn):
            text = f"The server is unwilling to process the request. '{member.dn}' is no member of '{group.dn}'."
            raise MpfError(Result.UNWILLING_TO_PERFORM, text)
        change = ValueChange(removed=(str(member.dn),))
        return self.change(directory, Modify(group.dn, {"member": change}, guid_of(group)))

    @read("Group IsMember")
    def group_is_member(self, ctx: CallContext, data: Element) -> Output:
        """IN group, path. OUT isMember: 1 for a direct member, else 0."""
        directory, group, member = self._pair(ctx, data)
        return [output("isMember", "1" if _is_member(directory, group.dn, member.dn) else "0")]

    @read("Group Members")
    def group_members(self, ctx: CallContext, data: Element) -> Output:
        """IN group. OUT members: the LDAP path of each direct member."""
        path, _, group = self.fetch(ctx, data, ["member"], "group")
        return [_paths("members", "member", path.server, group.values("member"))]

    @read("User Groups")
    def user_groups(self, ctx: CallContext, data: Element) -> Output:
        """IN path. OUT groups: the LDAP path of each group that the user is a direct member of, but for the primary one."""
        path, _, user = self.fetch(ctx, data, ["memberOf"])
        return [_paths("groups", "group", path.server, user.values("memberOf"))]

    def _held_pair(self, ctx: CallContext, data: Element) -> tuple[Directory, Entry, Entry]:
        """As `_pair`, with the membership of that one held."""
        _, directory, group = self.resolve(ctx, data, "group")
        member = self.plain(directory, LdapPath.parse(argument(data, "path")))
        hold_value(ctx, group, member.normalised)
        hold_object(ctx, member, shared=True)
        found = self._pair(ctx, data)
        for entry, held in zip(found[1:], (group, member), strict=True):
            if entry.dn != held:
                raise renamed_meanwhile(held)
        return found

    def _pair(self, ctx: CallContext, data: Element) -> tuple[Directory, Entry, Entry]:
        """The directory of the group, the group and the other object, both looked up there."""
        _, directory, group = self.fetch(ctx, data, ["objectGUID"], "group")
        return directory, group, self.require(directory, LdapPath.parse(argument(data, "path")), ["objectClass"])


def _is_member(directory: Directory, group: Dn, member: Dn) -> bool:
    found = directory.search(group, Scope.BASE, Filter.eq("member", str(member)), ["objectClass"], limit=1)
    return next(iter(found), None) is not None


def _paths(name: str, child: str, server: str | None, values: tuple[str | bytes, ...]) -> Element:
    element = output(name)
    element.extend(path_output(child, server, Dn.parse(value)) for value in values if isinstance(value, str))
    return element
