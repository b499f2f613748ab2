"""What holds for every procedure on every directory: success, repetition, errors, roles, rollback at every step."""

from __future__ import annotations

import pytest

from mpf_core import Result
from mpf_core.errors import Code
from mpf_core.testing import Fault
from mpf_core.transaction.states import StepState, TransactionState
from tests.differential.cases import CASES as OCS_CASES
from tests.differential.cases import INITIALIZE_HOSTING, Case, Refusal
from tests.differential.cases import REQUIRED as OCS_REQUIRED
from tests.differential.cases_ad import AD_CASES, AD_REQUIRED, ELSEWHERE
from tests.differential.failures import FAILURES, Failure
from tests.differential.requests import EXTENSIONS, HOSTING_NAMESPACE, OCS, Ask, answer, comparable
from tests.differential.sides import Side
from tests.differential.state import State, differences
from tests.kills.choice import chosen
from tests.namespaces.accounts import MANAGED_AD
from tests.namespaces.support import ALPINE, ldap

CASES = (*OCS_CASES, *AD_CASES)
WRITES = tuple(case for case in CASES if case.writes)
REQUIRED = OCS_REQUIRED | AD_REQUIRED
#: A request that fails at its end, whoever sends it, for whatever the steps before it have done.
FAIL = Ask("ValidateSipDomainOwnership", {"organization": ldap(ALPINE), "address": "nowhere.example"})
ROLES = ("customer", "reseller", "hosting", "domain")
NOT_DOMAIN_ADMIN = Refusal(0x80070057, "Insufficient Privilege! Not Domain Administrator.")


def refused(result: Result, refusal: Refusal) -> None:
    """The result is this error."""
    assert result.error is not None, result.document.decode()
    assert f"{result.error.code:#010x}" == f"{refusal.code:#010x}", result.error
    if refusal.text:
        text = comparable(result).split('description="', 1)[1].split('" code=', 1)[0]
        assert text.replace("&apos;", "'") == refusal.text


def _ground(one: Case | Failure) -> tuple[list[str], bool]:
    """What is prepared for it, and whether it leaves that as it is, which is better done first."""
    return [str(ask) for ask in one.setup], isinstance(one, Case) and one.writes


_CASES, _FAILURES = sorted(CASES, key=_ground), sorted(FAILURES, key=_ground)
#: One for each procedure, but for GetCallerUIRoles: that tells everybody about himself.
_ROLES = [case for case in _CASES if not case.variant and case.ask.procedure != "GetCallerUIRoles"]


class Procedures:
    """Needs a fixture ``side``, in whatever state it is. What needs the same ground comes together, so that it is laid once."""

    def test_these_are_all_public_procedures(self, side: Side) -> None:
        asked = {(case.ask.namespace, case.ask.procedure.lower()) for case in CASES}
        asked.add((INITIALIZE_HOSTING.namespace, INITIALIZE_HOSTING.procedure.lower()))
        asked |= {(MANAGED_AD, name.lower()) for name in ELSEWHERE}
        for namespace in (OCS, EXTENSIONS, HOSTING_NAMESPACE, MANAGED_AD):
            procedures = side.engine.namespaces[namespace].procedures.values()
            public = {procedure.name.lower() for procedure in procedures if procedure.access.value == "public"}
            assert {name for owner, name in asked if owner == namespace} == public

    @pytest.mark.parametrize("case", _CASES, ids=str)
    def test_it_succeeds_and_may_be_repeated_as_documented(self, side: Side, case: Case) -> None:
        side.prepare(*case.setup)
        assert answer(side.done(case.ask)) == case.answer
        assert bool(side.left_behind()) == case.writes
        done = side.now()
        if case.seen is not None:
            assert answer(side.done(case.seen[0])) == case.seen[1]
        again = side.send(case.ask)
        if case.again is not None:
            refused(again, case.again)
        else:
            assert answer(again) == case.answer
        assert differences(done, side.state()) == {}

    @pytest.mark.parametrize("failure", _FAILURES, ids=str)
    def test_it_is_refused_as_documented_and_nothing_happens(self, side: Side, failure: Failure) -> None:
        side.prepare(*failure.setup)
        refused(side.send(failure.ask), failure.refusal)
        assert side.left_behind() == {}

    @pytest.mark.parametrize("case", [case for case in CASES if not case.variant], ids=str)
    def test_every_required_argument_is_asked_for_in_the_documented_words(self, side: Side, case: Case) -> None:
        for name in REQUIRED[case.ask.procedure]:
            refusal = Refusal(0x80070057, f"The required argument {name} was not supplied.")
            refused(side.send(case.ask.without(name)), refusal)

    @pytest.mark.parametrize("case", _ROLES, ids=str)
    def test_the_roles_above_its_own_may_call_it_too_and_nobody_else(self, side: Side, case: Case) -> None:
        side.prepare(*case.setup)
        least = ROLES.index(case.ask.caller)
        for role in ROLES[least + 1 :]:
            result = side.send(case.ask.by(role), FAIL.by(role))
            assert result.error is not None
            assert result.error.description.startswith("The specified SIP domain 'nowhere.example'"), (role, result.error)
        for role in (*ROLES[:least], "foreign", "user"):
            result = side.send(case.ask.by(role))
            assert result.error is not None, role
            if case.ask.caller == "domain":
                refused(result, NOT_DOMAIN_ADMIN)
            else:
                assert result.error.code == Code.E_ACCESSDENIED, (role, result.error)
        assert side.left_behind() == {}

    @pytest.mark.parametrize("case", WRITES, ids=str)
    def test_whichever_of_its_writes_fails_the_directory_is_as_before(self, side: Side, case: Case) -> None:
        side.prepare(*case.setup)
        roll_back_at_every_step(side, case.ask, case.tried)

    def test_so_it_is_for_the_hosting_unit(self, side: Side) -> None:
        side.prepare()
        hosting = side.directory.base.child("OU", "Hosting")
        aside = side.directory.base.child("OU", "Hosting of others")
        side.directory.rename(hosting, aside)
        try:
            roll_back_at_every_step(side, INITIALIZE_HOSTING, tried=4)
        finally:
            side.directory.rename(aside, hosting)


def roll_back_at_every_step(side: Side, ask: Ask, tried: int | None = None) -> None:
    """Let each of the request's writes fail behind its effect, and a step behind the last; ``tried``: so many of them."""
    before = side.state()
    whole = side.send(ask, FAIL.by(ask.caller))
    rolled_back(side, whole, before)
    writes = [outcome.procedure for outcome in sorted(whole.rollback, key=lambda outcome: outcome.sequence)]
    assert writes
    places = range(len(writes))
    for place in chosen(places, tried, ask.procedure) if tried is not None else places:
        name = writes[place]
        side.faults.add(Fault.CUT, name, call=writes[: place + 1].count(name))
        try:
            result = side.send(ask)
        finally:
            side.faults.clear()
        assert result.error is not None, (place, name)
        assert result.error.description == "the connection was cut", (place, name, result.document.decode())
        assert len(result.rollback) == place + 1
        rolled_back(side, result, before)


def rolled_back(side: Side, result: Result, before: State) -> None:
    """The request left nothing behind."""
    assert result.error is not None
    assert result.state is TransactionState.ROLLED_BACK
    assert {outcome.state for outcome in result.rollback} <= {StepState.UNDONE, StepState.NOTHING_TO_UNDO}, result.rollback
    assert differences(before, side.state()) == {}
