"""The least rights of the service account: what the procedures of the shipped namespaces need, and nothing besides.

Elevated calls run as the service account, and so does what takes a step back or ends it, whoever the step ran as: the engine
that recovers a request after a crash has nobody else's password. So what callers may change, the service account must be
able to change back. With ``directory.impersonation = "policy"`` it acts for callers as well, which takes a little more.

Three things are left out on purpose:

- `Initialize` and `InitializeADForHosting` prepare a forest. An administrator with a password sends each alone, in a
  request with nothing behind it that could fail; the right to undo them would be the right to make anybody a server
  administrator, or to create and delete units anywhere.
- Attributes that only the free argument ``properties`` of ModifyUser and ModifyOrganization can name. An operator who lets
  them be written adds them: ``mpfctl directory rights --also user:employeeID``.
- servicePrincipalName, of which a user is freed who is deleted: hosted users have none, and who writes it can have tickets
  issued for an account. Such a user is deleted after it was taken away.

What lies outside (accounts of the domain, pools, policies, the schema) is read with what Active Directory gives to all
Authenticated Users.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpf_directory.rights import READ, Access, Need, Place, Reach, Right

_SIP = (
    "msRTCSIP-PrimaryUserAddress",
    "msRTCSIP-PrimaryHomeServer",
    "msRTCSIP-UserEnabled",
    "msRTCSIP-FederationEnabled",
    "msRTCSIP-InternetAccessEnabled",
    "msRTCSIP-OptionFlags",
    "msRTCSIP-ArchivingEnabled",
    "msRTCSIP-UserPolicy",
)
#: What CreateSipUser does not write, and DeleteSipUser removes.
_SIP_OF_OTHERS = (
    "msRTCSIP-TargetHomeServer",
    "msRTCSIP-Line",
    "msRTCSIP-LineServer",
    "msRTCSIP-OriginatorSid",
    "msRTCSIP-UserExtension",
    "msRTCSIP-UserLocationProfile",
)
#: All that makes a user of Office Communications Server.
SIP_ATTRIBUTES = (*_SIP, *_SIP_OF_OTHERS)
_OF_USERS = ("givenName", "middleName", "initials", "sn", "displayName", "description")
#: The attributes that a rename writes.
_NAME, _UNIT_NAME = ("cn", "name"), ("ou", "name")


def _write(of: str, attributes: Iterable[str], place: Place = Place.HOSTING, reach: Reach = Reach.BELOW) -> Iterator[Right]:
    return (Right(Access.WRITE_PROP, place, name, of, reach) for name in attributes)


def _moved(class_: str, names: Iterable[str], freed: Iterable[str], procedure: str, of: str = "") -> Iterator[Need]:
    """What parks objects of a class, puts them back where they were, and deletes them at the commit.

    ``names`` are the attributes that a rename writes, ``freed`` those that must be unique; ``of`` is the class of what the
    objects lie in, if that is always the same.
    """
    names = tuple(names)
    reach = Reach.BELOW if of else Reach.TREE
    yield Need(
        f"move {class_} objects out of the hosting tree and back, with their names freed and given back",
        (procedure,),
        (
            Right(Access.CREATE_CHILD, Place.HOSTING, class_, of, reach),
            Right(Access.DELETE_CHILD, Place.HOSTING, class_, of, reach),
            *_write(class_, (*names, *freed)),
        ),
    )
    yield Need(
        f"park {class_} objects, and delete them at the commit",
        (procedure,),
        (
            Right(Access.CREATE_CHILD, Place.PARKED, class_, reach=Reach.HERE),
            Right(Access.DELETE_CHILD, Place.PARKED, class_),
            *_write(class_, names, Place.PARKED),
        ),
    )


#: The first procedure of a row needs each of its rights; others need some.
NEEDS: tuple[Need, ...] = (
    Need(
        "see the hosting tree and what is parked",
        ("DeleteUser", "CreateSipUser", "CreateOrganization", "GetCallerUIRoles"),
        (Right(READ, Place.HOSTING), Right(READ, Place.PARKED)),
    ),
    Need(
        "enable users for Office Communications Server",
        ("CreateSipUser", "SetSipUserProperties", "DeleteSipUser"),
        tuple(_write("user", (*_SIP, "proxyAddresses"))),
    ),
    Need(
        "take from a user what other tools gave it for Office Communications Server",
        ("DeleteSipUser",),
        tuple(_write("user", _SIP_OF_OTHERS)),
    ),
    Need(
        "assign pools, and take back what points at the parts of an organization",
        ("SetPoolAssignment", "DeletePoolAssignment", "CreateOrganization"),
        tuple(_write("organizationalUnit", ["otherWellKnownObjects"], reach=Reach.TREE)),
    ),
    *_moved("serviceConnectionPoint", _NAME, (), "DeleteSipDomain", of="container"),
    Need(
        "take back what is done to the entries of shared pools",
        ("SetSharedPoolProperties", "RemoveSharedPool", "AddSharedPool"),
        tuple(_write("serviceConnectionPoint", ["keywords"])),
    ),
    *_moved("user", _NAME, ("sAMAccountName", "userPrincipalName", "userAccountControl"), "DeleteUser"),
    Need("take back what is changed of users", ("ModifyUser",), tuple(_write("user", _OF_USERS))),
    *_moved("contact", _NAME, ("proxyAddresses", "msRTCSIP-PrimaryUserAddress"), "DeleteContact"),
    *_moved("group", _NAME, ("sAMAccountName", "proxyAddresses"), "DeleteGroup"),
    Need(
        "change the members of groups",
        ("GroupAdd", "GroupRemove", "CreateUser", "CreateOrganization", "DistributeGroupMemberships"),
        tuple(_write("group", ["member"])),
    ),
    *_moved("organizationalUnit", _UNIT_NAME, (), "DeleteOrganization"),
    Need(
        "delete the containers of a parked organization",
        ("DeleteOrganization",),
        (Right(Access.DELETE_CHILD, Place.PARKED, "container"),),
    ),
    Need(
        "take back a new organization, with its access control list",
        ("CreateOrganization",),
        (
            Right(Access.DELETE_CHILD, Place.HOSTING, "container"),
            Right(Access.WRITE_DAC, Place.HOSTING, "", "organizationalUnit", Reach.BELOW),
        ),
    ),
    Need(
        "take back what is changed of organizations",
        ("ModifyOrganization",),
        tuple(_write("organizationalUnit", ("uPNSuffixes", "description"))),
    ),
    Need(
        "take back what is noted of expanded groups", ("ExpandWin2KCapacity",), tuple(_write("container", ["description"]))
    ),
    Need(
        "take back what is done to the SIP domains that are served",
        ("DeleteGlobalSipDomain", "CreateGlobalSipDomain"),
        (
            Right(Access.DELETE_CHILD, Place.GLOBAL_SETTINGS, "msRTCSIP-Domain", reach=Reach.HERE),
            *_write("msRTCSIP-Domain", ("msRTCSIP-DomainName", "msRTCSIP-Default", *_NAME), Place.GLOBAL_SETTINGS),
        ),
    ),
    Need(
        "create the containers of organizations for callers without a password",
        ("CreateOrganization", "ExpandWin2KCapacity"),
        (Right(Access.CREATE_CHILD, Place.HOSTING, "container"),),
        policy_only=True,
    ),
    Need(
        "set passwords for callers without one",
        ("SetUserPassword",),
        (Right(Access.CONTROL_ACCESS, Place.HOSTING, "User-Force-Change-Password", "user", Reach.BELOW),),
        policy_only=True,
    ),
    Need(
        "add SIP domains that are served for callers without a password",
        ("CreateGlobalSipDomain",),
        (Right(Access.CREATE_CHILD, Place.GLOBAL_SETTINGS, "msRTCSIP-Domain", reach=Reach.HERE),),
        policy_only=True,
    ),
)


def needed(*, policy: bool) -> tuple[Need, ...]:
    """The rows for one way of impersonation; ``policy`` where the service account acts for callers, too."""
    return tuple(need for need in NEEDS if policy or not need.policy_only)


def also(text: str) -> Right:
    """The right to write one more attribute: ``class:attribute``. ValueError for another form."""
    class_, colon, attribute = (part.strip() for part in text.partition(":"))
    if not (class_ and colon and attribute):
        raise ValueError(f"'{text}' is not of the form class:attribute")
    return next(_write(class_, [attribute], reach=Reach.TREE if class_ == "organizationalUnit" else Reach.BELOW))
