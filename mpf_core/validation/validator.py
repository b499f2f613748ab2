"""One schema, compiled twice: by libxml2, which decides, and, once something has failed, by xmlschema, which explains."""

from __future__ import annotations

import re
import threading
from itertools import islice

from lxml import etree
from xmlschema import XMLSchema10
from xmlschema.exceptions import XMLSchemaException

from mpf_core import xml
from mpf_core.errors import Violation
from mpf_core.provider import Element
from mpf_core.validation.explain import Known, explain, is_secret

#: A document with more elements than this is explained by libxml2 alone: xmlschema would need seconds.
EXPLAINABLE_ELEMENTS = 20_000
#: More violations than this are not listed.
MAX_VIOLATIONS = 1000

_XS_NAMES = re.compile(r"\{http://www\.w3\.org/2001/XMLSchema\}")
_ELEMENT_PREFIX = re.compile(r"^Element '[^']*'(?:, attribute '([^']*)')?: ")


class Validator:
    """A compiled schema that any number of threads may share."""

    def __init__(self, schema: Element) -> None:
        """Compile ``schema``, an ``xs:schema`` that `mpf_core.xml.schema_parser` parsed (it reads no other file).

        Raises ``lxml.etree.XMLSchemaParseError``.
        """
        #: Whether a document, or the data of a call, fits the schema. Never read its error_log: threads share it.
        self.accepts = etree.XMLSchema(schema)
        self._source = xml.serialize(schema)
        self._explainer: XMLSchema10 | None = None
        self._lock = threading.Lock()

    def violations(self, root: Element, *, file: str = "", known: Known | None = None) -> list[Violation]:
        """Everything in a document that was not accepted: at least one violation, each with its XPath and line.

        ``known`` picks out what the caller reports in better words. Where that is all, the list is empty.
        """
        if sum(1 for _ in islice(root.iter(), EXPLAINABLE_ELEMENTS + 1)) <= EXPLAINABLE_ELEMENTS:
            found = self._explain(root, file, known)
            if found is not None:
                return found
        return self._verdict(root, file)

    def _explain(self, root: Element, file: str, known: Known | None) -> list[Violation] | None:
        """What xmlschema finds, or ``None`` where it finds nothing."""
        try:
            errors = list(islice(self._xmlschema().iter_errors(root), MAX_VIOLATIONS))
        except (XMLSchemaException, ValueError, TypeError, RecursionError):
            return None  # the schema, or this document, is one that only libxml2 can read
        if not errors:
            return None
        return [explain(error, file) for error in errors if known is None or not known(error)]

    def _xmlschema(self) -> XMLSchema10:
        with self._lock:
            if self._explainer is None:
                self._explainer = XMLSchema10(self._source.decode(), allow="none")
            return self._explainer

    def _verdict(self, root: Element, file: str) -> list[Violation]:
        """libxml2's own messages, from a validator that no other thread can write to."""
        private = etree.XMLSchema(etree.fromstring(self._source, xml.schema_parser()))
        if private(root):
            return [Violation("the document does not fit its schema", xml.xpath_of(root), root.sourceline, file)]
        entries = list(islice(private.error_log, MAX_VIOLATIONS))
        return [
            Violation(readable(entry.message, entry.path or ""), entry.path or "", entry.line or None, file)
            for entry in entries
        ]


def readable(message: str, path: str) -> str:
    """A message of libxml2 without the noise: the path says already which element is meant."""
    if is_secret(path.rpartition("/")[2]):
        return "the value is not valid"
    message = _XS_NAMES.sub("xs:", message.strip())
    message = _ELEMENT_PREFIX.sub(lambda found: f"attribute '{found[1]}': " if found[1] else "", message)
    return message.removesuffix(".")
