"""Rollback of Initialize, of the shared pools and of the extensions: whichever of their calls fails, nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mpf_core.transaction.states import StepState, TransactionState
from tests.namespaces.support import OCS, Site, make_site
from tests.namespaces.test_rollback import INJECTED, FailAt

pytestmark = pytest.mark.slow

EXTENSIONS = "Managed Office Communications Server Extensions"
POOL = {"poolFQDN": "pool01.fabrikam.com"}
TAGGED = {**POOL, "poolTag": "LabA"}


@dataclass(frozen=True)
class Case:
    """A write procedure, the calls before it, and its arguments."""

    namespace: str
    procedure: str
    arguments: dict[str, str]
    before: tuple[tuple[str, dict[str, str]], ...] = ()
    variant: str = ""

    def __str__(self) -> str:
        return self.procedure + self.variant

    def prepare(self, site: Site) -> None:
        for procedure, arguments in self.before:
            assert site.submit(procedure, site.domain_admin, arguments, self.namespace).error is None


ADDRESS = {"address": "alpineskihouse.com"}
FEDERATED = {"supportedInternalDomain": "alpineskihouse.com"}
CASES = [
    Case(OCS, "Initialize", {}),
    Case(OCS, "AddSharedPool", TAGGED),
    Case(OCS, "AddSharedPool", {**POOL, "poolTag": "LabB"}, (("AddSharedPool", TAGGED),), " again"),
    Case(OCS, "RemoveSharedPool", POOL, (("AddSharedPool", TAGGED),)),
    Case(OCS, "SetSharedPoolProperties", {**POOL, "poolTag": "LabB"}, (("AddSharedPool", TAGGED),)),
    Case(OCS, "DeleteSharedPool", POOL, (("AddSharedPool", TAGGED),)),
    Case(EXTENSIONS, "CreateGlobalSipDomain", {**ADDRESS, "authoritative": "true"}),
    Case(EXTENSIONS, "DeleteGlobalSipDomain", {"address": "fabrikam.com"}),
    Case(EXTENSIONS, "CreateFederationDomain", FEDERATED),
    Case(EXTENSIONS, "DeleteFederationDomain", FEDERATED, (("CreateFederationDomain", FEDERATED),)),
]


@pytest.fixture
def faults() -> FailAt:
    return FailAt()


@pytest.fixture
def site(faults: FailAt) -> Iterator[Site]:
    with make_site(faults) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=str)
class TestEveryWriteProcedure:
    def test_leaves_nothing_behind_whichever_of_its_calls_fails(self, site: Site, faults: FailAt, case: Case) -> None:
        case.prepare(site)
        before = site.snapshot()
        number = 0
        while True:
            number += 1
            faults.arm(number)
            result = site.submit(case.procedure, site.domain_admin, case.arguments, case.namespace)
            if result.error is None:
                break
            assert result.error.code == INJECTED, (faults.calls[-1], result.error)
            assert result.state is TransactionState.ROLLED_BACK
            assert site.snapshot() == before, f"after {faults.calls[-1]} was refused"
        assert number == len(faults.calls) + 1
        assert site.snapshot() != before

    def test_is_undone_when_a_later_step_of_the_request_fails(self, site: Site, case: Case) -> None:
        case.prepare(site)
        before = site.snapshot()
        calls = [(case.namespace, case.procedure, {"preferredDomainController": site.server, **case.arguments})]
        result = site._submit(site.domain_admin, calls, fail=True)
        assert result.error is not None
        assert (result.error.code, result.error.description) == (0x80004005, "enough")
        assert result.state is TransactionState.ROLLED_BACK
        assert {outcome.state for outcome in result.rollback} <= {StepState.UNDONE, StepState.NOTHING_TO_UNDO}
        assert StepState.UNDONE in {outcome.state for outcome in result.rollback}
        assert site.snapshot() == before
