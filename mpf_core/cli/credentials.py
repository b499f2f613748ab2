"""``mpfctl credentials``: the accounts that procedures may run as, encrypted in the store."""

from __future__ import annotations

import sys

import click

from mpf_core.cli.callers import needs, system_user
from mpf_core.cli.console import show_json, show_rows, table
from mpf_core.cli.filters import json_option
from mpf_core.cli.state import State
from mpf_core.cli.times import iso, local
from mpf_core.security.principal import Credentials


@click.group(
    short_help="Store the accounts that procedures may run as.",
    epilog="""\b
Examples:
  mpfctl credentials set MPSPrivAcct --username MPSPrivAcct-123456 --domain FABRIKAM
  mpfctl credentials list
  mpfctl credentials rotate MPSPrivAcct < new-password.txt
""",
)
def credentials() -> None:
    """Keep credentials in the store, encrypted with its master key. A password is never an argument and never shown.

    A credential that a plugin has (from the environment or a file, for example) wins over one of the same name in the store.
    """


@credentials.command(name="set", short_help="Store a credential.")
@click.argument("name")
@click.option("--username", required=True, help="The account.")
@click.option("--domain", default="", help="Its domain; not needed where USERNAME is user@domain.")
@click.option("--force", is_flag=True, help="Replace a credential of that name.")
@click.pass_obj
@needs("administration")
def set_(state: State, name: str, username: str, domain: str, *, force: bool) -> None:
    """Store the credential NAME; its password is asked for, or read from standard input."""
    administration = state.engine.administration
    if administration.credential(name) is not None and not force:
        raise click.UsageError(
            f"There is a credential '{name}': --force replaces it, `mpfctl credentials rotate` its password."
        )
    administration.put_credential(name, Credentials(username, _password(), domain), system_user())
    click.echo(f"Stored the credential '{name}'.")


@credentials.command(short_help="Give a stored credential a new password.")
@click.argument("name")
@click.pass_obj
@needs("administration")
def rotate(state: State, name: str) -> None:
    """Replace the password of the credential NAME; the new one is asked for, or read from standard input.

    Change it in the directory first: until then calls that run as the account are refused.
    """
    administration = state.engine.administration
    known = administration.credential(name)
    if known is None:
        raise _unknown(name)
    administration.put_credential(name, Credentials(known.username, _password(), known.domain), system_user())
    click.echo(f"The credential '{name}' has a new password.")


@credentials.command(short_help="Remove a stored credential.")
@click.argument("name")
@click.pass_obj
@needs("administration")
def remove(state: State, name: str) -> None:
    """Remove the credential NAME. One that procedures run as stays until they do so no longer."""
    if not state.engine.administration.remove_credential(name, system_user()):
        raise _unknown(name)
    click.echo(f"Removed the credential '{name}'.")


@credentials.command(name="list", short_help="List the stored credentials.")
@json_option
@click.pass_obj
@needs("administration")
def list_(state: State, as_json: bool) -> None:
    """List the credentials in the store, without passwords, and which procedures run as each."""
    administration = state.engine.administration
    users: dict[str, list[str]] = {}
    for procedure, assigned in administration.assignments().items():
        users.setdefault(assigned.credential, []).append(procedure)
    stored = administration.stored_credentials()
    if as_json:
        show_json(
            {
                "credentials": [
                    {
                        "name": one.name,
                        "username": one.username,
                        "domain": one.domain,
                        "stored_by": one.by,
                        "stored_at": iso(one.at),
                        "procedures": sorted(users.get(one.name, [])),
                    }
                    for one in stored
                ]
            }
        )
        return
    rows = (
        (one.name, one.username, one.domain or "-", one.by, local(one.at), ", ".join(sorted(users.get(one.name, []))) or "-")
        for one in stored
    )
    show_rows(table("name", "account", "domain", "stored by", "since", "procedures that run as it", rows=rows))


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    password = sys.stdin.read().rstrip("\r\n")
    if not password:
        raise click.UsageError("There is no password on standard input.")
    return password


def _unknown(name: str) -> click.ClickException:
    return click.ClickException(f"There is no credential '{name}' in the store (see `mpfctl credentials list`).")
