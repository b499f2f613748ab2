"""A whole directory as data, to see what changed between two moments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from mpf_core.engine import Engine

#: What a directory writes by itself whenever an object changes, and an undo is a change too.
STAMPS = frozenset({"whenchanged", "usnchanged"})

#: A value of the directory: the object's name, the attribute and the value.
Fact = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything in the directory at one moment, but for `STAMPS`."""

    objects: int
    facts: frozenset[Fact]

    @property
    def fingerprint(self) -> str:
        """Equal for equal content, and for that only."""
        return hashlib.sha256(repr(sorted(self.facts)).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.objects} objects, {len(self.facts)} values, fingerprint {self.fingerprint}"


def take(engine: Engine) -> Snapshot:
    """Read every object with all attributes, as the service account."""
    # The directory is a plugin; commands that need one import it when they run.
    from mpf_directory.filters import Filter
    from mpf_directory.port import Directories, Scope

    directory = engine.services.get(Directories).service()  # type: ignore[type-abstract]
    entries = list(directory.search(directory.base, Scope.SUBTREE, Filter.present("objectClass")))
    facts = {
        (str(entry.dn), attribute, value.hex() if isinstance(value, bytes) else value)
        for entry in entries
        for attribute, values in entry.attributes.items()
        if attribute.lower() not in STAMPS
        for value in values
    }
    return Snapshot(len(entries), frozenset(facts))


def differences(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """What went and what came, one line for each value."""
    for sign, facts in (("-", before.facts - after.facts), ("+", after.facts - before.facts)):
        for dn, attribute, value in sorted(facts):
            yield f"{sign} {dn}  {attribute}: {value}"
