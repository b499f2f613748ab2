"""``mpfctl lint``: mistakes in namespaces that load, and are wrong all the same."""

from __future__ import annotations

import click
from rich.text import Text

from mpf_core.cli.complete import complete_namespace
from mpf_core.cli.console import out, show_json
from mpf_core.cli.filters import json_option
from mpf_core.cli.state import State
from mpf_core.engine import Engine
from mpf_core.plugins import PluginInfo
from mpf_core.printable import printable
from mpf_core.runtime import nearest

EXIT_FOUND = 1


@click.command(
    short_help="Find mistakes in namespaces that load.",
    epilog="""\b
Examples:
  mpfctl lint
  mpfctl lint "Managed Office Communications Server"

\b
--json: findings: each with procedure (NAMESPACE::PROCEDURE, or empty for a plugin), step (its path, or empty), text, file

\b
Exit codes: 0 nothing found, 1 something found, 2 usage or configuration
""",
)
@click.argument("names", metavar="[NAMESPACE]...", nargs=-1, shell_complete=complete_namespace)
@json_option
@click.pass_context
def lint(ctx: click.Context, names: tuple[str, ...], as_json: bool) -> None:
    """Look at all loaded namespaces together, or show what concerns these only.

    Finds calls of what does not exist, arguments that a procedure does not take or needs, outputs that it does not give,
    conditions that never hold, arguments that no step reads, and read procedures that write. Plugins that cannot be loaded -
    for a write without an undo, a public procedure without a role - are findings, too.
    """
    from mpf_core.lint import Finding
    from mpf_core.lint import lint as find

    state = ctx.find_object(State)
    assert state is not None
    namespaces = state.engine.namespaces
    for name in names:
        if name not in namespaces:
            raise click.UsageError(f"There is no namespace '{name}'{nearest(name, namespaces)}.")
    broken = [Finding("", "", f"The plugin '{info.name}' is broken: {info.reason}") for info in _broken(state.engine)]
    findings = broken + [one for one in find(namespaces) if not names or one.procedure.partition("::")[0] in names]
    if as_json:
        keys = ("procedure", "step", "text", "file")
        show_json({"findings": [{key: getattr(one, key) for key in keys} for one in findings]})
    else:
        for finding in findings:
            out().print(Text(printable(str(finding))), soft_wrap=True)
        if not findings:
            looked = sum(len(namespaces[name].procedures) for name in names or namespaces)
            out().print(f"Nothing found in {looked} procedures.")
    if findings:
        ctx.exit(EXIT_FOUND)


def _broken(engine: Engine) -> list[PluginInfo]:
    return [info for info in engine.plugins if info.state == "broken"]
