"""Is a directory ready for the managed namespaces? The questions of ``mpfctl directory check``, and how they are asked.

Nothing is written. Every question answers with findings: what was looked at, what was found, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeAlias

from mpf_core.errors import MpfError
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directories, Directory, Entry, Scope, Value
from mpf_directory.settings import DirectorySettings


class Status(Enum):
    """How a finding counts: only what is missing makes a directory unready."""

    OK = "ok"
    MISSING = "missing"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and, unless all is well, what to do."""

    status: Status
    subject: str
    detail: str
    advice: str = ""


#: A directory's object as the tree was read: its classes, its pointers, and no more.
_TREE_READ = ("objectClass", "otherWellKnownObjects")


class Ground:
    """What the questions look at: the settings, the service account's view of the directory, and the hosting tree in it."""

    def __init__(self, directories: Directories, settings: DirectorySettings) -> None:
        """Touches no server."""
        self.directories = directories
        self.settings = settings

    @cached_property
    def directory(self) -> Directory:
        """The directory as the service account sees it. Raises what `Directories.service` does."""
        return self.directories.service()

    @cached_property
    def hosting(self) -> Dn:
        """The unit at the top of the hosting tree."""
        return layout.ORGANIZATIONS[0].dn(self.directory.base)

    @cached_property
    def tree(self) -> dict[Dn, Entry]:
        """Units, containers and groups of the hosting tree, by name; empty where there is none."""
        if self.directory.read(self.hosting, ["objectClass"]) is None:
            return {}
        classes = ("organizationalUnit", "container", "group")
        wanted = Filter.or_(*(Filter.eq("objectClass", name) for name in classes))
        return {entry.dn: entry for entry in self.directory.search(self.hosting, Scope.SUBTREE, wanted, _TREE_READ)}

    @cached_property
    def organizations(self) -> list[Entry]:
        """The units that say that they are organizations, the hosting one first."""
        found = [entry for entry in self.tree.values() if "organizationalunit" in folded(entry.values("objectClass"))]
        own = [entry for entry in found if entry.dn == self.hosting or pointers(entry)]
        return sorted(own, key=lambda entry: (len(entry.dn.rdns), entry.dn.normalised))

    def has(self, dn: Dn) -> bool:
        """Whether there is such an object."""
        return dn in self.tree or self.directory.read(dn, ["objectClass"]) is not None


Answer: TypeAlias = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the table: what is asked, by what, and whether the others can be asked after a *missing*."""

    subject: str
    ask: Callable[[Ground], Answer]
    first: bool = False


def ask(ground: Ground, questions: Sequence[Question]) -> Iterator[Finding]:
    """Ask all questions in order. What a directory refuses to answer is *missing*, and the next question is asked."""
    for question in questions:
        missing = False
        try:
            for finding in question.ask(ground):
                missing |= finding.status is Status.MISSING
                yield finding
        except MpfError as error:
            missing = True
            advice = "Make this readable for the service account, or the server answer."
            yield Finding(Status.MISSING, question.subject, f"cannot be looked at: {error.description}", advice)
        if missing and question.first:
            return


def present(ground: Ground, subject: str, names: Iterable[Dn], advice: str) -> Answer:
    """One line for each object that is not there, or one for all of them."""
    wanted = list(names)
    absent = [dn for dn in wanted if not ground.has(dn)]
    for dn in absent:
        yield Finding(Status.MISSING, subject, f"there is no '{dn}'", advice)
    if not absent:
        yield Finding(Status.OK, subject, f"{len(wanted)} objects are there")


def pointers(entry: Entry) -> dict[str, Dn]:
    """otherWellKnownObjects (``B:32:<GUID>:<DN>``) by GUID, upper case; what is not in the form points at nothing."""
    found: dict[str, Dn] = {}
    for value in entry.values("otherWellKnownObjects"):
        parts = value.split(":", 3) if isinstance(value, str) else []
        if len(parts) == 4:
            try:
                found[parts[2].upper()] = Dn.parse(parts[3])
            except MpfError:
                continue
    return found


def folded(values: Iterable[Value]) -> frozenset[str]:
    """Text values without regard to case."""
    return frozenset(value.casefold() for value in values if isinstance(value, str))
