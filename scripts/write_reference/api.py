"""The page of the public API: every name that programs may import, with its signature and what it says of itself."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import mpf_core
import mpf_core.testing
import mpf_pytest
from scripts.write_locks import signature
from scripts.write_reference.markdown import fence

MODULES = (mpf_core, mpf_core.testing, mpf_pytest)


def api_page() -> str:
    """The page as text."""
    lines = [
        "# Python",
        "",
        "What programs may import, and what stays between releases ([Stability](../stability.md)). Everything else is",
        "the engine's own business.",
        "",
    ]
    for module in MODULES:
        lines += [f"## {module.__name__}", "", *_text(module), ""]
        for name in sorted(module.__all__, key=str.lower):
            lines += [*_entry(module, name), ""]
    return "\n".join(lines).rstrip() + "\n"


def _entry(module: ModuleType, name: str) -> Iterator[str]:
    value = getattr(module, name)
    yield f"### {name}"
    yield ""
    if inspect.isclass(value) and issubclass(value, enum.Enum):
        yield from _text(value)
    elif callable(value):
        kind = "class " if inspect.isclass(value) else ""
        with_parameters = "" if inspect.isclass(value) and issubclass(value, Exception) else _parameters(value)
        yield from fence("python", f"{kind}{name}{with_parameters}")
        yield ""
        yield from _text(value)
    if inspect.isclass(value):
        yield from _members(name, value)


def _parameters(value: object) -> str:
    try:
        return re.sub(r"ForwardRef\(([^)]*)\)", r"\1", signature(value))
    except (TypeError, ValueError):  # a class of a library written in C
        return ""


def _members(owner: str, value: type) -> Iterator[str]:
    if issubclass(value, enum.Enum):
        yield ""
        yield from (f"- `{owner}.{member.name}`" for member in value)
        return
    fields = {field.name for field in dataclasses.fields(value)} if dataclasses.is_dataclass(value) else set()
    for name, found in vars(value).items():
        function = getattr(found, "__func__", found)
        if name.startswith("_") or name in fields:
            continue
        if isinstance(found, property):
            yield from ("", f"**{name}**: {' '.join(_text(found))}")
        elif inspect.isfunction(function):
            yield from ("", *fence("python", f"{owner}.{name}{_parameters(function)}"), "", *_text(function))


def _text(value: object) -> list[str]:
    text = inspect.getdoc(value) or ""
    return text.replace("``", "`").splitlines()
