"""What users meet is said: each key of the settings, each option of a command, each method of a public class."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from pydantic import BaseModel

import mpf_core
import mpf_core.testing
import mpf_pytest
from mpf_core.cli import cli
from mpf_core.config import Sections
from mpf_core.plugins import settings_models
from mpf_core.settings import Settings
from mpf_directory import DirectoryPlugin
from scripts.write_reference.settings import _item, _model, described_fields


def unsaid_keys(where: str, model: type[BaseModel]) -> Iterator[str]:
    """Keys that neither a comment above them nor the model's own words name."""
    described = described_fields(model)
    for name, info in model.model_fields.items():
        key = info.alias or name
        inner = _model(info.annotation) or _item(info.annotation)
        if inner is not None:
            yield from unsaid_keys(f"{where}.{key}", inner)
        elif not described.get(name) and f"``{key}``" not in (model.__doc__ or ""):
            yield f"{where}.{key}"


def unsaid_options(name: str, command: click.Command) -> Iterator[str]:
    """Commands and options without a word of help."""
    if not (command.help or "").strip():
        yield name
    yield from (
        f"{name} {one.opts[0]}" for one in command.params if isinstance(one, click.Option) and not (one.help or "").strip()
    )
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from unsaid_options(f"{name} {inner}", one)


def unsaid_methods(kind: type) -> Iterator[str]:
    """Public methods and properties without a docstring."""
    for name, found in vars(kind).items():
        function = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
        if not name.startswith("_") and inspect.isfunction(function) and not inspect.getdoc(function):
            yield f"{kind.__name__}.{name}"


def test_every_key_of_the_settings() -> None:
    models = {name: _model(info.annotation) for name, info in Sections.model_fields.items()} | settings_models()
    assert [key for name, model in models.items() if model is not None for key in unsaid_keys(name, model)] == []


def test_every_command_and_option() -> None:
    commands = [*cli.commands.values(), *DirectoryPlugin().mpf_commands()]
    assert [words for one in commands for words in unsaid_options(f"mpfctl {one.name}", one)] == []


def test_every_public_method() -> None:
    public = [getattr(module, name) for module in (mpf_core, mpf_core.testing, mpf_pytest) for name in module.__all__]
    assert [method for one in public if inspect.isclass(one) for method in unsaid_methods(one)] == []


class Silent(Settings):
    """Says what ``said`` is."""

    said: int = 1
    unsaid: int = 1
    #: This is said here.
    beside: int = 1

    def method(self) -> None:
        pass


def test_what_is_not_said_is_found() -> None:
    assert list(unsaid_keys("x", Silent)) == ["x.unsaid"]
    assert list(unsaid_methods(Silent)) == ["Silent.method"]
    command = click.Command("do", help="Does.", params=[click.Option(["--it"]), click.Option(["--that"], help="That.")])
    assert list(unsaid_options("do", command)) == ["do --it"]
