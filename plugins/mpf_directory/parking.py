"""Deleting so that it can be undone: the object is parked by a rename, and deleted when the transaction is committed.

An object that is added again has another GUID and another SID, so a delete cannot be taken back. A rename can: GUID, SID
and memberships survive it. While it is parked, an account is disabled, and every name that the directory or our procedures
want to be unique is free for somebody else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext
from mpf_directory import unique_names
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.locking import hold_below, hold_existing, hold_object, hold_place
from mpf_directory.operations import Delete, Modify, Operation, Rename, add, guid_of, plan_modify
from mpf_directory.port import Directory, Entry, Scope, Value
from mpf_directory.results import no_such_object

#: The organizational unit at the top of the domain in which objects are parked. Units may only stand there or in another
#: unit, and CN=System is closed: what is moved in there can be moved out again by nobody.
HOLDER = "MPF-Parked"

ACCOUNTDISABLE = 0x2
#: sAMAccountName cannot be removed, only changed; it has 20 characters at most.
_SAM_PREFIX = "MPF"
#: Names that are unique in the domain, or looked up there.
_FREED = ("userPrincipalName", "servicePrincipalName", "proxyAddresses", "msRTCSIP-PrimaryUserAddress")
_READ = ("objectClass", "objectGUID", "sAMAccountName", "userAccountControl", *_FREED)


def hold_delete(ctx: CallContext, directory: Directory, dn: Dn) -> Dn:
    """Hold all that a delete of ``dn``, which the caller holds, will move; returns what it is to be called when parked.

    Raises LOCK_VIOLATION, and NO_SUCH_OBJECT when it is not there.
    """
    hold_place(ctx, dn)
    hold_existing(ctx, directory, _holder(directory))
    parked = _place(directory, dn)
    hold_object(ctx, parked)
    for entry in hold_below(ctx, directory, dn, parked, unique_names.ATTRIBUTES):
        unique_names.hold_names(ctx, directory, entry.attributes, {})
    return parked


def plan_delete(directory: Directory, dn: Dn, parked: Dn | None = None) -> tuple[tuple[Operation, ...], Delete]:
    """What parks the object ``dn`` with all below it, under the name ``parked``, and what deletes it later.

    Raises NO_SUCH_OBJECT.
    """
    root = directory.read(dn, _READ)
    guid = guid_of(root) if root else None
    if root is None or guid is None:
        raise no_such_object(dn)
    if directory.base.is_within(root.dn):
        raise MpfError(Code.E_INVALIDARG, f"'{root.dn}' holds the whole domain and cannot be deleted.")
    parked = parked or _place(directory, root.dn)
    tree = list(directory.search(root.dn, Scope.SUBTREE, Filter.present("objectClass"), _READ))
    operations: list[Operation] = []
    if directory.read(_holder(directory), ["objectGUID"]) is None:
        operations.append(add(_holder(directory), {"objectClass": ["organizationalUnit"]}, shared=True))
    operations += _freeing(tree)
    operations.append(Rename(root.dn, parked, guid))
    below = frozenset(found for entry in tree if (found := guid_of(entry)) is not None)
    return tuple(operations), Delete(parked, guid, below - {guid})


def _holder(directory: Directory) -> Dn:
    return directory.base.child("OU", HOLDER)


def _place(directory: Directory, dn: Dn) -> Dn:
    """A name for the parked object that nobody can have thought of."""
    return _holder(directory).child(dn.rdn.type, secrets.token_hex(16))


def _freeing(tree: Iterable[Entry]) -> Iterator[Modify]:
    for entry in tree:
        wanted: dict[str, tuple[Value, ...]] = dict.fromkeys(_FREED, ())
        if entry.values("sAMAccountName"):
            wanted["sAMAccountName"] = (_SAM_PREFIX + secrets.token_hex(8).upper(),)
        control = entry.text("userAccountControl")
        if control is not None:
            wanted["userAccountControl"] = (str(int(control) | ACCOUNTDISABLE),)
        planned = plan_modify(entry, wanted)
        if planned is not None:
            yield planned
