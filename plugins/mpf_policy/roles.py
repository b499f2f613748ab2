"""May this caller make this call: the roles of the MPS delegation model (spec: helpers-and-ad-providers.md, 2.12).

Each procedure names a minimum role. Domain administrators hold every role everywhere. OrgCreators are the administrators of
the Hosting organization and of the reseller around the object; UserCreators those of any organization around it; Users is
anybody who was found in the directory. The original proved membership by opening an access-controlled object as the caller;
here it is the SIDs of the caller's groups, which the directory says.

Only these top-level roles are decided here. What is finer is the business of the directory's own access control.
"""

from __future__ import annotations

from enum import Enum

from mpf_core.errors import Code
from mpf_core.model import Access
from mpf_core.security.calls import Call, Decision
from mpf_directory.dn import Dn
from mpf_policy.organizations import Organizations
from mpf_policy.targets import UnreadableTargetError, targets

#: Documented for the test of domain administrators: E_INVALIDARG, not access denied (helpers-and-ad-providers.md, 1.2).
NOT_DOMAIN_ADMIN = "Insufficient Privilege! Not Domain Administrator."


class Role(Enum):
    """Roles by the names that the schemas write."""

    DOMAIN_ADMINS = "DomainAdmins"
    ORG_CREATORS = "OrgCreators"
    USER_CREATORS = "UserCreators"
    USERS = "Users"


def decide(call: Call, organizations: Organizations) -> Decision:  # noqa: PLR0911 - one line for each rule, in order
    """Allow or refuse ``call``; every refusal says which role over which object is missing.

    A private procedure that another one calls is a part of that one, which was allowed. Everything else is decided by the
    minimum role; a procedure without one is for domain administrators. All objects that the call names must be in the
    caller's reach; a call that names none is about the Hosting organization.

    Raises the MpfError of a directory that does not answer.
    """
    if not call.caller.sid:
        return _refuse(f"Access denied: {call.caller.name} is no account of the directory.")
    if call.calling is not None and call.procedure.access is Access.PRIVATE:
        return Decision(True, f"a part of {call.calling.full_name}")
    name = call.procedure.minimum_role or Role.DOMAIN_ADMINS.value
    try:
        role = Role(name)
    except ValueError:
        return _refuse(f"Access denied: '{call.procedure.full_name}' asks for the unknown role '{name}'.")
    if role is Role.USERS:
        return Decision(True, "found in the directory")
    if call.caller.groups & organizations.domain_admins():
        return Decision(True, "domain administrator")
    if role is Role.DOMAIN_ADMINS:
        return Decision(False, NOT_DOMAIN_ADMIN, Code.E_INVALIDARG)
    return _over_targets(call, role, organizations)


def _over_targets(call: Call, role: Role, organizations: Organizations) -> Decision:
    caller = call.caller
    try:
        named = targets(call.data) or [organizations.hosting]
    except UnreadableTargetError as error:
        return _refuse(f"Access denied: whether {caller.name} is in the role {role.value} cannot be told: {error}.")
    for target in named:
        if not _holds(caller.groups, role, target, organizations):
            return _refuse(f"Access denied: {caller.name} is not in the role {role.value} over '{target}'.")
    return Decision(True, f"in the role {role.value}")


def _holds(groups: frozenset[str], role: Role, target: Dn, organizations: Organizations) -> bool:
    place = organizations.locate(target)
    if place is None:
        return False
    return any(
        groups & organization.admins
        for organization in organizations.around(place)
        if role is Role.USER_CREATORS or organization.creates_organizations
    )


def _refuse(reason: str) -> Decision:
    return Decision(False, reason, Code.E_ACCESSDENIED)
