"""Names without regard to case, for what is decided by them."""

from __future__ import annotations


def caseless(name: str) -> str:
    """``name`` with small letters for capital ones, where they are the two cases of one letter and nothing else.

    Directories do not agree on the rest: the long s, the sign for kelvin, a sharp s and two of them are the same to one and
    not to another. Where they are not, whoever has such a name must not pass for somebody else.
    """
    if name.isascii():
        return name.lower()
    return "".join(small if (small := char.lower()).upper() == char else char for char in name)
