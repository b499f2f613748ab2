"""GetPools and GetPoolProperties: what the directory says of a pool, under the documented names.

Spec: ocs-provider-and-ad-schema.md, 1.4 (order and types), 2.3 (which attribute is which property).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element, output
from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Entry
from mpf_ocs import flags, topology

#: msRTCSIP-PoolVersion -> major and minor version, where the WMI class counts otherwise than the attribute (2.3, 3.4).
_VERSIONS: Mapping[int, tuple[int, int]] = MappingProxyType({1: (2, 0), 2: (2, 1), 3: (3, 0)})
#: msRTCSIP-TrustedServiceType of the media relay authentication service.
_MEDIA_RELAY = "MRAS"
#: msRTCSIP-PoolFunctionality of a pool that can host meetings; every pool has instant messages and presence.
_WITH_MEETINGS = 2


def list_pools(directory: Directory) -> Element:
    """``<pools><poolFQDN/>...</pools>``, by name; empty without any pool."""
    names = sorted({name for pool in topology.pools(directory) if (name := pool.text("dNSHostName"))}, key=str.casefold)
    return _list("pools", "poolFQDN", names)


def pool_properties(directory: Directory, fqdn: str) -> list[Element]:
    """The properties of one pool, in the documented order; what the directory does not know is left out.

    Raises NO_SUCH_OBJECT when there is no such pool, or when it has no pool service.
    """
    pool = topology.pool_by_fqdn(directory, fqdn)
    services = topology.pool_services(directory, pool)
    service = _home(pool, services)
    major, minor = _version(pool)
    functionality = _integer(pool, "msRTCSIP-PoolFunctionality")
    media_relay = topology.trusted_service(directory, pool, _MEDIA_RELAY)
    properties: list[tuple[str, str | None] | Element] = [
        ("backEndDBPath", pool.text("msRTCSIP-BackEndServer")),
        ("defaultLocationProfile", pool.text("msRTCSIP-DefaultLocationProfileLink")),
        ("domainFQDN", pool.text("msRTCSIP-PoolDomainFQDN")),
        ("instanceID", topology.instance_id(pool)),
        ("majorVersion", major),
        _list("mcuFactoryList", "mcuFactory", _links(services, "msRTCSIP-MCUFactoryPath")),
        ("minorVersion", minor),
        ("poolDisplayName", pool.text("msRTCSIP-PoolDisplayName")),
        ("poolDN", str(service.dn)),
        _list("poolMemberList", "poolMember", _members(directory, service)),
        ("poolType", flags.pool_type(_integer(pool, "msRTCSIP-PoolType") or 0)),
        ("supportIMPresence", "true"),
        ("supportMeeting", "true" if functionality == _WITH_MEETINGS else "false"),
        ("trustedMRASServer", str(media_relay) if media_relay else None),
        _list("webComponentsServerList", "webComponentsServer", _links(services, "msRTCSIP-WebComponentsServers")),
    ]
    found = [output(*item) if isinstance(item, tuple) else item for item in properties]
    return [element for element in found if element.text is not None or len(element) or element.tag.endswith("List")]


def _members(directory: Directory, service: Entry) -> Iterable[str]:
    """FQDNs of the front end servers. The link leads to a service below the computer, which has the name."""
    for value in service.values("msRTCSIP-FrontEndServers"):
        for place in _around(directory, Dn.parse(str(value))):
            entry = directory.read(place, ["dNSHostName"])
            if entry is not None and (name := entry.text("dNSHostName")):
                yield name
                break


def _around(directory: Directory, dn: Dn) -> list[Dn]:
    """The object and all that it lies in, beginning two steps up, where the computer is if it was set up as usual."""
    places: list[Dn] = []
    place: Dn | None = dn
    while place is not None and place.is_within(directory.base):
        places.append(place)
        place = place.parent
    return [*places[2:], *places[:2]]


def _home(pool: Entry, services: Iterable[Entry]) -> Entry:
    """The service that users are homed on, CN=LC Services."""
    for service in services:
        if topology.has_class(service, topology.POOL_SERVICE):
            return service
    raise MpfError(Code.NO_SUCH_OBJECT, f"The pool '{pool.dn}' has no pool service that could be a home server.")


def _links(services: Iterable[Entry], attribute: str) -> Iterable[str]:
    """What the pool's services refer to by ``attribute``."""
    return (str(value) for service in services for value in service.values(attribute))


def _version(pool: Entry) -> tuple[str | None, str | None]:
    number = _integer(pool, "msRTCSIP-PoolVersion")
    if number is None:
        return None, None
    known = _VERSIONS.get(number)
    return (str(known[0]), str(known[1])) if known else (str(number), None)


def _integer(entry: Entry, attribute: str) -> int | None:
    text = entry.text(attribute)
    return int(text) if text is not None else None


def _list(name: str, item: str, values: Iterable[str]) -> Element:
    element = etree.Element(name)
    for value in values:
        etree.SubElement(element, item).text = value
    return element
