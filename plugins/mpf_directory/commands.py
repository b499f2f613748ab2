"""``mpfctl directory``: a look into the directory, as the service account."""

from __future__ import annotations

import click

from mpf_core.errors import MpfError
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.ldif import entries_to_ldif, entry_record
from mpf_directory.ocs_schema import complete_ldif
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directories, Directory, Scope
from mpf_directory.results import no_such_object

_EVERYTHING = Filter.present("objectClass")


@click.group("directory", short_help="Look into the directory.")
def directory_commands() -> None:
    """Show, or export as LDIF, what is in the directory, as the service account sees it."""


@directory_commands.command(
    epilog="""\b
Examples:
  mpfctl directory show
  mpfctl directory show "OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
""",
)
@click.argument("dn", required=False)
def show(dn: str | None) -> None:
    """Show one object, and the names of those directly below it. DN is the domain, if not given."""
    directory = _directory()
    name = _name(dn, directory)
    entry = directory.read(name)
    if entry is None:
        raise click.ClickException(no_such_object(name).description)
    click.echo(entry_record(entry), nl=False)
    below = sorted(str(child.dn) for child in directory.search(entry.dn, Scope.ONE_LEVEL, _EVERYTHING, ["objectClass"]))
    if below:
        click.echo("\n# Directly below:\n" + "\n".join(f"#   {child}" for child in below))


@directory_commands.command(
    epilog="""\b
Examples:
  mpfctl directory export > everything.ldif
  mpfctl directory export "OU=Hosting,DC=Fabrikam,DC=Com"
""",
)
@click.argument("dn", required=False)
def export(dn: str | None) -> None:
    """Print the object DN and everything below it as LDIF, containers first. DN is the domain, if not given."""
    directory = _directory()
    # The service account asks for everything that can be read; passwords never can.
    try:
        entries = sorted(
            directory.search(_name(dn, directory), Scope.SUBTREE, _EVERYTHING), key=lambda entry: entry.dn.key[::-1]
        )
    except MpfError as error:
        raise click.ClickException(error.description) from error
    for piece in entries_to_ldif(entries):
        click.echo(piece, nl=False)


@directory_commands.command()
@click.argument("root", required=False)
def schema(root: str | None) -> None:
    """Print the schema of Office Communications Server 2007 as LDIF, for a server that does not have it.

    ROOT is the forest's root domain; if not given, the configured domain. A schema master takes the LDIF with
    `ldifde -i -f`. Identifiers that are not publicly known are from the arc that is reserved for examples.
    """
    click.echo(complete_ldif(_parse(root) if root is not None else _directory().base), nl=False)


def _directory() -> Directory:
    services = click.get_current_context().obj.engine.services
    try:
        found: Directory = services.get(Directories).service()
    except MpfError as error:
        raise click.ClickException(error.description) from error
    return found


def _name(text: str | None, directory: Directory) -> Dn:
    return directory.base if text is None else _parse(text)


def _parse(text: str) -> Dn:
    try:
        return LdapPath.parse(text).dn if text.lower().startswith("ldap://") else Dn.parse(text)
    except MpfError as error:
        raise click.BadParameter(error.description) from error
