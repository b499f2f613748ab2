"""Settings: a TOML table checked against a pydantic model, with every problem said in the words of the file's author.

The configuration itself and the tables of plugins go through the same door, so that all of them are refused alike:
unknown keys with a suggestion, wrong values with what would be right, secrets that stand in the file. No message
repeats a value, because it might be a secret.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from mpf_core.errors import ConfigError, Violation

_SECRET_KEY = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key)$", re.IGNORECASE
)
_SECRET_IN_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

_LITERAL_REFUSED = (
    "a secret does not belong into this file: name an environment variable ({0}_env), a file ({0}_file) or a stored "
    "credential instead, whichever the section offers"
)

KeyPath = tuple[str | int, ...]


class Settings(BaseModel):
    """Base of settings models: frozen, and unknown keys are errors.

    What a key means is said in a ``#:`` comment above its field, or in the docstring, which names the key between double
    backticks: the reference and the JSON Schema for editors take it from there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(core_schema)
        texts = meanings(cls)
        for key, described in handler.resolve_ref_schema(made).get("properties", {}).items():
            if texts.get(key):
                described["description"] = texts[key].replace("``", "")
        return made


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """What each key of a model means, by its name in the file: its own comment, or the clause of the docstring about it."""
    comments = commented_fields(model)
    text = re.sub(r"^``\[[^`]*``[:.,]?\s*", "", " ".join((model.__doc__ or "").split()))
    clauses = re.split(r"; |(?<=\w)\. |\.$", text)
    keys = {info.alias or name: name for name, info in model.model_fields.items()}
    return {
        key: comments.get(name) or next((clause for clause in clauses if f"``{key}``" in clause), "")
        for key, name in keys.items()
    }


def commented_fields(model: type[BaseModel]) -> dict[str, str]:
    """The ``#:`` comments above the fields of a model, by field; none where its source is not at hand."""
    try:
        lines = textwrap.dedent(inspect.getsource(model)).splitlines()
    except (OSError, TypeError):
        return {}
    body = ast.parse("\n".join(lines)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            first = last = node.lineno - 1
            while lines[first - 1].lstrip().startswith("#:"):
                first -= 1
            found[node.target.id] = " ".join(line.strip().removeprefix("#:").strip() for line in lines[first:last])
    return {name: text for name, text in found.items() if text}


M = TypeVar("M", bound=BaseModel)


def parse_settings(model: type[M], mapping: Mapping[str, object], where: str = "", *, text: str = "", file: str = "") -> M:
    """Check ``mapping`` against ``model`` and return the model.

    ``where`` is the key path of the table (``plugins."mpf.policy"``); ``text`` and ``file`` are the TOML text and its
    name where they are known, for line numbers. Raises ConfigError that lists every problem.
    """
    problems = [
        Violation(message, _joined(where, path), line_of(text, path) if text else None, file)
        for path, message in (*_secrets(mapping, ()), *_mistakes(model, mapping))
    ]
    if problems:
        name = file or (f"[{where}]" if where else "the settings")
        problems.sort(key=lambda problem: problem.line or 0)
        raise ConfigError(f"The configuration is not valid: {name}", problems)
    return model.model_validate(mapping)


def suggestion(word: str, known: Sequence[str]) -> str:
    """What to say after ``unknown key``: the nearest known word, or all of them when none is near."""
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known here: {', '.join(known)}" if known else ""


def key_path(path: Sequence[str | int]) -> str:
    """A key path as TOML writes it: ``plugins."mpf.policy".elevations[0].role``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            text += f".{key}" if text else key
    return text


def line_of(text: str, path: KeyPath) -> int | None:
    """The line on which the key ``path`` stands in the TOML ``text``, or the nearest table around it."""
    best: tuple[int, int | None] = (0, None)
    tables: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = _keys(stripped)
            if stripped.startswith("[["):
                tables[table] = tables.get(table, -1) + 1
                table = (*table, tables[table])
            found = table
        elif "=" in stripped and not stripped.startswith("#"):
            found = table + _keys(stripped.split("=", 1)[0] + "=0")
        else:
            continue
        if found and len(found) > best[0] and path[: len(found)] == found:
            best = (len(found), number)
    return best[1]


def _keys(line: str) -> KeyPath:
    """The keys of a table header or of an assignment; nothing for a line that only looks like one."""
    try:
        value: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    keys: list[str] = []
    while isinstance(value, dict | list) and value:
        if isinstance(value, dict):
            key, value = next(iter(value.items()))
            keys.append(key)
        else:
            value = value[0]
    return tuple(keys)


def _joined(where: str, path: KeyPath) -> str:
    inner = key_path(path)
    return f"{where}.{inner}" if where and inner and not inner.startswith("[") else where + inner


def _secrets(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Secrets that stand in the file as literal text; the file only names them."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, str) and inner and _SECRET_KEY.search(key):
                yield (*path, key), _LITERAL_REFUSED.format(key)
            else:
                yield from _secrets(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _secrets(inner, (*path, index))
    elif isinstance(value, str) and _SECRET_IN_URL.match(value):
        yield path, "the URL holds a password, which does not belong into this file: leave it out of the URL"


def _mistakes(model: type[BaseModel], mapping: Mapping[str, object]) -> Iterator[tuple[KeyPath, str]]:
    try:
        model.model_validate(mapping)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False, include_context=False):
            path = item["loc"]
            owner = _model_at(model, path[:-1])
            known = sorted(field.alias or name for name, field in owner.model_fields.items()) if owner else []
            key = path[-1] if path else ""
            if item["type"] == "extra_forbidden" or (owner and isinstance(key, str) and key and key not in known):
                yield path, f"unknown key{suggestion(str(key), known)}"
            elif item["type"] == "missing":
                yield path, "is required"
            else:
                message = item["msg"].removeprefix("Value error, ").replace("dictionary", "table")
                yield path, message[:1].lower() + message[1:]


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model that describes the table at ``path``, where the annotations tell."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None:
            return None
        if isinstance(part, int):
            continue
        fields = {field.alias or name: field for name, field in current.model_fields.items()}
        current = _model_in(fields[part].annotation) if part in fields else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(argument) for argument in typing.get_args(annotation) if argument is not Ellipsis)
    return next((model for model in found if model), None)
