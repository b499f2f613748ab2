"""The schema of a procedure's input, or output: what its executeData may hold (spec: provisioning-schema.md, Schema)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

from lxml import etree

from mpf_core import redaction, xml
from mpf_core.errors import Code, ConfigError, MpfError, Violation
from mpf_core.provider import Element
from mpf_core.security.declarations import Declared, read_declarations, undeclared
from mpf_core.validation.arguments import Argument, Declarations, documentation, text_of
from mpf_core.validation.embedded import read_schema
from mpf_core.validation.twin import make_twin, xs
from mpf_core.validation.validator import Validator
from mpf_core.validation.wording import summary

#: The namespace of a procedure's category and minimum role in the schema's annotations.
API_DOC_INFO = "http://provisioning.microsoft.com/ApiDocInfo"


class InputSchema:
    """A compiled input schema; any number of threads may share it. Use `InputSchema.compile`.

    It is applied to data in no namespace, as the original's requests have it; data in the schema's target namespace is
    accepted too. ``arguments`` are the children of executeData in documented order; ``minimum_role``, ``category``,
    ``documentation`` and ``declared``, what its arguments name, come from the annotations; ``undeclared`` are arguments with
    the name of one that holds an object, of which nothing is declared.
    """

    def __init__(self, schema: Element) -> None:
        """Take a schema that `mpf_core.validation.embedded.read_schema` has accepted."""
        twin = make_twin(schema)
        declarations = Declarations(twin)
        self.target_namespace: str | None = schema.get("targetNamespace")
        self.arguments: tuple[Argument, ...] = declarations.arguments()
        self.minimum_role: str | None = _annotated(twin, "MinimumRole")
        self.category: str | None = _annotated(twin, "Category")
        self.declared: Mapping[str, Declared] = read_declarations(twin)
        self.undeclared: tuple[str, ...] = tuple(undeclared(twin, self.declared))
        root = declarations.root
        self.documentation: str = (documentation(root) if root is not None else "") or documentation(twin)
        #: The arguments that are secret: whose type has the attribute do-not-log.
        self.secrets: tuple[str, ...] = tuple(each.name for each in declarations.all if _is_secret(each.element, twin))
        #: All elements that it names, and all attributes, with ``@`` before.
        self.named: frozenset[str] = frozenset(
            [str(one.get("name")) for one in twin.iter(xs("element"))]
            + [f"@{one.get('name')}" for one in twin.iter(xs("attribute"))]
        )
        has_wildcards = next(twin.iter(xs("any")), None) is not None
        #: Whether there may be other arguments than those that it names.
        self.open: bool = has_wildcards or root is None or not _is_typed(root)
        #: Whether nothing that it does not name can be at any depth: an argument, too, may be of any type.
        self.is_closed: bool = not has_wildcards and all(map(_is_typed, twin.iter(xs("element"))))
        self._required = tuple(each.name for each in declarations.all if each.required)
        self._with_value = frozenset(each.name for each in declarations.all if each.needs_a_value)
        declarations.refuse_empty_strings()
        declarations.allow_white_space()
        self._validator = Validator(twin)

    @classmethod
    def compile(cls, schema_element: Element, *, file: str) -> InputSchema:
        """Compile an embedded ``Schema`` element of the namespace file ``file``.

        Raises ConfigError whose ``problems`` list every mistake in it: XDR, xs:include and its like, no executeData,
        and whatever libxml2 does not accept.
        """
        schema = read_schema(schema_element, file)
        try:
            return cls(schema)
        except (etree.XMLSchemaParseError, ValueError) as error:
            what = "" if isinstance(error, ValueError) else "The schema cannot be applied to data in no namespace: "
            violation = Violation(
                f"{what}{error}",
                xml.xpath_of(schema_element),
                xml.line_of(schema_element),
                file,
            )
            raise ConfigError("The schema is wrong.", [violation]) from error

    def check(self, data: Element) -> None:
        """Check the ``executeData`` of a call.

        Raises E_INVALIDARG whose ``violations`` list every mistake with XPath and line: arguments that are missing or
        empty first, in the original's words (spec: helpers-and-ad-providers.md, 1.2, common exceptions).
        """
        if self._validator.accepts(data):
            return
        if self.target_namespace and any(True for _ in data.iter(f"{{{self.target_namespace}}}*")):
            data = _without_namespace(data, self.target_namespace)
            if self._validator.accepts(data):
                return
        arguments = dict(self._missing_or_empty(data))
        others = self._validator.violations(
            data,
            missing=arguments,
            reported={each.path for each in arguments.values()} - {xml.xpath_of(data)},
        )
        violations = [*arguments.values(), *others]
        description = next(iter(arguments.values())).message if arguments else summary(others)
        raise MpfError(Code.E_INVALIDARG, description, violations=violations)

    def _missing_or_empty(self, data: Element) -> Iterator[tuple[str, Violation]]:
        path, line = xml.xpath_of(data), xml.line_of(data)
        for name in self._required:
            found = data.findall(name)
            if not found:
                yield name, Violation(f"The required argument {name} was not supplied.", path, line)
            for element in found:
                if name in self._with_value and _is_empty(element):
                    where = xml.xpath_of(element)
                    yield name, Violation(f"The argument '{name}' cannot be null.", where, xml.line_of(element))
                    break


def _is_secret(declaration: Element, twin: Element) -> bool:
    """Whether an element's type, its own or a named one of the schema, or what that is made of, has the attribute that
    marks secrets.
    """
    known = {(one.tag, one.get("name")): one for one in twin.iterchildren(_COMPLEX_TYPE, _ATTRIBUTE_GROUP)}
    waiting = [declaration, known.pop((_COMPLEX_TYPE, _local(declaration, "type")), None)]
    while waiting:
        one = waiting.pop()
        if one is None:
            continue
        if any(attribute.get("name") == redaction.MARK for attribute in one.iter(_ATTRIBUTE)):
            return True
        waiting += [known.pop((_COMPLEX_TYPE, _local(part, "base")), None) for part in one.iter(*_DERIVATIONS)]
        waiting += [known.pop((_ATTRIBUTE_GROUP, _local(part, "ref")), None) for part in one.iter(_ATTRIBUTE_GROUP)]
    return False


def _local(element: Element, attribute: str) -> str:
    """The local part of a QName."""
    return element.get(attribute, "").rpartition(":")[2]


def _is_typed(declaration: Element) -> bool:
    """Whether an element has a type that says what is in it."""
    inline = any(child.tag in {_COMPLEX_TYPE, xs("simpleType")} for child in declaration)
    return inline or declaration.get("type", "xs:anyType" if declaration.get("ref") is None else "") != "xs:anyType"


_COMPLEX_TYPE, _ATTRIBUTE, _ATTRIBUTE_GROUP = (xs(name) for name in ("complexType", "attribute", "attributeGroup"))
_DERIVATIONS = (xs("extension"), xs("restriction"))


def _is_empty(element: Element) -> bool:
    return len(element) == 0 and not (element.text or "").strip()


def _without_namespace(data: Element, namespace: str) -> Element:
    own = copy.deepcopy(data)
    for element in own.iter(f"{{{namespace}}}*"):
        element.tag = etree.QName(element).localname
    return own


def _annotated(twin: Element, name: str) -> str | None:
    texts = (text_of(each) for each in twin.iter(f"{{{API_DOC_INFO}}}{name}"))
    return next((text for text in texts if text), None)
