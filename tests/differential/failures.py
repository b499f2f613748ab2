"""What is refused: every documented error of the public procedures, and those that the directory or the role raises.

Spec: managed-ocs.md, 0.6 and 1; for the provider's own, ocs-provider-and-ad-schema.md, 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from mpf_directory.layout import SERVER
from tests.differential.cases import (
    ADD_POOL,
    ASSIGN,
    ASSIGNED,
    CREATE_DOMAIN,
    CREATE_USER,
    DELETE_DOMAIN,
    DELETE_USER,
    DOMAIN,
    FEDERATE,
    FIRST,
    GET_DOMAINS,
    GET_SHARED,
    GET_USER,
    INITIALIZE_HOSTING,
    NO_SIP_USER,
    NOT_LISTED,
    OWNS_DOMAIN,
    PARENTS_DOMAIN,
    READY,
    SERVE,
    SET_USER,
    SIP_USER,
    STOP_FEDERATING,
    STOP_SERVING,
    URI,
    Refusal,
    exists,
    foreign,
)  # fmt: skip
from tests.differential.cases_ad import (
    ADD_JOHN,
    CREATE_ANN,
    CREATE_BOB,
    CREATE_PROSEWARE,
    CREATE_STAFF,
    DELETE_PROSEWARE,
    DELETE_STAFF,
    MODIFY_USER,
    MOVE_BOB,
    RENAME_BOB,
    RENAME_PROSEWARE,
    RENAME_STAFF,
)
from tests.differential.requests import HOSTING_NAMESPACE, Ask
from tests.namespaces.accounts import KIMBA
from tests.namespaces.support import ALPINE, BASE, JOHN, MESSENGER, OTHER_CUSTOMER, POOL1, POOL2, ldap

_E_INVALIDARG, _NO_OBJECT, _DENIED = 0x80070057, 0x80072030, 0x80070005
NOBODY = f"CN=Nobody,{ALPINE}"
#: The server's words for an object that is not there; Active Directory says in front of them which object.
UNKNOWN_USER = Refusal(
    _NO_OBJECT,
    f"Unable to open object 'LDAP://{SERVER}/{NOBODY}'./There is no such object on the server./ADsGetObject",
)
NO_POOL = Refusal(_NO_OBJECT, "There is no pool 'pool99.fabrikam.com'.")
NOT_SHARED = Refusal(0x80004005, "The service pointer 'pool01.fabrikam.com' does not exist.")


def unreadable(name: str) -> Refusal:
    """A name that nobody could read or type."""
    return Refusal(_E_INVALIDARG, f"{name!r} is no name: it has control characters, or nothing but blanks.")


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that is refused after ``setup``. An empty text stands for any."""

    ask: Ask
    refusal: Refusal
    setup: tuple[Ask, ...] = ()
    about: str = ""

    def __str__(self) -> str:
        return f"{self.ask.procedure}: {self.about}"


def _failures() -> tuple[Failure, ...]:
    others = CREATE_DOMAIN.but(organization=ldap(OTHER_CUSTOMER)).by("foreign")
    foreign_domain = foreign(DOMAIN, ldap(ALPINE))
    invalid = Refusal(_E_INVALIDARG, "")
    missing_pool = {"poolFQDN": "pool99.fabrikam.com"}
    elsewhere = CREATE_USER.but(primaryURI="sip:johnc@elsewhere.example")
    at_server = f"LDAP://{SERVER}/{ALPINE}"
    no_pool = Refusal(0x80131509, f"No home server was given and no pool is assigned to the organization '{at_server}'.")
    admins = CREATE_USER.but(user=ldap(f"CN=admin@alpineskihouse.com,{ALPINE}"))
    default = Refusal(0x80131509, "The default SIP domain is 'fabrikam.com'; there can be no second one.")
    return (
        Failure(CREATE_DOMAIN, exists(DOMAIN), (others,), "somebody else has the domain"),
        Failure(
            CREATE_DOMAIN.but(preferredDomainController="AD99.Fabrikam.com"),
            Refusal(_DENIED, ""),
            about="a domain controller that nobody knows",
        ),
        Failure(CREATE_DOMAIN.but(address="10.0.0.1"), invalid, about="an IP address is no domain"),
        Failure(CREATE_DOMAIN.but(address="localhost"), invalid, about="no fully qualified domain"),
        Failure(DELETE_DOMAIN, foreign_domain, (others,), "the domain is somebody else's"),
        Failure(DELETE_DOMAIN, foreign_domain, about="there is no such domain"),
        Failure(
            DELETE_DOMAIN.but(address="consolidatedmessenger.com"),
            foreign("consolidatedmessenger.com", ldap(ALPINE)),
            (PARENTS_DOMAIN,),
            "the domain is the parent's",
        ),
        Failure(OWNS_DOMAIN, foreign_domain, (others,), "the domain is somebody else's"),
        Failure(
            GET_DOMAINS.but(organization=ldap(f"OU=Nobody,{MESSENGER}")).by("domain"),
            Refusal(_NO_OBJECT, ""),
            about="no such organization",
        ),
        Failure(Ask("GetPoolProperties", missing_pool, "domain"), NO_POOL, about="no such pool"),
        Failure(ADD_POOL.but(**missing_pool), NO_POOL, about="no such pool"),
        Failure(ADD_POOL.but(poolFQDN="pool01"), invalid, about="no FQDN"),
        Failure(Ask("RemoveSharedPool", FIRST, "domain"), NOT_SHARED, about="the pool is not in the list"),
        Failure(
            Ask("SetSharedPoolProperties", {**FIRST, "poolTag": "x"}, "domain"),
            NOT_SHARED,
            about="the pool is not in the list",
        ),
        Failure(
            Ask("SetSharedPoolProperties", {**FIRST, "poolStatus": "Unavailable"}, "domain"),
            invalid,
            (ADD_POOL,),
            "the status is not for the public",
        ),
        Failure(GET_SHARED.but(**FIRST), NOT_SHARED, about="the pool is not in the list"),
        Failure(GET_SHARED.but(poolStatus="Broken"), invalid, about="no status"),
        Failure(ASSIGN.but(**missing_pool).by("domain"), NO_POOL, about="no such pool"),
        Failure(ASSIGN, Refusal(_DENIED, ""), about="the pool is not for customers"),
        Failure(CREATE_USER, no_pool, (CREATE_DOMAIN,), "neither a home server nor an assigned pool"),
        Failure(elsewhere, foreign("elsewhere.example", at_server), READY, "the domain is nobody's"),
        Failure(CREATE_USER.but(user=ldap(NOBODY)).by("domain"), UNKNOWN_USER, READY, "no such user"),
        Failure(admins, Refusal(0x80071392, f"The SIP address '{URI}' is in use."), SIP_USER, "the address is taken"),
        Failure(CREATE_USER.but(primaryURI="tel:johnc@alpineskihouse.com"), invalid, READY, "no SIP address"),
        Failure(CREATE_USER.but(primaryURI="sip:johnc@0.0.0.0"), invalid, READY, "the address of nothing"),
        Failure(CREATE_USER.but(primaryURI="sip:johnc@230.1.1.1"), invalid, READY, "a multicast address"),
        Failure(CREATE_USER.but(enabled="perhaps"), invalid, READY, "no boolean"),
        Failure(CREATE_USER.but(meetingPolicy="Policy 9"), Refusal(_NO_OBJECT, ""), READY, "no such meeting policy"),
        Failure(CREATE_USER.but(ucPolicy="Policy 5 (Low)"), Refusal(_NO_OBJECT, ""), READY, "a policy of the other kind"),
        Failure(SET_USER.but(enabled="true"), NO_SIP_USER, about="not in OCS"),
        Failure(
            SET_USER.but(primaryURI="sip:john@elsewhere.example"),
            foreign("elsewhere.example", at_server),
            SIP_USER,
            "the domain is nobody's",
        ),
        Failure(SET_USER.but(primaryURI=""), invalid, SIP_USER, "an empty address"),
        Failure(
            SET_USER.but(homeServerDN=POOL1.replace("pool01", "pool99")).by("domain"),
            Refusal(_NO_OBJECT, ""),
            SIP_USER,
            "no such server",
        ),
        Failure(SET_USER.but(homeServerDN=POOL2), Refusal(_DENIED, ""), SIP_USER, "the server is not for customers"),
        Failure(GET_USER, NO_SIP_USER, about="not in OCS"),
        Failure(GET_USER.but(user=ldap(NOBODY)).by("domain"), UNKNOWN_USER, about="no such user"),
        Failure(DELETE_USER, NO_SIP_USER, about="not in OCS"),
        Failure(DELETE_USER.but(user=ldap(NOBODY)).by("domain"), UNKNOWN_USER, about="no such user"),
        Failure(SERVE.but(address="*.*.com"), invalid, about="no domain"),
        Failure(SERVE.but(defaultDomain="true"), default, about="a second default domain"),
        Failure(FEDERATE.but(supportedInternalDomain="10.0.0.1"), invalid, about="an IP address is no domain"),
        Failure(STOP_SERVING, NOT_LISTED, about="not in the list"),
        Failure(STOP_FEDERATING, NOT_LISTED, about="not in the list"),
        Failure(
            Ask("GetOrgType", {"path": ldap(f"CN=Users,{BASE}")}, "domain", HOSTING_NAMESPACE),
            Refusal(_NO_OBJECT, ""),
            about="outside of all organizations",
        ),
        Failure(
            Ask("GetCallerUIRoles", {"hostingPath": ldap(ALPINE)}, "customer", HOSTING_NAMESPACE),
            Refusal(_NO_OBJECT, ""),
            about="no roles there",
        ),
        Failure(INITIALIZE_HOSTING, Refusal(0x80071392, ""), about="it is there already"),
        Failure(
            INITIALIZE_HOSTING.but(containerPath=ldap(ALPINE)), Refusal(0x80131509, ""), about="elsewhere in the domain"
        ),
    )


def _ad_failures() -> tuple[Failure, ...]:
    """Those of Managed Active Directory, and of what is neither an organization nor a user."""
    sip_set = "is not accepted: it is set by Managed Office Communications Server."
    own_address = {"msRTCSIP-PrimaryUserAddress": "sip:kimba@fourthcoffee.com"}
    refused = Refusal(_E_INVALIDARG, f"The property 'msRTCSIP-PrimaryUserAddress' {sip_set}")
    address = Refusal(
        _E_INVALIDARG,
        "A SIP address is not accepted in 'proxyAddresses': CreateSipUser and SetSipUserProperties set it, as primaryURI.",
    )
    taken = Refusal(0x80071392, "The user principal name 'johnc@alpineskihouse.com' is in use.")
    private = ldap(f"CN=_Private,{ALPINE}")
    no_organization = Refusal(0x80131509, f"'{private}' is no organization.")
    no_sip_user = Refusal(0x80005004, f"The object '{private}' is no user or contact.")
    ip_address = Refusal(0x80131509, f"The specified SIP domain '10.0.0.1' does not belong to 'LDAP://{SERVER}/{ALPINE}'.")
    move_john = MOVE_BOB.but(object=ldap(JOHN))
    return (
        *(
            Failure(ask.but(organization=private), no_organization, about="the argument is no organization")
            for ask in (CREATE_DOMAIN, GET_DOMAINS, ASSIGNED, Ask("DeletePoolAssignment", {}))
        ),
        Failure(ASSIGN.but(organization=private).by("domain"), no_organization, about="the argument is no organization"),
        *(
            Failure(ask.but(user=private), no_sip_user, about="the argument is no user")
            for ask in (CREATE_USER, SET_USER, GET_USER, DELETE_USER)
        ),
        Failure(CREATE_USER.but(primaryURI="sip:johnc@10.0.0.1"), ip_address, READY, "an IP address is nobody's"),
        Failure(CREATE_BOB.but(userPrincipalName="johnc@alpineskihouse.com"), taken, about="the name is taken"),
        Failure(
            MODIFY_USER.but(user=ldap(ALPINE)),
            Refusal(0x80005004, f"The object '{ldap(ALPINE)}' is no user."),
            about="an organization is no user",
        ),
        Failure(MODIFY_USER.giving(**own_address), refused, about="an attribute of SIP users"),
        Failure(CREATE_ANN.giving(**own_address), refused, about="an attribute of SIP users"),
        Failure(MODIFY_USER.giving(proxyAddresses="SIP:kimba@fourthcoffee.com"), address, about="a SIP address"),
        Failure(CREATE_ANN.giving(proxyAddresses="sip:kimba@fourthcoffee.com"), address, about="a SIP address"),
        Failure(
            MODIFY_USER.giving(proxyAddresses="SMTP:johnc@alpineskihouse.com"),
            Refusal(_E_INVALIDARG, ""),
            SIP_USER,
            "the SIP address would be dropped",
        ),
        Failure(CREATE_ANN.but(name="Ann\tBeebe"), unreadable("Ann\tBeebe"), about="a name with a tab"),
        Failure(CREATE_ANN.but(name="Ann\nBeebe"), unreadable("Ann\nBeebe"), about="a name of two lines"),
        Failure(CREATE_ANN.but(name=r"CN=Ann\09Beebe"), unreadable("Ann\tBeebe"), about="a name with an escaped tab"),
        Failure(CREATE_ANN.but(name=r"CN=\20"), unreadable(" "), about="a name of blanks"),
        Failure(CREATE_STAFF.but(name="Ski\rStaff"), unreadable("Ski\rStaff"), about="a name with a control character"),
        Failure(CREATE_PROSEWARE.but(name="P\x85W"), unreadable("P\x85W"), about="a name with a control character"),
        Failure(CREATE_BOB.but(userPrincipalName="b\tb@alpineskihouse.com"), Refusal(_E_INVALIDARG, ""), about="a tab"),
        Failure(RENAME_BOB.but(user=ldap(JOHN), newName="J\tC"), unreadable("J\tC"), about="a name with a tab"),
        Failure(RENAME_STAFF.but(newName="S\tS"), unreadable("S\tS"), (CREATE_STAFF,), "a name with a tab"),
        Failure(RENAME_PROSEWARE.but(newName="W\tT"), Refusal(_E_INVALIDARG, ""), (CREATE_PROSEWARE,), "a name with a tab"),
        Failure(RENAME_BOB.by("domain"), Refusal(_NO_OBJECT, ""), about="no such user"),
        Failure(ADD_JOHN.but(newMember=ldap(KIMBA)), Refusal(_DENIED, ""), (CREATE_STAFF,), "a member from elsewhere"),
        Failure(DELETE_STAFF.but(group=ldap(JOHN)), Refusal(0x80005004, ""), about="a user is no group"),
        Failure(DELETE_PROSEWARE.but(org=ldap(ALPINE)), Refusal(0x80131509, ""), about="the organization still holds users"),
        Failure(RENAME_PROSEWARE.but(org=ldap(JOHN)), Refusal(0x80131509, ""), about="a user is no organization"),
        Failure(move_john, Refusal(0x80131509, ""), SIP_USER, "a SIP user stays"),
        Failure(
            move_john.but(object=ldap(ALPINE), destinationContainer=ldap(OTHER_CUSTOMER)).by("hosting"),
            Refusal(0x80131509, ""),
            about="an organization stays",
        ),
    )


FAILURES = (*_failures(), *_ad_failures())
