"""What a caller may not see cannot be told from what is not there: not by the answer, and not by the work that it makes.

Time is not measured here, because it would be noise. What takes time is what is asked of the directory, so that is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from mpf_core import Caller, Result
from mpf_core.model import Procedure
from mpf_directory.operations import guid_of
from mpf_directory.sids import sid_to_text
from tests.counting import counted
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    BASE,
    DOMAIN_ADMIN,
    JOHN,
    OCS,
    OTHER_CUSTOMER,
    POOL2,
    Site,
    ldap,
    make_site,
)
from tests.security.requests import declared_objects, public_procedures, send

THERE = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
NOWHERE = THERE.replace("Kimba", "Nobody")
COFFEE_ADMIN = Caller("admin@fourthcoffee.com")
USER = {"user": ldap(JOHN), "enabled": "true"}
ORGANIZATION = {"organization": ldap(ALPINE)}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Both customers have SIP domains, and one a SIP user."""
    with make_site(claims={"evidence": "upn-suffixes"}) as made:
        for organization, domain in ((ALPINE, "alpineskihouse.com"), (OTHER_CUSTOMER, "fourthcoffee.com")):
            made.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(organization), address=domain)
            assigned = {"organization": ldap(organization), "poolFQDN": "pool01.fabrikam.com"}
            made.succeed("SetPoolAssignment", DOMAIN_ADMIN, **assigned)
        kimba = {"user": ldap(THERE), "enabled": "true", "primaryURI": "sip:kimba@fourthcoffee.com"}
        made.succeed("CreateSipUser", COFFEE_ADMIN, **kimba)
        yield made


def work(site: Site, procedure: Procedure, caller: Caller, name: str, dn: str) -> list[tuple[str, str]]:
    """What the engine asks of the directory, each once.

    A name that leads nowhere is read again by the next call that names it, because it may have been made meanwhile.
    """
    with counted(site.engine) as operations:
        send(site, procedure, caller, name, ldap(dn))
    return list(dict.fromkeys((one.name, one.dn.lower().replace("nobody", "kimba")) for one in operations.made))


def answer(result: Result) -> tuple[int, str]:
    """The refusal, without the name that was asked for."""
    assert result.error is not None
    return result.error.code, result.error.description.lower().replace("nobody", "kimba")


@pytest.mark.slow
@pytest.mark.parametrize("caller", [ALPINE_ADMIN, Caller("johnc@alpineskihouse.com")], ids=lambda caller: caller.name)
def test_whether_an_object_of_others_exists(site: Site, caller: Caller) -> None:
    """Every argument of every public procedure that names an object."""
    told = []
    asked = 0
    for procedure in public_procedures(site):
        for name in declared_objects(procedure):
            send(site, procedure, caller, name, ldap(THERE))  # what is remembered for good is known from now on
            there, nowhere = (send(site, procedure, caller, name, ldap(dn)) for dn in (THERE, NOWHERE))
            works = [work(site, procedure, caller, name, dn) for dn in (THERE, NOWHERE)]
            asked += 1
            if answer(there) != answer(nowhere) or works[0] != works[1]:
                told.append((procedure.full_name, name, answer(there), answer(nowhere), works))
    assert told == []
    assert asked > 40


def by_guid_and_sid(site: Site, dn: str) -> dict[str, str]:
    """The object by its identifiers; those of the other ones have as many digits."""
    entry = site.read(dn)
    guid, sid = guid_of(entry), entry.octets("objectSid")
    assert guid is not None
    found = {"GUID": f"<GUID={guid}>"}
    return found | ({"SID": f"<SID={sid_to_text(sid)}>"} if sid is not None else {})


@pytest.mark.slow
@pytest.mark.parametrize("caller", [ALPINE_ADMIN, Caller("johnc@alpineskihouse.com")], ids=lambda caller: caller.name)
def test_whether_an_identifier_is_somebodys(site: Site, caller: Caller) -> None:
    """Wherever that is: in an organization of either kind, or outside of them. As much is looked up for nobody's."""
    reseller = OTHER_CUSTOMER.partition(",")[2]
    theirs = [by_guid_and_sid(site, dn) for dn in (THERE, OTHER_CUSTOMER, reseller, f"CN=Administrator,CN=Users,{BASE}")]
    domain = theirs[0]["SID"].rpartition("-")[0]
    nobodys = {"GUID": f"<GUID={uuid4()}>", "SID": f"{domain}-4711>"}
    told, asked = [], 0
    for procedure in public_procedures(site):
        for name in declared_objects(procedure):
            for kind, nobody in nobodys.items():
                seen = {}
                send(site, procedure, caller, name, ldap(nobody))  # what is remembered for good is known from now on
                for dn in (nobody, *(one[kind] for one in theirs if kind in one)):
                    with counted(site.engine) as operations:
                        result = send(site, procedure, caller, name, ldap(dn))
                    assert result.error is not None
                    seen[dn] = (result.error.code, result.error.description.replace(dn, nobody), len(operations.made))
                    asked += 1
                if len(set(seen.values())) > 1:
                    told.append((procedure.full_name, name, seen))
    assert told == []
    assert asked > 200


@pytest.mark.parametrize(
    ("procedure", "arguments", "name", "there", "nowhere"),
    [
        ("CreateSipUser", USER, "primaryURI", "sip:kimba@fourthcoffee.com", "sip:nobody@fourthcoffee.com"),
        (
            "CreateSipUser",
            {**USER, "primaryURI": "sip:johnc@alpineskihouse.com"},
            "homeServerDN",
            POOL2,
            POOL2.replace("pool02", "pool99"),
        ),
        ("CreateSipDomain", ORGANIZATION, "address", "fourthcoffee.com", "fourthcoffee.org"),
        ("DeleteSipDomain", ORGANIZATION, "address", "fourthcoffee.com", "fourthcoffee.org"),
        ("ValidateSipDomainOwnership", ORGANIZATION, "address", "fourthcoffee.com", "fourthcoffee.org"),
        ("SetPoolAssignment", ORGANIZATION, "poolFQDN", "pool02.fabrikam.com", "pool99.fabrikam.com"),
    ],
)
def test_whether_a_name_of_others_is_taken(  # noqa: PLR0917 - a table
    site: Site, procedure: str, arguments: dict[str, str], name: str, there: str, nowhere: str
) -> None:
    """SIP addresses, SIP domains and pools: who owns them is asked before whether they are there."""
    seen = []
    for value in (there, there, nowhere):
        result: list[Result] = []
        with counted(site.engine) as operations:
            result.append(site.submit(procedure, ALPINE_ADMIN, {**arguments, name: value}, OCS))
        assert result[0].error is not None
        text = result[0].error.description.replace(value, "X").replace(value.rpartition("@")[2], "X")
        seen.append((result[0].error.code, text.replace("pool99", "pool02"), len(operations.made)))
    assert seen[1] == seen[2]


@pytest.mark.parametrize("attribute", ["manager", "seeAlso", "managedBy", "secretary"])
def test_whether_an_object_of_others_exists_that_a_property_names(site: Site, attribute: str) -> None:
    seen = []
    for dn in (THERE, THERE, NOWHERE):
        one = f'<properties><property name="{attribute}"><value>{dn}</value></property></properties>'
        request = f"<request><data><user>{ldap(JOHN)}</user>{one}</data></request>"
        with counted(site.engine) as operations:
            result = site.engine.execute(request, ALPINE_ADMIN, namespace="Managed Active Directory", procedure="ModifyUser")
        made = [(operation.name, operation.dn.lower().replace("nobody", "kimba")) for operation in operations.made]
        seen.append((answer(result), made))
    assert seen[1] == seen[2]


def test_work_can_differ(site: Site) -> None:
    """Or the comparisons above would say nothing: for those who may see it, there is a difference."""
    (procedure,) = (one for one in public_procedures(site) if one.name == "DisableUser")
    works = [work(site, procedure, COFFEE_ADMIN, "user", dn) for dn in (THERE, NOWHERE)]
    assert works[0] != works[1]
