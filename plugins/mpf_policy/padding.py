"""Refusals that take as many look-ups whether an object is another's or not there at all.

Who names an object by SID or GUID does not know whether there is one. He is told the same in both cases, but before an
object of others is refused, the organizations around it are read, and for one that is not there nothing is. So what is
missing is made up for with look-ups that find nothing, and only refused calls pay for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from mpf_core.security.calls import Call
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn, DnForm
from mpf_directory.port import Entry
from mpf_policy.targets import UnreadableTargetError, targets

#: The most that is looked up for one object: itself; three organizations around it, each with a group of administrators and
#: one of representatives; and what the domain's own administrators are.
_MOST_LOOK_UPS = 11


class CountedDirectory(DelegatingDirectory):
    """Counts the look-ups in another directory: to decide about roles, objects are read, and nothing is searched."""

    looked_up = 0

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        self.looked_up += 1
        return super().read(dn, attributes)


def make_up(call: Call, directory: CountedDirectory, before: int) -> None:
    """Look up as much for a refused call as for any, if it names something by SID or GUID.

    ``before`` is what had been looked up when it was asked about. Raises the MpfError of a directory that does not answer.
    """
    try:
        named = list(targets(call.procedure, call.data))
    except UnreadableTargetError:  # refused because of that, whatever is there
        return
    if any(target.dn.form is not DnForm.NAME for target in named):
        while directory.looked_up - before < _MOST_LOOK_UPS * len(named):
            directory.read(Dn.by_guid(uuid4()), ["objectClass"])
