"""Which elements the scopes of a procedure can hold, as far as schemas and steps tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from mpf_core.model import Action, Execute, Namespace, Procedure, Queue, Select, Step, Transfer, Try
from mpf_core.provider import Element
from mpf_core.validation.input_schema import InputSchema

Namespaces = Mapping[str, Namespace]

_NAME = r"[A-Za-z_][\w.-]*"
_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_PREDICATE = re.compile(r"\[[^\[\]]*\]")
#: A location path of child steps; what it selects is certain to need the elements that it names.
_PLAIN = re.compile(rf"(?:\.?//)?(?:{_NAME}|\*|\.)(?://?(?:{_NAME}|\*|\.))*(?:/@(?:{_NAME}|\*)|/text\(\))?")


def walk(steps: tuple[Step, ...], path: str = "") -> Iterator[tuple[str, Step]]:
    """Every step, those in ``try`` and ``catch`` included, with the path of its label."""
    for step in steps:
        label = f"{path}/{step.label}" if path else step.label
        yield label, step
        if isinstance(step, Try):
            yield from walk(step.body, label)
            yield from walk(step.catch, f"{label}/catch")


def called(step: Execute, namespaces: Namespaces) -> Procedure | None:
    """The procedure that a step calls, where there is one."""
    namespace = namespaces.get(step.namespace)
    return namespace.procedures.get(step.procedure) if namespace else None


def needed(path: str) -> list[str]:
    """The elements without which a path selects nothing; none where that cannot be told."""
    text = _STRINGS.sub("''", path)
    while (shorter := _PREDICATE.sub("", text)) != text:
        text = shorter
    if not _PLAIN.fullmatch(text):
        return []
    return [part for part in re.split(r"/+", text) if re.fullmatch(_NAME, part)]


@dataclass(frozen=True, slots=True)
class Content:
    """Elements by name, at any depth; where it is ``open``, there may be others."""

    names: frozenset[str] = frozenset()
    open: bool = False

    def __or__(self, other: Content) -> Content:
        return Content(self.names | other.names, self.open or other.open)

    def missing(self, path: str) -> str:
        """The first element that a path needs and that is never there, or an empty string."""
        return "" if self.open else next((name for name in needed(path) if name not in self.names), "")


_NOTHING, _ANYTHING = Content(), Content(open=True)
#: A scope that is taken as a whole brings its own element along.
_ROOTS = Content(frozenset({"data", "executeData", "procedureData", "context"}))


def of_schema(schema: InputSchema | None) -> Content:
    """What a schema allows."""
    return Content(schema.named, not schema.is_closed) if schema is not None else _ANYTHING


def of_element(element: Element | None) -> Content:
    """What stands in an element."""
    if element is None:
        return _NOTHING
    return Content(frozenset(etree.QName(each).localname for each in element.iterdescendants(etree.Element)))


class Scopes:
    """The scopes of one procedure: what they hold at the beginning, and what any of its steps puts there."""

    def __init__(self, procedure: Procedure, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._actions = [step for _, step in walk(procedure.steps) if isinstance(step, Action)]
        self._held = {"data": of_schema(procedure.input_schema), "procedureData": of_element(procedure.procedure_data)}
        #: What steps put into ``data``: an argument that is not among it still has the value that it was called with.
        self.written = _NOTHING
        before = None
        while before != self._held:
            before = dict(self._held)
            for step in self._actions:
                for transfer in (*step.before, *step.after):
                    self._put(step, transfer)

    def of(self, scope: str, step: Step | Action) -> Content:
        """What can be in a scope that ``step`` names."""
        if scope in self._held:
            return self._held[scope]
        if isinstance(step, Action):
            if scope == "executeData":
                return self._call(step)
            for loop in step.for_each:
                if loop.name == scope:
                    return self.of(loop.root, step)
        return _ANYTHING

    def _put(self, step: Action, transfer: Transfer) -> None:
        root = transfer.destination
        while loop := next((one for one in step.for_each if one.name == root), None):
            root = loop.root
        if root in self._held:
            brought = self._brought(step, transfer)
            self._held[root] |= brought
            if root == "data":
                self.written |= brought

    def _brought(self, step: Action, transfer: Transfer) -> Content:
        names = Content(frozenset(re.findall(_NAME, _STRINGS.sub("", transfer.destination_path.text))))
        source = _ANYTHING if transfer.transform is not None else self.of(transfer.source, step)
        return names | source | _ROOTS

    def _call(self, step: Action) -> Content:
        """executeData of a call: what it is given, and what it answers."""
        found = of_element(step.execute_data)
        for before in step.before:
            if before.destination == "executeData":
                source = before.source if before.source != "executeData" else ""
                found |= self._brought(step, before) if source else _NOTHING
        if isinstance(step, Execute) and not isinstance(step, Queue):
            one = called(step, self._namespaces)
            found |= of_schema(one.output_schema if one is not None else None)
        return found


def reads(procedure: Procedure) -> Iterator[tuple[str, Step, str, str]]:
    """Every path that is read: the label and the step, the scope, and the path as it is written."""
    for label, step in walk(procedure.steps):
        if isinstance(step, Select):
            yield label, step, step.source, step.path.text
        elif isinstance(step, Action):
            yield from ((label, step, loop.root, loop.path.text) for loop in step.for_each)
            yield from ((label, step, one.source, one.path.text) for one in step.repeat)
            yield from ((label, step, one.source, one.source_path.text) for one in (*step.before, *step.after))
