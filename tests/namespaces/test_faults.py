"""A directory that fails in the middle, before or after the effect of a write; and two requests at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mpf_core import MpfError
from mpf_core import Result as Answer
from mpf_core.transaction.states import TransactionState
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Entry
from mpf_directory.results import Result
from tests.namespaces.support import ALPINE, DOMAIN_ADMIN, JOHN, OTHER_CUSTOMER, Site, ldap
from tests.namespaces.test_rollback import CASES, Case

pytestmark = pytest.mark.slow

SERVER_DOWN = 0x8007203A


class Fault:
    """Makes the write of that number fail, once; writes of an undo come later and go through."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number = number
        self.after = after
        self.seen = 0

    def wrap(self, original: Callable[..., None]) -> Callable[..., None]:
        def write(directory: EmbeddedDirectory, *arguments: Any) -> None:
            self.seen += 1
            failing = self.seen == self.number
            if failing and not self.after:
                raise MpfError(SERVER_DOWN, "the server went away")
            original(directory, *arguments)
            if failing:
                raise MpfError(SERVER_DOWN, "the answer was lost")

        return write


def submit_with(site: Site, case: Case, fault: Fault) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("add", "modify", "rename"):
            patch.setattr(EmbeddedDirectory, name, fault.wrap(getattr(EmbeddedDirectory, name)))
        return site.submit(case.procedure, DOMAIN_ADMIN, case.arguments)


@pytest.mark.parametrize("after", [False, True], ids=["before-the-effect", "after-the-effect"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_write_may_fail(site: Site, case: Case, after: bool) -> None:
    case.prepare(site)
    before = site.snapshot()
    number = 0
    while True:
        number += 1
        fault = Fault(number, after=after)
        result = submit_with(site, case, fault)
        if result.error is None:
            break
        assert result.error.code == SERVER_DOWN
        assert result.state is TransactionState.ROLLED_BACK, result.rollback
        assert site.snapshot() == before, number
    assert number > 1
    assert fault.seen == number - 1


def test_a_search_that_is_cut_off_is_no_proof_that_an_address_is_free(site: Site) -> None:
    """The server finds more than it returns: whether somebody has the address is not known then."""
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address="alpineskihouse.com")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    before, search, asked = site.snapshot(), EmbeddedDirectory.search, []

    def cut_off(directory: EmbeddedDirectory, base: Dn, *arguments: Any, **more: Any) -> Iterator[Entry]:
        found = search(directory, base, *arguments, **more)
        if "PrimaryUserAddress" in str(arguments):
            asked.append(base)
            raise MpfError(Result.SIZELIMIT_EXCEEDED, "the server returns no more")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddedDirectory, "search", cut_off)
        error = site.fail("CreateSipUser", user=ldap(JOHN), enabled="true", primaryURI="sip:johnc@alpineskihouse.com")
    assert (error.code, len(asked)) == (Result.SIZELIMIT_EXCEEDED, 1)
    assert site.snapshot() == before


def test_of_two_organizations_that_want_a_domain_at_once_one_gets_it(site: Site) -> None:
    def create(organization: str) -> Answer:
        arguments = {"organization": ldap(organization), "address": "contested.example"}
        return site.submit("CreateSipDomain", DOMAIN_ADMIN, arguments)

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(create, (ALPINE, OTHER_CUSTOMER)))
        winners = [result for result in results if result.error is None]
        assert len(winners) == 1, [str(result.error) for result in results]
        assert all(result.state is TransactionState.ROLLED_BACK for result in results if result.error)
        owned = {org: site.domains(org, DOMAIN_ADMIN) for org in (ALPINE, OTHER_CUSTOMER)}
        owner = next(org for org, domains in owned.items() if domains)
        assert sum(map(len, owned.values())) == 1
        site.succeed("DeleteSipDomain", DOMAIN_ADMIN, organization=ldap(owner), address="contested.example")
