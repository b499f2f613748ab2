"""``provisioning.xsd`` applied: to requests, on every call, and to namespace files, when they are loaded."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from lxml import etree

from mpf_core import xml
from mpf_core.errors import Code, MpfError, Violation
from mpf_core.provider import Element
from mpf_core.validation.validator import Validator
from mpf_core.validation.wording import summary


@cache
def provisioning_schema() -> Validator:
    """The compiled ``provisioning.xsd``. Compiled when first asked for, not when this module is imported."""
    source = files("mpf_core.validation").joinpath("provisioning.xsd").read_bytes()
    return Validator(etree.fromstring(source, xml.schema_parser()))


def check_request(root: Element) -> None:
    """Check a request that stands in no namespace (`mpf_core.xml.strip_provisioning_namespace`).

    Raises INVALID_REQUEST whose ``violations`` list every mistake with its XPath and line.
    """
    if root.tag == "request" and provisioning_schema().accepts(root):
        return
    violations = _violations(root, ("request",), "")
    raise MpfError(Code.INVALID_REQUEST, f"The request is not valid: {summary(violations)}", violations=violations)


def check_namespace_file(root: Element, file: str) -> list[Violation]:
    """Every mistake in a namespace file: a ``namespace``, or one ``procedure`` of a namespace that is a folder."""
    if root.tag in {"namespace", "procedure"} and provisioning_schema().accepts(root):
        return []
    return _violations(root, ("namespace", "procedure"), file)


def _violations(root: Element, roots: tuple[str, ...], file: str) -> list[Violation]:
    if root.tag not in roots:
        expected = " or ".join(f"<{name}>" for name in roots)
        namespace = etree.QName(root).namespace
        where = f" in the namespace '{namespace}'" if namespace else ""
        message = f"The document is <{etree.QName(root).localname}>{where}; it must be {expected}."
        return [Violation(message, xml.xpath_of(root), xml.line_of(root), file)]
    return provisioning_schema().violations(root, file=file)
