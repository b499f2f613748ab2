"""Checks of the schema and of what the preparation of the forest for Office Communications Server makes.

Spec: ocs-provider-and-ad-schema.md, 3.1 and 3.3 to 3.6.
"""

from __future__ import annotations

from collections.abc import Iterable

from mpf_directory import layout
from mpf_directory.check import Answer, Finding, Ground, Status, folded, present
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_directory.schema import default_schema

_PREFIX = "msrtcsip-"
#: What the procedures read and write; the rest of the extension may be of another release.
_USER_ATTRIBUTES = (
    "msRTCSIP-PrimaryUserAddress",
    "msRTCSIP-UserEnabled",
    "msRTCSIP-PrimaryHomeServer",
    "msRTCSIP-OptionFlags",
    "msRTCSIP-FederationEnabled",
    "msRTCSIP-InternetAccessEnabled",
    "msRTCSIP-ArchivingEnabled",
    "msRTCSIP-Line",
    "msRTCSIP-LineServer",
    "msRTCSIP-UserPolicy",
)
_ATTRIBUTES = (*_USER_ATTRIBUTES, "msRTCSIP-PoolDisplayName", "msRTCSIP-BackEndServer", "msRTCSIP-DomainName")
_CLASSES = ("msRTCSIP-Service", "msRTCSIP-Pools", "msRTCSIP-Pool", "msRTCSIP-PoolService", "msRTCSIP-Domain")
_LOAD = "Load what `mpfctl directory schema` prints at the schema master: ldifde -i -f FILE."
_PREPARE = "Prepare schema, forest and domain for Office Communications Server (LcsCmd /Action:ForestPrep)."


def schema(ground: Ground) -> Answer:
    """Attributes and classes of the extension, and that users may have the attributes. The embedded one is built so."""
    if not ground.directory.has_acls:
        yield Finding(Status.OK, "schema", "the embedded directory has the extension built in")
        return
    place = ground.directory.base.child("CN", "Configuration").child("CN", "Schema")
    there = _names(ground, place)
    needed = [name for name in (*_ATTRIBUTES, *_CLASSES) if name.casefold() not in there]
    for name in needed:
        yield Finding(Status.MISSING, "schema", f"the schema has no {name}", _LOAD)
    if not needed:
        yield Finding(Status.OK, "schema", f"all {len(_ATTRIBUTES) + len(_CLASSES)} attributes and classes are there")
    ours = default_schema()
    known = {*(one.name for one in ours.attributes.values()), *(one.name for one in ours.classes.values())}
    others = sorted(
        name for name in known if name.casefold().startswith(_PREFIX) and name.casefold() not in {*there, *folded(needed)}
    )
    if others:
        advice = "The extension is of another release. The procedures of the managed namespaces do without these."
        yield Finding(Status.WARNING, "schema", f"the schema has no {', '.join(others)}", advice)
    yield from _users(ground, place)


def _names(ground: Ground, place: Dn) -> frozenset[str]:
    found = ground.directory.search(
        place, Scope.ONE_LEVEL, Filter.starts_with("lDAPDisplayName", "msRTCSIP-"), ["lDAPDisplayName"]
    )
    return folded(value for entry in found for value in entry.values("lDAPDisplayName"))


def _users(ground: Ground, place: Dn) -> Answer:
    holders = _contained(ground, place, ["user"])
    absent = [name for name in _USER_ATTRIBUTES if name.casefold() not in holders]
    if absent:
        yield Finding(Status.MISSING, "schema", f"users may not have {', '.join(absent)}", _LOAD)
    else:
        yield Finding(Status.OK, "schema", f"users may have all {len(_USER_ATTRIBUTES)} attributes")


def _contained(ground: Ground, place: Dn, classes: Iterable[str]) -> frozenset[str]:
    """What objects of the class may contain by itself or by its auxiliary classes."""
    wanted = Filter.or_(*(Filter.eq("lDAPDisplayName", name) for name in classes))
    read = ("mayContain", "systemMayContain", "auxiliaryClass", "systemAuxiliaryClass")
    may: frozenset[str] = frozenset()
    auxiliary: list[str] = []
    for entry in ground.directory.search(place, Scope.ONE_LEVEL, wanted, read):
        may |= folded((*entry.values("mayContain"), *entry.values("systemMayContain")))
        auxiliary += folded((*entry.values("auxiliaryClass"), *entry.values("systemAuxiliaryClass")))
    return may | _contained(ground, place, auxiliary) if auxiliary else may


def rtc_service(ground: Ground) -> Answer:
    """The containers of what the forest shares, and a pool that users can be homed on."""
    subject = "RTC Service"
    base = ground.directory.base
    roots = (
        base.child("CN", "System").child("CN", "Microsoft"),
        base.child("CN", "Configuration").child("CN", "Services"),
    )
    root = next((dn for outer in roots if ground.has(dn := outer.child("CN", "RTC Service"))), None)
    if root is None:
        yield Finding(Status.MISSING, subject, f"there is no 'CN=RTC Service' in {roots[0]} or {roots[1]}", _PREPARE)
        return
    yield from present(
        ground, subject, [root, *(root.child("CN", name) for name in ("Pools", "Policies", "Global Settings"))], _PREPARE
    )
    pools = root.child("CN", "Pools")
    if not ground.has(pools):
        return
    homes = [
        entry.dn for entry in ground.directory.search(pools, Scope.SUBTREE, _class("msRTCSIP-PoolService"), ["objectClass"])
    ]
    if homes:
        yield Finding(Status.OK, "pools", f"{len(homes)} pools can be homes of users")
    else:
        advice = "Install a pool; without one no organization can be assigned to it and no user enabled."
        yield Finding(Status.MISSING, "pools", f"there is no pool in '{pools}'", advice)


def rtc_groups(ground: Ground) -> Answer:
    """The groups that the preparation of the forest makes; whoever administers OCS is in one of them."""
    users = ground.directory.base.child("CN", "Users")
    for name in layout.RTC_GROUPS:
        if not _group_exists(ground, users.child("CN", name), name):
            yield Finding(Status.WARNING, "RTC groups", f"there is no group '{name}'", _PREPARE)
            return
    yield Finding(Status.OK, "RTC groups", f"{len(layout.RTC_GROUPS)} groups are there")


def _group_exists(ground: Ground, dn: Dn, name: str) -> bool:
    """In its usual place or, where somebody has moved it, anywhere."""
    if ground.has(dn):
        return True
    wanted = Filter.and_(_class("group"), Filter.eq("cn", name))
    found = ground.directory.search(ground.directory.base, Scope.SUBTREE, wanted, ["objectClass"], limit=1)
    return next(iter(found), None) is not None


def _class(name: str) -> Filter:
    return Filter.eq("objectClass", name)
