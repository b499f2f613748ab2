"""What a sample needs before it can run, where the examples of the procedure's own schema are not enough.

A procedure without a stage here is called with the examples of all its arguments, after the setup of its first kill
scenario, if it has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mpf_core import Code
from tests.kills.requests import AD, DC, HELPERS, MANAGED_AD, OCS_PROVIDER, PREFERRED, step
from tests.kills.scenarios_ocs import EXTENSIONS
from tests.namespaces.support import ALPINE, JOHN, MESSENGER, OCS, POOL1, ldap

Name = tuple[str, str]

ERRORS = "Error Provider"
_DC = {"preferredDomainController": DC}
_CUSTOMER = {"organization": ldap(ALPINE), **_DC}

_DOMAIN = step(OCS, "CreateSipDomain", address="alpineskihouse.com", **_CUSTOMER)
_POOL = step(OCS, "SetPoolAssignment", poolFQDN="pool01.fabrikam.com", **_CUSTOMER)
_ADDRESS = {"enabled": "true", "primaryURI": "sip:johnc@alpineskihouse.com"}
_SIP_USER = step(OCS, "CreateSipUser", user=ldap(JOHN), **_ADDRESS, **_DC)
_PROVIDED_USER = step(OCS_PROVIDER, "CreateSipUser", userDN=JOHN, homeServerDN=POOL1, **_ADDRESS, **_DC)
_SHARED_POOL = step(OCS, "AddSharedPool", poolFQDN="pool01.fabrikam.com", poolTag="LabA", **_DC)
_GROUP = step(MANAGED_AD, "CreateGroup", container=ldap(ALPINE), name="Instructors", **_DC)
_MEMBER = {"group": ldap(f"CN=Instructors,{ALPINE}"), "newMember": ldap(JOHN)}
_POINTER = step(HELPERS, "CreateServicePointer", path=ldap(ALPINE), list="SIPDomains", name="alpineskihouse.com")
_ORGANIZATION = step(
    MANAGED_AD, "CreateOrganization", name="ProsewareInc", container=ldap(MESSENGER), policyName="customer", **_DC
)
_CAPACITY = step(
    MANAGED_AD, "ExpandWin2KCapacity", organization=ldap(MESSENGER), capacityType="UserN", multiplier="2", **_DC
)
_PRIVATE = f"CN=_Private,{MESSENGER}"
_CONTAINERS = tuple(
    step(AD, "Create Object", container=ldap(place), name=name, **{"class": "container"})
    for place, name in ((_PRIVATE, "MultiGroup"), (f"CN=MultiGroup,{_PRIVATE}", "UserN"))
)
_PASSWORD = step(AD, "User Set Password", path=ldap(JOHN), newPassword="0ldP@ssword")


@dataclass(frozen=True, slots=True)
class Stage:
    """``setup``: steps that run before, each as a request of its own; ``None`` is that of the first kill scenario.

    ``arguments`` take the place of examples: text, or what stands in an XML argument. ``without`` are optional arguments
    that are left out. ``request`` is a whole request, for procedures that make sense in a catch only. ``fails`` is the code
    of the error that the procedure is there to raise.
    """

    setup: tuple[str, ...] | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    request: str = ""
    fails: Code | None = None


def _caught(call: str) -> str:
    """A request that fails as when a user is there already, and catches that with ``call``."""
    failed = step(ERRORS, "SetError", hr="0x80071392", desc="The object already exists.")
    return f"<request><procedure><try>{failed}</try><catch>{call}</catch></procedure></request>"


def _provider() -> Iterator[tuple[Name, Stage]]:
    for namespace in (AD, PREFERRED):
        yield (namespace, "User Change Password"), Stage((_PASSWORD,))
    yield (AD, "Path From RN"), Stage(without=frozenset({"rdn"}))
    yield (AD, "Lookup Account From SID"), Stage(arguments={"sid": "S-1-5-32-544"})


def _errors() -> Iterator[tuple[Name, Stage]]:
    yield (ERRORS, "SetError"), Stage(fails=Code.INVALID_OPERATION)
    translated = step(ERRORS, "TranslateProvisioningError", errorMessageContext="AddUser")
    yield (ERRORS, "TranslateProvisioningError"), Stage(request=_caught(translated), fails=Code.OBJECT_ALREADY_EXISTS)
    yield (ERRORS, "TranslateUserError"), Stage(fails=Code.OBJECT_ALREADY_EXISTS)


def _organizations() -> Iterator[tuple[Name, Stage]]:
    for name in ("DeleteGroup", "RenameGroup", "GroupAdd", "SetGroupMembership_"):
        yield (MANAGED_AD, name), Stage((_GROUP,))
    yield (MANAGED_AD, "GroupRemove"), Stage((_GROUP, step(MANAGED_AD, "GroupAdd", **_MEMBER)))
    for name in ("DeleteOrganization", "RenameOrganization"):
        yield (MANAGED_AD, name), Stage((_ORGANIZATION,))
    unit = '<org class="organizationalUnit" name="Proseware"/>'
    yield (MANAGED_AD, "CreateOrganization_"), Stage(arguments={"org": unit})
    yield (MANAGED_AD, "ExpandWin2KCapacity_"), Stage(_CONTAINERS)
    yield (MANAGED_AD, "ChangeUserPassword"), Stage((_PASSWORD,))
    for name in ("GetWin2KCapacityExpansion", "GetWin2KCapacityExpansion_", "GetWin2KCapacityPending"):
        yield (MANAGED_AD, name), Stage((_CAPACITY,))
    for name in ("GetOtherWellKnownObject", "GetOtherWellKnownObject2", "GetOtherWellKnownObject2_"):
        yield (MANAGED_AD, name), Stage((_POOL,))
    for name in ("DeleteServicePointer", "DeleteServicePointer_", "GetServicePointer_", "QueryServicePointers_"):
        yield (HELPERS, name), Stage((_POINTER,))


def _communications() -> Iterator[tuple[Name, Stage]]:
    for name in ("GetSipDomainsByOrganization", "IsSipDomainOwnedBy_", "ValidateSipDomainOwnership"):
        yield (OCS, name), Stage((_DOMAIN,))
    yield (OCS, "GetPoolAssignment"), Stage((_POOL,))
    yield (OCS, "GetSipUserProperties"), Stage((_DOMAIN, _POOL, _SIP_USER))
    yield (OCS_PROVIDER, "GetSipUserProperties"), Stage((_PROVIDED_USER,))
    yield (OCS, "GetSharedPools"), Stage((_SHARED_POOL,))
    for namespace in (OCS_PROVIDER, EXTENSIONS):
        federated = step(namespace, "CreateFederationDomain", supportedInternalDomain="alpineskihouse.com", **_DC)
        yield (namespace, "GetFederationDomains"), Stage((federated,))


#: Stages by namespace and procedure.
STAGES: Mapping[Name, Stage] = dict([*_provider(), *_errors(), *_organizations(), *_communications()])
