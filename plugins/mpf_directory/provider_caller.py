"""The Caller Provider: what the directory says about who sent the request. Ours, the original has none.

The original found out which roles of the user interface somebody has by reading an access-controlled group for each role
(spec: engine-and-runtime.md, UI roles). Here it is membership, as in every other decision about roles: it gives the same
answer on a directory without access control lists.
"""

from __future__ import annotations

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, Output, output, read
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.provider_common import PathCalls, unable_to_open
from mpf_directory.sids import sid_to_text


class CallerProvider(PathCalls):
    """``providerSource="mpf.directory.callers"``; all its procedures are private."""

    @read("Groups Of Caller")
    def groups_of_caller(self, ctx: CallContext, data: Element) -> Output:
        """IN path (a container). OUT groups: those directly in it, by name.

        ``isMember`` is 1 for a group that the caller is a member of, by other groups too, and else 0: of whom sent the
        request, whatever the call runs as. Raises NO_SUCH_OBJECT.
        """
        path, directory = self.open(ctx, data)
        groups = output("groups")
        wanted = Filter.eq("objectClass", "group")
        try:
            for entry in directory.search(path.dn, Scope.ONE_LEVEL, wanted, ["name", "objectSid"]):
                sid = entry.octets("objectSid")
                member = sid is not None and sid_to_text(sid) in ctx.caller.groups
                name = entry.text("name") or entry.dn.rdn.value
                etree.SubElement(groups, "group", {"name": name, "isMember": "1" if member else "0"})
        except MpfError as error:
            if error.code == Code.NO_SUCH_OBJECT:
                raise unable_to_open(path) from error
            raise
        return [groups]
