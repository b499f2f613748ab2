"""What others build on, line by line: the public API, the hooks, the configuration's keys, the tables of the store.

    python -m scripts.write_locks FOLDER

writes a file of each. `tests/compatibility` holds those of the last release, and compares them with what is there now.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import mpf_core
import mpf_core.testing
from mpf_core import hookspecs
from mpf_core.config_schema import config_schema
from mpf_core.plugins import settings_models
from mpf_core.store.tables import metadata

_DEFAULTS = " = "


def api() -> Iterator[str]:
    """Every public name with its signature, and the public members of each class."""
    for module in (mpf_core, mpf_core.testing):
        for name in sorted(module.__all__):
            yield from _lines(f"{module.__name__}.{name}", getattr(module, name))


def _lines(name: str, value: object) -> Iterator[str]:
    if not inspect.isclass(value):
        yield f"{name}{signature(value)}" if callable(value) else name
        return
    yield f"class {name}"
    if issubclass(value, enum.Enum):
        yield from sorted(f"{name}.{member.name} = {_value(member.value)}" for member in value)
    if dataclasses.is_dataclass(value):
        yield from (
            f"{name}.{field.name}: {_type(field.type)}" for field in dataclasses.fields(value) if field.name[0] != "_"
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
            yield f"{where}: {' or '.join(kinds)}{default}"
        yield from _keys(where, one, definitions)


def store() -> Iterator[str]:
    """Every column of the store's tables."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            yield f"{table.name}.{column.name}: {column.type!r}{'' if column.nullable else ' not null'}"


LOCKS: Mapping[str, Callable[[], Iterator[str]]] = {"api": api, "hooks": hooks, "settings": settings, "store": store}


def main() -> int:
    """Write all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in LOCKS.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
