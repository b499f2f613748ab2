"""Checks of the hosting tree: its units, containers, groups and pointers, and the framework's own groups and accounts.

Spec: helpers-and-ad-providers.md, 2.7, 2.11 and 2.19; engine-and-runtime.md, 7.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpf_directory import layout
from mpf_directory.check import Answer, Finding, Ground, Status, pointers, present
from mpf_directory.dn import Dn
from mpf_directory.layout import Kind, WellKnown
from mpf_directory.port import Entry

_INITIALIZE = "Let the request Managed Hosting::InitializeADForHosting build it."
_ORGANIZATION = (
    "Point otherWellKnownObjects at it, or create the organization with Managed Active Directory::CreateOrganization."
)
_FRAMEWORK = "Create it in CN=Users, or wherever accounts are kept in this domain; only people look for it."
#: Pointers that every organization has.
_POINTERS = (
    WellKnown.PRIVATE,
    WellKnown.SERVICES,
    WellKnown.ORG_TYPE,
    WellKnown.USER_CREATORS,
    WellKnown.CHILD_ORG_CREATORS,
    WellKnown.THIS_ORG,
)


def hosting(ground: Ground) -> Answer:
    """The Hosting unit with the containers, organization types and groups that only it has."""
    if not ground.has(ground.hosting):
        yield Finding(Status.MISSING, "Hosting unit", f"there is no '{ground.hosting}'", _INITIALIZE)
        return
    yield from present(ground, "Hosting unit", _of_hosting(ground.hosting), _INITIALIZE)


def _of_hosting(unit: Dn) -> Iterator[Dn]:
    private = unit.child("CN", "_Private")
    services = private.child("CN", "Services")
    yield from (unit, private, services)
    for container in layout.HOSTING_POINTER_CONTAINERS:
        yield services.child("CN", container)
    for kind in Kind:
        yield private.child("CN", "WatOrgTypes").child("CN", kind.value)
    for role in layout.UI_ROLES:
        yield private.child("CN", "WatUIPermissions").child("CN", role)
    for group in layout.GATHERING_GROUPS:
        yield private.child("CN", group)


def organizations(ground: Ground) -> Answer:
    """Every organization: its pointers, and that they lead somewhere. What it has as it should is one line."""
    subject = "organizations"
    good = 0
    for organization in ground.organizations:
        problems = list(_problems(ground, organization))
        good += not problems
        yield from (Finding(Status.MISSING, subject, f"'{organization.dn}' {text}", _ORGANIZATION) for text in problems)
    if not ground.organizations:
        yield Finding(Status.WARNING, subject, "there is none", _INITIALIZE)
    elif good:
        yield Finding(Status.OK, subject, f"{good} have their containers, groups and pointers")
    for entry in _unmarked(ground):
        advice = "If it is one, its administrators have no role over it; if it is not, nothing is wrong."
        yield Finding(Status.WARNING, subject, f"'{entry.dn}' has no pointers of an organization", advice)


def _problems(ground: Ground, organization: Entry) -> Iterator[str]:
    found = pointers(organization)
    wanted = _POINTERS if organization.dn == ground.hosting else (*_POINTERS, WellKnown.OWNING_ORG)
    for pointer in wanted:
        target = found.get(pointer.value)
        if target is None:
            yield f"has no otherWellKnownObjects entry {pointer.name} ({pointer.value})"
        elif not ground.has(target):
            yield f"points at '{target}' for {pointer.name}, which is not there"
    this = found.get(WellKnown.THIS_ORG.value)
    if this is not None and this != organization.dn:
        yield f"says that it is '{this}'"


def _unmarked(ground: Ground) -> Iterator[Entry]:
    """Units where organizations are expected: directly in the hosting unit or in one of its resellers."""
    known = {entry.dn for entry in ground.organizations}
    for dn, entry in ground.tree.items():
        above = dn.parent
        expected = above is not None and above in known and ground.hosting in {above, above.parent}
        if expected and dn not in known and dn.rdn.type.upper() == "OU":
            yield entry


def framework(ground: Ground) -> Answer:
    """Groups and accounts of the framework itself; the engine does not look for them, so a missing one is a warning."""
    users = ground.directory.base.child("CN", "Users")
    names = [*layout.FRAMEWORK_GROUPS, *layout.FRAMEWORK_ACCOUNTS]
    absent = [name for name in names if not ground.has(users.child("CN", name))]
    for name in absent:
        yield Finding(Status.WARNING, "framework", f"there is no '{users.child('CN', name)}'", _FRAMEWORK)
    if not absent:
        yield Finding(Status.OK, "framework", f"{len(names)} groups and accounts are there")
