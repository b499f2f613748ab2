"""Names of the hosting tree: well-known GUIDs, containers, groups and organizations of the seeded directory.

Spec: helpers-and-ad-providers.md, 2.7, 2.11 and 2.19; ocs-provider-and-ad-schema.md, 3.5 and 3.6. The companies are the
fictitious ones that the public documentation's samples use.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mpf_directory.dn import Dn

SERVER = "AD01.Fabrikam.com"
BASE = Dn.parse("DC=Fabrikam,DC=Com")


class WellKnown(Enum):
    """otherWellKnownObjects of an organization: the GUID under which each object is found."""

    SERVICES = "3841BDA6D81C4095B9BBB838808F5A55"
    PRIVATE = "4619BE598BF441DB8C9DB0482E62E386"
    ORG_TYPE = "EA755D448CE64157A20E82B7CCBE14B0"
    CHILD_ORG_CREATORS = "3B6FF4FA8AA248039AD8F9493A43B704"
    USER_CREATORS = "65F37ECB46704F0E9300E1FB48E1096E"
    OWNING_ORG = "58888CFC8F7F430C8183102CD5758D81"
    THIS_ORG = "CC016CF08DEF4EA4A05C9C54B198785A"
    POOL = "F2864B2154204460BC035BDF8A760C45"


class Kind(Enum):
    """What an organization is: the name of its object below CN=WatOrgTypes."""

    HOSTING = "hosting"
    RESELLER = "reseller"
    CUSTOMER = "customer"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Organization:
    """An organizational unit of the tree, with the domain of its users and their names before the ``@``.

    Every organization has an administrator ``admin@<domain>`` besides.
    """

    name: str
    kind: Kind
    domain: str
    path: tuple[str, ...]
    users: tuple[str, ...] = ()

    @property
    def owner(self) -> tuple[str, ...]:
        """The path of the organization above; empty for the hosting one."""
        return self.path[:-1]

    def dn(self, base: Dn) -> Dn:
        """Its name in the domain ``base``."""
        return unit(base, self.path)


def unit(base: Dn, path: tuple[str, ...]) -> Dn:
    """The organizational unit at the end of ``path``, which goes downwards."""
    for name in path:
        base = base.child("OU", name)
    return base


ORGANIZATIONS = (
    Organization("Hosting", Kind.HOSTING, "hosting.fabrikam.com", ("Hosting",)),
    Organization("ConsolidatedMessenger", Kind.RESELLER, "consolidatedmessenger.com", ("Hosting", "ConsolidatedMessenger")),
    Organization(
        "AlpineSkiHouse",
        Kind.CUSTOMER,
        "AlpineSkiHouse.com",
        ("Hosting", "ConsolidatedMessenger", "AlpineSkiHouse"),
        users=("Johnc",),
    ),
    Organization("Litware", Kind.RESELLER, "litwareinc.com", ("Hosting", "Litware")),
    Organization(
        "FourthCoffee", Kind.CUSTOMER, "FourthCoffee.com", ("Hosting", "Litware", "FourthCoffee"), users=("Kimba",)
    ),
)


def pointers_of(organization: Dn, name: str) -> Dn:
    """An organization's container of service pointers of one kind."""
    return organization.child("CN", "_Private").child("CN", "Services").child("CN", name)


def type_of(hosting: Dn, kind: Kind) -> Dn:
    """The object in the hosting organization that stands for a kind of organization."""
    return hosting.child("CN", "_Private").child("CN", "WatOrgTypes").child("CN", kind.value)


#: Containers of service pointers below CN=Services,CN=_Private of every organization, and those of the hosting one only.
POINTER_CONTAINERS = ("SIPDomains",)
HOSTING_POINTER_CONTAINERS = ("FederationDomains", "SharedPools", "SIPDomainReservations")

#: The group that gathers the administrators of all resellers.
RESELLER_ADMINS = "AllResellerAdminsGroups"
#: Groups in CN=_Private of the hosting organization that gather others.
GATHERING_GROUPS = ("AllUsersGroup", RESELLER_ADMINS, "AllResellerCSRAdminsGroups")

#: Groups of the user interface's roles (spec: engine-and-runtime.md, UI roles), in CN=WatUIPermissions.
#: The facts name eight and list seven; an older sample has the 1500 besides.
UI_ROLES = ("0000", "0100", "0500", "1000", "1500", "2000", "5000", "6000")
#: The role of each group that gathers others. The 6000 is that of domain administrators, and has no members.
GATHERING_UI_ROLES = {"AllUsersGroup": "0000", "AllResellerAdminsGroups": "1500", "AllResellerCSRAdminsGroups": "1000"}
#: The roles of an organization's Admins and CSRAdmins groups; those of resellers are gathered.
ORGANIZATION_UI_ROLES = {Kind.HOSTING: ("5000", "2000"), Kind.CUSTOMER: ("0500", "0100")}

#: Groups and accounts of the framework itself, in CN=Users (spec: engine-and-runtime.md, 7): account -> its groups.
FRAMEWORK_GROUPS = ("MPFAdmins", "MPFAuditors", "MPFServiceAccts", "MPFClientAccts", "MPFTrustedUsers")
FRAMEWORK_ACCOUNTS = {
    "MPFServiceAcct": ("MPFServiceAccts", "MPFTrustedUsers"),
    "MPFClientAcct": ("MPFClientAccts",),
}

#: What the preparation of the forest for Office Communications Server makes, in CN=Users.
RTC_GROUPS = (
    "RTCUniversalServerAdmins",
    "RTCUniversalUserAdmins",
    "RTCUniversalReadOnlyAdmins",
    "RTCUniversalGlobalWriteGroup",
    "RTCUniversalGlobalReadOnlyGroup",
    "RTCUniversalUserReadOnlyGroup",
    "RTCUniversalServerReadOnlyGroup",
    "RTCHSUniversalServices",
    "RTCComponentUniversalServices",
    "RTCProxyUniversalServices",
)


@dataclass(frozen=True, slots=True)
class Pool:
    """An enterprise pool with its back end and its front end servers; ``tag`` is what it is shared under."""

    name: str
    display_name: str
    back_end: str
    front_ends: tuple[str, ...]
    tag: str


POOLS = (
    Pool("pool01", "Pool 01", "sql01.fabrikam.com\\rtc", ("FE01", "FE02"), "LabA"),
    Pool("pool02", "Pool 02", "sql02.fabrikam.com\\rtc", ("FE03",), "LabB"),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that users can have: its object's name, its type and the properties in its content."""

    guid: str
    type: str
    properties: tuple[tuple[str, str], ...]
    default: bool = False


POLICIES = (
    Policy(
        "{5B1A6E0C-8D1E-4E6B-9D0B-6E3B0C5E7A01}",
        "meeting",
        (
            ("Name", "Policy 1 (High)"),
            ("MeetingSize", "50"),
            ("AllowIPAudio", "true"),
            ("AllowIPVideo", "true"),
            ("EnableDataCollaboration", "true"),
            ("EnableAppDesktopSharing", "true"),
            ("AllowPresenterToRecord", "true"),
        ),
    ),
    Policy(
        "{5B1A6E0C-8D1E-4E6B-9D0B-6E3B0C5E7A02}",
        "meeting",
        (
            ("Name", "Policy 5 (Low)"),
            ("MeetingSize", "10"),
            ("AllowIPAudio", "true"),
            ("AllowIPVideo", "false"),
            ("EnableDataCollaboration", "false"),
            ("EnableAppDesktopSharing", "false"),
            ("AllowPresenterToRecord", "false"),
        ),
        default=True,
    ),
    Policy(
        "{5B1A6E0C-8D1E-4E6B-9D0B-6E3B0C5E7A03}",
        "telephony",
        (("Name", "Default UC Policy"), ("AllowSimultaneousRinging", "true")),
        default=True,
    ),
)
#: The object in CN=Global Settings for the SIP domain of the forest itself.
FOREST_SIP_DOMAIN = "{5B1A6E0C-8D1E-4E6B-9D0B-6E3B0C5E7B01}"
