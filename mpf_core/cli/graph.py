"""``mpfctl graph``: a procedure as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from mpf_core.cli.complete import complete_full_name
from mpf_core.cli.find import find_namespace, find_procedure
from mpf_core.cli.state import State


@click.command(
    short_help="Draw a procedure: its calls, conditions, try and catch.",
    epilog="""\b
Examples:
  mpfctl graph "Managed Office Communications Server::CreateSipDomain"
  mpfctl graph "Managed Helpers::CreateServicePointer" --markdown --output pointer.md

\b
Exit codes: 0 drawn, 1 the file could not be written, 2 usage or configuration
""",
)
@click.argument("name", metavar="NAMESPACE::PROCEDURE", shell_complete=complete_full_name)
@click.option("--markdown", is_flag=True, help="As a block of a Markdown page, which many viewers draw.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there, not here."
)
@click.pass_obj
def graph(state: State, name: str, markdown: bool, output: Path | None) -> None:
    """Draw a procedure as a flowchart in Mermaid's language, which documentation sites and https://mermaid.live draw.

    It shows who may call it, what it calls in which order, under which conditions and how often, what is tried and what is
    caught, and which calls run as the service account.
    """
    from mpf_core.graph import mermaid

    space, separator, procedure = name.partition("::")
    if not separator:
        raise click.UsageError(f"'{name}' names no procedure: it takes NAMESPACE::PROCEDURE.")
    text = mermaid(find_procedure(find_namespace(state.engine, space), procedure))
    if markdown:
        text = f"```mermaid\n{text}```\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
