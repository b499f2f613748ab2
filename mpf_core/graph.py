"""A procedure as a picture: what it calls, when, and as whom, as the text of a Mermaid flowchart."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from mpf_core.model import Execute, IfNull, Procedure, Queue, Step, Try, When, WhenCase
from mpf_core.security.declarations import ROLES
from mpf_core.security.identity import Impersonate

#: The procedure that raises an error, so that nothing comes behind it (spec: helpers-and-ad-providers.md, 4.1).
RAISES = ("Error Provider", "SetError")

_WIDTH, _LINES = 44, 4
#: Mermaid's own way of writing what its syntax, or the HTML of a label, would take for itself.
_ESCAPES = str.maketrans(
    {"#": "#35;", "&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;", "\n": "<br/>"}
)
#: XPath 1.0 has no functions for these, so that it takes a line to say the word.
_LOWER = re.compile(r"translate\(([^,]+), '[A-Z]+', '[a-z]+'\)")
_UPPER = re.compile(r"translate\(([^,]+), '[a-z]+', '[A-Z]+'\)")


class _Shape(Enum):
    """The brackets around a label."""

    END = ("([", "])")
    CALL = ("[", "]")
    PROVIDER = ("[[", "]]")
    QUEUED = ("[/", "/]")
    CONDITION = ("{{", "}}")
    ERROR = ("((", "))")


_STYLES = {
    "elevated": "stroke-width:3px,stroke-dasharray:6 4",
    "raises": "stroke-width:3px",
}


@dataclass(frozen=True, slots=True)
class _End:
    """A node that the next step hangs on, and what the edge to it says."""

    node: str
    label: str = ""


def mermaid(procedure: Procedure) -> str:
    """The flowchart of ``procedure``: who may call it, its calls in their order, conditions, loops, try and catch.

    Calls that run as the service account have a dashed border. Steps that only move data are left out; a procedure that a
    provider runs is one call of that provider.
    """
    return "\n".join(_Chart().draw(procedure)) + "\n"


@dataclass
class _Chart:
    """Nodes stand in their subgraphs; edges follow all of them, because an edge in a subgraph draws its ends into it."""

    _nodes: list[str] = field(default_factory=list)
    _edges: list[str] = field(default_factory=list)
    _count: int = 0
    _tries: int = 0
    _depth: int = 1
    _styles: set[str] = field(default_factory=set)

    def draw(self, procedure: Procedure) -> Iterator[str]:
        """The lines of the chart."""
        name = "\n".join(_title(procedure)) if procedure.namespace else "request"
        ends = [_End(self._node(name, _Shape.END))]
        if procedure.is_provided:
            ends = self._join(ends, self._node(f"provider {procedure.provider_source}", _Shape.PROVIDER))
        ends = self._steps(procedure.steps, ends)
        if ends:
            self._join(ends, self._node("done", _Shape.END))
        yield "flowchart TD"
        yield from self._nodes
        yield from self._edges
        yield from (f"    classDef {name} {_STYLES[name]}" for name in sorted(self._styles))

    def _steps(self, steps: Sequence[Step], ends: list[_End]) -> list[_End]:
        """Draw ``steps`` behind ``ends``; what is returned is empty when nothing can come behind them."""
        for step in steps:
            if not ends:
                break
            if isinstance(step, Try):
                ends = self._try(step, ends)
            elif isinstance(step, Execute):
                ends = self._call(step, ends)
        return ends

    def _call(self, step: Execute, ends: list[_End]) -> list[_End]:
        skipped: list[_End] = []
        if step.when:
            question = self._node(" and ".join(condition(one) for one in step.when), _Shape.CONDITION)
            self._join(ends, question)
            ends, skipped = [_End(question, "yes")], [_End(question, "no")]
        raises = (step.namespace, step.procedure) == RAISES
        style = "raises" if raises else "elevated" if step.impersonate is Impersonate.OFF else ""
        call = self._node(_label(step), _Shape.QUEUED if isinstance(step, Queue) else _Shape.CALL, style)
        self._join(ends, call)
        return skipped if raises else [_End(call), *skipped]

    def _try(self, step: Try, ends: list[_End]) -> list[_End]:
        if not _calls_anything(step.body):
            return ends
        self._tries += 1
        number = self._tries
        self._open(f'subgraph try{number} ["try"]')
        done = self._steps(step.body, ends)
        self._close()
        self._open(f'subgraph catch{number} ["catch"]')
        error = self._node("error", _Shape.ERROR)
        caught = self._steps(step.catch, [_End(error)])
        self._close()
        self._edges.append(f"    try{number} -.-> {error}")
        return [*done, *caught]

    def _join(self, ends: Sequence[_End], node: str) -> list[_End]:
        for end in ends:
            self._edges.append(f'    {end.node} -- "{end.label}" --> {node}' if end.label else f"    {end.node} --> {node}")
        return [_End(node)]

    def _node(self, label: str, shape: _Shape, style: str = "") -> str:
        self._count += 1
        name = f"n{self._count}"
        opening, closing = shape.value
        self._line(f'{name}{opening}"{_wrapped(label)}"{closing}' + (f":::{style}" if style else ""))
        if style:
            self._styles.add(style)
        return name

    def _open(self, line: str) -> None:
        self._line(line)
        self._depth += 1

    def _close(self) -> None:
        self._depth -= 1
        self._line("end")

    def _line(self, text: str) -> None:
        self._nodes.append("    " * self._depth + text)


def _calls_anything(steps: Sequence[Step]) -> bool:
    return any(_calls_anything(step.body) if isinstance(step, Try) else isinstance(step, Execute) for step in steps)


def _name(namespace: str, procedure: str) -> str:
    """The full name, on two lines where one is too short."""
    name = f"{namespace}::{procedure}"
    return name if len(name) <= _WIDTH else f"{namespace}::\n{procedure}"


def _title(procedure: Procedure) -> Iterator[str]:
    """The procedure's name, and who may call it."""
    yield _name(procedure.namespace, procedure.name)
    if procedure.is_private:
        yield "private"
        return
    schema = procedure.input_schema
    needed = [(name, one.needs) for name, one in schema.declared.items() if one.needs] if schema is not None else []
    if procedure.minimum_role and not any(needs == procedure.minimum_role for _, needs in needed):
        yield f"needs {procedure.minimum_role}"
    yield from (f"needs {needs} over {name}" if needs in ROLES else f"{name}: {needs}" for name, needs in needed)


def _label(step: Execute) -> str:
    lines = []
    if isinstance(step, Queue):
        lines.append("queue")
    lines.append(_name(step.namespace, step.procedure))
    if (step.namespace, step.procedure) == RAISES and step.execute_data is not None:
        lines += [code for code in (step.execute_data.findtext("hr"),) if code]
    for loop in step.for_each:
        skip = ", if any" if loop.if_null is not IfNull.FAIL else ""
        lines.append(f"for each {loop.name} in {loop.root}/{loop.path.text}{skip}")
    lines += [f"as often as {repeat.source}/{repeat.path.text} says" for repeat in step.repeat]
    if step.impersonate is Impersonate.OFF:
        lines.append("as the service account")
    elif step.impersonate is Impersonate.ON:
        lines.append("as the caller")
    return "\n".join(lines)


def condition(when: When) -> str:
    """A condition as people read it: what is looked at, and the path or the case."""
    if isinstance(when, WhenCase):
        return f"{when.select} = {when.case}"
    path = _UPPER.sub(r"upper-case(\1)", _LOWER.sub(r"lower-case(\1)", when.path.text))
    return f"{when.source}: {path}" if path else when.source


def _wrapped(label: str) -> str:
    """The label in lines that fit into a box, the end of what is too long left out, and escaped."""
    lines: list[str] = []
    for line in label.splitlines():
        parts = textwrap.wrap(line, _WIDTH, break_on_hyphens=False)
        if len(parts) > _LINES:
            parts = [*parts[: _LINES - 1], parts[_LINES - 1][: _WIDTH - 1] + "…"]
        lines += parts
    return "\n".join(lines).translate(_ESCAPES)
