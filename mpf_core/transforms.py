"""XSL transforms of ``before`` and ``after``: bare xsl:template children, compiled into one stylesheet.

Rule 6 of spec/provisioning-schema.md, section Z. Templates match the selected node, which is the root of a document of its
own. They reach no files and no network, call no extension functions, and cannot write anywhere.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.paths import check_expression
from mpf_core.provider import Element
from mpf_core.xml import schema_parser

XSL = "http://www.w3.org/1999/XSL/Transform"
#: Neither files nor network, neither reading nor writing.
_DENY_ALL: etree.XSLTAccessControl = etree.XSLTAccessControl.DENY_ALL  # type: ignore[attr-defined]
_RESULT = "{urn:mpf:transform}result"
_FORBIDDEN_ATTRIBUTES = {"extension-element-prefixes", f"{{{XSL}}}extension-element-prefixes"}
_FORBIDDEN_ELEMENTS = {f"{{{XSL}}}{name}" for name in ("import", "include", "stylesheet", "transform")}


def compile_templates(templates: Sequence[Element]) -> etree.XSLT:
    """Compile xsl:template elements. Raises ``ValueError`` with the reason when they are wrong or forbidden."""
    for template in templates:
        for node in template.iter(etree.Element):
            if node.tag in _FORBIDDEN_ELEMENTS:
                raise ValueError(f"<xsl:{etree.QName(node).localname}> is not allowed: write bare xsl:template elements")
            for name, value in node.attrib.items():
                if name in _FORBIDDEN_ATTRIBUTES:
                    raise ValueError("extension elements are not allowed")
                forbidden = check_expression(str(value))
                if forbidden:
                    raise ValueError(forbidden)
    stylesheet = etree.XML(
        f'<xsl:stylesheet version="1.0" xmlns:xsl="{XSL}"><xsl:template match="/">'
        f'<m:result xmlns:m="urn:mpf:transform"><xsl:apply-templates/></m:result>'
        f"</xsl:template></xsl:stylesheet>",
        schema_parser(),
    )
    if any(template.get("match") == "/" and template.get("mode") is None for template in templates):
        stylesheet.remove(stylesheet[0])
    for template in templates:
        own = copy.deepcopy(template)
        own.tail = None
        stylesheet.append(own)
    try:
        return etree.XSLT(stylesheet, access_control=_DENY_ALL)
    except etree.XSLTParseError as error:
        raise ValueError(str(error)) from error


def apply_transform(transform: etree.XSLT, node: Element, label: str) -> list[Element]:
    """The elements that ``transform`` makes of ``node``; empty when it makes none. Raises TRANSFORM_FAILED."""
    try:
        result = transform(node)
    except etree.XSLTApplyError as error:
        raise MpfError(Code.TRANSFORM_FAILED, f"The transform in {label} failed: {error}.") from error
    root: Element | None = result.getroot()
    if root is None:
        return []
    elements = list(root) if root.tag == _RESULT else [root]
    for element in elements:
        element.tail = None
        etree.cleanup_namespaces(element)
    return elements
