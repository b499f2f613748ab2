"""Checks of rights: what the service account needs, and what the administrators of organizations should not have.

What the service account needs stands in `rights_table`; both are told from the access control lists themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from mpf_directory.acl_access import WRITE_DAC, WRITE_OWNER, WRITE_PROP, allows
from mpf_directory.acl_change import descriptor_of
from mpf_directory.acl_object_types import attribute_guids
from mpf_directory.check import Answer, Finding, Ground, Status, pointers
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.layout import WellKnown
from mpf_directory.port import Scope, Section
from mpf_directory.rights import Access, Right
from mpf_directory.rights_administrators import TRUSTED
from mpf_directory.rights_held import Held
from mpf_directory.rights_table import SIP_ATTRIBUTES, needed
from mpf_directory.security_descriptor import SecurityDescriptor
from mpf_directory.sids import sid_to_text

_SHOWN = 3
#: Everyone and Authenticated Users: each account has them.
_ALWAYS = frozenset({"S-1-1-0", "S-1-5-11"})
_DENY = "Deny it to them: `mpfctl directory rights --organizations` prints the commands."
_ADVICE = "An administrator gives what is missing: `mpfctl directory rights` prints the commands."


def service_account(ground: Ground) -> Answer:
    """One line for each row of the table: what is missing, and where."""
    subject = "rights"
    if not ground.directory.has_acls:
        yield Finding(Status.OK, subject, "the embedded directory has no access control lists, so everything is allowed")
        return
    held = Held(ground)
    for need in needed(policy=ground.settings.impersonation == "policy"):
        lacking = list(_lacking(held, need.rights))
        if not lacking:
            yield Finding(Status.OK, subject, f"the service account can {need.why}")
            continue
        more = f", and at {len(lacking) - _SHOWN} other objects" if len(lacking) > _SHOWN else ""
        detail = f"the service account cannot {need.why}: no right to {'; no right to '.join(lacking[:_SHOWN])}{more}"
        yield Finding(Status.MISSING, subject, detail, _ADVICE)


def _lacking(held: Held, rights: Iterable[Right]) -> Iterator[str]:
    """What is missing, one text for each object and kind of access."""
    missing: dict[tuple[Dn, Access], list[Right]] = {}
    for right in rights:
        for dn, wanted in held.samples(right):
            if not held.has(dn, wanted):
                missing.setdefault((dn, wanted.access), []).append(wanted)
    for (dn, _access), some in missing.items():
        about = ", ".join(right.about for right in some if right.about)
        yield f"{some[0].words}{f' {about}' if about else ''} at '{dn}'"


#: What a reservation says whose SIP domain it is.
_OWNER = "managedBy"


def administrators(ground: Ground) -> Answer:
    """Warns where administrators of an organization can write what decides about their own rights."""
    subject = "administrators"
    if not ground.directory.has_acls:
        yield Finding(Status.OK, subject, "the embedded directory has no access control lists to look at")
        return
    guids = {name: attribute_guids(ground.directory, name) for name in (*TRUSTED, *SIP_ATTRIBUTES, _OWNER)}
    reserved = list(_reservations(ground))
    warned = False
    for organization in ground.organizations:
        admins = pointers(organization).get(WellKnown.USER_CREATORS.value)
        if organization.dn == ground.hosting or admins is None:
            continue
        sids = _sids(ground, admins)
        unit = _descriptor(ground, organization.dn)
        for attribute, danger in TRUSTED.items():
            if unit is not None and _can_write(unit, sids, guids[attribute]):
                warned = True
                detail = f"those of '{organization.dn}' can write its {attribute}: they could {danger}"
                yield Finding(Status.WARNING, subject, detail, _DENY)
        sip = _writable(ground, organization.dn, sids, guids)
        if sip:
            warned = True
            detail = f"those of '{organization.dn}' can write {', '.join(sip)} of its users: they need no procedure for that"
            yield Finding(Status.WARNING, subject, detail, _DENY)
        dn = next((dn for dn, descriptor in reserved if _can_write(descriptor, sids, guids[_OWNER])), None)
        if dn is not None:
            warned = True
            detail = f"those of '{organization.dn}' can write {_OWNER} of '{dn}': they could take SIP domains of others"
            yield Finding(Status.WARNING, subject, detail, f"Take from them the right to write {_OWNER} there.")
    if not warned:
        yield Finding(Status.OK, subject, "no organization's administrators can write what their own rights rest on")


def _writable(ground: Ground, unit: Dn, sids: frozenset[str], guids: Mapping[str, frozenset[UUID]]) -> list[str]:
    """The attributes of SIP users that they can write of one of the organization's users, at most some of them."""
    users = ground.directory.search(unit, Scope.ONE_LEVEL, Filter.eq("objectClass", "user"), ["objectClass"], limit=1)
    for user in users:
        descriptor = _descriptor(ground, user.dn)
        if descriptor is not None:
            return [name for name in SIP_ATTRIBUTES if _can_write(descriptor, sids, guids[name])][:_SHOWN]
    return []


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
