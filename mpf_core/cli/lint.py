"""``mpfctl lint``: mistakes in namespaces that load, and are wrong all the same."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.text import Text

from mpf_core.cli.complete import complete_namespace
from mpf_core.cli.console import out, show_json
from mpf_core.cli.filters import json_option
from mpf_core.cli.state import State
from mpf_core.errors import ConfigError, Violation
from mpf_core.printable import printable
from mpf_core.runtime import Runtime, nearest

EXIT_FOUND = 1


@click.command(
    short_help="Find mistakes in namespaces that load.",
    epilog="""\b
Examples:
  mpfctl lint
  mpfctl lint "Managed Office Communications Server"

\b
--json: findings: each with procedure (NAMESPACE::PROCEDURE, or empty where it is a plugin or a file), step (its path, or
  empty), text, file

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
    conditions that never hold, arguments that no step reads, elements that are read and made by nothing, outputs that are
    required and made by nothing, read procedures that write, and write procedures that do not. Namespaces and plugins that
    cannot be loaded - for a write without an undo, a public procedure without a role, a role that no policy knows - are
    findings, too; the others are looked at all the same.
    """
    from mpf_core.lint import Finding
    from mpf_core.lint import lint as find

    state = ctx.find_object(State)
    assert state is not None
    mistakes: list[ConfigError] = []
    config = state.config.model_copy(update={"engine": state.config.engine.model_copy(update={"strict": False})})
    runtime = Runtime(config, (), (), tolerate=mistakes.append)
    runtime.services.close()
    namespaces = runtime.namespaces
    unloaded = [Finding("", "", str(one), one.file) for error in mistakes for one in _violations(error)]
    for name in names:
        if name not in namespaces:
            reasons = "".join(f"\n{one}" for one in unloaded)
            raise click.UsageError(f"There is no namespace '{name}'{nearest(name, namespaces)}.{reasons}")
    broken = [
        Finding("", "", f"The plugin '{info.name}' is broken: {info.reason}") for info in runtime.plugins.broken_ones()
    ]
    findings = (
        broken + unloaded + [one for one in find(namespaces) if not names or one.procedure.partition("::")[0] in names]
    )
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


def _violations(error: ConfigError) -> Sequence[Violation]:
    return error.problems or [Violation(str(error))]
