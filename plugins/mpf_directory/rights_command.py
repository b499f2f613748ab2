"""``mpfctl directory rights``: the commands that give the service account what it needs, or doing it at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

import click

from mpf_core.cli.callers import needs as needs_permission
from mpf_core.errors import MpfError
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials
from mpf_core.settings import parse_settings
from mpf_directory.account_names import domain_name
from mpf_directory.acl_change import descriptors_of
from mpf_directory.acl_trustees import sid_of
from mpf_directory.check import Ground, pointers
from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.port import Directories, Directory
from mpf_directory.rights import Need, Place
from mpf_directory.rights_administrators import needs_of
from mpf_directory.rights_entries import Entries
from mpf_directory.rights_table import also as also_write
from mpf_directory.rights_table import needed
from mpf_directory.rights_text import Recipient, powershell, shell
from mpf_directory.settings import DirectorySettings
from mpf_directory.sids import sid_to_text

_FORMS = {"windows": powershell, "samba": shell}


@click.command(
    short_help="Print the least rights that are needed.",
    epilog="""\b
Examples:
  mpfctl directory rights > rights.ps1
  mpfctl directory rights --for samba > rights.sh
  mpfctl directory rights --organizations --apply --admin "FABRIKAM\\Administrator"
  mpfctl directory rights --also user:employeeID --json | jq '.accounts[].needs[].why'

\b
--json: {"accounts": [{"account": ..., "needs": [{"why": ..., "procedures": [...], "rights": [...]}]}]}, rights in words
""",
)
@click.option("--account", metavar="NAME", help="Who gets them: DOMAIN\\name, a path or a SID; else the service account.")
@click.option("--organizations", is_flag=True, help="And what the administrators of each organization may do and may not.")
@click.option("--for", "form", type=click.Choice(sorted(_FORMS)), default="windows", help="Commands of which tools.")
@click.option(
    "--impersonation",
    type=click.Choice(["bind", "policy"]),
    help="With policy, the account acts for callers, too; else as configured.",
)
@click.option("--also", multiple=True, metavar="CLASS:ATTRIBUTE", help="Another attribute that procedures may write.")
@click.option("--apply", "apply", is_flag=True, help="Do it now; the administrator's password is asked for.")
@click.option("--admin", metavar="NAME", help="The administrator that --apply is done as: DOMAIN\\name or name@domain.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
@needs_permission("administration")
def rights(
    ctx: click.Context,
    *,
    account: str | None,
    organizations: bool,
    form: str,
    impersonation: str | None,
    also: tuple[str, ...],
    apply: bool,
    admin: str | None,
    as_json: bool,
) -> None:
    """Print commands that give the service account the rights that the shipped procedures need, and no others.

    Each comes with its reason and the procedures that need it. An administrator of the domain runs them, or lets --apply put
    the entries that are missing into the access control lists. `mpfctl directory check` says what is missing.
    """
    if apply != (admin is not None):
        raise click.UsageError("--apply and --admin belong together.")
    if apply and as_json:
        raise click.UsageError("--json prints the rights, and --apply gives them: take one of them.")
    engine = ctx.obj.engine
    settings = parse_settings(DirectorySettings, engine.config.plugins.settings("mpf.directory"), "directory")
    directories: Directories = engine.services.get(Directories)
    needs = _needs((impersonation or settings.impersonation) == "policy", also)
    try:
        directory = directories.service()
        descriptors_of(directory)
        # An administrator writes with the own eyes: the service account may not see the lists.
        bound = _bound(directories, admin) if admin is not None else directory
        sid = sid_of(directory, account, None) if account else _own_sid(directory)
        recipients = [Recipient(_name(directory, sid), Entries(bound, sid), needs)]
        if organizations:
            recipients += _administrators(Ground(directories, settings), bound)
        if as_json:
            click.echo(json.dumps({"accounts": list(map(_shown, recipients))}, indent=2))
        elif apply:
            _give(bound, recipients)
        else:
            parked = Place.PARKED.find(directory)
            missing = directory.read(parked, ["objectClass"]) is None
            for line in _FORMS[form](recipients, parked if missing else None):
                click.echo(line)
    except MpfError as error:
        raise click.ClickException(error.description) from error


def _administrators(ground: Ground, bound: Directory) -> Iterator[Recipient]:
    """The administrators of each organization that says who they are."""
    for organization in ground.organizations:
        group = pointers(organization).get(WellKnown.USER_CREATORS.value)
        entry = ground.directory.read(group, ["objectSid"]) if group is not None else None
        octets = entry.octets("objectSid") if entry is not None else None
        if octets is not None:
            sid = sid_to_text(octets)
            yield Recipient(_name(ground.directory, sid), Entries(bound, sid), needs_of(organization.dn))


def _needs(policy: bool, also: Iterable[str]) -> list[Need]:
    try:
        more = tuple(map(also_write, also))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--also") from error
    given = Need("take back what is written besides", ("ModifyUser", "ModifyOrganization"), more)
    return [*needed(policy=policy), *([given] if more else [])]


def _own_sid(directory: Directory) -> str:
    """The SID of the account that is bound: the only one of an account among those that it acts under."""
    for sid in sorted(descriptors_of(directory).account_sids()):
        entry = directory.read(Dn.by_sid(sid), ["objectClass"]) if sid.startswith("S-1-5-21-") else None
        if entry is not None and "user" in entry.values("objectClass"):
            return sid
    raise click.UsageError("The directory does not say which account is bound: name it with --account.")


def _name(directory: Directory, sid: str) -> str:
    entry = directory.read(Dn.by_sid(sid), ["sAMAccountName"])
    account = entry.text("sAMAccountName") if entry is not None else None
    return f"{domain_name(directory)}\\{account}" if account else sid


def _shown(recipient: Recipient) -> dict[str, object]:
    needs = [
        {"why": need.why, "procedures": list(need.procedures), "rights": list(map(str, need.rights))}
        for need in recipient.needs
    ]
    return {"account": recipient.name, "needs": needs}


def _bound(directories: Directories, admin: str) -> Directory:
    domain, backslash, name = admin.rpartition("\\")
    credentials = Credentials(name if backslash else admin, _password(admin), domain)
    return directories.open(Identity(IdentityKind.BASIC, admin, credentials=credentials))


def _password(admin: str) -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt(f"Password of {admin}", hide_input=True)
        return asked
    password = sys.stdin.read().rstrip("\r\n")
    if not password:
        raise click.UsageError("There is no password on standard input.")
    return password


def _give(bound: Directory, recipients: Iterable[Recipient]) -> None:
    parked = Place.PARKED.find(bound)
    if bound.read(parked, ["objectClass"]) is None:
        bound.add(parked, {"objectClass": ["organizationalUnit"]})
        click.echo(f"Created '{parked}'.")
    for recipient in recipients:
        for dn, came in recipient.entries.give(right for need in recipient.needs for right in need.rights).items():
            done = f"{came} entries for {recipient.name} added" if came else f"{recipient.name} has all entries already"
            click.echo(f"'{dn}': {done}.")
