"""sAMAccountName: how it is made of a longer name, and what is tried when it is taken.

The steps are those of the original (spec: helpers-and-ad-providers.md, 2.18): the at sign becomes an underscore, illegal
characters go, 20 characters stay, a full stop at the end becomes an underscore; then five names with random digits are
tried.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

MAX_LENGTH = 20
#: No account may have these in its sAMAccountName.
ILLEGAL = frozenset('"/\\[]:|<>+=;?,*')
#: What is tried after the name itself: so many of its characters, and so many random digits behind them.
_TRIES = ((17, 3), (17, 3), (17, 3), (15, 5), (15, 5))


def sam_name(seed: str, *, keep_at: bool = False) -> str:
    """The sAMAccountName for a user principal name or the name of a group; empty where no character of it is legal.

    ``keep_at``: a name that was meant to be one keeps its at sign, as ``A@Reseller1`` of the documented groups does.
    """
    if not keep_at:
        seed = seed.replace("@", "_")
    legal = "".join(char for char in seed if char not in ILLEGAL and char.isprintable())
    cut = legal.strip()[:MAX_LENGTH].rstrip()
    return f"{cut[:-1]}_" if cut.endswith(".") else cut


def candidates(name: str) -> Iterator[str]:
    """``name``, unless it is empty, and then five with random digits at the end."""
    if name:
        yield name
    for length, digits in _TRIES:
        yield f"{name[:length]}{secrets.randbelow(10**digits):0{digits}}"
