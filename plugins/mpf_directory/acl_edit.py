"""Editing an access control list, entry by entry: what Update ACL asks for, as entries that come and entries that go.

New deny entries go to the start of the list, new allow entries before the allow entries that are there, inherited ones stay
behind all others (spec: helpers-and-ad-providers.md, 3.8). Inherited entries are never touched. What is planned here is a
difference, so it can be done to, and undone from, a list that somebody else has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from mpf_core.errors import Code, MpfError
from mpf_directory.acl_words import Mode, specific
from mpf_directory.security_descriptor import ALLOWING, DENYING, Ace, AceFlag, AceType, AnyAce

_PLAIN = frozenset(
    {AceType.ALLOW, AceType.DENY, AceType.AUDIT, AceType.ALLOW_OBJECT, AceType.DENY_OBJECT, AceType.AUDIT_OBJECT}
)
#: Mode -> the kind of entry that it adds, without and with object types, and the flag of an audit entry.
_ADDED: dict[Mode, tuple[AceType, AceType, int]] = {
    Mode.GRANT_ACCESS: (AceType.ALLOW, AceType.ALLOW_OBJECT, 0),
    Mode.SET_ACCESS: (AceType.ALLOW, AceType.ALLOW_OBJECT, 0),
    Mode.DENY_ACCESS: (AceType.DENY, AceType.DENY_OBJECT, 0),
    Mode.SET_AUDIT_SUCCESS: (AceType.AUDIT, AceType.AUDIT_OBJECT, AceFlag.SUCCESSFUL_ACCESS),
    Mode.SET_AUDIT_FAILURE: (AceType.AUDIT, AceType.AUDIT_OBJECT, AceFlag.FAILED_ACCESS),
}
_AUDIT_FLAGS = AceFlag.SUCCESSFUL_ACCESS | AceFlag.FAILED_ACCESS


@dataclass(frozen=True, slots=True)
class Wish:
    """One ``ace`` element of Update ACL, with its names resolved. ``flags`` are those of inheritance."""

    mode: Mode
    mask: int
    sid: str
    flags: int = 0
    object_type: UUID | None = None
    inherited_object_type: UUID | None = None


@dataclass(frozen=True, slots=True)
class AclChange:
    """Entries that come, and those that go with the places that they had among the entries that are not inherited.

    ``others`` is how many entries stay beside them: with another number, somebody else has changed the list.
    """

    added: tuple[Ace, ...] = ()
    removed: tuple[tuple[int, Ace], ...] = ()
    others: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def plan(aces: Sequence[AnyAce], wishes: Iterable[Wish]) -> AclChange:
    """What has to come and go for ``wishes``, one after the other. Raises E_INVALIDARG for an entry that cannot be added."""
    before = [ace for ace in aces if not ace.inherited]
    now = list(before)
    for wish in wishes:
        now = _fulfil(now, wish)
    left = list(now)
    removed = []
    for place, ace in enumerate(before):
        if ace in left:
            left.remove(ace)
        # A second one of what stays says nothing more, and stays: otherwise nobody could tell which one to put back.
        elif isinstance(ace, Ace) and ace not in now:
            removed.append((place, ace))
    return AclChange(tuple(ace for ace in left if isinstance(ace, Ace)), tuple(removed), len(before) - len(removed))


def do(aces: Sequence[AnyAce], change: AclChange) -> list[AnyAce]:
    """The list with the change done to it. What is there already is not added, and what is gone is not missed."""
    own, inherited = _parted(aces)
    for _, ace in change.removed:
        if ace in own:
            own.remove(ace)
    return [*_with(own, [ace for ace in change.added if ace not in own]), *inherited]


def take_back(aces: Sequence[AnyAce], change: AclChange) -> list[AnyAce]:
    """The list without the change: what it added is gone, what it removed is back, where it was if the rest is as it was."""
    own, inherited = _parted(aces)
    for ace in change.added:
        if ace in own:
            own.remove(ace)
    as_it_was = len(own) == change.others
    there = list(own)
    for place, ace in change.removed:
        if ace in there:
            there.remove(ace)
        else:
            own.insert(place if as_it_was else _allowed_place(own, ace, place), ace)
    return [*own, *inherited]


def _fulfil(own: Sequence[AnyAce], wish: Wish) -> list[AnyAce]:
    if wish.mode is Mode.REVOKE_ACCESS:
        return [ace for ace in own if not _is_meant(ace, wish)]
    kept = list(own)
    new = _entry(wish)
    if wish.mode is Mode.SET_ACCESS:
        # It replaces all that the trustee has: an entry that is the same already may stay where it is.
        kept = [ace for ace in own if not (isinstance(ace, Ace) and _may_go(ace) and ace.sid == wish.sid) or ace == new]
    return kept if any(_covers(ace, new) for ace in kept) else _with(kept, [new])


def _entry(wish: Wish) -> Ace:
    if wish.flags & AceFlag.INHERITED:
        raise MpfError(Code.E_INVALIDARG, "An inherited entry cannot be added: it comes from the object above.")
    plain, with_objects, audit = _ADDED[wish.mode]
    has_objects = wish.object_type is not None or wish.inherited_object_type is not None
    return Ace(
        with_objects if has_objects else plain,
        wish.flags | audit,
        specific(wish.mask),
        wish.sid,
        wish.object_type,
        wish.inherited_object_type,
    )


def _is_meant(ace: AnyAce, wish: Wish) -> bool:
    """Whether a revoke means this entry: trustee, permission and inheritance match, and so do the object types."""
    return (
        isinstance(ace, Ace)
        and _may_go(ace)
        and (ace.sid, specific(ace.mask), ace.flags & ~_AUDIT_FLAGS) == (wish.sid, specific(wish.mask), wish.flags)
        and (ace.object_type, ace.inherited_object_type) == (wish.object_type, wish.inherited_object_type)
    )


def _may_go(ace: Ace) -> bool:
    """Conditional entries and labels say more than this procedure can: they stay."""
    return ace.type in _PLAIN


def _covers(ace: AnyAce, new: Ace) -> bool:
    """Whether an entry gives, denies or audits all that the new one would."""
    if not isinstance(ace, Ace) or ace.sid != new.sid or ace.mask & new.mask != new.mask:
        return False
    # An audit entry may look at success and failure both.
    audit = ace.flags & _AUDIT_FLAGS & ~new.flags
    return replace(ace, mask=new.mask, flags=ace.flags & ~audit) == new


def _with(own: Sequence[AnyAce], new: Iterable[Ace]) -> list[AnyAce]:
    """New entries in their places, in the order in which they were given."""
    new = list(new)
    denied = [ace for ace in new if ace.type in DENYING]
    allowed = [ace for ace in new if ace.type in ALLOWING]
    others = [ace for ace in new if ace.type not in DENYING | ALLOWING]
    first = next((place for place, ace in enumerate(own) if ace.type in ALLOWING), len(own))
    return [*denied, *own[:first], *allowed, *own[first:], *others]


def _allowed_place(own: Sequence[AnyAce], ace: Ace, place: int) -> int:
    """The place nearest to ``place`` that leaves deny entries before allow entries."""
    first_allowed = next((at for at, other in enumerate(own) if other.type in ALLOWING), len(own))
    if ace.type in DENYING:
        return min(place, first_allowed)
    last_denied = max((at + 1 for at, other in enumerate(own) if other.type in DENYING), default=0)
    return max(min(place, len(own)), last_denied if ace.type in ALLOWING else 0)


def _parted(aces: Sequence[AnyAce]) -> tuple[list[AnyAce], list[AnyAce]]:
    """The object's own entries, and the inherited ones."""
    return [ace for ace in aces if not ace.inherited], [ace for ace in aces if ace.inherited]
