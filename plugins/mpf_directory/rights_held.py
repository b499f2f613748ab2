"""Whether an account has a right of the table, by the entries of the very objects that the right is about.

So it does not matter whether a right was given to the account, to a group, or at another place in the tree, and a unit that
inherits nothing is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from uuid import UUID

from mpf_core.errors import MpfError
from mpf_directory.acl_access import allows
from mpf_directory.acl_change import descriptor_of, descriptors_of
from mpf_directory.acl_object_types import attribute_guids, object_type
from mpf_directory.check import Ground
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Scope, Section
from mpf_directory.rights import Access, Place, Reach, Right
from mpf_directory.security_descriptor import SecurityDescriptor


class Held:
    """What the account that the ground's directory is bound as may do. Reads each list once."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._descriptors: dict[Dn, SecurityDescriptor | None] = {}
        self._guids: dict[str, frozenset[UUID]] = {}
        self._first: dict[tuple[Dn, str, Scope], Dn | None] = {}

    @cached_property
    def _sids(self) -> frozenset[str]:
        return descriptors_of(self._ground.directory).account_sids()

    def samples(self, right: Right) -> Iterator[tuple[Dn, Right]]:
        """Objects at which the right has to be there, one of each organization, with what has to be there.

        Without the unit for parked objects, that is the right to make it.
        """
        place = right.place.find(self._ground.directory)
        if not self._ground.has(place):
            if right.place is Place.PARKED:
                yield self._ground.directory.base, Right(Access.CREATE_CHILD, right.place, "organizationalUnit")
            return
        if right.reach is not Reach.BELOW:
            yield place, right
        if right.reach is Reach.HERE or right.place is not Place.HOSTING:
            return
        for organization in self._ground.organizations:
            sample = self._sample(organization.dn, right.of) if right.of else organization.dn
            if sample is not None:
                yield sample, right

    def _sample(self, organization: Dn, class_: str) -> Dn | None:
        """One object of a class in an organization; rather one that lies in it directly."""
        for scope in (Scope.ONE_LEVEL, Scope.SUBTREE):
            key = (organization, class_, scope)
            if key not in self._first:
                wanted = Filter.eq("objectClass", class_)
                found = self._ground.directory.search(organization, scope, wanted, ["objectClass"], limit=1)
                self._first[key] = next((entry.dn for entry in found), None)
            if (dn := self._first[key]) is not None:
                return dn
        return None

    def has(self, dn: Dn, right: Right) -> bool:
        """Whether the object's list grants it. A list that cannot be read grants nothing that can be told."""
        if dn not in self._descriptors:
            self._descriptors[dn] = self._read(dn)
        descriptor = self._descriptors[dn]
        if descriptor is None:
            return False
        about = self._about(right)
        return all(allows(descriptor, self._sids, bit, about) for bit in Access if bit in right.access)

    def _read(self, dn: Dn) -> SecurityDescriptor | None:
        try:
            return descriptor_of(self._ground.directory, dn, Section.OWNER | Section.DACL)
        except MpfError:
            return None

    def _about(self, right: Right) -> frozenset[UUID]:
        if not right.about:
            return frozenset()
        if right.about not in self._guids:
            self._guids[right.about] = self._look_up(right)
        return self._guids[right.about]

    def _look_up(self, right: Right) -> frozenset[UUID]:
        if right.access is Access.WRITE_PROP:
            return attribute_guids(self._ground.directory, right.about)
        try:
            return frozenset({object_type(self._ground.directory, right.about)})
        except MpfError:
            # The schema does not have it, which another question tells.
            return frozenset()
