"""Taking directory operations back: look first, value by value, and never guess.

Each function says whether the effect was there and is gone now. It raises where the effect cannot be taken back, or where
it cannot be told whose effect it is: the step is then *undo failed*, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.operations import Add, Delete, Modify, Operation, Rename, ValueChange, guid_of, value_key
from mpf_directory.port import Directory, Entry, Modification, ModifyOp, Scope, Value
from mpf_directory.results import Result
from mpf_directory.schema import default_schema

#: How far the clocks of a domain controller and this machine may be apart; Kerberos allows no more either.
_SKEW = timedelta(minutes=5)
#: After the preparation of a call, it has certainly sent what it would send, or has been given up.
_LONGEST = timedelta(minutes=15)


def undo(directory: Directory, operation: Operation, guid: UUID | None = None) -> bool:
    """Take one operation back. ``guid`` is the objectGUID of the object that an add created, if that was noted."""
    match operation:
        case Add():
            return _undo_add(directory, operation, guid)
        case Modify():
            return _undo_modify(directory, operation)
        case Rename():
            return _undo_rename(directory, operation)
        case Delete():
            raise MpfError(Code.NOT_SUPPORTED, f"'{operation.dn}' was deleted, and that cannot be undone.")


def has_children(directory: Directory, dn: Dn) -> bool:
    """Whether the object holds others."""
    children = directory.search(dn, Scope.ONE_LEVEL, Filter.present("objectClass"), ["objectClass"], limit=1)
    return next(iter(children), None) is not None


def _undo_add(directory: Directory, operation: Add, guid: UUID | None) -> bool:
    entry = directory.read(Dn.by_guid(guid), ["objectGUID"]) if guid else _created(directory, operation)
    if entry is None:
        return False
    if has_children(directory, entry.dn):
        if operation.shared:
            return False
        raise MpfError(Result.CANT_ON_NON_LEAF, f"'{entry.dn}' cannot be removed: others have put objects below it.")
    try:
        directory.delete(entry.dn)
    except MpfError as error:
        if operation.shared and error.code == Result.CANT_ON_NON_LEAF:
            return False
        raise
    return True


def _created(directory: Directory, operation: Add) -> Entry | None:
    """The object that an add of unknown outcome created, told by comparing; ``None`` when there is none.

    Raises E_FAIL for another object of that name, unless it is a shared one: that may be anybody's.
    """
    entry = directory.read(operation.dn, [*operation.attributes, "objectGUID", "whenCreated"])
    other = _other(entry, operation) if entry else ""
    if other and not operation.shared:
        text = f"'{operation.dn}' is there, but not the object that this call would have created: {other}."
        raise MpfError(Code.E_FAIL, text)
    return None if other else entry


def _other(entry: Entry, operation: Add) -> str:
    """Why the object is not the one that the add created; empty when it is."""
    for name, values in operation.attributes.items():
        there = {value_key(name, value) for value in entry.values(name)}
        if not there.issuperset(value_key(name, value) for value in values):
            return f"its {name} is another one"
    created = _time(entry.text("whenCreated"))
    if created is None or created < datetime.fromtimestamp(operation.prepared, UTC) - _SKEW:
        return "it is older"
    if created > datetime.fromtimestamp(operation.prepared, UTC) + _LONGEST:
        return "it is younger than this call can have been"
    return ""


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y%m%d%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _undo_modify(directory: Directory, operation: Modify) -> bool:
    target = Dn.by_guid(operation.guid) if operation.guid else operation.dn
    entry = directory.read(target, list(operation.changes))
    if entry is None:
        return False
    parts: list[Modification] = []
    for attribute, change in operation.changes.items():
        parts += _reverse(entry, attribute, change)
    if parts:
        directory.modify(entry.dn, parts)
    return bool(parts)


def _reverse(entry: Entry, attribute: str, change: ValueChange) -> list[Modification]:
    """What takes one attribute back to where it was, as far as it was this change that brought it where it is."""
    current = entry.values(attribute)
    have = {value_key(attribute, value): value for value in current}
    added = {value_key(attribute, value): value for value in change.added}
    removed = {value_key(attribute, value): value for value in change.removed}
    if _is_single(attribute, current, change):
        if have.keys() == removed.keys() and (not added.keys() & removed.keys() or list(current) == [*change.removed]):
            return []
        if have.keys() != added.keys():
            raise MpfError(
                Code.E_FAIL, f"{attribute} of '{entry.dn}' was changed again by somebody else, and is left as it is."
            )
    # The same value in another spelling is put back only where it still has the spelling that was given.
    kept = {key for key in added.keys() & removed.keys() if have.get(key, added[key]) != added[key]}
    gone = tuple(value for key, value in have.items() if key in added and key not in kept)
    back = tuple(v for key, v in removed.items() if key not in kept and (key not in have or key in added))
    parts: list[Modification] = []
    if gone:
        parts.append(Modification(attribute, ModifyOp.DELETE, gone))
    if back:
        parts.append(Modification(attribute, ModifyOp.ADD, back))
    return parts


def _is_single(attribute: str, current: Sequence[Value], change: ValueChange) -> bool:
    """Whether the attribute has one value at most; one that the schema does not know is taken for such while it can be."""
    known = default_schema().attribute(attribute)
    if known is not None:
        return known.single
    return max(len(current), len(change.added), len(change.removed)) <= 1


def _undo_rename(directory: Directory, operation: Rename) -> bool:
    entry = directory.read(Dn.by_guid(operation.guid), ["objectGUID"])
    if entry is None or str(entry.dn) == str(operation.dn):
        return False
    if entry.dn == operation.new_dn:
        directory.rename(entry.dn, operation.dn)
        return True
    if entry.dn == operation.dn:
        return False
    raise MpfError(Code.E_FAIL, f"'{operation.new_dn}' was moved again by somebody else, to '{entry.dn}'.")


def require_parked(directory: Directory, operation: Delete) -> None:
    """Raise E_FAIL when the object is not as it was put: somebody rescued or deleted it, or put something below it."""
    entry = directory.read(Dn.by_guid(operation.guid), ["objectGUID"])
    if entry is None:
        raise MpfError(Code.E_FAIL, f"'{operation.dn}' was deleted by somebody else.")
    _doomed(directory, operation, entry)


def delete_subtree(directory: Directory, operation: Delete) -> None:
    """Delete an object and all below it, the leaves first. Does nothing where it is gone.

    Raises E_FAIL when the object is not as it was put: somebody rescued it, or put something below it.
    """
    entry = directory.read(Dn.by_guid(operation.guid), ["objectGUID"])
    if entry is None:
        return
    for dn in sorted(_doomed(directory, operation, entry), key=lambda dn: len(dn.rdns), reverse=True):
        try:
            directory.delete(dn)
        except MpfError as error:
            if error.code != Code.NO_SUCH_OBJECT:
                raise


def _doomed(directory: Directory, operation: Delete, entry: Entry) -> list[Dn]:
    """The object and all below it, if it is still as it was put. Raises E_FAIL."""
    if entry.dn != operation.dn:
        raise MpfError(Code.E_FAIL, f"'{operation.dn}' was moved by somebody else, to '{entry.dn}', and is not deleted.")
    found = list(directory.search(entry.dn, Scope.SUBTREE, Filter.present("objectClass"), ["objectGUID"]))
    if operation.below is not None:
        known = {operation.guid, *operation.below}
        for other in found:
            if guid_of(other) not in known:
                raise MpfError(Code.E_FAIL, f"'{other.dn}' was put there by somebody else, so '{entry.dn}' is not deleted.")
    return [other.dn for other in found]
