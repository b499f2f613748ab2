"""The Active Directory Provider on a real server: what it changes, it takes back there too."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import pytest
from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_directory.changes import REFUSALS
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.operations import guid_of
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Entry, Scope, Value
from mpf_directory.provider import ActiveDirectoryProvider
from tests.providers.ad_site import Directories

pytestmark = pytest.mark.samba

_KEPT_BY_THE_SERVER = {"whenchanged", "usnchanged", "modifytimestamp", "dscorepropagationdata", "pwdlastset"}


class Tenant:
    """An organizational unit with two users and a group, and calls of the provider."""

    def __init__(self, directory: Directory, place: Dn) -> None:
        self.directory, self.place = directory, place
        self.provider = ActiveDirectoryProvider(Directories(directory))
        tag = place.rdn.value[-8:]
        self.user, self.other, self.group = (place.child("CN", f"{name} {tag}") for name in ("Johnc", "Annw", "Admins"))
        for dn, class_ in ((self.user, "user"), (self.other, "user"), (self.group, "group")):
            directory.add(dn, {"objectClass": [class_], "sAMAccountName": [dn.rdn.value.replace(" ", "")]})

    def run(self, procedure: str, xml: str = "", **paths: Dn | str) -> tuple[CallContext, Change]:
        """Prepare and apply."""
        context = etree.Element("context")
        caller = Principal("Administrator")
        identity = Identity(IdentityKind.SERVICE, "service")
        ctx = CallContext("{1}", "Active Directory Provider", procedure, "", 1, identity, caller, context, {})
        data = etree.fromstring(f"<executeData>{xml}</executeData>")
        for name, value in paths.items():
            etree.SubElement(data, name).text = str(LdapPath(None, value)) if isinstance(value, Dn) else value
        change = getattr(self.provider, self.provider.handlers[procedure][1])(ctx, data)
        assert isinstance(change, Change)
        assert change.data is not None
        self.provider.apply(ctx, change)
        return ctx, change

    def snapshot(self) -> Mapping[str, Mapping[str, list[Value]]]:
        """Everything in the organizational unit."""
        found = self.directory.search(self.place, Scope.SUBTREE, Filter.present("objectClass"))
        return {str(entry.dn): self.content(entry) for entry in found}

    @staticmethod
    def content(entry: Entry) -> dict[str, list[Value]]:
        kept = _KEPT_BY_THE_SERVER
        return {name: sorted(v, key=str) for name, v in entry.attributes.items() if name.lower() not in kept}

    def guid(self, dn: Dn) -> UUID:
        entry = self.directory.read(dn, ["objectGUID"])
        guid = guid_of(entry) if entry else None
        assert guid is not None
        return guid


@pytest.fixture
def tenant(directory: Directory, place: Dn) -> Tenant:
    return Tenant(directory, place)


PROPERTIES = """<properties><property name="description"><value>new</value></property>
    <property name="otherTelephone" mode="append"><value>1</value><value>2</value></property>
    <property name="msRTCSIP-UserEnabled"><value>1</value></property></properties>"""


@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("name", ["create", "set", "move", "rename", "add member", "remove member", "well-known", "delete"])
def test_everything_is_taken_back(tenant: Tenant, name: str, forget: bool) -> None:
    below = tenant.place.child("OU", "Below")
    tenant.directory.add(below, {"objectClass": ["organizationalUnit"]})
    tenant.run("Group Add", group=tenant.group, path=tenant.other)
    calls: dict[str, tuple[str, str, dict[str, Dn | str]]] = {
        "create": ("Create Object", PROPERTIES, {"container": tenant.place, "class": "user", "name": "New, one"}),
        "set": ("Set Properties", PROPERTIES, {"path": tenant.user}),
        "move": ("Move Object", "", {"source": tenant.user, "destination": below}),
        "rename": ("Rename Object", "", {"source": tenant.user, "name": "cn=John\\, C"}),
        "add member": ("Group Add", "", {"group": tenant.group, "path": tenant.user}),
        "remove member": ("Group Remove", "", {"group": tenant.group, "path": tenant.other}),
        "well-known": (
            "Set Other Well Known Object",
            f"<distinguishedName>{tenant.group}</distinguishedName>",
            {"path": tenant.place, "guid": "65F37ECB46704F0E9300E1FB48E1096E"},
        ),
        "delete": ("Delete Object", "", {"path": tenant.other}),
    }
    procedure, xml, arguments = calls[name]
    before = tenant.snapshot()
    ctx, change = tenant.run(procedure, xml, **arguments)
    assert tenant.snapshot() != before
    if forget:
        ctx.evidence.clear()
    assert tenant.provider.undo(ctx, change) is Undo.UNDONE
    assert tenant.snapshot() == before
    assert tenant.provider.undo(ctx, change) is Undo.NOTHING_TO_UNDO


@pytest.mark.parametrize("what", ["a user", "a unit"])
def test_a_delete_frees_the_names_and_a_commit_makes_it_final(tenant: Tenant, what: str) -> None:
    unit = tenant.place.child("OU", "Gone")
    tenant.directory.add(unit, {"objectClass": ["organizationalUnit"]})
    tenant.run("Move Object", source=tenant.user, destination=unit)
    user = unit.child(*tenant.user.rdn)
    guid = tenant.guid(user)
    ctx, change = tenant.run("Delete Object", path=user if what == "a user" else unit)
    tenant.directory.add(tenant.user, {"objectClass": ["user"], "sAMAccountName": [tenant.user.rdn.value.replace(" ", "")]})
    assert tenant.directory.read(Dn.by_guid(guid), ["cn"]) is not None
    tenant.provider.commit(ctx, change)
    assert tenant.directory.read(Dn.by_guid(guid), ["cn"]) is None


def test_a_member_that_is_there_already_has_the_code_of_adsi(tenant: Tenant) -> None:
    tenant.run("Group Add", group=tenant.group, path=tenant.user)
    with pytest.raises(MpfError) as raised:
        tenant.run("Group Add", group=tenant.group, path=tenant.user)
    assert raised.value.code == Code.OBJECT_ALREADY_EXISTS


def test_passwords(tenant: Tenant) -> None:
    _, change = tenant.run("User Set Password", path=tenant.user, newPassword="First-pa55word")
    assert not change.reversible
    # The domain's policy does not let a password be changed again on the day it was set: a refusal, and nothing to undo.
    for old in ("First-pa55word", "wrong"):
        with pytest.raises(MpfError) as raised:
            tenant.run("User Change Password", path=tenant.user, oldPassword=old, newPassword="Second-pa55word")
        assert raised.value.code in REFUSALS
