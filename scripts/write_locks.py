"""What others build on, line by line: the public API, hooks, the configuration's keys, the store's tables and
the documents in them, the commands and what their help promises, the shipped procedures.

    python -m scripts.write_locks FOLDER

writes a file of each. `tests/compatibility` holds those of the last release, and compares them with what is there now.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Constraint, UniqueConstraint

import mpf_core
import mpf_core.testing
import mpf_pytest
from mpf_config import ConfigPlugin
from mpf_core import hookspecs, points
from mpf_core.cli import cli
from mpf_core.config_schema import config_schema
from mpf_core.loader import find_namespaces, load_namespace
from mpf_core.plugins import settings_models
from mpf_core.store.tables import metadata
from mpf_core.validation.arguments import Argument
from mpf_directory import DirectoryPlugin
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin
from mpf_ocs import OcsPlugin
from scripts.stored_documents import documents
from scripts.write_reference.book import Book
from scripts.write_reference.errors import raised_by

_DEFAULTS = " = "
#: What JSON Schema says about a value besides its type.
_BOUNDS = (
    "enum",
    "const",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
)


def api() -> Iterator[str]:
    """Every public name with its signature, and the public members of each class."""
    for module in (mpf_core, mpf_core.testing, mpf_pytest):
        for name in sorted(module.__all__):
            yield from _lines(f"{module.__name__}.{name}", getattr(module, name))
    for name, fixture in inspect.getmembers(mpf_pytest, lambda one: hasattr(one, "_fixture_function")):
        if name.startswith("mpf_"):
            yield f"fixture {name}: {signature(fixture._fixture_function).rpartition(' -> ')[2]}"
    yield from (f"point {name}" for name in sorted(points.POINTS))


def _lines(name: str, value: object) -> Iterator[str]:
    if not inspect.isclass(value):
        yield f"{name}{signature(value)}" if callable(value) else name
        return
    yield f"class {name}"
    if issubclass(value, enum.Enum):
        yield from sorted(f"{name}.{member.name} = {_value(member.value)}" for member in value)
    if dataclasses.is_dataclass(value):
        yield from (
            f"{name}.{field.name}: {_type(field.type)}{_default_of(field)}"
            for field in dataclasses.fields(value)
            if field.name[0] != "_"
        )
    for field_name in getattr(value, "_fields", ()):
        yield f"{name}.{field_name}: {_type(value.__annotations__[field_name])}"
    for member, found in sorted(vars(value).items()):
        function = getattr(found, "__func__", found)
        if member == "__init__" and not dataclasses.is_dataclass(value) and not issubclass(value, Exception):
            yield f"{name}{signature(function)}"
        elif not member.startswith("_") and inspect.isfunction(function):
            yield f"{name}.{member}{signature(function)}"
        elif not member.startswith("_") and isinstance(found, property):
            yield f"{name}.{member}"


def signature(function: Any) -> str:
    """The parameters and the result as they are written, but for default values that are objects with an address."""
    found = inspect.signature(function)
    parameters = [
        parameter.replace(
            default="..." if parameter.default is not parameter.empty and callable(parameter.default) else parameter.default
        )
        for parameter in found.parameters.values()
    ]
    return str(found.replace(parameters=parameters)).replace("'", "")


def _default_of(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f"{_DEFAULTS}..."
    if field.default is dataclasses.MISSING:
        return ""
    return f"{_DEFAULTS}{'...' if callable(field.default) else repr(field.default)}"


def _value(found: object) -> str:
    return f"0x{found:08x}" if isinstance(found, int) else repr(found)


def _type(found: object) -> str:
    return found if isinstance(found, str) else getattr(found, "__name__", str(found))


def hooks() -> Iterator[str]:
    """Every hook with its signature."""
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        if name.startswith("mpf_"):
            yield f"{name}{signature(function)}"


def settings() -> Iterator[str]:
    """Every key of ``mpf.toml`` with its type and default value."""
    schema = config_schema({name: model for name, model in settings_models().items() if name.startswith("mpf.")})
    yield from _keys("", schema, schema["$defs"])


def _keys(path: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        yield from _keys(path, definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return
    for kind in ("anyOf", "oneOf"):
        for one in schema.get(kind, ()):
            yield from _keys(path, one, definitions)
    if "items" in schema:
        yield from _keys(f"{path}[]", schema["items"], definitions)
    for name, one in sorted(schema.get("properties", {}).items()):
        where = f"{path}.{name}" if path else name
        kinds = [str(each.get("type", "")) for each in (one, *one.get("anyOf", ())) if each.get("type")]
        if kinds:
            default = f"{_DEFAULTS}{one['default']!r}" if "default" in one else ""
            bounds = [f"{key} {each[key]!r}" for each in (one, *one.get("anyOf", ())) for key in _BOUNDS if key in each]
            yield f"{where}: {' or '.join(kinds)}{default}{''.join(f', {bound}' for bound in bounds)}"
        yield from _keys(where, one, definitions)


def store() -> Iterator[str]:
    """Every column of the store's tables, their keys and their indexes."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            yield f"{table.name}.{column.name}: {column.type!r}{'' if column.nullable else ' not null'}"
        yield f"{table.name}.primary_key: {', '.join(column.name for column in table.primary_key)}"
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            unique = " unique" if index.unique else ""
            yield f"{table.name}.{index.name}: {', '.join(map(str, index.expressions))}{unique}"
        for constraint in sorted(map(_unique, table.constraints)):
            if constraint:
                yield f"{table.name}.unique: {constraint}"


def _unique(constraint: Constraint) -> str:
    return ", ".join(column.name for column in constraint.columns) if isinstance(constraint, UniqueConstraint) else ""


def commands() -> Iterator[str]:
    """Every command of ``mpfctl`` with its arguments and options; those of our plugins too."""
    brought = {str(command.name): command for command in DirectoryPlugin().mpf_commands()}
    found = dict(cli.commands) | brought
    for name, command in sorted(found.items()):
        yield from _command(name, command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    words = [
        parameter.opts[0] if isinstance(parameter, click.Option) else str(parameter.name).upper()
        for parameter in command.params
    ]
    yield f"mpfctl {name}: {' '.join(words)}"
    if isinstance(command, click.Group):
        for inner, one in sorted(command.commands.items()):
            yield from _command(f"{name} {inner}", one)


#: What the help of a command says about its output and its end.
_PROMISES = re.compile(r"^(--json|Exit codes): (.*?)(?=^(?:--json|Exit codes): |^\x08|^\s*$|\Z)", re.DOTALL | re.MULTILINE)


def promises() -> Iterator[str]:
    """The exit codes of each command of ``mpfctl``, and the keys of its ``--json``, as its help says them."""
    brought = {str(command.name): command for command in DirectoryPlugin().mpf_commands()}
    for name, command in (("mpfctl", cli), *sorted((dict(cli.commands) | brought).items())):
        yield from _promised(name if command is cli else f"mpfctl {name}", command)


def _promised(name: str, command: click.Command) -> Iterator[str]:
    for what, text in _PROMISES.findall(inspect.cleandoc(command.epilog or "")):
        yield f"{name}: {what}: {' '.join(text.split()).rstrip('.')}"
    if isinstance(command, click.Group) and command is not cli:
        for inner, one in sorted(command.commands.items()):
            yield from _promised(f"{name} {inner}", one)


def procedures() -> Iterator[str]:
    """Every public procedure that is shipped: its role, arguments and what they name, outputs, and the errors it raises."""
    plugins = (ConfigPlugin, DirectoryPlugin, ErrorPlugin, ManagedPlugin, OcsPlugin)
    paths = [place for plugin in plugins for path in plugin().mpf_namespaces() for place in find_namespaces(Path(path))]
    found = {namespace.name: namespace for namespace in map(load_namespace, paths)}
    book = Book.of(found)
    for procedure in sorted(book.procedures(), key=lambda one: one.full_name):
        if procedure.is_private:
            continue
        name = procedure.full_name
        yield f"{name}: {procedure.type.value}, for {procedure.minimum_role}"
        if procedure.input_schema is not None:
            yield from _arguments(name, procedure.input_schema.arguments)
            for argument, one in sorted(procedure.input_schema.declared.items()):
                yield f"{name}.{argument}: names {one.kind}, needs {one.needs or 'nothing'}"
        if procedure.output_schema is not None:
            yield from _arguments(f"{name} gives ", procedure.output_schema.arguments)
        # What its own steps say: the codes of providers are a table of the reference.
        codes = sorted({one.code for one in raised_by(procedure, book) if not one.passed_on and not one.words})
        if codes:
            yield f"{name} raises: {', '.join(codes)}"


def _arguments(where: str, arguments: Sequence[Argument]) -> Iterator[str]:
    for one in arguments:
        name = f"{where}{'' if where.endswith(' ') else '.'}{one.name}"
        need = "required" if one.required else "optional"
        default = f"{_DEFAULTS}{one.default!r}" if one.default is not None else ""
        facets = "".join(f", {facet} {value}" for facet, value in one.facets)
        yield f"{name}: {one.type}, {need}{', repeats' if one.repeats else ''}{default}{facets}"
        yield from _arguments(name, one.children)


LOCKS: Mapping[str, Callable[[], Iterator[str]]] = {
    "api": api,
    "hooks": hooks,
    "settings": settings,
    "store": store,
    "documents": documents,
    "commands": commands,
    "promises": promises,
    "procedures": procedures,
}


def main() -> int:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in LOCKS.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
