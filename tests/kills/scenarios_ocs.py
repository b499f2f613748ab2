"""Requests for the write procedures on shared pools and on the domains of the whole deployment, and for Initialize."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.kills.requests import DC, HELPERS, OCS_PROVIDER, Scenario, properties, step
from tests.namespaces.support import HOSTING, OCS, POOL2, ldap

EXTENSIONS = "Managed Office Communications Server Extensions"


def _shared_pools() -> Iterator[Scenario]:
    pool = {"preferredDomainController": DC, "poolFQDN": "pool01.fabrikam.com"}
    added = step(OCS, "AddSharedPool", poolTag="LabA", **pool)

    def scenario(procedure: str, *setup: str, variant: str = "", **arguments: str) -> Scenario:
        return Scenario(OCS, procedure, step(OCS, procedure, **pool, **arguments), setup, variant)

    yield Scenario(OCS, "AddSharedPool", added)
    yield scenario("AddSharedPool", added, variant="again", poolTag="LabB")
    yield scenario("RemoveSharedPool", added)
    yield scenario("SetSharedPoolProperties", added, poolTag="LabB")
    yield scenario("SetSharedPoolProperties_", added, poolTag="LabB", poolStatus="Unavailable")
    yield scenario("DeleteSharedPool", added)
    pointer = {"path": ldap(HOSTING), "list": "SharedPools", "name": "pool01.fabrikam.com", "owner": POOL2}
    procedure = "SetServicePointerProperties_"
    yield Scenario(HELPERS, procedure, step(HELPERS, procedure, properties(poolTag="Lab=B"), **pointer), (added,))


def _domains(namespace: str) -> Iterator[Scenario]:
    """The same procedures, public and the provider's own."""
    more = {"preferredDomainController": DC}

    def scenario(procedure: str, *setup: str, variant: str = "", **arguments: str) -> Scenario:
        return Scenario(namespace, procedure, step(namespace, procedure, **arguments, **more), setup, variant)

    served = scenario("CreateGlobalSipDomain", address="alpineskihouse.com", authoritative="true")
    federated = scenario("CreateFederationDomain", supportedInternalDomain="alpineskihouse.com")
    yield served
    yield scenario("DeleteGlobalSipDomain", served.call, address="alpineskihouse.com")
    yield scenario("DeleteGlobalSipDomain", variant="the default one", address="fabrikam.com")
    yield federated
    yield scenario("DeleteFederationDomain", federated.call, supportedInternalDomain="alpineskihouse.com")


def _all() -> Iterator[Scenario]:
    initialize = Scenario(OCS, "Initialize", step(OCS, "Initialize", preferredDomainController=DC))
    plain = [initialize, *_shared_pools(), *_domains(EXTENSIONS), *_domains(OCS_PROVIDER)]
    yield from plain
    for scenario in plain:
        yield replace(scenario, fails=True)


#: Every request of this part that is killed.
SCENARIOS_OCS: tuple[Scenario, ...] = tuple(_all())
