"""Free properties name objects too: a manager, whom a group belongs to. They must be the caller's like any other object.

A directory resolves such a value with everybody's eyes, keeps it as the object's name, and shows it from the other side.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest

from mpf_core import Caller
from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from mpf_directory.layout import WellKnown
from mpf_directory.operations import guid_of
from mpf_directory.sids import sid_to_text
from tests.counting import counted
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    BASE,
    DOMAIN_ADMIN,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)
from tests.security.test_deputies import KIMBA, spellings, well_known

AD = "Managed Active Directory"
DT = 'xmlns:dt="urn:schemas-microsoft-com:datatypes"'
NOBODY = KIMBA.replace("Kimba", "Nobody")
ADMIN = f"CN=admin@alpineskihouse.com,{ALPINE}"
#: Procedures with free properties: what else they need, and who calls them.
CALLS = {
    "ModifyUser": ({"user": ldap(JOHN)}, ALPINE_ADMIN),
    "CreateUser": ({"container": ldap(ALPINE), "userPrincipalName": "bob@alpineskihouse.com"}, ALPINE_ADMIN),
    "CreateContact": ({"container": ldap(ALPINE), "name": "Ann"}, ALPINE_ADMIN),
    "CreateOrganization": ({"container": ldap(MESSENGER), "name": "Proseware"}, MESSENGER_ADMIN),
    "ModifyOrganization": ({"org": ldap(ALPINE)}, MESSENGER_ADMIN),
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with make_site() as made:
        yield made


def ask(
    site: Site, value: str, attribute: str = "seeAlso", procedure: str = "ModifyUser", more: str = ""
) -> MpfError | None:
    """Call it with that value of a property; ``more`` are attributes of the value."""
    arguments, caller = CALLS[procedure]
    data = "".join(f"<{name}>{text}</{name}>" for name, text in arguments.items())
    one = f'<property name="{attribute}"><value {DT} {more}>{escape(value)}</value></property>'
    request = f"<request><data>{data}<properties>{one}</properties></data></request>"
    return site.engine.execute(request, caller, namespace=AD, procedure=procedure).error


def told(error: MpfError | None) -> tuple[int, str]:
    """The refusal, without the name that was asked for."""
    assert error is not None
    return error.code, error.description.lower().replace("nobody", "kimba")


def test_every_procedure_with_free_properties_is_here(site: Site) -> None:
    """Groups are given none."""
    with_properties = {
        procedure.name
        for procedure in site.engine.namespaces[AD].procedures.values()
        if not procedure.is_private
        and procedure.input_schema is not None
        and any(argument.name == "properties" for argument in procedure.input_schema.arguments)
    }
    assert with_properties == set(CALLS)


@pytest.mark.parametrize("procedure", CALLS)
@pytest.mark.parametrize("attribute", ["seeAlso", "manager", "managedBy", "MANAGER", "secretary", "altRecipient"])
def test_an_object_of_others_is_refused_and_not_told_from_one_that_is_not_there(
    site: Site, procedure: str, attribute: str
) -> None:
    """The last two are attributes that the schema here does not know."""
    before = site.snapshot()
    for value in (KIMBA, f"CN=Administrator,CN=Users,{BASE}"):
        error = ask(site, value, attribute, procedure)
        assert error is not None
        assert error.code == Code.E_ACCESSDENIED
        assert value in error.description
    assert told(ask(site, KIMBA, attribute, procedure)) == told(ask(site, NOBODY, attribute, procedure))
    assert site.snapshot() == before


def test_it_makes_the_same_work_too(site: Site) -> None:
    works = []
    for value in (KIMBA, KIMBA, NOBODY):
        with counted(site.engine) as operations:
            ask(site, value)
        works.append([(one.name, one.dn.replace("Nobody", "Kimba")) for one in operations.made])
    assert works[1] == works[2]


@pytest.mark.parametrize("attribute", ["seeAlso", "manager", "secretary"])
@pytest.mark.parametrize("target", [KIMBA, JOHN])
def test_special_forms_are_refused_unseen(site: Site, attribute: str, target: str) -> None:
    """Those of the own objects as well, so that nobody learns whose they are."""
    before = site.snapshot()
    entry = site.read(target)
    guid, sid = guid_of(entry), sid_to_text(entry.octets("objectSid") or b"")
    forms = [f"<GUID={guid}>", f"<SID={sid}>", f"< SID={sid}>", f"<sid={sid}>", f" <SID={sid}> "]
    forms += [f"<WKGUID={WellKnown.USER_CREATORS.value},{OTHER_CUSTOMER}>", f"B:8:00000000:<SID={sid}>"]
    with counted(site.engine) as operations:
        errors = [ask(site, form, attribute) for form in forms]
    assert {error.code if error else 0 for error in errors} == {Code.E_ACCESSDENIED}
    assert not any("Kimba" in str(error) or "Johnc" in str(error) for error in errors)
    assert not [one for one in operations.made if one.dn in forms]
    assert site.snapshot() == before


@pytest.mark.parametrize("attribute", ["seeAlso", "secretary"])
def test_no_spelling_reaches_another_organization(site: Site, attribute: str) -> None:
    before = site.snapshot()
    ways = {**spellings(site, KIMBA), "by well-known GUID": well_known(ALPINE, WellKnown.OWNING_ORG)}
    through = [way for way, text in ways.items() if (error := ask(site, text, attribute)) is None or not error.code]
    assert through == []
    for type_, octets in (("bin.base64", base64.b64encode(KIMBA.encode()).decode()), ("bin.hex", KIMBA.encode().hex())):
        error = ask(site, octets, attribute, more=f'dt:dt="{type_}"')
        assert error is not None
        assert error.code == Code.E_ACCESSDENIED, type_
    assert site.snapshot() == before


@pytest.mark.parametrize("value", [f'"{KIMBA}"', f"CN=a+CN=b,{OTHER_CUSTOMER}", "#04024869", f"CN=Kimba;{OTHER_CUSTOMER}"])
def test_a_name_that_only_other_parsers_can_read_is_refused(site: Site, value: str) -> None:
    error = ask(site, value)
    assert error is not None
    assert error.code == Code.E_ACCESSDENIED


def test_the_own_objects_may_be_named() -> None:
    with make_site() as site:
        for procedure, attribute in (
            ("ModifyUser", "manager"),
            ("CreateContact", "seeAlso"),
            ("ModifyOrganization", "managedBy"),
        ):
            assert ask(site, ADMIN, attribute, procedure) is None
        assert str(site.read(JOHN).text("manager")).lower() == ADMIN.lower()


@pytest.mark.parametrize("value", ["CN=somebody", "a=b, c=d", "<b>bold</b>", "see DC", "S:1:x"])
def test_other_text_is_no_name_of_an_object(value: str) -> None:
    with make_site() as site:
        assert ask(site, value, "info") is None


class TestNamesToLogOnWith:
    """The suffix of a user principal name is seen in whatever way the value is written."""

    @pytest.mark.parametrize("type_", ["bin.base64", "bin.hex"])
    def test_in_octets(self, site: Site, type_: str) -> None:
        foreign = b"x@fourthcoffee.com"
        octets = base64.b64encode(foreign).decode() if type_ == "bin.base64" else foreign.hex()
        error = ask(site, octets, "userPrincipalName", more=f'dt:dt="{type_}"')
        assert error is not None
        assert error.code == Code.E_ACCESSDENIED


def test_a_refusal_calls_an_object_as_the_caller_does(site: Site) -> None:
    """Who names a foreign object by SID or GUID, or in other letters, does not learn what it is called."""
    for caller in (ALPINE_ADMIN, Caller("johnc@alpineskihouse.com")):
        for way, path in spellings(site, KIMBA).items():
            result = site.engine.execute(
                f"<request><data><user>{escape(path)}</user></data></request>", caller, namespace=AD, procedure="DeleteUser"
            )
            assert result.error is not None
            assert result.error.code == Code.E_ACCESSDENIED
            if "GUID" in way or "SID" in way or way in {"in capitals", "in small letters"}:
                assert "Kimba@FourthCoffee" not in str(result.error), way
    entry = site.read(KIMBA)
    guid, sid = guid_of(entry), sid_to_text(entry.octets("objectSid") or b"")
    assert guid is not None
    other = sid.rpartition("-")[0] + "-99999"
    for there, nowhere in ((f"<GUID={guid}>", f"<GUID={'0' * 8}{str(guid)[8:]}>"), (f"<SID={sid}>", f"<SID={other}>")):
        texts = []
        for form in (there, nowhere):
            data = f"<request><data><user>{escape(ldap(form))}</user></data></request>"
            error = site.engine.execute(data, ALPINE_ADMIN, namespace=AD, procedure="DisableUser").error
            texts.append(str(error).replace(form, "X"))
        assert texts[0] == texts[1]


def test_domain_administrators_name_anybody() -> None:
    with make_site() as site:
        data = (
            f'<user>{ldap(JOHN)}</user><properties><property name="manager"><value>{KIMBA}</value></property></properties>'
        )
        request = f"<request><data>{data}</data></request>"
        assert site.engine.execute(request, DOMAIN_ADMIN, namespace=AD, procedure="ModifyUser").error is None
        assert Dn.parse(str(site.read(JOHN).text("manager"))) == Dn.parse(KIMBA)
