"""Check of the forest: of its domains, the configured one is the only one that is searched."""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_directory.check import Answer, Finding, Ground, Status
from mpf_directory.filters import Filter
from mpf_directory.port import Scope

_ADVICE = (
    "SIP addresses, SIP domains and names to log on with are unique in the configured domain only: nothing is looked up in "
    "a global catalogue. Keep the users of one Office Communications Server in one domain."
)
_SUBJECT = "forest"


def forest(ground: Ground) -> Answer:
    """A warning when the forest has other domains: its partitions say so, which lie below its root domain."""
    if ground.settings.backend == "embedded":
        return
    base = ground.directory.base
    partitions = base.child("CN", "Configuration").child("CN", "Partitions")
    domains = Filter.and_(Filter.eq("objectClass", "crossRef"), Filter.present("nETBIOSName"))
    try:
        found = list(ground.directory.search(partitions, Scope.ONE_LEVEL, domains, ["nCName"]))
    except MpfError as error:
        if error.code != Code.NO_SUCH_OBJECT:
            raise
        yield Finding(
            Status.WARNING, _SUBJECT, f"'{base}' is not the root of its forest, so there are other domains", _ADVICE
        )
        return
    if len(found) > 1:
        names = ", ".join(sorted(f"'{entry.text('nCName')}'" for entry in found))
        yield Finding(Status.WARNING, _SUBJECT, f"the forest has {len(found)} domains: {names}", _ADVICE)
    else:
        yield Finding(Status.OK, _SUBJECT, "it has one domain")
