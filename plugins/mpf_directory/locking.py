"""Which keys a change of the directory locks, so that requests of all engines on one store keep out of each other's way.

Keys are names, because they are locked before anything is read. Who creates, deletes, moves or renames an object holds it
alone; who changes something of it, or puts an object into it, shares it. So two requests may add two members to a group, or
two objects to a container, at once, and nobody deletes it under their hands. The attributes of an object are a key of their
own, shared by those who change a value that nobody else is about to change (a member, a well-known object).

Writers outside of the engine are not excluded: value-wise changes and undo that looks first are for them.
"""

from __future__ import annotations

from mpf_core.provider import CallContext
from mpf_directory.dn import Dn, fold


def hold_object(ctx: CallContext, dn: Dn, *, shared: bool = False) -> None:
    """Hold the object's being there and being called so. Raises LOCK_VIOLATION."""
    ctx.lock(f"object:{dn.normalised}", shared=shared)


def hold_attributes(ctx: CallContext, dn: Dn) -> None:
    """Hold all attributes of an object, and share the object itself. Raises LOCK_VIOLATION."""
    hold_object(ctx, dn, shared=True)
    ctx.lock(f"attributes:{dn.normalised}")


def hold_value(ctx: CallContext, dn: Dn, value: str) -> None:
    """Hold one value of an object, and share its attributes and the object. Raises LOCK_VIOLATION."""
    hold_object(ctx, dn, shared=True)
    ctx.lock(f"attributes:{dn.normalised}", shared=True)
    ctx.lock(f"value:{dn.normalised}:{fold(value)}")
