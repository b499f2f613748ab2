"""Who may call what over which objects, written by hand from the specification, and not from what procedures declare.

Sources: spec/managed-ocs.md, 0.3 and each procedure's role; spec/helpers-and-ad-providers.md, 2.5 and 2.12.
"""

from __future__ import annotations

DOMAIN, ORGANIZATIONS, USERS, ANYBODY = "DomainAdmins", "OrgCreators", "UserCreators", "Users"

_OCS = "Managed Office Communications Server"
_AD = "Managed Active Directory"

#: Procedure -> the role that its caller needs, and the arguments that name what it is needed over.
ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    # Shared pools and pools are the domain's.
    f"{_OCS}::Initialize": (DOMAIN, ()),
    f"{_OCS}::AddSharedPool": (DOMAIN, ()),
    f"{_OCS}::RemoveSharedPool": (DOMAIN, ()),
    f"{_OCS}::DeleteSharedPool": (DOMAIN, ()),
    f"{_OCS}::SetSharedPoolProperties": (DOMAIN, ()),
    f"{_OCS}::GetSharedPools": (DOMAIN, ()),
    f"{_OCS}::GetPools": (DOMAIN, ()),
    f"{_OCS}::GetPoolProperties": (DOMAIN, ()),
    # An organization's SIP domains, pool and users are its administrators'.
    f"{_OCS}::CreateSipDomain": (USERS, ("organization",)),
    f"{_OCS}::DeleteSipDomain": (USERS, ("organization",)),
    f"{_OCS}::GetSipDomainsByOrganization": (USERS, ("organization",)),
    f"{_OCS}::ValidateSipDomainOwnership": (USERS, ("organization",)),
    f"{_OCS}::SetPoolAssignment": (USERS, ("organization",)),
    f"{_OCS}::GetPoolAssignment": (USERS, ("organization",)),
    f"{_OCS}::DeletePoolAssignment": (USERS, ("organization",)),
    f"{_OCS}::CreateSipUser": (USERS, ("user",)),
    f"{_OCS}::SetSipUserProperties": (USERS, ("user",)),
    f"{_OCS}::GetSipUserProperties": (USERS, ("user",)),
    f"{_OCS}::DeleteSipUser": (USERS, ("user",)),
    # Organizations are made and changed by those who may create them.
    f"{_AD}::CreateOrganization": (ORGANIZATIONS, ("container",)),
    f"{_AD}::ModifyOrganization": (ORGANIZATIONS, ("org",)),
    f"{_AD}::RenameOrganization": (ORGANIZATIONS, ("org",)),
    f"{_AD}::DeleteOrganization": (ORGANIZATIONS, ("org",)),
    # What is in them, by their own administrators.
    f"{_AD}::CreateUser": (USERS, ("container",)),
    f"{_AD}::ModifyUser": (USERS, ("user",)),
    f"{_AD}::RenameUser": (USERS, ("user",)),
    f"{_AD}::DeleteUser": (USERS, ("user",)),
    f"{_AD}::EnableUser": (USERS, ("user",)),
    f"{_AD}::DisableUser": (USERS, ("user",)),
    f"{_AD}::SetUserPassword": (USERS, ("user",)),
    f"{_AD}::ChangeUserPassword": (ANYBODY, ("user",)),
    f"{_AD}::CreateContact": (USERS, ("container",)),
    f"{_AD}::DeleteContact": (USERS, ("contact",)),
    f"{_AD}::CreateGroup": (USERS, ("container",)),
    f"{_AD}::RenameGroup": (USERS, ("group",)),
    f"{_AD}::DeleteGroup": (USERS, ("group",)),
    f"{_AD}::GroupAdd": (USERS, ("group", "newMember")),
    f"{_AD}::GroupRemove": (USERS, ("group", "member")),
    f"{_AD}::MoveObject": (USERS, ("object", "destinationContainer")),
    f"{_AD}::DistributeGroupMemberships": (USERS, ("organization",)),
    f"{_AD}::ExpandWin2KCapacity": (USERS, ("organization",)),
    f"{_AD}::GetWin2KCapacityExpansion": (USERS, ("organization",)),
    f"{_AD}::GetWin2KCapacityPending": (USERS, ("organization",)),
    f"{_AD}::GetPolicy": (USERS, ("containerPath", "objectPath")),
    f"{_AD}::GetOtherWellKnownObject": (USERS, ("object",)),
    f"{_AD}::GetOtherWellKnownObject2": (USERS, ("object",)),
    f"{_AD}::GetThisOrganizationRoot": (USERS, ("path",)),
    f"{_AD}::GetForeignOwnerOrg": (USERS, ("path",)),
    "Managed Hosting::InitializeADForHosting": (DOMAIN, ()),
    "Managed Hosting::InitializeADforHosting": (DOMAIN, ()),
    "Managed Hosting::TestDomainAdmin": (DOMAIN, ()),
    "Managed Hosting::GetOrgType": (USERS, ("path",)),
    "Managed Hosting::GetCallerUIRoles": (ANYBODY, ("hostingPath",)),
    "Managed Hosting::GetCallerUiRoles": (ANYBODY, ("hostingPath",)),
    "Managed Helpers::InitializeADForHosting": (DOMAIN, ()),
    # Ours: what the provider can do beyond the documented procedures, and the administration of the engine.
    f"{_OCS} Extensions::CreateGlobalSipDomain": (DOMAIN, ()),
    f"{_OCS} Extensions::DeleteGlobalSipDomain": (DOMAIN, ()),
    f"{_OCS} Extensions::GetGlobalSipDomains": (DOMAIN, ()),
    f"{_OCS} Extensions::CreateFederationDomain": (DOMAIN, ()),
    f"{_OCS} Extensions::DeleteFederationDomain": (DOMAIN, ()),
    f"{_OCS} Extensions::GetFederationDomains": (DOMAIN, ()),
    f"{_OCS} Extensions::GetMeetingPolicies": (DOMAIN, ()),
    f"{_OCS} Extensions::GetUCPolicies": (DOMAIN, ()),
    "MPF Config::GetNamespaces": (DOMAIN, ()),
    "MPF Config::GetProcedures": (DOMAIN, ()),
    "MPF Config::GetCredentials": (DOMAIN, ()),
    "MPF Config::SetExecuteAs": (DOMAIN, ()),
}

#: What else procedures name, by the kind of thing: pools, names that users log on with, SIP domains.
NAMED: dict[str, set[tuple[str, str]]] = {
    f"{_OCS}::SetPoolAssignment": {("poolFQDN", "pool")},
    f"{_OCS}::CreateSipUser": {("homeServerDN", "pool")},
    f"{_OCS}::SetSipUserProperties": {("homeServerDN", "pool")},
    f"{_AD}::CreateUser": {("userPrincipalName", "upn")},
    f"{_AD}::ModifyUser": {("userPrincipalName", "upn")},
    # Whose a domain is that is there already, these find out themselves, with documented errors.
    f"{_OCS}::CreateSipDomain": {("address", "sip-domain")},
    f"{_OCS}::DeleteSipDomain": {("address", "sip-domain")},
    f"{_OCS}::ValidateSipDomainOwnership": {("address", "sip-domain")},
}
#: What is known of a pool -> whether the administrators of a customer may use it; a domain administrator may use any.
POOLS = {
    "shared and available": True,
    "shared and unavailable": False,
    "assigned to the organization": True,
    "assigned to its parent": False,
    "assigned to another organization": False,
    "nobody's": False,
}
#: A user principal name -> those who may give it to a user of the customer, besides domain administrators: all, or nobody.
LOG_ON_NAMES = {
    "ann@alpineskihouse.com": True,
    "ann@consolidatedmessenger.com": True,
    "ann@ALPINESKIHOUSE.com": True,
    "ann@nobodys.example": True,
    "ann@fourthcoffee.com": False,
    "ann@FourthCoffee.COM": False,
    "ann@litwareinc.com": False,
}
_HARMLESS = {"upn": "ann@nobodys.example"}
#: A SIP domain -> whether it can be claimed for the customer where suffixes of user principal names count as evidence.
CLAIMABLE = {
    "alpineskihouse.com": True,
    "sip.AlpineSkiHouse.com": True,
    "consolidatedmessenger.com": False,
    "fourthcoffee.com": False,
    "alpineskihouse.com.example": False,
    "notalpineskihouse.com": False,
}

#: Places in the tree, each in the one before it where its line is indented.
HOSTING = "OU=Hosting"
RESELLER = f"OU=ConsolidatedMessenger,{HOSTING}"
CUSTOMER = f"OU=AlpineSkiHouse,{RESELLER}"
OTHER_RESELLER = f"OU=Litware,{HOSTING}"
OTHER_CUSTOMER = f"OU=FourthCoffee,{OTHER_RESELLER}"
OUTSIDE = "CN=Users"
PLACES = (HOSTING, RESELLER, CUSTOMER, OTHER_RESELLER, OTHER_CUSTOMER, OUTSIDE)

#: Caller -> where each role is held; a domain administrator has them all everywhere.
CALLERS: dict[str, dict[str, tuple[str, ...]]] = {
    "Administrator@fabrikam.com": {DOMAIN: PLACES, ORGANIZATIONS: PLACES, USERS: PLACES},
    "admin@hosting.fabrikam.com": {
        ORGANIZATIONS: (HOSTING, RESELLER, CUSTOMER, OTHER_RESELLER, OTHER_CUSTOMER),
        USERS: (HOSTING, RESELLER, CUSTOMER, OTHER_RESELLER, OTHER_CUSTOMER),
    },
    "admin@consolidatedmessenger.com": {ORGANIZATIONS: (RESELLER, CUSTOMER), USERS: (RESELLER, CUSTOMER)},
    "admin@alpineskihouse.com": {USERS: (CUSTOMER,)},
    "admin@litwareinc.com": {ORGANIZATIONS: (OTHER_RESELLER, OTHER_CUSTOMER), USERS: (OTHER_RESELLER, OTHER_CUSTOMER)},
    "admin@fourthcoffee.com": {USERS: (OTHER_CUSTOMER,)},
    "Johnc@AlpineSkiHouse.com": {},
}

#: Those who have the role over the customer.
ABOVE = [caller for caller, roles in CALLERS.items() if CUSTOMER in roles.get(USERS, ())]


def allowed(procedure: str, caller: str, places: dict[str, str]) -> bool:
    """Whether ``caller`` may call it with these arguments that name something in these places of the tree."""
    role, arguments = ROLES[procedure]
    held = CALLERS[caller]
    if role == ANYBODY:
        return True
    if role == DOMAIN:
        return DOMAIN in held
    return all(places[name] in held.get(role, ()) for name in arguments if name in places)


def may_name(caller: str, usable: bool) -> bool:
    """Whether ``caller``, who administers the customer or what is above it, may name what is ``usable`` for the customer."""
    return usable or DOMAIN in CALLERS[caller]


def named_as(kind: str) -> list[tuple[str, str]]:
    """Each procedure that names something of that kind, and the argument that does."""
    return [(procedure, argument) for procedure, named in NAMED.items() for argument, one in named if one == kind]


def harmless(procedure: str) -> dict[str, str]:
    """What it may name besides objects whoever calls it, so that only those decide."""
    return {argument: _HARMLESS[kind] for argument, kind in NAMED.get(procedure, set()) if kind in _HARMLESS}
