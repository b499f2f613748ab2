"""Text as it may be shown: nothing in it is obeyed by a terminal, turns the line around, or passes for another line."""

from __future__ import annotations


def printable(text: str, keep: str = "\n\t") -> str:
    """``text`` with every character that is not printable written as an escape of Python, but for those in ``keep``.

    Those are control characters (and with them ANSI sequences), marks that change the direction of writing, other invisible
    ones, and halves of surrogate pairs. Names and messages come from callers, so whatever shows them shows them this way.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one in keep else one.encode("unicode_escape", "surrogatepass").decode() for one in text
    )
