"""A small hosting tree that can only be read, and calls over it: what a policy needs to be asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from lxml import etree

from mpf_core.model import Access, Procedure
from mpf_core.security.calls import Call
from mpf_core.security.declarations import Declared
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Credentials, Principal
from mpf_core.services import Services
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.memory import Memories, Memory
from mpf_directory.port import Directories, Directory, Entry, Modification, Scope, Value
from mpf_directory.sids import sid_to_octets
from mpf_policy import PolicyPlugin

BASE = "DC=Fabrikam,DC=Com"
HOSTING = f"OU=Hosting,{BASE}"
RESELLER = f"OU=ConsolidatedMessenger,{HOSTING}"
CUSTOMER = f"OU=AlpineSkiHouse,{RESELLER}"
OTHER_CUSTOMER = f"OU=NorthwindTraders,{RESELLER}"
OTHER_RESELLER = f"OU=Contoso,{HOSTING}"
DIRECT_CUSTOMER = f"OU=Tailspin,{HOSTING}"
USER = f"CN=Johnc@AlpineSkiHouse.com,{CUSTOMER}"
USER_GUID = UUID("0f7e6b5a-9a3c-4d1b-8e2f-1a2b3c4d5e6f")

DOMAIN_SID = "S-1-5-21-1-2-3"
DOMAIN_ADMINS = f"{DOMAIN_SID}-512"
HOSTING_ADMINS = f"{DOMAIN_SID}-1101"
RESELLER_ADMINS = f"{DOMAIN_SID}-1102"
CUSTOMER_ADMINS = f"{DOMAIN_SID}-1103"
OTHER_CUSTOMER_ADMINS = f"{DOMAIN_SID}-1104"
OTHER_RESELLER_ADMINS = f"{DOMAIN_SID}-1105"
DIRECT_CUSTOMER_ADMINS = f"{DOMAIN_SID}-1106"

HOSTING_CSRS = f"{DOMAIN_SID}-1201"
RESELLER_CSRS = f"{DOMAIN_SID}-1202"
CUSTOMER_CSRS = f"{DOMAIN_SID}-1203"

_USER_CREATORS = "65F37ECB46704F0E9300E1FB48E1096E"
_CHILD_ORG_CREATORS = "3B6FF4FA8AA248039AD8F9493A43B704"
_ORG_TYPE = "EA755D448CE64157A20E82B7CCBE14B0"


class ReadOnlyDirectory:
    """Objects in a dictionary. Counts what is read."""

    server = "AD01.Fabrikam.com"
    has_acls = False

    def __init__(self) -> None:
        self.base = Dn.parse(BASE)
        self.objects: dict[Dn, Entry] = {}
        self.names: dict[Dn, Dn] = {}
        self.reads: list[Dn] = []

    def put(self, dn: str, object_class: str, **attributes: Sequence[Value]) -> None:
        name = Dn.parse(dn)
        self.objects[name] = Entry(
            name, {"objectClass": ("top", object_class), **{k: tuple(v) for k, v in attributes.items()}}
        )

    def organization(
        self, dn: str, admins: str | None, kind: str | None = None, *, pointer: bool = True, csrs: str | None = None
    ) -> None:
        """An organizational unit with its group Admins@<name>, and the entries that point at the group and the type.

        With ``csrs`` it has a group CSRAdmins@<name> as well.
        """
        name = Dn.parse(dn).rdn.value
        group = f"CN=Admins@{name},{dn}"
        entries = [f"B:32:{_USER_CREATORS}:{group}"] if admins and pointer else []
        representatives = f"CN=CSRAdmins@{name},{dn}"
        if csrs:
            entries.append(f"B:32:{_CHILD_ORG_CREATORS}:{representatives}")
            self.put(representatives, "group", objectSid=[sid_to_octets(csrs)])
        if kind:
            entries.append(f"B:32:{_ORG_TYPE}:CN={kind},CN=WatOrgTypes,CN=_Private,{HOSTING}")
        self.put(dn, "organizationalUnit", otherWellKnownObjects=entries)
        if admins:
            self.put(group, "group", objectSid=[sid_to_octets(admins)])

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        self.reads.append(dn)
        return self.objects.get(self.names.get(dn, dn))

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - the port's name
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        raise AssertionError("a policy does not search")

    def add(self, dn: Dn, attributes: Mapping[str, Sequence[Value]]) -> None:
        raise AssertionError("a policy does not write")

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        raise AssertionError("a policy does not write")

    def delete(self, dn: Dn) -> None:
        raise AssertionError("a policy does not write")

    def rename(self, dn: Dn, new_dn: Dn) -> None:
        raise AssertionError("a policy does not write")


class OneDirectory:
    """The service behind `Directories`; nobody but the operator may be bound."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.memories = Memories()

    def open(self, identity: Identity, server: str | None = None, *, deadline: float | None = None) -> Directory:
        raise AssertionError("a policy looks with the operator's own connection")

    def service(self, *, deadline: float | None = None) -> Directory:
        return self.directory

    def account(self, identity: Identity) -> Hashable:
        return None

    def memory(self, transaction_id: str) -> Memory:
        return self.memories.of(transaction_id)


def hosting_tree() -> ReadOnlyDirectory:
    """The tree of the documentation's samples: one domain, Hosting, two resellers, three customers, one user."""
    tree = ReadOnlyDirectory()
    tree.put(BASE, "domainDNS", objectSid=[sid_to_octets(DOMAIN_SID)])
    tree.organization(HOSTING, HOSTING_ADMINS, csrs=HOSTING_CSRS)
    tree.organization(RESELLER, RESELLER_ADMINS, "reseller", csrs=RESELLER_CSRS)
    tree.organization(CUSTOMER, CUSTOMER_ADMINS, "customer", csrs=CUSTOMER_CSRS)
    tree.organization(OTHER_CUSTOMER, OTHER_CUSTOMER_ADMINS)
    tree.organization(OTHER_RESELLER, OTHER_RESELLER_ADMINS, "reseller")
    tree.organization(DIRECT_CUSTOMER, DIRECT_CUSTOMER_ADMINS, "customer")
    tree.put(USER, "user", tokenGroups=[sid_to_octets(f"{DOMAIN_SID}-513")])
    tree.names[Dn.by_guid(USER_GUID)] = Dn.parse(USER)
    return tree


def configured(tree: Directory, base_dir: Path, **settings: object) -> PolicyPlugin:
    """The plugin over that tree."""
    services = Services(base_dir, _no_credentials)
    services.provide(Directories, OneDirectory(tree))  # type: ignore[type-abstract]
    plugin = PolicyPlugin()
    plugin.mpf_configure(settings, services)
    return plugin


def _no_credentials(name: str) -> Credentials:
    raise AssertionError(name)


class _Schema:
    def __init__(self, minimum_role: str | None, declared: Mapping[str, Declared] = MappingProxyType({})) -> None:
        self.minimum_role = minimum_role
        self.declared = declared


def procedure(role: str | None, access: Access = Access.PUBLIC, name: str = "CreateUser") -> Procedure:
    """A procedure with that minimum role."""
    return Procedure("Managed Active Directory", name, access=access, input_schema=_Schema(role))  # type: ignore[arg-type]


def call(
    role: str | None,
    *groups: str,
    data: str = "",
    access: Access = Access.PUBLIC,
    calling: Procedure | None = None,
    sid: str = f"{DOMAIN_SID}-1500",
    transaction: str = "{1}",
) -> Call:
    """A call of a procedure with that minimum role, made by a member of those groups."""
    caller = Principal("admin@example.com", sid, f"CN=admin,{CUSTOMER}", groups=frozenset(groups))
    identity = Identity(IdentityKind.CALLER, caller.name, caller)
    content = etree.fromstring(f"<executeData>{data}</executeData>")
    return Call(transaction, caller, identity, procedure(role, access), calling, content, "request/execute[1]")
