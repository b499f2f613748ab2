"""Checks of rights: what the service account needs, and what the administrators of organizations should not have.

What an account may really do is asked of the directory itself: allowedAttributesEffective and allowedChildClassesEffective
([MS-ADTS] 3.1.1.4.5.19 and 3.1.1.4.5.21) say it of whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from mpf_directory.acl_access import WRITE_DAC, WRITE_OWNER, WRITE_PROP, allows
from mpf_directory.acl_change import descriptor_of
from mpf_directory.acl_object_types import attribute_guids
from mpf_directory.check import Answer, Finding, Ground, Status, folded, pointers
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.layout import WellKnown
from mpf_directory.parking import HOLDER
from mpf_directory.port import Scope, Section
from mpf_directory.security_descriptor import SecurityDescriptor
from mpf_directory.sids import sid_to_text

_ATTRIBUTES, _CLASSES = "allowedAttributesEffective", "allowedChildClassesEffective"
_SHOWN = 3
#: Everyone and Authenticated Users: each account has them.
_ALWAYS = frozenset({"S-1-1-0", "S-1-5-11"})


@dataclass(frozen=True, slots=True)
class Need:
    """What the service account has to be able to do at some objects, and which procedures want it."""

    why: str
    places: Callable[[Ground], Iterable[Dn]]
    attributes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def _units(ground: Ground) -> Iterator[Dn]:
    return (organization.dn for organization in ground.organizations)


def _services(ground: Ground) -> Iterator[Dn]:
    """Where service pointers are put: the container of each organization, and those that are in it."""
    for organization in ground.organizations:
        services = pointers(organization).get(WellKnown.SERVICES.value)
        if services is not None and ground.has(services):
            yield services
            yield from (dn for dn in ground.tree if dn.parent == services)


def _one_of_each(class_: str) -> Callable[[Ground], Iterator[Dn]]:
    def places(ground: Ground) -> Iterator[Dn]:
        is_class = Filter.eq("objectClass", class_)
        for organization in ground.organizations:
            found = ground.directory.search(organization.dn, Scope.ONE_LEVEL, is_class, ["objectClass"], limit=1)
            yield from (entry.dn for entry in found)

    return places


def _holder(ground: Ground) -> Iterator[Dn]:
    holder = ground.directory.base.child("OU", HOLDER)
    if ground.has(holder):
        yield holder


def _top(ground: Ground) -> Iterator[Dn]:
    if not list(_holder(ground)):
        yield ground.directory.base


#: What the procedures write, by the objects that they write to.
NEEDS = (
    Need(
        "create, change and park organizations and accounts",
        _units,
        ("otherWellKnownObjects", "uPNSuffixes", "description"),
        ("organizationalUnit", "container", "group", "user"),
    ),
    Need("keep service pointers, SIP domains and shared pools", _services, (), ("container", "serviceConnectionPoint")),
    Need(
        "enable users for Office Communications Server, and park them",
        _one_of_each("user"),
        (
            "msRTCSIP-PrimaryUserAddress",
            "msRTCSIP-UserEnabled",
            "msRTCSIP-PrimaryHomeServer",
            "msRTCSIP-OptionFlags",
            "proxyAddresses",
            "userAccountControl",
            "userPrincipalName",
            "sAMAccountName",
        ),
    ),
    Need("put accounts into the groups of organizations", _one_of_each("group"), ("member",)),
    Need("make the unit in which deleted objects are parked", _top, (), ("organizationalUnit",)),
    Need("park deleted objects", _holder, (), ("organizationalUnit", "container", "group", "user")),
)


def service_account(ground: Ground) -> Answer:
    """One line for each need: what is missing, and where."""
    subject = "rights"
    if not ground.directory.has_acls:
        yield Finding(Status.OK, subject, "the embedded directory has no access control lists, so everything is allowed")
        return
    for need in NEEDS:
        lacking = [text for dn in need.places(ground) for text in _lacking(ground, dn, need)]
        if not lacking:
            yield Finding(Status.OK, subject, f"the service account can {need.why}")
            continue
        more = f", and at {len(lacking) - _SHOWN} other objects" if len(lacking) > _SHOWN else ""
        detail = f"the service account cannot {need.why}: no {'; no '.join(lacking[:_SHOWN])}{more}"
        yield Finding(Status.MISSING, subject, detail, "Delegate these rights to the service account, or a group of its.")


def _lacking(ground: Ground, dn: Dn, need: Need) -> Iterator[str]:
    entry = ground.directory.read(dn, [_ATTRIBUTES, _CLASSES])
    if entry is None:
        return
    written, created = folded(entry.values(_ATTRIBUTES)), folded(entry.values(_CLASSES))
    attributes = [name for name in need.attributes if name.casefold() not in written]
    classes = [name for name in need.classes if name.casefold() not in created]
    if attributes:
        yield f"right to write {', '.join(attributes)} of '{dn}'"
    if classes:
        yield f"right to create {', '.join(classes)} in '{dn}'"


#: Attributes of an organization's unit that roles and domains rest on, and what whoever writes them could do.
_TRUSTED = {
    "otherWellKnownObjects": "name other groups as administrators, or another organization as its parent",
    "uPNSuffixes": "claim the names of others for its users",
}
#: What a reservation says whose SIP domain it is.
_OWNER = "managedBy"


def administrators(ground: Ground) -> Answer:
    """Warns where administrators of an organization can write what decides about their own rights."""
    subject = "administrators"
    if not ground.directory.has_acls:
        yield Finding(Status.OK, subject, "the embedded directory has no access control lists to look at")
        return
    guids = {name: attribute_guids(ground.directory, name) for name in (*_TRUSTED, _OWNER)}
    reserved = list(_reservations(ground))
    warned = False
    for organization in ground.organizations:
        admins = pointers(organization).get(WellKnown.USER_CREATORS.value)
        if organization.dn == ground.hosting or admins is None:
            continue
        sids = _sids(ground, admins)
        unit = _descriptor(ground, organization.dn)
        for attribute, danger in _TRUSTED.items():
            if unit is not None and _can_write(unit, sids, guids[attribute]):
                warned = True
                detail = f"those of '{organization.dn}' can write its {attribute}: they could {danger}"
                yield Finding(Status.WARNING, subject, detail, f"Take from them the right to write {attribute}.")
        dn = next((dn for dn, descriptor in reserved if _can_write(descriptor, sids, guids[_OWNER])), None)
        if dn is not None:
            warned = True
            detail = f"those of '{organization.dn}' can write {_OWNER} of '{dn}': they could take SIP domains of others"
            yield Finding(Status.WARNING, subject, detail, f"Take from them the right to write {_OWNER} there.")
    if not warned:
        yield Finding(Status.OK, subject, "no organization's administrators can write what their own rights rest on")


def _reservations(ground: Ground) -> Iterator[tuple[Dn, SecurityDescriptor]]:
    """The container of reserved SIP domains, and each of them."""
    place = ground.hosting.child("CN", "_Private").child("CN", "Services").child("CN", "SIPDomainReservations")
    if not ground.has(place):
        return
    for entry in ground.directory.search(place, Scope.SUBTREE, Filter.present("objectClass"), ["objectClass"]):
        descriptor = _descriptor(ground, entry.dn)
        if descriptor is not None:
            yield entry.dn, descriptor


def _can_write(descriptor: SecurityDescriptor, sids: frozenset[str], guids: frozenset[UUID]) -> bool:
    """Whether they may write the attribute that ``guids`` stand for, or give themselves the right to."""
    return allows(descriptor, sids, WRITE_PROP, guids) or any(
        allows(descriptor, sids, right) for right in (WRITE_DAC, WRITE_OWNER)
    )


def _descriptor(ground: Ground, dn: Dn) -> SecurityDescriptor | None:
    return descriptor_of(ground.directory, dn, Section.OWNER | Section.DACL)


def _sids(ground: Ground, group: Dn) -> frozenset[str]:
    """The group, and the groups that it is in, however deep. With nobody there, nobody can do anything."""
    holders = Filter.or_(Filter.eq("distinguishedName", str(group)), Filter.in_chain("member", str(group)))
    found = ground.directory.search(ground.directory.base, Scope.SUBTREE, holders, ["objectSid"])
    sids = {sid_to_text(octets) for entry in found if (octets := entry.octets("objectSid"))}
    return frozenset(sids) | _ALWAYS if sids else frozenset()
