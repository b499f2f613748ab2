"""The twin of an embedded schema: the same rules, for data in no namespace.

The original's schemas have a target namespace while its requests have none (spec: provisioning-schema.md, XSD inside a
namespace). Dropping ``targetNamespace`` alone is not enough: every QName that refers to it must be rewritten too.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable

from lxml import etree

from mpf_core.provider import Element

XS = "http://www.w3.org/2001/XMLSchema"

_QNAMES = frozenset({"type", "ref", "base", "itemType", "memberTypes", "refer", "substitutionGroup"})
_DROPPED = frozenset({"targetNamespace", "elementFormDefault", "attributeFormDefault", "form"})


def xs(name: str) -> str:
    """The tag of an element of XML Schema."""
    return f"{{{XS}}}{name}"


def make_twin(schema: Element) -> Element:
    """A copy of ``schema`` without target namespace. Its only prefix is ``xs``, so names without one are its own."""
    target = schema.get("targetNamespace")
    twin = etree.Element(schema.tag, nsmap={"xs": XS})
    _fill(twin, schema, target)
    return twin


def _fill(twin: Element, source: Element, target: str | None) -> None:
    namespaces = source.nsmap

    def rename(name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        uri = namespaces.get(prefix if colon else None)
        if uri == XS:
            return f"xs:{local}"
        return local if uri in {target, None} and prefix != "xml" else name

    for name, value in source.attrib.items():
        if name not in _DROPPED:
            twin.set(name, _rewritten(source, str(name), str(value), target, rename))
    for child in source.iterchildren(etree.Element):
        if child.tag == xs("annotation"):
            twin.append(copy.deepcopy(child))
        else:
            _fill(etree.SubElement(twin, child.tag), child, target)


def _rewritten(source: Element, name: str, value: str, target: str | None, rename: Callable[[str], str]) -> str:
    if name in _QNAMES:
        return " ".join(rename(each) for each in value.split())
    if name == "namespace" and source.tag in {xs("any"), xs("anyAttribute")}:
        local = {"##targetNamespace", target}
        return " ".join(dict.fromkeys("##local" if each in local else each for each in value.split()))
    if name == "xpath" and target is not None:
        for prefix, uri in source.nsmap.items():
            if prefix and uri == target:
                value = re.sub(rf"(?<![\w.-]){re.escape(prefix)}:(?!:)", "", value)
    return value
