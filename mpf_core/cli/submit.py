"""``mpfctl submit``: send a request and print the response."""

from __future__ import annotations

import math
import uuid
from typing import BinaryIO, TextIO

import click

from mpf_core.cli.callers import caller_of_request
from mpf_core.cli.console import err, say_at_once, show_failure, show_response
from mpf_core.cli.requests import check_usage, read_request, request_options
from mpf_core.cli.signals import stopping
from mpf_core.cli.state import State
from mpf_core.cli.traces import json_of, show_trace
from mpf_core.engine import Result
from mpf_core.errors import Code
from mpf_core.tracing import Trace

EXIT_ERROR_CONTEXT = 1
_CANCELLING = "Cancelling; what was done is being rolled back. Ctrl-C once more stops at once."


class OutputProblem(click.ClickException):
    """The output could not be written; what was to be done was done."""

    exit_code = 3


def _finite(_ctx: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds.")
    return value


class _TraceFormat(click.Choice[str]):
    """``--trace`` alone is enough, so the FILE behind it is taken for its format."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            self.fail(f"'{value}' is no format: it takes text or json. Is it the FILE? Then: {value} --trace", param, ctx)
        return value


@click.command(
    short_help="Send a request and print the response.",
    epilog="""\b
Examples:
  mpfctl submit request.xml --as admin@alpineskihouse.com
  generate-request | mpfctl submit - --as Administrator@fabrikam.com
  mpfctl submit --as admin@alpineskihouse.com \\
      --namespace "Managed Office Communications Server" --procedure GetPoolAssignment \\
      --set organization="LDAP://OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com" \\
      --set preferredDomainController=AD01.Fabrikam.com
  mpfctl submit request.xml --as admin@alpineskihouse.com --key order-4711      safe to send again
  mpfctl submit request.xml --as admin@alpineskihouse.com --trace               show every call
  mpfctl submit request.xml --as admin@alpineskihouse.com --trace-file trace.json

\b
Exit codes: 0 success, 1 the response is an errorContext, 2 usage or configuration, 3 the output could not be written,
130 and 143 cancelled and rolled back after Ctrl-C and SIGTERM. Ctrl-C once more stops at once; recovery does the rest.
""",
)
@request_options
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    metavar="SECONDS",
    help="Give up and roll back after.",
)
@click.option(
    "--key",
    metavar="KEY",
    help="An idempotency key of your choice: sent again with it, the request is not done again, and answered as before.",
)
@click.option(
    "--trace",
    "tracing",
    type=_TraceFormat(["text", "json"]),
    flag_value="text",
    is_flag=False,
    help="Show every call on standard error: data in and out, accounts, times, undo. With --trace json as JSON, and of the "
    "request's end nothing else there.",
)
@click.option(
    "--trace-file",
    type=click.File("w", encoding="utf-8", lazy=False),  # so that nothing is done where it cannot be written
    metavar="PATH",
    help="Write every call into this file, as JSON.",
)
@click.pass_context
def submit(  # noqa: PLR0917 - click passes every option by name
    ctx: click.Context,
    file: BinaryIO | None,
    namespace: str | None,
    procedure: str | None,
    as_name: str | None,
    kerberos: bool,
    values: tuple[str, ...],
    timeout: float | None,
    key: str | None,
    tracing: str | None,
    trace_file: TextIO | None,
) -> None:
    """Send the request in FILE (- for standard input) and print the response.

    A FILE with a <procedure> says itself what to call. With --namespace and --procedure, FILE holds data only; without a
    FILE, the data is made from --set.
    """
    state = ctx.find_object(State)
    assert state is not None
    check_usage(file, namespace, procedure, values)
    if key is not None and not key.strip():
        raise click.UsageError("--key must not be empty.")
    caller = caller_of_request(state, as_name, kerberos=kerberos)
    request = read_request(state, file, namespace, values)
    trace = Trace() if tracing or trace_file else None
    transaction_id = "{" + str(uuid.uuid4()).upper() + "}"
    with stopping(lambda: say_at_once(_CANCELLING)) as wish:
        try:
            result = state.started.execute(
                request,
                caller,
                namespace=namespace,
                procedure=procedure,
                transaction_id=transaction_id,
                idempotency_key=key,
                timeout=timeout,
                cancel=wish.event,
                trace=trace,
            )
        except KeyboardInterrupt:
            say_at_once(
                f"Interrupted. What has not been rolled back is left to `mpfctl recover`: transaction {transaction_id}."
            )
            raise
    try:
        show_response(result.document)
    except OSError as error:
        what = "committed" if result.error is None else result.state.value
        raise OutputProblem(
            f"The response could not be written ({error.strerror or error}). "
            f"The request was {what}: transaction {result.transaction_id}."
        ) from error
    if trace is not None and tracing:
        show_trace(trace, as_json=tracing == "json")
    if trace is not None and trace_file:
        trace_file.write(f"{json_of(trace)}\n")
    cancelled = wish.signal is not None and result.error is not None and result.error.code == Code.CANCELLED
    if tracing != "json":  # which is for programs: the response says the same
        _say(result, too_late=wish.signal is not None and not cancelled)
    if result.error is not None:
        if cancelled:
            ctx.exit(wish.exit_code)
        ctx.exit(EXIT_ERROR_CONTEXT)


def _say(result: Result, *, too_late: bool) -> None:
    """What became of the request, on standard error."""
    if result.repeated:
        err().print(f"Not done again: this is the response that {result.transaction_id} had.", soft_wrap=True)
    if too_late:
        err().print("It was too late to cancel the request: the response tells what became of it.")
    show_failure(result)
