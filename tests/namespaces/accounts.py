"""Asking for accounts: requests to "Managed Active Directory", and the objects that its tests make and look at."""

from __future__ import annotations

from xml.sax.saxutils import escape

from lxml import etree

from mpf_core import Caller, MpfError, Result
from mpf_directory.dn import Dn
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, OTHER_CUSTOMER, Site, ldap

MANAGED_AD = "Managed Active Directory"
BOB_UPN = "bob@alpineskihouse.com"
BOB = f"CN={BOB_UPN},{ALPINE}"
STAFF = f"CN=Instructors,{ALPINE}"
ANN = f"CN=Ann Beebe,{ALPINE}"
ALL_USERS = f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}"
KIMBA = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
ADMINS = f"CN=Admins@AlpineSkiHouse,{ALPINE}"
OTHER_GROUP = f"CN=Admins@FourthCoffee,{OTHER_CUSTOMER}"
JOHN_CALLS = Caller("johnc@alpineskihouse.com")
OTHER_ADMIN = Caller("admin@fourthcoffee.com")
HOSTING_ADMIN = Caller("admin@hosting.fabrikam.com")
DT = 'xmlns:dt="urn:schemas-microsoft-com:datatypes"'


def ask(site: Site, procedure: str, caller: Caller = ALPINE_ADMIN, content: str = "", /, **arguments: str) -> Result:
    """A simple request with these arguments, and ``content`` as XML."""
    data = content + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in arguments.items())
    document = f"<request><data>{data}</data></request>"
    return site.engine.execute(document, caller, namespace=MANAGED_AD, procedure=procedure)


def done(
    site: Site, procedure: str, caller: Caller = ALPINE_ADMIN, content: str = "", /, **arguments: str
) -> etree._Element:
    """Ask for what must be done; returns the response's data."""
    result = ask(site, procedure, caller, content, **arguments)
    assert result.error is None, result.document.decode()
    data = etree.fromstring(result.document).find("data")
    assert data is not None
    return data


def refused(site: Site, procedure: str, caller: Caller = ALPINE_ADMIN, content: str = "", /, **arguments: str) -> MpfError:
    """Ask for what must be refused, and must change nothing; returns the error."""
    before = site.snapshot()
    result = ask(site, procedure, caller, content, **arguments)
    assert result.error is not None, result.document.decode()
    assert site.snapshot() == before
    return result.error


def properties(**values: str) -> str:
    """The argument ``properties``."""
    inner = "".join(f'<property name="{name}"><value>{escape(value)}</value></property>' for name, value in values.items())
    return f"<properties>{inner}</properties>"


def create_bob(site: Site, content: str = "", /, **arguments: str) -> etree._Element:
    """A user of AlpineSkiHouse; returns the element ``user``."""
    data = done(site, "CreateUser", ALPINE_ADMIN, content, container=ldap(ALPINE), userPrincipalName=BOB_UPN, **arguments)
    (user,) = data
    return user


def create_staff(site: Site, **arguments: str) -> etree._Element:
    """A group of AlpineSkiHouse; returns the element ``group``."""
    (group,) = done(site, "CreateGroup", container=ldap(ALPINE), name="Instructors", **arguments)
    return group


def attributes(element: etree._Element) -> dict[str, str]:
    """An element's attributes."""
    return {str(name): str(value) for name, value in element.attrib.items()}


def members(site: Site, group: str) -> set[Dn]:
    """Who is in a group."""
    return {Dn.parse(str(value)) for value in site.read(group).values("member")}


def control(site: Site, user: str = BOB) -> int:
    """A user's userAccountControl."""
    return int(site.read(user).text("userAccountControl") or 0)
