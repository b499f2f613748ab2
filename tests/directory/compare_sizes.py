"""Look-ups in a directory of 10,000 users against the same in one of 100: a script, not a test.

    PYTHONPATH=.:plugins python -m tests.directory.compare_sizes [users]

Prints microseconds and their ratio; the ratio is what counts. Filling the large directory takes most of the time.
"""

from __future__ import annotations

import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path

from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.seed import seed_hosting_tree
from mpf_directory.seed_ocs import lc_services

CUSTOMER = Dn.parse("OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com")
USER = Filter.eq("objectClass", "user")


def fill(path: Path, users: int) -> EmbeddedDirectory:
    """The hosting tree with that many SIP users in it."""
    directory = EmbeddedDirectory.create(path)
    seed_hosting_tree(directory)
    home = str(lc_services(directory.base, "pool01"))
    for number in range(users):
        name = f"user{number}@alpineskihouse.com"
        attributes = {
            "objectClass": ["user"],
            "sAMAccountName": [f"user{number}"],
            "userPrincipalName": [name],
            "proxyAddresses": [f"SMTP:{name}", f"sip:{name}"],
            "msRTCSIP-PrimaryUserAddress": [f"sip:{name}"],
            "msRTCSIP-PrimaryHomeServer": [home],
            "msRTCSIP-UserEnabled": ["TRUE"],
        }
        directory.add(CUSTOMER.child("CN", name), attributes)
    return directory


def lookups(directory: EmbeddedDirectory) -> dict[str, Callable[[], object]]:
    """One look-up of each kind, of a user that is in a directory of any size."""
    user = CUSTOMER.child("CN", "user77@alpineskihouse.com")
    entry = directory.read(user)
    assert entry is not None

    def find(wanted: Filter) -> Callable[[], object]:
        return lambda: list(directory.search(directory.base, Scope.SUBTREE, Filter.and_(USER, wanted), ["cn"]))

    return {
        "read, two attributes": lambda: directory.read(user, ["cn", "mail"]),
        "read, all": lambda: directory.read(user),
        "objectGUID": find(Filter.eq("objectGUID", entry.octets("objectGUID") or b"")),
        "sAMAccountName": find(Filter.eq("sAMAccountName", "user77")),
        "userPrincipalName": find(Filter.eq("userPrincipalName", "user77@alpineskihouse.com")),
        "SIP address": find(Filter.eq("msRTCSIP-PrimaryUserAddress", "sip:user77@alpineskihouse.com")),
        "proxyAddresses": find(Filter.eq("proxyAddresses", "sip:user77@alpineskihouse.com")),
        "cn": find(Filter.eq("cn", "user77@alpineskihouse.com")),
        "cn, prefix": find(Filter.starts_with("cn", "user77@")),
        "nobody": find(Filter.eq("mail", "nobody")),
    }


def main() -> None:
    """Fill both, measure both."""
    users = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        small, large = fill(Path(folder) / "small.db", 100), fill(Path(folder) / "large.db", users)
        print(f"{'look-up':24} {'100 users':>12} {f'{users} users':>14} {'ratio':>8}")
        for (name, few), many in zip(lookups(small).items(), lookups(large).values(), strict=True):
            one, two = (min(timeit.repeat(work, number=200, repeat=5)) / 200 * 1e6 for work in (few, many))
            print(f"{name:24} {one:9.0f} us {two:11.0f} us {two / one:8.2f}")
        small.close()
        large.close()


if __name__ == "__main__":
    main()
