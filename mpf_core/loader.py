"""Namespace XML to model. Every mistake in a file is reported with file, line and XPath, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path as FilePath
from types import MappingProxyType

from mpf_core import xml
from mpf_core.errors import ConfigError, MpfError, Violation
from mpf_core.model import Access, Namespace, Procedure
from mpf_core.plugins import namespace_paths
from mpf_core.provider import Element, ProcedureType
from mpf_core.security.declarations import ROLES
from mpf_core.steps import Problems, StepReader
from mpf_core.validation.documents import check_namespace_file
from mpf_core.validation.input_schema import API_DOC_INFO, InputSchema

_TYPES = {type_.value: type_ for type_ in ProcedureType} | {"twoPhase": ProcedureType.TWO_PHASE}


def load_namespace(path: FilePath) -> Namespace:
    """Load a namespace from a file, or from a folder with ``namespace.xml`` and one file per procedure.

    Raises ConfigError whose ``problems`` list every mistake found.
    """
    if not path.exists():
        raise ConfigError(f"{path}: there is no such namespace file or folder")
    path = path.absolute()
    states = [(str(file), file.stat()) for file in _files(path)]
    return _load(path, tuple((name, state.st_mtime_ns, state.st_size, state.st_ino) for name, state in states))


@lru_cache(maxsize=128)
def _load(path: FilePath, _stamp: tuple[tuple[str, int, int, int], ...]) -> Namespace:
    """Load once for all engines of a process: a namespace is immutable, and ``_stamp`` tells when its files change."""
    problems: list[Violation] = []
    head, procedures = _read(path, problems)
    namespace = _namespace(head, procedures, str(path), problems) if head is not None else None
    if problems or namespace is None:
        raise ConfigError(f"{path}: {len(problems)} mistake(s) in this namespace", problems)
    return namespace


def find_namespaces(path: FilePath) -> list[FilePath]:
    """The namespaces at ``path``: itself, or the namespace files and namespace folders directly inside."""
    if path.is_file() or (path / "namespace.xml").is_file():
        return [path]
    if not path.is_dir():
        raise ConfigError(f"{path}: there is no such namespace file or folder")
    return sorted(
        child
        for child in path.iterdir()
        if child.suffix == ".xml" or (child.is_dir() and (child / "namespace.xml").is_file())
    )


def installed_namespaces() -> Iterator[tuple[str, str]]:
    """The names of the namespaces that installed plugins bring, enabled or not, by plugin. Only heads are read."""
    for plugin, path in namespace_paths():
        with suppress(ConfigError, MpfError):
            for place in find_namespaces(path):
                yield plugin, xml.parse_file(_files(place)[0]).get("name", "")


def _files(path: FilePath) -> list[FilePath]:
    """The files of a namespace, the one with its head first."""
    if not path.is_dir():
        return [path]
    return list(dict.fromkeys([path / "namespace.xml", *sorted(path.glob("*.xml"))]))


def _read(path: FilePath, problems: list[Violation]) -> tuple[Element | None, list[tuple[Element, str]]]:
    head: Element | None = None
    procedures: list[tuple[Element, str]] = []
    for file in _files(path):
        try:
            root = xml.parse_file(file)
        except MpfError as error:
            problems.append(Violation(error.description, file=str(file)))
            continue
        xml.strip_provisioning_namespace(root)
        problems += check_namespace_file(root, str(file))
        if root.tag == "namespace" and head is None:
            head = root
            procedures += [(child, str(file)) for child in root.findall("procedure")]
        elif root.tag == "procedure" and path.is_dir():
            procedures.append((root, str(file)))
        else:
            problems.append(
                Violation(f"the root is <{root.tag}>; it must be <namespace>", "/", xml.line_of(root), str(file))
            )
    return head, procedures


def _namespace(head: Element, elements: list[tuple[Element, str]], file: str, problems: list[Violation]) -> Namespace | None:
    name = head.get("name", "")
    provider_source = head.get("providerSource") or None
    procedures: dict[str, Procedure] = {}
    for element, where in elements:
        procedure = _procedure(element, name, provider_source, Problems(where, problems))
        if procedure.name in procedures:
            message = f"the procedure '{procedure.name}' is there already (line {procedures[procedure.name].line})"
            problems.append(Violation(message, xml.xpath_of(element), xml.line_of(element), where))
        procedures[procedure.name] = procedure
    if not procedures and not problems:
        problems.append(Violation("a namespace needs at least one procedure", "/namespace", xml.line_of(head), file))
    return Namespace(
        name=name,
        procedures=MappingProxyType(procedures),
        description=head.get("description", ""),
        provider_source=provider_source,
        provider_context=head.find("providerContext"),
        read_only=head.get("readOnly") in {"1", "true"},
        version=head.get("version", ""),
        file=file,
    )


def _procedure(element: Element, namespace: str, provider_source: str | None, problems: Problems) -> Procedure:
    name = element.get("name", "")
    reader = StepReader(problems)
    schemas = {}
    for schema in element.findall("Schema"):
        if schema.get("name") in schemas:
            problems.add(schema, f"there is a Schema name='{schema.get('name')}' already")
        for info in schema.iter("{*}ApiDocInfo"):
            if info.tag != f"{{{API_DOC_INFO}}}ApiDocInfo":
                problems.add(info, f"ApiDocInfo must be in the namespace {API_DOC_INFO}, or its role is not read")
        with _collect(problems, schema):
            schemas[schema.get("name")] = InputSchema.compile(schema, file=problems.file)
    role = schemas["inputSchema"].minimum_role if "inputSchema" in schemas else None
    near = get_close_matches(role, ROLES, n=1, cutoff=0.8) if role and role not in ROLES else []
    if near:
        problems.add(element, f"the minimum role '{role}' is unknown; did you mean '{near[0]}'?")
    access = Access.PUBLIC if element.get("access") == "public" else Access.PRIVATE
    if access is Access.PUBLIC and name.endswith("_"):
        problems.add(element, "a procedure whose name ends in '_' is private by convention: drop access='public'")
    if access is Access.PUBLIC and ("inputSchema" in schemas or element.find("Schema[@name='inputSchema']") is None):
        _check_declarations(element, schemas.get("inputSchema"), problems)
    steps = reader.steps(element)
    if not steps and not provider_source and element.find("procedureData") is None:
        problems.add(element, "the procedure has no steps and its namespace no providerSource, so nothing would run it")
    return Procedure(
        namespace=namespace,
        name=name,
        description=element.get("description", ""),
        type=_TYPES.get(element.get("type", "read"), ProcedureType.READ),
        access=access,
        audit_enabled=element.get("auditEnabled") in {"1", "true"},
        perf_enabled=element.get("perfEnabled") in {"1", "true"},
        save_data_for_rollback=element.get("saveDataForRollback") in {"1", "true"},
        steps=steps,
        procedure_data=element.find("procedureData"),
        input_schema=schemas.get("inputSchema"),
        output_schema=schemas.get("outputSchema"),
        provider_source=provider_source,
        line=xml.line_of(element),
        file=problems.file,
        calls=tuple(reader.calls),
    )


def _check_declarations(element: Element, schema: InputSchema | None, problems: Problems) -> None:
    """What a public procedure has to say about who may call it, and over what (design: docs/design/security.md)."""
    if schema is None or schema.minimum_role is None:
        problems.add(element, "a public procedure says its minimum role: ApiDocInfo/MinimumRole in its input schema")
    for name in schema.undeclared if schema is not None else ():
        problems.add(
            element,
            f"the argument '{name}' of a public procedure says what it names: sec:Object kind and needs in its appinfo",
        )


@contextmanager
def _collect(problems: Problems, element: Element) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        if error.problems:
            problems.found += error.problems
        else:
            problems.add(element, str(error))
