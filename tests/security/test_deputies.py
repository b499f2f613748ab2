"""Confused deputies: the engine may do more than its caller, and is handed something that is not the caller's.

Every argument of every public procedure that names an object, in every way in which an object can be named, with an object
of another organization. The other arguments are the caller's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID
from xml.sax.saxutils import escape

import pytest

from mpf_core import Caller
from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.operations import guid_of
from mpf_directory.sids import sid_to_text
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    OCS,
    OTHER_CUSTOMER,
    POOL1,
    POOL2,
    Site,
    ldap,
    make_site,
)
from tests.security.requests import declared_objects, public_procedures, send

KIMBA = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
ADMINS = f"CN=Admins@FourthCoffee,{OTHER_CUSTOMER}"
COFFEE_ADMIN = Caller("admin@fourthcoffee.com")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with make_site() as made:
        made.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        made.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        yield made


def spellings(site: Site, dn: str) -> Mapping[str, str]:
    """The same object, named in many ways."""
    entry = site.read(dn)
    guid = guid_of(entry)
    assert guid is not None
    rdn, _, rest = dn.partition(",")
    attribute, _, value = rdn.partition("=")
    hexadecimal = "".join(f"\\{byte:02x}" for byte in value.encode())
    oid = {"CN": "2.5.4.3", "OU": "2.5.4.11"}[attribute]
    found = {
        "as it is": ldap(dn),
        "without LDAP": dn,
        "in capitals": ldap(dn.upper()),
        "in small letters": ldap(dn.lower()),
        "scheme in small letters": f"ldap://{dn}",
        "with the server": f"LDAP://{site.server}/{dn}",
        "with blanks": ldap(dn.replace(",", " , ").replace("=", " = ")),
        "escaped": ldap(f"{attribute}={hexadecimal},{rest}"),
        "by OID": ldap(f"{oid}={value},{rest}"),
        "by GUID": ldap(str(Dn.by_guid(guid))),
        "by GUID without LDAP": str(Dn.by_guid(guid)),
        "by GUID as bytes": ldap(f"<GUID={guid.bytes_le.hex()}>"),
        "in white space": f"\n  {ldap(dn)}\n",
    }
    sid = entry.octets("objectSid")
    if sid is not None:
        found["by SID"] = ldap(f"<SID={sid_to_text(sid)}>")
    return found


def well_known(container: str, what: WellKnown) -> str:
    """What a container's otherWellKnownObjects say under a GUID, as the path of it."""
    guid = UUID(bytes_le=bytes.fromhex(what.value))
    return ldap(str(Dn.by_well_known_guid(guid, Dn.parse(container))))


def foreign(site: Site) -> Mapping[str, Mapping[str, str]]:
    """Objects of others in all spellings, by what an argument may hold.

    The last of the organizations stands in the caller's own one, and leads out of it.
    """
    return {
        "user": spellings(site, KIMBA),
        "group": {**spellings(site, ADMINS), "by well-known GUID": well_known(OTHER_CUSTOMER, WellKnown.USER_CREATORS)},
        "organization": {
            **spellings(site, OTHER_CUSTOMER),
            "the parent by the child's well-known GUID": well_known(ALPINE, WellKnown.OWNING_ORG),
        },
    }


def held(argument: str) -> str:
    """What an argument of that name holds."""
    lower = argument.lower()
    return next((kind for kind in ("user", "group") if kind in lower), "user" if "member" in lower else "organization")


@pytest.mark.slow
def test_no_argument_reaches_another_organization(site: Site) -> None:
    before = site.snapshot()
    asked, let_through = 0, []
    named = foreign(site)
    for procedure in public_procedures(site):
        for argument, declared in declared_objects(procedure).items():
            for way, path in named[held(argument)].items():
                result = send(site, procedure, ALPINE_ADMIN, argument, path)
                asked += 1
                # The second code is documented for those who are no domain administrators. What anybody may name leads
                # to nothing.
                refused = result.error is not None and result.error.code in {Code.E_ACCESSDENIED, Code.E_INVALIDARG}
                if not refused and (declared.needs != "Users" or result.error is None):
                    let_through.append((procedure.full_name, argument, way, str(result.error)))
    assert asked > 600
    assert let_through == []
    assert site.snapshot() == before


@pytest.mark.parametrize("attribute", ["manager", "seeAlso", "managedBy", "secretary"])
def test_no_property_reaches_another_organization(site: Site, attribute: str) -> None:
    """Free properties name objects as well: test_named_in_properties has all about them."""
    before = site.snapshot()
    for kind in foreign(site).values():
        for way, path in kind.items():
            one = f'<properties><property name="{attribute}"><value>{escape(path)}</value></property></properties>'
            request = f"<request><data><user>{ldap(JOHN)}</user>{one}</data></request>"
            error = site.engine.execute(
                request, ALPINE_ADMIN, namespace="Managed Active Directory", procedure="ModifyUser"
            ).error
            assert error is not None, way
            assert error.code == Code.E_ACCESSDENIED, way
    assert site.snapshot() == before


def test_the_spellings_are_understood(site: Site) -> None:
    """Or the refusals above would say nothing: who may, may in nearly all of these ways."""
    ways = {
        way: site.submit("GetPoolAssignment", COFFEE_ADMIN, {"organization": path}, OCS).error
        for way, path in spellings(site, OTHER_CUSTOMER).items()
    }
    refused = [way for way, error in ways.items() if error is not None and "Access denied" in error.description]
    assert refused == ["by OID"], "a name that cannot be told from another object's is refused"
    assert sum(error is None for error in ways.values()) >= 9, ways
    up = site.submit(
        "GetPoolAssignment",
        Caller("admin@consolidatedmessenger.com"),
        {"organization": well_known(ALPINE, WellKnown.OWNING_ORG)},
    )
    assert up.error is None
    assert site.find(MESSENGER) is not None


def test_a_pool_is_the_organizations_own_under_both_of_its_names(site: Site) -> None:
    for pool, refused in (("pool01.fabrikam.com", False), ("POOL01.Fabrikam.com", False), ("pool02.fabrikam.com", True)):
        error = site.submit("SetPoolAssignment", ALPINE_ADMIN, {"organization": ldap(ALPINE), "poolFQDN": pool}, OCS).error
        assert (error is not None and "neither assigned" in error.description) is refused, (pool, error)
    for service, refused in ((POOL1, False), (POOL2, True)):
        user = {"user": ldap(JOHN), "enabled": "true", "primaryURI": "sip:x@elsewhere.example.com", "homeServerDN": service}
        error = site.submit("CreateSipUser", ALPINE_ADMIN, user, OCS).error
        assert error is not None, "the address is not in a domain of the organization"
        assert ("neither assigned" in error.description) is refused, (service, error)


def test_a_key_of_another_caller_gives_nothing(site: Site) -> None:
    """The same idempotency key is another one for another caller; what it stored is authorized again."""
    request = (
        f"<request><data><organization>{ldap(ALPINE)}</organization>"
        f"<preferredDomainController>{site.server}</preferredDomainController></data></request>"
    )

    def ask(caller: Caller, document: str = request):  # type: ignore[no-untyped-def]
        return site.engine.execute(
            document, caller, namespace=OCS, procedure="GetSipDomainsByOrganization", idempotency_key="order-4711"
        )

    first, second = ask(ALPINE_ADMIN), ask(ALPINE_ADMIN)
    assert (first.error, second.repeated) == (None, True)
    assert second.document == first.document
    stolen = ask(COFFEE_ADMIN)
    assert stolen.error is not None
    assert (stolen.error.code, stolen.repeated) == (Code.E_ACCESSDENIED, False)
    changed = ask(ALPINE_ADMIN, request.replace("AlpineSkiHouse", "Other"))
    assert changed.error is not None
    assert changed.error.code == Code.KEY_REUSED
