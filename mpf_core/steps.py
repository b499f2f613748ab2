"""The steps of a procedure, from XML: shared by namespace files, which are trusted code, and requests, which are not.

Assumes a document that fits provisioning.xsd; what a schema cannot say is checked here (names that refer to each other,
paths, transforms).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from lxml import etree

from mpf_core import redaction, xml
from mpf_core.allowance import size_of
from mpf_core.errors import Code, MpfError, Violation
from mpf_core.model import (
    Execute,
    ForEach,
    IfNull,
    Inherit,
    Mode,
    Queue,
    Repeat,
    Select,
    Step,
    Transfer,
    Transform,
    Try,
    When,
    WhenCase,
    WhenPath,
)
from mpf_core.paths import Path, compile_path
from mpf_core.provider import Element
from mpf_core.security.identity import Impersonate
from mpf_core.transforms import XSL, compile_templates

E = TypeVar("E", bound=Enum)
SCOPES = frozenset({"data", "procedureData", "executeData", "context"})
_TEMPLATE = f"{{{XSL}}}template"
_STEPS = frozenset({"execute", "queue", "transform", "select", "try"})


@dataclass
class Problems:
    """Collects mistakes of one file. Requests have no file: there the first mistake is raised as an MpfError."""

    file: str
    found: list[Violation] = field(default_factory=list)
    raise_at_once: bool = False

    def add(self, element: Element, message: str, code: int = Code.INVALID_REQUEST) -> None:
        """Note a mistake at ``element``."""
        violation = Violation(message, xml.xpath_of(element), xml.line_of(element), self.file)
        if self.raise_at_once:
            raise MpfError(code, f"{violation.path}: {message}", violations=[violation])
        self.found.append(violation)


def _choice(kind: type[E], element: Element, attribute: str, default: E) -> E:
    """The attribute as a member of ``kind``. A value that is none was reported by provisioning.xsd already."""
    try:
        return kind(element.get(attribute, default.value))
    except ValueError:
        return default


class StepReader:
    """Reads the steps below one procedure element. ``calls`` collects the procedures that the steps execute.

    ``plain_paths`` and ``allow_xslt`` are the rules for requests (`mpf_core.paths`).
    """

    def __init__(self, problems: Problems, *, plain_paths: bool = False, allow_xslt: bool = True) -> None:
        self.calls: list[tuple[str, str]] = []
        self._problems = problems
        self._plain = plain_paths
        self._allow_xslt = allow_xslt
        self._selects: set[str] = set()

    def steps(self, parent: Element, prefix: str = "") -> tuple[Step, ...]:
        """All steps that are children of ``parent``, in document order."""
        found: list[Step] = []
        numbers: dict[str, int] = {}
        for child in parent.iterchildren(etree.Element):
            tag = child.tag
            if not isinstance(tag, str) or tag not in _STEPS:
                continue
            numbers[tag] = numbers.get(tag, 0) + 1
            label = f"{prefix}{tag}[{numbers[tag]}]"
            if tag == "try":
                found.append(self._try(child, label))
            elif tag == "select":
                found.append(self._select(child, label))
            else:
                found.append(self._action(child, tag, label))
        return tuple(found)

    def _try(self, element: Element, label: str) -> Try:
        body = self.steps(element, f"{label}/")
        catch = element.getnext()
        handlers: tuple[Step, ...] = ()
        if catch is None or catch.tag != "catch":
            self._problems.add(element, "a try must be followed by its catch at once")
        else:
            handlers = self.steps(catch, f"{label.replace('try', 'catch')}/")
        return Try(body, handlers, label)

    def _select(self, element: Element, label: str) -> Select:
        name = element.get("name", "")
        self._selects.add(name)
        return Select(
            name=name,
            source=self._scope(element, "source", SCOPES),
            path=self._path(element, "sourcePath"),
            cases=tuple((where.get("value", ""), where.get("case", "")) for where in element.findall("where")),
            default_case=element.get("defaultCase"),
            if_null_case=element.get("ifNullCase"),
            label=label,
        )

    def _action(self, element: Element, tag: str, label: str) -> Step:
        loops: list[ForEach] = []
        scopes = set(SCOPES)
        for loop in element.findall("forEach"):
            name = loop.get("name", "")
            if name in scopes:
                self._problems.add(loop, f"the loop name '{name}' is taken: it must be unique in its step")
            root = self._scope(loop, "root", scopes)
            loops.append(ForEach(name, root, self._path(loop, "path"), _choice(IfNull, loop, "ifNull", IfNull.FAIL)))
            scopes.add(name)
        repeats = tuple(
            Repeat(
                self._scope(item, "source", scopes),
                self._path(item, "sourcePath"),
                _choice(IfNull, item, "ifNull", IfNull.FAIL),
            )
            for item in element.findall("repeat")
        )
        data = element.find("executeData")
        parts: dict[str, object] = {
            "label": label,
            "for_each": tuple(loops),
            "repeat": repeats,
            "when": tuple(self._when(item, scopes) for item in element.findall("when")),
            "before": tuple(self._transfer(item, scopes, label) for item in element.findall("before")),
            "after": tuple(self._transfer(item, scopes, label) for item in element.findall("after")),
            "execute_data": data,
        }
        if data is not None:
            parts |= {"secrets": frozenset(redaction.marked(data)), "size": size_of(data)}
        if tag == "transform":
            return Transform(**parts)  # type: ignore[arg-type]
        namespace, procedure = element.get("namespace", ""), element.get("procedure", "")
        self.calls.append((namespace, procedure))
        call = parts | {
            "namespace": namespace,
            "procedure": procedure,
            "impersonate": _choice(Impersonate, element, "impersonate", Impersonate.INHERIT),
            "sensitive": _choice(Inherit, element, "sensitive", Inherit.INHERIT),
            "trusted": _choice(Inherit, element, "trusted", Inherit.INHERIT),
        }
        if tag == "queue":
            return Queue(**call, suspended=element.get("queueSuspended", "1") in {"1", "true"})  # type: ignore[arg-type]
        return Execute(**call)  # type: ignore[arg-type]

    def _when(self, element: Element, scopes: set[str]) -> When:
        select, case = element.get("select"), element.get("case")
        source = element.get("source")
        if select is not None and case is not None and source is None and element.get("sourcePath") is None:
            if select not in self._selects:
                self._problems.add(element, f"no select named '{select}' stands before this step")
            return WhenCase(select, case)
        if select is not None or case is not None or source is None:
            self._problems.add(element, "a when needs either source and sourcePath, or select and case")
            return WhenCase("", "")
        return WhenPath(self._scope(element, "source", scopes), self._path(element, "sourcePath"))

    def _transfer(self, element: Element, scopes: set[str], label: str) -> Transfer:
        kind = element.tag
        if_null = _choice(IfNull, element, "ifNull", IfNull.FAIL)
        number = 1 + sum(1 for _ in element.itersiblings(kind, preceding=True))
        transfer_label = f"{label}/{kind}[{number}]"
        transform = None
        templates = list(element)
        for child in templates:
            if child.tag != _TEMPLATE:
                self._problems.add(child, "only xsl:template elements may stand in before and after")
        if templates and not self._allow_xslt:
            message = "xsl:template is not allowed in a request; its sender lacks the permission 'request_xslt'"
            self._problems.add(element, message, Code.XSLT_NOT_ALLOWED)
        elif templates:
            try:
                transform = compile_templates(templates)
            except ValueError as error:
                self._problems.add(element, f"the transform does not compile: {error}")
        return Transfer(
            source=self._scope(element, "source", scopes),
            source_path=self._path(element, "sourcePath"),
            destination=self._scope(element, "destination", scopes),
            destination_path=self._path(element, "destinationPath"),
            mode=_choice(Mode, element, "mode", Mode.INSERT),
            if_null=if_null,
            allow_null=element.get("allowNullTransform") in {"1", "true"},
            transform=transform,
            label=transfer_label,
            templates=tuple(templates),
        )

    def _scope(self, element: Element, attribute: str, known: set[str] | frozenset[str]) -> str:
        name = element.get(attribute, "")
        if name not in known:
            choices = ", ".join(sorted(known))
            self._problems.add(element, f"{attribute}='{name}' is no scope and no loop of this step (known: {choices})")
        return name

    def _path(self, element: Element, attribute: str) -> Path:
        text = element.get(attribute)
        if not text:
            return compile_path("")
        # A request's paths have no prefixes, and its namespace declarations may be many.
        namespaces = None
        if not self._plain:
            namespaces = {prefix: uri for prefix, uri in element.nsmap.items() if prefix and uri != XSL}
        try:
            return compile_path(text, namespaces, plain=self._plain)
        except ValueError as error:
            self._problems.add(element, f"{attribute}: {error}")
        except MpfError as error:
            self._problems.add(element, error.description, error.code)
        return compile_path("")
