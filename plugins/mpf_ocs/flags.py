"""Bit fields of Office Communications Server, as tables (spec: ocs-provider-and-ad-schema.md, 3.2 and 3.4).

A field is changed bit by bit: bits that are not named here, or not given in a call, stay as they are, because other features
keep theirs in the same number.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Argument -> its bit in msRTCSIP-OptionFlags, in the order of the documented arguments.
OPTION_FLAGS: Mapping[str, int] = MappingProxyType(
    {
        "enabledForEnhancedPresence": 0x100,
        "publicNetworkEnabled": 0x001,
        "allowOrganizeMeetingWithAnonymousParticipants": 0x040,
        "ucEnabled": 0x080,
    }
)

#: What a pool does for users, by the bits of msRTCSIP-PoolType; the bits 4 and 8 speak of applications.
POOL_TYPES: Mapping[int, str] = MappingProxyType({0x1: "Home Server Pool", 0x2: "Front End Pool"})


def change_bits(value: int, changes: Mapping[str, bool], bits: Mapping[str, int] = OPTION_FLAGS) -> int:
    """``value`` with the bits named in ``changes`` set or cleared. KeyError for a name that has no bit."""
    for name, wanted in changes.items():
        value = value | bits[name] if wanted else value & ~bits[name]
    return value


def has_bit(value: int, name: str, bits: Mapping[str, int] = OPTION_FLAGS) -> bool:
    """Whether the bit called ``name`` is set in ``value``."""
    return bool(value & bits[name])


def pool_type(value: int) -> str | None:
    """The kind of pool, or ``None`` where no bit tells that it hosts users."""
    return next((name for bit, name in POOL_TYPES.items() if value & bit), None)
