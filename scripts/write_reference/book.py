"""What all pages have in common: where each procedure's page is, who calls whom, and which calls get more rights."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mpf_core.model import Namespace, Procedure
from scripts.write_reference.markdown import plain, slug

Name = tuple[str, str]


@dataclass(frozen=True)
class Book:
    """The pages of some namespaces. ``reasons`` say why a call from one procedure to another runs as the service account."""

    namespaces: Mapping[str, Namespace]
    addresses: Mapping[Name, str]
    callers: Mapping[Name, tuple[Procedure, ...]]
    reasons: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, namespaces: Mapping[str, Namespace], elevations: tuple[Mapping[str, str], ...] = ()) -> Book:
        """The book of the loaded ``namespaces`` and the rules of elevation (``from``, ``to``, ``reason``)."""
        addresses: dict[Name, str] = {}
        callers: dict[Name, dict[str, Procedure]] = {}
        for space in namespaces.values():
            for procedure in space.procedures.values():
                addresses[space.name, procedure.name] = _free(addresses, f"{slug(space.name)}/{slug(procedure.name)}")
                for called in procedure.calls:
                    callers.setdefault(called, {})[procedure.full_name] = procedure
        return cls(
            namespaces,
            addresses,
            {name: tuple(found.values()) for name, found in callers.items()},
            {(rule["from"], rule["to"]): rule["reason"] for rule in elevations},
        )

    def procedures(self) -> Iterator[Procedure]:
        """Every procedure, namespace by namespace."""
        for space in self.namespaces.values():
            yield from space.procedures.values()

    def get(self, name: Name) -> Procedure | None:
        """The procedure of that name, if it is loaded."""
        space = self.namespaces.get(name[0])
        return space.procedures.get(name[1]) if space else None

    def link(self, name: Name, start: str) -> str:
        """A link to a procedure's page from the page ``start``, both relative to the reference."""
        label, page = plain("::".join(name)), self.addresses.get(name)
        return f"[{label}]({posixpath.relpath(page, posixpath.dirname(start))})" if page else label


def _free(taken: Mapping[Name, str], address: str) -> str:
    """The address of a new page; some file systems do not tell names apart that differ in case only."""
    used, number, free = {one.lower() for one in taken.values()}, 1, f"{address}.md"
    while free.lower() in used:
        number += 1
        free = f"{address}-{number}.md"
    return free
