"""What the procedures of Managed OCS cost: LDAP operations, counted on the embedded directory, where counts never vary.

A number that goes up is a regression; one that goes down belongs into the table of `bench.ldap_operations`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from bench.large_directory import costs, fill, prepare
from bench.ldap_operations import COSTS, operations
from mpf_core.model import Access
from tests.counting import Operation, counted
from tests.namespaces.support import ALPINE, DOMAIN_ADMIN, JOHN, OCS, Site, ldap, make_site


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, list[Operation]]]:
    with make_site() as site:
        yield operations(site)


def test_the_table_names_every_public_procedure(site: Site) -> None:
    procedures = site.engine.namespaces[OCS].procedures.values()
    assert sorted(COSTS) == sorted(procedure.name for procedure in procedures if procedure.access is Access.PUBLIC)


@pytest.mark.parametrize("procedure", COSTS)
def test_a_procedure_costs_what_the_table_says(measured: dict[str, list[Operation]], procedure: str) -> None:
    made = measured[procedure]
    assert len(made) == COSTS[procedure].taken, "\n".join(f"{one.kind} {one.name} {one.dn}" for one in made)


@pytest.mark.parametrize("procedure", COSTS)
def test_no_procedure_costs_less_than_the_fewest(procedure: str) -> None:
    cost = COSTS[procedure]
    assert cost.fewest <= cost.taken, "then the fewest are not the fewest"


@pytest.mark.parametrize("procedure", ["GetPools", "GetSharedPools", "GetSipUserProperties", "ValidateSipDomainOwnership"])
def test_what_takes_no_lock_asks_nothing_twice(measured: dict[str, list[Operation]], procedure: str) -> None:
    asked = Counter((one.name, one.dn) for one in measured[procedure] if one.name == "read")
    assert [one for one, times in asked.items() if times > 1 and "Johnc" not in one[1]] == []


def test_a_user_that_is_there_already_costs_no_write(site: Site) -> None:
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address="alpineskihouse.com")
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    given = {"user": ldap(JOHN), "enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}
    site.succeed("CreateSipUser", **given)
    with counted(site.engine) as operations_made:
        site.fail("CreateSipUser", **given)
    assert set(operations_made.counts) <= {"read", "search"}


@pytest.mark.slow
def test_a_large_directory_costs_as_many_operations_as_a_small_one() -> None:
    """With 100,000 users, which take minutes to put in, it is shown by ``python -m bench.large_directory``, in times as well."""
    with make_site() as small, make_site() as large:
        for site, users in ((small, 10), (large, 2000)):
            fill(site.directory, users)
            prepare(site)
        for procedure, (few, many) in costs((small, large), 2):
            assert few.operations == many.operations, procedure
