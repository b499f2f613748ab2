"""What observers are told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

EventName: TypeAlias = Literal[
    "transaction.begin",
    "transaction.end",
    "call.begin",
    "call.end",
    "call.error",
    "elevation",
    "step.undone",
    "step.undo_failed",
    "step.in_doubt",
    "transaction.unsettled",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a transaction. ``fields`` holds names, numbers and outcomes, never call data."""

    name: EventName
    transaction_id: str
    fields: Mapping[str, object] = field(default_factory=dict)
    at: float = field(default_factory=time.time)
