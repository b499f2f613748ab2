"""What requests cost in a directory of 100,000 users, against one of 100: as many operations, and about the same time.

The users lie in the customer's own organization, and every second one is a SIP user with an address of the organization's
domain, so that whatever grows with them would show. Requests take turns on both directories.

    python -m bench.large_directory [--users 100000] [--against 100] [--turns 30]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Value
from tests.counting import counted
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, DOMAIN_ADMIN, POOL1, Site, ldap, make_site

DOMAIN = "alpineskihouse.com"
PROCEDURES = ("CreateSipUser", "GetSipDomainsByOrganization", "GetSharedPools")


class Cost(NamedTuple):
    """Operations of the last request, and the seconds of each."""

    operations: int
    seconds: Sequence[float]


def fill(directory: EmbeddedDirectory, users: int) -> None:
    """Add so many users to the customer's organization; every second one is a SIP user."""
    place = Dn.parse(ALPINE)
    for number in range(users):
        name = f"filler{number}"
        upn = f"{name}@{DOMAIN}"
        attributes: dict[str, Sequence[Value]] = {
            "objectClass": ["user"],
            "sAMAccountName": [name],
            "userPrincipalName": [upn],
        }
        if number % 2:
            uri = f"sip:{upn}"
            attributes |= {
                "msRTCSIP-PrimaryUserAddress": [uri],
                "proxyAddresses": [uri],
                "msRTCSIP-UserEnabled": ["TRUE"],
                "msRTCSIP-PrimaryHomeServer": [POOL1],
            }
        directory.add(place.child("CN", upn), attributes)


def prepare(site: Site) -> None:
    """What the requests need: a SIP domain, a pool, a shared pool."""
    site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(ALPINE), address=DOMAIN)
    site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
    site.succeed("AddSharedPool", DOMAIN_ADMIN, poolFQDN="pool01.fabrikam.com", poolTag="LabA")


def costs(sites: Sequence[Site], turns: int) -> Iterator[tuple[str, list[Cost]]]:
    """What each procedure costs on each of the sites, which take turns."""
    for procedure in PROCEDURES:
        measured = [[measure(site, procedure, turn) for site in sites] for turn in range(turns)]
        yield (
            procedure,
            [Cost(of_site[-1][0], [seconds for _, seconds in of_site]) for of_site in zip(*measured, strict=True)],
        )


def measure(site: Site, procedure: str, turn: int) -> tuple[int, float]:
    """The operations and the seconds of one request."""
    caller, arguments = ALPINE_ADMIN, {"organization": ldap(ALPINE)}
    if procedure == "GetSharedPools":
        caller, arguments = DOMAIN_ADMIN, {}
    elif procedure == "CreateSipUser":
        upn = f"new{turn}@{DOMAIN}"
        arguments = {"user": ldap(site.add_user(ALPINE, upn)), "enabled": "true", "primaryURI": f"sip:{upn}"}
    with counted(site.engine) as operations:
        begin = time.perf_counter()
        site.succeed(procedure, caller, **arguments)
        return len(operations.take()), time.perf_counter() - begin


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--against", type=int, default=100)
    parser.add_argument("--turns", type=int, default=30)
    chosen = parser.parse_args()
    with make_site() as small, make_site() as large:
        for site, users in ((small, chosen.against), (large, chosen.users)):
            fill(site.directory, users)
            prepare(site)
        print(f"{chosen.users} users against {chosen.against}, embedded directory, {chosen.turns} requests each")
        for procedure, (few, many) in costs((small, large), chosen.turns):
            medians = [statistics.median(cost.seconds) * 1e3 for cost in (few, many)]
            print(
                f"  {procedure:28} operations {few.operations} and {many.operations}, "
                f"{medians[0]:.1f} ms and {medians[1]:.1f} ms, ratio {medians[1] / medians[0]:.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
