"""Secrets of the request that is running, and keeping them out of texts: logs, errors, tracebacks.

What is secret is known by its value: the text of every element that the request marks with ``do-not-log`` (spec: helpers-
and-ad-providers.md, 2.17), or whose schema has that attribute, and the passwords that came with the caller. Whatever a
provider, the directory or a validator quotes afterwards, the value is masked in it.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lxml import etree

MASK = "***"
#: The attribute that marks secrets.
MARK = "do-not-log"
_YES = frozenset({"1", "true"})
#: A shorter secret is masked only where it stands alone: it may be a part of any word.
_UNMISTAKABLE = 6

_secrets: ContextVar[set[str] | None] = ContextVar("mpf_secrets", default=None)


class Redacted(Exception):  # noqa: N818 - it stands in for an error
    """The traceback of an error that quoted a secret, without it."""


@contextmanager
def hiding(values: Iterable[str] = ()) -> Iterator[None]:
    """Hide these values, and those that `hide` is told of, until the end of the ``with`` block, in this thread."""
    token = _secrets.set({value for value in values if value})
    try:
        yield
    finally:
        _secrets.reset(token)


def hide(values: Iterable[str]) -> None:
    """More values to be hidden within the `hiding` block around; nothing happens outside of one."""
    found = _secrets.get()
    if found is not None:
        found.update(value for value in values if value)


def marked(root: etree._Element) -> set[str]:
    """The texts of all elements that are marked as secret, and all passwords of basic credentials."""
    found = set()
    for element in root.iter(etree.Element):
        if element.get(MARK) in _YES:
            found.add("".join(map(str, element.itertext())).strip())
        elif element.tag == "basic":
            found.add(element.get("password", ""))
    return found - {""}


def is_marked(element: etree._Element) -> bool:
    """Whether an element itself is marked as secret."""
    return element.get(MARK) in _YES


def mask(text: str) -> str:
    """``text`` with every secret masked."""
    for secret in sorted(_secrets.get() or (), key=len, reverse=True):
        if len(secret) >= _UNMISTAKABLE:
            text = text.replace(secret, MASK)
        elif secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return text


def quotes(error: BaseException) -> bool:
    """Whether the traceback of an error, with all its causes, quotes a secret."""
    if not _secrets.get():
        return False
    text = "".join(traceback.format_exception(error))
    return mask(text) != text


def processor(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For structlog: mask every text of an event, and the traceback that comes with it."""
    if not _secrets.get():
        return event
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask(value)
    info = event.get("exc_info")
    if info:
        error = info if isinstance(info, BaseException) else (sys.exc_info() if info is True else info)[1]
        text = "".join(traceback.format_exception(error)) if error is not None else ""
        if mask(text) != text:
            event["exc_info"] = (Redacted, Redacted(mask(text)), None)
    return event
