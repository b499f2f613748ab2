"""Arguments and outputs as tables: what they hold follows them, indented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpf_core.validation.arguments import Argument
from scripts.write_reference.markdown import code, plain, table

_BOUNDS = {"minInclusive": "at least", "maxInclusive": "at most", "minExclusive": "more than", "maxExclusive": "less than"}
_DIGITS = {"totalDigits": "digits at most", "fractionDigits": "digits behind the point at most"}


def arguments_table(arguments: Sequence[Argument], secrets: Sequence[str] = ()) -> list[str]:
    """The arguments in their order; ``secrets`` are the names of those that are kept out of logs."""
    return table(
        "argument",
        "type",
        "required",
        "meaning",
        rows=[
            (name, _type(one), "yes" if one.required else "no", _meaning(one, secret=depth == 0 and one.name in secrets))
            for depth, name, one in _rows(arguments, 0)
        ],
    )


def outputs_table(outputs: Sequence[Argument]) -> list[str]:
    """The outputs in their order."""
    return table(
        "output",
        "type",
        "always there",
        "meaning",
        rows=[
            (name, _type(one), "yes" if one.required else "no", _meaning(one, secret=False))
            for _, name, one in _rows(outputs, 0)
        ],
    )


def restrictions(argument: Argument) -> str:
    """What the schema asks of a value besides its type, in words."""
    facets = dict(reversed(argument.facets))
    shortest, longest = facets.get("minLength"), facets.get("maxLength")
    words = []
    if "length" in facets:
        words.append(f"{facets['length']} characters")
    if shortest and longest:
        words.append(f"{shortest} to {longest} characters")
    elif longest:
        words.append(f"up to {longest} characters")
    elif shortest:
        words.append("not empty" if shortest == "1" else f"at least {shortest} characters")
    words += [f"{word} {facets[name]}" for name, word in _BOUNDS.items() if name in facets]
    words += [f"{facets[name]} {word}" for name, word in _DIGITS.items() if name in facets]
    words += [f"like {code(value)}" for name, value in argument.facets if name == "pattern"]
    return ", ".join(words)


def _rows(arguments: Sequence[Argument], depth: int) -> Iterator[tuple[int, str, Argument]]:
    for one in arguments:
        yield depth, "&emsp;" * depth + code(one.name), one
        yield from _rows(one.children, depth + 1)


def _type(argument: Argument) -> str:
    values = argument.type.split(" | ")
    text = " or ".join(code(value) for value in values) if len(values) > 1 else argument.type
    more = restrictions(argument)
    return "<br>".join(part for part in (text + (", repeated" if argument.repeats else ""), more) if part)


def _meaning(argument: Argument, *, secret: bool) -> str:
    parts = [plain(argument.documentation)]
    if secret:
        parts.append("Secret: never in a log.")
    if argument.default is not None:
        parts.append(f"Default: {code(argument.default) or 'empty'}")
    if argument.example:
        parts.append(f"Example: {code(argument.example)}")
    return "<br>".join(part for part in parts if part)
