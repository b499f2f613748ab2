"""The page of the settings: every table of ``mpf.toml``, from the models that check it."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import PurePath

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mpf_core.config import DIRECTORY_PLUGIN, Sections
from mpf_core.plugins import settings_models
from mpf_core.settings import commented_fields
from scripts.write_reference.markdown import code, table

_BOUNDS = {
    annotated_types.Gt: ("gt", "above"),
    annotated_types.Ge: ("ge", "at least"),
    annotated_types.Lt: ("lt", "below"),
    annotated_types.Le: ("le", "at most"),
    annotated_types.MinLen: ("min_length", "length at least"),
    annotated_types.MaxLen: ("max_length", "length at most"),
}

#: What people who write TOML call a type; a bool is an int, too.
_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", PurePath: "path"}


def settings_page() -> str:
    """The page as text. Plugins that are installed must be importable."""
    lines = ["# Settings", "", "What may stand in `mpf.toml`. Relative paths refer to the folder of the file.", ""]
    for name, info in Sections.model_fields.items():
        if (model := _model(info.annotation)) is not None:
            lines += _section(name, model)
    for plugin, model in settings_models().items():
        lines += _section("directory" if plugin == DIRECTORY_PLUGIN else f'plugins."{plugin}"', model)
    return "\n".join(lines).rstrip() + "\n"


def _section(where: str, model: type[BaseModel], brackets: str = "[{}]") -> list[str]:
    lines = [f"## `{brackets.format(where)}`", "", *_docstring(model)]
    described = described_fields(model)
    rows, inner = [], []
    for name, info in model.model_fields.items():
        key = info.alias or name
        one, many = _model(info.annotation), _item(info.annotation)
        if one is not None:
            inner += _section(f"{where}.{key}", one)
        elif many is not None:
            inner += _section(f"{where}.{key}", many, "[[{}]]")
        else:
            rows.append((code(key), _type(info), _default(info), described.get(name, "")))
    header = ("key", "type", "default", "meaning") if described else ("key", "type", "default")
    if rows:
        lines += [*table(*header, rows=[row[: len(header)] for row in rows]), ""]
    return lines + inner


def described_fields(model: type[BaseModel]) -> dict[str, str]:
    """What the comments above the fields of a model say, as Markdown."""
    return {name: text.replace("``", "`").replace("|", "&#124;") for name, text in commented_fields(model).items()}


def _docstring(model: type[BaseModel]) -> list[str]:
    """What a model says about itself, without the name of the table, which is the title."""
    text = re.sub(r"^``\[[^`]*``[:.,]?\s*", "", inspect.cleandoc(model.__doc__ or "")).replace("``", "`")
    return [text[:1].upper() + text[1:], ""] if text else []


def _model(annotation: object) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _item(annotation: object) -> type[BaseModel] | None:
    """The model of the tables in a list."""
    inner = typing.get_args(annotation)
    return _model(inner[0]) if typing.get_origin(annotation) is tuple and inner else None


def _type(info: FieldInfo) -> str:
    return _bounded(info.annotation, info.metadata)


def _bounded(annotation: object, restrictions: Iterable[object]) -> str:
    bounds = [
        f"{word} {getattr(each, attribute)}"
        for each in restrictions
        for kind, (attribute, word) in _BOUNDS.items()
        if isinstance(each, kind)
    ]
    return ", ".join([_words(annotation), *bounds])


def _words(annotation: object) -> str:
    """A type as people who write TOML know it."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(code(str(value)) for value in inner)
    if origin is typing.Annotated:
        return _bounded(inner[0], (each for one in inner[1:] for each in getattr(one, "metadata", (one,))))
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(dict.fromkeys(_words(one) for one in inner if one is not type(None)))
    if origin in {tuple, dict}:
        return f"list of {_words(inner[0])}" if origin is tuple else f"table of {_words(inner[1])}"
    found = (word for one, word in _WORDS.items() if isinstance(annotation, type) and issubclass(annotation, one))
    return next(found, "anything")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None or (isinstance(value, Sequence | dict) and not value):
        return "none"
    return code(str(value).lower() if isinstance(value, bool) else str(value))
