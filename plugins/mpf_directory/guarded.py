"""A directory for a call that runs with more rights than its caller has: every operation is one that it was granted.

The account behind it may do a lot more. What stands between a mistake in a procedure, or in a provider, and those rights is
this (design: docs/design/security.md, What a capability is made of).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mpf_core.errors import Code, MpfError
from mpf_core.security.capability import Capability, Permit
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn, DnForm
from mpf_directory.filters import Filter
from mpf_directory.locking import renamed_meanwhile
from mpf_directory.operations import Add, Modify, Operation, Rename, guid_of
from mpf_directory.port import Directory, Entry, Modification, Scope, Section, Value
from mpf_directory.results import no_such_object


class GuardedDirectory(DelegatingDirectory):
    """Raises E_ACCESSDENIED before whatever no permit covers."""

    def __init__(self, directory: Directory, capability: Capability) -> None:
        super().__init__(directory)
        self._capability = capability
        self._places: dict[Dn, Dn] = {}

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        """See `port.Directory.read`."""
        self._require("read", dn)
        return super().read(dn, attributes)

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - LDAP's word
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """See `port.Directory.search`. What is searched must lie within what may be read, all of it."""
        self._require("read", base, below=scope is not Scope.BASE)
        return super().search(base, scope, filter, attributes, limit)

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        """See `port.Directory.add`."""
        self._require("create", dn)
        super().add(dn, attributes)

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        """See `port.Directory.modify`."""
        self._require("modify", dn, [one.attribute for one in modifications])
        super().modify(dn, modifications)

    def delete(self, dn: Dn) -> None:
        """See `port.Directory.delete`."""
        self._require("delete", dn)
        super().delete(dn)

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        """See `port.Directory.rename`. Both names must be permitted."""
        self._require("rename", dn)
        self._require("rename", new_dn)
        super().rename(dn, new_dn)
        self._places.clear()

    def read_descriptor(self, dn: Dn, sections: Section) -> bytes | None:
        """See `port.SecurityDescriptors.read_descriptor`; for directories that have access control lists only."""
        self._require("read-acl", dn)
        return super().read_descriptor(dn, sections)

    def write_descriptor(self, dn: Dn, descriptor: bytes, sections: Section) -> None:
        """See `port.SecurityDescriptors.write_descriptor`."""
        self._require("write-acl", dn)
        super().write_descriptor(dn, descriptor, sections)

    def check(self, operations: Iterable[Operation]) -> None:
        """Raise E_ACCESSDENIED for operations that could not be done here. Nothing is done.

        Raises LOCK_VIOLATION where an object is not where it was when the call was authorized. What is changed is locked by
        now, so it stays.
        """
        for operation in operations:
            match operation:
                case Add():
                    self._require("create", operation.dn)
                case Modify():
                    named = Dn.by_guid(operation.guid) if operation.guid else operation.dn
                    self._require("modify", named, list(operation.changes))
                case Rename():
                    self._require("rename", operation.dn)
                    self._require("rename", operation.new_dn)
                case _:
                    self._require("delete", operation.dn)
            self._require_place(operation)

    def _require_place(self, operation: Operation) -> None:
        """What the call may change, and what it changes something in, is where it was when the call was authorized."""
        guid = operation.guid if isinstance(operation, Modify | Rename) else None
        for permit in self._capability.permits:
            for name, place in permit.places.items():
                was = Dn.parse(place)
                moved = name in permit.within and self._place(name) != was
                if moved or (guid is not None and Dn.parse(name).guid == guid and operation.dn != was):
                    raise renamed_meanwhile(was)

    def _require(self, operation: str, dn: Dn, attributes: Sequence[str] = (), *, below: bool = False) -> None:
        """``below`` asks for a container with everything in it: an object that is named itself is not enough."""
        permits = [permit for permit in self._capability.to(operation) if permit.covers(attributes)]
        if not any(self._is_within(dn, permit) or (not below and self._is_named(dn, permit)) for permit in permits):
            what = f"{operation} of {', '.join(sorted(attributes))}" if attributes else operation
            raise MpfError(Code.E_ACCESSDENIED, f"The elevation of this call does not permit: {what} at '{dn}'.")

    def _is_within(self, dn: Dn, permit: Permit) -> bool:
        if not permit.within:
            return False
        place = self._find(dn)
        return place is not None and any(place.is_within(self._place(name)) for name in permit.within)

    def _place(self, name: str) -> Dn:
        """A container, as it is called."""
        dn = Dn.parse(name)
        place = self._find(dn)
        if place is None:
            raise no_such_object(dn)
        return place

    def _find(self, dn: Dn) -> Dn | None:
        """What the object was called when this directory, opened for one stage of a call, first met or last renamed one."""
        if dn.form is DnForm.NAME:
            return dn
        if dn not in self._places:
            entry = self._directory.read(dn, ["objectClass"])
            if entry is None:
                return None
            self._places[dn] = entry.dn
        return self._places[dn]

    def _is_named(self, dn: Dn, permit: Permit) -> bool:
        names = [Dn.parse(name) for name in permit.objects]
        if dn in names:
            return True
        guids = {name.guid for name in names if name.form is DnForm.GUID}
        if not guids or dn.form is DnForm.GUID:
            return False
        entry = self._directory.read(dn, ["objectGUID"])
        return entry is not None and guid_of(entry) in guids
