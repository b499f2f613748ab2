"""Requests that race: exactly one wins, the others get a clear error, and no undo of a loser damages the winner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mpf_core import Code, Result
from mpf_core.testing import at_point
from mpf_directory.dn import Dn
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    OTHER_CUSTOMER,
    Site,
    ldap,
)

DOMAIN = "alpineskihouse.com"


@contextmanager
def stalled(request: Callable[[], Result], occurrence: int = 1) -> Iterator[list[Result]]:
    """A request that stands still between an intent and its effect while the block runs; its result is there afterwards."""
    reached, go_on = threading.Event(), threading.Event()
    results: list[Result] = []

    def stand_still() -> None:
        reached.set()
        assert go_on.wait(30)

    thread = threading.Thread(target=lambda: results.append(request()))
    with at_point("provider.apply.before", stand_still, occurrence):
        thread.start()
        assert reached.wait(30)
        try:
            yield results
        finally:
            go_on.set()
            thread.join(30)


def locked(result: Result) -> bool:
    """Whether a request was refused because of another one."""
    return result.error is not None and result.error.code == Code.LOCK_VIOLATION


@pytest.fixture
def mary(site: Site) -> str:
    """Another user of the organization, which owns a domain and has a pool."""
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address=DOMAIN)
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    return site.add_user(ALPINE, "mary@alpineskihouse.com")


def enable(site: Site, user: str, uri: str) -> Result:
    arguments = {"user": ldap(user), "enabled": "true", "primaryURI": f"sip:{uri}@{DOMAIN}"}
    return site.submit("CreateSipUser", ALPINE_ADMIN, arguments)


def test_one_address_goes_to_one_user(site: Site, mary: str) -> None:
    with stalled(lambda: enable(site, JOHN, "info")) as first:
        second = enable(site, mary, "INFO")
    assert locked(second)
    assert first[0].error is None
    assert site.read(JOHN).text("msRTCSIP-PrimaryUserAddress") == f"sip:info@{DOMAIN}"
    assert site.read(mary).text("msRTCSIP-PrimaryUserAddress") is None


def test_two_users_of_one_domain_do_not_wait_for_each_other(site: Site, mary: str) -> None:
    with stalled(lambda: enable(site, JOHN, "john")) as first:
        assert enable(site, mary, "mary").error is None
    assert first[0].error is None


def test_many_threads_and_one_address(site: Site, mary: str) -> None:
    users = [JOHN, mary, *(site.add_user(ALPINE, f"user{number}@alpineskihouse.com") for number in range(4))]
    begin = threading.Barrier(len(users))
    results: dict[str, Result] = {}

    def race(user: str) -> None:
        begin.wait()
        results[user] = enable(site, user, "info")

    threads = [threading.Thread(target=race, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [user for user, result in results.items() if result.error is None]
    assert len(winners) == 1
    assert [user for user in users if site.read(user).text("msRTCSIP-PrimaryUserAddress")] == winners
    assert {result.error.code for result in results.values() if result.error} <= {
        Code.LOCK_VIOLATION,
        Code.OBJECT_ALREADY_EXISTS,
    }


def test_a_domain_is_not_deleted_under_a_user_that_is_being_enabled(site: Site, mary: str) -> None:
    delete = {"organization": ldap(ALPINE), "address": DOMAIN.upper()}
    with stalled(lambda: enable(site, JOHN, "john")) as first:
        assert locked(site.submit("DeleteSipDomain", DOMAIN_ADMIN, delete))
    assert first[0].error is None
    with stalled(lambda: site.submit("DeleteSipDomain", DOMAIN_ADMIN, delete)):
        assert locked(enable(site, mary, "mary"))


def test_one_domain_goes_to_one_organization(site: Site) -> None:
    def create(organization: str) -> Result:
        arguments = {"organization": ldap(organization), "address": "contoso.com"}
        return site.submit("CreateSipDomain", DOMAIN_ADMIN, arguments)

    with stalled(lambda: create(ALPINE)) as first:
        assert locked(create(OTHER_CUSTOMER))
    assert first[0].error is None
    assert site.domains(ALPINE, DOMAIN_ADMIN) == [("contoso.com", "Tenant")]
    assert site.domains(OTHER_CUSTOMER, DOMAIN_ADMIN) == []


def test_two_domains_of_two_organizations_do_not_wait_for_each_other(site: Site) -> None:
    """They share the list of reservations, which is there."""
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address="first.example")

    def create(organization: str, domain: str) -> Result:
        return site.submit("CreateSipDomain", DOMAIN_ADMIN, {"organization": ldap(organization), "address": domain})

    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(OTHER_CUSTOMER), address="second.example")
    with stalled(lambda: create(ALPINE, "third.example"), 2) as first:
        assert create(OTHER_CUSTOMER, "fourth.example").error is None
    assert first[0].error is None


def test_two_domains_are_deleted_at_once(site: Site) -> None:
    for number, organization in enumerate((ALPINE, OTHER_CUSTOMER, ALPINE)):
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(organization), address=f"d{number}.example")

    def delete(organization: str, domain: str) -> Result:
        return site.submit("DeleteSipDomain", DOMAIN_ADMIN, {"organization": ldap(organization), "address": domain})

    assert delete(ALPINE, "d2.example").error is None  # the unit for parked objects is there since then
    with stalled(lambda: delete(ALPINE, "d0.example"), 2) as first:
        assert delete(OTHER_CUSTOMER, "d1.example").error is None
    assert first[0].error is None


def test_a_user_does_not_change_organizations_while_being_enabled(site: Site, mary: str) -> None:
    """Whose user it is decides which SIP domains it may have; so nobody may move it, or what holds it, meanwhile."""
    with stalled(lambda: enable(site, JOHN, "john")) as first:
        for source in (JOHN, ALPINE):
            content = f"<source>{ldap(source)}</source><destination>{ldap(OTHER_CUSTOMER)}</destination>"
            assert locked(site.submit_raw("Active Directory Provider", "Move Object", content))
    assert first[0].error is None
    content = f"<source>{ldap(mary)}</source><destination>{ldap(OTHER_CUSTOMER)}</destination>"
    with stalled(lambda: site.submit_raw("Active Directory Provider", "Move Object", content)):
        assert locked(enable(site, mary, "mary"))


def test_a_pool_is_not_taken_away_while_it_is_relied_on(site: Site, mary: str) -> None:
    with stalled(lambda: enable(site, JOHN, "john")) as first:
        assert locked(site.submit("DeletePoolAssignment", DOMAIN_ADMIN, {"organization": ldap(ALPINE)}))
    assert first[0].error is None
    with stalled(lambda: site.submit("DeletePoolAssignment", DOMAIN_ADMIN, {"organization": ldap(ALPINE)})):
        assigned = {"organization": ldap(ALPINE), "poolFQDN": "pool02.fabrikam.com"}
        assert locked(site.submit("SetPoolAssignment", DOMAIN_ADMIN, assigned))


def test_the_undo_of_a_loser_leaves_the_winner_alone(site: Site, mary: str) -> None:
    """The loser has a step of its own behind it when it meets the winner's lock."""
    before = site.read(mary).attributes
    with stalled(lambda: enable(site, JOHN, "info")) as first:
        loser = site.submit_many(
            [
                ("SetPoolAssignment", {"organization": ldap(OTHER_CUSTOMER), "poolFQDN": "pool02.fabrikam.com"}),
                ("CreateSipUser", {"user": ldap(mary), "enabled": "true", "primaryURI": f"sip:info@{DOMAIN}"}),
            ]
        )
    assert locked(loser)
    assert first[0].error is None
    assert site.read(JOHN).text("msRTCSIP-PrimaryUserAddress") == f"sip:info@{DOMAIN}"
    assert {k: v for k, v in site.read(mary).attributes.items() if k not in {"uSNChanged", "whenChanged"}} == {
        k: v for k, v in before.items() if k not in {"uSNChanged", "whenChanged"}
    }


def test_two_members_are_added_to_one_group_at_once(site: Site, mary: str) -> None:
    group = f"CN=Testers,{ALPINE}"
    site.directory.add(Dn.parse(group), {"objectClass": ["group"], "sAMAccountName": ["testers"]})

    def join(member: str) -> Result:
        content = f"<group>{ldap(group)}</group><path>{ldap(member)}</path>"
        return site.submit_raw("Active Directory Provider", "Group Add", content)

    with stalled(lambda: join(JOHN)) as first:
        assert join(mary).error is None
        assert locked(join(JOHN))
        delete = site.submit_raw("Active Directory Provider", "Delete Object", f"<path>{ldap(group)}</path>")
        assert locked(delete)
    assert first[0].error is None
    assert set(site.read(group).values("member")) == {JOHN, mary}


@pytest.mark.parametrize("deep", [False, True])
def test_nothing_is_deleted_under_what_is_created_in_it(site: Site, deep: bool) -> None:
    unit = site.add_unit(ALPINE, "Branch")
    place = site.add_unit(unit, "Desk") if deep else unit
    content = f"<container>{ldap(place)}</container><class>contact</class><name>CN=New</name>"
    with stalled(lambda: site.submit_raw("Active Directory Provider", "Create Object", content)) as first:
        delete = f"<path>{ldap(unit)}</path>"
        assert locked(site.submit_raw("Active Directory Provider", "Delete Object", delete))
    assert first[0].error is None


def test_a_member_whose_name_changes_is_refused(site: Site, mary: str) -> None:
    """The undo of a membership names the member: were it renamed in between, the undo would not find its value."""
    group = f"CN=Admins@AlpineSkiHouse,{ALPINE}"
    content = f"<group>{ldap(group)}</group><path>{ldap(mary)}</path>"
    with stalled(lambda: site.submit_raw("Active Directory Provider", "Group Add", content)) as first:
        renaming = f"<source>{ldap(mary)}</source><name>CN=Mary</name>"
        assert locked(site.submit_raw("Active Directory Provider", "Rename Object", renaming))
    assert first[0].error is None
