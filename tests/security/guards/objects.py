"""Guards that decide what is whose: objects in properties, suffixes, domains, organizations, and who stands above whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from mpf_core import Caller, MpfError, authority, hookimpl
from mpf_core.errors import Code
from mpf_core.model import Access
from mpf_core.security.calls import Call
from mpf_directory import account_properties, unique_names
from mpf_directory.authorized import AuthorizedDirectory
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn
from mpf_directory.layout import Kind, WellKnown, type_of
from mpf_directory.operations import guid_of
from mpf_directory.port import Modification, ModifyOp
from mpf_directory.sids import sid_to_text
from mpf_ocs import provider
from mpf_policy import claims, plugin, roles, suffixes, targets
from mpf_policy.names import Names
from mpf_policy.organizations import Organizations
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    BASE,
    DOMAIN_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    POOL2,
    Site,
    ldap,
    make_site,
    pointer,
)
from tests.namespaces.test_in_between import COFFEE_ADMIN, Between, holders_after_an_undo, with_a_shared_domain
from tests.policy import hosting
from tests.policy.test_lookups import Ground
from tests.security.guards.base import KIMBA, guard, nothing, replaced
from tests.security.test_moved_meanwhile import DC, USERS, Swapper, steps
from tests.security.test_self_made_units import enable, self_made

AD = "Managed Active Directory"
SUFFIXES = {"evidence": "upn-suffixes"}
FAKE = f"OU=Fake,{ALPINE}"
SELF_MADE = f"OU=SelfMade,{MESSENGER}"
CSR = "csr@hosting.example"
PASSWORD = {"newPassword": "N3wP@ssword"}


def _of_john(site: Site, name: str, value: str) -> bool:
    """Whether a user is given the property."""
    data = f'<user>{ldap(JOHN)}</user><properties><property name="{name}">{value}</property></properties>'
    request = f"<request><data>{data}</data></request>"
    return site.engine.execute(request, ALPINE_ADMIN, namespace=AD, procedure="ModifyUser").error is None


@guard("an object that a property names is the caller's", replaced(targets, "named_objects", lambda _: iter(())))
def a_manager_of_others(folder: Path) -> bool:
    with make_site() as site:
        return _of_john(site, "seeAlso", KIMBA)


@guard("a property names its object plainly", replaced(targets, "_require_plain_name", nothing))
def whose_a_sid_is(folder: Path) -> bool:
    """Of one's own it is accepted then, and of others not."""
    with make_site() as site:
        sid = sid_to_text(site.read(JOHN).octets("objectSid") or b"")
        return _of_john(site, "seeAlso", escape(f"<SID={sid}>"))


@guard("attributes are named by LDAP display name", replaced(account_properties, "_NAME", re.compile(".*")))
def a_password_by_its_oid(folder: Path) -> bool:
    try:
        account_properties.check_properties([etree.fromstring('<property name="1.2.840.113556.1.4.90">x</property>')])
    except MpfError:
        return False
    return True


def _quote_what_was_found(patch: pytest.MonkeyPatch) -> None:
    found: list[Dn] = []
    holds, refuse = roles._holds, roles._refuse

    def look(groups: frozenset[str], role: roles.Role, target: Dn, organizations: Organizations) -> bool:
        found.append(target)
        return holds(groups, role, target, organizations)

    patch.setattr(roles, "_holds", look)
    patch.setattr(roles, "_refuse", lambda reason: refuse(re.sub("over '.*'", f"over '{found[-1]}'", reason)))


@guard("a refusal quotes what was sent", _quote_what_was_found)
def the_name_of_a_foreign_object(folder: Path) -> bool:
    with make_site() as site:
        user = {"user": ldap(str(Dn.by_guid(guid_of(site.read(KIMBA)) or pytest.fail("no GUID"))))}
        return "Kimba" in str(site.submit("GetSipUserProperties", ALPINE_ADMIN, user).error)


@guard("a flag of an account does not weaken its password", replaced(account_properties, "_UNPROTECTED", 0))
def an_account_without_a_proof_of_the_password(folder: Path) -> bool:
    with make_site() as site:
        return _of_john(site, "userAccountControl", str(0x400200))


@guard("a name to log on with ends in a domain name", replaced(account_properties, "_check_suffix", nothing))
def a_name_that_looks_like_anothers(folder: Path) -> bool:
    with make_site() as site:
        user = {"container": ldap(ALPINE), "userPrincipalName": "kimba@fourthcoffee.com\u200b"}
        return site.submit("CreateUser", ALPINE_ADMIN, user, AD).error is None


@guard("nobody is called by the domain itself", replaced(suffixes, "domain_of", lambda _: "nothing.example"))
def a_name_in_the_domain(folder: Path) -> bool:
    with make_site() as site:
        user = {"container": ldap(ALPINE), "userPrincipalName": "helpdesk@fabrikam.com"}
        return site.submit("CreateUser", ALPINE_ADMIN, user, AD).error is None


@guard("a suffix is one organization's", replaced(suffixes, "_may_have", lambda *_: True))
def the_suffix_of_others(folder: Path) -> bool:
    with make_site() as site:
        one = '<properties><property name="uPNSuffixes">fourthcoffee.com</property></properties>'
        request = f"<request><data><org>{ldap(ALPINE)}</org>{one}</data></request>"
        return site.engine.execute(request, MESSENGER_ADMIN, namespace=AD, procedure="ModifyOrganization").error is None


def _own_suffixes_only(patch: pytest.MonkeyPatch) -> None:
    real = Organizations.with_suffixes

    def own(self: Organizations, wanted: Any) -> Mapping[Dn, frozenset[str]]:
        return {dn: found for dn, found in real(self, wanted).items() if dn == Dn.parse(ALPINE)}

    patch.setattr(Organizations, "with_suffixes", own)


@guard("a suffix that several have is no evidence", _own_suffixes_only)
def a_suffix_that_was_written_with_other_tools(folder: Path) -> bool:
    with make_site(claims=SUFFIXES) as site:
        suffix = Modification("uPNSuffixes", ModifyOp.ADD, ("fourthcoffee.com",))
        site.directory.modify(Dn.parse(ALPINE), [suffix])
        claim = {"organization": ldap(ALPINE), "address": "fourthcoffee.com"}
        return site.submit("CreateSipDomain", ALPINE_ADMIN, claim).error is None


def _make_look_like_an_organization(site: Site, unit: str, **attributes: list[str]) -> None:
    """What an administrator can do who is bound directly: all that an organization has in its own unit."""
    group = Dn.parse(unit).child("CN", "Admins@Fake")
    for place, class_ in ((Dn.parse(unit), "organizationalUnit"), (group, "group")):
        site.directory.add(place, {"objectClass": [class_]})
    entries = {
        WellKnown.THIS_ORG: unit,
        WellKnown.USER_CREATORS: group,
        WellKnown.ORG_TYPE: type_of(Dn.parse(HOSTING), Kind.CUSTOMER),
        WellKnown.POOL: POOL2,
    }
    values = [f"B:32:{known.value}:{target}" for known, target in entries.items()]
    changes = {"otherWellKnownObjects": values, **attributes}
    site.directory.modify(Dn.parse(unit), [Modification(name, ModifyOp.ADD, tuple(v)) for name, v in changes.items()])


def _anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Organizations, "_may_be_organization", lambda _, dn: dn.rdn.type.upper() == "OU")
    patch.setattr(Organizations, "_is_owned", lambda *_: True)


@guard("an organization lies where organizations are created", _anywhere)
def a_unit_that_looks_like_an_organization(folder: Path) -> bool:
    with make_site() as site:
        _make_look_like_an_organization(site, FAKE)
        pool = {"organization": ldap(FAKE), "poolFQDN": "pool02.fabrikam.com"}
        return site.submit("SetPoolAssignment", ALPINE_ADMIN, pool).error is None


@guard("an organization's groups are entered in the Hosting unit", replaced(Organizations, "is_entered", lambda *_: True))
def an_organization_of_somebodys_own(folder: Path) -> bool:
    with make_site(claims=SUFFIXES) as site:
        _make_look_like_an_organization(site, SELF_MADE, uPNSuffixes=["nobodys.example"])
        for container in (f"CN=_Private,{SELF_MADE}", f"CN=Services,CN=_Private,{SELF_MADE}"):
            site.directory.add(Dn.parse(container), {"objectClass": ["container"]})
        services = f"B:32:{WellKnown.SERVICES.value}:CN=Services,CN=_Private,{SELF_MADE}"
        entry = Modification("otherWellKnownObjects", ModifyOp.ADD, (services,))
        site.directory.modify(Dn.parse(SELF_MADE), [entry])
        claim = {"organization": ldap(SELF_MADE), "address": "nobodys.example"}
        return site.submit("CreateSipDomain", MESSENGER_ADMIN, claim).error is None


def _every_domain_is_approved(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(claims._EVIDENCE, "approvals", lambda *_: "approved")


@guard("a domain is approved for one organization", _every_domain_is_approved)
def a_domain_that_others_were_approved(folder: Path) -> bool:
    approved = {"coffee.example": OTHER_CUSTOMER.removesuffix(f",{BASE}")}
    with make_site(claims={"evidence": "approvals", "approved": approved}) as site:
        claim = {"organization": ldap(ALPINE), "address": "coffee.example"}
        return site.submit("CreateSipDomain", ALPINE_ADMIN, claim).error is None


@guard("a domain does not lie below another organization's", replaced(claims, "_owners_above", lambda *_: iter(())))
def a_domain_below_one_of_others(folder: Path) -> bool:
    with make_site() as site:
        taken = {"organization": ldap(OTHER_CUSTOMER), "address": "coffee.example"}
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, **taken)
        claim = {"organization": ldap(ALPINE), "address": "chat.coffee.example"}
        return site.submit("CreateSipDomain", ALPINE_ADMIN, claim).error is None


@guard("a domain does not lie above another organization's", replaced(claims, "_owners_below", lambda *_: iter(())))
def the_parent_of_a_domain_of_others(folder: Path) -> bool:
    with make_site() as site:
        taken = {"organization": ldap(OTHER_CUSTOMER), "address": "chat.coffee.example"}
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, **taken)
        claim = {"organization": ldap(ALPINE), "address": "coffee.example"}
        return site.submit("CreateSipDomain", ALPINE_ADMIN, claim).error is None


def _enter(site: Site, group: str, member: str) -> None:
    site.directory.modify(Dn.parse(group), [Modification("member", ModifyOp.ADD, (member,))])


def _representative(site: Site, name: str, organization: str) -> None:
    user = site.add_user(organization, CSR)
    site.directory.modify(Dn.parse(user), [Modification("userAccountControl", ModifyOp.REPLACE, ("512",))])
    _enter(site, f"CN=CSRAdmins@{name},{organization}", user)


@guard("representatives have no role over those above them", replaced(Organizations, "is_among", lambda *_: False))
def the_password_of_an_administrator(folder: Path) -> bool:
    with make_site() as site:
        _representative(site, "Hosting", HOSTING)
        user = {"user": ldap(f"CN=admin@consolidatedmessenger.com,{MESSENGER}"), **PASSWORD}
        return site.submit("SetUserPassword", Caller(CSR), user, AD).error is None


class Meanwhile:
    """Somebody with other tools, who does something at one ``moment`` of a request: before its nth call."""

    name = "test.meanwhile"

    def __init__(self) -> None:
        self.moment = 0
        self.act: Callable[[], None] = nothing

    @hookimpl
    def mpf_authorize(self, call: Call) -> None:
        self.moment -= 1
        if self.moment == 0:
            self.act()


@guard("what follows its object is looked at again where it is", replaced(roles, "_require_places", nothing))
def a_user_who_was_moved_meanwhile(folder: Path) -> bool:
    """The policy alone is asked: on the embedded directory the transaction remembers where the user was."""
    ground = Ground(folder)
    path = f"LDAP://<GUID={hosting.USER_GUID}>"
    outer = hosting.call("UserCreators", hosting.CUSTOMER_ADMINS, data=f"<user>{escape(path)}</user>")
    assert ground.policy.mpf_authorize(outer).allowed
    moved = Dn.parse(f"CN=Johnc,{hosting.OTHER_CUSTOMER}")
    ground.tree.put(str(moved), "user", objectGUID=[hosting.USER_GUID.bytes_le])
    ground.tree.names[Dn.by_guid(hosting.USER_GUID)] = moved
    ground.memory.forget()
    part = hosting.procedure(None, Access.PRIVATE)
    try:
        return ground.policy.mpf_authorize(
            outer._replace(procedure=part, calling=outer.procedure, named={"user": [path]})
        ).allowed
    except MpfError as error:
        return error.code != Code.LOCK_VIOLATION


def _as_it_was_meant_first(patch: pytest.MonkeyPatch) -> None:
    real = Names.resolve

    def resolve(self: Names, target: Dn, text: str, organizations: Organizations, *, nested: bool) -> Dn:
        known = self._known.get(text)
        by_guid = Dn.by_guid(known[1]) if known is not None and known[1] is not None else target
        return real(self, by_guid, text, organizations, nested=nested)

    patch.setattr(Names, "resolve", resolve)
    patch.setattr(AuthorizedDirectory, "read", DelegatingDirectory.read)  # which would notice, too


@guard("each call is decided by what has the name then", _as_it_was_meant_first)
def an_administrator_who_has_a_users_name(folder: Path) -> bool:
    meanwhile, boss, other = Meanwhile(), f"CN=boss@alpineskihouse.com,{ALPINE}", f"CN=admin@alpineskihouse.com,{ALPINE}"
    with make_site(meanwhile) as site:
        _representative(site, "ConsolidatedMessenger", MESSENGER)
        _enter(site, f"CN=Admins@ConsolidatedMessenger,{MESSENGER}", site.add_user(ALPINE, "boss@alpineskihouse.com"))
        first, second = ((AD, "ModifyUser", {"user": ldap(dn), "description": "x"}) for dn in (JOHN, other))
        last = (AD, "SetUserPassword", {"user": ldap(JOHN), **PASSWORD, DC: site.server})

        def swap() -> None:
            site.rename(JOHN, f"CN=Old,{ALPINE}")
            site.rename(boss, JOHN)

        meanwhile.act, meanwhile.moment = swap, 12
        return site.engine.execute(steps(first, second, last), Caller(CSR)).error is None


@guard("a name is another object's no more than it was", replaced(AuthorizedDirectory, "read", DelegatingDirectory.read))
def a_user_who_was_given_the_name(folder: Path) -> bool:
    """Over him, too, the caller has the rights; but it was not him that the call was allowed for."""
    swapper = Swapper(5)
    with make_site(swapper) as site:
        bob = guid_of(site.read(site.add_user(ALPINE, "bob@alpineskihouse.com")))
        swapper.names, swapper.site = USERS, site
        site.submit("ModifyUser", ALPINE_ADMIN, {"user": ldap(JOHN), "description": "changed"}, AD)
        assert bob is not None
        return site.read(str(Dn.by_guid(bob))).text("description") == "changed"


@guard("the pool that a procedure has found is decided too", replaced(plugin, "decide_pools", nothing))
def a_pool_that_a_self_made_unit_says(folder: Path) -> bool:
    with make_site() as site:
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        user = site.add_user(self_made(site, parent=ALPINE, pool=POOL2), "eve@alpineskihouse.com")
        enable(site, user, "sip:eve@alpineskihouse.com")
        return site.read(user).text("msRTCSIP-PrimaryHomeServer") == POOL2


def _free_addresses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(unique_names, "hold_sip_address", nothing)
    patch.setattr(provider, "_hold_address", nothing)


@guard("an address is free when the request that frees it has ended", _free_addresses)
def an_address_that_is_given_back(folder: Path) -> bool:
    between = Between()
    with make_site(between) as site:
        freeing = (AD, "DeleteUser", {"user": ldap(JOHN)})
        return len(holders_after_an_undo(with_a_shared_domain(site), between, JOHN, freeing)) == 2


_claims = authority._claims


def _first_claims(call: Call) -> Iterator[tuple[str, str]]:
    return iter(()) if call.is_part else _claims(call)


@guard("a claim is asked again when its domain is locked", replaced(authority, "_claims", _first_claims))
def a_domain_above_one_that_was_claimed_meanwhile(folder: Path) -> bool:
    between = Between("TestOrganization_")
    with make_site(between) as site:
        theirs = {"organization": ldap(OTHER_CUSTOMER), "address": "sub.victim.example"}
        between.other = lambda: site.submit("CreateSipDomain", COFFEE_ADMIN, theirs)
        site.submit("CreateSipDomain", ALPINE_ADMIN, {"organization": ldap(ALPINE), "address": "victim.example"})
        return len([one for one in ("victim.example", "sub.victim.example") if _reserved(site, one)]) == 2


def _reserved(site: Site, domain: str) -> bool:
    return site.find(pointer(HOSTING, "SIPDomainReservations", domain)) is not None
