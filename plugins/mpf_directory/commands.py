"""``mpfctl directory``: a look into the directory as the service account, whether it is ready, and the schema it needs."""

from __future__ import annotations

import json

import click

from mpf_core.cli.callers import needs
from mpf_core.errors import MpfError
from mpf_core.printable import printable
from mpf_core.settings import parse_settings
from mpf_directory import check_connection, check_forest, check_rights, check_schema, check_tree
from mpf_directory.check import Finding, Ground, Question, Status, ask
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.ldif import entries_to_ldif, entry_record
from mpf_directory.ocs_schema import complete_ldif
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directories, Directory, Scope
from mpf_directory.results import no_such_object
from mpf_directory.rights_command import rights
from mpf_directory.settings import DirectorySettings

_EVERYTHING = Filter.present("objectClass")

#: What ``mpfctl directory check`` asks, in this order.
QUESTIONS = (
    Question("connection", check_connection.connection, first=True),
    Question("forest", check_forest.forest),
    Question("schema", check_schema.schema),
    Question("RTC Service", check_schema.rtc_service),
    Question("RTC groups", check_schema.rtc_groups),
    Question("Hosting unit", check_tree.hosting),
    Question("organizations", check_tree.organizations),
    Question("framework", check_tree.framework),
    Question("rights", check_rights.service_account),
    Question("administrators", check_rights.administrators),
)


@click.group("directory", short_help="Look into the directory, and check it.")
def directory_commands() -> None:
    """Show or export what is in the directory, as the service account sees it; check it; print the schema it needs."""


@directory_commands.command(
    short_help="Show one object, and what is below it.",
    epilog="""\b
Examples:
  mpfctl directory show
  mpfctl directory show "OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
""",
)
@click.argument("dn", required=False)
@needs("administration")
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
        click.echo("\n# Directly below:\n" + "\n".join(f"#   {printable(child, keep='')}" for child in below))


@directory_commands.command(
    short_help="Print an object and all below it as LDIF.",
    epilog="""\b
Examples:
  mpfctl directory export > everything.ldif
  mpfctl directory export "OU=Hosting,DC=Fabrikam,DC=Com"
""",
)
@click.argument("dn", required=False)
@needs("administration")
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


@directory_commands.command(
    short_help="Tell whether the directory is ready.",
    epilog="""\b
Examples:
  mpfctl directory check
  mpfctl directory check --json | jq '.findings[] | select(.status != "ok")'

\b
--json: {"ready": true or false, "findings": [...]}, each with status (ok, missing, warning), subject, detail and advice
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
@needs("administration")
def check(ctx: click.Context, as_json: bool) -> None:
    """Tell whether the directory is ready, and what to do where it is not. Changes nothing.

    Looks, as the service account, at the connection, the schema, the RTC Service container, the hosting tree, the groups,
    and the rights of the service account and of the organizations' administrators. Exit code 0: ready, perhaps with
    warnings. 1: something is missing.
    """
    engine = ctx.obj.engine
    settings = parse_settings(DirectorySettings, engine.config.plugins.settings("mpf.directory"), "directory")
    findings: list[Finding] = []
    for finding in ask(Ground(engine.services.get(Directories), settings), QUESTIONS):
        findings.append(finding)
        if not as_json:
            click.echo(_line(finding))
    ready = all(finding.status is not Status.MISSING for finding in findings)
    if as_json:
        shown = [
            {"status": one.status.value, "subject": one.subject, "detail": one.detail, "advice": one.advice}
            for one in findings
        ]
        click.echo(json.dumps({"ready": ready, "findings": shown}, indent=2, ensure_ascii=False))
    else:
        click.echo("\nThe directory is ready." if ready else "\nThe directory is not ready.")
    ctx.exit(0 if ready else 1)


def _line(finding: Finding) -> str:
    advice = f"\n         -> {finding.advice}" if finding.advice else ""
    return printable(f"{finding.status.value:<8} {finding.subject}: {finding.detail}{advice}")


@directory_commands.command(
    short_help="Print the schema of OCS 2007 as LDIF.",
    epilog="""\b
Examples:
  mpfctl directory schema > ocs.ldif
  mpfctl directory schema "DC=Fabrikam,DC=Com" > ocs.ldif
""",
)
@click.argument("root", required=False)
def schema(root: str | None) -> None:
    """Print the schema of Office Communications Server 2007 as LDIF, for a server that does not have it.

    ROOT is the forest's root domain; if not given, the configured domain. A schema master takes the LDIF with
    `ldifde -i -f FILE`, a stopped Samba part by part with `ldbmodify`. Identifiers that are not publicly known are from the
    arc that is reserved for examples.
    """
    click.echo(complete_ldif(_parse(root) if root is not None else _directory().base), nl=False)


directory_commands.add_command(rights)


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
