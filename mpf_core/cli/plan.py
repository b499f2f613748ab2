"""``mpfctl plan``: what a request would do, without doing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import BinaryIO

import click
from rich.text import Text

from mpf_core.cli.callers import caller_of_request
from mpf_core.cli.console import out, show_json
from mpf_core.cli.filters import json_option
from mpf_core.cli.requests import check_usage, read_request, request_options
from mpf_core.cli.state import State
from mpf_core.errors import format_hresult
from mpf_core.planning import Plan
from mpf_core.printable import printable

EXIT_ERROR_CONTEXT = 1
_UNSURE = (
    "From {} on, calls look at what is there before the changes above are made: the request itself may find another thing."
)
_STOPPED = (
    "The plan stops here, at {}. The calls above were not made, so this may be their missing effect: "
    "the request itself may go on."
)


@click.command(
    short_help="Show what a request would do, and do nothing.",
    epilog="""\b
Examples:
  mpfctl plan request.xml --as admin@alpineskihouse.com
  mpfctl plan --as admin@alpineskihouse.com \\
      --namespace "Managed Office Communications Server" --procedure CreateSipDomain \\
      --set organization="LDAP://OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com" \\
      --set preferredDomainController=AD01.Fabrikam.com --set address=alpineskihouse.com

\b
--json: steps (procedure, step, identity, identity_kind, change (text: LDIF or JSON), reversible, deferred, unknown,
  sequence),
  error (code and description, or null), stopped (the error may be a missing effect of the steps),
  unsure (the first call that looks at what an earlier one would have changed, or empty),
  calls (all, in order: sequence, which a step shares with its call, procedure, type, step, identity, identity_kind,
  depth)

\b
Exit codes: 0 the request would succeed (where nothing is unsure), 1 it would fail or the plan stops,
2 usage or configuration
""",
)
@request_options
@json_option
@click.pass_context
def plan(  # noqa: PLR0917 - click passes every option by name
    ctx: click.Context,
    file: BinaryIO | None,
    namespace: str | None,
    procedure: str | None,
    as_name: str | None,
    kerberos: bool,
    values: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run every check and every read of the request in FILE (- for standard input), and no write.

    Shows each call in order with the account it would run as, and for those that write the exact change. Roles and
    elevation are checked as for the request itself.
    """
    state = ctx.find_object(State)
    assert state is not None
    check_usage(file, namespace, procedure, values)
    caller = caller_of_request(state, as_name, kerberos=kerberos)
    request = read_request(state, file, namespace, values)
    made = state.engine.plan(request, caller, namespace=namespace, procedure=procedure)
    if as_json:
        show_json(_json(made))
    else:
        _show(made)
    if made.error is not None:
        ctx.exit(EXIT_ERROR_CONTEXT)


def _show(made: Plan) -> None:
    console = out()
    steps = {step.sequence: (number, step) for number, step in enumerate(made.steps, 1)}
    for call in made.calls:
        if call.sequence not in steps:
            text = f"   {printable(call.procedure)} ({call.type}) as {printable(call.identity)} ({call.identity_kind})"
            console.print(Text(text, "dim"), soft_wrap=True)
            continue
        number, step = steps[call.sequence]
        console.print(Text(f"{number}. {printable(step.procedure)}", "bold"), soft_wrap=True)
        console.print(
            Text(f"   as {printable(step.identity)} ({step.identity_kind}), at {printable(step.step)}"), soft_wrap=True
        )
        if not step.reversible:
            console.print(Text("   cannot be undone", "yellow"))
        if step.deferred:
            console.print(Text("   final at the end of the request"))
        if step.unknown:
            console.print(Text(f"   known only when it is done: {', '.join(map(printable, step.unknown))}"))
        for line in step.change.rstrip().splitlines():
            console.print(Text(f"   | {printable(line)}"), soft_wrap=True)
    if made.unsure:
        console.print(Text(_UNSURE.format(printable(made.unsure)), "yellow"), soft_wrap=True)
    if made.error is not None:
        console.print(Text(f"Fails: {printable(str(made.error))}", "red"), soft_wrap=True)
        if made.stopped:
            where = printable(made.error.step) or "the request"
            console.print(Text(_STOPPED.format(where), "yellow"), soft_wrap=True)
    elif not made.steps:
        console.print("Nothing would be changed.")


def _json(made: Plan) -> dict[str, object]:
    error = made.error
    return {
        "steps": [
            {
                "procedure": step.procedure,
                "step": step.step,
                "identity": step.identity,
                "identity_kind": step.identity_kind,
                "change": step.change,
                "reversible": step.reversible,
                "deferred": step.deferred,
                "unknown": list(step.unknown),
                "sequence": step.sequence,
            }
            for step in made.steps
        ],
        "error": None if error is None else {"code": format_hresult(error.code), "description": error.description},
        "stopped": made.stopped,
        "unsure": made.unsure,
        "calls": [asdict(call) for call in made.calls],
    }
