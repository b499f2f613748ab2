"""A forest with Office Communications Server in it, on the embedded directory, and calls of the provider over it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from lxml import etree

from mpf_core.attempts import Attempt, Attempts
from mpf_core.provider import CallContext, Change, Element, Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.memory import Memories, Memory
from mpf_directory.port import Directory, Entry, Modification, ModifyOp, Value
from mpf_ocs.provider import OcsProvider
from mpf_ocs.users import TO_READ

Attributes: TypeAlias = Mapping[str, Sequence[Value]]
NONE: Attributes = MappingProxyType({})

BASE = "DC=Fabrikam,DC=Com"
RTC = f"CN=RTC Service,CN=Microsoft,CN=System,{BASE}"
RTC_CONFIGURATION = f"CN=RTC Service,CN=Services,CN=Configuration,{BASE}"
CUSTOMER = f"OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,{BASE}"
USER = f"CN=Johnc@AlpineSkiHouse.com,{CUSTOMER}"
OTHER = f"CN=Annw@AlpineSkiHouse.com,{CUSTOMER}"
LOW = f"CN={{0A1B2C3D-0000-0000-0000-000000000001}},CN=Policies,{RTC}"
HIGH = f"CN={{0A1B2C3D-0000-0000-0000-000000000002}},CN=Policies,{RTC}"
VOICE = f"CN={{0A1B2C3D-0000-0000-0000-000000000003}},CN=Policies,{RTC}"
URI = "sip:johnc@alpineskihouse.com"


def home(pool: str, root: str = RTC) -> str:
    """The DN of a pool's service."""
    return f"CN=LC Services,CN=Microsoft,CN={pool},CN=Pools,{root}"


def policy_content(name: str) -> str:
    """A policy as the directory holds it."""
    return f'<instance><property name="MeetingSize">10</property><property name="Name">{name}</property></instance>'


@dataclass
class Directories:
    """The service behind the provider. ``asked`` remembers for whom, and at which server, a directory was opened."""

    caller: Directory
    operator: Directory
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    memories: Memories = field(default_factory=Memories)
    attempts: Attempts = field(default_factory=Attempts)

    def open(self, identity: Identity, server: str | None = None, *, deadline: float | None = None) -> Directory:
        self.asked.append((identity.name, server))
        return self.operator if identity.kind is IdentityKind.SERVICE else self.caller

    def service(self, *, deadline: float | None = None) -> Directory:
        return self.operator

    def account(self, identity: Identity) -> Hashable:
        return None if identity.kind is IdentityKind.SERVICE else identity.name

    def memory(self, transaction_id: str) -> Memory:
        return self.memories.of(transaction_id)

    def attempt(self, account: str) -> Attempt:
        return self.attempts.begin(account, 3, 1800)

    def verify_password(self, dn: Dn, password: str, server: str | None = None) -> bool:
        raise AssertionError("no procedure of this provider asks for passwords")


class Forest:
    """The directory, the provider over it, and what was locked."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.directories = Directories(directory, directory)
        self.provider = OcsProvider(self.directories)
        self.locked: list[str] = []
        self.identity = Identity(IdentityKind.SERVICE, "MPFServiceAcct")
        for dn in (CUSTOMER.split(",", 2)[2], CUSTOMER.split(",", 1)[1], CUSTOMER):
            self.ensure(dn, "organizationalUnit")
        self.put(USER, "user", {"sAMAccountName": ["johnc"], "proxyAddresses": ["SMTP:johnc@alpineskihouse.com"]})
        self.put(OTHER, "user", {"sAMAccountName": ["annw"]})

    def prepare_ocs(self, root: str = RTC) -> None:
        """What the preparation of the forest makes."""
        for dn in (root.split(",", 2)[2], root.split(",", 1)[1]):
            self.ensure(dn, "container")
        self.put(root, "msRTCSIP-Service")
        self.put(f"CN=Pools,{root}", "msRTCSIP-Pools")
        self.put(f"CN=Policies,{root}", "msRTCSIP-Policies")

    def pool(self, name: str, attributes: Attributes = NONE, root: str = RTC) -> None:
        """A pool with its service."""
        self.put(f"CN={name},CN=Pools,{root}", "msRTCSIP-Pool", {"dNSHostName": [f"{name}.fabrikam.com"], **attributes})
        self.put(f"CN=Microsoft,CN={name},CN=Pools,{root}", "serviceConnectionPoint")
        self.put(home(name, root), "msRTCSIP-PoolService")

    def policy(self, dn: str, type_: str, content: str | None) -> None:
        """A policy that users can have."""
        contents = {"msRTCSIP-PolicyContent": [content]} if content is not None else {}
        self.put(dn, "msRTCSIP-GlobalUserPolicy", {"msRTCSIP-PolicyType": [type_], **contents})

    def put(self, dn: str, object_class: str, attributes: Attributes = NONE) -> None:
        """Create an object."""
        self.directory.add(Dn.parse(dn), {"objectClass": [object_class], **attributes})

    def ensure(self, dn: str, object_class: str) -> None:
        """Create an object that may be there."""
        if self.directory.read(Dn.parse(dn), ["objectClass"]) is None:
            self.put(dn, object_class)

    def entry(self, dn: str = USER) -> Entry:
        """An object as it is now."""
        found = self.directory.read(Dn.parse(dn), [*TO_READ, "whenChanged"])
        assert found is not None
        return found

    def sip(self, dn: str = USER) -> dict[str, list[Value]]:
        """The SIP attributes and proxy addresses of an object, values sorted."""
        entry = self.entry(dn)
        names = [name for name in TO_READ if name.startswith("msRTCSIP-") or name == "proxyAddresses"]
        return {name: sorted(entry.values(name), key=str) for name in names if entry.values(name)}

    def write(self, attributes: Attributes, dn: str = USER) -> None:
        """Somebody else changes an object."""
        changes = [Modification(name, ModifyOp.REPLACE, tuple(values)) for name, values in attributes.items()]
        self.directory.modify(Dn.parse(dn), changes)

    def context(self, procedure: str) -> CallContext:
        """A context for a call of ``procedure``."""
        principal = Principal("admin@alpineskihouse.com", "S-1-5-21-1-2-3-1103")
        namespace = "Office Communications Server Provider"
        return CallContext(
            transaction_id="{1}",
            namespace=namespace,
            procedure=procedure,
            step="request/execute[1]",
            sequence=1,
            identity=self.identity,
            caller=principal,
            context=etree.Element("context"),
            bag={},
            lock_key=self._lock,
        )

    def _lock(self, key: str, *, shared: bool = False) -> None:
        self.locked.append(key)

    def prepare(self, procedure: str, **arguments: str) -> Any:
        """What the procedure's method returns for these arguments."""
        data = etree.Element("executeData")
        for name, text in arguments.items():
            etree.SubElement(data, name).text = text
        _, method = self.provider.handlers[procedure]
        return getattr(self.provider, method)(self.context(procedure), data)

    def read(self, procedure: str, **arguments: str) -> list[tuple[str, Any]]:
        """The output of a read procedure: names and texts; a list has its items' texts."""
        found: list[Element] = self.prepare(procedure, **arguments)
        return [
            (item.tag, [child.text for child in item] if len(item) or item.text is None else item.text) for item in found
        ]

    def run(self, procedure: str, **arguments: str) -> Done:
        """Prepare and apply a write procedure."""
        change = self.prepare(procedure, **arguments)
        assert isinstance(change, Change)
        ctx = self.context(procedure)
        if change.data is not None:
            self.provider.apply(ctx, change)
        return Done(self, ctx, change)

    def create(self, **arguments: str) -> Done:
        """CreateSipUser with what it needs, and with ``arguments``."""
        given = {"userDN": USER, "enabled": "true", "primaryURI": URI, "homeServerDN": home("pool01"), **arguments}
        return self.run("CreateSipUser", **given)


@contextmanager
def bare_forest(folder: Path) -> Iterator[Forest]:
    """A forest in which nothing of Office Communications Server is."""
    directory = EmbeddedDirectory.create(folder / "directory.db", server="AD01.Fabrikam.com", base=Dn.parse(BASE))
    try:
        yield Forest(directory)
    finally:
        directory.close()


@contextmanager
def prepared_forest(folder: Path) -> Iterator[Forest]:
    """A forest with two pools and three policies."""
    with bare_forest(folder) as forest:
        forest.prepare_ocs()
        forest.pool("pool01")
        forest.pool("pool02")
        forest.policy(LOW, "meeting", policy_content("Policy 5 (Low)"))
        forest.policy(HIGH, "meeting", policy_content("Policy 1 (High)"))
        forest.policy(VOICE, "telephony", policy_content("Default Policy"))
        yield forest


@dataclass
class Done:
    """A call that was made, and can be undone."""

    forest: Forest
    ctx: CallContext
    change: Change

    def undo(self) -> Undo:
        """Take it back."""
        if self.change.data is None:
            return Undo.NOTHING_TO_UNDO
        return self.forest.provider.undo(self.ctx, self.change)


def guid_in_braces(entry: Entry) -> str:
    """The objectGUID as an InstanceID."""
    octets = entry.octets("objectGUID")
    assert octets is not None
    return f"{{{UUID(bytes_le=octets)}}}".upper()
