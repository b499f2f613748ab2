"""``mpfctl credentials``: the accounts that procedures may run as, encrypted in the store or in the system's keyring."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click

from mpf_core.administration import Administration
from mpf_core.cli.callers import needs, system_user
from mpf_core.cli.console import show_json, show_rows, table
from mpf_core.cli.filters import json_option
from mpf_core.cli.state import State
from mpf_core.cli.times import iso, local
from mpf_core.security.keeper import CredentialKeeper
from mpf_core.security.principal import Credentials

_keyring_option = click.option("--keyring", is_flag=True, help="In the system's keyring (plugin mpf.keyring).")


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
    """Keep credentials in the store, encrypted with its master key, or in the system's keyring with --keyring.

    A password is never an argument and never shown.

    A credential that a plugin has (from the environment or a file, for example) wins over one of the same name in the store.
    """


@credentials.command(name="set", short_help="Store a credential.")
@click.argument("name")
@click.option("--username", required=True, help="The account.")
@click.option("--domain", default="", help="Its domain; not needed where USERNAME is user@domain.")
@click.option("--force", is_flag=True, help="Replace a credential of that name.")
@_keyring_option
@click.pass_obj
@needs("administration")
def set_(state: State, name: str, username: str, domain: str, *, force: bool, keyring: bool) -> None:
    """Store the credential NAME; its password is asked for, or read from standard input."""
    administration, keeper = state.engine.administration, _keeper(state, name, wanted=keyring)
    if administration.credential(name, keeper) is not None and not force:
        raise click.UsageError(
            f"There is a credential '{name}': --force replaces it, `mpfctl credentials rotate` its password."
        )
    administration.put_credential(name, Credentials(username, _password(), domain), system_user(), keeper)
    click.echo(f"Stored the credential '{name}'.")


@credentials.command(short_help="Give a stored credential a new password.")
@click.argument("name")
@_keyring_option
@click.pass_obj
@needs("administration")
def rotate(state: State, name: str, *, keyring: bool) -> None:
    """Replace the password of the credential NAME; the new one is asked for, or read from standard input.

    Change it in the directory first: until then calls that run as the account are refused.
    """
    administration, keeper = state.engine.administration, _keeper(state, name, wanted=keyring)
    known = administration.credential(name, keeper)
    if known is None:
        raise _unknown(name, keyring=keyring)
    administration.put_credential(name, Credentials(known.username, _password(), known.domain), system_user(), keeper)
    click.echo(f"The credential '{name}' has a new password.")


@credentials.command(short_help="Remove a stored credential.")
@click.argument("name")
@_keyring_option
@click.pass_obj
@needs("administration")
def remove(state: State, name: str, *, keyring: bool) -> None:
    """Remove the credential NAME. One that procedures run as stays until they do so no longer."""
    keeper = _keeper(state, name, wanted=keyring)
    if not state.engine.administration.remove_credential(name, system_user(), keeper):
        raise _unknown(name, keyring=keyring)
    click.echo(f"Removed the credential '{name}'.")


@credentials.command(name="list", short_help="List the stored credentials.")
@json_option
@click.pass_obj
@needs("administration")
def list_(state: State, as_json: bool) -> None:
    """List the credentials in the store and the keyring, without passwords, and which procedures run as each."""
    administration = state.engine.administration
    users: dict[str, list[str]] = {}
    for procedure, assigned in administration.assignments().items():
        users.setdefault(assigned.credential, []).append(procedure)
    found = [*_in_store(administration), *_in_keyring(state)]
    for one in found:
        one["procedures"] = sorted(users.get(one["name"], []))
    if as_json:
        show_json({"credentials": [one | {"stored_at": one["stored_at"] and iso(one["stored_at"])} for one in found]})
        return
    rows = (
        (
            one["name"],
            one["username"],
            one["domain"] or "-",
            one["stored_by"] or "-",
            local(one["stored_at"]) if one["stored_at"] else "-",
            one["kept_in"],
            ", ".join(one["procedures"]) or "-",
        )
        for one in found
    )
    show_rows(table("name", "account", "domain", "stored by", "since", "kept in", "procedures that run as it", rows=rows))


def _in_store(administration: Administration) -> Iterable[dict[str, Any]]:
    for one in administration.stored_credentials():
        yield _shown(one.name, one.username, one.domain, "store") | {"stored_by": one.by, "stored_at": one.at}


def _in_keyring(state: State) -> Iterable[dict[str, Any]]:
    """The entries of the keyring, where a plugin is told of some: it does not say who made them, and when."""
    try:
        keeper = state.engine.services.get(CredentialKeeper)  # type: ignore[type-abstract]
    except LookupError:
        return
    for name in keeper.names:
        known = keeper.find(name)
        if known is not None:
            yield _shown(name, known.username, known.domain, "keyring")


def _shown(name: str, username: str, domain: str, kept_in: str) -> dict[str, Any]:
    return {
        "name": name,
        "username": username,
        "domain": domain,
        "stored_by": None,
        "stored_at": None,
        "kept_in": kept_in,
    }


def _keeper(state: State, name: str, *, wanted: bool) -> CredentialKeeper | None:
    """The keyring for ``--keyring``, and ``None`` for the store. Raises ``click.UsageError``."""
    if not wanted:
        return None
    try:
        keeper = state.engine.services.get(CredentialKeeper)  # type: ignore[type-abstract]
    except LookupError:
        raise click.UsageError("--keyring needs a plugin: `mpfctl plugins enable mpf.keyring`.") from None
    if name not in keeper.names:
        raise click.UsageError(
            f"The keyring is asked only for names that it is told of: in {state.config_file}, add {name!r} to names below "
            '[plugins."mpf.keyring"].'
        )
    return keeper


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    try:
        password = sys.stdin.buffer.read().decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise click.UsageError("The password on standard input is not UTF-8.") from None
    if not password:
        raise click.UsageError("There is no password on standard input.")
    if "\n" in password or "\r" in password:
        raise click.UsageError("There are several lines on standard input: a password is one.")
    return password


def _unknown(name: str, *, keyring: bool) -> click.ClickException:
    place = "keyring" if keyring else "store"
    return click.ClickException(f"There is no credential '{name}' in the {place} (see `mpfctl credentials list`).")
