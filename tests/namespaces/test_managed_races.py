"""Requests for accounts that race: names are held until the end, so that no undo finds its own taken."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from mpf_core import Result, hookimpl
from mpf_core.security.calls import Call, Decision
from mpf_core.testing import at_point
from tests.namespaces.accounts import BOB, BOB_UPN, OTHER_ADMIN, STAFF, ask, control, create_bob, create_staff, properties
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, DOMAIN_ADMIN, JOHN, OTHER_CUSTOMER, Site, ldap, make_site
from tests.namespaces.test_races import locked, stalled

pytestmark = pytest.mark.slow
FIRST, SECOND = "robert.the.second@alpineskihouse.com", "robert.the.second@alpineskihouse.co.uk"


def create(site: Site, upn: str, **arguments: str) -> Result:
    return ask(site, "CreateUser", container=ldap(ALPINE), userPrincipalName=upn, **arguments)


def test_an_account_name_that_is_about_to_be_taken_is_passed_over(site: Site) -> None:
    with stalled(lambda: create(site, FIRST)) as results:
        assert create(site, SECOND).error is None
    assert results[0].error is None
    names = [site.read(f"CN={upn},{ALPINE}").text("sAMAccountName") or "" for upn in (FIRST, SECOND)]
    assert names[0] == "robert.the.second_al"
    assert (names[1][:17], names[1][17:].isdigit()) == ("robert.the.second", True)


def test_a_given_account_name_that_is_about_to_be_taken_is_refused(site: Site) -> None:
    with stalled(lambda: create(site, FIRST, sAMAccountName="bob")):
        assert locked(create(site, SECOND, sAMAccountName="BOB"))


def test_a_principal_name_that_is_about_to_be_taken_is_refused(site: Site) -> None:
    def elsewhere() -> Result:
        given = {"container": ldap(OTHER_CUSTOMER), "userPrincipalName": FIRST.upper()}
        return ask(site, "CreateUser", DOMAIN_ADMIN, **given)

    with stalled(lambda: create(site, FIRST)):
        assert locked(elsewhere())
    refused = elsewhere()
    assert refused.error is not None
    assert refused.error.code == 0x80071392


@pytest.mark.parametrize(
    "loses",
    [("DeleteUser", {}), ("ModifyUser", {"userPrincipalName": "rob@alpineskihouse.com", "sAMAccountName": "rob"})],
    ids=lambda loses: loses[0],
)
def test_a_name_that_is_about_to_be_lost_is_not_free_yet(site: Site, loses: tuple[str, dict[str, str]]) -> None:
    procedure, arguments = loses
    create_bob(site, sAMAccountName="bob")
    with stalled(lambda: ask(site, procedure, user=ldap(BOB), **arguments)) as results:
        assert locked(create(site, SECOND, sAMAccountName="bob"))
        assert locked(ask(site, "CreateUser", DOMAIN_ADMIN, container=ldap(OTHER_CUSTOMER), userPrincipalName=BOB_UPN))
    assert results[0].error is None
    assert ask(site, "CreateUser", DOMAIN_ADMIN, container=ldap(OTHER_CUSTOMER), userPrincipalName=BOB_UPN).error is None


@pytest.mark.parametrize("procedure", ["DeleteUser", "DeleteGroup"])
def test_the_names_of_what_is_parked_are_not_free_yet(site: Site, procedure: str) -> None:
    create_bob(site, sAMAccountName="bob")
    create_staff(site)
    taken: list[Result] = []

    def take_its_name() -> None:
        given = {"container": ldap(OTHER_CUSTOMER), "userPrincipalName": "one@fourthcoffee.com"}
        name = "bob" if procedure == "DeleteUser" else "Instructors"
        with ThreadPoolExecutor(1) as another:
            taken.append(another.submit(lambda: ask(site, "CreateUser", OTHER_ADMIN, **given, sAMAccountName=name)).result())

    with at_point("provider.commit.before", take_its_name):
        arguments = {"user": ldap(BOB)} if procedure == "DeleteUser" else {"group": ldap(STAFF)}
        assert ask(site, procedure, **arguments).error is None
    assert [locked(result) for result in taken] == [True]


@dataclass
class Meanwhile:
    """Lets another request run just before a call of that name is authorized."""

    procedure: str
    request: Callable[[], Result]
    name: str = "meanwhile"
    results: list[Result] = field(default_factory=list)

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        if call.procedure.name == self.procedure and not self.results:
            with ThreadPoolExecutor(1) as another:
                self.results.append(another.submit(self.request).result())
        return Decision(True)


def test_nobody_changes_the_flags_between_reading_and_writing_them() -> None:
    content = properties(userAccountControl=str(0x10200))
    meanwhile = Meanwhile("Evaluate", lambda: ask(site, "ModifyUser", ALPINE_ADMIN, content, user=ldap(JOHN)))
    with make_site(meanwhile) as site:
        assert ask(site, "DisableUser", user=ldap(JOHN)).error is None
        assert [locked(result) for result in meanwhile.results] == [True]
        assert control(site, JOHN) == 0x202


@pytest.mark.parametrize("procedure", ["EnableUser", "ModifyUser", "DeleteUser", "RenameUser"])
def test_what_a_user_is_computed_from_does_not_change_meanwhile(site: Site, procedure: str) -> None:
    arguments = {"ModifyUser": {"sn": "Clark"}, "RenameUser": {"newName": "John"}}.get(procedure, {})
    with stalled(lambda: ask(site, "DisableUser", user=ldap(JOHN))):
        assert locked(ask(site, procedure, user=ldap(JOHN), **arguments))
    assert control(site, JOHN) == 0x202


def test_two_users_of_one_organization_are_created_at_once(site: Site) -> None:
    with stalled(lambda: create(site, FIRST, policyName="customer")) as results:
        assert create(site, BOB_UPN, policyName="customer").error is None
    assert results[0].error is None
