"""`DirectoryProvider`: the base class of providers that change a directory. It has apply, undo, commit and describe.

A provider's write procedure only reads, and returns one of

    self.add_change(directory, dn, attributes)
    self.modify_change(directory, entry, {attribute: values that it shall have})      # or a list of Modifications
    self.rename_change(directory, entry, new_dn)
    self.delete_change(directory, dn)                                                 # in a two-phase procedure only
    self.change(directory, operation, operation, ...)                                 # several in one, done in order

each with ``output=`` for the elements that are known already. ``directory`` comes from ``self.directory(ctx, server)``, or,
for an LDAP path that a caller gave, from ``self.directory_of(ctx, path)``. Nothing to do gives a change that does nothing.

``Change.data`` is ``{"server", "operations", "commit"}``; operations are those of `mpf_directory.operations`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import cast
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Element, Json, Output, Provider, Undo
from mpf_core.security.identity import IdentityKind
from mpf_directory.authorized import AuthorizedDirectory
from mpf_directory.caching import ForgettingDirectory, RememberingDirectory
from mpf_directory.change_records import change_records
from mpf_directory.dn import Dn, domain_of
from mpf_directory.guarded import GuardedDirectory
from mpf_directory.locking import renamed_meanwhile
from mpf_directory.memory import Memory
from mpf_directory.operations import (
    Add,
    Delete,
    Modify,
    Operation,
    Rename,
    ValueChange,
    Wanted,
    add,
    from_json,
    guid_of,
    operations_of,
    plan_modify,
    to_json,
    value_key,
)
from mpf_directory.parking import plan_delete
from mpf_directory.paths import LdapPath
from mpf_directory.pointed import PointedDirectory
from mpf_directory.port import Directories, Directory, Entry, Modification
from mpf_directory.results import NoAnswerError, Result, no_such_object
from mpf_directory.undoing import delete_subtree, require_parked, undo

__all__ = [
    "REFUSALS",
    "Add",
    "Delete",
    "DirectoryProvider",
    "Modify",
    "Operation",
    "Rename",
    "ValueChange",
    "Wanted",
    "add",
    "domain_of",
    "guid_of",
    "plan_delete",
    "plan_modify",
    "value_key",
]

#: Errors by which a directory says that it did *not* do it. After any other error nobody knows.
REFUSALS = frozenset(
    {
        Code.E_ACCESSDENIED,
        Code.E_INVALIDARG,
        Code.LOCK_VIOLATION,
        Code.NO_SUCH_OBJECT,
        Code.OBJECT_ALREADY_EXISTS,
        Result.ATTRIBUTE_OR_VALUE_EXISTS,
        Result.ATTRIBUTE_TYPE_UNDEFINED,
        Result.CANT_MOD_OBJ_CLASS,
        Result.CANT_ON_NON_LEAF,
        Result.CANT_ON_RDN,
        Result.CONSTRAINT_VIOLATION,
        Result.INVALID_ATTRIBUTE_SYNTAX,
        Result.INVALID_DN_SYNTAX,
        Result.NAMING_VIOLATION,
        Result.NO_ATTRIBUTE_OR_VALUE,
        Result.OBJ_CLASS_VIOLATION,
        Result.REFERRAL,
        Result.REFERRAL_LIMIT_EXCEEDED,
        Result.UNWILLING_TO_PERFORM,
    }
)
_BAG_KEY = "mpf_directory.memory"
#: Identities that a directory with access control lists is asked as, if somebody has their password.
_CALLERS = frozenset({IdentityKind.CALLER, IdentityKind.BASIC})


class DirectoryProvider(Provider):
    """A provider whose changes are changes of a directory: the module's text shows how to make them."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    def directory(self, ctx: CallContext, server: str | None = None) -> Directory:
        """The directory, bound as the account that the call runs as, at ``server`` or at the default one.

        What the transaction has read since its last lock and its last write is not read again: see `mpf_directory.caching`.
        Raises what `Directories.open` does: E_ACCESSDENIED for a server that is not configured, SERVER_DOWN.
        """
        account = self._directories.account(ctx.identity)
        directory = self._directories.open(ctx.identity, server)
        if account is None and directory.has_acls and ctx.identity.kind in _CALLERS:
            ctx.record_assertion()
        return _guarded(ctx, self._remembering(ctx, directory, account))

    def service(self, ctx: CallContext) -> Directory:
        """The same, bound as the operator's own account at the operator's own server."""
        return self._remembering(ctx, self._directories.service(), None)

    def directory_of(self, ctx: CallContext, path: LdapPath) -> Directory:
        """The directory at the server that ``path`` names; the default one where that is the path's own domain."""
        server = path.server
        if server is not None and server.lower() == domain_of(path.dn).lower():
            server = None
        return self.directory(ctx, server)

    @staticmethod
    def change(
        directory: Directory,
        *operations: Operation | None,
        output: Iterable[Element] = (),
        commit: Sequence[Delete] = (),
    ) -> Change:
        """One change of several operations, done in this order and undone in reverse; ``None`` is nothing to do.

        ``commit`` is what the commit of a two-phase procedure deletes.
        """
        doing = [to_json(operation) for operation in operations if operation is not None]
        if not doing and not commit:
            return Change(output=tuple(output))
        data: dict[str, Json] = {"server": directory.server, "operations": cast(list[Json], doing)}
        if commit:
            data["commit"] = [to_json(operation) for operation in commit]
        return Change(data, tuple(output), complete=True)

    @classmethod
    def add_change(cls, directory: Directory, dn: Dn, attributes: Wanted, output: Iterable[Element] = ()) -> Change:
        """Create an object; ``attributes`` holds objectClass. Raises OBJECT_ALREADY_EXISTS when it is there."""
        if directory.read(dn, ["objectGUID"]) is not None:
            raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"The object '{dn}' already exists.")
        return cls.change(directory, add(dn, attributes), output=output)

    @classmethod
    def modify_change(
        cls,
        directory: Directory,
        entry: Entry,
        wanted: Wanted | Sequence[Modification],
        output: Iterable[Element] = (),
    ) -> Change:
        """Change attributes: see `plan_modify`, which says what ``entry`` has to be read with."""
        return cls.change(directory, plan_modify(entry, wanted), output=output)

    @classmethod
    def rename_change(cls, directory: Directory, entry: Entry, new_dn: Dn, output: Iterable[Element] = ()) -> Change:
        """Rename or move an object, read with objectGUID. Raises OBJECT_ALREADY_EXISTS when the new name is taken."""
        guid = guid_of(entry)
        if guid is None:
            raise ValueError(f"{entry.dn} was read without its objectGUID")
        if str(entry.dn) == str(new_dn):
            return cls.change(directory, output=output)
        found = directory.read(new_dn, ["objectGUID"]) if entry.dn != new_dn else None
        if found is not None and guid_of(found) != guid:
            raise MpfError(Code.OBJECT_ALREADY_EXISTS, f"The object '{new_dn}' already exists.")
        return cls.change(directory, Rename(entry.dn, new_dn, guid), output=output)

    @classmethod
    def delete_change(
        cls, directory: Directory, dn: Dn, output: Iterable[Element] = (), *, parked: Dn | None = None
    ) -> Change:
        """Delete an object with all below it: parked now, deleted by the commit. For two-phase procedures only.

        ``parked`` is what it is called in between: see `mpf_directory.parking`.
        """
        operations, final = plan_delete(directory, dn, parked)
        return cls.change(directory, *operations, output=output, commit=[final])

    def apply(self, ctx: CallContext, change: Change) -> Output:
        """Do the operations. Leaves in ``ctx.evidence`` how far it came, and the GUIDs of the objects it created.

        A GUID of ``None`` stands for a shared object that was there already: the undo leaves it alone.
        """
        directory = self.reopen(ctx, change)
        guids: dict[str, Json] = {}
        ctx.evidence.update(done=0, certain=True, guids=guids)
        for number, operation in enumerate(operations_of(change)):
            ctx.evidence.update(done=number, certain=False)
            try:
                created = _do(directory, operation)
            except MpfError as error:
                unsent = isinstance(error, NoAnswerError) and not error.sent
                ctx.evidence["certain"] = unsent or error.code in REFUSALS
                raise
            ctx.evidence.update(done=number + 1, certain=True)
            if isinstance(operation, Add):
                entry = directory.read(operation.dn, ["objectGUID"]) if created else None
                guid = guid_of(entry) if entry else None
                if guid is not None or not created:
                    guids[str(number)] = str(guid) if guid else None
        return None

    def check_capability(self, ctx: CallContext, change: Change) -> None:
        """Refuse a change with an operation, now or at the commit, that the call was not granted: see `guarded`."""
        if ctx.capability is None:
            return
        if not isinstance(change.data, dict) or "operations" not in change.data:
            super().check_capability(ctx, change)
        server = cast(dict[str, Json], change.data)["server"]
        directory = GuardedDirectory(self._directories.open(ctx.identity, str(server) if server else None), ctx.capability)
        directory.check([*operations_of(change), *_final_deletes(change)])

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Take the operations back, last first: see `mpf_directory.undoing`.

        Without evidence (the process that applied the change was killed) every operation is looked for.
        """
        operations = operations_of(change)
        done = ctx.evidence.get("done")
        if isinstance(done, int):
            operations = operations[: done + (0 if ctx.evidence.get("certain") else 1)]
        guids = ctx.evidence.get("guids")
        directory = self.reopen(ctx, change)
        undone = False
        for number, operation in reversed(list(enumerate(operations))):
            guid = guids.get(str(number), "") if isinstance(guids, dict) else ""
            if guid is not None:
                undone |= undo(directory, operation, UUID(str(guid)) if guid else None)
        return Undo.UNDONE if undone else Undo.NOTHING_TO_UNDO

    def prepare_commit(self, ctx: CallContext, change: Change) -> None:
        """Raise E_FAIL when what was parked is not as it was put any more: its commit would fail."""
        directory = self.reopen(ctx, change)
        for operation in _final_deletes(change):
            require_parked(directory, operation)

    def commit(self, ctx: CallContext, change: Change) -> None:
        """Delete what was parked."""
        directory = self.reopen(ctx, change)
        for operation in _final_deletes(change):
            delete_subtree(directory, operation)

    def describe(self, change: Change) -> str:
        """The change as LDIF change records."""
        return change_records(operations_of(change), _final_deletes(change))

    def reopen(self, ctx: CallContext, change: Change) -> Directory:
        """The directory at the server that ``change`` was prepared at, bound as the account that the call runs as.

        It remembers nothing. Its writes raise TIMEOUT, before they are done, when the call's time is over.
        """
        server = cast(dict[str, Json], change.data)["server"]
        opened = self._directories.open(ctx.identity, str(server) if server else None, deadline=ctx.deadline)
        return _guarded(ctx, PointedDirectory(ForgettingDirectory(opened, self._memory(ctx)), ctx.effect))

    def _remembering(self, ctx: CallContext, directory: Directory, account: Hashable) -> Directory:
        memory = self._memory(ctx)
        if ctx.identity.kind is IdentityKind.RECOVERY:
            return ForgettingDirectory(directory, memory)
        if ctx.stale is None:
            return AuthorizedDirectory(ForgettingDirectory(directory, memory), memory)
        memory.stale = ctx.stale
        return AuthorizedDirectory(RememberingDirectory(directory, memory, account), memory)

    def _memory(self, ctx: CallContext) -> Memory:
        """The transaction's. It lives as long as the property bag, of which undo and commit have none."""
        memory = self._directories.memory(ctx.transaction_id)
        ctx.bag[_BAG_KEY] = memory
        return memory


def _guarded(ctx: CallContext, directory: Directory) -> Directory:
    """For a call that runs with more rights than its caller has: what it was granted, and nothing else."""
    return directory if ctx.capability is None else GuardedDirectory(directory, ctx.capability)


def _final_deletes(change: Change) -> list[Delete]:
    """What the commit of a two-phase procedure deletes."""
    data = cast(dict[str, Json], change.data or {})
    operations = map(from_json, cast(list[Json], data.get("commit", [])))
    return [operation for operation in operations if isinstance(operation, Delete)]


def _do(directory: Directory, operation: Operation) -> bool:
    """Do one operation; returns whether it created an object."""
    match operation:
        case Add():
            try:
                directory.add(operation.dn, operation.attributes)
            except MpfError as error:
                if not (operation.shared and error.code == Code.OBJECT_ALREADY_EXISTS):
                    raise
                return False
            return True
        case Modify():
            # By what was decided on, whatever has its name by now.
            name = operation.dn if operation.guid is None else Dn.by_guid(operation.guid)
            directory.modify(name, operation.modifications)
        case Rename():
            _rename(directory, operation)
        case Delete():
            delete_subtree(directory, operation)
    return False


def _rename(directory: Directory, operation: Rename) -> None:
    """Raises NO_SUCH_OBJECT or LOCK_VIOLATION where the object is not at its name any more, whoever has that now."""
    name = Dn.by_guid(operation.guid)
    entry = directory.read(name, ["objectGUID"])
    if entry is None:
        raise no_such_object(operation.dn)
    if entry.dn != operation.dn:
        raise renamed_meanwhile(operation.dn)
    directory.rename(name, operation.new_dn)
