"""Named points that the engine and the providers pass, for tests that kill the process or break things there.

Nothing happens at a point unless a test has put an action there (`mpf_core.testing.kill_at`, for example). The names are
public (`POINTS`), and a point that is not named there cannot be passed.
"""

from __future__ import annotations

from collections.abc import Callable

#: Every point and what is known when it is passed.
POINTS: dict[str, str] = {
    "request.admitted": "The request is admitted; nothing is written.",
    "journal.write.before": "A record is about to be written.",
    "journal.write.after": "The record is durable.",
    "journal.lock.after": "A key is locked.",
    "provider.apply.before": "The intent is durable and the provider's effect has not begun.",
    "provider.effect.before": "One effect of a provider is about to happen; a step may have several.",
    "provider.effect.after": "One effect has happened, and nothing is recorded of it.",
    "provider.apply.after": "The effect is complete; its outcome is not recorded yet.",
    "provider.undo.before": "An undo is about to run.",
    "provider.undo.after": "An undo has run; its outcome is not recorded yet.",
    "provider.commit.before": "The commit of a two-phase step is about to run.",
    "provider.commit.after": "The commit has run; its outcome is not recorded yet.",
    "request.ended": "The transaction's end is durable; the response has not been given.",
}

_action: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Pass a point."""
    if _action is not None:
        if point not in POINTS:
            raise KeyError(point)
        _action(point)


def act(action: Callable[[str], None] | None) -> None:
    """Do ``action`` at every point from now on, in this process; ``None`` for nothing. For tests only."""
    global _action  # noqa: PLW0603 - a process is killed as a whole
    _action = action
