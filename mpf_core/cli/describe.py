"""``mpfctl namespaces`` and ``mpfctl describe``: what can be called, and how."""

from __future__ import annotations

import click
from rich.console import Console

from mpf_core.cli.complete import complete_full_name
from mpf_core.cli.console import coloured, err, out, table
from mpf_core.cli.find import find_namespace, find_procedure
from mpf_core.cli.samples import arguments_of, sample_request
from mpf_core.cli.state import State
from mpf_core.model import Access, Namespace, Procedure
from mpf_core.validation.input_schema import InputSchema


@click.command()
@click.pass_obj
def namespaces(state: State) -> None:
    """List the loaded namespaces."""
    out().print(
        table(
            "namespace",
            "procedures",
            "public",
            "provider",
            "description",
            rows=[
                (
                    name,
                    str(len(space.procedures)),
                    str(sum(procedure.access is Access.PUBLIC for procedure in space.procedures.values())),
                    space.provider_source or "-",
                    space.description,
                )
                for name, space in sorted(state.engine.namespaces.items())
            ],
        )
    )


@click.command(
    short_help="Show a procedure: arguments, role, calls, sample request.",
    epilog="""\b
Examples:
  mpfctl describe "Managed Office Communications Server"
  mpfctl describe "Managed Office Communications Server::CreateSipDomain"
  mpfctl describe "Managed Office Communications Server::CreateSipDomain" --sample > request.xml
""",
)
@click.argument("name", metavar="NAMESPACE[::PROCEDURE]", shell_complete=complete_full_name)
@click.option("--sample", is_flag=True, help="Print nothing but the sample request.")
@click.pass_obj
def describe(state: State, name: str, sample: bool) -> None:
    """Show a namespace's procedures, or a procedure's arguments, role, calls and a request that is ready to send."""
    space_name, separator, procedure_name = (part.strip() for part in name.partition("::"))
    space = find_namespace(state.engine, space_name)
    if not separator or not procedure_name:  # completion offers "NAMESPACE::", which may be all that is wanted
        if sample:
            raise click.UsageError("--sample needs a procedure: NAMESPACE::PROCEDURE.")
        _show_namespace(out(), space)
        return
    procedure = find_procedure(space, procedure_name)
    if sample:
        click.echo(sample_request(procedure))
        if procedure.access is Access.PRIVATE:
            err().print(f"{procedure.full_name} is private: only other procedures may call it.", soft_wrap=True)
    else:
        _show_procedure(out(), procedure)


def _show_namespace(console: Console, space: Namespace) -> None:
    console.print(space.name, style="bold")
    if space.description:
        console.print(space.description)
    console.print(f"\nProvider: {space.provider_source or 'none, its procedures are made of steps'}")
    console.print(f"File:     {space.file}\n", soft_wrap=True)
    console.print(
        table(
            "procedure",
            "type",
            "access",
            "minimum role",
            "description",
            rows=[
                (p.name, p.type.value, p.access.value, p.minimum_role or "-", p.description)
                for p in sorted(space.procedures.values(), key=lambda p: (p.access is Access.PRIVATE, p.name))
            ],
        )
    )


def _show_procedure(console: Console, procedure: Procedure) -> None:
    console.print(procedure.full_name, style="bold")
    if procedure.description:
        console.print(procedure.description)
    category = procedure.input_schema.category if procedure.input_schema else None
    console.print(f"\nType:         {procedure.type.value}")
    access = "public" if procedure.access is Access.PUBLIC else "private: only other procedures may call it"
    console.print(f"Access:       {access}")
    console.print(f"Minimum role: {procedure.minimum_role or 'none named'}")
    if category:
        console.print(f"Category:     {category}")
    console.print(f"Run by:       {procedure.provider_source if procedure.is_provided else 'its steps'}")
    _show_arguments(console, "Arguments", procedure.input_schema)
    _show_arguments(console, "Output", procedure.output_schema)
    if procedure.calls:
        console.print("\nCalls", style="bold")
        for namespace, name in dict.fromkeys(procedure.calls):
            console.print(f"  {namespace}::{name}")
    if arguments_of(procedure) and procedure.access is Access.PUBLIC:
        console.print("\nSample request", style="bold")
        console.print(coloured(sample_request(procedure)), soft_wrap=True)


def _show_arguments(console: Console, title: str, schema: InputSchema | None) -> None:
    console.print(f"\n{title}", style="bold")
    if schema is None:
        console.print("  no schema")
    elif not schema.arguments:
        console.print("  none")
    else:
        console.print(
            table(
                "name",
                "type",
                "",
                "meaning",
                rows=[
                    (
                        argument.name,
                        argument.type,
                        "required" if argument.required else (f"default {argument.default}" if argument.default else ""),
                        argument.documentation or "",
                    )
                    for argument in schema.arguments
                ],
                indent=2,
            )
        )
