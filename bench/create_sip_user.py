"""CreateSipUser, as documented, through the engine with a durable store, against a function written by hand.

The function (`bench.by_hand`) enforces the same rules with the fewest possible requests, and has no transaction. Contenders
take turns, user by user, and a user that is not as it should be afterwards disqualifies: what counts are the ratios.

    python -m bench.create_sip_user [--users 100] [--load 10000] [--threads 8] [--no-samba]

Then the same procedure from many threads: throughput, memory, errors. Samba needs Debian's packages and root.
"""

from __future__ import annotations

import argparse
import resource
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3

from bench.by_hand import Client, Ldap3Client, PortClient, create_sip_user
from bench.security_share import measured
from mpf_core import Caller, Config, Engine
from mpf_core.cli.samples import request_for
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.layout import BASE, ORGANIZATIONS, SERVER
from mpf_directory.port import Directories, Directory, Value
from mpf_directory.seed import seed_hosting_tree
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.counting import CountingDirectory, Operations, counted, on_the_wire
from tests.samba import controller as samba

OCS = "Managed Office Communications Server"
CUSTOMER = next(one for one in ORGANIZATIONS if one.name == "AlpineSkiHouse").dn(BASE)
DOMAIN = "alpineskihouse.com"
ADMIN = f"admin@{DOMAIN}"
_DOMAIN_ADMIN = "Administrator@fabrikam.com"
_PASSWORD = "Correct-horse-1-battery"  # noqa: S105 - of accounts that live as long as the measurement
_COMPARED = (
    "ArchivingEnabled",
    "FederationEnabled",
    "InternetAccessEnabled",
    "OptionFlags",
    "PrimaryHomeServer",
    "UserEnabled",
)


@dataclass
class Ground:
    """An engine with a durable store, the directory below it, and a client for the function by hand."""

    name: str
    engine: Engine
    directory: Directory
    client: Client
    counting: Callable[[], AbstractContextManager[Operations]]

    def by_engine(self, user: str, uri: str) -> None:
        """Submit the documented request."""
        self.ask("CreateSipUser", ADMIN, user=f"LDAP://{user}", enabled="true", primaryURI=uri)

    def by_hand(self, user: str, uri: str) -> None:
        """Call the function."""
        create_sip_user(self.client, ADMIN, user, uri)

    def ask(self, procedure: str, caller: str, /, **arguments: str) -> None:
        """Submit a request in the shape of the documented samples. SystemExit when it fails."""
        document = request_for([(OCS, procedure, {**arguments, "preferredDomainController": SERVER})])
        result = self.engine.execute(document, Caller(caller))
        if result.error is not None:
            raise SystemExit(f"{self.name}: {procedure} failed: {result.error}")

    def prepare(self) -> None:
        """The SIP domain and the pool assignment that every user needs."""
        self.ask("CreateSipDomain", _DOMAIN_ADMIN, organization=f"LDAP://{CUSTOMER}", address=DOMAIN)
        pool = {"organization": f"LDAP://{CUSTOMER}", "poolFQDN": "pool01.fabrikam.com"}
        self.ask("SetPoolAssignment", _DOMAIN_ADMIN, **pool)

    def add_users(self, prefix: str, count: int) -> list[tuple[str, str]]:
        """New users, with the address that each is to have."""
        return [self._add_user(f"{prefix}{number}") for number in range(count)]

    def _add_user(self, name: str) -> tuple[str, str]:
        dn = CUSTOMER.child("CN", f"{name}@{DOMAIN}")
        upn = [f"{name}@{DOMAIN}"]
        self.directory.add(dn, {"objectClass": ["user"], "sAMAccountName": [name], "userPrincipalName": upn})
        return str(dn), f"sip:{name}@{DOMAIN}"

    def result(self, user: str) -> Sequence[object]:
        """What the user got, but for the address."""
        entry = self.directory.read(Dn.parse(user))
        return [[_folded(value) for value in entry.values(f"msRTCSIP-{name}")] for name in _COMPARED] if entry else []


def compare(ground: Ground, users: int) -> None:
    """Both contenders in turns, and the medians."""
    warm = 5
    engines, hands = ground.add_users("e", users + warm), ground.add_users("h", users + warm)
    spent: dict[str, list[float]] = {"by hand": [], "engine": []}
    made = dict.fromkeys(spent, 0)
    with ground.counting() as operations:
        for one, other in zip(engines, hands, strict=True):
            for name, work, user in (("by hand", ground.by_hand, other), ("engine", ground.by_engine, one)):
                operations.take()
                spent[name].append(_timed(work, *user))
                made[name] = len(operations.take())
            if ground.result(one[0]) != ground.result(other[0]):
                raise SystemExit(f"{one[0]} is {ground.result(one[0])}, and {other[0]} is {ground.result(other[0])}")
    floor = statistics.median(spent["by hand"][warm:])
    print(f"{ground.name}, {users} users each")
    for name, times in spent.items():
        median = statistics.median(times[warm:])
        ratio = f"time {median / floor:5.2f}, requests {made[name]:2} ({made[name] / made['by hand']:.2f})"
        print(f"  {name:8} {median * 1e3:8.2f} ms   {ratio}")


def share(ground: Ground, users: int) -> None:
    """How much of a request's time identity, authorization and elevation take."""
    waiting = ground.add_users("s", users)
    with measured() as spent:
        begin = time.perf_counter()
        for user in waiting:
            ground.by_engine(*user)
        total = time.perf_counter() - begin
    parts = ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in spent.items())
    print(f"  of it who may do what: {sum(spent.values()) / total:.0%} ({parts})")


def load(ground: Ground, users: int, threads: int) -> None:
    """Users from many threads at once; LOCK_VIOLATION does not happen, since each is another user."""
    waiting = ground.add_users("l", users)
    errors: list[str] = []
    memory: list[int] = []
    lock = threading.Lock()
    done = 0

    def one(job: tuple[str, str]) -> None:
        nonlocal done
        try:
            ground.by_engine(*job)
        except SystemExit as failed:
            errors.append(str(failed))
        with lock:
            done += 1
            if done % max(1, users // 5) == 0:
                memory.append(_resident())

    with ThreadPoolExecutor(threads) as pool:
        begin = time.perf_counter()
        list(pool.map(one, waiting))
        seconds = time.perf_counter() - begin
    shown = ", ".join(f"{kilobytes / 1024:.0f}" for kilobytes in memory)
    print(f"  {users} users by {threads} threads: {users / seconds:.0f}/s, {len(errors)} errors", end="")
    print(f", resident MB at each fifth: {shown}")
    for text in sorted(set(errors))[:5]:
        print(f"    {text}")


@contextmanager
def embedded(folder: Path) -> Iterator[Ground]:
    """On the embedded directory."""
    with EmbeddedDirectory.create(folder / "directory.db", server=SERVER, base=BASE) as directory:
        seed_hosting_tree(directory)
        with _engine({"path": str(folder / "directory.db")}, folder) as engine:
            operations = Operations()
            client = PortClient(CountingDirectory(directory, operations))
            yield Ground("embedded directory", engine, directory, client, lambda: counted(engine, operations))


@contextmanager
def on_samba(folder: Path) -> Iterator[Ground]:
    """On a Samba domain controller of its own."""
    starting = samba.Controller(folder)
    with ExitStack() as stack:
        stack.callback(starting.stop)
        running = starting.start()
        settings = samba.engine_config(running) | {"impersonation": "policy"}
        engine = stack.enter_context(_engine(settings, folder, samba.SambaCredentials(running)))
        connection = _connection(running)
        stack.callback(connection.unbind)
        directory = engine.services.get(Directories).service()  # type: ignore[type-abstract]
        seed_hosting_tree(directory, _PASSWORD)
        yield Ground("Samba", engine, directory, Ldap3Client(connection, str(BASE)), on_the_wire)


def _connection(running: samba.Samba) -> Any:
    """What somebody has who uses the library as it is: one connection, made beforehand, and certificates checked."""
    account = running.administrator
    checks = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(running.ca_file), valid_names=[running.name])
    server = ldap3.Server(running.address, port=636, use_ssl=True, tls=checks, get_info=ldap3.NONE)
    user = f"{account.domain}\\{account.username}"
    return ldap3.Connection(server, user=user, password=account.password, check_names=False, auto_bind=True)


def _engine(directory: dict[str, Any], folder: Path, *more: object) -> Engine:
    config = Config.model_validate(
        {
            "base_dir": str(folder),
            "store": {"url": f"sqlite:///{folder / 'store.db'}"},
            "directory": directory,
            "plugins": {"mpf.policy": {"elevations": list(elevations())}},
        }
    )
    ours = [DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), PolicyPlugin()]
    return Engine(config, plugins=[*ours, *more])


def _timed(work: Callable[[str, str], None], user: str, uri: str) -> float:
    begin = time.perf_counter()
    work(user, uri)
    return time.perf_counter() - begin


def _folded(value: Value) -> Value:
    return value.lower()


def _resident() -> int:
    """Kilobytes that the process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--users", type=int, default=100, help="users of each contender")
    parser.add_argument("--load", type=int, default=10_000, help="users created by many threads (a tenth on Samba)")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--no-samba", action="store_true")
    chosen = parser.parse_args()
    kinds = [(embedded, chosen.load)]
    if not chosen.no_samba:
        if reason := samba.why_not():
            print(f"NOT MEASURED on a real Active Directory: {reason}")
        else:
            kinds.append((on_samba, chosen.load // 10))
    for kind, users in kinds:
        with tempfile.TemporaryDirectory() as folder, kind(Path(folder)) as ground:
            ground.prepare()
            compare(ground, chosen.users)
            share(ground, chosen.users)
            load(ground, users, chosen.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
