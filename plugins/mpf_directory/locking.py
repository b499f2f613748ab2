"""Which keys a change of the directory locks, so that requests of all engines on one store keep out of each other's way.

Keys are names, because they are locked before anything is read. Who creates, deletes, moves or renames an object holds it
alone; who changes something of it, puts an object into it, or points at it, shares it. So two requests may add two members
to a group, or two objects to a container, at once, and nobody deletes it under their hands. The attributes of an object are
a key of their own, shared by those who change a value that nobody else is about to change (a member, a well-known object).

Who deletes or moves a container holds all that is below it as well, under its old names and its new ones. That is rare, so
it pays for all the others, who need not hold what is above their objects. What leaves a container, though, shares it: an
undo puts it back there.

What must be unique (a name to log on with, a SIP address, a SIP domain, a suffix) is held by who takes it and by who frees
it, until an undo can give it back no more.

Writers outside of the engine are not excluded: value-wise changes and undo that looks first are for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change
from mpf_directory.dn import Dn, DnForm, fold
from mpf_directory.filters import Filter
from mpf_directory.operations import Add, Modify, Operation, operations_of, value_key
from mpf_directory.port import Directory, Entry, Scope


def hold_object(ctx: CallContext, dn: Dn, *, shared: bool = False) -> None:
    """Hold the object's being there and being called so. Raises LOCK_VIOLATION."""
    ctx.lock(f"object:{dn.normalised}", shared=shared)


def hold_place(ctx: CallContext, dn: Dn) -> None:
    """Share the container that an object is about to leave: an undo puts it back there.

    The object is below it no more, so nothing else would keep the container from being deleted, moved or renamed. Raises
    LOCK_VIOLATION.
    """
    if (place := dn.parent) is not None:
        hold_object(ctx, place, shared=True)


def hold_attributes(ctx: CallContext, dn: Dn) -> None:
    """Hold all attributes of an object, and share the object itself. Raises LOCK_VIOLATION."""
    hold_object(ctx, dn, shared=True)
    ctx.lock(f"attributes:{dn.normalised}")


def hold_value(ctx: CallContext, dn: Dn, value: str) -> None:
    """Hold one value of an object, and share its attributes and the object. Raises LOCK_VIOLATION."""
    hold_object(ctx, dn, shared=True)
    ctx.lock(f"attributes:{dn.normalised}", shared=True)
    ctx.lock(f"value:{dn.normalised}:{fold(value)}")


def hold_existing(ctx: CallContext, directory: Directory, dn: Dn) -> bool:
    """Share an object that is there, or hold the name of one that is missing alone. Returns whether it is there.

    For containers that are created by whoever needs them first. Raises LOCK_VIOLATION.
    """
    if directory.read(dn, ["objectClass"]) is not None:
        hold_object(ctx, dn, shared=True)
        if directory.read(dn, ["objectClass"]) is not None:
            return True
    hold_object(ctx, dn)
    return directory.read(dn, ["objectClass"]) is not None


def hold_below(
    ctx: CallContext, directory: Directory, dn: Dn, new_dn: Dn, attributes: Sequence[str] = ("objectClass",)
) -> list[Entry]:
    """Hold all that is below an object which is about to be called ``new_dn``, under its old names and its new ones.

    The caller holds both of the object's own names. Returns the object and what is below it, read with ``attributes``.
    Raises LOCK_VIOLATION, and NO_SUCH_OBJECT when it is not there.
    """
    held = {dn}
    while True:
        entries = list(directory.search(dn, Scope.SUBTREE, Filter.present("objectClass"), attributes))
        # Who creates something shares its container, so when all containers are held there is nothing new any more.
        if not (found := [entry.dn for entry in entries if entry.dn not in held]):
            return entries
        for name in found:
            hold_object(ctx, name)
            hold_object(ctx, name.moved(dn, new_dn))
        held.update(found)


def hold_domain(ctx: CallContext, kind: str, name: str, *, shared: bool = False) -> None:
    """Hold a name of a domain, in lower case, as what ``kind`` says, and share those above it.

    So what is decided about two of which one lies below the other is decided in turn. Raises LOCK_VIOLATION.
    """
    above = name
    while "." in (above := above.partition(".")[2]):
        ctx.lock(f"{kind}:{above}", shared=True)
    ctx.lock(f"{kind}:{name}", shared=shared)


def hold_targets(ctx: CallContext, change: Change) -> Change:
    """Share the objects that values of ``change`` point at, coming and going ones, and return it.

    Were one of them renamed before the change is undone, the undo would not know its own value, or not know where to point.
    """
    targets = (target for operation in operations_of(change) for target in _targets(operation))
    for target in dict.fromkeys(targets):
        hold_object(ctx, target, shared=True)
    return change


def renamed_meanwhile(dn: Dn) -> MpfError:
    """The error where an object has another name by the time that ``dn`` is locked."""
    return MpfError(Code.LOCK_VIOLATION, f"Another request has just renamed or moved '{dn}'; send this one again.")


def _targets(operation: Operation) -> Iterator[Dn]:
    match operation:
        case Add():
            values = [(name, value) for name, given in operation.attributes.items() for value in given]
        case Modify():
            changes = operation.changes.items()
            values = [(name, value) for name, change in changes for value in (*change.added, *change.removed)]
        case _:
            values = []
    for name, value in values:
        key = value_key(name, value)
        target = key[-1] if isinstance(key, tuple) else key
        if isinstance(target, Dn) and target.form is DnForm.NAME:
            yield target
