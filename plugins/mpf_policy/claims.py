"""Who may claim a SIP domain that nobody has yet: as configured, and never below or above a domain of somebody else.

Nothing in the directory proves that a domain is somebody's, least of all what an organization's administrators can write
themselves (docs/security.md). An operator says which evidence counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mpf_core.errors import Code
from mpf_core.security.calls import Call, Decision
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Scope
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations, found_in
from mpf_policy.settings import Claims, place
from mpf_policy.suffixes import at_and_above
from mpf_policy.targets import first_target, place_of


def decide_claim(  # noqa: PLR0911 - a rule each
    call: Call, domain: str, organizations: Organizations, names: Names, settings: Claims
) -> Decision:
    """Allow or refuse that the organization which ``call`` names claims ``domain``.

    Domain administrators may claim any domain for any organization. Raises the MpfError of a directory that does not answer.
    """
    if call.caller.groups & organizations.domain_admins():
        return Decision(True, "domain administrator")
    target = first_target(call)
    named = place_of(call, target, organizations, names) if target is not None else None
    organization = organizations.innermost(named) if named is not None else None
    if target is None or organization is None:
        return _refuse(f"Access denied: '{domain}' can be claimed for an organization only.")
    if named != organization:
        # Also if it has the entries of one: a unit in an organization gets those from whoever makes it with other tools.
        return Decision(False, f"'{target.text}' is no organization.", Code.INVALID_OPERATION)
    wanted = domain.strip().rstrip(".").lower()
    # First, so that nobody without evidence learns which domains are somebody's.
    why = _EVIDENCE[settings.evidence](wanted, organization, organizations, settings)
    if not why:
        return _refuse(_MISSING[settings.evidence].format(domain=domain, organization=organization))
    reservations = layout.pointers_of(organizations.hosting, "SIPDomainReservations")
    for reserved, owner in _owners_above(wanted, organizations.directory, reservations):
        if owner is None or not organization.is_within(owner):
            return _refuse(f"Access denied: '{domain}' lies below '{reserved}', which is another organization's.")
    for owner in _owners_below(wanted, organizations.directory, reservations):
        if owner is None or not owner.is_within(organization):
            return _refuse(f"Access denied: '{domain}' lies above a domain of another organization.")
    return Decision(True, why)


def _suffix(domain: str, organization: Dn, organizations: Organizations, _: Claims) -> str:
    """A suffix of its own alone, of an organization that no tenant has made with other tools. One of an organization above
    it is no obstacle, where that is another one.
    """
    entry = organizations.directory.read(organization, ["uPNSuffixes"])
    written = {str(value).lower() for value in entry.values("uPNSuffixes")} if entry is not None else set()
    own = {suffix for suffix in written if "." in suffix and f".{domain}".endswith(f".{suffix}")}
    if not own or not organizations.is_entered(organization):
        return ""
    others = organizations.with_suffixes(at_and_above(domain)).items()
    alone = all(owner == organization or (organization.is_within(owner) and own.isdisjoint(has)) for owner, has in others)
    return "among the suffixes of the organization's user principal names" if alone else ""


def _approval(domain: str, organization: Dn, organizations: Organizations, settings: Claims) -> str:
    approved = settings.approved.get(domain)
    return "approved" if approved is not None and organization == place(organizations.base, approved) else ""


def _nothing(_domain: str, _organization: Dn, _organizations: Organizations, _: Claims) -> str:
    return "free for all, as configured"


#: How each kind of evidence is looked for (the text is empty where there is none), and what is said without it.
_EVIDENCE: dict[str, Callable[[str, Dn, Organizations, Claims], str]] = {
    "upn-suffixes": _suffix,
    "approvals": _approval,
    "none": _nothing,
}
_MISSING = {
    "upn-suffixes": "Access denied: '{domain}' is not among the suffixes of user principal names of '{organization}'.",
    "approvals": "Access denied: nobody approved the domain '{domain}' for '{organization}'.",
}


def _owners_above(domain: str, directory: Directory, container: Dn) -> Iterator[tuple[str, Dn | None]]:
    """The reserved domains that ``domain`` lies below, each with its owner; ``None`` where that cannot be told."""
    _, _, above = domain.partition(".")
    while "." in above:
        entry = directory.read(container.child("CN", above), ["managedBy"])
        if entry is not None:
            owner = entry.text("managedBy")
            yield above, Dn.parse(owner) if owner else None
        _, _, above = above.partition(".")


def _owners_below(domain: str, directory: Directory, container: Dn) -> Iterator[Dn | None]:
    """The owners of the reserved domains that lie below ``domain``; ``None`` where one cannot be told."""
    wanted = Filter.ends_with("cn", f".{domain}")
    for entry in found_in(directory, container, Scope.ONE_LEVEL, wanted, "managedBy"):
        owner = entry.text("managedBy")
        yield Dn.parse(owner) if owner else None


def _refuse(reason: str) -> Decision:
    return Decision(False, reason, Code.E_ACCESSDENIED)
