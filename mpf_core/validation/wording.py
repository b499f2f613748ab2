"""Words for violations that need nothing but the violations themselves."""

from __future__ import annotations

import re

from mpf_core.errors import Violation

XDR = "urn:schemas-microsoft-com:xml-data"
XDR_HINT = (
    f"this is an XDR schema ({XDR}), as MPF 1.0 wrote them; only XSD is supported: rewrite it as "
    '<Schema name="..."><xs:schema targetNamespace="..."> with a root element executeData'
)

_SECRET = re.compile(r"passw|pwd|secret|credential|token", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a value of that name must not be repeated in a message."""
    return _SECRET.search(name) is not None


def local_name(tag: object) -> str:
    """The name without its namespace."""
    return str(tag).rpartition("}")[2]


def summary(violations: list[Violation]) -> str:
    """The first violation, and how many more there are, as one sentence for an error's description."""
    first = violations[0]
    place = f"{first.path} (line {first.line}): " if first.line and first.path else first.path and f"{first.path}: "
    more = len(violations) - 1
    text = f"{place}{first.message}".rstrip(".")
    if text.endswith("?"):
        return f"{text} (And {more} more mistake{'s' if more > 1 else ''}.)" if more else text
    return f"{text} (and {more} more mistake{'s' if more > 1 else ''})." if more else f"{text}."
