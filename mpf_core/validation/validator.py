"""One schema, compiled twice: by libxml2, which decides, and, once something has failed, by xmlschema, which explains."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lxml import etree

from mpf_core import xml
from mpf_core.errors import Violation
from mpf_core.provider import Element
from mpf_core.validation.twin import xs
from mpf_core.validation.wording import is_secret

if TYPE_CHECKING:
    from xmlschema import XMLSchema10, XMLSchemaValidationError

#: A document with more elements than this is validated as a stream. lxml works out the XPath of each mistake, by counting
#: siblings, when it validates a tree: 2 MB of small wrong elements would take hours.
LARGE = 1000
#: A document with more elements than this is explained by libxml2 alone: xmlschema would need seconds.
EXPLAINABLE = 5000
#: More violations than this are not listed.
MAX_VIOLATIONS = 1000

_COUNT = etree.XPath("count(descendant-or-self::*)")
_ELEMENT_PREFIX = re.compile(r"^Element '[^']*'(?:, attribute '([^']*)')?: ")
_OPEN_ENDED = re.compile(r"[*+]|\{\d+,\}")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")
_PATTERN = "SCHEMAV_CVC_PATTERN_VALID"


class _Message(NamedTuple):
    """A message of libxml2."""

    text: str
    path: str
    line: int | None
    is_pattern: bool = False


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
        if _is_large(root):
            return not self._stream_messages(root)
        try:
            return self._shared(root)
        except etree.XMLSchemaValidateError:
            return False  # libxml2 gave up: a pattern needed too many steps

    def violations(
        self,
        root: Element,
        *,
        file: str = "",
        missing: Collection[str] = (),
        reported: Collection[str] = (),
    ) -> list[Violation]:
        """Everything in a document that was not accepted, each mistake with its XPath and line.

        Errors that come of ``missing`` children of the root, and those at the XPaths in ``reported``, are left out: the
        caller has better words for them. Without these the list is never empty: where xmlschema finds nothing, libxml2's
        own messages stand, and for large documents these have no XPath and no line.
        """
        # It takes a third of the time that the engine needs to load, and most processes never need it.
        from mpf_core.validation.explain import explain, is_about_missing  # noqa: PLC0415

        errors = self._errors(root) if _count(root) <= EXPLAINABLE else []
        found = [explain(error, file) for error in errors if not is_about_missing(error, root, missing)]
        if not errors or self._left_out:
            messages = self._stream_messages(root) if _is_large(root) else self._messages(root)
            wanted = [each for each in messages if not errors or each.is_pattern]
            found += [Violation(readable(each.text, each.path), each.path, each.line, file) for each in wanted]
        return [each for each in found if each.path not in reported]

    def _errors(self, root: Element) -> list[XMLSchemaValidationError]:
        try:
            return list(islice(self._xmlschema().iter_errors(root), MAX_VIOLATIONS))
        except Exception:  # an explanation that fails must not hide the verdict
            return []

    def _xmlschema(self) -> XMLSchema10:
        from mpf_core.validation.explain import explainer  # noqa: PLC0415

        with self._lock:
            if self._explainer is None:
                schema = etree.fromstring(self._source, xml.schema_parser())
                self._left_out = _leave_out_slow_patterns(schema)
                self._explainer = explainer(xml.serialize(schema))
            return self._explainer

    def _messages(self, root: Element) -> list[_Message]:
        """libxml2's messages, from a validator of which no other thread knows."""
        private = etree.XMLSchema(etree.fromstring(self._source, xml.schema_parser()))
        try:
            private(root)
        except etree.XMLSchemaValidateError:
            text = "A value here is too complex for the pattern it must match."
            return [_Message(text, xml.xpath_of(root), xml.line_of(root))]
        log: Any = private.error_log
        return [
            _Message(entry.message, entry.path or "", entry.line or None, entry.type_name == _PATTERN)
            for entry in islice(log, MAX_VIOLATIONS)
        ] or [_Message("The document does not fit its schema.", xml.xpath_of(root), xml.line_of(root))]

    def _stream_messages(self, root: Element) -> list[_Message]:
        """libxml2's messages about a large document: the first hundred, without places. Empty where it fits."""
        parser = etree.XMLParser(schema=self._shared, encoding="utf-8", resolve_entities=False, huge_tree=True)
        # The error below has the thread's own log, which goes on from document to document, and so from sender to sender.
        etree.clear_error_log()
        try:
            etree.fromstring(xml.serialize(root), parser)
        except etree.XMLSyntaxError as error:
            log: Any = error.error_log
            found = [_Message(entry.message, "", None, entry.type_name == _PATTERN) for entry in log]
            return found or [_Message("The document does not fit its schema.", "", None)]
        return []


def _is_large(root: Element) -> bool:
    # Most data is a flat list of arguments: counting what lies deeper costs more than looking whether anything does.
    if len(root) >= LARGE:
        return True
    for child in root:
        if len(child):
            return _count(root) > LARGE
    return False


def _count(root: Element) -> int:
    return int(cast(float, _COUNT(root)))


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
