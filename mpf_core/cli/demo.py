"""``mpfctl demo``: the main path in one go, on an embedded directory of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from mpf_core.cli import snapshot
from mpf_core.cli.callers import system_user
from mpf_core.cli.console import coloured, indented, out, rollback_text
from mpf_core.cli.init import create
from mpf_core.cli.samples import request_for
from mpf_core.engine import Engine
from mpf_core.errors import Code, format_hresult
from mpf_core.security.principal import Caller

OCS = "Managed Office Communications Server"
DC = "AD01.Fabrikam.com"
CUSTOMER = "LDAP://OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
OTHER_CUSTOMER = "LDAP://OU=FourthCoffee,OU=Litware,OU=Hosting,DC=Fabrikam,DC=Com"
USER = "LDAP://CN=Johnc@AlpineSkiHouse.com,OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
ADMIN = "admin@alpineskihouse.com"
DOMAIN_ADMIN = "Administrator@fabrikam.com"


@dataclass(frozen=True, slots=True)
class Act:
    """One request of the demo: what it shows, who sends it, the calls it makes, and the error that must come of it."""

    title: str
    caller: str
    calls: tuple[tuple[str, Mapping[str, str]], ...]
    error: Code | None = None

    @property
    def request(self) -> bytes:
        """The request document."""
        domain_controller = {"preferredDomainController": DC}
        return request_for([(OCS, procedure, {**arguments, **domain_controller}) for procedure, arguments in self.calls])


ACTS = (
    Act(
        "The customer's administrator creates a SIP domain for AlpineSkiHouse",
        ADMIN,
        (("CreateSipDomain", {"organization": CUSTOMER, "address": "alpineskihouse.com"}),),
    ),
    Act(
        "A pool is assigned to the organization",
        ADMIN,
        (("SetPoolAssignment", {"organization": CUSTOMER, "poolFQDN": "pool01.fabrikam.com"}),),
    ),
    Act("Which pool is it?", ADMIN, (("GetPoolAssignment", {"organization": CUSTOMER}),)),
    Act(
        "Which SIP domains may the organization use?", ADMIN, (("GetSipDomainsByOrganization", {"organization": CUSTOMER}),)
    ),
    Act(
        "A user is enabled; no homeServerDN is given, so the organization's pool becomes the home",
        ADMIN,
        (("CreateSipUser", {"user": USER, "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}),),
    ),
    Act("What the directory has about the user now", ADMIN, (("GetSipUserProperties", {"user": USER}),)),
    Act(
        "Three steps in one request. The third fails, because litwareinc.com is no SIP domain of AlpineSkiHouse's",
        DOMAIN_ADMIN,
        (
            ("CreateSipDomain", {"organization": CUSTOMER, "address": "chat.alpineskihouse.com"}),
            ("SetPoolAssignment", {"organization": CUSTOMER, "poolFQDN": "pool02.fabrikam.com"}),
            ("SetSipUserProperties", {"user": USER, "primaryURI": "sip:johnc@litwareinc.com"}),
        ),
        Code.INVALID_OPERATION,
    ),
    Act(
        "The customer's administrator reaches for another customer, and is refused",
        ADMIN,
        (("CreateSipDomain", {"organization": OTHER_CUSTOMER, "address": "stolen.alpineskihouse.com"}),),
        Code.E_ACCESSDENIED,
    ),
)


@click.command(
    short_help="See it work: provision a SIP user in a temporary folder.",
    epilog="""\b
Examples:
  mpfctl demo
  mpfctl demo demo --force      keep what it made in ./demo
""",
)
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the files in FOLDER.")
@click.pass_context
def demo(ctx: click.Context, folder: Path | None, force: bool) -> None:
    """Provision a SIP domain, a pool assignment and a SIP user, and watch a request that fails leave nothing behind.

    Works in a temporary folder, or in FOLDER, which then stays.
    """
    console = out()
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mpf-demo-")))
        config = create(place, force=force)
        console.print(f"Made a directory with two resellers and their customers in {place}.", soft_wrap=True)
        engine = stack.enter_context(Engine.from_config(config))
        surprises = [act.title for number, act in enumerate(ACTS, 1) if not _play(console, engine, act, number)]
    console.print()
    if folder is not None:
        console.print(f"Go on by yourself: mpfctl --config {config} namespaces", soft_wrap=True)
    if surprises:
        console.print(Text(f"Not as expected: {'; '.join(surprises)}.", "red"), soft_wrap=True)
        ctx.exit(1)
    console.print(f"All {len(ACTS)} requests ended as they should.")


def _play(console: Console, engine: Engine, act: Act, number: int) -> bool:
    """Send one request, print all about it, and say whether it ended as it should."""
    console.print(Text(f"\n=== {number}. {act.title}", "bold"), soft_wrap=True)
    console.print(f"\nRequest of {act.caller}:", soft_wrap=True)
    for procedure, arguments in act.calls:
        console.print(f"  {OCS}::{procedure}", soft_wrap=True)
        for name, value in arguments.items():
            console.print(f"      {name} = {value}", soft_wrap=True)
    before = snapshot.take(engine) if act.error else None
    result = engine.execute(act.request, Caller(act.caller, asserted_by=system_user()))
    console.print("\nResponse:")
    console.print(coloured(indented(result.document)), soft_wrap=True)
    code = result.error.code if result.error else None
    as_expected = code == act.error
    if before is not None:
        after = snapshot.take(engine)
        as_expected = as_expected and after == before
        _show_proof(console, rollback_text(result), before, after)
    if not as_expected:
        wanted = format_hresult(act.error) if act.error else "success"
        console.print(Text(f"Expected: {wanted}.", "red"))
    return as_expected


def _show_proof(console: Console, rollback: str, before: snapshot.Snapshot, after: snapshot.Snapshot) -> None:
    console.print(f"\n{rollback}")
    console.print(f"The whole directory before: {before}")
    console.print(f"The whole directory after:  {after}")
    if before == after:
        console.print(Text("Nothing is left behind: both are the same, value by value (times of change aside).", "green"))
        return
    console.print(Text("These values differ:", "red"))
    for line in snapshot.differences(before, after):
        console.print(f"  {line}", soft_wrap=True)
