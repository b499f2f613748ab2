"""Rollback: whichever call of a procedure fails, and whatever fails after it, the directory is as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from mpf_core import MpfError, hookimpl
from mpf_core.security.calls import Call, Decision
from mpf_core.transaction.states import StepState, TransactionState
from tests.namespaces.support import ALPINE, JOHN, POOL2, Site, ldap, make_site

pytestmark = pytest.mark.slow

INJECTED = 0xA2109999


@dataclass
class FailAt:
    """A policy that allows everything but the call of that number; it counts from 1, and 0 lets everything pass."""

    name: str = "fail-at"
    number: int = 0
    calls: list[str] = field(default_factory=list)

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        self.calls.append(call.procedure.full_name)
        return Decision(len(self.calls) != self.number, "injected", INJECTED)

    def arm(self, number: int) -> None:
        self.number = number
        self.calls.clear()


def domain(site: Site) -> None:
    site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")


def pool(site: Site) -> None:
    site.succeed("SetPoolAssignment", site.domain_admin, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")


def user(site: Site) -> None:
    domain(site)
    pool(site)
    site.succeed(
        "CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI="sip:johnc@alpineskihouse.com", ucEnabled="true"
    )


def nothing(site: Site) -> None:
    """Nothing has to be there before."""


def domain_and_pool(site: Site) -> None:
    domain(site)
    pool(site)


@dataclass(frozen=True)
class Case:
    """A write procedure, what must be there before, and its arguments."""

    procedure: str
    prepare: Callable[[Site], None]
    arguments: dict[str, str]

    def __str__(self) -> str:
        return self.procedure


CASES = [
    Case("CreateSipDomain", nothing, {"organization": ldap(ALPINE), "address": "alpineskihouse.com"}),
    Case("DeleteSipDomain", domain, {"organization": ldap(ALPINE), "address": "alpineskihouse.com"}),
    Case("SetPoolAssignment", pool, {"organization": ldap(ALPINE), "poolFQDN": "pool02.fabrikam.com"}),
    Case("DeletePoolAssignment", pool, {"organization": ldap(ALPINE)}),
    Case(
        "CreateSipUser",
        domain_and_pool,
        {
            "user": ldap(JOHN),
            "enabled": "true",
            "primaryURI": "sip:johnc@alpineskihouse.com",
            "enabledForFederation": "true",
        },
    ),
    Case(
        "SetSipUserProperties",
        user,
        {"user": ldap(JOHN), "primaryURI": "sip:j@alpineskihouse.com", "homeServerDN": POOL2, "ucEnabled": "false"},
    ),
    Case("DeleteSipUser", user, {"user": ldap(JOHN)}),
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
            result = site.submit(case.procedure, site.domain_admin, case.arguments)
            if result.error is None:
                break
            assert result.error.code == INJECTED, (faults.calls[-1], result.error)
            assert result.state is TransactionState.ROLLED_BACK
            assert site.snapshot() == before, f"after {faults.calls[-1]} was refused"
        assert number > len({call for call in faults.calls if "Provider" in call})
        assert site.snapshot() != before

    def test_is_undone_when_a_later_step_of_the_request_fails(self, site: Site, case: Case) -> None:
        case.prepare(site)
        before = site.snapshot()
        result = site.submit_then_fail(case.procedure, case.arguments)
        assert isinstance(result.error, MpfError)
        assert (result.error.code, result.error.description) == (0x80004005, "enough")
        assert result.state is TransactionState.ROLLED_BACK
        assert {outcome.state for outcome in result.rollback} == {StepState.UNDONE}
        assert site.snapshot() == before

    def test_can_be_done_after_it_was_undone(self, site: Site, case: Case) -> None:
        case.prepare(site)
        site.submit_then_fail(case.procedure, case.arguments)
        site.succeed(case.procedure, site.domain_admin, **case.arguments)


def test_two_domains_in_one_request_are_both_undone(site: Site) -> None:
    before = site.snapshot()
    calls = [("CreateSipDomain", {"organization": ldap(ALPINE), "address": name}) for name in ("a.example", "b.example")]
    result = site.submit_many(calls, fail=True)
    assert result.error is not None
    assert result.state is TransactionState.ROLLED_BACK
    assert site.snapshot() == before


def test_delete_and_create_again_in_one_request(site: Site, faults: FailAt) -> None:
    domain(site)
    arguments = {"organization": ldap(ALPINE), "address": "alpineskihouse.com"}
    before = site.snapshot()
    failed = site.submit_many([("DeleteSipDomain", arguments), ("CreateSipDomain", arguments)], fail=True)
    assert failed.error is not None
    assert site.snapshot() == before
    done = site.submit_many([("DeleteSipDomain", arguments), ("CreateSipDomain", arguments)])
    assert done.error is None
    assert site.domains(ALPINE) == [("alpineskihouse.com", "Tenant")]
