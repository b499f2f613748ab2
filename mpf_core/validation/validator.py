"""One schema, compiled twice: by libxml2, which decides, and, once something has failed, by xmlschema, which explains."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

from lxml import etree
from xmlschema import XMLSchema10, XMLSchemaValidationError

from mpf_core import xml
from mpf_core.errors import Violation
from mpf_core.provider import Element
from mpf_core.validation.explain import explain, is_secret
from mpf_core.validation.twin import xs

#: A document with more elements than this is explained by libxml2 alone: xmlschema would need seconds.
EXPLAINABLE_ELEMENTS = 20_000
#: More violations than this are not listed.
MAX_VIOLATIONS = 1000

_ELEMENT_PREFIX = re.compile(r"^Element '[^']*'(?:, attribute '([^']*)')?: ")
_OPEN_ENDED = re.compile(r"[*+]|\{\d+,\}")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")
_PATTERN_MESSAGE = "SCHEMAV_CVC_PATTERN_VALID"


class Validator:
    """A compiled schema that any number of threads may share."""

    def __init__(self, schema: Element) -> None:
        """Compile ``schema``, an ``xs:schema`` that `mpf_core.xml.schema_parser` parsed (it reads no other file).

        Raises ``lxml.etree.XMLSchemaParseError``.
        """
        # Threads share it: never read its error_log, which shows the messages, and so the data, of other threads.
        self._shared = etree.XMLSchema(schema)
        self._source = xml.serialize(schema)
        self._explainer: XMLSchema10 | None = None
        self._left_out = False
        self._lock = threading.Lock()

    def accepts(self, root: Element) -> bool:
        """Whether a document, or the data of a call, fits the schema."""
        try:
            return self._shared(root)
        except etree.XMLSchemaValidateError:
            return False  # libxml2 gave up: a pattern needed too many steps

    def violations(
        self,
        root: Element,
        *,
        file: str = "",
        known: Callable[[XMLSchemaValidationError], bool] = lambda _error: False,
        reported: Collection[str] = (),
    ) -> list[Violation]:
        """Everything in a document that was not accepted, each mistake with its XPath and line.

        Errors that are ``known``, and those at the XPaths in ``reported``, are left out: the caller has better words
        for them. Without these the list is never empty: where xmlschema finds nothing, libxml2's own messages stand.
        """
        small = sum(1 for _ in islice(root.iter(), EXPLAINABLE_ELEMENTS + 1)) <= EXPLAINABLE_ELEMENTS
        errors = self._errors(root) if small else []
        found = [explain(error, file) for error in errors if not known(error)]
        if not errors or self._left_out:
            found += self._messages(root, file, patterns_only=bool(errors))
        return [each for each in found if each.path not in reported]

    def _errors(self, root: Element) -> list[XMLSchemaValidationError]:
        try:
            return list(islice(self._xmlschema().iter_errors(root), MAX_VIOLATIONS))
        except Exception:  # an explanation that fails must not hide the verdict
            return []

    def _xmlschema(self) -> XMLSchema10:
        with self._lock:
            if self._explainer is None:
                schema = etree.fromstring(self._source, xml.schema_parser())
                self._left_out = _leave_out_slow_patterns(schema)
                self._explainer = XMLSchema10(xml.serialize(schema).decode(), allow="none")
            return self._explainer

    def _messages(self, root: Element, file: str, *, patterns_only: bool) -> list[Violation]:
        """libxml2's messages, from a validator of which no other thread knows."""
        private = etree.XMLSchema(etree.fromstring(self._source, xml.schema_parser()))
        try:
            private(root)
        except etree.XMLSchemaValidateError:
            message = "A value here is too complex for the pattern it must match."
            return [Violation(message, xml.xpath_of(root), xml.line_of(root), file)]
        log: Any = private.error_log
        entries = [entry for entry in log if not patterns_only or entry.type_name == _PATTERN_MESSAGE]
        found = [
            Violation(readable(entry.message, entry.path or ""), entry.path or "", entry.line or None, file)
            for entry in entries[:MAX_VIOLATIONS]
        ]
        if found or patterns_only:
            return found
        return [Violation("The document does not fit its schema.", xml.xpath_of(root), xml.line_of(root), file)]


def _leave_out_slow_patterns(schema: Element) -> bool:
    """Take the patterns out of a schema for which Python's ``re`` may need exponential time; tell if there were any.

    libxml2 checks them, in bounded time.
    """
    left_out = False
    for restriction in schema.iter(xs("restriction")):
        patterns = restriction.findall(xs("pattern"))
        if any(_is_slow(pattern.get("value", "")) for pattern in patterns):
            left_out = True
            for pattern in patterns:
                restriction.remove(pattern)
    return left_out


def _is_slow(pattern: str) -> bool:
    return len(_OPEN_ENDED.findall(pattern)) > 1 or _REPEATED_GROUP.search(pattern) is not None


def readable(message: str, path: str) -> str:
    """A message of libxml2 without the noise: the path says already which element is meant."""
    attribute = _ELEMENT_PREFIX.match(message)
    if is_secret(path.rpartition("/")[2]) or (attribute and is_secret(attribute[1] or "")):
        return "The value is not valid."
    message = message.strip().replace(f"{xs('')}", "xs:")
    return _ELEMENT_PREFIX.sub(lambda found: f"attribute '{found[1]}': " if found[1] else "", message)
