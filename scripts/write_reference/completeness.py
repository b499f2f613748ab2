"""What a procedure's definition has to say before a page can be made of it, and whether its examples are true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from mpf_core.cli.samples import arguments_of
from mpf_core.model import Procedure
from mpf_core.validation.arguments import Argument
from scripts.write_reference.samples import masked


def missing(procedure: Procedure) -> Iterator[str]:
    """What is not said: description, category, schemas, the meaning of an argument or output, an example of an argument.

    The example of XML may stand at what it holds.
    """
    name, schema = procedure.full_name, procedure.input_schema
    if not procedure.description:
        yield f"{name}: description"
    if schema is None or procedure.output_schema is None:
        yield f"{name}: inputSchema and outputSchema"
        return
    if not schema.category:
        yield f"{name}: category"
    yield from _meanings(f"{name}: argument", arguments_of(procedure))
    yield from _meanings(f"{name}: output", procedure.output_schema.arguments)
    yield from (f"{name}: argument {one.name}: example" for one in arguments_of(procedure) if not _has_example(one))


def _meanings(where: str, arguments: Sequence[Argument]) -> Iterator[str]:
    for one in arguments:
        if not one.documentation:
            yield f"{where} {one.name}: documentation"
        yield from _meanings(f"{where} {one.name}/", one.children)


def _has_example(argument: Argument) -> bool:
    inner = [one for one in argument.children if one.required or one.example]
    return bool(argument.example) or (bool(inner) and all(_has_example(one) for one in inner))


def unlike(arguments: Sequence[Argument], answered: Sequence[etree._Element]) -> Iterator[str]:
    """Examples of outputs for which ``answered``, elements of a response, have another value. Booleans may be either."""
    for one in arguments:
        if one.name.startswith("@"):
            values = [element.get(one.name[1:], "") for element in answered]
        else:
            found = [child for element in answered for child in element.iterfind(one.name)]
            values = [(child.text or "").strip() for child in found if len(child) == 0]
            yield from unlike(one.children, found)
        given = {value.casefold() for value in values if value}
        comparable = bool(one.example) and not one.children and "boolean" not in one.type
        if comparable and given and masked(one.example).casefold() not in given:
            yield f"{one.name}: '{one.example}'"
