"""Who runs what: the caller nearly everything, the service account the listed calls, and nobody the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from mpf_core import hookimpl
from mpf_core.events import Event
from mpf_core.model import Execute
from mpf_core.security.calls import Call, Decision
from mpf_core.security.identity import IdentityKind, Impersonate
from mpf_directory.seed import share_pools
from mpf_managed import elevations
from tests.kills.requests import DC, request, step
from tests.kills.scenarios import SCENARIOS
from tests.namespaces.support import ALPINE, HOSTING, JOHN, OCS, Site, ldap, make_site

pytestmark = pytest.mark.slow

DOMAIN = {"organization": ldap(ALPINE), "address": "alpineskihouse.com"}
POOL = {"organization": ldap(ALPINE), "poolFQDN": "pool01.fabrikam.com"}
USER = {"user": ldap(JOHN), "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}
ALL = [
    ("CreateSipDomain", DOMAIN),
    ("GetSipDomainsByOrganization", {"organization": ldap(ALPINE)}),
    ("SetPoolAssignment", POOL),
    ("GetPoolAssignment", {"organization": ldap(ALPINE)}),
    ("CreateSipUser", USER),
    ("GetSipUserProperties", {"user": ldap(JOHN)}),
    ("SetSipUserProperties", {"user": ldap(JOHN), "enabled": "false"}),
    ("DeleteSipUser", {"user": ldap(JOHN)}),
    ("DeletePoolAssignment", {"organization": ldap(ALPINE)}),
    ("DeleteSipDomain", DOMAIN),
]


OF_OCS = [rule for rule in elevations() if rule["from"].startswith(f"{OCS}::")]
OTHERS = [rule for rule in elevations() if rule not in OF_OCS]
#: The procedure whose request makes the call, where that is not the calling one itself.
BY = {"CreateSamObject_": "CreateUser"}


@dataclass
class Recorder:
    """Remembers as whom every call ran, and every elevation."""

    name: str = "recorder"
    calls: list[tuple[str, str, IdentityKind, str]] = field(default_factory=list)
    elevated: set[tuple[object, object]] = field(default_factory=set)

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        self.calls.append((*call.edge, call.identity.kind, call.step))
        return Decision(True)

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        if event.name == "elevation":
            self.elevated.add((event.fields["from"], event.fields["to"]))


def steps_with(site: Site, impersonate: Impersonate) -> list[str]:
    """Every step that turns impersonation off, or on, as it stands in the path of a call: ``From/execute[3]/To``."""
    return [
        f"{procedure.full_name}/{step.label}/{step.namespace}::{step.procedure}"
        for namespace in site.engine.namespaces.values()
        for procedure in namespace.procedures.values()
        for step in procedure.steps
        if isinstance(step, Execute) and step.impersonate is impersonate
    ]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def watched(recorder: Recorder) -> Iterator[Site]:
    with make_site(recorder) as made:
        share_pools(made.directory)
        yield made


def test_only_the_listed_calls_run_as_the_service_account(watched: Site, recorder: Recorder) -> None:
    for procedure, arguments in ALL:
        watched.succeed(procedure, **arguments)
    off, on = (steps_with(watched, impersonate) for impersonate in (Impersonate.OFF, Impersonate.ON))
    for _, called, kind, path in recorder.calls:
        # The innermost one counts: what is called from there runs as the caller again, or as the service account.
        elevated, again = (max((f"{path}/{called}".rfind(edge) for edge in edges), default=-1) for edges in (off, on))
        assert kind is (IdentityKind.SERVICE if elevated > again else IdentityKind.CALLER), f"{path}/{called}"
    assert recorder.elevated == {(rule["from"], rule["to"]) for rule in OF_OCS}


@pytest.mark.parametrize("missing", OF_OCS, ids=lambda rule: rule["from"] + " to " + rule["to"])
def test_each_listed_call_is_refused_without_its_rule(missing: dict[str, str]) -> None:
    rules = [rule for rule in elevations() if rule != missing]
    with make_site(rules=rules) as site:
        refused = {}
        for procedure, arguments in ALL:
            before = site.snapshot()
            result = site.submit(procedure, site.domain_admin, arguments)
            if result.error is not None:
                refused[procedure] = result.error
                assert site.snapshot() == before
        first = next(iter(refused.values()))
        assert first.code == 0x80070005
        assert missing["from"] in first.description
        assert missing["to"] in first.description


@pytest.mark.parametrize("missing", OTHERS, ids=lambda rule: rule["from"] + " to " + rule["to"])
def test_each_other_call_is_refused_without_its_rule(missing: dict[str, str]) -> None:
    calling = missing["from"].partition("::")[2]
    with make_site(rules=[rule for rule in elevations() if rule != missing]) as site:
        if calling == "GetCallerUIRoles":
            setup, document = (
                (),
                request(step("Managed Hosting", calling, hostingPath=ldap(HOSTING), preferredDomainController=DC)),
            )
        else:
            scenario = next(one for one in SCENARIOS if one.procedure == BY.get(calling, calling))
            setup, document = scenario.setup, scenario.request
        for one in setup:
            assert site.engine.execute(request(one), site.domain_admin).error is None
        before = site.snapshot()
        error = site.engine.execute(document, site.domain_admin).error
        assert error is not None
        assert error.code == 0x80070005
        assert missing["from"] in error.description
        assert missing["to"] in error.description
        assert site.snapshot() == before


def test_permissions_are_tested_as_the_caller_even_where_the_request_runs_as_the_service(
    recorder: Recorder,
) -> None:
    to = "Managed Office Communications Server::GetSipDomainsByOrganization"
    rules = [*elevations(), {"from": "request", "to": to, "reason": "for this test", "may": "anything"}]
    call = """<execute namespace="Managed Office Communications Server" procedure="GetSipDomainsByOrganization">
      <executeData><organization>{}</organization><preferredDomainController>AD01.Fabrikam.com</preferredDomainController>
      </executeData></execute>"""
    with make_site(recorder, rules=rules) as site:
        assert site.submit_steps(call.format(ldap(ALPINE))).error is None
    kinds = {calling: kind for calling, _, kind, _ in recorder.calls}
    assert kinds["request"] is IdentityKind.SERVICE
    assert kinds["Managed Active Directory::TestOrganization_"] is IdentityKind.CALLER
    assert kinds["Managed Active Directory::GetForeignOwnerOrg"] is IdentityKind.SERVICE
