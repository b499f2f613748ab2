"""Which kills are tried: all with ``MPF_ALL_KILLS=1``; without, a few that another ``MPF_KILL_SEED`` makes others.

Without a seed, each day has its own.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

ALL = os.environ.get("MPF_ALL_KILLS", "") not in {"", "0"}
SEED = int(os.environ.get("MPF_KILL_SEED") or time.time() // 86_400)


def chosen(what: Sequence[T], number: int, *about: str) -> list[T]:
    """All of it, or ``number`` of them; other ones for each ``about``, and the same ones in each process."""
    if ALL or number >= len(what):
        return list(what)
    return random.Random(f"{SEED} {about}").sample(what, number)


def one_of(what: Sequence[T], *about: str) -> T:
    """One of them, also when all kills are tried."""
    return random.Random(f"{SEED} {about}").choice(what)
