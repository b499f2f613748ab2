"""The page of the command line: what ``--help`` says, of every command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mpf_core.cli import cli
from mpf_core.engine import Engine
from scripts.write_reference.markdown import fence

_WIDTH = 100


def commands_page(engine: Engine) -> str:
    """The page as text, with the commands of the plugins of ``engine``."""
    assert isinstance(cli, click.Group)
    brought = [command for hook in engine.runtime.plugins.each("mpf_commands") for command in hook() or ()]
    lines = ["# Commands", "", "What `mpfctl` can do: its own help.", ""]
    root = _context(cli, "mpfctl", None)
    for command in sorted([*cli.commands.values(), *brought], key=lambda one: one.name or ""):
        lines += _command(command, root)
    return "\n".join(lines).rstrip() + "\n"


def _command(command: click.Command, parent: click.Context) -> Iterator[str]:
    if command.hidden:
        return
    context = _context(command, command.name or "", parent)
    yield from (f"## {context.command_path}", "", *fence("text", command.get_help(context)), "")
    for inner in _inner(command):
        yield from _command(inner, context)


def _inner(command: click.Command) -> Sequence[click.Command]:
    return [command.commands[name] for name in sorted(command.commands)] if isinstance(command, click.Group) else ()


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    return click.Context(command, parent=parent, info_name=name, **settings)
