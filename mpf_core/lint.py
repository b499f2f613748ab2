"""Mistakes that load, and are wrong all the same: found by looking at all loaded namespaces together.

A finding is certain enough to be worth looking at; where a path is computed, nothing is claimed about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mpf_core.lint_conditions import impossible_conditions
from mpf_core.lint_names import Namespaces, Scopes, reads, walk
from mpf_core.lint_names import called as called_by
from mpf_core.model import Action, Execute, Procedure, Queue, Select, Transfer, Transform, WhenPath
from mpf_core.paths import Path
from mpf_core.provider import ProcedureType
from mpf_core.runtime import nearest
from mpf_core.security.declarations import CLAIMED

#: Every documented procedure takes it, whether it asks the directory for anything or not.
_UNIVERSAL = {"preferredDomainController"}
_NAME = re.compile(r"[A-Za-z_][\w.-]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake: what is wrong, in which procedure (``Namespace::Procedure``), at which step, and in which file.

    One without a procedure is about the whole.
    """

    procedure: str
    step: str
    text: str
    file: str = ""

    def __str__(self) -> str:
        place = " ".join(filter(None, (self.procedure, self.step)))
        return f"{place}: {self.text}" if place else self.text


def lint(namespaces: Namespaces) -> list[Finding]:
    """Every finding in these namespaces, which may call each other, by procedure and step."""
    return [
        Finding(procedure.full_name, step, text, procedure.file)
        for namespace in namespaces.values()
        for procedure in namespace.procedures.values()
        for check in _CHECKS
        for step, text in check(procedure, namespaces)
    ]


def _calls(procedure: Procedure) -> Iterator[tuple[str, Execute]]:
    return ((label, step) for label, step in walk(procedure.steps) if isinstance(step, Execute))


def _unknown_calls(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    for label, step in _calls(procedure):
        namespace = namespaces.get(step.namespace)
        if namespace is None:
            yield label, f"there is no namespace '{step.namespace}'{nearest(step.namespace, namespaces)}"
        elif step.procedure not in namespace.procedures:
            near = nearest(step.procedure, namespace.procedures)
            yield label, f"'{step.namespace}' has no procedure '{step.procedure}'{near}"


def _impossible_conditions(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    return impossible_conditions(procedure, Scopes(procedure, namespaces))


def _unmade_elements(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    scopes = Scopes(procedure, namespaces)
    for label, step, scope, path in reads(procedure):
        if scope == "executeData":  # `_unknown_outputs` looks at what a call gives
            continue
        held = scopes.of(scope, step)
        missing = held.missing(path)
        if missing:
            near = nearest(missing, held.names)
            yield (
                label,
                f"'{path}' reads '{missing}' in {scope}, which no argument, no procedureData and no step makes{near}",
            )


def _unmade_outputs(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    if procedure.output_schema is None or procedure.is_provided:
        return
    made = Scopes(procedure, namespaces).of("data", Transform(label=""))
    for one in procedure.output_schema.arguments:
        if one.required and one.name and made.missing(one.name):
            yield "", f"the output schema requires '{one.name}', and no step makes it"


def _writes_that_read(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    if procedure.type is ProcedureType.WRITE and not procedure.is_provided and not _may_write(procedure, namespaces, set()):
        yield "", "the procedure is of type write, and reaches no call that writes"


def _may_write(procedure: Procedure, namespaces: Namespaces, seen: set[str]) -> bool:
    if procedure.is_provided:
        return procedure.type is not ProcedureType.READ
    seen.add(procedure.full_name)
    for _, step in _calls(procedure):
        called = called_by(step, namespaces)
        if called is None or (called.full_name not in seen and _may_write(called, namespaces, seen)):
            return True
    return False


def _unread_arguments(procedure: Procedure, _: Namespaces) -> Iterator[tuple[str, str]]:
    if procedure.input_schema is None or procedure.is_provided or _has_transforms(procedure):
        return
    texts = [path.text for path in _paths(procedure)]
    if any(text in {"", ".", "*"} and source == "data" for source, text in _sources(procedure)):
        return  # all of the data goes somewhere as a whole
    read = {name for text in texts for name in _NAME.findall(text)}
    declared = procedure.input_schema.declared
    if any(one.needs == CLAIMED for one in declared.values()):  # for whom, and what: policies read it
        read |= declared.keys()
    for argument in procedure.input_schema.arguments:
        if argument.name not in read | _UNIVERSAL:
            yield "", f"the argument '{argument.name}' is read by no step"


def _reads_that_write(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    if procedure.type is not ProcedureType.READ:
        return
    for label, step in _calls(procedure):
        called = called_by(step, namespaces)
        if called is not None and called.type is not ProcedureType.READ:
            yield label, f"the procedure is of type read, and calls '{called.full_name}', which is {called.type.value}"


def _wrong_arguments(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    for label, step in _calls(procedure):
        called = called_by(step, namespaces)
        if called is None or called.input_schema is None or isinstance(step, Queue):
            continue
        given, certain = _given(step)
        declared = {argument.name: argument for argument in called.input_schema.arguments}
        for name in given:
            if name not in declared:
                yield label, f"'{called.full_name}' takes no '{name}'{nearest(name, declared)}"
        missing = [one.name for one in declared.values() if one.required and one.name not in given]
        if certain and missing:
            yield label, f"'{called.full_name}' needs {', '.join(map(repr, missing))}"


def _given(step: Execute) -> tuple[dict[str, None], bool]:
    """The arguments that a call is given for sure, by name, and whether they are all of them."""
    given: dict[str, None] = {}
    certain = True
    for child in step.execute_data if step.execute_data is not None else ():
        if isinstance(child.tag, str):
            given[child.tag] = None
    for before in step.before:
        if before.destination != "executeData":
            continue
        name = _target_name(before)
        if name is None or before.transform is not None:
            certain = False
        elif name:
            given[name] = None
    return given, certain


def _target_name(transfer: Transfer) -> str | None:
    """The child of executeData that a transfer makes; ``None`` where that cannot be told, empty where it makes none."""
    if transfer.destination_path.text:
        creatable = transfer.destination_path.creatable
        if not creatable:
            return None
        return "" if creatable[0].startswith("@") else creatable[0]
    return transfer.source_path.child


def _unknown_outputs(procedure: Procedure, namespaces: Namespaces) -> Iterator[tuple[str, str]]:
    for label, step in _calls(procedure):
        called = called_by(step, namespaces)
        if called is None or called.output_schema is None or isinstance(step, Queue):
            continue
        # Arguments stay in executeData of a provider's procedure; a composed one may leave what it likes of its data.
        known = {one.name for one in called.output_schema.arguments} | set(_given(step)[0])
        if any(one.type == "XML" and not one.name for one in called.output_schema.arguments):
            continue
        for after in step.after:
            name = _first_name(after.source_path)
            if after.source == "executeData" and name is not None and name not in known:
                yield label, f"'{called.full_name}' gives no '{name}'{nearest(name, known)}"


def _first_name(path: Path) -> str | None:
    """The element that a plain path begins with, or ``None``."""
    found = re.match(r"([A-Za-z_][\w.-]*)(?:[/\[]|$)", path.text)
    return found[1] if found and "(" not in path.text.partition("[")[0] and "|" not in path.text else None


def _paths(procedure: Procedure) -> Iterator[Path]:
    for _, step in walk(procedure.steps):
        if isinstance(step, Select):
            yield step.path
        elif isinstance(step, Action):
            yield from (each.path for each in step.for_each)
            yield from (each.path for each in step.repeat)
            yield from (when.path for when in step.when if isinstance(when, WhenPath))
            for transfer in (*step.before, *step.after):
                yield transfer.source_path
                yield transfer.destination_path


def _sources(procedure: Procedure) -> Iterator[tuple[str, str]]:
    for _, step in walk(procedure.steps):
        if isinstance(step, Action):
            for transfer in (*step.before, *step.after):
                if transfer.destination == "executeData":
                    yield transfer.source, transfer.source_path.text


def _has_transforms(procedure: Procedure) -> bool:
    return any(
        transfer.transform is not None
        for _, step in walk(procedure.steps)
        if isinstance(step, Action)
        for transfer in (*step.before, *step.after)
    )


#: Every check, as a function of a procedure and all namespaces that gives steps and texts.
_CHECKS: tuple[Callable[[Procedure, Namespaces], Iterator[tuple[str, str]]], ...] = (
    _unknown_calls,
    _impossible_conditions,
    _unread_arguments,
    _unmade_elements,
    _unmade_outputs,
    _reads_that_write,
    _writes_that_read,
    _wrong_arguments,
    _unknown_outputs,
)
