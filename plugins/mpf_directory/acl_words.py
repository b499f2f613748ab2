"""The numbers and names of access control that Get DACL, Get SACL and Update ACL take and give.

The names are those of Windows' own enumerations (ACCESS_MODE, TRUSTEE_FORM, TRUSTEE_TYPE, SE_OBJECT_TYPE), of the access
rights of directory objects, and of the flags of entries. Each argument is a name, several names joined by ``|``, or a
number, decimal or with ``0x`` (spec: helpers-and-ad-providers.md, 3.8 and 3.12).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar

from mpf_core.errors import Code, MpfError

_LARGEST = 0xFFFFFFFF
E = TypeVar("E", bound=IntEnum)


class Mode(IntEnum):
    """ACCESS_MODE: what an entry does, or what is done with one."""

    NOT_USED_ACCESS = 0
    GRANT_ACCESS = 1
    SET_ACCESS = 2
    DENY_ACCESS = 3
    REVOKE_ACCESS = 4
    SET_AUDIT_SUCCESS = 5
    SET_AUDIT_FAILURE = 6


class Form(IntEnum):
    """TRUSTEE_FORM: how the trustee is named; the latter two stand for entries with object types."""

    TRUSTEE_IS_SID = 0
    TRUSTEE_IS_NAME = 1
    TRUSTEE_BAD_FORM = 2
    TRUSTEE_IS_OBJECTS_AND_SID = 3
    TRUSTEE_IS_OBJECTS_AND_NAME = 4


class TrusteeType(IntEnum):
    """TRUSTEE_TYPE: taken, and without effect, as in Windows."""

    TRUSTEE_IS_UNKNOWN = 0
    TRUSTEE_IS_USER = 1
    TRUSTEE_IS_GROUP = 2
    TRUSTEE_IS_DOMAIN = 3
    TRUSTEE_IS_ALIAS = 4
    TRUSTEE_IS_WELL_KNOWN_GROUP = 5
    TRUSTEE_IS_DELETED = 6
    TRUSTEE_IS_INVALID = 7
    TRUSTEE_IS_COMPUTER = 8


class ObjectKind(IntEnum):
    """SE_OBJECT_TYPE: what has the descriptor. Only the two of directory objects can be served."""

    SE_UNKNOWN_OBJECT_TYPE = 0
    SE_FILE_OBJECT = 1
    SE_SERVICE = 2
    SE_PRINTER = 3
    SE_REGISTRY_KEY = 4
    SE_LMSHARE = 5
    SE_KERNEL_OBJECT = 6
    SE_WINDOW_OBJECT = 7
    SE_DS_OBJECT = 8
    SE_DS_OBJECT_ALL = 9
    SE_PROVIDER_DEFINED_OBJECT = 10
    SE_WMIGUID_OBJECT = 11
    SE_REGISTRY_WOW64_32KEY = 12


GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL = 0x80000000, 0x40000000, 0x20000000, 0x10000000

#: What the generic rights are at directory objects ([MS-ADTS] 5.1.3.2).
GENERIC_RIGHTS: Mapping[int, int] = {
    GENERIC_READ: 0x00020094,
    GENERIC_WRITE: 0x00020028,
    GENERIC_EXECUTE: 0x00020004,
    GENERIC_ALL: 0x000F01FF,
}

#: Rights of directory objects; each also has its name with ACTRL_ or ADS_RIGHT_ in front.
_DS_RIGHTS: Mapping[str, int] = {
    "DS_CREATE_CHILD": 0x1,
    "DS_DELETE_CHILD": 0x2,
    "DS_LIST": 0x4,
    "DS_SELF": 0x8,
    "DS_READ_PROP": 0x10,
    "DS_WRITE_PROP": 0x20,
    "DS_DELETE_TREE": 0x40,
    "DS_LIST_OBJECT": 0x80,
    "DS_CONTROL_ACCESS": 0x100,
}
_STANDARD_RIGHTS: Mapping[str, int] = {
    "DELETE": 0x00010000,
    "READ_CONTROL": 0x00020000,
    "WRITE_DAC": 0x00040000,
    "WRITE_OWNER": 0x00080000,
    "SYNCHRONIZE": 0x00100000,
    "ACCESS_SYSTEM_SECURITY": 0x01000000,
    "MAXIMUM_ALLOWED": 0x02000000,
    "GENERIC_ALL": GENERIC_ALL,
    "GENERIC_EXECUTE": GENERIC_EXECUTE,
    "GENERIC_WRITE": GENERIC_WRITE,
    "GENERIC_READ": GENERIC_READ,
}
_PERMISSIONS: Mapping[str, int] = {
    **_STANDARD_RIGHTS,
    **{f"ADS_RIGHT_{name}": right for name, right in _STANDARD_RIGHTS.items()},
    **{f"ADS_RIGHT_{name}": right for name, right in _DS_RIGHTS.items()},
    **{f"ACTRL_{name}": right for name, right in _DS_RIGHTS.items()},
    # Three of Windows' names are not what the pattern makes of them.
    "ADS_RIGHT_ACTRL_DS_LIST": 0x4,
    "ACTRL_DS_OPEN": 0x0,
    "ACTRL_DS_LIST": 0x4,
    "STANDARD_RIGHTS_READ": 0x00020000,
    "STANDARD_RIGHTS_WRITE": 0x00020000,
    "STANDARD_RIGHTS_EXECUTE": 0x00020000,
    "STANDARD_RIGHTS_REQUIRED": 0x000F0000,
    "STANDARD_RIGHTS_ALL": 0x001F0000,
}
_INHERITANCE: Mapping[str, int] = {
    "NO_INHERITANCE": 0x0,
    "OBJECT_INHERIT_ACE": 0x1,
    "CONTAINER_INHERIT_ACE": 0x2,
    "NO_PROPAGATE_INHERIT_ACE": 0x4,
    "INHERIT_ONLY_ACE": 0x8,
    "INHERITED_ACE": 0x10,
    "SUB_OBJECTS_ONLY_INHERIT": 0x1,
    "SUB_CONTAINERS_ONLY_INHERIT": 0x2,
    "SUB_CONTAINERS_AND_OBJECTS_INHERIT": 0x3,
    "INHERIT_NO_PROPAGATE": 0x4,
    "INHERIT_ONLY": 0x8,
    "ADS_ACEFLAG_INHERIT_ACE": 0x2,
    "ADS_ACEFLAG_NO_PROPAGATE_INHERIT_ACE": 0x4,
    "ADS_ACEFLAG_INHERIT_ONLY_ACE": 0x8,
    "ADS_ACEFLAG_INHERITED_ACE": 0x10,
}
_INHERITANCE_BITS = 0x1F
_SEPARATOR = re.compile(r"\s*[|,+]\s*|\s+")


def parse_permission(text: str) -> int:
    """An access mask. Raises E_INVALIDARG."""
    mask = _bits("permission", text, _PERMISSIONS)
    if not 0 < mask <= _LARGEST:
        raise MpfError(Code.E_INVALIDARG, f"The permission '{text}' is no access mask.")
    return mask


def parse_inheritance(text: str) -> int:
    """The flags of an entry that say who inherits it. Raises E_INVALIDARG."""
    flags = _bits("inheritance", text, _INHERITANCE)
    if flags & ~_INHERITANCE_BITS:
        raise MpfError(Code.E_INVALIDARG, f"The inheritance '{text}' is none: it has bits beside {_INHERITANCE_BITS}.")
    return flags


def parse_mode(text: str) -> Mode:
    """What is to be done with an entry. Raises E_INVALIDARG."""
    mode = _member("mode", text, Mode)
    if mode is Mode.NOT_USED_ACCESS:
        raise MpfError(Code.E_INVALIDARG, f"The mode '{text}' does nothing.")
    return mode


def parse_form(text: str) -> Form:
    """How a trustee is named. Raises E_INVALIDARG."""
    form = _member("trusteeForm", text, Form)
    if form is Form.TRUSTEE_BAD_FORM:
        raise MpfError(Code.E_INVALIDARG, f"The trusteeForm '{text}' names nobody.")
    return form


def check_trustee_type(text: str) -> None:
    """Raises E_INVALIDARG for a type that does not exist."""
    _member("trusteeType", text, TrusteeType)


def check_object_kind(text: str) -> None:
    """Raises E_INVALIDARG for a type that does not exist, and ERROR_NOT_SUPPORTED for what is no directory object."""
    kind = _member("objectType", text, ObjectKind)
    if kind not in {ObjectKind.SE_DS_OBJECT, ObjectKind.SE_DS_OBJECT_ALL}:
        raise MpfError(Code.NOT_SUPPORTED, f"The request is not supported: {kind.name} is no directory object.")


def specific(mask: int) -> int:
    """The mask with the generic rights as what they are at directory objects."""
    for generic, rights in GENERIC_RIGHTS.items():
        if mask & generic:
            mask = mask & ~generic | rights
    return mask


def _member(argument: str, text: str, kinds: type[E]) -> E:
    try:
        return kinds(_number(text)) if text[:1].isdigit() else kinds[text.upper()]
    except (ValueError, KeyError):
        raise MpfError(Code.E_INVALIDARG, f"'{text}' is no {argument}.") from None


def _bits(argument: str, text: str, names: Mapping[str, int]) -> int:
    found = 0
    for word in _SEPARATOR.split(text):
        try:
            found |= _number(word) if word[:1].isdigit() or word[:1] == "-" else names[word.upper()]
        except (ValueError, KeyError):
            raise MpfError(Code.E_INVALIDARG, f"'{word}' is no {argument}.") from None
    return found


def _number(text: str) -> int:
    """A number, decimal or hexadecimal; a negative one is the 32 bits that a script language shows so."""
    number = int(text, 0) if text.lower().startswith("0x") else int(text, 10)
    if not -(2**31) <= number <= _LARGEST:
        raise ValueError(f"{number} does not fit into 32 bits")
    return number & _LARGEST
