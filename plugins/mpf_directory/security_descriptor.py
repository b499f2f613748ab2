"""Security descriptors as Active Directory keeps them in nTSecurityDescriptor: octets to data and back.

The self-relative form of [MS-DTYP] 2.4: a header, two SIDs, two lists of access control entries (ACEs). Nothing that was
read is lost: ACEs of a kind that is not known here are kept as octets, and so is what stands behind the SID of one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TypeAlias
from uuid import UUID

from mpf_directory.sids import sid_to_octets, sid_to_text

#: Both the longest list and the longest ACE: their sizes are 16-bit numbers.
_LONGEST = 0xFFFF
_OBJECT_PRESENT, _INHERITED_OBJECT_PRESENT = 1, 2


class Control(IntFlag):
    """Bits of a descriptor's header ([MS-DTYP] 2.4.6) that have a meaning here; others are kept as they are."""

    DACL_PRESENT = 0x0004
    SACL_PRESENT = 0x0010
    DACL_AUTO_INHERITED = 0x0400
    SACL_AUTO_INHERITED = 0x0800
    DACL_PROTECTED = 0x1000
    SACL_PROTECTED = 0x2000
    SELF_RELATIVE = 0x8000


class AceType(IntEnum):
    """What an ACE does ([MS-DTYP] 2.4.4.1). Callback ones have a condition in `Ace.extra`."""

    ALLOW = 0x00
    DENY = 0x01
    AUDIT = 0x02
    ALLOW_OBJECT = 0x05
    DENY_OBJECT = 0x06
    AUDIT_OBJECT = 0x07
    ALLOW_CALLBACK = 0x09
    DENY_CALLBACK = 0x0A
    ALLOW_CALLBACK_OBJECT = 0x0B
    DENY_CALLBACK_OBJECT = 0x0C
    AUDIT_CALLBACK = 0x0D
    AUDIT_CALLBACK_OBJECT = 0x0F
    MANDATORY_LABEL = 0x11


class AceFlag(IntFlag):
    """Who inherits an ACE, whether it is inherited itself, and what an audit ACE looks at ([MS-DTYP] 2.4.4.1)."""

    OBJECT_INHERIT = 0x01
    CONTAINER_INHERIT = 0x02
    NO_PROPAGATE_INHERIT = 0x04
    INHERIT_ONLY = 0x08
    INHERITED = 0x10
    SUCCESSFUL_ACCESS = 0x40
    FAILED_ACCESS = 0x80


ALLOWING = frozenset({AceType.ALLOW, AceType.ALLOW_OBJECT, AceType.ALLOW_CALLBACK, AceType.ALLOW_CALLBACK_OBJECT})
DENYING = frozenset({AceType.DENY, AceType.DENY_OBJECT, AceType.DENY_CALLBACK, AceType.DENY_CALLBACK_OBJECT})
AUDITING = frozenset({AceType.AUDIT, AceType.AUDIT_OBJECT, AceType.AUDIT_CALLBACK, AceType.AUDIT_CALLBACK_OBJECT})
_WITH_OBJECTS = frozenset(
    {
        AceType.ALLOW_OBJECT,
        AceType.DENY_OBJECT,
        AceType.AUDIT_OBJECT,
        AceType.ALLOW_CALLBACK_OBJECT,
        AceType.DENY_CALLBACK_OBJECT,
        AceType.AUDIT_CALLBACK_OBJECT,
    }
)
_KNOWN = frozenset(AceType)


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry: what happens to which rights of whom, at which kind of object, property or right.

    ``flags`` are `AceFlag` bits; ``extra`` are the octets behind the SID (a condition; almost always none).
    """

    type: AceType
    flags: int
    mask: int
    sid: str
    object_type: UUID | None = None
    inherited_object_type: UUID | None = None
    extra: bytes = b""

    @property
    def inherited(self) -> bool:
        """Whether it came from the object above."""
        return bool(self.flags & AceFlag.INHERITED)


@dataclass(frozen=True, slots=True)
class OpaqueAce:
    """An entry of another kind, kept as it is: ``body`` are the octets behind its header."""

    type: int
    flags: int
    body: bytes

    @property
    def inherited(self) -> bool:
        """Whether it came from the object above."""
        return bool(self.flags & AceFlag.INHERITED)


AnyAce: TypeAlias = Ace | OpaqueAce


@dataclass(frozen=True, slots=True)
class Acl:
    """A list of entries. ``revision`` 4 is the one of directories, 2 knows no object types."""

    aces: tuple[AnyAce, ...] = ()
    revision: int = 4


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Owner, group and the two lists; ``None`` is what was not given. ``control`` holds `Control` bits and others.

    A list that is marked as present in ``control`` and is ``None`` here is a null list: as a DACL it allows everything.
    """

    control: int = Control.SELF_RELATIVE
    owner: str | None = None
    group: str | None = None
    sacl: Acl | None = None
    dacl: Acl | None = None
    resource_control: int = 0

    @classmethod
    def parse(cls, octets: bytes) -> SecurityDescriptor:
        """Read the self-relative form. ValueError for anything else."""
        try:
            revision, resource, control, owner, group, sacl, dacl = struct.unpack_from("<BBHIIII", octets)
            if revision != 1 or not control & Control.SELF_RELATIVE:
                raise ValueError("not self-relative, or of another revision")
            return cls(
                control,
                _sid(octets, owner)[0] if owner else None,
                _sid(octets, group)[0] if group else None,
                _acl(octets, sacl) if sacl and control & Control.SACL_PRESENT else None,
                _acl(octets, dacl) if dacl and control & Control.DACL_PRESENT else None,
                resource,
            )
        except (ValueError, struct.error) as error:
            raise ValueError(f"these octets are no security descriptor: {error}") from None

    def encode(self) -> bytes:
        """The self-relative form. ValueError for a list that is too long."""
        parts = [
            sid_to_octets(self.owner) if self.owner else b"",
            sid_to_octets(self.group) if self.group else b"",
            _encode_acl(self.sacl) if self.sacl is not None else b"",
            _encode_acl(self.dacl) if self.dacl is not None else b"",
        ]
        control = self.control | Control.SELF_RELATIVE
        control |= Control.SACL_PRESENT if self.sacl is not None else 0
        control |= Control.DACL_PRESENT if self.dacl is not None else 0
        offsets, position = [], 20
        for part in parts:
            offsets.append(position if part else 0)
            position += len(part)
        return struct.pack("<BBHIIII", 1, self.resource_control, control, *offsets) + b"".join(parts)


def _sid(octets: bytes, start: int) -> tuple[str, int]:
    """The SID at ``start``, and where it ends."""
    head = octets[start : start + 2]
    if len(head) < 2:
        raise ValueError("a SID is cut off")
    end = start + 8 + 4 * head[1]
    return sid_to_text(octets[start:end]), end


def _acl(octets: bytes, start: int) -> Acl:
    revision, _, size, count, _ = struct.unpack_from("<BBHHH", octets, start)
    if start + size > len(octets) or size < 8:
        raise ValueError("a list is cut off")
    return Acl(tuple(_aces(octets[start + 8 : start + size], count)), revision)


def _aces(octets: bytes, count: int) -> Iterator[AnyAce]:
    position = 0
    for _ in range(count):
        type_, flags, size = struct.unpack_from("<BBH", octets, position)
        if size < 4 or position + size > len(octets):
            raise ValueError("an entry is cut off")
        yield _ace(type_, flags, octets[position + 4 : position + size])
        position += size


def _ace(type_: int, flags: int, body: bytes) -> AnyAce:
    """An entry that is typed as far as it is understood; one that cannot be written as it was read stays opaque."""
    if type_ not in _KNOWN:
        return OpaqueAce(type_, flags, body)
    (mask,) = struct.unpack_from("<I", body)
    position = 4
    objects: list[UUID | None] = [None, None]
    if type_ in _WITH_OBJECTS:
        (present,) = struct.unpack_from("<I", body, position)
        position += 4
        if present & ~(_OBJECT_PRESENT | _INHERITED_OBJECT_PRESENT):
            return OpaqueAce(type_, flags, body)
        for number, bit in enumerate((_OBJECT_PRESENT, _INHERITED_OBJECT_PRESENT)):
            if present & bit:
                objects[number] = UUID(bytes_le=body[position : position + 16])
                position += 16
    sid, end = _sid(body, position)
    return Ace(AceType(type_), flags, mask, sid, objects[0], objects[1], body[end:])


def _encode_acl(acl: Acl) -> bytes:
    entries = b"".join(map(_encode_ace, acl.aces))
    if len(entries) + 8 > _LONGEST:
        raise ValueError(f"an access control list holds {_LONGEST} octets at most")
    return struct.pack("<BBHHH", acl.revision, 0, len(entries) + 8, len(acl.aces), 0) + entries


def _encode_ace(ace: AnyAce) -> bytes:
    body = ace.body if isinstance(ace, OpaqueAce) else _encode_body(ace)
    if len(body) + 4 > _LONGEST:
        raise ValueError(f"an access control entry holds {_LONGEST} octets at most")
    return struct.pack("<BBH", ace.type, ace.flags, len(body) + 4) + body


def _encode_body(ace: Ace) -> bytes:
    objects = b""
    if ace.type in _WITH_OBJECTS:
        given = ((_OBJECT_PRESENT, ace.object_type), (_INHERITED_OBJECT_PRESENT, ace.inherited_object_type))
        objects = struct.pack("<I", sum(bit for bit, guid in given if guid is not None))
        objects += b"".join(guid.bytes_le for _, guid in given if guid is not None)
    elif ace.object_type is not None or ace.inherited_object_type is not None:
        raise ValueError("an entry of this kind has no object types")
    return struct.pack("<I", ace.mask) + objects + sid_to_octets(ace.sid) + ace.extra
