"""May this caller make this call: the roles of the MPS delegation model (spec: helpers-and-ad-providers.md, 2.12).

Each procedure names a minimum role. Domain administrators hold every role everywhere. OrgCreators are the administrators of
the Hosting organization and of the reseller around the object; UserCreators those of any organization around it; Users is
anybody who was found in the directory. The original proved membership by opening an access-controlled object as the caller;
here it is the SIDs of the caller's groups, which the directory says.

The customer service representatives of the provider and of a reseller stand above the administrators of the organizations
below theirs, so they hold UserCreators there, and not over their own; they make no organizations. Those of a customer do
what says that it needs no more than ChildOrgCreators, which everybody above them may do as well. No representative has a
role over those who stand above him: the administrators of his own organization and of those around it, and whoever creates
organizations; else he would set their password, or join them.

Only these top-level roles are decided here. What is finer is the business of the directory's own access control.
"""

from __future__ import annotations

from enum import Enum

from mpf_core.errors import Code
from mpf_core.security.calls import Call, Decision
from mpf_directory.dn import Dn, DnForm
from mpf_directory.locking import renamed_meanwhile
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations
from mpf_policy.targets import UnreadableTargetError, named_before, place_of, targets

#: Documented for the test of domain administrators: E_INVALIDARG, not access denied (helpers-and-ad-providers.md, 1.2).
NOT_DOMAIN_ADMIN = "Insufficient Privilege! Not Domain Administrator."


class Role(Enum):
    """Roles by the names that the schemas write."""

    DOMAIN_ADMINS = "DomainAdmins"
    ORG_CREATORS = "OrgCreators"
    USER_CREATORS = "UserCreators"
    CHILD_ORG_CREATORS = "ChildOrgCreators"
    USERS = "Users"


#: Over which organizations around an object, from the innermost, the customer service representatives hold a role.
_REPRESENTED = {Role.CHILD_ORG_CREATORS: 0, Role.USER_CREATORS: 1}


def decide(call: Call, organizations: Organizations, names: Names) -> Decision:  # noqa: PLR0911 - a rule each
    """Allow or refuse ``call``; every refusal says which role over which object is missing.

    A private procedure that another one calls is a part of that one, which was allowed: unless an object that it was allowed
    for has been moved since to where it would not be. Everything else is decided by the minimum role, and by what is needed
    over each object that the call names; a procedure without a role is for domain administrators. A call that names no
    object is about the Hosting organization. ``names`` keeps which objects were meant. A refusal quotes what the caller has
    sent, and not what the directory calls the object.

    Raises LOCK_VIOLATION for an object that is not the authorized one any more, or not where it was, and the MpfError of a
    directory that does not answer.
    """
    caller = call.caller
    if not caller.sid:
        return _refuse(f"Access denied: {caller.name} is no account of the directory.")
    if call.is_part:
        _require_places(call, organizations, names)
        return Decision(True, f"a part of {call.edge[0]}")
    try:
        role = _role(call.procedure.minimum_role or Role.DOMAIN_ADMINS.value)
        named = [
            (_role(one.needs) if one.needs else role, one.dn, place_of(call, one, organizations, names))
            for one in targets(call.procedure, call.data)
        ]
    except UnreadableTargetError as error:
        return _refuse(f"Access denied to '{call.procedure.full_name}': whether {caller.name} may cannot be told: {error}.")
    if role is Role.DOMAIN_ADMINS:
        if caller.groups & organizations.domain_admins():
            return Decision(True, "domain administrator")
        return Decision(False, NOT_DOMAIN_ADMIN, Code.E_INVALIDARG)
    for needed, sent, target in named or [(role, organizations.hosting, organizations.hosting)]:
        if not _holds(caller.groups, needed, target, organizations):
            return _refuse(f"Access denied: {caller.name} is not in the role {needed.value} over '{sent}'.")
    return Decision(True, f"in the role {role.value}")


def _require_places(call: Call, organizations: Organizations, names: Names) -> None:
    """Raise LOCK_VIOLATION when the calling procedure would not be allowed any more where its objects are now.

    Only for those that follow their object: what is named by path is where it was, or nothing is there.
    """
    calling = call.calling
    if calling is None or calling.is_private:
        return
    for target in named_before(call):
        if target.dn.form is not DnForm.NAME:
            role = _role(target.needs or calling.minimum_role or Role.DOMAIN_ADMINS.value)
            if not _holds(call.caller.groups, role, place_of(call, target, organizations, names), organizations):
                raise renamed_meanwhile(target.dn)


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise UnreadableTargetError(f"the role '{name}' is unknown") from None


def _holds(groups: frozenset[str], role: Role, target: Dn, organizations: Organizations) -> bool:
    if role is Role.USERS or groups & organizations.domain_admins():
        return True
    if role is Role.DOMAIN_ADMINS or target.form is not DnForm.NAME:  # a special form that leads nowhere
        return False
    if any(
        groups & organization.admins
        for organization in organizations.around(target)
        if role is not Role.ORG_CREATORS or organization.creates_organizations
    ):
        return True
    around = [one for one in organizations.around(target) if one.admins or one.csr_groups]
    for number in range(_REPRESENTED.get(role, len(around)), len(around)):
        if groups & organizations.csrs(around[number]):
            above = [one.admins for place, one in enumerate(around) if place >= number or one.creates_organizations]
            return not organizations.is_among(target, frozenset().union(*above))
    return False


def _refuse(reason: str) -> Decision:
    return Decision(False, reason, Code.E_ACCESSDENIED)
