"""Block DACL Inheritance and the procedures over it, with the access control lists that only tests have, and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_directory.dn import Dn
from mpf_directory.provider_inheritance import InheritanceProvider
from mpf_directory.security_descriptor import Control
from tests.directory_plugin.descriptors import DEFAULT, WithDescriptors
from tests.namespaces.support import ALPINE, BASE, Site, ldap, make_site
from tests.providers.ad_site import Directories

UNIT = Dn.parse(f"OU=Proseware,{BASE}")
PROCEDURE = "Block DACL Inheritance"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[WithDescriptors]:
    with WithDescriptors.create(tmp_path / "acls.db", server="AD01.Fabrikam.com", base=Dn.parse(BASE)) as made:
        assert isinstance(made, WithDescriptors)
        made.add(UNIT, {"objectClass": ["organizationalUnit"]})
        yield made


class Call:
    """One call of the procedure."""

    def __init__(self, directory: WithDescriptors) -> None:
        self.directory = directory
        self.provider = InheritanceProvider(Directories(directory))
        self.locked: list[str] = []

    def context(self) -> CallContext:
        """A call as the service, whose locks are written down."""
        identity, context = Identity(IdentityKind.SERVICE, "service"), etree.Element("context")
        ctx = CallContext("{1}", "Access Control Provider", PROCEDURE, "", 1, identity, Principal("x"), context, {})
        ctx.lock_key = self.lock
        return ctx

    def lock(self, key: str, *, shared: bool = False) -> None:
        """Write down what is locked alone."""
        if not shared:
            self.locked.append(key)

    def prepare(self, dn: Dn = UNIT) -> Change:
        """The change."""
        data = etree.fromstring(f"<executeData><path>{ldap(str(dn))}</path></executeData>")
        return self.provider.block(self.context(), data)

    def blocked(self) -> bool:
        """Whether the unit inherits nothing, in word and deed."""
        descriptor = self.directory.descriptor(UNIT)
        assert descriptor.dacl is not None
        inherited = any(ace.inherited for ace in descriptor.dacl.aces)
        assert inherited is not bool(descriptor.control & Control.DACL_PROTECTED)
        return not inherited


@pytest.fixture
def call(directory: WithDescriptors) -> Call:
    return Call(directory)


class TestBlockDaclInheritance:
    def test_inherited_entries_go_and_own_ones_stay(self, call: Call) -> None:
        call.provider.apply(call.context(), call.prepare())
        assert call.blocked()
        descriptor = call.directory.descriptor(UNIT)
        assert DEFAULT.dacl is not None
        assert descriptor.dacl is not None
        assert descriptor.dacl.aces == tuple(ace for ace in DEFAULT.dacl.aces if not ace.inherited)

    def test_undone_it_is_as_before_and_undoing_again_does_nothing(self, call: Call) -> None:
        change = call.prepare()
        assert call.provider.undo(call.context(), change) is Undo.NOTHING_TO_UNDO
        call.provider.apply(call.context(), change)
        assert call.provider.undo(call.context(), change) is Undo.UNDONE
        assert call.directory.descriptor(UNIT) == DEFAULT
        assert call.provider.undo(call.context(), change) is Undo.NOTHING_TO_UNDO

    def test_the_object_is_found_under_another_name(self, call: Call) -> None:
        change = call.prepare()
        call.provider.apply(call.context(), change)
        elsewhere = Dn.parse(BASE).child("OU", "Wingtip")
        call.directory.rename(UNIT, elsewhere)
        assert call.provider.undo(call.context(), change) is Undo.UNDONE
        assert call.directory.descriptor(elsewhere) == DEFAULT

    def test_what_inherits_nothing_already_stays(self, call: Call) -> None:
        call.provider.apply(call.context(), call.prepare())
        assert call.prepare().data is None

    def test_the_descriptor_is_locked_before_it_is_looked_at(self, call: Call) -> None:
        call.prepare()
        assert any("ntsecuritydescriptor" in key.lower() for key in call.locked)

    def test_an_object_that_is_gone(self, call: Call) -> None:
        change = call.prepare()
        call.directory.delete(UNIT)
        with pytest.raises(MpfError) as gone:
            call.provider.apply(call.context(), change)
        assert gone.value.code == Code.NO_SUCH_OBJECT
        with pytest.raises(MpfError) as gone:
            call.prepare()
        assert gone.value.code == Code.NO_SUCH_OBJECT
        assert call.provider.undo(call.context(), change) is Undo.NOTHING_TO_UNDO

    def test_people_read_what_it_does(self, call: Call) -> None:
        text = call.provider.describe(call.prepare())
        assert f"dn: {UNIT}" in text
        assert "no inheritance" in text


class TestWithoutAccessControlLists:
    def test_the_provider_says_so(self, site: Site) -> None:
        error = site.submit_raw("Access Control Provider", PROCEDURE, f"<path>{ldap(ALPINE)}</path>").error
        assert error is not None
        assert error.code == Code.NOT_SUPPORTED

    @pytest.mark.parametrize("procedure", ["BlockDaclInheritance_", "RemoveAllAuthenticatedUsersACEs_"])
    def test_the_procedures_over_it_leave_everything_as_it_is(self, site: Site, procedure: str) -> None:
        before = site.snapshot()
        assert site.submit_raw("Managed Active Directory", procedure, f"<object>{ldap(ALPINE)}</object>").error is None
        assert site.snapshot() == before

    def test_but_not_what_goes_wrong_otherwise(self, site: Site) -> None:
        nobody = f"<object>{ldap(f'OU=Nobody,{BASE}')}</object>"
        error = site.submit_raw("Managed Active Directory", "BlockDaclInheritance_", nobody).error
        assert error is not None
        assert error.code == Code.NO_SUCH_OBJECT


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        yield made
