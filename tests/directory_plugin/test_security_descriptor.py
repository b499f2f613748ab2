"""Security descriptors: octets to data and back, and what is no descriptor."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_directory.security_descriptor import (
    Ace,
    AceType,
    Acl,
    AnyAce,
    Control,
    OpaqueAce,
    SecurityDescriptor,
)

_WITH_OBJECTS = {one for one in AceType if one.name.endswith("_OBJECT")}

sids = st.builds(
    lambda authority, parts: "-".join(["S-1", str(authority), *map(str, parts)]),
    st.integers(0, 2**48 - 1),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15),
)
guids = st.none() | st.uuids()


@st.composite
def aces(draw: st.DrawFn) -> AnyAce:
    flags = draw(st.integers(0, 255))
    if draw(st.booleans()):
        type_ = draw(st.integers(0, 255).filter(lambda number: number not in set(AceType)))
        return OpaqueAce(type_, flags, draw(st.binary(max_size=40)))
    kind = draw(st.sampled_from(AceType))
    objects = (draw(guids), draw(guids)) if kind in _WITH_OBJECTS else (None, None)
    extra = draw(st.binary(max_size=12))
    return Ace(kind, flags, draw(st.integers(0, 2**32 - 1)), draw(sids), *objects, extra)


acls = st.none() | st.builds(Acl, st.lists(aces(), max_size=6).map(tuple), st.sampled_from([2, 4]))
present = Control.DACL_PRESENT | Control.SACL_PRESENT


@st.composite
def descriptors(draw: st.DrawFn) -> SecurityDescriptor:
    sacl, dacl = draw(acls), draw(acls)
    control = draw(st.integers(0, 0xFFFF)) & ~present | Control.SELF_RELATIVE
    control |= (Control.SACL_PRESENT if sacl is not None else 0) | (Control.DACL_PRESENT if dacl is not None else 0)
    return SecurityDescriptor(control, draw(st.none() | sids), draw(st.none() | sids), sacl, dacl, draw(st.integers(0, 255)))


@given(descriptors())
def test_what_is_written_is_read_again(descriptor: SecurityDescriptor) -> None:
    octets = descriptor.encode()
    assert SecurityDescriptor.parse(octets) == descriptor
    assert SecurityDescriptor.parse(octets).encode() == octets


@given(st.binary(max_size=120))
def test_anything_is_a_descriptor_or_a_value_error(octets: bytes) -> None:
    try:
        SecurityDescriptor.parse(octets)
    except ValueError:
        return


@given(st.data())
def test_a_descriptor_that_is_cut_off_is_none(data: st.DataObject) -> None:
    octets = example().encode()
    cut = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(ValueError, match="no security descriptor"):
        SecurityDescriptor.parse(octets[:cut])


def example() -> SecurityDescriptor:
    entry = Ace(AceType.ALLOW_OBJECT, 2, 0x20, "S-1-5-11", UUID("bf967950-0de6-11d0-a285-00aa003049e2"))
    return SecurityDescriptor(0x8004, "S-1-5-32-544", "S-1-5-32-544", None, Acl((entry,)))


def test_the_octets_are_those_of_the_specification() -> None:
    # Owner S-1-5-32-544, a DACL of revision 2 with one allow entry for Everyone, put together by hand.
    owner = bytes.fromhex("01020000000000052000000020020000")
    ace = bytes.fromhex("00021400ff010f00" + "010100000000000100000000")
    dacl = struct.pack("<BBHHH", 2, 0, 8 + len(ace), 1, 0) + ace
    octets = struct.pack("<BBHIIII", 1, 0, 0x8004, 20, 0, 0, 36) + owner + dacl
    expected = SecurityDescriptor(
        0x8004, "S-1-5-32-544", None, None, Acl((Ace(AceType.ALLOW, 2, 0xF01FF, "S-1-1-0"),), revision=2)
    )
    assert SecurityDescriptor.parse(octets) == expected
    assert expected.encode() == octets


def test_a_null_list_is_not_an_empty_one() -> None:
    null = SecurityDescriptor.parse(SecurityDescriptor(0x8004).encode())
    empty = SecurityDescriptor.parse(SecurityDescriptor(0x8004, dacl=Acl()).encode())
    assert null.dacl is None
    assert null.control & Control.DACL_PRESENT
    assert empty.dacl == Acl()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        struct.pack("<BBHIIII", 2, 0, 0x8000, 0, 0, 0, 0),  # another revision
        struct.pack("<BBHIIII", 1, 0, 0x0000, 0, 0, 0, 0),  # absolute, not self-relative
        struct.pack("<BBHIIII", 1, 0, 0x8000, 200, 0, 0, 0),  # an owner behind the end
        struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + struct.pack("<BBHHH", 4, 0, 4, 0, 0),  # shorter than its head
        struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + struct.pack("<BBHHHBBH", 4, 0, 12, 1, 0, 0, 0, 2),
    ],
)
def test_what_is_no_descriptor(octets: bytes) -> None:
    with pytest.raises(ValueError, match="no security descriptor"):
        SecurityDescriptor.parse(octets)


def test_what_cannot_be_written() -> None:
    entry = Ace(AceType.ALLOW, 0, 1, "S-1-1-0")
    with pytest.raises(ValueError, match="access control list holds 65535"):
        SecurityDescriptor(dacl=Acl((entry,) * 4000)).encode()
    with pytest.raises(ValueError, match="entry holds 65535"):
        SecurityDescriptor(dacl=Acl((OpaqueAce(0x20, 0, b"x" * 70000),))).encode()
    with pytest.raises(ValueError, match="no object types"):
        SecurityDescriptor(dacl=Acl((Ace(AceType.ALLOW, 0, 1, "S-1-1-0", UUID(int=1)),))).encode()
