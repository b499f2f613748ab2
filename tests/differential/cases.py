"""Every public procedure of the OCS namespaces and of Managed Hosting: a request for each, and what has to come of it.

Spec: managed-ocs.md, 1 (arguments, outputs, rules, errors); ocs-provider-and-ad-schema.md, 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.differential.requests import EXTENSIONS, HOSTING_NAMESPACE, Ask
from tests.namespaces.support import ALPINE, BASE, HOSTING, JOHN, MESSENGER, POOL1, POOL2, ldap

DOMAIN, URI = "alpineskihouse.com", "sip:johnc@alpineskihouse.com"
ORG, USER = {"organization": ldap(ALPINE)}, {"user": ldap(JOHN)}
FIRST = {"poolFQDN": "pool01.fabrikam.com"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The code and text of an error."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """A request that succeeds after ``setup`` and returns ``answer``.

    ``seen`` is a question about what it did, with the answer. A repetition ends in ``again``: that error, or, without one,
    the same answer and nothing changed. ``writes`` says whether anything changes at all; ``tried``, where there are many
    writes, behind how many of them a run lets it fail, chosen anew each day.
    """

    ask: Ask
    answer: str = ""
    setup: tuple[Ask, ...] = ()
    seen: tuple[Ask, str] | None = None
    again: Refusal | None = None
    variant: str = ""
    writes: bool = True
    tried: int | None = None

    def __str__(self) -> str:
        return f"{self.ask.procedure} {self.variant}".rstrip()


def exists(name: str) -> Refusal:
    """A service pointer of that name."""
    return Refusal(0x80004005, f"The service pointer '{name}' exists already.")


def foreign(domain: str, organization: str) -> Refusal:
    """The documented text for a SIP domain of somebody else."""
    return Refusal(0x80131509, f"The specified SIP domain '{domain}' does not belong to '{organization}'.")


CREATE_DOMAIN = Ask("CreateSipDomain", {**ORG, "address": DOMAIN})
DELETE_DOMAIN = Ask("DeleteSipDomain", {**ORG, "address": DOMAIN})
GET_DOMAINS = Ask("GetSipDomainsByOrganization", ORG)
OWNS_DOMAIN = Ask("ValidateSipDomainOwnership", {**ORG, "address": DOMAIN})
PARENTS_DOMAIN = Ask(
    "CreateSipDomain", {"organization": ldap(MESSENGER), "address": "consolidatedmessenger.com"}, "reseller"
)
ADD_POOL = Ask("AddSharedPool", {**FIRST, "poolTag": "LabA"}, "domain")
GET_SHARED = Ask("GetSharedPools", {}, "domain")
ASSIGN = Ask("SetPoolAssignment", {**ORG, **FIRST})
ASSIGNED = Ask("GetPoolAssignment", ORG)
CREATE_USER = Ask("CreateSipUser", {**USER, "enabled": "true", "primaryURI": URI})
GET_USER = Ask("GetSipUserProperties", USER)
SET_USER = Ask("SetSipUserProperties", USER)
DELETE_USER = Ask("DeleteSipUser", USER)
READY = (CREATE_DOMAIN, ADD_POOL, ASSIGN)
SIP_USER = (*READY, CREATE_USER)
NO_SIP_USER = Refusal(0x80131509, f"'{JOHN}' is no user of Office Communications Server.")
IN_OCS_ALREADY = Refusal(0x80071392, f"'{JOHN}' is a user of Office Communications Server already.")

SERVE = Ask("CreateGlobalSipDomain", {"address": DOMAIN, "authoritative": "true"}, "domain", EXTENSIONS)
STOP_SERVING = Ask("DeleteGlobalSipDomain", {"address": DOMAIN}, "domain", EXTENSIONS)
SERVED = Ask("GetGlobalSipDomains", {}, "domain", EXTENSIONS)
FEDERATE = Ask("CreateFederationDomain", {"supportedInternalDomain": DOMAIN}, "domain", EXTENSIONS)
STOP_FEDERATING = Ask("DeleteFederationDomain", {"supportedInternalDomain": DOMAIN}, "domain", EXTENSIONS)
FEDERATED = Ask("GetFederationDomains", {}, "domain", EXTENSIONS)
LISTED = Refusal(0x80071392, f"The SIP domain '{DOMAIN}' is in the list already.")
NOT_LISTED = Refusal(0x80072030, f"The SIP domain '{DOMAIN}' is not in the list.")


def user_properties(uri: str = URI, home: str = POOL1, *, enabled: str = "true", rest: str = "", **given: str) -> str:
    """What GetSipUserProperties returns; booleans that are not given are false."""

    def flag(name: str) -> str:
        return f"<{name}>{given.get(name, 'false')}</{name}>"

    presence = "".join(map(flag, ("enabledForEnhancedPresence", "enabledForFederation", "enabledForInternetAccess")))
    meetings = f"{flag('publicNetworkEnabled')}{flag('allowOrganizeMeetingWithAnonymousParticipants')}"
    policy = "<meetingPolicy>Policy 5 (Low)</meetingPolicy>" if rest else ""
    voice = f"{flag('ucEnabled')}{rest}"
    known = f"<homeServerDN>{home}</homeServerDN><instanceID>{{GUID}}</instanceID><primaryURI>{uri}</primaryURI>"
    return f"<enabled>{enabled}</enabled>{presence}{known}{meetings}{policy}{voice}"


def shared_pool(tag: str = "LabA", status: str = "Available") -> str:
    """What GetSharedPools returns of the first pool alone."""
    own = f"<poolTag>{tag}</poolTag><poolStatus>{status}</poolStatus><poolDN>{POOL1}</poolDN>"
    return f"<pools><pool><poolFQDN>{FIRST['poolFQDN']}</poolFQDN>{own}</pool></pools>"


def served(*more: str) -> str:
    """What GetGlobalSipDomains returns: these domains before the forest's own."""
    entry = (
        "<sipDomain><address>{}</address><authoritative>true</authoritative>{}<instanceID>{{GUID}}</instanceID></sipDomain>"
    )
    plain = [entry.format(name, "<defaultDomain>false</defaultDomain>") for name in more]
    return f"<sipDomains>{''.join(plain)}{entry.format('fabrikam.com', '<defaultDomain>true</defaultDomain>')}</sipDomains>"


def _domains() -> tuple[Case, ...]:
    entry = "<sipDomain><address>{}</address><owner>{}</owner></sipDomain>"
    own, parents = entry.format(DOMAIN, "Tenant"), entry.format("consolidatedmessenger.com", "Parent")
    listed, empty = f"<sipDomains>{own}</sipDomains>", "<sipDomains/>"
    return (
        Case(CREATE_DOMAIN, seen=(GET_DOMAINS, listed), again=exists(DOMAIN)),
        Case(
            DELETE_DOMAIN,
            setup=(CREATE_DOMAIN,),
            seen=(GET_DOMAINS, empty),
            again=foreign(DOMAIN, ldap(ALPINE)),
        ),
        Case(GET_DOMAINS, empty, writes=False, variant="without any"),
        Case(GET_DOMAINS, f"<sipDomains>{own}{parents}</sipDomains>", (CREATE_DOMAIN, PARENTS_DOMAIN), writes=False),
        Case(OWNS_DOMAIN, "<owner>Tenant</owner>", (CREATE_DOMAIN,), writes=False, variant="its own"),
        Case(
            OWNS_DOMAIN.but(address="consolidatedmessenger.com"),
            "<owner>Parent</owner>",
            (PARENTS_DOMAIN,),
            writes=False,
            variant="the parent's",
        ),
    )


def _pools() -> tuple[Case, ...]:
    assigned = "<poolFQDN>pool01.fabrikam.com</poolFQDN>"
    both = "".join(f"<poolFQDN>{name}.fabrikam.com</poolFQDN>" for name in ("pool01", "pool02"))
    members = "".join(f"<poolMember>{name}.fabrikam.com</poolMember>" for name in ("fe01", "fe02"))
    properties = (
        "<backEndDBPath>sql01.fabrikam.com\\rtc</backEndDBPath><instanceID>{GUID}</instanceID>"
        "<majorVersion>3</majorVersion><mcuFactoryList/><minorVersion>0</minorVersion>"
        f"<poolDisplayName>Pool 01</poolDisplayName><poolDN>{POOL1}</poolDN><poolMemberList>{members}</poolMemberList>"
        "<poolType>Front End Pool</poolType><supportIMPresence>true</supportIMPresence>"
        "<supportMeeting>true</supportMeeting><webComponentsServerList/>"
    )
    added, pool_dn = (ADD_POOL,), f"<poolDN>{POOL1}</poolDN>"
    retag = Ask("SetSharedPoolProperties", {**FIRST, "poolTag": "LabB"}, "domain")
    return (
        Case(Ask("GetPools", {}, "domain"), f"<pools>{both}</pools>", writes=False),
        Case(Ask("GetPoolProperties", FIRST, "domain"), properties, writes=False),
        Case(ADD_POOL, pool_dn, seen=(GET_SHARED, shared_pool())),
        Case(ADD_POOL.but(poolTag="LabB"), pool_dn, added, (GET_SHARED, shared_pool("LabB")), variant="again"),
        Case(Ask("RemoveSharedPool", FIRST, "domain"), setup=added, seen=(GET_SHARED, shared_pool(status="Unavailable"))),
        Case(retag, setup=added, seen=(GET_SHARED, shared_pool("LabB"))),
        Case(Ask("DeleteSharedPool", FIRST, "domain"), setup=added, seen=(GET_SHARED, "<pools/>")),
        Case(GET_SHARED.but(poolStatus="AVAILABLE", poolTag="LabA"), shared_pool(), added, writes=False),
        Case(GET_SHARED.but(poolTag="LabC"), "<pools/>", added, writes=False, variant="none"),
        Case(ASSIGN, setup=added, seen=(ASSIGNED, assigned)),
        Case(
            ASSIGN.but(poolFQDN="pool02.fabrikam.com"),
            setup=(*added, ASSIGN, ADD_POOL.but(poolFQDN="pool02.fabrikam.com")),
            seen=(ASSIGNED, assigned.replace("01", "02")),
            variant="another",
        ),
        Case(ASSIGNED, assigned, (*added, ASSIGN), writes=False),
        Case(ASSIGNED, writes=False, variant="without one"),
        Case(Ask("DeletePoolAssignment", ORG), setup=(*added, ASSIGN), seen=(ASSIGNED, "")),
        Case(Ask("DeletePoolAssignment", ORG), writes=False, variant="without one"),
    )


def _users() -> tuple[Case, ...]:
    policies = {"meetingPolicy": "Policy 5 (Low)", "ucPolicy": "Default UC Policy"}
    flags = {
        "enabledForEnhancedPresence": "true",
        "enabledForFederation": "true",
        "enabledForInternetAccess": "true",
        "publicNetworkEnabled": "true",
        "allowOrganizeMeetingWithAnonymousParticipants": "true",
        "ucEnabled": "true",
    }
    everything = user_properties(rest="<ucPolicy>Default UC Policy</ucPolicy>", **flags)
    changed = {"enabled": "false", "primaryURI": "sip:john@alpineskihouse.com", "homeServerDN": POOL2, "ucEnabled": "true"}
    after = user_properties(changed["primaryURI"], POOL2, enabled="false", ucEnabled="true")
    second = ADD_POOL.but(poolFQDN="pool02.fabrikam.com")
    return (
        Case(CREATE_USER, setup=READY, seen=(GET_USER, user_properties()), again=IN_OCS_ALREADY),
        Case(
            CREATE_USER.but(**flags, **policies, homeServerDN=POOL1),
            setup=READY,
            seen=(GET_USER, everything),
            again=IN_OCS_ALREADY,
            variant="with everything",
        ),
        Case(SET_USER.but(**changed), setup=(*SIP_USER, second), seen=(GET_USER, after)),
        Case(SET_USER, setup=SIP_USER, seen=(GET_USER, user_properties()), writes=False, variant="to nothing new"),
        Case(GET_USER, user_properties(), SIP_USER, writes=False),
        Case(DELETE_USER, setup=SIP_USER, again=NO_SIP_USER),
    )


def _extensions() -> tuple[Case, ...]:
    federated = f"<federationDomains><supportedInternalDomain>{DOMAIN}</supportedInternalDomain></federationDomains>"
    meetings = "".join(f"<meetingPolicy>{name}</meetingPolicy>" for name in ("Policy 1 (High)", "Policy 5 (Low)"))
    voice = "<ucPolicies><ucPolicy>Default UC Policy</ucPolicy></ucPolicies>"
    return (
        Case(SERVE, seen=(SERVED, served(DOMAIN)), again=LISTED),
        Case(STOP_SERVING, setup=(SERVE,), seen=(SERVED, served()), again=NOT_LISTED),
        Case(SERVED, served(DOMAIN), (SERVE,), writes=False),
        Case(FEDERATE, seen=(FEDERATED, federated), again=LISTED),
        Case(STOP_FEDERATING, setup=(FEDERATE,), seen=(FEDERATED, "<federationDomains/>"), again=NOT_LISTED),
        Case(FEDERATED, federated, (FEDERATE,), writes=False),
        Case(
            Ask("GetMeetingPolicies", {}, "domain", EXTENSIONS),
            f"<meetingPolicies>{meetings}</meetingPolicies>",
            writes=False,
        ),
        Case(Ask("GetUCPolicies", {}, "domain", EXTENSIONS), voice, writes=False),
    )


def _hosting() -> tuple[Case, ...]:
    def roles(*names: str) -> str:
        listed = "".join(f"<uiRole>{name}</uiRole>" for name in names)
        return f"<hostingPath>{HOSTING}</hostingPath><uiRoles>{listed}</uiRoles><highestUiRole>{names[0]}</highestUiRole>"

    kind = Ask("GetOrgType", {"path": ldap(JOHN)}, "customer", HOSTING_NAMESPACE)
    own = Ask("GetCallerUIRoles", {"hostingPath": ldap(HOSTING)}, "customer", HOSTING_NAMESPACE)
    everything = roles("6000", "5000", "2000", "1500", "1000", "0500", "0100", "0000")
    return (
        Case(Ask("TestDomainAdmin", {}, "domain", HOSTING_NAMESPACE), writes=False),
        Case(kind, "<orgType>customer</orgType>", writes=False),
        Case(kind.but(path=ldap(MESSENGER)).by("reseller"), "<orgType>reseller</orgType>", writes=False, variant="reseller"),
        Case(own, roles("0500", "0100", "0000"), writes=False),
        Case(own.by("user"), roles("0000"), writes=False, variant="user"),
        Case(own.by("domain"), everything, writes=False, variant="domain administrator"),
    )


#: All of them; `Initialize` and `InitializeADForHosting` need another ground: see `suite`.
CASES: tuple[Case, ...] = (
    *_domains(),
    *_pools(),
    *_users(),
    Case(Ask("Initialize", {}, "domain")),
    *_extensions(),
    *_hosting(),
)
WRITES = tuple(case for case in CASES if case.writes)
INITIALIZE_HOSTING = Ask("InitializeADForHosting", {"containerPath": ldap(BASE)}, "domain", HOSTING_NAMESPACE)

_DC = "preferredDomainController"
#: The arguments that are documented as required.
REQUIRED = {
    "Initialize": (_DC,),
    "AddSharedPool": (_DC, "poolFQDN", "poolTag"),
    "RemoveSharedPool": (_DC, "poolFQDN"),
    "DeleteSharedPool": (_DC, "poolFQDN"),
    "SetSharedPoolProperties": (_DC, "poolFQDN"),
    "GetSharedPools": (_DC,),
    "GetPools": (_DC,),
    "GetPoolProperties": ("poolFQDN", _DC),
    "SetPoolAssignment": ("organization", _DC, "poolFQDN"),
    "GetPoolAssignment": ("organization", _DC),
    "DeletePoolAssignment": ("organization", _DC),
    "CreateSipDomain": ("organization", _DC, "address"),
    "DeleteSipDomain": ("organization", _DC, "address"),
    "GetSipDomainsByOrganization": ("organization", _DC),
    "ValidateSipDomainOwnership": ("organization", _DC, "address"),
    "CreateSipUser": ("user", _DC, "enabled", "primaryURI"),
    "SetSipUserProperties": ("user", _DC),
    "GetSipUserProperties": ("user", _DC),
    "DeleteSipUser": ("user", _DC),
    "CreateGlobalSipDomain": ("address", "authoritative"),
    "DeleteGlobalSipDomain": ("address",),
    "GetGlobalSipDomains": (),
    "CreateFederationDomain": ("supportedInternalDomain",),
    "DeleteFederationDomain": ("supportedInternalDomain",),
    "GetFederationDomains": (),
    "GetMeetingPolicies": (),
    "GetUCPolicies": (),
    "TestDomainAdmin": (),
    "GetOrgType": ("path",),
    "GetCallerUIRoles": ("hostingPath",),
}
