"""Requests that want more than they may: other names for another's objects, values that are code elsewhere, forged contexts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice

import pytest
from lxml import etree

from mpf_core import Caller, MpfError, Result
from mpf_core.cli.samples import arguments_of, element_of
from mpf_core.model import Access
from mpf_core.security.declarations import Declared
from mpf_directory.dn import Dn
from mpf_directory.operations import guid_of
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, JOHN, OCS, OTHER_CUSTOMER, Site, ldap, make_site

KIMBA = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"


@contextmanager
def a_site() -> Iterator[Site]:
    with make_site() as made:
        made.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        made.succeed("SetPoolAssignment", made.domain_admin, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        yield made


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """For tests that leave it as it is."""
    with a_site() as made:
        yield made


@pytest.fixture
def own_site() -> Iterator[Site]:
    """For one that does not."""
    with a_site() as made:
        yield made


def spellings(site: Site, dn: str) -> dict[str, str]:
    """The same object, named in many ways."""
    entry = site.directory.read(Dn.parse(dn), ["objectGUID"])
    assert entry is not None
    rdn, _, rest = dn.partition(",")
    attribute, _, value = rdn.partition("=")
    hexadecimal = "".join(f"\\{byte:02x}" for byte in value.encode())
    return {
        "as it is": ldap(dn),
        "without LDAP": dn,
        "in capitals": ldap(dn.upper()),
        "in small letters": ldap(dn.lower()),
        "scheme in small letters": f"ldap://{dn}",
        "with the server": f"LDAP://AD01.Fabrikam.com/{dn}",
        "with blanks": ldap(dn.replace(",", " , ").replace("=", " = ")),
        "escaped": ldap(f"{attribute}={hexadecimal},{rest}"),
        "by OID": ldap(f"2.5.4.3={value},{rest}") if attribute == "CN" else ldap(f"2.5.4.11={value},{rest}"),
        "by GUID": ldap(f"<GUID={guid_of(entry)}>"),
    }


def test_own_objects_may_be_named_in_any_way_and_those_of_others_in_none(site: Site) -> None:
    own, others = spellings(site, JOHN), spellings(site, KIMBA)
    for way, path in own.items():
        error = site.submit("GetSipUserProperties", ALPINE_ADMIN, {"user": path}).error
        # Whether a form is understood is another question; nothing is refused for want of a role.
        assert error is None or "Access denied" not in error.description, (way, error)
    for way, path in others.items():
        for procedure, more in (
            ("GetSipUserProperties", {}),
            ("SetSipUserProperties", {"enabled": "false"}),
            ("CreateSipUser", {"enabled": "true", "primaryURI": "sip:kimba@alpineskihouse.com"}),
            ("DeleteSipUser", {}),
        ):
            error = site.submit(procedure, ALPINE_ADMIN, {"user": path, **more}).error
            assert error is not None, (way, procedure)
            assert error.code == 0x80070005, (way, procedure, error)


def test_an_organization_of_others_in_no_way_either(site: Site) -> None:
    before = site.snapshot()
    for way, path in spellings(site, OTHER_CUSTOMER).items():
        for procedure, more in (
            ("CreateSipDomain", {"address": "fourthcoffee.com"}),
            ("SetPoolAssignment", {"poolFQDN": "pool01.fabrikam.com"}),
            ("GetSipDomainsByOrganization", {}),
        ):
            error = site.submit(procedure, ALPINE_ADMIN, {"organization": path, **more}).error
            assert error is not None, (way, procedure)
            assert error.code == 0x80070005, (way, procedure, error)
    assert site.snapshot() == before


def test_a_second_argument_of_the_same_name_hides_nothing(site: Site) -> None:
    """Whichever of the two a step would take, both must be the caller's, or the schema refuses two."""
    data = f"<organization>{ldap(ALPINE)}</organization><organization>{ldap(OTHER_CUSTOMER)}</organization>"
    steps = (
        f'<execute namespace="{OCS}" procedure="GetPoolAssignment" impersonate="1">'
        '<before source="data" sourcePath="organization" destination="executeData"/></execute>'
    )
    for order in (data, data.replace("Alpine", "X").replace("FourthCoffee", "AlpineSkiHouse")):
        more = f"{order}<preferredDomainController>AD01.Fabrikam.com</preferredDomainController>"
        error = site.engine.execute(
            f"<request><data>{more}</data><procedure>{steps}</procedure></request>", ALPINE_ADMIN
        ).error
        assert error is not None
        assert error.code in {0x80070005, 0x80070057}


def test_a_simple_request_has_one_data(site: Site) -> None:
    """Or a second one, of which nobody asked whose it is, could be run behind the first."""
    for more in ("<data/>", "<globalData/>", "<data/><data/>"):
        request = f"<request><data/>{more}</request>"
        error = site.engine.execute(request, ALPINE_ADMIN, namespace=OCS, procedure="GetPools").error
        assert error is not None
        assert error.code == 0xA2100004, error


PAYLOADS = (
    "*)(objectClass=*",
    "x)(|(cn=*",
    "\\2a",
    f"x,{OTHER_CUSTOMER}",
    f"LDAP://AD01.Fabrikam.com/{KIMBA}",
    "LDAP://evil.example.com/DC=Fabrikam,DC=Com",
    "'] | //* | data['",
    "{document('file:///etc/passwd')}",
    "]]></x><y/>",
    "\u202eevil\u2066",
    "a\tb",
    "x" * 5000,
)


@pytest.mark.slow
def test_values_are_never_code(own_site: Site) -> None:
    """Every argument of every public procedure, with values that mean something in filters, names, paths and markup.

    Sent by a customer's administrator: whatever happens is a clear answer, and nothing outside the organization changes.
    """
    site = own_site
    outside = {dn: values for dn, values in site.snapshot().items() if not Dn.parse(dn).is_within(Dn.parse(ALPINE))}
    payloads = cycle(PAYLOADS)
    asked = 0
    for namespace in site.engine.namespaces.values():
        for procedure in namespace.procedures.values():
            if procedure.access is not Access.PUBLIC:
                continue
            for attacked in arguments_of(procedure):
                for payload in islice(payloads, 5):
                    error = _attack(site, namespace.name, procedure.name, attacked.name, payload).error
                    asked += 1
                    if error is not None:
                        assert error.code != 0x8000FFFF, (procedure.full_name, attacked.name, payload, error)
    assert asked > 1000
    after = {dn: values for dn, values in site.snapshot().items() if not Dn.parse(dn).is_within(Dn.parse(ALPINE))}
    # The reservations of the organization's own SIP domains are the one thing of its that lies elsewhere.
    reserved = {dn for dn in after.keys() - outside.keys() if "CN=SIPDomainReservations" in dn}
    assert {dn: values for dn, values in after.items() if dn not in reserved} == outside


def _attack(site: Site, namespace: str, procedure: str, name: str, payload: str) -> Result:
    schema = site.engine.namespaces[namespace].procedures[procedure].input_schema
    assert schema is not None
    own: dict[str, Declared] = dict(schema.declared)
    data = etree.Element("data")
    for argument in schema.arguments:
        if argument.name == name:
            element = etree.SubElement(data, name)
            element.text = payload
        elif argument.required:
            element = element_of(argument)
            if argument.name in own and own[argument.name].kind in {"object", "container"}:
                element.text = ldap(JOHN if argument.name == "user" else ALPINE)
            data.append(element)
    return site.engine.execute(
        b"<request>" + etree.tostring(data) + b"</request>", ALPINE_ADMIN, namespace=namespace, procedure=procedure
    )


DC = "<preferredDomainController>AD01.Fabrikam.com</preferredDomainController>"
GET = f'<execute namespace="{OCS}" procedure="GetPools" impersonate="1"/>'


@pytest.mark.parametrize(
    "body",
    [
        '<context><securityContext trustee="Administrator@fabrikam.com"/></context><procedure>{}</procedure>',
        (
            "<context><securityContext><authentication><basic username='Administrator' password='x' domain='FABRIKAM'/>"
            "</authentication></securityContext></context><procedure>{}</procedure>"
        ),
        '<procedure><execute namespace="Active Directory Provider" procedure="Get Properties" impersonate="2"/></procedure>',
        "<procedure>" + GET.replace('impersonate="1"', 'impersonate="2"') + "</procedure>",
        "<procedure>" + GET.replace(' impersonate="1"', "") + "</procedure>",
        f'<procedure><execute namespace="{OCS}" procedure="GetOwningOrg_" impersonate="1"/></procedure>',
        "<procedure>"
        + GET.replace("/>", "><before source='context' sourcePath='*' destination='executeData'/></execute>")
        + "</procedure>",
        "<procedure>"
        + GET.replace(
            "/>",
            "><before source='data' sourcePath='document(\"file:///etc/passwd\")' destination='executeData'/></execute>",
        )
        + "</procedure>",
        '<procedure xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        + GET.replace(
            "/>",
            "><before source='data' destination='executeData'><xsl:template match='/'><xsl:copy-of "
            "select=\"document('file:///etc/passwd')\"/></xsl:template></before></execute>",
        )
        + "</procedure>",
        *(
            "<procedure>"
            + GET.replace("/>", f'><before source="data" sourcePath="{path}" destination="executeData"/></execute>')
            + "</procedure>"
            for path in (
                "/",
                "..",
                "/../context/securityContext",
                "//*",
                "*[count(//*[contains(., 'x')]) &gt; 0]",
                "id('x')",
                "current()/..",
                "$x",
                "namespace::*",
            )
        ),
    ],
)
def test_forged_requests(site: Site, body: str) -> None:
    error = site.engine.execute(f"<request><data/>{body.replace('{}', GET)}</request>", ALPINE_ADMIN).error
    assert isinstance(error, MpfError)
    assert error.code in {0x80070005, 0x80070057, 0x8004D0A1} or error.code & 0xFFFF0000 == 0xA2100000, error
    assert "root:" not in error.description


@pytest.mark.parametrize(
    "context",
    [
        '<securityContext trustee="Administrator@fabrikam.com"/>',
        '<securityContext><authentication><basic username="Administrator" password="x"/></authentication></securityContext>',
    ],
)
def test_forged_contexts_of_simple_requests(site: Site, context: str) -> None:
    data = f"<data><organization>{ldap(ALPINE)}</organization>{DC}</data>"
    request = f"<request>{data}<context>{context}</context></request>"
    error = site.engine.execute(request, ALPINE_ADMIN, namespace=OCS, procedure="GetPoolAssignment").error
    assert error is not None
    assert error.code == 0x80070005
    assert "Credentials and a trustee" in error.description


@pytest.mark.parametrize(
    "context",
    [
        '<transactionContext transactionId="{00000000-0000-0000-0000-000000000000}"/>',
        '<executeContext namespace="Managed Hosting" procedure="Initialize" procedureExecId="1" providerSource="x"/>',
        "<providerContext><server>dc.attacker.example.com</server></providerContext>",
        '<errorContext description="x" code="0x00000000"/>',
    ],
)
def test_what_a_request_says_about_itself_changes_nothing(site: Site, context: str) -> None:
    """Procedures and providers see the context that the engine makes; what a request has in its place is not heard."""
    data = f"<data><organization>{ldap(OTHER_CUSTOMER)}</organization>{DC}</data>"
    request = f"<request>{data}<context>{context}</context></request>"
    result = site.engine.execute(request, ALPINE_ADMIN, namespace=OCS, procedure="GetPoolAssignment")
    assert result.error is not None
    assert result.transaction_id != "{00000000-0000-0000-0000-000000000000}"
    assert "role UserCreators" in result.error.description or result.error.code & 0xFFFF0000 == 0xA2100000
    *_, latest = site.engine.store.audit.lines()
    assert (latest.entry.caller, latest.entry.trustee, latest.entry.transaction_id) == (
        ALPINE_ADMIN.name,
        "",
        result.transaction_id,
    )


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE request [<!ENTITY x SYSTEM "file:///etc/passwd">]><request><data>&x;</data></request>',
        b'<!DOCTYPE request [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><request><data>&b;</data></request>',
        b'<request xmlns:xi="http://www.w3.org/2001/XInclude"><data><xi:include href="file:///etc/passwd"/></data></request>',
    ],
)
def test_hostile_xml(site: Site, document: bytes) -> None:
    result = site.engine.execute(document, ALPINE_ADMIN, namespace=OCS, procedure="GetPools")
    assert result.error is not None
    assert b"root:" not in result.document


def test_a_refusal_tells_nothing_about_what_the_caller_may_not_see(site: Site) -> None:
    there = site.submit("GetSipUserProperties", ALPINE_ADMIN, {"user": ldap(KIMBA)}).error
    nowhere = site.submit("GetSipUserProperties", ALPINE_ADMIN, {"user": ldap(KIMBA.replace("Kimba", "Nobody"))}).error
    assert there is not None
    assert nowhere is not None
    assert there.code == nowhere.code
    assert there.description.replace("Kimba", "X") == nowhere.description.replace("Nobody", "X")


def test_a_caller_whom_nobody_knows_gets_nothing(site: Site) -> None:
    error = site.engine.execute("<request><data/></request>", Caller("evil"), namespace=OCS, procedure="GetPools").error
    assert error is not None
    assert error.code == 0x80070005
