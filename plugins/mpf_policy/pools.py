"""Which pools an organization's administrators may use: the one that is assigned to it, and shared ones that are available.

Spec: managed-ocs.md, shared pools and pool assignment. Where they are kept: mpf_directory.layout.
"""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.security.calls import Call, Decision
from mpf_core.security.declarations import values_of
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Entry, Scope
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations
from mpf_policy.targets import organization_of

_AVAILABLE = "poolstatus=available"
_RELATION = "assigned"


def decide_pools(call: Call, organizations: Organizations, names: Names) -> Decision | None:
    """Refuse a call that names a pool which is not the organization's to use; ``None`` where nothing is to be said.

    Domain administrators may use any pool. Raises the MpfError of a directory that does not answer.
    """
    schema = call.procedure.input_schema
    declared = schema.declared if schema is not None else {}
    pools = {name: one for name, one in declared.items() if one.kind == "pool" and one.needs == _RELATION}
    if not pools or call.caller.groups & organizations.domain_admins():
        return None
    named = [text for _, text in values_of(call.data, pools)]
    if not named:
        return None
    organization = organization_of(call, organizations, names)
    for text in named:
        if organization is None or not _is_usable(text, organization, organizations):
            reason = f"Access denied: the pool '{text}' is neither assigned to '{organization}', nor shared and available."
            return Decision(False, reason, Code.E_ACCESSDENIED)
    return None


def _is_usable(pool: str, organization: Dn, organizations: Organizations) -> bool:
    """Whether ``pool``, an FQDN or the DN of its service, is assigned to the organization, or shared and available."""
    directory = organizations.directory
    shared = layout.pointers_of(organizations.hosting, "SharedPools")
    if "=" not in pool:
        entry = directory.read(shared.child("CN", pool), ["keywords"])
        if entry is not None and _is_available(entry):
            return True
        return any(_fqdn(directory, service) == pool.lower() for service in _assigned(organization, organizations))
    try:
        service = Dn.parse(pool)
    except MpfError:
        return False
    if service in _assigned(organization, organizations):
        return True
    pointers = directory.search(shared, Scope.ONE_LEVEL, Filter.eq("managedBy", str(service)), ["keywords"])
    try:
        return any(_is_available(entry) for entry in pointers)
    except MpfError as error:
        if error.code == Code.NO_SUCH_OBJECT:  # no list of shared pools yet
            return False
        raise


def _assigned(organization: Dn, organizations: Organizations) -> list[Dn]:
    return organizations.pointed_at(organization, layout.WellKnown.POOL)


def _is_available(pointer: Entry) -> bool:
    return any(str(value).lower() == _AVAILABLE for value in pointer.values("keywords"))


def _fqdn(directory: Directory, service: Dn) -> str | None:
    """The FQDN of the pool that has this service: CN=LC Services,CN=Microsoft below it."""
    above = service.parent
    pool = above.parent if above is not None else None
    entry = directory.read(pool, ["dNSHostName"]) if pool is not None else None
    name = entry.text("dNSHostName") if entry is not None else None
    return name.lower() if name else None
