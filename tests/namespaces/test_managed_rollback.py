"""Accounts, whatever fails: each call of each procedure, and a step behind it. And names that two requests want at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from mpf_core import MpfError
from mpf_core.transaction.states import StepState, TransactionState
from tests.namespaces.accounts import ADMINS, ALL_USERS, ANN, BOB, BOB_UPN, MANAGED_AD, STAFF, create_bob, create_staff, done
from tests.namespaces.support import ALPINE, DOMAIN_ADMIN, JOHN, Site, ldap, make_site
from tests.namespaces.test_rollback import INJECTED, FailAt

pytestmark = pytest.mark.slow


def nothing(site: Site) -> None:
    """Nothing has to be there before."""


def bob(site: Site) -> None:
    create_bob(site, givenName="Bob", sAMAccountName="bob")


def staff(site: Site) -> None:
    create_staff(site)
    done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(JOHN))


def ann(site: Site) -> None:
    done(site, "CreateContact", container=ldap(ALPINE), name="Ann Beebe")


def password(site: Site) -> None:
    done(site, "SetUserPassword", user=ldap(JOHN), newPassword="Old-1", preferredDomainController=site.server)


@dataclass(frozen=True)
class Case:
    """A write procedure, what must be there before, and its arguments."""

    procedure: str
    prepare: Callable[[Site], None]
    arguments: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.procedure} {self.arguments.get('policyName', '')}".strip()


CASES = [
    Case("CreateUser", nothing, {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}),
    Case("CreateUser", nothing, {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN, "policyName": "customer"}),
    Case(
        "ModifyUser",
        bob,
        {
            "user": ldap(BOB),
            "givenName": "",
            "sn": "Ross",
            "userPrincipalName": "rob@alpineskihouse.com",
            "sAMAccountName": "rob",
        },
    ),
    Case("RenameUser", bob, {"user": ldap(BOB), "newName": "rob@alpineskihouse.com"}),
    Case("DeleteUser", bob, {"user": ldap(BOB)}),
    Case("EnableUser", bob, {"user": ldap(BOB)}),
    Case("DisableUser", nothing, {"user": ldap(JOHN)}),
    Case("CreateGroup", nothing, {"container": ldap(ALPINE), "name": "Instructors", "description": "All"}),
    Case("RenameGroup", staff, {"group": ldap(STAFF), "newName": "Teachers"}),
    Case("DeleteGroup", staff, {"group": ldap(STAFF)}),
    Case("GroupAdd", nothing, {"group": ldap(ADMINS), "newMember": ldap(JOHN)}),
    Case("GroupRemove", nothing, {"group": ldap(ALL_USERS), "member": ldap(JOHN)}),
    Case("CreateContact", nothing, {"container": ldap(ALPINE), "name": "Ann Beebe"}),
    Case("DeleteContact", ann, {"contact": ldap(ANN)}),
]
CHANGE_PASSWORD = Case("ChangeUserPassword", password, {"user": ldap(JOHN), "oldPassword": "Old-1", "newPassword": "New-1"})


@pytest.fixture
def faults() -> FailAt:
    return FailAt()


@pytest.fixture
def site(faults: FailAt) -> Iterator[Site]:
    with make_site(faults) as made:
        yield made


def steps(site: Site, case: Case) -> str:
    data = "".join(f"<{name}>{text}</{name}>" for name, text in case.arguments.items())
    return (
        f'<execute namespace="{MANAGED_AD}" procedure="{case.procedure}" impersonate="1"><executeData>{data}'
        f"<preferredDomainController>{site.server}</preferredDomainController></executeData></execute>"
    )


FAIL = (
    '<execute namespace="Error Provider" procedure="SetError" impersonate="1"><executeData>'
    "<hr>0x80004005</hr><desc>enough</desc></executeData></execute>"
)


@pytest.mark.parametrize("case", [*CASES, CHANGE_PASSWORD], ids=str)
def test_leaves_nothing_behind_whichever_of_its_calls_fails(site: Site, faults: FailAt, case: Case) -> None:
    case.prepare(site)
    before = site.snapshot()
    number = 0
    while True:
        number += 1
        faults.arm(number)
        result = site.submit(case.procedure, DOMAIN_ADMIN, case.arguments, MANAGED_AD)
        if result.error is None:
            break
        assert result.error.code == INJECTED, (faults.calls[-1], result.error)
        assert result.state is TransactionState.ROLLED_BACK
        assert site.snapshot() == before, f"after {faults.calls[-1]} was refused"
    assert number > len({call for call in faults.calls if "Provider" in call})
    assert site.snapshot() != before


@pytest.mark.parametrize("case", CASES, ids=str)
class TestEveryWriteProcedure:
    def test_is_undone_when_a_later_step_of_the_request_fails(self, site: Site, case: Case) -> None:
        case.prepare(site)
        before = site.snapshot()
        result = site.submit_steps(steps(site, case) + FAIL)
        assert isinstance(result.error, MpfError)
        assert (result.error.code, result.error.description) == (0x80004005, "enough")
        assert result.state is TransactionState.ROLLED_BACK
        assert {outcome.state for outcome in result.rollback} == {StepState.UNDONE}
        assert site.snapshot() == before

    def test_can_be_done_after_it_was_undone(self, site: Site, case: Case) -> None:
        case.prepare(site)
        site.submit_steps(steps(site, case) + FAIL)
        done(site, case.procedure, DOMAIN_ADMIN, **case.arguments)


def test_a_user_may_be_deleted_and_created_again_in_one_request(site: Site) -> None:
    bob(site)
    before = site.snapshot()
    again = Case("CreateUser", nothing, {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN, "sAMAccountName": "bob"})
    both = steps(site, Case("DeleteUser", bob, {"user": ldap(BOB)})) + steps(site, again)
    assert site.submit_steps(both + FAIL).state is TransactionState.ROLLED_BACK
    assert site.snapshot() == before
    assert site.submit_steps(both).error is None
    assert site.read(BOB).text("sAMAccountName") == "bob"
    assert site.snapshot() != before
