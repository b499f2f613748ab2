"""What a call may do that runs with more rights than its caller has: so much, and nothing else (docs/design/security.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Permit:
    """Some operations on some objects.

    ``operations`` are named by what checks them; for directories ``read``, ``create``, ``modify``, ``rename``, ``delete``,
    ``read-acl`` and ``write-acl``. ``objects`` are the objects themselves, ``within`` containers with everything below
    them, both as names that the checking provider understands (for directories: distinguished names, also in the form
    ``<GUID=...>``). ``attributes`` limit what is modified: names without regard to case, or beginnings with a ``*``; none
    is no limit. ``places`` says where some of the objects and containers were when the call was authorized: a change is
    refused if one is elsewhere by then, because the decision was about an object in that place.
    """

    operations: frozenset[str]
    objects: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    def covers(self, attributes: Sequence[str]) -> bool:
        """Whether all of these attributes may be changed."""
        if not self.attributes:
            return True
        return all(any(_matches(pattern.lower(), name.lower()) for pattern in self.attributes) for name in attributes)


@dataclass(frozen=True, slots=True)
class Capability:
    """All that an elevated call, and everything that it calls as the same account, may do: what no permit names, not."""

    permits: tuple[Permit, ...]

    def to(self, operation: str) -> tuple[Permit, ...]:
        """The permits for one kind of operation."""
        return tuple(permit for permit in self.permits if operation in permit.operations)


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
