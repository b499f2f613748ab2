"""Which calls may run with more rights than their caller has: the configured edges, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from mpf_core.security.calls import Call, Grant
from mpf_policy.settings import Elevation


def grant(call: Call, rules: Sequence[Elevation]) -> Grant | None:
    """The first rule that names this call's edge, as a grant; ``None`` without one."""
    calling, called = call.edge
    for rule in rules:
        if _matches(rule.from_, calling) and _matches(rule.to, called):
            return Grant(rule.reason, {"from": rule.from_, "to": rule.to})
    return None


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
