"""What commands that take a request have in common: where it comes from, and who sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import click

from mpf_core import xml
from mpf_core.cli.complete import complete_namespace, complete_procedure
from mpf_core.cli.samples import request_from_values
from mpf_core.cli.state import State
from mpf_core.errors import MpfError

Command = TypeVar("Command", bound=Callable[..., Any])


def request_options(command: Command) -> Command:
    """Add ``file``, ``namespace``, ``procedure``, ``as_name``, ``kerberos`` and ``values``."""
    for option in reversed(
        (
            click.argument("file", type=click.File("rb"), required=False),
            click.option(
                "--namespace", metavar="NAME", shell_complete=complete_namespace, help="Call a procedure of this namespace."
            ),
            click.option("--procedure", metavar="NAME", shell_complete=complete_procedure, help="The procedure to call."),
            click.option(
                "--as", "as_name", metavar="NAME", help="Who sends the request (needs the permission assert_caller)."
            ),
            click.option(
                "--kerberos",
                is_flag=True,
                help="The holder of the Kerberos ticket in the credential cache sends it (see kinit, klist).",
            ),
            click.option(
                "--set",
                "values",
                metavar="ARG=VALUE",
                multiple=True,
                help="An argument of the procedure, instead of a FILE; a/b=VALUE for a nested one. May be repeated.",
            ),
        )
    ):
        command = option(command)
    return command


def check_usage(file: BinaryIO | None, namespace: str | None, procedure: str | None, values: tuple[str, ...]) -> None:
    """Refuse what does not go together. Raises ``click.UsageError``."""
    if (namespace is None) != (procedure is None):
        raise click.UsageError("--namespace and --procedure go together.")
    if file is None and namespace is None:
        raise click.UsageError("Nothing to send: name a FILE, or --namespace and --procedure.")
    if file is not None and values:
        raise click.UsageError("--set makes the request, so it cannot go with a FILE.")


def read_request(state: State, file: BinaryIO | None, namespace: str | None, values: tuple[str, ...]) -> bytes | str:
    """The request document. Raises ``click.UsageError``."""
    request = file.read() if file else request_from_values(values)
    if namespace is not None and _has_procedure(request, state.config.engine.limits.document_bytes):
        raise click.UsageError(
            "--namespace and --procedure were given, but the file has its own <procedure>: leave out one of the two."
        )
    return request


def _has_procedure(request: bytes | str, limit: int) -> bool:
    """Whether a request spells out its own steps; what cannot be parsed is left to the engine to refuse."""
    try:
        root = xml.parse(request, limit=limit)
    except MpfError:
        return False
    xml.strip_provisioning_namespace(root)
    return root.find("procedure") is not None
