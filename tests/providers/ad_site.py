"""A small hosting tree on the embedded directory, and calls of the Active Directory Provider over it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from lxml import etree

from mpf_core.attempts import Attempt, Attempts
from mpf_core.errors import MpfError
from mpf_core.provider import CallContext, Change, Element, ProcedureType, Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.memory import Memories, Memory
from mpf_directory.port import Directory, Entry, Modification, ModifyOp, Scope, Value
from mpf_directory.provider import ActiveDirectoryProvider

BASE = "DC=Fabrikam,DC=Com"
HOSTING = f"OU=Hosting,{BASE}"
RESELLER = f"OU=ConsolidatedMessenger,{HOSTING}"
CUSTOMER = f"OU=AlpineSkiHouse,{RESELLER}"
USER = f"CN=Johnc@AlpineSkiHouse.com,{CUSTOMER}"
OTHER = f"CN=Annw@AlpineSkiHouse.com,{CUSTOMER}"
GROUP = f"CN=Admins@AlpineSkiHouse,{CUSTOMER}"
PARKED = f"OU=MPF-Parked,{BASE}"
USER_CREATORS = "65F37ECB46704F0E9300E1FB48E1096E"


def ldap(dn: str, server: str = "") -> str:
    """The LDAP path of an object."""
    return f"LDAP://{server}/{dn}" if server else f"LDAP://{dn}"


class Failing:
    """A directory that fails at one write: before it has an effect, or after."""

    def __init__(self, directory: Directory, operation: str, code: int, *, after: bool = False, at: int = 1) -> None:
        self._directory = directory
        self._operation, self._code, self._after, self._at = operation, code, after, at

    def __getattr__(self, name: str) -> Any:
        wrapped = getattr(self._directory, name)
        if name != self._operation:
            return wrapped

        def call(*arguments: object) -> object:
            self._at -= 1
            if self._at == 0 and not self._after:
                raise MpfError(self._code, "told to fail")
            result = wrapped(*arguments)
            if self._at == 0:
                raise MpfError(self._code, "told to fail after the effect")
            return result

        return call


@dataclass
class Directories:
    """The service behind the provider. ``asked`` remembers the servers at which a directory was opened."""

    directory: Directory
    asked: list[str | None] = field(default_factory=list)
    memories: Memories = field(default_factory=Memories)
    attempts: Attempts = field(default_factory=Attempts)

    def open(self, identity: Identity, server: str | None = None, *, deadline: float | None = None) -> Directory:
        self.asked.append(server)
        return self.directory

    def service(self, *, deadline: float | None = None) -> Directory:
        return self.directory

    def account(self, identity: Identity) -> Hashable:
        return None

    def memory(self, transaction_id: str) -> Memory:
        return self.memories.of(transaction_id)

    def attempt(self, account: str) -> Attempt:
        return self.attempts.begin(account, 3, 1800)

    def verify_password(self, dn: Dn, password: str, server: str | None = None) -> bool:
        return cast(EmbeddedDirectory, self.directory).verify_password(dn, password)


@dataclass
class Done:
    """A write call that was prepared, and applied unless it had nothing to do."""

    site: Site
    ctx: CallContext
    change: Change

    @property
    def outputs(self) -> dict[str, str | None]:
        """Names and texts of the output that was known beforehand."""
        return {element.tag: element.text for element in self.change.output}

    def undo(self, *, forget: bool = False) -> Undo:
        """Take it back; ``forget`` as another process does that has only the journal's intent."""
        if forget:
            self.ctx.evidence.clear()
            self.ctx.bag.clear()
        return self.site.provider.undo(self.ctx, self.change)

    def commit(self) -> None:
        """Make it final."""
        self.site.provider.commit(self.ctx, self.change)


class Site:
    """The directory, the provider over it, and somebody else who changes things meanwhile."""

    def __init__(self, directory: EmbeddedDirectory) -> None:
        self.directory: Directory = directory
        self.directories = Directories(directory)
        self.provider = ActiveDirectoryProvider(self.directories)
        for dn in (HOSTING, RESELLER, CUSTOMER):
            self.ensure(dn, "organizationalUnit")
        self.ensure(f"CN=System,{BASE}", "container")
        self.put(USER, "user", sAMAccountName=["johnc"], userPrincipalName=["johnc@alpineskihouse.com"])
        self.put(OTHER, "user", sAMAccountName=["annw"], displayName=["Ann W"])
        self.put(GROUP, "group", sAMAccountName=["A@AlpineSkiHouse"])

    def context(self, context: str = "<context/>") -> CallContext:
        """The context of one call."""
        return CallContext(
            transaction_id="{1}",
            namespace="Active Directory Provider",
            procedure="",
            step="execute[1]",
            sequence=1,
            identity=Identity(IdentityKind.SERVICE, "MPFServiceAcct"),
            caller=Principal("johnc@alpineskihouse.com", dn=USER),
            context=etree.fromstring(context),
            bag={},
        )

    def read(self, procedure: str, xml: str = "", **arguments: str) -> list[Element]:
        """The output of a read procedure."""
        handler, method = self.provider.handlers[procedure]
        assert handler.type is ProcedureType.READ
        made = getattr(self.provider, method)(self.context(), _data(xml, arguments))
        return list(made or [])

    def texts(self, procedure: str, xml: str = "", **arguments: str) -> dict[str, str | None]:
        """The output of a read procedure, as names and texts."""
        return {element.tag: element.text for element in self.read(procedure, xml, **arguments)}

    def prepare(self, procedure: str, xml: str = "", **arguments: str) -> Done:
        """Prepare a write procedure, and no more."""
        handler, method = self.provider.handlers[procedure]
        assert handler.type is not ProcedureType.READ
        ctx = self.context()
        change = getattr(self.provider, method)(ctx, _data(xml, arguments))
        assert isinstance(change, Change)
        return Done(self, ctx, change)

    def write(self, procedure: str, xml: str = "", **arguments: str) -> Done:
        """Prepare and apply a write procedure."""
        done = self.prepare(procedure, xml, **arguments)
        if done.change.data is not None:
            assert self.provider.apply(done.ctx, done.change) is None
        return done

    def put(self, dn: str, object_class: str, **attributes: Sequence[Value]) -> None:
        """Create an object."""
        self.directory.add(Dn.parse(dn), {"objectClass": [object_class], **attributes})

    def ensure(self, dn: str, object_class: str) -> None:
        """Create an object that may be there already."""
        if self.directory.read(Dn.parse(dn), ["objectClass"]) is None:
            self.put(dn, object_class)

    def set(self, dn: str, **attributes: Sequence[Value]) -> None:
        """Somebody else replaces attributes."""
        parts = [Modification(name, ModifyOp.REPLACE, tuple(values)) for name, values in attributes.items()]
        self.directory.modify(Dn.parse(dn), parts)

    def move(self, dn: str, new_dn: str) -> None:
        """Somebody else renames or moves an object."""
        self.directory.rename(Dn.parse(dn), Dn.parse(new_dn))

    def find(self, dn: str | UUID, *attributes: str) -> Entry | None:
        """An object as it is now, by name or GUID."""
        name = Dn.by_guid(dn) if isinstance(dn, UUID) else Dn.parse(dn)
        return self.directory.read(name, attributes)

    def values(self, dn: str, attribute: str) -> list[Value]:
        """Values of an attribute, sorted."""
        entry = self.find(dn, attribute)
        assert entry is not None
        return sorted(entry.values(attribute), key=str)

    def guid(self, dn: str) -> UUID:
        """An object's GUID."""
        entry = self.find(dn, "objectGUID")
        octets = entry.octets("objectGUID") if entry else None
        assert octets is not None
        return UUID(bytes_le=octets)

    def children(self, dn: str) -> list[str]:
        """The names of what is directly below an object."""
        found = self.directory.search(Dn.parse(dn), Scope.ONE_LEVEL, Filter.present("objectClass"), ["name"])
        return sorted(entry.dn.rdn.value for entry in found)

    def snapshot(self) -> Mapping[str, Mapping[str, list[Value]]]:
        """All objects with all attributes that a client may set."""
        everything = self.directory.search(Dn.parse(BASE), Scope.SUBTREE, Filter.present("objectClass"))
        ignored = {"whenchanged", "usnchanged", "modifytimestamp"}
        return {
            str(entry.dn): {
                name: sorted(values, key=str) for name, values in entry.attributes.items() if name.lower() not in ignored
            }
            for entry in everything
        }


def _data(xml: str, arguments: Mapping[str, str]) -> Element:
    namespace = 'xmlns:dt="urn:schemas-microsoft-com:datatypes"'
    data = etree.fromstring(f"<executeData {namespace}>{xml}</executeData>")
    for name, text in arguments.items():
        etree.SubElement(data, name).text = text
    return data


@contextmanager
def site_in(folder: Path) -> Iterator[Site]:
    """The site in a new directory file."""
    directory = EmbeddedDirectory.create(folder / "directory.db", server="AD01.Fabrikam.com", base=Dn.parse(BASE))
    try:
        yield Site(directory)
    finally:
        directory.close()
