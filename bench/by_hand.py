"""CreateSipUser as somebody would write it by hand: the same rules, the fewest possible requests, and nothing else.

No transaction, no journal, no undo, no audit, no locks, no input schema: the floor that the engine is measured against. One
request for each fact, since every one of these is on another object or under another base:

1. the caller by user principal name    5. that organization's group of administrators   9. whoever has the address
2. the SIDs of the caller's groups      6. the SIP domain's reservation                 10. the change
3. the organization                     7. the user
4. whose the organization is            8. the home server
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import ldap3
from ldap3.utils.conv import escape_filter_chars

from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.layout import Kind, WellKnown, type_of
from mpf_directory.port import Directory, Modification, ModifyOp, Scope, Value
from mpf_directory.sids import sid_to_text

Attributes = Mapping[str, Sequence[Value]]
_ACCOUNTDISABLE = 2
_ADDRESSES = ("msRTCSIP-PrimaryUserAddress", "proxyAddresses")


class Refused(Exception):  # noqa: N818 - an outcome
    """A rule is broken."""


class Client(Protocol):
    """The three requests that it takes, as little above the library as can be."""

    base: str

    def read(self, dn: str, attributes: Sequence[str]) -> Attributes | None:
        """One object."""
        ...

    def find(self, wanted: Sequence[tuple[str, str]], attributes: Sequence[str]) -> list[tuple[str, Attributes]]:
        """Users that have any of these values."""
        ...

    def replace(self, dn: str, values: Mapping[str, Sequence[str]]) -> None:
        """Give attributes these values."""
        ...


class Ldap3Client:
    """On a connection of ``ldap3``."""

    def __init__(self, connection: Any, base: str) -> None:
        self.base = base
        self._connection = connection

    def read(self, dn: str, attributes: Sequence[str]) -> Attributes | None:
        """One object."""
        self._connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=list(attributes))
        found = self._entries()
        return found[0][1] if found else None

    def find(self, wanted: Sequence[tuple[str, str]], attributes: Sequence[str]) -> list[tuple[str, Attributes]]:
        """Users that have any of these values."""
        parts = "".join(f"({name}={escape_filter_chars(value)})" for name, value in wanted)
        self._connection.search(self.base, f"(&(objectClass=user)(|{parts}))", ldap3.SUBTREE, attributes=list(attributes))
        return self._entries()

    def replace(self, dn: str, values: Mapping[str, Sequence[str]]) -> None:
        """Give attributes these values."""
        changes = {name: [(ldap3.MODIFY_REPLACE, [value.encode() for value in given])] for name, given in values.items()}
        if not self._connection.modify(dn, changes):
            raise Refused(str(self._connection.result))

    def _entries(self) -> list[tuple[str, Attributes]]:
        return [
            (one["dn"], {name: [_plain(name, value) for value in values] for name, values in one["raw_attributes"].items()})
            for one in self._connection.response
            if one["type"] == "searchResEntry"
        ]


class PortClient:
    """On the embedded directory, through the port."""

    def __init__(self, directory: Directory) -> None:
        self.base = str(directory.base)
        self._directory = directory

    def read(self, dn: str, attributes: Sequence[str]) -> Attributes | None:
        """One object."""
        entry = self._directory.read(Dn.parse(dn), attributes)
        return entry.attributes if entry else None

    def find(self, wanted: Sequence[tuple[str, str]], attributes: Sequence[str]) -> list[tuple[str, Attributes]]:
        """Users that have any of these values."""
        any_of = Filter.or_(*(Filter.eq(name, value) for name, value in wanted))
        both = Filter.and_(Filter.eq("objectClass", "user"), any_of)
        found = self._directory.search(self._directory.base, Scope.SUBTREE, both, attributes)
        return [(str(entry.dn), entry.attributes) for entry in found]

    def replace(self, dn: str, values: Mapping[str, Sequence[str]]) -> None:
        """Give attributes these values."""
        parts = [Modification(name, ModifyOp.REPLACE, tuple(given)) for name, given in values.items()]
        self._directory.modify(Dn.parse(dn), parts)


def create_sip_user(client: Client, caller: str, user: str, uri: str) -> None:
    """Enable ``user`` under ``uri`` on the pool of its organization, if ``caller`` may. Raises Refused."""
    groups = _groups(client, caller)
    place = Dn.parse(user).parent
    assert place is not None
    organization = client.read(str(place), ["objectClass", "otherWellKnownObjects"])
    owner, hosting = place.parent, Dn.parse(client.base).child("OU", "Hosting")
    # Else a unit that its administrators make would be one, with any pool and administrators that they say.
    types = _pointers(client.read(str(owner), ["otherWellKnownObjects"]))
    reseller = Dn.parse(types[WellKnown.ORG_TYPE.value]) == type_of(hosting, Kind.RESELLER)
    if owner is None or owner.parent != hosting or not reseller:
        raise Refused("it is no organization")
    pointers = _pointers(organization)
    administrators = client.read(pointers[WellKnown.USER_CREATORS.value], ["objectSid"])
    if administrators is None or sid_to_text(_octets(administrators["objectSid"][0])) not in groups:
        raise Refused("not in the role UserCreators")
    _check_domain(client, uri.partition("@")[2], place)
    account = client.read(user, ["objectClass", "msRTCSIP-PrimaryHomeServer", *_ADDRESSES])
    if account is None or account.get("msRTCSIP-PrimaryHomeServer") or account.get(_ADDRESSES[0]):
        raise Refused("no such user, or a SIP user already")
    home = pointers[WellKnown.POOL.value]
    service = client.read(home, ["objectClass"])
    if service is None or "msRTCSIP-PoolService" not in service["objectClass"]:
        raise Refused("the assigned pool is none")
    if any(Dn.parse(dn) != Dn.parse(user) for dn, _ in client.find([(name, uri) for name in _ADDRESSES], ["cn"])):
        raise Refused("the address is taken")
    client.replace(
        user,
        {
            "msRTCSIP-ArchivingEnabled": ["0"],
            "msRTCSIP-FederationEnabled": ["FALSE"],
            "msRTCSIP-InternetAccessEnabled": ["FALSE"],
            "msRTCSIP-OptionFlags": ["0"],
            "msRTCSIP-PrimaryHomeServer": [home],
            "msRTCSIP-PrimaryUserAddress": [uri],
            "msRTCSIP-UserEnabled": ["TRUE"],
            "proxyAddresses": [*(str(value) for value in account.get("proxyAddresses", ())), uri],
        },
    )


def _groups(client: Client, caller: str) -> set[str]:
    found = client.find([("userPrincipalName", caller)], ["userAccountControl"])
    if len(found) != 1:
        raise Refused("unknown caller")
    ((dn, account),) = found
    if int(str(account.get("userAccountControl", ["0"])[0])) & _ACCOUNTDISABLE:
        raise Refused("the caller is disabled")
    tokens = client.read(dn, ["tokenGroups"]) or {}
    return {sid_to_text(_octets(value)) for value in tokens.get("tokenGroups", ())}


def _check_domain(client: Client, domain: str, organization: Dn) -> None:
    reservations = "CN=SIPDomainReservations,CN=Services,CN=_Private,OU=Hosting"
    name = Dn.parse(f"{reservations},{client.base}").child("CN", domain.lower())
    reservation = client.read(str(name), ["managedBy"])
    if reservation is None or Dn.parse(str(reservation["managedBy"][0])) != organization:
        raise Refused("the SIP domain is somebody else's")


def _pointers(entry: Attributes | None) -> dict[str, str]:
    values = entry.get("otherWellKnownObjects", ()) if entry else ()
    parts = (str(value).split(":", 3) for value in values)
    return {guid.upper(): dn for _, _, guid, dn in parts}


def _plain(name: str, value: bytes) -> Value:
    return value if name in {"objectSid", "tokenGroups"} else value.decode()


def _octets(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
