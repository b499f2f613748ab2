"""Whose names users may log on with: never those of another organization.

Callers are known by their user principal names, and so are users to other programs: whoever could create
``somebody@fourthcoffee.com`` for himself would pass for one of Fourth Coffee's. An organization's names end in one of its
uPNSuffixes, which only those who may create organizations write.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element
from mpf_core.security.calls import Call, Decision
from mpf_core.security.declarations import values_of
from mpf_directory.filters import Filter
from mpf_directory.port import Scope
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations
from mpf_policy.targets import organization_of

_RELATION = "owned"


def decide_suffixes(call: Call, organizations: Organizations, names: Names) -> Decision | None:
    """Refuse a user principal name whose suffix is another organization's; ``None`` where nothing is to be said.

    A suffix that no organization has may be used by all, and a reseller's by its customers. Domain administrators may use
    any. Raises the MpfError of a directory that does not answer.
    """
    schema = call.procedure.input_schema
    declared = schema.declared if schema is not None else {}
    arguments = {name: one for name, one in declared.items() if one.kind == "upn" and one.needs == _RELATION}
    if not arguments or call.caller.groups & organizations.domain_admins():
        return None
    given = [*(text for _, text in values_of(call.data, arguments)), *_in_properties(call.data)]
    suffixes = {text.rpartition("@")[2].strip().lower() for text in given if "@" in text}
    for suffix in sorted(suffixes - {""}):
        organization = organization_of(call, organizations, names)
        found = organizations.directory.search(
            organizations.hosting, Scope.SUBTREE, Filter.eq("uPNSuffixes", suffix), ["uPNSuffixes"]
        )
        try:
            owners = [entry.dn for entry in found]
        except MpfError as error:
            if error.code != Code.NO_SUCH_OBJECT:  # no hosting tree, so no organizations
                raise
            owners = []
        if owners and not any(organization is not None and organization.is_within(owner) for owner in owners):
            reason = f"Access denied: names that end in '@{suffix}' are not for users of '{organization}'."
            return Decision(False, reason, Code.E_ACCESSDENIED)
    return None


def _in_properties(data: Element) -> Iterator[str]:
    """Names that stand among the free properties of an account."""
    for element in data.iter("{*}property"):
        if element.get("name", "").strip().lower() == "userprincipalname":
            yield from ("".join(map(str, value.itertext())) for value in (element, *element))
