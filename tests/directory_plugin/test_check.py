"""``mpfctl directory check``: what it says of a seeded directory, and of one in which something is missing.

On a real server, with rights and certificates: tests/samba/test_check.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mpf_core.cli import cli
from mpf_core.errors import Code, MpfError
from mpf_directory.check import Answer, Finding, Ground, Question, Status, ask
from mpf_directory.check_forest import forest
from mpf_directory.check_schema import schema
from mpf_directory.commands import QUESTIONS
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.ocs_schema import ocs_schema
from mpf_directory.port import Entry, Modification, ModifyOp, Scope
from mpf_directory.settings import DirectorySettings
from tests.providers.ad_site import Directories

BASE = "DC=Fabrikam,DC=Com"
HOSTING = f"OU=Hosting,{BASE}"
ALPINE = f"OU=AlpineSkiHouse,OU=ConsolidatedMessenger,{HOSTING}"
RTC = f"CN=RTC Service,CN=Microsoft,CN=System,{BASE}"
USERS = f"CN=Users,{BASE}"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """``mpfctl`` in the folder of a trial."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MPF_CONFIG", raising=False)

    def _run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments, prog_name="mpfctl", catch_exceptions=False)

    assert _run("init").exit_code == 0
    return _run


@pytest.fixture
def directory(run: Run, tmp_path: Path) -> Iterator[EmbeddedDirectory]:
    with EmbeddedDirectory(tmp_path / "directory.db") as opened:
        yield opened


def remove(directory: EmbeddedDirectory, dn: str) -> None:
    """Delete an object and all below it."""
    found = directory.search(Dn.parse(dn), Scope.SUBTREE, Filter.present("objectClass"), ["objectClass"])
    for entry in sorted(found, key=lambda entry: -len(entry.dn.rdns)):
        directory.delete(entry.dn)


def repoint(directory: EmbeddedDirectory, guid: str, target: str | None) -> None:
    """Let a pointer of the customer lead somewhere else, or nowhere."""
    entry = directory.read(Dn.parse(ALPINE), ["otherWellKnownObjects"])
    assert entry is not None
    values = [value for value in entry.values("otherWellKnownObjects") if isinstance(value, str) and guid not in value]
    new = [f"B:32:{guid}:{target}"] if target else []
    directory.modify(Dn.parse(ALPINE), [Modification("otherWellKnownObjects", ModifyOp.REPLACE, (*values, *new))])


def snapshot(directory: EmbeddedDirectory) -> dict[str, object]:
    everything = directory.search(Dn.parse(BASE), Scope.SUBTREE, Filter.present("objectClass"))
    return {str(entry.dn): dict(entry.attributes) for entry in everything}


def test_a_seeded_directory_is_ready_and_stays_as_it_is(run: Run, directory: EmbeddedDirectory) -> None:
    before = snapshot(directory)
    result = run("directory", "check")
    assert result.exit_code == 0
    assert result.stdout.endswith("\nThe directory is ready.\n")
    assert "\nmissing " not in f"\n{result.stdout}"
    assert snapshot(directory) == before


def test_as_json(run: Run, directory: EmbeddedDirectory) -> None:
    remove(directory, f"CN=Pools,{RTC}")
    result = run("directory", "check", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["ready"] is False
    assert all(set(one) == {"status", "subject", "detail", "advice"} for one in document["findings"])
    (missing,) = [one for one in document["findings"] if one["status"] == "missing"]
    assert missing["subject"] == "RTC Service"
    assert missing["detail"] == f"there is no 'CN=Pools,{RTC}'"
    assert missing["advice"]


PRIVATE = f"CN=_Private,{HOSTING}"


@pytest.mark.parametrize(
    ("dn", "subject"),
    [
        (RTC, "RTC Service"),
        (f"CN=Policies,{RTC}", "RTC Service"),
        (f"CN=Global Settings,{RTC}", "RTC Service"),
        (HOSTING, "Hosting unit"),
        (f"CN=SIPDomainReservations,CN=Services,{PRIVATE}", "Hosting unit"),
        (f"CN=reseller,CN=WatOrgTypes,{PRIVATE}", "Hosting unit"),
        (f"CN=2000,CN=WatUIPermissions,{PRIVATE}", "Hosting unit"),
        (f"CN=AllUsersGroup,{PRIVATE}", "Hosting unit"),
        (f"CN=Services,CN=_Private,{ALPINE}", "organizations"),
        (f"CN=Admins@AlpineSkiHouse,{ALPINE}", "organizations"),
        (f"CN=CSRAdmins@AlpineSkiHouse,{ALPINE}", "organizations"),
    ],
)
def test_what_is_missing(run: Run, directory: EmbeddedDirectory, dn: str, subject: str) -> None:
    remove(directory, dn)
    result = run("directory", "check")
    assert result.exit_code == 1
    missing = [line for line in result.stdout.splitlines() if line.startswith("missing ")]
    assert any(line.startswith(f"missing  {subject}: ") for line in missing), result.stdout
    assert result.stdout.count("->") >= len(missing)
    assert result.stdout.endswith("\nThe directory is not ready.\n")


@pytest.mark.parametrize("dn", [f"CN=pool01,CN=Pools,{RTC}"])
def test_a_pool_is_enough_and_none_is_not(run: Run, directory: EmbeddedDirectory, dn: str) -> None:
    remove(directory, dn)
    assert "1 pools can be homes of users" in run("directory", "check").stdout
    remove(directory, f"CN=pool02,CN=Pools,{RTC}")
    result = run("directory", "check")
    assert result.exit_code == 1
    assert "missing  pools: " in result.stdout


@pytest.mark.parametrize(
    ("guid", "target", "text"),
    [
        ("65F37ECB46704F0E9300E1FB48E1096E", None, "has no otherWellKnownObjects entry USER_CREATORS"),
        ("58888CFC8F7F430C8183102CD5758D81", None, "has no otherWellKnownObjects entry OWNING_ORG"),
        ("CC016CF08DEF4EA4A05C9C54B198785A", HOSTING, f"says that it is '{HOSTING}'"),
    ],
)
def test_pointers(run: Run, directory: EmbeddedDirectory, guid: str, target: str | None, text: str) -> None:
    repoint(directory, guid, target)
    result = run("directory", "check")
    assert result.exit_code == 1
    assert f"missing  organizations: '{ALPINE}' {text}" in result.stdout
    assert "ok       organizations: 4 have" in result.stdout


@pytest.mark.parametrize(
    ("dn", "text"),
    [
        (f"CN=MPFAdmins,{USERS}", "framework: there is no"),
        (f"CN=RTCUniversalServerAdmins,{USERS}", "RTC groups: there is no group"),
    ],
)
def test_what_nobody_needs_is_a_warning(run: Run, directory: EmbeddedDirectory, dn: str, text: str) -> None:
    remove(directory, dn)
    result = run("directory", "check")
    assert result.exit_code == 0
    assert f"warning  {text}" in result.stdout


def test_a_group_that_was_moved_counts(run: Run, directory: EmbeddedDirectory) -> None:
    directory.rename(Dn.parse(f"CN=RTCUniversalServerAdmins,{USERS}"), Dn.parse(f"CN=RTCUniversalServerAdmins,{BASE}"))
    assert "ok       RTC groups: " in run("directory", "check").stdout


def test_a_unit_where_an_organization_would_be(run: Run, directory: EmbeddedDirectory) -> None:
    for dn in (f"OU=Fabrikam,{HOSTING}", f"OU=Sales,{ALPINE}"):
        directory.add(Dn.parse(dn), {"objectClass": ["organizationalUnit"]})
    result = run("directory", "check")
    assert result.exit_code == 0
    assert f"warning  organizations: 'OU=Fabrikam,{HOSTING}' has no pointers of an organization" in result.stdout
    assert "OU=Sales" not in result.stdout


def test_an_empty_domain(run: Run, tmp_path: Path) -> None:
    (tmp_path / "directory.db").unlink()
    EmbeddedDirectory.create(tmp_path / "directory.db").close()
    result = run("directory", "check")
    assert result.exit_code == 1
    missing = {line.split(":")[0].split("  ", 1)[1] for line in result.stdout.splitlines() if line.startswith("missing ")}
    assert missing == {"RTC Service", "Hosting unit"}


def test_a_directory_that_is_away(run: Run, tmp_path: Path) -> None:
    (tmp_path / "directory.db").unlink()
    result = run("directory", "check", "--json")
    assert result.exit_code == 1
    (only,) = json.loads(result.stdout)["findings"]
    assert (only["status"], only["subject"]) == ("missing", "connection")


def test_a_question_that_the_directory_refuses_to_answer_does_not_stop_the_others(directory: EmbeddedDirectory) -> None:
    def refused(_: Ground) -> Answer:
        yield Finding(Status.OK, "one", "this")
        raise MpfError(Code.E_ACCESSDENIED, "not for you")

    def answered(_: Ground) -> Answer:
        yield Finding(Status.OK, "two", "that")

    ground = Ground(Directories(directory), DirectorySettings())
    questions = [Question("one", refused), Question("two", answered)]
    assert [one.status for one in ask(ground, questions)] == [Status.OK, Status.MISSING, Status.OK]
    questions[0] = Question("one", refused, first=True)
    found = list(ask(ground, questions))
    assert [one.status for one in found] == [Status.OK, Status.MISSING]
    assert "not for you" in found[1].detail


class Server:
    """The schema of a server, as far as it is asked for: the extension without what a test leaves out."""

    has_acls = True
    base = Dn.parse(BASE)

    def __init__(self, without: Sequence[str] = (), *, contained: bool = True) -> None:
        text = "".join(part.ldif for part in ocs_schema(self.base))
        self.names = [line.split(": ")[1] for line in text.splitlines() if line.startswith("lDAPDisplayName: ")]
        self.names = [name for name in self.names if name not in without]
        self.contained = contained

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        if "lDAPDisplayName" in attributes:
            return iter([Entry(base, {"lDAPDisplayName": (name,)}) for name in self.names])
        if "user" in str(filter):
            may = ("auxiliary",) if self.contained else ()
            return iter([Entry(base, {"mayContain": ("info",), "systemAuxiliaryClass": may})])
        return iter([Entry(base, {"systemMayContain": tuple(self.names)})])


def of_schema(server: Server) -> list[Finding]:
    directories: Directories = Directories(server)  # type: ignore[arg-type]
    return list(schema(Ground(directories, DirectorySettings())))


def test_the_schema_of_a_server() -> None:
    assert {one.status for one in of_schema(Server())} == {Status.OK}
    needed, other = of_schema(Server(["msRTCSIP-PrimaryUserAddress", "msRTCSIP-TenantId"]))[:2]
    assert (needed.status, needed.detail) == (Status.MISSING, "the schema has no msRTCSIP-PrimaryUserAddress")
    assert (other.status, other.detail) == (Status.WARNING, "the schema has no msRTCSIP-TenantId")
    last = of_schema(Server(contained=False))[-1]
    assert last.status is Status.MISSING
    assert last.detail.startswith("users may not have msRTCSIP-PrimaryUserAddress, ")


class Partitions:
    """A server with these domains in its forest; ``None``: the forest's root is another domain."""

    has_acls = True
    base = Dn.parse(BASE)

    def __init__(self, domains: Sequence[str] | None) -> None:
        self.domains = domains

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        assert str(base) == f"CN=Partitions,CN=Configuration,{BASE}"
        assert scope is Scope.ONE_LEVEL
        if self.domains is None:
            raise MpfError(Code.NO_SUCH_OBJECT, "no such object")
        return iter([Entry(base, {"nCName": (name,)}) for name in self.domains])


@pytest.mark.parametrize(
    ("domains", "status", "text"),
    [
        ([BASE], Status.OK, "one domain"),
        ([BASE, f"DC=emea,{BASE}"], Status.WARNING, f"the forest has 2 domains: '{BASE}', 'DC=emea,{BASE}'"),
        (None, Status.WARNING, f"'{BASE}' is not the root of its forest"),
    ],
)
def test_a_forest_of_several_domains_is_a_warning(domains: Sequence[str] | None, status: Status, text: str) -> None:
    directories: Directories = Directories(Partitions(domains))  # type: ignore[arg-type]
    settings = DirectorySettings(backend="ldap", base=BASE, server="AD01.Fabrikam.com", service_account="svc")
    (only,) = forest(Ground(directories, settings))
    assert (only.status, text in only.detail) == (status, True)
    assert ("global catalogue" in only.advice) == (status is Status.WARNING)


def test_every_question_has_a_subject_of_its_own() -> None:
    assert len({question.subject for question in QUESTIONS}) == len(QUESTIONS)
    assert [question.first for question in QUESTIONS].index(True) == 0


@pytest.mark.parametrize("command", ["check", "schema", "show", "export"])
def test_help(run: Run, command: str) -> None:
    assert f"mpfctl directory {command}" in run("directory", command, "--help").output.partition("Examples:")[2]
    assert "..." not in run("directory", "--help").output.partition("Commands:")[2]  # no sentence is cut


def test_the_schema_is_printed(run: Run) -> None:
    ours = run("directory", "schema").stdout
    assert "dn: CN=ms-RTC-SIP-PrimaryUserAddress,CN=Schema,CN=Configuration,DC=Fabrikam,DC=Com\n" in ours
    assert "schemaUpdateNow: 1" in ours
    other = run("directory", "schema", "DC=litware,DC=com").stdout
    assert other == ours.replace("DC=Fabrikam,DC=Com", "DC=litware,DC=com")
