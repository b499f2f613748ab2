"""Whether the time of a refusal tells if a foreign user exists: medians for one that does and one that does not.

Run with ``python -m bench.foreign_lookups``. The requests alternate, so that whatever else the machine does falls on both.
That both ask the same of the directory is a test (tests/security/test_timing.py); this is the clock's view of it.
"""

from __future__ import annotations

import statistics
import time

from tests.namespaces.support import ALPINE_ADMIN, OTHER_CUSTOMER, Site, ldap, make_site

ROUNDS = 300
THERE = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
NOWHERE = THERE.replace("Kimba", "Nobody")


def seconds(site: Site, dn: str) -> float:
    """How long the refusal takes."""
    start = time.perf_counter()
    error = site.submit("GetSipUserProperties", ALPINE_ADMIN, {"user": ldap(dn)}).error
    taken = time.perf_counter() - start
    assert error is not None
    return taken


def main() -> None:
    """Print the medians, their ratio, and how much each varies by itself."""
    with make_site() as site:
        for dn in (THERE, NOWHERE) * 20:
            seconds(site, dn)
        pairs = [(seconds(site, THERE), seconds(site, NOWHERE)) for _ in range(ROUNDS)]
    there, nowhere = map(sorted, zip(*pairs, strict=True))
    quarter = ROUNDS // 4
    for name, times in (("exists", there), ("does not exist", nowhere)):
        low, median, high = (1e3 * times[place] for place in (quarter, ROUNDS // 2, -quarter))
        print(f"{name:>15}: {median:.2f} ms (quartiles {low:.2f}, {high:.2f})")
    print(f"{'ratio':>15}: {statistics.median(nowhere) / statistics.median(there):.2f}")


if __name__ == "__main__":
    main()
