"""GetPools and GetPoolProperties: what the directory says of a pool, under the documented names.

Spec: ocs-provider-and-ad-schema.md, 1.4 (order and types), 2.3 (which attribute is which property).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lxml import etree

from mpf_core.provider import Element, output
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Scope
from mpf_ocs import flags, topology

#: msRTCSIP-PoolVersion -> major and minor version, where the WMI class counts otherwise than the attribute (2.3, 3.4).
_VERSIONS: Mapping[int, tuple[int, int]] = MappingProxyType({1: (2, 0), 2: (2, 1), 3: (3, 0)})
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
    service = topology.pool_service(directory, pool)
    major, minor = _version(pool)
    functionality = _integer(pool, "msRTCSIP-PoolFunctionality")
    properties: list[tuple[str, str | None] | Element] = [
        ("backEndDBPath", pool.text("msRTCSIP-BackEndServer")),
        ("defaultLocationProfile", pool.text("msRTCSIP-DefaultLocationProfileLink")),
        ("domainFQDN", pool.text("msRTCSIP-PoolDomainFQDN")),
        ("instanceID", topology.instance_id(pool)),
        ("majorVersion", major),
        _list("mcuFactoryList", "mcuFactory", _mcu_factories(directory, pool)),
        ("minorVersion", minor),
        ("poolDisplayName", pool.text("msRTCSIP-PoolDisplayName")),
        ("poolDN", str(service.dn)),
        _list("poolMemberList", "poolMember", _members(directory, service)),
        ("poolType", flags.pool_type(_integer(pool, "msRTCSIP-PoolType") or 0)),
        ("supportIMPresence", "true"),
        ("supportMeeting", "true" if functionality == _WITH_MEETINGS else "false"),
    ]
    found = [output(*item) if isinstance(item, tuple) else item for item in properties]
    return [element for element in found if element.text is not None or len(element) or element.tag.endswith("List")]


def _members(directory: Directory, service: Entry) -> Iterable[str]:
    """FQDNs of the front end servers. The link leads to a service below the computer, which has the name."""
    for value in service.values("msRTCSIP-FrontEndServers"):
        place: Dn | None = Dn.parse(str(value))
        while place is not None and place.is_within(directory.base):
            entry = directory.read(place, ["dNSHostName"])
            if entry is not None and (name := entry.text("dNSHostName")):
                yield name
                break
            place = place.parent


def _mcu_factories(directory: Directory, pool: Entry) -> Iterable[str]:
    is_service = Filter.eq("objectClass", "msRTCSIP-MCUFactoryService")
    for entry in directory.search(pool.dn, Scope.SUBTREE, is_service, ["msRTCSIP-MCUFactoryPath"]):
        yield from map(str, entry.values("msRTCSIP-MCUFactoryPath"))


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
