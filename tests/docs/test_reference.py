"""The reference: everything is said, every sample runs, and the pages say what the definitions say."""

from __future__ import annotations

import copy
import inspect
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import click
import pytest
from lxml import etree

import mpf_core
import mpf_core.testing
import mpf_pytest
from mpf_core import hookspecs
from mpf_core.cli import cli
from mpf_core.cli.samples import arguments_of
from mpf_core.config import EngineSettings
from mpf_core.engine import Engine
from mpf_core.errors import Code
from mpf_core.model import Access, Procedure
from scripts.write_reference import samples, site, stages
from scripts.write_reference.book import Book
from scripts.write_reference.completeness import missing, unlike
from scripts.write_reference.errors import errors_of
from scripts.write_reference.provided import PROVIDED
from scripts.write_reference.samples import Sample, SampleError
from scripts.write_reference.stages import Stage
from tests.differential.failures import FAILURES, Failure
from tests.kills.requests import PREFERRED
from tests.namespaces.support import OCS, make_site

pytestmark = pytest.mark.slow

SECTIONS = ["Arguments", "Output", "Roles and rules", "Calls", "Errors", "Undo", "Sample"]
_LINK = re.compile(r"\]\(([^)#\s]+)")


@dataclass(frozen=True)
class Reference:
    """Everything, made once: ``failed`` are the samples that did not run."""

    engine: Engine
    book: Book
    samples: Mapping[str, Sample]
    failed: tuple[str, ...]
    pages: Mapping[str, str]

    def procedure(self, name: str, namespace: str = OCS) -> Procedure:
        """A procedure that is loaded."""
        return self.engine.namespaces[namespace].procedures[name]

    def page(self, name: str, namespace: str = OCS) -> str:
        """The page of a procedure."""
        return self.pages[self.book.addresses[namespace, name]]

    def section(self, title: str, name: str, namespace: str = OCS) -> str:
        """One section of the page of a procedure."""
        page = self.page(name, namespace)
        return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def reference() -> Iterator[Reference]:
    made: dict[str, Sample] = {}
    failed = []
    with samples.stage_set(), make_site() as own:
        book = Book.of(own.engine.namespaces)
        for procedure in book.procedures():
            try:
                made[procedure.full_name] = samples.run(procedure)
            except SampleError as error:
                failed.append(str(error))
        nothing = Sample("<request/>", "<response/>")
        pages = dict(site.pages(own.engine, lambda one: made.get(one.full_name, nothing)))
        yield Reference(own.engine, book, made, tuple(failed), pages)


def test_everything_is_said(reference: Reference) -> None:
    assert [gap for procedure in reference.book.procedures() for gap in missing(procedure)] == []


def test_what_is_not_said_is_found(reference: Reference) -> None:
    whole = reference.procedure("GetSharedPools")
    assert whole.input_schema
    assert whole.output_schema
    assert list(missing(replace(whole, description=""))) == [f"{OCS}::GetSharedPools: description"]
    assert list(missing(replace(whole, input_schema=None))) == [f"{OCS}::GetSharedPools: inputSchema and outputSchema"]
    schema = copy.copy(whole.input_schema)
    first, second, *others = schema.arguments
    schema.arguments = (replace(first, documentation=""), replace(second, example=""), *others)
    schema.category = None
    assert list(missing(replace(whole, input_schema=schema))) == [
        f"{OCS}::GetSharedPools: category",
        f"{OCS}::GetSharedPools: argument preferredDomainController: documentation",
        f"{OCS}::GetSharedPools: argument poolFQDN: example",
    ]
    output = copy.copy(whole.output_schema)
    (pools,) = output.arguments
    (pool,) = pools.children
    output.arguments = (replace(pools, children=(replace(pool, documentation=""),)),)
    assert list(missing(replace(whole, output_schema=output))) == [
        f"{OCS}::GetSharedPools: output pools/ pool: documentation"
    ]


def test_every_sample_runs(reference: Reference) -> None:
    assert reference.failed == ()
    assert len(reference.samples) == len(list(reference.book.procedures())) > 100


def test_samples_that_end_with_an_error_are_about_errors(reference: Reference) -> None:
    ended = {name: sample.error.code for name, sample in reference.samples.items() if sample.error}
    assert ended == {
        "Error Provider::SetError": Code.INVALID_OPERATION,
        "Error Provider::TranslateProvisioningError": Code.OBJECT_ALREADY_EXISTS,
        "Error Provider::TranslateUserError": Code.OBJECT_ALREADY_EXISTS,
    }


def test_every_stage_is_of_a_procedure_and_needed(reference: Reference) -> None:
    assert stages.STAGES.keys() <= reference.book.addresses.keys()
    different = {name for name, stage in stages.STAGES.items() if stage.arguments or stage.without or stage.request}
    assert len(different) <= 11, "examples of schemas are wrong: correct them, not the samples"


def test_what_a_sample_returns_fits_the_output_schema(reference: Reference) -> None:
    returned = 0
    for procedure in reference.book.procedures():
        sample = reference.samples[procedure.full_name]
        if sample.error is None:
            output = answered(procedure, sample)
            assert procedure.output_schema
            procedure.output_schema.check(output)
            returned += len(output) > 0
    assert returned > 50


def test_examples_of_outputs_are_what_the_sample_returns(reference: Reference) -> None:
    wrong = []
    for procedure in reference.book.procedures():
        sample = reference.samples[procedure.full_name]
        if sample.error is None and procedure.output_schema:
            found = unlike(procedure.output_schema.arguments, [answered(procedure, sample)])
            wrong += [f"{procedure.full_name}: {one}" for one in found]
    assert wrong == []


def test_an_example_that_is_not_true_is_found(reference: Reference) -> None:
    procedure = reference.procedure("GetPoolProperties")
    assert procedure.output_schema
    arguments = [replace(one, example="HomeServer") for one in procedure.output_schema.arguments if one.name == "poolType"]
    answer = answered(procedure, reference.samples[procedure.full_name])
    assert list(unlike(arguments, [answer])) == ["poolType: 'HomeServer'"]


def answered(procedure: Procedure, sample: Sample) -> etree._Element:
    """What was returned besides what was given: a provider, or what stands in for one, answers behind that."""
    data = etree.fromstring(sample.response).find("data")
    assert data is not None
    assert procedure.output_schema
    data.tag = "executeData"
    if procedure.is_provided or procedure.namespace == PREFERRED:
        outputs = {one.name for one in procedure.output_schema.arguments}
        for given in etree.fromstring(sample.request).iterfind("data/*"):
            found = data.findall(given.tag)
            if given.tag not in outputs or len(found) > 1:
                data.remove(found[0])
    return data


def test_every_procedure_that_always_returns_something_shows_it(reference: Reference) -> None:
    for procedure in reference.book.procedures():
        sample = reference.samples[procedure.full_name]
        if sample.error is None and procedure.output_schema:
            response = etree.fromstring(sample.response)
            for one in procedure.output_schema.arguments:
                if one.required:
                    assert response.find(f"data/{one.name}") is not None, f"{procedure.full_name}: {one.name}"


def test_samples_are_the_same_every_time(reference: Reference) -> None:
    names = ("CreateSipUser", "GetPoolProperties", "AddSharedPool", "GetSipUserProperties")
    chosen = [reference.procedure(name) for name in names]
    chosen += [reference.procedure("GetGlobalSipDomains", "Managed Office Communications Server Extensions")]
    with samples.stage_set():
        for procedure in chosen:
            assert samples.run(procedure) == reference.samples[procedure.full_name]
    assert "{guid}" in reference.samples[f"{OCS}::GetPoolProperties"].response


def test_no_generated_id_is_on_a_page(reference: Reference) -> None:
    written = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-|S-1-5-21-\d")
    assert {name for name, sample in reference.samples.items() if written.search(sample.response)} == set()


def test_a_sample_that_fails_is_no_sample(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    procedure = reference.procedure("GetSipUserProperties")
    name = (procedure.namespace, procedure.name)
    for stage, words in (
        (Stage(), "is no user of Office Communications Server"),
        (Stage(arguments={"nobody": "1"}), "stages.py names nobody, which are no arguments"),
        (Stage(("<execute namespace='Nothing' procedure='Do'/>",)), "before it, "),
        (replace(stages.STAGES[name], fails=Code.E_FAIL), "no error; say what it needs"),
    ):
        monkeypatch.setattr(samples, "STAGES", {name: stage})
        with pytest.raises(SampleError, match=re.escape(words)):
            samples.run(procedure)


def test_there_is_a_page_for_each_procedure_and_namespace(reference: Reference) -> None:
    addresses = set(reference.book.addresses.values())
    assert len({address.lower() for address in addresses}) == len(list(reference.book.procedures()))
    assert addresses < reference.pages.keys()
    for name, space in reference.engine.namespaces.items():
        folder = posixpath.dirname(next(iter(reference.book.addresses[name, one] for one in space.procedures)))
        index = reference.pages[f"{folder}/index.md"]
        for one in space.procedures:
            assert f"]({posixpath.basename(reference.book.addresses[name, one])})" in index
        assert f"]({folder}/index.md)" in reference.pages["index.md"]


def test_all_pages_are_built_alike(reference: Reference) -> None:
    for procedure in reference.book.procedures():
        page = reference.page(procedure.name, procedure.namespace)
        assert re.findall(r"^## (.*)$", page, re.MULTILINE) == SECTIONS
        assert "\n## Calls\n\n```mermaid\nflowchart TD\n" in page


def test_arguments_stand_in_their_documented_order(reference: Reference) -> None:
    for procedure in reference.book.procedures():
        rows = re.findall(
            r"^\| `(\w+)` \|", reference.section("Arguments", procedure.name, procedure.namespace), re.MULTILINE
        )
        assert rows == [one.name for one in arguments_of(procedure)]


def test_a_page_says_what_its_definition_says(reference: Reference) -> None:
    page = reference.page("CreateSipUser")
    for words in ("# CreateSipUser\n", "- Category: SIP users\n", "- Access: public\n", "- Type: write\n"):
        assert words in page
    assert "- Minimum role: UserCreators\n" in page
    assert (
        "| `primaryURI` | string<br>up to 454 characters, like `[Ss][Ii][Pp]:[^@\\s]+@[^@\\s]+` | yes | The user's SIP address"
        in reference.section("Arguments", "CreateSipUser")
    )
    rules = reference.section("Roles and rules", "CreateSipUser")
    assert "- `user`: the caller needs the role UserCreators over this object.\n" in rules
    assert "- `primaryURI`: the address's domain belongs to the user's organization or its parent.\n" in rules
    assert "as the service account. Enabling a user for Office Communications Server needs the rights of" in rules
    errors = reference.section("Errors", "CreateSipUser")
    assert (
        "| `0x80131509` | INVALID_OPERATION | No home server was given and no pool is assigned to the organization" in errors
    )
    assert "| itself |" in errors
    assert "(ValidateSipDomainOwnership.md) |" in errors
    sent = reference.section("Sample", "CreateSipUser")
    assert "Called before it: [Managed Office Communications Server::CreateSipDomain](CreateSipDomain.md)" in sent
    assert "<primaryURI>sip:johnc@alpineskihouse.com</primaryURI>" in sent
    assert "```xml\n<response>\n  <data/>\n</response>\n```" in sent


def test_outputs_are_nested(reference: Reference) -> None:
    rows = re.findall(r"^\| (\S+) \|", reference.section("Output", "GetSharedPools"), re.MULTILINE)
    assert rows[:4] == ["output", "`pools`", "&emsp;`pool`", "&emsp;&emsp;`poolFQDN`"]


def test_an_error_that_is_caught_is_not_listed(reference: Reference) -> None:
    assert "exists already" in reference.section("Errors", "CreateServicePointer_", "Managed Helpers")
    assert "exists already" in reference.section("Errors", "CreateSipDomain")
    assert "exists already" not in reference.section("Errors", "AddSharedPool")


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_every_failure_of_the_suites_is_on_its_page(reference: Reference, failure: Failure) -> None:
    procedure = reference.procedure(failure.ask.procedure, failure.ask.namespace)
    wanted = f"{failure.refusal.code:#010x}"
    found = [one for one in errors_of(procedure, reference.book) if one.code == wanted]
    assert [one for one in found if one.pattern.fullmatch(failure.refusal.text) or not failure.refusal.text], found
    assert f"`{wanted}`" in reference.section("Errors", failure.ask.procedure, failure.ask.namespace)


def test_every_role_is_refused_on_a_page_in_its_own_words(reference: Reference) -> None:
    def texts(name: str) -> str:
        return "\n".join(f"{one.code} {one.text} {one.when}" for one in errors_of(reference.procedure(name), reference.book))

    assert "0x80070057 Insufficient Privilege! Not Domain Administrator. the caller is no" in texts("GetPools")
    customers = texts("SetPoolAssignment")
    assert "0x80070005 Access denied: {reason} the caller does not hold UserCreators over what" in customers
    assert "the pool in poolFQDN is neither assigned" in customers
    assert "Insufficient Privilege" not in customers
    assert "0x80070057 The required argument {argument} was not supplied. a required" in customers
    assert "0x80070057 The argument '{argument}' cannot be null. a required" in customers


def test_errors_of_providers_are_those_of_procedures_that_are_loaded(reference: Reference) -> None:
    assert PROVIDED.keys() <= reference.book.addresses.keys()


def test_secrets_are_marked_and_shown_as_examples_only(reference: Reference) -> None:
    section = reference.section("Arguments", "SetUserPassword", "Managed Active Directory")
    assert re.search(r"^\| `newPassword` .*Secret: never in a log\.", section, re.MULTILINE)


def test_undo_is_said_by_type(reference: Reference) -> None:
    assert "nothing to undo" in reference.section("Undo", "GetPools")
    assert "/SetOtherWellKnownObject_.md) (write)" in reference.section("Undo", "SetPoolAssignment")
    provider = "Active Directory Provider"
    assert "the provider takes it back" in reference.section("Undo", "Create Object", provider)
    assert "done at commit only" not in reference.section("Undo", "Create Object", provider)
    assert "done at commit only" in reference.section("Undo", "Delete Object", provider)


def test_callers_are_named(reference: Reference) -> None:
    assert (
        "[Managed Office Communications Server::CreateSipUser](CreateSipUser.md)"
        in (reference.section("Calls", "ValidateSipDomainOwnership").partition("Called by: ")[2])
    )


def test_links_lead_to_pages(reference: Reference) -> None:
    known = {f"reference/{address}" for address in reference.pages} | {"errors.md", "stability.md"}
    for address, page in reference.pages.items():
        for target in _LINK.findall(re.sub(r"```.*?```|`[^`]*`", "", page, flags=re.DOTALL)):
            assert posixpath.normpath(posixpath.join("reference", posixpath.dirname(address), target)) in known, address


def test_tables_are_whole(reference: Reference) -> None:
    for address, page in reference.pages.items():
        columns = 0
        for line in re.sub(r"```.*?```", "", page, flags=re.DOTALL).splitlines():
            cells = re.sub(r"(`+).+?\1", "", line).count("|") if line.startswith("|") else 0
            assert not columns or not cells or cells == columns, f"{address}: {line}"
            columns = cells


def test_settings_commands_and_hooks_are_all_there(reference: Reference) -> None:
    settings = reference.pages["settings.md"]
    for key in EngineSettings.model_fields.keys() - {"limits"}:
        assert f"| `{key}` |" in settings.partition("## `[engine]`")[2].partition("\n## ")[0]
    for title in (
        "[engine.limits]",
        "[store]",
        "[security.permissions]",
        "[directory]",
        '[[plugins."mpf.policy".elevations]]',
    ):
        assert f"\n## `{title}`\n" in settings
    assert "| `verify` | true or false | `true` | False accepts any certificate: for a laboratory only. |" in settings
    assert "| `undo_wait` | number, at least 0 | `0.05` |" in settings
    assert isinstance(cli, click.Group)
    for command in cli.commands:
        assert f"\n## mpfctl {command}\n" in reference.pages["commands.md"]
    assert "\n## mpfctl directory check\n" in reference.pages["commands.md"]  # a plugin's
    assert "  -h, --help  " in reference.pages["commands.md"]  # as `mpfctl` itself says it, and goes on to take it
    hooks = [name for name, _ in inspect.getmembers(hookspecs, inspect.isfunction) if name.startswith("mpf_")]
    assert re.findall(r"^## (.*)$", reference.pages["hooks.md"], re.MULTILINE) == hooks


def test_every_public_name_is_there_with_what_it_is_for(reference: Reference) -> None:
    parts = re.split(r"^## (.*)$", reference.pages["api.md"], flags=re.MULTILINE)
    for module in (mpf_core, mpf_core.testing, mpf_pytest):
        names = dict(
            re.findall(r"^### (\w+)\n(.*?)(?=^###|\Z)", parts[parts.index(module.__name__) + 1], re.DOTALL | re.MULTILINE)
        )
        assert set(names) == set(module.__all__)
        assert [name for name, text in names.items() if len(text.split()) < 3 and name not in {"NO_CHANGE", "POINTS"}] == []
    assert "AsyncEngine.execute(self, request: bytes | str, caller: Caller, *" in reference.pages["api.md"]


def test_public_procedures_come_first(reference: Reference) -> None:
    index = reference.pages["Managed-Office-Communications-Server/index.md"]
    public, _, private = index.partition("## Private procedures")
    for name, one in reference.engine.namespaces[OCS].procedures.items():
        shown = f"]({name}.md)"
        assert (shown in public, shown in private) == (one.access is Access.PUBLIC, one.access is Access.PRIVATE)
