"""The arguments that an input schema declares, read from its twin (`mpf_core.validation.twin`)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from mpf_core.provider import Element
from mpf_core.validation.twin import xs

#: The namespace of sample values: ``<xs:appinfo xmlns="...">LDAP://...</xs:appinfo>``.
EXAMPLES = "http://provisioning.microsoft.com/examples"

_STRINGS = frozenset({"xs:string", "xs:normalizedString", "xs:token", "xs:anyURI"})
_NOT_ATOMIC = frozenset({"xs:anyType", "xs:IDREFS", "xs:ENTITIES", "xs:NMTOKENS"})
#: What a required string must hold: something besides white space.
_NOT_EMPTY = r"\s*\S[\s\S]*"
_OTHER_CONTENT = (xs("any"), xs("group"), xs("complexContent"), xs("simpleContent"))
_COMPOSITORS = frozenset({xs("all"), xs("sequence"), xs("choice")})
_DERIVATIONS = (xs("complexContent"), xs("simpleContent"), xs("extension"), xs("restriction"))


@dataclass(frozen=True, slots=True)
class Argument:
    """One child of executeData, or of another argument.

    ``type`` is an XSD type's name, the ``values`` of an enumeration, or ``XML``. ``facets`` are its other restrictions, as
    XSD calls them; ``repeats`` says whether it may stand more than once. ``children`` are what XML holds: its attributes,
    whose names begin with ``@``, then its elements; a type that holds itself is not followed a second time.
    """

    name: str
    type: str
    required: bool
    default: str | None = None
    documentation: str = ""
    example: str = ""
    facets: tuple[tuple[str, str], ...] = ()
    repeats: bool = False
    children: tuple[Argument, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Atomic:
    """The built-in type (``xs:int``) under a simple type, and the values that are allowed where they are listed."""

    built_in: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " | ".join(self.values) or self.built_in.removeprefix("xs:")


@dataclass(frozen=True, slots=True)
class Declaration:
    """An ``xs:element`` directly under executeData: ``use`` where it stands, ``element`` what a ``ref`` there leads to.

    ``atomic`` is ``None`` for XML, lists and unions.
    """

    use: Element
    element: Element
    required: bool
    atomic: Atomic | None

    @property
    def name(self) -> str:
        """The argument's name."""
        return str(self.element.get("name", ""))

    @property
    def needs_a_value(self) -> bool:
        """Whether an empty element is a mistake: required, of a simple type, without default and not nillable."""
        has_default = self.element.get("default") is not None or self.element.get("fixed") is not None
        nillable = self.element.get("nillable") in {"true", "1"}
        return self.required and self.atomic is not None and not has_default and not nillable


class Declarations:
    """The arguments of one schema, in the order it documents them."""

    def __init__(self, twin: Element) -> None:
        self._globals = {(child.tag, child.get("name")): child for child in twin.iterchildren(etree.Element)}
        #: The declaration of executeData itself.
        self.root = self._globals.get((xs("element"), "executeData"))
        self.all = tuple(self._of_type(self.root)) if self.root is not None else ()

    def arguments(self) -> tuple[Argument, ...]:
        """What each argument is, for people."""
        return tuple(self._argument(each, ()) for each in self.all)

    def _argument(self, declared: Declaration, outer: tuple[Element, ...]) -> Argument:
        use, element = declared.use, declared.element
        return Argument(
            name=declared.name,
            type=str(declared.atomic) if declared.atomic else "XML",
            required=declared.required,
            default=element.get("default", element.get("fixed")),
            documentation=documentation(use) or documentation(element),
            example=_example(use) or _example(element),
            facets=tuple(self._facets(element, "type")),
            repeats=use.get("maxOccurs", "1") not in {"0", "1"},
            children=tuple(self._children(self._complex_type(element), outer)),
            values=declared.atomic.values if declared.atomic else (),
        )

    def _children(self, type_: Element | None, outer: tuple[Element, ...]) -> Iterator[Argument]:
        if type_ is None or type_ in outer:
            return
        for attribute in _attributes(type_):
            atomic = self._atomic(attribute, "type")
            yield Argument(
                name=f"@{attribute.get('name')}",
                type=str(atomic) if atomic else "string",
                required=attribute.get("use") == "required",
                default=attribute.get("default", attribute.get("fixed")),
                documentation=documentation(attribute),
                example=_example(attribute),
                facets=tuple(self._facets(attribute, "type")),
            )
        for declared in self._content(type_, required=True):
            yield self._argument(declared, (*outer, type_))

    def _facets(self, holder: Element, attribute: str) -> Iterator[tuple[str, str]]:
        """The restrictions of a simple type, but for its enumeration, those of the types it is made from behind them."""
        name = holder.get(attribute)
        simple = holder.find(xs("simpleType")) if name is None else self._globals.get((xs("simpleType"), name))
        restriction = simple.find(xs("restriction")) if simple is not None else None
        if restriction is None:
            return
        for facet in restriction.iterchildren(etree.Element):
            if facet.get("value") is not None and facet.tag != xs("enumeration"):
                yield etree.QName(facet).localname, facet.get("value", "")
        yield from self._facets(restriction, "base")

    def refuse_empty_strings(self) -> None:
        """Rewrite the twin so that both validators know the original's rule: a required string is not empty.

        Spec: helpers-and-ad-providers.md, 1.2, common exceptions.
        """
        for each in self.all:
            if each.needs_a_value and each.atomic is not None and each.atomic.built_in in _STRINGS:
                _narrow(each)

    def allow_white_space(self) -> None:
        """Rewrite the twin of a procedure without arguments so that white space in executeData does not matter.

        XSD lets an empty type hold nothing at all, not even the line break that a merged ``data`` brings along.
        """
        type_ = self._complex_type(self.root) if self.root is not None and not self.all else None
        if type_ is None or next(type_.iter(*_OTHER_CONTENT), None) is not None:
            return
        for compositor in [child for child in type_ if child.tag in _COMPOSITORS]:
            type_.remove(compositor)
        nothing = etree.Element(xs("sequence"))
        etree.SubElement(nothing, xs("any"), namespace="urn:mpf:nothing", minOccurs="0")
        type_.insert(1 if type_.find(xs("annotation")) is not None else 0, nothing)

    def _complex_type(self, element: Element) -> Element | None:
        named = self._globals.get((xs("complexType"), element.get("type")))
        return element.find(xs("complexType")) if named is None else named

    def _of_type(self, element: Element) -> Iterator[Declaration]:
        complex_type = self._complex_type(element)
        if complex_type is not None:
            yield from self._content(complex_type, required=True)

    def _content(self, parent: Element, *, required: bool) -> Iterator[Declaration]:
        """The declarations in a content model; those in it that may be left out, or chosen between, are not required."""
        for child in parent.iterchildren(etree.Element):
            needed = required and child.get("minOccurs") != "0"
            if child.get("maxOccurs") == "0":
                continue
            if child.tag == xs("element"):
                element = self._globals.get((child.tag, child.get("ref")), child)
                yield Declaration(child, element, needed, self._atomic(element, "type"))
            elif child.tag in _COMPOSITORS:
                alternatives = child.tag == xs("choice") and len(child) > 1
                yield from self._content(child, required=needed and not alternatives)
            elif child.tag == xs("group"):
                yield from self._content(self._globals[child.tag, child.get("ref")], required=needed)
            elif child.tag in {xs("complexContent"), xs("restriction")}:
                yield from self._content(child, required=required)
            elif child.tag == xs("extension"):
                base = self._globals.get((xs("complexType"), child.get("base")))
                if base is not None:
                    yield from self._content(base, required=required)
                yield from self._content(child, required=required)

    def _atomic(self, holder: Element, attribute: str) -> Atomic | None:
        name = holder.get(attribute)
        if name is not None and name.startswith("xs:"):
            return None if name in _NOT_ATOMIC else Atomic(name)
        simple = holder.find(xs("simpleType")) if name is None else self._globals.get((xs("simpleType"), name))
        restriction = simple.find(xs("restriction")) if simple is not None else None
        base = self._atomic(restriction, "base") if restriction is not None else None
        if restriction is None or base is None:
            return None
        values = tuple(each.get("value", "") for each in restriction.iterchildren(xs("enumeration")))
        return Atomic(base.built_in, values or base.values)


def _attributes(type_: Element) -> Iterator[Element]:
    """The attributes that a complex type itself declares."""
    for child in type_.iterchildren(etree.Element):
        if child.tag == xs("attribute") and child.get("name"):
            yield child
        elif child.tag in _DERIVATIONS:
            yield from _attributes(child)


def documentation(element: Element) -> str:
    """The text of an element's ``xs:documentation``, in one line."""
    texts = element.findall(f"{xs('annotation')}/{xs('documentation')}")
    return " ".join(text_of(each) for each in texts).strip()


def text_of(element: Element) -> str:
    """All text in an element, in one line."""
    return " ".join("".join(map(str, element.itertext())).split())


def _example(element: Element) -> str:
    for info in element.iterfind(f"{xs('annotation')}/{xs('appinfo')}"):
        if EXAMPLES in info.nsmap.values() or any(etree.QName(each).namespace == EXAMPLES for each in info):
            return text_of(info)
    return ""


def _narrow(declaration: Declaration) -> None:
    """Replace the type of a declaration by a restriction of it that an empty value does not fit."""
    use, element = declaration.use, declaration.element
    simple = etree.Element(xs("simpleType"))
    restriction = etree.SubElement(simple, xs("restriction"))
    inline = element.find(xs("simpleType"))
    if inline is None:
        restriction.set("base", element.get("type", "xs:string"))
    else:
        restriction.append(copy.deepcopy(inline))
    etree.SubElement(restriction, xs("pattern"), value=_NOT_EMPTY)
    if use is not element:
        # A ref becomes an element of its own, so that the global one stays as it is for its other uses.
        del use.attrib["ref"]
        use.set("name", declaration.name)
    elif inline is not None:
        use.remove(inline)
    use.attrib.pop("type", "")
    use.insert(1 if use.find(xs("annotation")) is not None else 0, simple)
