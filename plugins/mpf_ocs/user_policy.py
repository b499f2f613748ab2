"""Values of msRTCSIP-UserPolicy: ``B:8:00000001:<DN>``, a policy's type and its DN (spec: 3.1 and 3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpf_core.errors import MpfError
from mpf_directory.dn import Dn
from mpf_directory.port import Value

MEETING = 0x00000001
UC = 0x00000002

#: Type of a user policy -> msRTCSIP-PolicyType of the policies that it points at.
POLICY_TYPES = {MEETING: "meeting", UC: "telephony"}


def text(type_: int, policy: Dn) -> str:
    """The value that points at ``policy``."""
    return f"B:8:{type_:08X}:{policy}"


def parse(value: Value) -> tuple[int, Dn] | None:
    """Type and DN, or ``None`` for a value in another form."""
    parts = value.split(":", 3) if isinstance(value, str) else []
    try:
        _, _, number, dn = parts
        return int(number, 16), Dn.parse(dn)
    except (ValueError, MpfError):
        return None


def parse_all(values: Iterable[Value]) -> Iterator[tuple[int, Dn]]:
    """All values in the form, in their order."""
    return (found for value in values if (found := parse(value)) is not None)


def type_of(value: Value) -> int | None:
    """The policy's type, or ``None`` for a value in another form."""
    found = parse(value)
    return found[0] if found else None
