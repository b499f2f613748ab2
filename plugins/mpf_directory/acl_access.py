"""What a list of entries allows somebody: the check that a directory makes before it writes ([MS-ADTS] 5.1.3.3)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from mpf_directory.security_descriptor import ALLOWING, DENYING, Ace, AceFlag, SecurityDescriptor

WRITE_PROP, WRITE_DAC, WRITE_OWNER = 0x20, 0x40000, 0x80000


def allows(descriptor: SecurityDescriptor, sids: Collection[str], right: int, about: Collection[UUID] = ()) -> bool:
    """Whether an account with ``sids`` has ``right`` (one bit), at the whole object or at what ``about`` stands for.

    The first entry that speaks about it decides. An owner may always change the list.
    """
    if right == WRITE_DAC and descriptor.owner in sids:
        return True
    if descriptor.dacl is None:
        return True
    for ace in descriptor.dacl.aces:
        if not isinstance(ace, Ace) or ace.flags & AceFlag.INHERIT_ONLY or ace.sid not in sids or not ace.mask & right:
            continue
        if ace.object_type is not None and ace.object_type not in about:
            continue
        if ace.type in ALLOWING:
            return True
        if ace.type in DENYING:
            return False
    return False
