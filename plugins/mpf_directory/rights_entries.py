"""Rights of the table as entries of access control lists: made, looked for, put into a list and taken out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from uuid import UUID

from mpf_directory import acl_edit
from mpf_directory.acl_change import DescriptorChange, acl_of, descriptor_of
from mpf_directory.acl_edit import Wish
from mpf_directory.acl_object_types import object_type
from mpf_directory.acl_words import Mode
from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Section
from mpf_directory.results import no_such_object
from mpf_directory.rights import Right
from mpf_directory.security_descriptor import Ace, AceType, Acl

#: Whether it denies, and whether it speaks about everything -> the kind of entry.
_TYPES = {
    (False, True): AceType.ALLOW,
    (False, False): AceType.ALLOW_OBJECT,
    (True, True): AceType.DENY,
    (True, False): AceType.DENY_OBJECT,
}


class Entries:
    """Makes entries for one account in one directory. Names are looked up in its schema, each once."""

    def __init__(self, directory: Directory, sid: str) -> None:
        """``directory`` is bound as whoever reads or writes the lists."""
        self._directory = directory
        self._sid = sid
        self._guids: dict[str, UUID] = {}

    def ace(self, right: Right) -> Ace:
        """The entry. Raises E_INVALIDARG where the schema does not know the attribute or the class."""
        wish = self._wish(right, Mode.GRANT_ACCESS)
        plain = wish.object_type is None and wish.inherited_object_type is None
        type_ = _TYPES[right.denied, plain]
        return Ace(type_, wish.flags, wish.mask, wish.sid, wish.object_type, wish.inherited_object_type)

    def by_place(self, rights: Iterable[Right]) -> Iterator[tuple[Dn, list[Right]]]:
        """The rights, sorted by the object that has the entry."""
        order = sorted(dict.fromkeys(rights), key=lambda right: right.place.value)
        for place, some in groupby(order, key=lambda right: right.place):
            yield place.find(self._directory), list(some)

    def give(self, rights: Iterable[Right]) -> Mapping[Dn, int]:
        """Put into the lists what is not there yet; returns how many entries came where.

        Raises NO_SUCH_OBJECT for a place that does not exist, E_ACCESSDENIED, and what the directory does.
        """
        return self._change(rights)

    def take(self, rights: Iterable[Right]) -> Mapping[Dn, int]:
        """Take entries out of the lists, those that are there; returns how many went where. Raises like `give`."""
        return self._change(rights, revoke=True)

    def _change(self, rights: Iterable[Right], *, revoke: bool = False) -> Mapping[Dn, int]:
        changed: dict[Dn, int] = {}
        for dn, some in self.by_place(rights):
            descriptor = descriptor_of(self._directory, dn, Section.DACL)
            if descriptor is None:
                raise no_such_object(dn)
            acl = acl_of(descriptor, "dacl") or Acl()
            change = acl_edit.plan(acl.aces, [self._wish(right, _mode(right, revoke)) for right in some])
            if change:
                DescriptorChange(dn, None, {"dacl": change}).do(self._directory)
            changed[dn] = len(change.added) + len(change.removed)
        return changed

    def _wish(self, right: Right, mode: Mode) -> Wish:
        about, of = self._guid(right.about), self._guid(right.of)
        return Wish(mode, int(right.access), self._sid, int(right.reach.value), about, of)

    def _guid(self, name: str) -> UUID | None:
        if not name:
            return None
        if name not in self._guids:
            self._guids[name] = object_type(self._directory, name)
        return self._guids[name]


def _mode(right: Right, revoke: bool) -> Mode:
    if revoke:
        return Mode.REVOKE_ACCESS
    return Mode.DENY_ACCESS if right.denied else Mode.GRANT_ACCESS
