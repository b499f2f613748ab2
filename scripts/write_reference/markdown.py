"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def code(text: str) -> str:
    """``text`` as code in a line; ticks in it make the marks longer."""
    if not text:
        return ""
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{' '.join(text.split())}{space}{ticks}"


def plain(text: str) -> str:
    """``text`` as it stands: nothing in it is Markdown or HTML, and it stays in one line."""
    entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
    escaped = re.sub(r"([\\`*_\[\]{}#!])", r"\\\1", " ".join(text.split()))
    return re.sub(r"[&<>|]", lambda found: entities[found[0]], escaped)


def table(*header: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; cells are Markdown."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return lines


def fence(language: str, text: str) -> list[str]:
    """A block of code."""
    return [f"```{language}", *text.rstrip("\n").splitlines(), "```"]


def slug(name: str) -> str:
    """The name of a file, without ending, for what is called ``name``."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")
