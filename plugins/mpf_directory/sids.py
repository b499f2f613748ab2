"""Security identifiers: the octets of objectSid and the ``S-1-5-...`` text form."""

from __future__ import annotations

import struct


def sid_to_text(octets: bytes) -> str:
    """``S-1-...`` for the octets of a SID. ValueError when they are none."""
    if len(octets) < 8 or octets[0] != 1 or len(octets) != 8 + 4 * octets[1]:
        raise ValueError("these octets are no SID")
    authority = int.from_bytes(octets[2:8], "big")
    parts = struct.unpack(f"<{octets[1]}I", octets[8:])
    return "-".join(["S-1", str(authority), *map(str, parts)])


def sid_to_octets(text: str) -> bytes:
    """The octets of a SID in text form. ValueError when it is none."""
    marker, revision, authority, *parts = text.split("-")
    if marker.upper() != "S" or revision != "1" or not 1 <= len(parts) <= 15:
        raise ValueError(f"{text!r:.100} is no SID")
    try:
        return bytes([1, len(parts)]) + int(authority).to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *map(int, parts))
    except (OverflowError, struct.error):
        raise ValueError(f"{text!r:.100} is no SID") from None
