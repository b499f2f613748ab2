"""Words for shell completion that come from the loaded namespaces."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from mpf_core.cli.state import State
from mpf_core.model import Namespace


def complete_namespace(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Namespace names."""
    return [
        CompletionItem(name, help=space.description)
        for name, space in _namespaces(ctx).items()
        if name.startswith(incomplete)
    ]


def complete_procedure(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Procedure names of the namespace that was given, or of all."""
    spaces = _namespaces(ctx)
    wanted = [spaces[name] for name in (ctx.params.get("namespace"),) if name in spaces] or list(spaces.values())
    return [
        CompletionItem(name, help=procedure.description)
        for space in wanted
        for name, procedure in space.procedures.items()
        if name.startswith(incomplete)
    ]


def complete_full_name(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Namespaces, as long as there is a choice; then the procedures of the one that is left, as ``NAMESPACE::PROCEDURE``.

    What shells insert is what all words have in common, so the only namespace left gets its ``::``, and no space after it.
    """
    spaces = _namespaces(ctx)
    left = [space for name, space in spaces.items() if name.startswith(incomplete.partition("::")[0])]
    exact = [space for space in left if incomplete.startswith(f"{space.name}::")]
    if len(left) > 1 and not exact:
        return [CompletionItem(space.name, help=space.description) for space in left]
    return [
        CompletionItem(procedure.full_name, help=procedure.description)
        for space in exact or left
        for procedure in space.procedures.values()
        if procedure.full_name.startswith(incomplete)
    ]


def _namespaces(ctx: click.Context) -> dict[str, Namespace]:
    """The loaded namespaces. While a shell waits for words, no error may get in its way."""
    root = ctx.find_root()
    state = State(root.params.get("config"))
    try:
        return dict(state.loaded.namespaces)
    except Exception:  # completion offers nothing, and the command itself will say what is wrong
        return {}
    finally:
        state.close()
