"""A request for every procedure that writes users, groups, contacts and passwords."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.kills.requests import ADMINS, ALL_USERS, DC, MANAGED_AD, NEW_PASSWORD, OLD_PASSWORD, Scenario, step
from tests.namespaces.support import ALPINE, JOHN, ldap

_CREW, _ANN = f"CN=Crew,{ALPINE}", f"CN=Ann Beebe,{ALPINE}"
_BOB = "bob@alpineskihouse.com"
_PROPERTIES = '<properties><property name="department"><value>Ski school</value></property></properties>'


def _scenario(procedure: str, *setup: str, variant: str = "", content: str = "", **arguments: str) -> Scenario:
    call = step(MANAGED_AD, procedure, content, preferredDomainController=DC, **arguments)
    return Scenario(MANAGED_AD, procedure, call, setup, variant)


def _created() -> Iterator[Scenario]:
    place, new = {"container": ldap(ALPINE)}, {"userPrincipalName": _BOB}
    yield _scenario("CreateSamObject_", name="Crew", samName="Crew", **place, **{"class": "group"})
    yield _scenario("CreateUser_", content=_PROPERTIES, **place, **new)
    yield _scenario("CreateUser", content=_PROPERTIES, givenName="Bob", **place, **new)
    yield _scenario("CreateUser", variant="member by a policy", policyName="customer", **place, **new)
    yield _scenario("CreateGroup_", name="Crew", **place)
    yield _scenario("CreateGroup", name="Crew", description="All", **place)
    yield _scenario("CreateContact", name="Ann Beebe", sn="Beebe", **place)


def _changed() -> Iterator[Scenario]:
    crew = step(MANAGED_AD, "CreateGroup", container=ldap(ALPINE), name="Crew")
    joined = step(MANAGED_AD, "GroupAdd", group=ldap(_CREW), newMember=ldap(JOHN))
    ann = step(MANAGED_AD, "CreateContact", container=ldap(ALPINE), name="Ann Beebe")
    john = {"user": ldap(JOHN)}
    yield _scenario("ModifyUser", content=_PROPERTIES, displayName="", sn="Clark", sAMAccountName="john", **john)
    yield _scenario("RenameUser", newName="John", **john)
    yield _scenario("DeleteUser", **john)
    yield _scenario("EnableUser", step(MANAGED_AD, "DisableUser", **john), **john)
    yield _scenario("DisableUser", **john)
    yield _scenario("RenameGroup", crew, joined, group=ldap(_CREW), newName="Teachers")
    yield _scenario("DeleteGroup", crew, joined, group=ldap(_CREW))
    yield _scenario("GroupAdd", group=ldap(ADMINS), newMember=ldap(JOHN))
    yield _scenario("GroupRemove", group=ldap(ALL_USERS), member=ldap(JOHN))
    yield _scenario("SetGroupMembership_", object=ldap(JOHN), group=ldap(ADMINS))
    groups = "".join(f"<group>{ldap(group)}</group>" for group in (ALL_USERS, ADMINS, _CREW))
    yield _scenario("SetGroupMemberships_", crew, content=f"<groups>{groups}</groups>", object=ldap(JOHN))
    yield _scenario("DeleteContact", ann, contact=ldap(_ANN))


def _passwords() -> Iterator[Scenario]:
    first = step(MANAGED_AD, "SetUserPassword", user=ldap(JOHN), newPassword=OLD_PASSWORD, preferredDomainController=DC)
    set_ = _scenario("SetUserPassword", user=ldap(JOHN), newPassword=NEW_PASSWORD)
    yield replace(set_, setup=(first,), passwords=(OLD_PASSWORD, NEW_PASSWORD), irreversible=True)
    change = _scenario("ChangeUserPassword", user=ldap(JOHN), oldPassword=OLD_PASSWORD, newPassword=NEW_PASSWORD)
    yield replace(change, setup=(first,), passwords=(OLD_PASSWORD, NEW_PASSWORD))


#: To be joined with the others, each with a failing step behind it too.
SCENARIOS_ACCOUNTS: tuple[Scenario, ...] = (*_created(), *_changed(), *_passwords())
