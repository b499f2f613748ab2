"""Conditions that never hold: what `mpf_core.lint` says of ``when`` and ``select``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from lxml import etree

from mpf_core.lint_names import Scopes, walk
from mpf_core.model import Action, Procedure, Select, WhenCase, WhenPath
from mpf_core.paths import compile_path
from mpf_core.runtime import nearest

_LITERAL = r"'[^']*'|\"[^\"]*\""
_COMPARED = re.compile(
    rf"(?P<path>[^='\"!<>]+?)\s*=\s*(?P<value>{_LITERAL})|(?P<value2>{_LITERAL})\s*=\s*(?P<path2>[^='\"!<>]+)"
)
_OPERATORS = frozenset({"and", "or", "div", "mod"})
#: Functions of their arguments alone. What else is called, or named, may be another value each time.
_PURE = frozenset(
    {"true", "false", "not", "boolean", "number", "string", "concat", "contains", "starts-with", "floor", "ceiling", "round"}
)


def impossible_conditions(procedure: Procedure, scopes: Scopes) -> Iterator[tuple[str, str]]:
    """What never holds, with the label of its step."""
    values = _enumerated(procedure, scopes)
    selects: dict[str, set[str | None]] = {}
    for label, step in walk(procedure.steps):
        if isinstance(step, Select):
            never = [value for value, _ in step.cases if step.source == "data" and _excluded(step.path.text, value, values)]
            yield from (
                (label, f"where: '{step.path.text}' is never '{value}'{_near(step.path.text, value, values)}")
                for value in never
            )
            cases = {case for value, case in step.cases if value not in never}
            selects[step.name] = {*cases, step.default_case, step.if_null_case}
        elif isinstance(step, Action):
            yield from ((label, f"when: {text}") for text in _impossible(step, selects, scopes, values))


Values = Mapping[str, tuple[str, ...]]


def _enumerated(procedure: Procedure, scopes: Scopes) -> Values:
    """The values of arguments that have only those, and that no step writes anew."""
    arguments = procedure.input_schema.arguments if procedure.input_schema is not None else ()
    if scopes.written.open:
        return {}
    return {one.name: one.values for one in arguments if one.values and one.name not in scopes.written.names}


def _excluded(path: str, value: str, values: Values) -> bool:
    # An empty one may have its default value.
    return path in values and bool(value) and value not in values[path]


def _near(path: str, value: str, values: Values) -> str:
    return nearest(value, values[path])


def _impossible(step: Action, selects: Mapping[str, set[str | None]], scopes: Scopes, values: Values) -> Iterator[str]:
    wanted = [when for when in step.when if isinstance(when, WhenCase)]
    for when in wanted:
        if when.case not in selects[when.select]:  # the loader has seen to it that there is one
            yield f"the select '{when.select}' never comes to the case '{when.case}'"
    for (name, case), (other, another) in pairwise(sorted({(when.select, when.case) for when in wanted})):
        if name == other:
            yield f"the select '{name}' comes to one case only, and not to both '{case}' and '{another}'"
    for one in step.when:
        if isinstance(one, WhenPath):
            reason = _never(one.path.text, one.source, step, scopes, values)
            if reason:
                yield reason


def _never(text: str, scope: str, step: Action, scopes: Scopes, values: Values) -> str:
    """Why an expression never holds, or an empty string."""
    if scope == "executeData":
        return "executeData is not there yet when a condition is tested"
    alternatives = split(text, "or")
    if len(alternatives) > 1:
        reasons = [_never(one, scope, step, scopes, values) for one in alternatives]
        return " and ".join(reasons) if all(reasons) else ""
    return next(filter(None, (_piece(one, scope, step, scopes, values) for one in split(text, "and"))), "")


def _piece(text: str, scope: str, step: Action, scopes: Scopes, values: Values) -> str:
    if is_constant(text):
        return "" if compile_path(text).holds(etree.Element("none")) else f"'{text}' is always false"
    compared = _COMPARED.fullmatch(text)
    path = (compared["path"] or compared["path2"]).strip() if compared else text
    missing = scopes.of(scope, step).missing(path)
    if missing:
        return f"no argument, no procedureData and no step makes '{missing}' in {scope}"
    if compared and scope == "data":
        value = (compared["value"] or compared["value2"])[1:-1]
        if _excluded(path, value, values):
            return f"'{path}' is never '{value}'{_near(path, value, values)}"
    return ""


def split(text: str, operator: str) -> list[str]:
    """An expression at the operators that stand in no brackets and no literal."""
    parts, depth, start = [], 0, 0
    for found in re.finditer(rf"{_LITERAL}|[\[(]|[\])]|\s{operator}\s", text):
        if found[0] in {"[", "("}:
            depth += 1
        elif found[0] in {"]", ")"}:
            depth -= 1
        elif found[0].strip() == operator and not depth:
            parts.append(text[start : found.start()])
            start = found.end()
    return [part.strip() for part in (*parts, text[start:])]


def is_constant(text: str) -> bool:
    """Whether an expression looks at no document: literals, numbers, operators, and functions of these."""
    rest = re.sub(_LITERAL, "0", text)
    if not rest or re.search(r"[/@*$\[\]:|]|\.(?!\d)", rest) or re.search(r"(?:string|number|boolean)\(\s*\)", rest):
        return False
    functions = set(re.findall(r"([A-Za-z][\w-]*)\s*\(", rest))
    names = set(re.findall(r"[A-Za-z][\w-]*", rest))
    return functions <= _PURE and names <= functions | _OPERATORS
