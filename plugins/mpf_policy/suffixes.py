"""Whose names users may log on with: never those of another organization, and never those of the domain itself.

Callers are known by their user principal names, and so are users to other programs: whoever could create
``somebody@fourthcoffee.com`` for himself would pass for one of Fourth Coffee's. An organization's names end in one of its
uPNSuffixes, which only those who may create organizations write; and they do not give one organization what is another's.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpf_core.errors import Code
from mpf_core.provider import Element
from mpf_core.security.calls import Call, Decision
from mpf_core.security.declarations import values_of
from mpf_directory.dn import Dn, domain_of
from mpf_directory.filters import Filter
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations
from mpf_policy.properties import properties
from mpf_policy.targets import first_target, organization_of, place_of

_RELATION = "owned"
_SUFFIXES = "uPNSuffixes"


def decide_suffixes(call: Call, organizations: Organizations, names: Names) -> Decision | None:
    """Refuse a user principal name, or a suffix for an organization, that is not its own; ``None`` where nothing is to be
    said.

    A suffix that no organization has may be used by all, and a reseller's by its customers; what lies below a suffix is
    like it. Nobody uses the domain's own name, by which every account is known that has no other. Domain administrators may
    use any. Raises the MpfError of a directory that does not answer.
    """
    if call.caller.groups & organizations.domain_admins():
        return None
    if call.is_part and first_target(call) is None:  # of whose suffixes another part says it
        return None
    given = _given(call)
    if given:
        organization = organization_of(call, organizations, names)
        for suffix in sorted(given):
            if not _may_use(suffix, organization, organizations):
                return _refuse(f"names that end in '@{suffix}' are not for users of '{organization}'")
    for suffix in sorted(_new_suffixes(call.data)):
        if not _may_have(suffix, call, organizations, names):
            return _refuse(f"the suffix '{suffix}' is another organization's, or the domain's, or lies above or below one")
    return None


def at_and_above(suffix: str) -> Filter:
    """Who has a suffix that is this one, or that this one lies below. A name without a dot is nobody's to give away."""
    return Filter.or_(*(Filter.eq(_SUFFIXES, one) for one in _upwards(suffix)))


def _upwards(suffix: str) -> Iterator[str]:
    yield suffix
    _, _, above = suffix.partition(".")
    while "." in above:
        yield above
        _, _, above = above.partition(".")


def _may_use(suffix: str, organization: Dn | None, organizations: Organizations) -> bool:
    if suffix == domain_of(organizations.base).lower():
        return False
    owners = organizations.with_suffixes(at_and_above(suffix))
    return all(organization is not None and organization.is_within(owner) for owner in owners)


def _may_have(suffix: str, call: Call, organizations: Organizations, names: Names) -> bool:
    domain = domain_of(organizations.base).lower()
    if suffix == domain or domain.endswith(f".{suffix}"):
        return False
    target = first_target(call)
    place = place_of(call, target, organizations, names) if target is not None else organizations.hosting
    own = None if target is None or target.is_container else place
    below = Filter.ends_with(_SUFFIXES, f".{suffix}")
    for owner, theirs in organizations.with_suffixes(Filter.or_(at_and_above(suffix), below)).items():
        if owner == own:
            continue
        has_it, has_one_below = suffix in theirs, any(one.endswith(f".{suffix}") for one in theirs)
        if has_it or not (owner.is_within(own) if has_one_below and own is not None else place.is_within(owner)):
            return False
    return True


def _given(call: Call) -> set[str]:
    """The suffixes of the user principal names that a call gives."""
    schema = call.procedure.input_schema
    declared = schema.declared if schema is not None else {}
    arguments = {name: one for name, one in declared.items() if one.kind == "upn" and one.needs == _RELATION}
    if not arguments:
        return set()
    named = (value for _, value in properties(call.data, lambda name: name.lower() == "userprincipalname"))
    given = [*(text for _, text in values_of(call.data, arguments)), *named]
    return {text.rpartition("@")[2].strip().lower() for text in given if "@" in text} - {""}


def _new_suffixes(data: Element) -> set[str]:
    """The suffixes that a call gives an organization; to take one away is not asked about."""
    given = properties(data, lambda name: name.lower() == _SUFFIXES.lower(), written=True)
    return {value.strip().lower() for _, value in given} - {""}


def _refuse(reason: str) -> Decision:
    return Decision(False, f"Access denied: {reason}.", Code.E_ACCESSDENIED)
