"""Translate Name, Lookup Account From SID, User Set Password, User Change Password."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from mpf_core.attempts import TooManyAttempts
from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from mpf_directory.account_names import domain_name
from mpf_directory.delegating import DelegatingDirectory
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.embedded_accounts import decode_password
from mpf_directory.port import Directory, Entry, Modification
from mpf_directory.results import Result
from mpf_directory.sids import sid_to_octets, sid_to_text
from tests.providers.ad_site import BASE, CUSTOMER, GROUP, OTHER, USER, Failing, Site, ldap, site_in

OLD, NEW = "Old-pa55 word", " N3w-pässword "


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        made.put(f"OU=a/b,{CUSTOMER}", "organizationalUnit")
        made.set(USER, displayName=["John C"])
        yield made


CANONICAL = "Fabrikam.Com/Hosting/ConsolidatedMessenger/AlpineSkiHouse/Johnc@AlpineSkiHouse.com"


class TestTranslateName:
    FORMS: ClassVar[dict[str, str]] = {
        "NameFullyQualifiedDN": USER,
        "NameSamCompatible": "FABRIKAM\\johnc",
        "NameDisplay": "John C",
        "NameCanonical": CANONICAL,
        "NameUserPrincipal": "johnc@alpineskihouse.com",
        "NameCanonicalEx": "\n".join(CANONICAL.rsplit("/", 1)),
    }

    @pytest.mark.parametrize("given", FORMS)
    def test_from_every_form_into_every_other(self, site: Site, given: str) -> None:
        for form in (given, "NameUnknown"):
            for wanted, name in self.FORMS.items():
                arguments = {"inputName": self.FORMS[given], "inputFormat": form, "outputFormat": wanted}
                assert site.texts("Translate Name", **arguments) == {"outputName": name}

    def test_unique_id(self, site: Site) -> None:
        guid = f"{{{site.guid(USER)}}}"
        assert site.texts("Translate Name", inputName=USER, outputFormat="6") == {"outputName": guid}
        assert site.texts("Translate Name", inputName=guid.upper(), outputFormat="1") == {"outputName": USER}

    def test_a_slash_in_a_name(self, site: Site) -> None:
        name = "fabrikam.com/Hosting/ConsolidatedMessenger/AlpineSkiHouse/a\\/b"
        found = site.texts("Translate Name", inputName=name, outputFormat="NameFullyQualifiedDN")
        assert found == {"outputName": f"OU=a/b,{CUSTOMER}"}
        back = site.texts("Translate Name", inputName=f"OU=a/b,{CUSTOMER}", outputFormat="NameCanonical")
        assert (back["outputName"] or "").casefold() == name.casefold()

    def test_the_caller_by_default(self, site: Site) -> None:
        assert site.texts("Translate Name", outputFormat="2") == {"outputName": "FABRIKAM\\johnc"}

    @pytest.mark.parametrize(
        ("name", "form"),
        [
            ("nobody@alpineskihouse.com", "NameUserPrincipal"),
            ("CONTOSO\\johnc", "NameSamCompatible"),
            ("FABRIKAM\\", "NameSamCompatible"),
            ("contoso.com/Hosting", "NameCanonical"),
            ("Fabrikam.Com/Hosting/Nowhere/Johnc", "NameCanonical"),
            ("OU=x", "NameFullyQualifiedDN"),
            ("=", "NameUnknown"),
            ("{0}", "NameUniqueId"),
        ],
    )
    def test_nobody(self, site: Site, name: str, form: str) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Translate Name", inputName=name, inputFormat=form, outputFormat="1")
        assert raised.value.code == Code.NONE_MAPPED

    def test_a_name_of_two_objects_is_nobodys(self, site: Site) -> None:
        site.set(OTHER, displayName=["John C"])
        with pytest.raises(MpfError) as raised:
            site.read("Translate Name", inputName="John C", inputFormat="3", outputFormat="1")
        assert raised.value.code == Code.NONE_MAPPED

    def test_a_form_that_the_object_has_not(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Translate Name", inputName=OTHER, outputFormat="NameUserPrincipal")
        assert raised.value.code == Code.NONE_MAPPED

    @pytest.mark.parametrize("form", ["NameGivenName", "12", "x"])
    def test_a_form_that_is_not_supported(self, site: Site, form: str) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Translate Name", inputName=USER, outputFormat=form)
        assert raised.value.code == Code.E_INVALIDARG


class TestLookupAccountFromSid:
    def sid(self, site: Site, dn: str) -> str:
        entry = site.find(dn, "objectSid")
        octets = entry.octets("objectSid") if entry else None
        assert octets is not None
        return sid_to_text(octets)

    @pytest.mark.parametrize(
        ("dn", "name", "type_"), [(USER, "johnc", "1"), (GROUP, "A@AlpineSkiHouse", "2"), (BASE, "FABRIKAM", "3")]
    )
    def test_accounts(self, site: Site, dn: str, name: str, type_: str) -> None:
        found = site.texts("Lookup Account From SID", sid=self.sid(site, dn))
        assert found == {"name": name, "domain": "FABRIKAM", "type": type_}

    def test_a_domain_local_group_and_a_computer(self, site: Site) -> None:
        site.put(f"CN=Local,{CUSTOMER}", "group", sAMAccountName=["Local"], groupType=["-2147483644"])
        site.put(f"CN=PC1,{CUSTOMER}", "computer", sAMAccountName=["PC1$"])
        for name, type_ in (("Local", "4"), ("PC1", "9")):
            assert site.texts("Lookup Account From SID", sid=self.sid(site, f"CN={name},{CUSTOMER}"))["type"] == type_

    def test_well_known(self, site: Site) -> None:
        found = site.texts("Lookup Account From SID", sid="s-1-5-11")
        assert found == {"name": "Authenticated Users", "domain": "NT AUTHORITY", "type": "5"}

    def test_the_groups_of_every_machine_are_in_no_domain(self, site: Site) -> None:
        group = Entry(Dn.parse(GROUP), {"objectSid": (sid_to_octets("S-1-5-32-544"),)})
        assert domain_name(site.directory, group) == "BUILTIN"

    def test_the_domain_has_the_name_that_the_configuration_gives_it(self, site: Site) -> None:
        class Configured(Failing):
            def search(self, *arguments: object) -> list[Entry]:
                return [Entry(Dn.parse("CN=x"), {"nETBIOSName": ("CORP",)})]

        directory: Any = Configured(site.directory, "", 0)
        assert domain_name(directory) == "CORP"

    @pytest.mark.parametrize("sid", ["S-1-5-21-1-2-3-4", "johnc", "S-1-5"])
    def test_nobody(self, site: Site, sid: str) -> None:
        with pytest.raises(MpfError) as raised:
            site.read("Lookup Account From SID", sid=sid)
        assert raised.value.code == Code.NONE_MAPPED


class _Strict(DelegatingDirectory):
    """Its policy lets no password be changed; ``changes`` counts the attempts."""

    def __init__(self, directory: Directory, *, may_set: bool = True) -> None:
        super().__init__(directory)
        self._may_set = may_set
        self.changes = 0

    def modify(self, dn: Dn, modifications: Sequence[Modification]) -> None:
        if len(modifications) == 1:
            if not self._may_set:
                raise MpfError(Code.E_ACCESSDENIED, "insufficientAccessRights")
            super().modify(dn, modifications)
            return
        self.changes += 1
        (old,) = modifications[0].values
        embedded = cast(EmbeddedDirectory, self._directory)
        if embedded.verify_password(dn, decode_password(old)):
            raise MpfError(Result.CONSTRAINT_VIOLATION, "constraintViolation: 0000052D [ERROR_PASSWORD_RESTRICTION]")
        raise MpfError(Result.CONSTRAINT_VIOLATION, "constraintViolation: 00000056 [ERROR_INVALID_PASSWORD]")

    def verify_password(self, dn: Dn, password: str) -> bool:
        return cast(EmbeddedDirectory, self._directory).verify_password(dn, password)


class TestPasswords:
    @pytest.fixture(autouse=True)
    def old_password(self, site: Site) -> None:
        site.set(USER, userAccountControl=["512"])
        site.write("User Set Password", path=ldap(USER), newPassword=OLD)

    def is_password(self, site: Site, password: str) -> bool:
        directory = site.directory
        assert isinstance(directory, EmbeddedDirectory)
        return directory.verify_password(Dn.parse(USER), password)

    def test_set_is_declared_irreversible(self, site: Site) -> None:
        done = site.write("User Set Password", path=ldap(USER), newPassword=NEW)
        assert self.is_password(site, NEW)
        assert not done.change.reversible

    def test_change_is_changed_back(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        assert self.is_password(site, NEW)
        assert done.change.reversible
        assert done.undo() is Undo.UNDONE
        assert self.is_password(site, OLD)

    def test_a_wrong_old_password_changes_nothing_and_needs_no_undo(self, site: Site) -> None:
        done = site.prepare("User Change Password", path=ldap(USER), oldPassword="wrong", newPassword=NEW)
        with pytest.raises(MpfError):
            site.provider.apply(done.ctx, done.change)
        assert done.undo() is Undo.NOTHING_TO_UNDO
        assert self.is_password(site, OLD)

    def test_a_change_of_unknown_outcome_is_changed_back(self, site: Site) -> None:
        done = site.prepare("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        site.directories.directory = Failing(site.directory, "modify", Code.SERVER_DOWN, after=True)
        with pytest.raises(MpfError):
            site.provider.apply(done.ctx, done.change)
        site.directories.directory = site.directory
        assert done.undo() is Undo.UNDONE
        assert self.is_password(site, OLD)

    def test_another_process_changes_it_back(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        assert done.undo(forget=True) is Undo.UNDONE
        assert self.is_password(site, OLD)

    def test_there_is_nothing_to_undo_where_it_was_not_changed(self, site: Site) -> None:
        done = site.prepare("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        assert done.undo(forget=True) is Undo.NOTHING_TO_UNDO
        assert self.is_password(site, OLD)

    def test_a_password_that_somebody_else_changed_is_left_alone(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        site.write("User Set Password", path=ldap(USER), newPassword="A third one, 3")
        with pytest.raises(MpfError):
            done.undo(forget=True)
        assert self.is_password(site, "A third one, 3")

    def test_where_the_policy_forbids_to_change_it_back_it_is_set(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        site.directories.directory = _Strict(site.directory)
        assert done.undo() is Undo.UNDONE
        assert self.is_password(site, OLD)

    def test_who_may_not_set_it_either_says_that_the_new_one_stands(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        site.directories.directory = _Strict(site.directory, may_set=False)
        with pytest.raises(MpfError) as raised:
            done.undo()
        assert raised.value.code == Code.E_ACCESSDENIED
        assert f"'{USER}' still has the new password" in raised.value.description
        assert "User-Force-Change-Password" in raised.value.description
        assert self.is_password(site, NEW)

    @pytest.mark.parametrize("code", [Code.E_ACCESSDENIED, Code.NO_SUCH_OBJECT, Result.UNWILLING_TO_PERFORM])
    def test_a_refusal_that_says_nothing_of_the_password_proves_nothing(self, site: Site, code: int) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        site.directories.directory = Failing(site.directory, "modify", code)
        # As servers do for a while, this one takes the password before the last one for right.
        site.directories.verify_password = lambda *_: True  # type: ignore[method-assign]
        with pytest.raises(MpfError) as raised:
            done.undo()
        assert raised.value.code == code

    def test_no_more_wrong_passwords_are_tried_than_lock_nobody_out(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        site.write("User Set Password", path=ldap(USER), newPassword="A third one, 3")
        tried = _Strict(site.directory)
        site.directories.directory = tried
        for _ in range(3):
            with pytest.raises(MpfError):
                done.undo()
        with pytest.raises(TooManyAttempts):
            done.undo()
        assert tried.changes == 3

    def test_a_change_that_holds_passwords_is_confidential(self, site: Site) -> None:
        done = site.write("User Change Password", path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        assert done.change.confidential

    @pytest.mark.parametrize("procedure", ["User Set Password", "User Change Password"])
    def test_the_password_is_shown_nowhere(self, site: Site, procedure: str) -> None:
        done = site.write(procedure, path=ldap(USER), oldPassword=OLD, newPassword=NEW)
        shown = site.provider.describe(done.change) + json.dumps(done.ctx.evidence)
        if not done.change.confidential:
            shown += json.dumps(done.change.data)
        for secret in (OLD, NEW):
            assert secret.strip() not in shown
            assert json.dumps(secret).strip('"').strip() not in shown

    def test_errors(self, site: Site) -> None:
        with pytest.raises(MpfError) as raised:
            site.prepare("User Set Password", path=ldap(f"CN=Nobody,{CUSTOMER}"), newPassword=NEW)
        assert raised.value.code == Code.NO_SUCH_OBJECT
        with pytest.raises(MpfError) as raised:
            site.prepare("User Set Password", path=ldap(USER), newPassword="")
        assert raised.value.code == Code.E_INVALIDARG

    def test_can_be_skipped(self, site: Site) -> None:
        done = site.prepare("User Set Password", "<flagSkipAction/>", path=ldap(USER), newPassword=NEW)
        assert done.change.data is None
