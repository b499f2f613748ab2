"""Calls of the Active Directory Provider for several transactions, with a table of locks such as a store keeps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change
from tests.providers.ad_site import CUSTOMER, GROUP, OTHER, USER, Site, ldap

UNIT = f"OU=Branch,{CUSTOMER}"
INNER = f"OU=Desk,{UNIT}"
CLERK = f"CN=Clerk,{INNER}"
GUID = "F2864B2154204460BC035BDF8A760C45"


@dataclass
class LockTable:
    """Who holds which key, alone or shared. ``at`` is what happens when a key is taken: somebody else was quicker."""

    held: dict[str, dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))
    at: Callable[[str], None] = lambda _key: None

    def take(self, transaction: str, key: str, *, shared: bool = False) -> None:
        """Raises LOCK_VIOLATION, as the engine does."""
        holders = self.held[key]
        for other, with_others in holders.items():
            if other != transaction and not (shared and with_others):
                raise MpfError(Code.LOCK_VIOLATION, f"Another request is changing '{key}' now; send this one again later.")
        holders[transaction] = shared and holders.get(transaction, True)
        self.at(key)

    def keys(self, transaction: str) -> dict[str, bool]:
        """What a transaction holds, and whether shared."""
        return {key: holders[transaction] for key, holders in self.held.items() if transaction in holders}


@dataclass(frozen=True)
class Procedure:
    """A call with its arguments, and more of its data as XML."""

    name: str
    arguments: Mapping[str, str]
    xml: str = ""

    def with_xml(self, xml: str) -> Procedure:
        """The same with more data."""
        return replace(self, xml=self.xml + xml)


def create(container: str = CUSTOMER, name: str = "New", class_: str = "contact") -> Procedure:
    """Create Object."""
    return Procedure("Create Object", {"container": ldap(container), "name": name, "class": class_})


def delete(dn: str = USER) -> Procedure:
    """Delete Object."""
    return Procedure("Delete Object", {"path": ldap(dn)})


def set_property(dn: str, attribute: str, value: str) -> Procedure:
    """Set Properties."""
    xml = f'<properties><property name="{attribute}"><value>{value}</value></property></properties>'
    return Procedure("Set Properties", {"path": ldap(dn)}, xml)


def move(dn: str, container: str) -> Procedure:
    """Move Object."""
    return Procedure("Move Object", {"source": ldap(dn), "destination": ldap(container)})


def rename(dn: str, name: str) -> Procedure:
    """Rename Object."""
    return Procedure("Rename Object", {"source": ldap(dn), "name": name})


def join(member: str = USER, group: str = GROUP) -> Procedure:
    """Group Add."""
    return Procedure("Group Add", {"group": ldap(group), "path": ldap(member)})


def leave(member: str = OTHER, group: str = GROUP) -> Procedure:
    """Group Remove."""
    return Procedure("Group Remove", {"group": ldap(group), "path": ldap(member)})


def point(dn: str = CUSTOMER, guid: str = GUID, target: str = OTHER) -> Procedure:
    """Set Other Well Known Object."""
    return Procedure("Set Other Well Known Object", {"path": ldap(dn), "guid": guid, "distinguishedName": target})


def password(dn: str = USER) -> Procedure:
    """User Set Password."""
    return Procedure("User Set Password", {"path": ldap(dn), "newPassword": "A new one, 1"})


class Calls:
    """The site with some more objects in it, and one table of locks."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.locks = LockTable()
        site.ensure(UNIT, "organizationalUnit")
        site.ensure(INNER, "organizationalUnit")
        site.put(CLERK, "user", sAMAccountName=["clerk"])
        site.set(GROUP, member=[OTHER])

    def context(self, transaction: str) -> CallContext:
        """A call's context, in that transaction."""
        ctx = self.site.context()
        ctx.transaction_id = transaction
        ctx.lock_key = lambda key, *, shared=False: self.locks.take(transaction, key, shared=shared)
        return ctx

    def prepare(self, transaction: str, procedure: Procedure) -> tuple[CallContext, Change]:
        """Prepare a write call."""
        data = etree.fromstring(f"<executeData>{procedure.xml}</executeData>")
        for name, text in procedure.arguments.items():
            etree.SubElement(data, name).text = text
        ctx = self.context(transaction)
        _, method = self.site.provider.handlers[procedure.name]
        change = getattr(self.site.provider, method)(ctx, data)
        assert isinstance(change, Change)
        return ctx, change

    def clash(self, first: Procedure, second: Procedure) -> bool:
        """Whether the second call is refused while the first one's transaction has not ended."""
        self.prepare("{1}", first)
        try:
            self.prepare("{2}", second)
        except MpfError as error:
            if error.code != Code.LOCK_VIOLATION:
                raise
            return True
        return False
