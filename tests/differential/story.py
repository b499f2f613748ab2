"""A long story of two customers and their resellers: everything that is asked is right at first, and wrong in between."""

from __future__ import annotations

from tests.differential.cases import (
    ADD_POOL,
    ASSIGN,
    ASSIGNED,
    CREATE_DOMAIN,
    CREATE_USER,
    DELETE_DOMAIN,
    DELETE_USER,
    FEDERATE,
    FEDERATED,
    GET_DOMAINS,
    GET_SHARED,
    GET_USER,
    OWNS_DOMAIN,
    PARENTS_DOMAIN,
    SERVE,
    SERVED,
    SET_USER,
    STOP_FEDERATING,
    STOP_SERVING,
)
from tests.differential.failures import NOBODY
from tests.differential.requests import HOSTING_NAMESPACE, Ask
from tests.namespaces.support import ALPINE, OTHER_CUSTOMER, POOL2, ldap

KIMBA = ldap(f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}")
_COFFEE = {"organization": ldap(OTHER_CUSTOMER)}
_SECOND = {"poolFQDN": "pool02.fabrikam.com"}
_KIMBAS = {"user": KIMBA, "primaryURI": "sip:kimba@fourthcoffee.com"}
_POLICIES = {"meetingPolicy": "Policy 5 (Low)", "ucPolicy": "Default UC Policy"}

#: Each in a request of its own.
STORY: tuple[Ask, ...] = (
    Ask("Initialize", {}, "domain"),
    Ask("GetPools", {}, "domain"),
    Ask("GetPoolProperties", {"poolFQDN": "POOL01.fabrikam.com"}, "domain"),
    ADD_POOL,
    ADD_POOL.but(**_SECOND, poolTag="LabB"),
    GET_SHARED,
    SERVE,
    SERVE,
    SERVED,
    CREATE_DOMAIN,
    CREATE_DOMAIN.but(**_COFFEE).by("foreign"),
    CREATE_DOMAIN.but(**_COFFEE, address="FourthCoffee.com").by("foreign"),
    PARENTS_DOMAIN,
    GET_DOMAINS,
    OWNS_DOMAIN.but(address="consolidatedmessenger.com"),
    OWNS_DOMAIN.but(address="fourthcoffee.com"),
    CREATE_USER,
    ASSIGN,
    ASSIGN.but(**_COFFEE, **_SECOND).by("foreign"),
    ASSIGNED.but(**_COFFEE).by("foreign"),
    ASSIGNED.but(**_COFFEE),
    CREATE_USER.but(**_POLICIES, enabledForFederation="true"),
    CREATE_USER,
    GET_USER,
    CREATE_USER.but(**_KIMBAS).by("foreign").but(primaryURI="sip:JohnC@AlpineSkiHouse.com"),
    CREATE_USER.but(**_KIMBAS, ucEnabled="true").by("foreign"),
    SET_USER.but(user=KIMBA, enabled="false").by("foreign"),
    SET_USER.but(user=KIMBA, enabled="false"),
    GET_USER.but(user=KIMBA).by("hosting"),
    SET_USER.but(primaryURI="sip:john@consolidatedmessenger.com", homeServerDN=POOL2, publicNetworkEnabled="1"),
    SET_USER.but(enabledForEnhancedPresence="true", meetingPolicy="Policy 1 (High)"),
    SET_USER.but(ucPolicy="Policy 1 (High)"),
    GET_USER,
    GET_USER.but(user=ldap(NOBODY)).by("domain"),
    Ask("RemoveSharedPool", _SECOND, "domain"),
    Ask("SetSharedPoolProperties", {**_SECOND, "poolTag": "LabC"}, "domain"),
    GET_SHARED.but(poolStatus="unavailable"),
    ASSIGN.but(**_SECOND),
    Ask("DeletePoolAssignment", _COFFEE, "foreign"),
    DELETE_DOMAIN.but(address="fourthcoffee.com"),
    DELETE_DOMAIN.but(**_COFFEE, address="fourthcoffee.com").by("foreign"),
    DELETE_USER,
    DELETE_USER,
    DELETE_USER.but(user=KIMBA).by("domain"),
    FEDERATE,
    FEDERATED,
    STOP_FEDERATING,
    STOP_SERVING,
    Ask("GetOrgType", {"path": ldap(ALPINE)}, "customer", HOSTING_NAMESPACE),
    Ask("DeleteSharedPool", _SECOND, "domain"),
    Ask("DeleteSharedPool", _SECOND, "domain"),
    DELETE_DOMAIN,
    GET_DOMAINS,
)
