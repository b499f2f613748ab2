"""Requests made from a procedure's schema or from ``--set``."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import click
from lxml import etree

from mpf_core import xml
from mpf_core.model import Procedure
from mpf_core.provider import Element
from mpf_core.validation.arguments import Argument

#: A value for each built-in type of XSD that its own name is no value of.
SAMPLE_VALUES = {
    **dict.fromkeys(
        (
            *("decimal", "float", "double", "integer", "nonNegativeInteger", "positiveInteger", "long", "int", "short"),
            *("byte", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
        ),
        "1",
    ),
    "nonPositiveInteger": "0",
    "negativeInteger": "-1",
    "boolean": "true",
    "duration": "P1D",
    "dateTime": "2007-07-01T12:00:00Z",
    "date": "2007-07-01",
    "time": "12:00:00Z",
    "gYearMonth": "2007-07",
    "gYear": "2007",
    "gMonthDay": "--07-01",
    "gMonth": "--07",
    "gDay": "---01",
    "hexBinary": "00",
    "base64Binary": "AA==",
    "anyURI": "http://www.example.com/",
    "language": "en",
}


def request_from_values(values: Sequence[str]) -> bytes:
    """A simple request from ``name=value`` and ``a/b=value``. Raises ``click.UsageError`` for what is no XML."""
    request = etree.Element("request")
    data = etree.SubElement(request, "data")
    for assignment in values:
        path, separator, value = assignment.partition("=")
        if not separator:
            raise click.UsageError(f"--set {assignment}: write ARG=VALUE.")
        try:
            _place(data, path.strip().split("/"), value)
        except ValueError:
            raise click.UsageError(f"--set {assignment!r}: this cannot be written as XML.") from None
    return xml.serialize(request)


def _place(node: Element, names: Sequence[str], value: str) -> None:
    """Add one value. Containers on the way are shared, the last element is always a new one, so that values can repeat."""
    for name in names[:-1]:
        found = node.find(name) if name else None
        node = etree.SubElement(node, name) if found is None else found
    etree.SubElement(node, names[-1]).text = value


def sample_request(procedure: Procedure) -> str:
    """A request that calls ``procedure``, with the examples of its schema, in the form of the documented samples.

    Optional arguments stand in comments: take the comment marks away to send them.
    """
    request = etree.Element("request")
    data = etree.SubElement(request, "data")
    arguments = arguments_of(procedure)
    for argument in arguments:
        if argument.required:
            data.append(element_of(argument))
        else:
            data.append(etree.Comment(f" {etree.tostring(element_of(argument), encoding='unicode')} ".replace("--", "- -")))
    request.append(_body([(procedure.namespace, procedure.name, [(one.name, one.required) for one in arguments])]))
    etree.indent(request)
    return etree.tostring(request, encoding="unicode")


def request_with(procedure: Procedure, arguments: Sequence[Element]) -> str:
    """A request that calls ``procedure`` with just these arguments, in the form of the documented samples."""
    request = etree.Element("request")
    data = etree.SubElement(request, "data")
    data.extend(copy.deepcopy(one) for one in arguments)
    names = dict.fromkeys(one.tag for one in arguments)
    request.append(_body([(procedure.namespace, procedure.name, [(str(name), True) for name in names])]))
    etree.indent(request)
    return etree.tostring(request, encoding="unicode")


def request_for(calls: Sequence[tuple[str, str, Mapping[str, str]]]) -> bytes:
    """A request that makes ``calls`` (namespace, procedure, arguments) one after another, as documented samples do.

    Calls that name the same argument share it, so they must give it the same value; else ``ValueError``.
    """
    request = etree.Element("request")
    data = etree.SubElement(request, "data")
    for _, _, arguments in calls:
        for name, value in arguments.items():
            found = data.find(name)
            if found is None:
                etree.SubElement(data, name).text = value
            elif found.text != value:
                raise ValueError(f"two values for {name}")
    request.append(_body([(namespace, name, [(one, True) for one in given]) for namespace, name, given in calls]))
    etree.indent(request)
    return xml.serialize(request)


def _body(calls: Sequence[tuple[str, str, Sequence[tuple[str, bool]]]]) -> Element:
    """``procedure`` with one ``execute`` for each call: arguments in, all output merged back.

    Arguments are moved, as in the documented samples, unless a later call needs them too.
    """
    made = etree.Element("procedure")
    for number, (namespace, procedure, arguments) in enumerate(calls, 1):
        later = {name for _, _, others in calls[number:] for name, _ in others}
        execute = etree.SubElement(made, "execute", namespace=namespace, procedure=procedure, impersonate="1")
        for name, required in arguments:
            before = etree.SubElement(execute, "before", source="data", sourcePath=name, destination="executeData")
            if name not in later:
                before.set("mode", "move")
            if not required:
                before.set("ifNull", "ignore")
        etree.SubElement(execute, "after", source="executeData", destination="data", mode="merge")
    return made


def arguments_of(procedure: Procedure) -> tuple[Argument, ...]:
    """The arguments that a procedure's input schema names, in its order."""
    return procedure.input_schema.arguments if procedure.input_schema else ()


def _parsed(text: str, name: str) -> Element | None:
    """``text`` as an element, if it is one of that name."""
    try:
        element = etree.fromstring(text)
    except etree.XMLSyntaxError:
        return None
    return element if element.tag == name else None


def element_of(argument: Argument) -> Element:
    """The argument as a request has it: with its example, or with those of what it holds.

    An example of XML is the whole element, or what stands in it.
    """
    example = argument.example
    written = _parsed(example, argument.name) if example.startswith("<") else None
    if written is None and example and argument.children:
        written = _parsed(f"<{argument.name}>{example}</{argument.name}>", argument.name)
    if written is not None:
        return written
    element = etree.Element(argument.name)
    if example or not argument.children:
        first = argument.type.partition(" | ")[0]  # of an enumeration, or the type's name, which is a string after all
        element.text = example or argument.default or SAMPLE_VALUES.get(argument.type, first)
        return element
    for child in argument.children:
        if child.name.startswith("@"):
            if child.required:
                element.set(child.name[1:], child.example)
        elif child.required or child.example:
            element.append(element_of(child))
    return element
