"""Managed Active Directory: a request for each public procedure, and what has to come of it, as in `cases`.

Passwords have no undo, and what they are cannot be read back, so they are tried in tests/samba/test_managed_accounts.py; the
procedures for groups of more members than Windows 2000 had room for, in tests/namespaces/test_managed_groups.py.
"""

from __future__ import annotations

from tests.differential.cases import Case, Refusal
from tests.differential.requests import Ask
from tests.namespaces.accounts import ANN, BOB, BOB_UPN, MANAGED_AD, STAFF
from tests.namespaces.support import ALPINE, JOHN, MESSENGER, ldap

PROSEWARE = f"OU=Proseware,{MESSENGER}"
#: Public procedures that are tried elsewhere.
ELSEWHERE = frozenset(
    {
        "ChangeUserPassword", "SetUserPassword", "DistributeGroupMemberships", "ExpandWin2KCapacity",
        "GetWin2KCapacityExpansion", "GetWin2KCapacityPending",
    }
)  # fmt: skip


def _ask(procedure: str, caller: str = "customer", **arguments: str) -> Ask:
    return Ask(procedure, arguments, caller, MANAGED_AD)


CREATE_BOB = _ask("CreateUser", container=ldap(ALPINE), userPrincipalName=BOB_UPN, givenName="Bob", sn="Ross")
MODIFY_USER = _ask("ModifyUser", user=ldap(JOHN), displayName="John & Co")
RENAME_BOB = _ask("RenameUser", user=ldap(BOB), newName="bob@wingtiptoys.com")
DISABLE_USER = _ask("DisableUser", user=ldap(JOHN))
PASSWORD = _ask("SetUserPassword", user=ldap(BOB), newPassword="Organization-w0rd of Bob")
ENABLE_BOB = _ask("EnableUser", user=ldap(BOB))
DELETE_BOB = _ask("DeleteUser", user=ldap(BOB))
CREATE_STAFF = _ask("CreateGroup", container=ldap(ALPINE), name="Instructors", groupType="GLOBAL SECURITY")
RENAME_STAFF = _ask("RenameGroup", group=ldap(STAFF), newName="Teachers")
ADD_JOHN = _ask("GroupAdd", group=ldap(STAFF), newMember=ldap(JOHN))
REMOVE_JOHN = _ask("GroupRemove", group=ldap(STAFF), member=ldap(JOHN))
DELETE_STAFF = _ask("DeleteGroup", group=ldap(STAFF))
CREATE_ANN = _ask("CreateContact", container=ldap(ALPINE), name="Ann Beebe", displayName="Ann")
DELETE_ANN = _ask("DeleteContact", contact=ldap(ANN))
CREATE_PROSEWARE = _ask(
    "CreateOrganization", "reseller", container=ldap(MESSENGER), name="Proseware", policyName="customer", description="Toys"
)
MODIFY_PROSEWARE = Ask(
    "ModifyOrganization", {"org": ldap(PROSEWARE)}, "reseller", MANAGED_AD, properties={"description": "Books"}
)
RENAME_PROSEWARE = _ask("RenameOrganization", "reseller", org=ldap(PROSEWARE), newName="Wingtip")
DELETE_PROSEWARE = _ask("DeleteOrganization", "reseller", org=ldap(PROSEWARE))
MOVE_BOB = _ask("MoveObject", "reseller", object=ldap(BOB), destinationContainer=ldap(MESSENGER))
POLICY = _ask("GetPolicy", containerPath=ldap(ALPINE), objectName="bob", objectType="user", policyName="customer")
_ENTRY = {"object": ldap(ALPINE), "guid": "65F37ECB46704F0E9300E1FB48E1096E"}
ENTRY = _ask("GetOtherWellKnownObject", **_ENTRY).without("preferredDomainController")
ENTRY2 = _ask("GetOtherWellKnownObject2", **_ENTRY)
ROOT = _ask("GetThisOrganizationRoot", path=ldap(JOHN))
OWNER = _ask("GetForeignOwnerOrg", path=ldap(ALPINE))
_AT = "LDAP://AD01.Fabrikam.com/"
_GONE, _THERE = Refusal(0x80072030, ""), Refusal(0x80071392, "")


def _path(dn: str, element: str = "path") -> str:
    return f"<{element}>{_AT}{dn}</{element}>"


def _named(element: str, dn: str, sam: str = "") -> str:
    account = f' samName="{sam}"' if sam else ""
    return f'<{element} path="{_AT}{dn}" name="{dn.partition(",")[0].partition("=")[2]}"{account}'


def _organization() -> str:
    """What CreateOrganization returns: the unit, and what is in it."""
    private = f"CN=_Private,{PROSEWARE}"
    services = f"CN=Services,{private}"
    domains = _named("org", f"CN=SIPDomains,{services}")
    users = _named("group", f"CN=AllUsers@Proseware,{private}", "AU@Proseware")
    admins = _named("group", f"CN=Admins@Proseware,{PROSEWARE}", "A@Proseware")
    csrs = _named("group", f"CN=CSRAdmins@Proseware,{PROSEWARE}", "CA@Proseware")
    inner = f"{_named('org', services)}><orgs>{domains}/></orgs></org>"
    kept = f"{_named('org', private)}><orgs>{inner}</orgs><groups>{users}/></groups></org>"
    return f"{_named('org', PROSEWARE)}><orgs>{kept}</orgs><groups>{admins}/>{csrs}/></groups></org>"


_ALL_USERS = f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}"
_ADMINS = f"CN=Admins@AlpineSkiHouse,{ALPINE}"
_MEMBERSHIP = f'<membership name="AllUsers@AlpineSkiHouse" path="{_AT}{_ALL_USERS}"/>'
_BOB, _STAFF, _PROSEWARE = (CREATE_BOB,), (CREATE_STAFF,), (CREATE_PROSEWARE,)

AD_CASES: tuple[Case, ...] = (
    Case(CREATE_BOB, f"{_named('user', BOB, 'bob_alpineskihouse.c')}/>", again=_THERE),
    Case(MODIFY_USER.but(description="Skis")),
    Case(RENAME_BOB, _path(f"CN=bob@wingtiptoys.com,{ALPINE}"), _BOB, again=_GONE),
    Case(DISABLE_USER),
    Case(ENABLE_BOB, setup=(CREATE_BOB, PASSWORD)),
    Case(DELETE_BOB, setup=_BOB, again=_GONE),
    Case(CREATE_STAFF, f"{_named('group', STAFF, 'Instructors')}/>", again=_THERE),
    Case(RENAME_STAFF, _path(f"CN=Teachers,{ALPINE}"), _STAFF, again=_GONE),
    Case(ADD_JOHN, setup=_STAFF, again=_THERE),
    Case(REMOVE_JOHN, setup=(CREATE_STAFF, ADD_JOHN), again=Refusal(0x80072035, "")),
    Case(DELETE_STAFF, setup=_STAFF, again=_GONE),
    Case(CREATE_ANN, f"{_named('contact', ANN)}/>", again=_THERE),
    Case(DELETE_ANN, setup=(CREATE_ANN,), again=_GONE),
    Case(CREATE_PROSEWARE, _organization(), again=_THERE, tried=4),
    Case(MODIFY_PROSEWARE, setup=_PROSEWARE),
    Case(RENAME_PROSEWARE, _path(f"OU=Wingtip,{MESSENGER}"), _PROSEWARE, again=_GONE),
    Case(DELETE_PROSEWARE, setup=_PROSEWARE, again=_GONE),
    Case(MOVE_BOB, setup=_BOB, again=_GONE),
    Case(POLICY, f"<user><memberships>{_MEMBERSHIP}</memberships></user>", writes=False),
    Case(ENTRY, f"<distinguishedName>{_ADMINS}</distinguishedName><path>{ldap(_ADMINS)}</path>", writes=False),
    Case(ENTRY2, f"<distinguishedName>{_ADMINS}</distinguishedName>{_path(_ADMINS)}", writes=False),
    Case(ROOT, _path(ALPINE, "root"), writes=False),
    Case(OWNER, _path(MESSENGER, "owner"), writes=False),
)

#: The arguments that are documented as required.
AD_REQUIRED: dict[str, tuple[str, ...]] = {
    "CreateUser": ("container", "userPrincipalName"),
    "ModifyUser": ("user",),
    "RenameUser": ("user", "newName"),
    "DisableUser": ("user",),
    "EnableUser": ("user",),
    "DeleteUser": ("user",),
    "CreateGroup": ("container", "name"),
    "RenameGroup": ("group", "newName"),
    "GroupAdd": ("group", "newMember"),
    "GroupRemove": ("group", "member"),
    "DeleteGroup": ("group",),
    "CreateContact": ("container", "name"),
    "DeleteContact": ("contact",),
    "CreateOrganization": ("name", "container"),
    "ModifyOrganization": ("org",),
    "RenameOrganization": ("org", "newName"),
    "DeleteOrganization": ("org",),
    "MoveObject": ("object", "destinationContainer"),
    "GetPolicy": (),
    "GetOtherWellKnownObject": ("object", "guid"),
    "GetOtherWellKnownObject2": ("object", "guid"),
    "GetThisOrganizationRoot": ("path",),
    "GetForeignOwnerOrg": ("path",),
}
