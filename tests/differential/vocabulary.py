"""Requests at random: a few organizations, domains, users, pools and callers, that get along with each other or do not."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.differential.cases import ADD_POOL, ASSIGN, CREATE_DOMAIN, CREATE_USER
from tests.differential.failures import NOBODY
from tests.differential.requests import EXTENSIONS, Ask
from tests.differential.story import KIMBA
from tests.differential.suite import FAIL
from tests.namespaces.accounts import ANN, BOB, BOB_UPN, MANAGED_AD, STAFF
from tests.namespaces.support import ALPINE, BASE, HOSTING, JOHN, MESSENGER, OTHER_CUSTOMER, POOL1, POOL2, ldap

#: Calls of one request.
Request = tuple[Ask, ...]

_CALLERS = st.sampled_from(["customer", "customer", "reseller", "hosting", "domain", "foreign", "user"])
_ORGANIZATIONS = st.sampled_from([ALPINE, ALPINE, MESSENGER, OTHER_CUSTOMER, HOSTING, f"OU=Nobody,{MESSENGER}", BASE]).map(
    ldap
)
_USERS = st.sampled_from(
    [ldap(JOHN), ldap(JOHN), KIMBA, ldap(f"CN=admin@alpineskihouse.com,{ALPINE}"), ldap(NOBODY), ldap(ALPINE)]
)
_DOMAINS = st.sampled_from(
    ["alpineskihouse.com", "alpineskihouse.com", "AlpineSkiHouse.COM", "litwareinc.com", "10.0.0.1", ""]
)
_POOLS = st.sampled_from([f"pool0{number}.fabrikam.com" for number in (1, 1, 2, 9)] + ["POOL01.Fabrikam.com", "pool01"])
_SERVERS = st.sampled_from([POOL1, POOL2, POOL1.upper(), POOL1.replace("pool01", "pool09"), "no name"])
_ADDRESSES = st.builds(
    "{}{}@{}".format,
    st.sampled_from(["sip:", "sip:", "SIP:", ""]),
    st.sampled_from(["johnc", "johnc", "JohnC", "kimba", ""]),
    st.sampled_from(["alpineskihouse.com", "alpineskihouse.com", "litwareinc.com", "10.0.0.1", "230.0.0.1"]),
)
_BOOLEANS = st.sampled_from(["true", "false", "1", "0", "yes"])
_TAGS, _STATUSES = st.sampled_from(["LabA", "laba", "Lab=B", ""]), st.sampled_from(["Available", "UNAVAILABLE", "Broken"])
_FLAGS = {
    "enabledForEnhancedPresence": _BOOLEANS,
    "enabledForFederation": _BOOLEANS,
    "enabledForInternetAccess": _BOOLEANS,
    "publicNetworkEnabled": _BOOLEANS,
    "allowOrganizeMeetingWithAnonymousParticipants": _BOOLEANS,
    "ucEnabled": _BOOLEANS,
    "meetingPolicy": st.sampled_from(["Policy 1 (High)", "policy 5 (low)", "Default UC Policy"]),
    "ucPolicy": st.sampled_from(["Default UC Policy", "Policy 9"]),
    "homeServerDN": _SERVERS,
}


def _ask(
    procedure: str,
    required: dict[str, SearchStrategy[str]],
    optional: dict[str, SearchStrategy[str]] | None = None,
    namespace: str | None = None,
) -> SearchStrategy[Ask]:
    arguments = st.fixed_dictionaries(required, optional=optional or {})
    asked = st.builds(Ask, st.just(procedure), arguments, _CALLERS)
    return asked.map(lambda ask: ask.on(namespace)) if namespace else asked


_LISTS = ("GetGlobalSipDomains", "GetFederationDomains", "GetMeetingPolicies", "GetUCPolicies")
_CONTAINER = {"container": _ORGANIZATIONS}
_PRINCIPALS = st.sampled_from([BOB_UPN, BOB_UPN, "johnc@alpineskihouse.com", "bob@fourthcoffee.com", ""])
_TEXTS = st.sampled_from(["Bob <Ross>", "Ann & Co", ""])
_BOBS = st.sampled_from([BOB, BOB, f"CN={BOB_UPN},{MESSENGER}", NOBODY, ALPINE]).map(ldap)
_GROUPS = st.sampled_from([STAFF, STAFF, f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}", JOHN]).map(ldap)
#: Names with a tab, a line's end, a control character: as they are, and escaped.
_NAMES = st.sampled_from(["Ann Beebe", "Ann Beebe", "Ann\tBeebe", "Ann\nBeebe", "Ann\x85", r"CN=Ann\09Beebe", r"CN=\20"])
_ORG, _USER, _POOL = {"organization": _ORGANIZATIONS}, {"user": _USERS}, {"poolFQDN": _POOLS}
_ADDRESS, _FEDERATED = {"address": _DOMAINS}, {"supportedInternalDomain": _DOMAINS}
ASKS: SearchStrategy[Ask] = st.one_of(
    _ask("CreateSipDomain", {**_ORG, **_ADDRESS}),
    _ask("DeleteSipDomain", {**_ORG, **_ADDRESS}),
    _ask("GetSipDomainsByOrganization", _ORG),
    _ask("ValidateSipDomainOwnership", {**_ORG, **_ADDRESS}),
    _ask("SetPoolAssignment", {**_ORG, **_POOL}),
    _ask("GetPoolAssignment", _ORG),
    _ask("DeletePoolAssignment", _ORG),
    _ask("CreateSipUser", {**_USER, "enabled": _BOOLEANS, "primaryURI": _ADDRESSES}, _FLAGS),
    _ask("SetSipUserProperties", _USER, {"enabled": _BOOLEANS, "primaryURI": _ADDRESSES, **_FLAGS}),
    _ask("GetSipUserProperties", _USER),
    _ask("DeleteSipUser", _USER),
    _ask("AddSharedPool", {**_POOL, "poolTag": _TAGS}),
    _ask("RemoveSharedPool", _POOL),
    _ask("SetSharedPoolProperties", _POOL, {"poolTag": _TAGS}),
    _ask("DeleteSharedPool", _POOL),
    _ask("GetSharedPools", {}, {**_POOL, "poolTag": _TAGS, "poolStatus": _STATUSES}),
    _ask("CreateGlobalSipDomain", {**_ADDRESS, "authoritative": _BOOLEANS}, {"defaultDomain": _BOOLEANS}, EXTENSIONS),
    _ask("DeleteGlobalSipDomain", _ADDRESS, None, EXTENSIONS),
    _ask("CreateFederationDomain", _FEDERATED, None, EXTENSIONS),
    _ask("DeleteFederationDomain", _FEDERATED, None, EXTENSIONS),
    _ask("Initialize", {}),
    _ask("GetPools", {}),
    _ask("GetPoolProperties", _POOL),
    *(_ask(name, {}, None, EXTENSIONS) for name in _LISTS),
    _ask("CreateUser", {**_CONTAINER, "userPrincipalName": _PRINCIPALS}, {"displayName": _TEXTS}, MANAGED_AD),
    _ask("ModifyUser", _USER, {"displayName": _TEXTS, "userPrincipalName": _PRINCIPALS}, MANAGED_AD),
    _ask("RenameUser", {"user": _BOBS, "newName": st.sampled_from(["Bob Ross", "Bob Ross", "Bob\tRoss"])}, None, MANAGED_AD),
    _ask("DisableUser", {"user": _BOBS}, None, MANAGED_AD),
    _ask("DeleteUser", {"user": _BOBS}, None, MANAGED_AD),
    _ask("MoveObject", {"object": _BOBS, "destinationContainer": _ORGANIZATIONS}, None, MANAGED_AD),
    # In one place and under one name only: where an account name is taken, digits at random would come in.
    _ask("CreateGroup", {"container": st.just(ldap(ALPINE)), "name": st.just("Instructors")}, None, MANAGED_AD),
    _ask("GroupAdd", {"group": _GROUPS, "newMember": _USERS}, None, MANAGED_AD),
    _ask("GroupRemove", {"group": _GROUPS, "member": _USERS}, None, MANAGED_AD),
    _ask("DeleteGroup", {"group": st.just(ldap(STAFF))}, None, MANAGED_AD),
    _ask("CreateContact", {**_CONTAINER, "name": _NAMES}, {"displayName": _TEXTS}, MANAGED_AD),
    _ask("DeleteContact", {"contact": st.just(ldap(ANN))}, None, MANAGED_AD),
    _ask("GetThisOrganizationRoot", {"path": _USERS}, None, MANAGED_AD),
    _ask("GetForeignOwnerOrg", {"path": _ORGANIZATIONS}, None, MANAGED_AD),
)

#: What most of them need in order to succeed, up to some point.
_PREPARED = (CREATE_DOMAIN, ADD_POOL, ASSIGN, CREATE_USER)


def _requests(asked: tuple[Ask, ...], *, fails: bool) -> Request:
    """Calls of one caller, and perhaps one behind them that fails."""
    same = tuple(ask.by(asked[0].caller) for ask in asked)
    return (*same, FAIL.by(asked[0].caller)) if fails else same


REQUESTS: SearchStrategy[Request] = st.builds(
    _requests, st.lists(ASKS, min_size=1, max_size=3).map(tuple), fails=st.sampled_from([False, False, False, True])
)


def _scenario(prepared: int, requests: list[Request]) -> list[Request]:
    return [*((ask,) for ask in _PREPARED[:prepared]), *requests]


SCENARIOS: SearchStrategy[list[Request]] = st.builds(
    _scenario, st.sampled_from([4, 3, 2, 0]), st.lists(REQUESTS, min_size=1, max_size=4)
)
