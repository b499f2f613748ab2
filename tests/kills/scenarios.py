"""A request for every write procedure of our namespaces, on the small hosting tree.

`SCENARIOS` has one at least for each write and two-phase procedure, public or private; test_scenarios.py holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.kills.requests import (
    AD,
    ADMINS,
    DC,
    HELPERS,
    MANAGED_AD,
    NEW_PASSWORD,
    OCS_PROVIDER,
    OLD_PASSWORD,
    POOL_GUID,
    PREFERRED,
    Scenario,
    properties,
    step,
)
from tests.kills.scenarios_accounts import SCENARIOS_ACCOUNTS
from tests.kills.scenarios_acl import SCENARIOS_ACL
from tests.kills.scenarios_hosting import SCENARIOS_HOSTING
from tests.kills.scenarios_ocs import SCENARIOS_OCS
from tests.namespaces.support import ALPINE, HOSTING, JOHN, MESSENGER, OCS, POOL1, POOL2, ldap

_CREATE = step(AD, "Create Object", container=ldap(ALPINE), name="New", **{"class": "contact"})
_PASSWORD = step(AD, "User Set Password", path=ldap(JOHN), newPassword=OLD_PASSWORD)
_PASSWORDS = (OLD_PASSWORD, NEW_PASSWORD)


def _directory(namespace: str, **more: str) -> Iterator[Scenario]:
    """The Active Directory Provider's, directly or behind the choice of a domain controller."""

    def scenario(procedure: str, content: str = "", /, *, variant: str = "", **arguments: str) -> Scenario:
        return Scenario(namespace, procedure, step(namespace, procedure, content, **arguments, **more), variant=variant)

    group = {"group": ldap(ADMINS), "path": ldap(JOHN)}
    well_known = {"path": ldap(ALPINE), "guid": POOL_GUID}
    yield scenario(
        "Create Object", properties(description="new"), container=ldap(ALPINE), name="New", **{"class": "contact"}
    )
    yield scenario("Create Object", container=ldap(ALPINE), name="ann", variant="account", **{"class": "user"})
    yield scenario("Delete Object", path=ldap(JOHN))
    yield scenario("Delete Object", path=ldap(f"CN=_Private,{ALPINE}"), variant="subtree")
    yield replace(
        scenario("Delete Object", path=ldap(JOHN), variant="parking place there"),
        setup=(_CREATE, step(AD, "Delete Object", path=ldap(f"CN=New,{ALPINE}"))),
    )
    yield scenario("Set Properties", properties(description="new", displayName="", sn="Clark"), path=ldap(JOHN))
    yield scenario("Move Object", source=ldap(JOHN), destination=ldap(MESSENGER))
    yield scenario("Rename Object", source=ldap(JOHN), name="CN=John")
    yield scenario("Group Add", **group)
    yield replace(scenario("Group Remove", **group), setup=(step(AD, "Group Add", **group),))
    yield scenario("Set Other Well Known Object", distinguishedName=POOL1, **well_known)
    yield replace(
        scenario("Set Other Well Known Object", distinguishedName=POOL2, variant="replaced", **well_known),
        setup=(step(AD, "Set Other Well Known Object", distinguishedName=POOL1, **well_known),),
    )
    set_password = scenario("User Set Password", path=ldap(JOHN), newPassword=NEW_PASSWORD)
    yield replace(set_password, setup=(_PASSWORD,), passwords=_PASSWORDS, irreversible=True)
    change = {"oldPassword": OLD_PASSWORD, "newPassword": NEW_PASSWORD}
    changed = scenario("User Change Password", path=ldap(JOHN), **change)
    yield replace(changed, setup=(_PASSWORD,), passwords=_PASSWORDS)


def _composed() -> Iterator[Scenario]:
    """Our own namespaces, and the provider behind them."""

    def scenario(
        namespace: str, procedure: str, *setup: str, variant: str = "", content: str = "", **arguments: str
    ) -> Scenario:
        return Scenario(namespace, procedure, step(namespace, procedure, content, **arguments), setup, variant)

    customer = {"organization": ldap(ALPINE), "preferredDomainController": DC}
    user = {"user": ldap(JOHN), "preferredDomainController": DC}
    domain = step(OCS, "CreateSipDomain", address="alpineskihouse.com", **customer)
    pool = step(OCS, "SetPoolAssignment", poolFQDN="pool01.fabrikam.com", **customer)
    address = {"primaryURI": "sip:johnc@alpineskihouse.com"}
    enabled = step(OCS, "CreateSipUser", enabled="true", **address, **user)

    yield scenario(OCS, "CreateSipDomain", address="alpineskihouse.com", **customer)
    yield scenario(OCS, "DeleteSipDomain", domain, address="alpineskihouse.com", **customer)
    yield scenario(OCS, "SetPoolAssignment", poolFQDN="pool01.fabrikam.com", **customer)
    yield scenario(OCS, "SetPoolAssignment", pool, variant="replaced", poolFQDN="pool02.fabrikam.com", **customer)
    yield scenario(OCS, "DeletePoolAssignment", pool, **customer)
    yield scenario(OCS, "CreateSipUser", domain, pool, enabled="true", **address, **user)
    new_address = {"primaryURI": "sip:john@alpineskihouse.com", "enabled": "false"}
    yield scenario(OCS, "SetSipUserProperties", domain, pool, enabled, **new_address, **user)
    yield scenario(OCS, "DeleteSipUser", domain, pool, enabled, **user)
    yield replace(
        scenario(OCS, "CreateSipDomain", variant="the whole main path", address="alpineskihouse.com", **customer),
        more=(pool, enabled),
    )

    provided = {"userDN": JOHN, "preferredDomainController": DC}
    made = step(OCS_PROVIDER, "CreateSipUser", enabled="true", homeServerDN=POOL1, **address, **provided)
    yield scenario(OCS_PROVIDER, "CreateSipUser", enabled="true", homeServerDN=POOL1, **address, **provided)
    yield scenario(OCS_PROVIDER, "SetSipUserProperties", made, homeServerDN=POOL2, **new_address, **provided)
    yield scenario(OCS_PROVIDER, "DeleteSipUser", made, **provided)

    well_known = {"object": ldap(ALPINE), "guid": POOL_GUID}
    yield scenario(MANAGED_AD, "SetOtherWellKnownObject_", distinguishedName=POOL1, **well_known)
    for organization, suffix in ((ALPINE, ""), (HOSTING, "_")):
        pointer = {"path": ldap(organization), "list": "Things", "name": "one, two"}
        shown = properties(poolTag="Lab=A <1>", poolStatus="Available")
        create = scenario(HELPERS, f"CreateServicePointer{suffix}", content=shown, owner=MESSENGER, **pointer)
        yield create
        first = step(HELPERS, "CreateServicePointer_", path=ldap(organization), list="Things", name="first")
        yield replace(create, setup=(first,), variant="list there")
        yield scenario(HELPERS, f"DeleteServicePointer{suffix}", create.call, **pointer)


def _all() -> Iterator[Scenario]:
    plain = [*_directory(AD), *_directory(PREFERRED, preferredDomainController=DC), *_composed()]
    for scenario in (*plain, *SCENARIOS_ACCOUNTS, *SCENARIOS_HOSTING):
        yield scenario
        yield replace(scenario, fails=True)
    yield from (*SCENARIOS_ACL, *SCENARIOS_OCS)  # which have both kinds
    for scenario in plain:
        if (scenario.namespace, scenario.procedure) in {(OCS, "CreateSipUser"), (AD, "Delete Object")}:
            yield replace(scenario, keyed=True)


#: Every request that is killed.
SCENARIOS: tuple[Scenario, ...] = tuple(_all())
