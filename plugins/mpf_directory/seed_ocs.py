"""The part of the seeded tree that belongs to Office Communications Server: pools, front ends, policies, settings.

Spec: ocs-provider-and-ad-schema.md, 3.4 (values), 3.5 (classes) and 3.6 (containers).
"""

from __future__ import annotations

from lxml import etree

from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.port import Directory
from mpf_directory.seed_objects import dns_name, ensure, set_if_absent

_OCS_2007 = "3"
_MEETINGS_TOO = "2"
_ENTERPRISE_EDITION = "2"
#: UsePerUserSetting and UsePerUserMeetingPolicy; UsePerUserUCPolicy.
_MEETING_FLAGS, _UC_FLAGS = "24", "4"


def rtc_service(base: Dn) -> Dn:
    """The container of everything, where OCS 2007 puts it."""
    return base.child("CN", "System").child("CN", "Microsoft").child("CN", "RTC Service")


def lc_services(base: Dn, pool: str) -> Dn:
    """The object of a pool that users are homed on."""
    pool_dn = rtc_service(base).child("CN", "Pools").child("CN", pool)
    return pool_dn.child("CN", "Microsoft").child("CN", "LC Services")


def seed_ocs(directory: Directory) -> None:
    """Add the RTC Service tree and the computers of the front ends. What is there already stays."""
    service = rtc_service(directory.base)
    above = service.parent
    assert above is not None
    ensure(directory, above, "container")
    ensure(directory, service, "msRTCSIP-Service")
    ensure(directory, service.child("CN", "Pools"), "msRTCSIP-Pools")
    for pool in layout.POOLS:
        _pool(directory, service, pool)
    ensure(directory, service.child("CN", "Policies"), "msRTCSIP-Policies")
    for policy in layout.POLICIES:
        _policy(directory, service, policy)
    _global_settings(directory, service)


def _pool(directory: Directory, service: Dn, pool: layout.Pool) -> None:
    domain = dns_name(directory.base)
    own = service.child("CN", "Pools").child("CN", pool.name)
    attributes = {
        "dNSHostName": [f"{pool.name}.{domain}"],
        "msRTCSIP-BackEndServer": [pool.back_end],
        "msRTCSIP-PoolDisplayName": [pool.display_name],
        "msRTCSIP-PoolVersion": [_OCS_2007],
        "msRTCSIP-PoolFunctionality": [_MEETINGS_TOO],
        "msRTCSIP-PoolType": [_ENTERPRISE_EDITION],
    }
    ensure(directory, own, "msRTCSIP-Pool", attributes)
    ensure(directory, own.child("CN", "Microsoft"), "serviceConnectionPoint")
    home = lc_services(directory.base, pool.name)
    ensure(directory, home, "msRTCSIP-PoolService")
    for name in pool.front_ends:
        computer = directory.base.child("CN", "Computers").child("CN", name)
        host = {"sAMAccountName": [f"{name}$"], "dNSHostName": [f"{name.lower()}.{domain}"]}
        ensure(directory, computer, "computer", {**host, "userAccountControl": ["4096"]})
        ensure(directory, computer.child("CN", "Microsoft"), "serviceConnectionPoint")
        server = computer.child("CN", "Microsoft").child("CN", "RTC Services")
        ensure(directory, server, "msRTCSIP-Server", {"msRTCSIP-ServerVersion": [_OCS_2007]})
        # The pool sees its front ends by the back link of this one, which ends where a pool is deleted.
        set_if_absent(directory, server, "msRTCSIP-PoolAddress", str(home))


def _policy(directory: Directory, service: Dn, policy: layout.Policy) -> None:
    attributes = {
        "msRTCSIP-PolicyType": [policy.type],
        "msRTCSIP-PolicyContent": [_content(policy)],
        "msRTCSIP-DefaultPolicy": ["TRUE" if policy.default else "FALSE"],
    }
    ensure(directory, service.child("CN", "Policies").child("CN", policy.guid), "msRTCSIP-GlobalUserPolicy", attributes)


def _content(policy: layout.Policy) -> str:
    instance = etree.Element("instance")
    for name, value in policy.properties:
        etree.SubElement(instance, "property", name=name).text = value
    return etree.tostring(instance, encoding="unicode")


def _global_settings(directory: Directory, service: Dn) -> None:
    settings = service.child("CN", "Global Settings")
    ensure(directory, settings, "msRTCSIP-GlobalContainer")
    defaults = {policy.type: service.child("CN", "Policies").child("CN", policy.guid) for policy in _defaults()}
    for attribute, value in (
        ("msRTCSIP-MeetingFlags", _MEETING_FLAGS),
        ("msRTCSIP-MeetingPolicy", str(defaults["meeting"])),
        ("msRTCSIP-UCFlags", _UC_FLAGS),
        ("msRTCSIP-UCPolicy", str(defaults["telephony"])),
        ("msRTCSIP-EnableFederation", "TRUE"),
    ):
        set_if_absent(directory, settings, attribute, value)
    domain = {
        "msRTCSIP-DomainName": [dns_name(directory.base)],
        "msRTCSIP-Default": ["TRUE"],
        "msRTCSIP-DomainData": ["Authoritative=TRUE"],
    }
    ensure(directory, settings.child("CN", layout.FOREST_SIP_DOMAIN), "msRTCSIP-Domain", domain)


def _defaults() -> list[layout.Policy]:
    return [policy for policy in layout.POLICIES if policy.default]
