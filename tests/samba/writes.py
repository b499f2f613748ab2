"""Every public procedure of the shipped namespaces that writes to the directory: requests that make it write all it can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mpf_directory.port import Value
from mpf_directory.sids import sid_to_octets
from tests.differential.cases import CREATE_USER as CREATE_SIP_USER
from tests.differential.cases import DELETE_USER as DELETE_SIP_USER
from tests.differential.cases import SIP_USER, WRITES
from tests.differential.requests import Ask
from tests.namespaces.support import ALPINE, BASE, JOHN, MESSENGER, ldap

AD = "Managed Active Directory"
UPN = "marcus.aurelius@alpineskihouse.com"
MARCUS, CREW, ANN = f"CN={UPN},{ALPINE}", f"CN=Ski crew,{ALPINE}", f"CN=Ann Beebe,{ALPINE}"
PROSEWARE = f"OU=Proseware,{MESSENGER}"
_USERS = {"organization": ldap(ALPINE), "capacityType": "UserN"}

#: They prepare a forest, once, by an administrator with a password.
PREPARATIONS = frozenset({"Initialize", "InitializeADForHosting", "InitializeADforHosting"})
#: They write to the engine's own store.
ELSEWHERE = frozenset({"SetExecuteAs"})


@dataclass(frozen=True, slots=True)
class Write:
    """A request that writes, after ``setup`` by the domain's administrator, who has written ``given`` besides."""

    ask: Ask
    setup: tuple[Ask, ...] = ()
    given: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.ask.procedure}({', '.join(self.ask.arguments)})"


def _ask(procedure: str, caller: str = "customer", /, **arguments: str) -> Ask:
    return Ask(procedure, arguments, caller, AD)


_CREATE_USER = _ask("CreateUser", container=ldap(ALPINE), userPrincipalName=UPN, policyName="customer")
_CREATE_GROUP = _ask("CreateGroup", container=ldap(ALPINE), name="Ski crew", policyName="customer")
_CREATE_CONTACT = _ask("CreateContact", container=ldap(ALPINE), name="Ann Beebe")
_CREATE_ORGANIZATION = _ask(
    "CreateOrganization", "reseller", container=ldap(MESSENGER), name="Proseware", policyName="customer"
)
_ADD = _ask("GroupAdd", group=ldap(CREW), newMember=ldap(MARCUS))
_PASSWORD = _ask("SetUserPassword", user=ldap(MARCUS), newPassword="First-pa55word of a test")
_ENABLE = _ask("EnableUser", user=ldap(MARCUS))
_EXPAND = _ask("ExpandWin2KCapacity", **_USERS, multiplier="2")
_DISTRIBUTE = _ask("DistributeGroupMemberships", **_USERS)
_MODIFY_USER = _ask(
    "ModifyUser", user=ldap(MARCUS), givenName="Marcus", middleName="Annius", initials="MA", sn="Aurelius",
    displayName="Marcus Aurelius", description="Winter", sAMAccountName="marcus", userPrincipalName="m@alpineskihouse.com",
)  # fmt: skip
_MODIFY_ORGANIZATION = replace(
    _ask("ModifyOrganization", "reseller", org=ldap(PROSEWARE)),
    properties={"description": "Toys", "uPNSuffixes": "proseware.com"},
)
_PROXY = "SMTP:crew@alpineskihouse.com"
_TRACES: Mapping[str, Value] = {
    "msRTCSIP-TargetHomeServer": f"CN=Users,{BASE}",
    "msRTCSIP-Line": "tel:+15550100",
    "msRTCSIP-LineServer": "sip:line@alpineskihouse.com",
    "msRTCSIP-OriginatorSid": sid_to_octets("S-1-5-21-1-2-3-4"),
    "msRTCSIP-UserExtension": "<x/>",
    "msRTCSIP-UserLocationProfile": f"CN=Users,{BASE}",
}

ACCOUNTS = (
    Write(_CREATE_USER),
    Write(_MODIFY_USER, (_CREATE_USER,)),
    Write(_ask("RenameUser", user=ldap(MARCUS), newName="Marcus"), (_CREATE_USER,)),
    Write(_PASSWORD, (_CREATE_USER,)),
    Write(_ENABLE, (_CREATE_USER, _PASSWORD)),
    Write(_ask("DisableUser", user=ldap(MARCUS)), (_CREATE_USER, _PASSWORD, _ENABLE)),
    Write(
        _ask("DeleteUser", user=ldap(MARCUS)),
        (_CREATE_USER, _PASSWORD, _ENABLE),
        {MARCUS: {"proxyAddresses": _PROXY, "msRTCSIP-PrimaryUserAddress": "sip:m@alpineskihouse.com"}},
    ),
    Write(_CREATE_CONTACT),
    Write(
        _ask("DeleteContact", contact=ldap(ANN)),
        (_CREATE_CONTACT,),
        {ANN: {"proxyAddresses": _PROXY, "msRTCSIP-PrimaryUserAddress": "sip:ann@alpineskihouse.com"}},
    ),
    Write(_CREATE_GROUP),
    Write(_ask("RenameGroup", group=ldap(CREW), newName="Ski team"), (_CREATE_GROUP,)),
    Write(_ADD, (_CREATE_USER, _CREATE_GROUP)),
    Write(_ask("GroupRemove", group=ldap(CREW), member=ldap(MARCUS)), (_CREATE_USER, _CREATE_GROUP, _ADD)),
    Write(_ask("DeleteGroup", group=ldap(CREW)), (_CREATE_GROUP,), {CREW: {"proxyAddresses": _PROXY}}),
    Write(_ask("MoveObject", object=ldap(CREW), destinationContainer=ldap(f"CN=_Private,{ALPINE}")), (_CREATE_GROUP,)),
    Write(_EXPAND),
    Write(_DISTRIBUTE, (_EXPAND,)),
)
ORGANIZATIONS = (
    Write(_CREATE_ORGANIZATION),
    Write(_MODIFY_ORGANIZATION, (_CREATE_ORGANIZATION,)),
    Write(_ask("RenameOrganization", "reseller", org=ldap(PROSEWARE), newName="Wingtip"), (_CREATE_ORGANIZATION,)),
    Write(_ask("DeleteOrganization", "reseller", org=ldap(PROSEWARE)), (_CREATE_ORGANIZATION,)),
)
OCS = (
    *(Write(case.ask, case.setup) for case in WRITES if case.ask.procedure not in PREPARATIONS),
    Write(DELETE_SIP_USER, SIP_USER, {JOHN: _TRACES}),
    Write(CREATE_SIP_USER.but(meetingPolicy="Policy 5 (Low)"), SIP_USER[:-1]),
)
ALL = (*OCS, *ACCOUNTS, *ORGANIZATIONS)
