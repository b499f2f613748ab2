"""Secrets of the request that is running, and keeping them out of texts: logs, errors, tracebacks.

What is secret is known by its value: the text of every element that the request marks with ``do-not-log`` (spec: helpers-
and-ad-providers.md, 2.17), or whose schema has that attribute, or that is a password by its name, the passwords that came
with the caller, and stored ones that were used. Whatever a provider, the directory or a validator quotes afterwards, the
value is masked in it.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import traceback
from collections.abc import Container, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lxml import etree

from mpf_core.printable import printable
from mpf_core.quotations import alone, quotations

MASK = "***"
#: The attribute that marks secrets.
MARK = "do-not-log"
_YES = frozenset({"1", "true"})
#: Names of arguments and of attributes of a directory that nobody needs to mark.
_PASSWORDS = frozenset(
    {
        "clearpassword",
        "currentpassword",
        "dbcspwd",
        "lmpwdhistory",
        "msds-managedpassword",
        "newpassword",
        "ntpwdhistory",
        "oldpassword",
        "password",
        "supplementalcredentials",
        "unicodepwd",
        "userpassword",
    }
)
#: A shorter secret is masked only where it stands alone: it may be a part of any word.
_UNMISTAKABLE = 6
#: How LDIF (RFC 2849) and MIME go on with a long line.
_FOLD = r"\r?\n ?"
_FOLDS = re.compile(_FOLD)


class _Hidden:
    """The secrets of one request, and the forms to look for, the longest first: a secret may be a part of another."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values: set[str] = set()
        self._forms: list[tuple[str, bool]] | None = None
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        found = {text for value in values for text in (value, value.strip()) if text.strip()}
        if not found <= self.values:
            self.values |= found
            self._forms = None

    def forms(self) -> list[tuple[str, bool]]:
        """Every form of every secret, and whether it counts only where it stands alone."""
        if self._forms is None:
            found = dict[str, bool]()
            for value in self.values:
                if len(value) >= _UNMISTAKABLE:
                    found.update(dict.fromkeys(quotations(value), False))
                else:
                    found = dict.fromkeys(alone(value), True) | found
            self._forms = sorted(found.items(), key=lambda form: len(form[0]), reverse=True)
        return self._forms


_secrets: ContextVar[_Hidden | None] = ContextVar("mpf_secrets", default=None)


class Redacted(Exception):  # noqa: N818 - it stands in for an error
    """The traceback of an error that quoted a secret, without it."""


@contextmanager
def hiding(values: Iterable[str] = ()) -> Iterator[None]:
    """Hide these values, and those that `hide` is told of, until the end of the ``with`` block, in this thread.

    What a block around it hides stays hidden.
    """
    token = _secrets.set(_Hidden({*values, *hidden()}))
    try:
        yield
    finally:
        _secrets.reset(token)


def hide(values: Iterable[str]) -> None:
    """More values to be hidden within the `hiding` block around; nothing happens outside of one."""
    found = _secrets.get()
    if found is not None:
        found.add(values)


def hidden() -> frozenset[str]:
    """What is hidden now, for whatever is written down later than the `hiding` block ends."""
    found = _secrets.get()
    return frozenset(found.values) if found is not None else frozenset()


def hidden_in(data: object) -> tuple[str, ...]:
    """Those of the hidden values that JSON data holds, in whatever form."""
    values = hidden()
    if not values:
        return ()
    text = json.dumps(data)
    return tuple(sorted(value for value in values if _masked(text, _Hidden([value])) != text))


def marked(root: etree._Element) -> set[str]:
    """The texts of all elements that are marked as secret, or passwords by name, and all passwords of basic credentials.

    Where a marked element holds others, each of their texts is as secret as all of them together.
    """
    found = set()
    for element in root.iter(etree.Element):
        if is_marked(element):
            texts = [str(text).strip() for text in element.itertext()]
            found.update(texts)
            found.add("".join(map(str, element.itertext())).strip())
        elif element.tag == "basic":
            found.add(element.get("password", ""))
    return found - {""}


def is_marked(element: etree._Element) -> bool:
    """Whether an element itself is marked as secret, or is a password by its name or that of its attribute ``name``."""
    name = element.tag.rpartition("}")[2]
    return element.get(MARK) in _YES or not _PASSWORDS.isdisjoint({name.lower(), element.get("name", "").strip().lower()})


def secret_free(data: etree._Element, safe: Container[str] | None = None) -> etree._Element:
    """A copy of an element in which every secret is masked: texts that are marked, and those that are hidden now.

    With ``safe``, names of elements and attributes (those with ``@`` before), everything else is masked as well.
    """
    made = copy.deepcopy(data)
    for element in list(made.iter(etree.Element)):  # all of them, before some are taken out
        if is_marked(element):
            for child in list(element):
                element.remove(child)
            element.text = MASK
        elif element.text:
            element.text = mask(element.text) if safe is None or element.tag in safe else _masked_whole(element.text)
        if element.tail:
            element.tail = mask(element.tail) if safe is None else _masked_whole(element.tail)
        for name, value in element.items():
            if name != MARK:
                known = safe is None or f"@{name!s}" in safe
                element.set(str(name), mask(str(value)) if known else _masked_whole(str(value)))
    return made


def _masked_whole(text: str) -> str:
    return MASK if text.strip() else text


def mask(text: str) -> str:
    """``text`` with every secret masked, in whatever form it is quoted (`mpf_core.quotations`)."""
    found = _secrets.get()
    return text if found is None else _masked(text, found)


def _masked(text: str, secrets: _Hidden) -> str:
    unfolded = _FOLDS.sub("", text) if "\n" in text else ""
    for form, alone_only in secrets.forms():
        if alone_only:
            if form in text:
                text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", MASK, text)
            continue
        text = text.replace(form, MASK)
        if form in unfolded:
            text = re.sub(rf"(?:{_FOLD})?".join(map(re.escape, form)), MASK, text)
    return text


def quotes(error: BaseException) -> bool:
    """Whether an error quotes a secret: in its text, its causes, or what a debugger would show of its traceback."""
    return bool(hidden()) and _tells(error, mask)


def processor(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For structlog: mask and escape every text of an event, each on one line, and the traceback that comes with it."""
    for name, value in event.items():
        if name != "exc_info":
            event[name] = _clean(value)
    info = event.get("exc_info")
    if info:
        error = info if isinstance(info, BaseException) else (sys.exc_info() if info is True else info)[1]
        if error is not None and _tells(error, _shown):
            text = "".join(traceback.format_exception(error))
            event["exc_info"] = (Redacted, Redacted(_shown(text)), None)
    return event


def _clean(value: object) -> object:
    match value:
        case str():
            return printable(mask(value), keep="")
        case bytes():
            return _clean(value.decode("utf-8", "backslashreplace"))
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {_clean(name): _clean(one) for name, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(one) for one in value]
    text = str(value)
    clean = printable(mask(text), keep="")
    return value if clean == text and mask(repr(value)) == repr(value) else clean


def _shown(text: str) -> str:
    return printable(mask(text))


def _tells(error: BaseException, clean: Any) -> bool:
    """Whether ``clean`` changes anything in the traceback, or in the variables that some tools print with it."""
    plain = "".join(traceback.format_exception(error))
    if clean(plain) != plain:
        return True
    if not hidden():
        return False
    try:
        with_locals = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    except Exception:  # a variable whose ``repr`` fails: what it would tell is not known
        return True
    return mask(with_locals) != with_locals
