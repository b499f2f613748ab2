"""How many LDAP operations each public procedure of Managed OCS takes, beside the fewest that it could take.

The fewest are what nobody could leave out who enforces the same rules by hand, with no transaction, no locks and no undo:

* 2 for the caller: the account by its name, and the SIDs of its groups, which only a read of that one object computes;
* 2 for a role over an organization: the organization, and the SID of the group of administrators that it points at (that
  somebody administers the domain shows in the SIDs of the groups);
* then one for each further object or place that a rule looks at, and one for each object that is changed.

What the engine does beyond that has three reasons: what a decision rests on is read again when it is locked; an object that
was created is read for its GUID, by which an undo knows it; and a delete parks, so that it can be undone.

    python -m bench.ldap_operations

The embedded directory is asked, whose operations are those of the port: one read, search, add, modify, rename or delete.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from tests.counting import Operation, counted
from tests.namespaces.support import ALPINE_ADMIN, DOMAIN_ADMIN, OCS, Site, make_site


class Cost(NamedTuple):
    """What a procedure costs: the fewest operations, how they are reckoned beyond the caller and the role, and today's."""

    fewest: int
    reckoning: str
    taken: int


#: In an order in which they can be run one after the other on the seeded directory.
COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        "Initialize": Cost(5, "both groups, the member", 7),
        "GetPools": Cost(3, "the pools", 3),
        "GetPoolProperties": Cost(6, "the pool, its services, two front end servers", 6),
        "AddSharedPool": Cost(5, "the pool, its services, the pointer", 12),
        "SetSharedPoolProperties": Cost(4, "the pointer, its change", 6),
        "GetSharedPools": Cost(3, "the pointers", 4),
        "CreateSipDomain": Cost(
            8,
            "whose the organization is, what is reserved below the domain, the pointer, the reservation: adding them tells "
            "whether they were there",
            20,
        ),
        "GetSipDomainsByOrganization": Cost(6, "the organization's pointers, the parent's", 7),
        "ValidateSipDomainOwnership": Cost(5, "the reservation", 5),
        "SetPoolAssignment": Cost(
            9,
            "whose the organization is, that the pool is shared, the pool, its services, the change of the organization",
            13,
        ),
        "GetPoolAssignment": Cost(5, "the pool", 8),
        "CreateSipUser": Cost(
            10, "whose the organization is, the user, the reservation, the home server, the address, the change", 11
        ),
        "GetSipUserProperties": Cost(5, "the user", 6),
        "SetSipUserProperties": Cost(6, "the user, the change", 7),
        "DeleteSipUser": Cost(6, "the user, the change", 7),
        "DeletePoolAssignment": Cost(5, "the change of the organization", 7),
        "DeleteSipDomain": Cost(7, "the reservation, both deletes", 42),
        "RemoveSharedPool": Cost(4, "the pointer, its change", 6),
        "DeleteSharedPool": Cost(3, "the pointer", 16),
    }
)

#: Arguments where the schema's examples, which give everything, are more than the documented request for it.
_ARGUMENTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "SetSharedPoolProperties": {"poolFQDN": "pool01.fabrikam.com", "poolTag": "LabB"},
        "CreateSipUser": {"enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"},
        "SetSipUserProperties": {"enabledForFederation": "true"},
    }
)
_NAMES_AN_OBJECT = frozenset({"user", "organization"})


def operations(site: Site) -> dict[str, list[Operation]]:
    """Run every procedure once, and return what each asked of the directory. Raises AssertionError when one fails."""
    # What is read once in the life of an engine is no part of any request.
    site.succeed("GetPools", DOMAIN_ADMIN)
    found = {}
    for name in COSTS:
        procedure = site.engine.namespaces[OCS].procedures[name]
        assert procedure.input_schema is not None
        caller = DOMAIN_ADMIN if procedure.minimum_role == "DomainAdmins" else ALPINE_ADMIN
        examples = {argument.name: argument.example for argument in procedure.input_schema.arguments}
        given = _ARGUMENTS.get(name)
        if given is not None:
            examples = {key: value for key, value in examples.items() if key in _NAMES_AN_OBJECT} | {**given}
        with counted(site.engine) as counting:
            site.succeed(name, caller, **examples)
        found[name] = counting.take()
    return found


def main() -> int:
    """Print the table."""
    with make_site() as site:
        found = operations(site)
    print(f"{'procedure':29}{'fewest':>7}{'taken':>7}{'ratio':>7}  beyond the caller and the role")
    for name, cost in COSTS.items():
        taken = len(found[name])
        print(f"{name:29}{cost.fewest:7}{taken:7}{taken / cost.fewest:7.2f}  {cost.reckoning}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
