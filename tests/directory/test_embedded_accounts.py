"""Passwords, built-in accounts and primary groups."""

from __future__ import annotations

import sqlite3

import pytest

from mpf_core.errors import Code
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, Value
from mpf_directory.results import Result
from mpf_directory.sids import sid_to_text
from tests.directory.support import BASE, HOSTING, Site, add, refused, remove, replace


def quoted(password: str) -> bytes:
    """A password as unicodePwd wants it."""
    return f'"{password}"'.encode("utf-16-le")


class TestPasswords:
    def test_are_verified_and_never_shown(self, site: Site) -> None:
        dn = site.user("u", unicodePwd=[quoted("Pässword1")], userAccountControl="512")
        assert site.directory.verify_password(dn, "Pässword1")
        assert not site.directory.verify_password(dn, "pässword1")
        assert "unicodePwd" not in site.entry(dn).attributes
        assert site.values(dn, "unicodePwd") == []
        assert site.names("unicodePwd=*") == []
        assert site.values(dn, "pwdLastSet") != ["0"]

    def test_are_nowhere_in_the_file(self, site: Site) -> None:
        site.user("u", unicodePwd=[quoted("Secret-word1")])
        site.directory.close()
        for path in site.path.parent.iterdir():
            content = path.read_bytes()
            assert b"Secret-word1" not in content
            assert "Secret-word1".encode("utf-16-le") not in content

    def test_equal_ones_have_different_hashes(self, site: Site) -> None:
        for name in ("one", "two"):
            site.user(name, unicodePwd=[quoted("Pass@word1")])
        site.directory.close()
        with sqlite3.connect(site.path) as db:
            hashes = {row[0] for row in db.execute("SELECT hash FROM password")}
        db.close()
        assert len(hashes) == 2

    def test_reset_and_change(self, site: Site) -> None:
        dn = site.user("u", userAccountControl="512")
        assert not site.directory.verify_password(dn, "")
        site.modify(dn, replace("unicodePwd", quoted("one")))
        with refused(Result.CONSTRAINT_VIOLATION):
            site.modify(dn, remove("unicodePwd", quoted("wrong")), add("unicodePwd", quoted("two")))
        assert site.directory.verify_password(dn, "one")
        site.modify(dn, remove("unicodePwd", quoted("one")), add("unicodePwd", quoted("two")))
        assert site.directory.verify_password(dn, "two")

    def test_do_not_work_on_a_disabled_account(self, site: Site) -> None:
        dn = site.user("u", unicodePwd=[quoted("one")], userAccountControl="514")
        assert not site.directory.verify_password(dn, "one")
        site.modify(dn, replace("userAccountControl", "512"))
        assert site.directory.verify_password(dn, "one")

    def test_go_with_their_account(self, site: Site) -> None:
        dn = site.user("u", unicodePwd=[quoted("one")], userAccountControl="512")
        site.directory.delete(dn)
        with refused(Code.NO_SUCH_OBJECT):
            site.directory.verify_password(dn, "one")
        site.user("u", userAccountControl="512")
        assert not site.directory.verify_password(dn, "one")

    @pytest.mark.parametrize(
        "value", [b"", b'"', quoted(""), "one".encode("utf-16-le"), b'"one"', b'"\x00\xd8"\x00', "text"]
    )
    def test_must_be_quoted_in_utf_16(self, site: Site, value: Value) -> None:
        dn = site.user("u")
        with refused(Result.CONSTRAINT_VIOLATION):
            site.modify(dn, replace("unicodePwd", value))
        with refused(Result.CONSTRAINT_VIOLATION):
            site.user("v", unicodePwd=[value])
        assert site.names("cn=v") == []

    @pytest.mark.parametrize(
        "modifications",
        [
            [add("unicodePwd", quoted("one"))],
            [remove("unicodePwd", quoted("one"))],
            [remove("unicodePwd")],
            [replace("unicodePwd")],
            [replace("unicodePwd", quoted("one"), quoted("two"))],
        ],
    )
    def test_are_changed_in_two_ways_only(self, site: Site, modifications: list[Modification]) -> None:
        dn = site.user("u")
        with refused(Result.UNWILLING_TO_PERFORM):
            site.modify(dn, *modifications)

    def test_only_users_have_them(self, site: Site) -> None:
        with refused(Result.OBJ_CLASS_VIOLATION):
            site.group("g", unicodePwd=[quoted("one")])


def test_built_in_accounts_have_their_fixed_identifiers(site: Site) -> None:
    users = BASE.child("CN", "Users")
    domain = sid_to_text(site.entry(BASE).octets("objectSid") or b"")
    for name, rid in (("Administrator", 500), ("Domain Admins", 512), ("Domain Users", 513), ("Domain Computers", 515)):
        assert site.entry(Dn.by_sid(f"{domain}-{rid}")).dn == users.child("CN", name)
    assert site.entry(Dn.by_sid("S-1-5-32-544")).dn.rdn.value == "Administrators"
    groups = {
        sid_to_text(sid) for sid in site.values(users.child("CN", "Administrator"), "tokenGroups") if isinstance(sid, bytes)
    }
    assert groups == {f"{domain}-512", f"{domain}-513", "S-1-5-32-544"}


def test_every_domain_has_a_sid_of_its_own(site: Site, empty_domain: object) -> None:
    assert sid_to_text(site.entry(BASE).octets("objectSid") or b"").startswith("S-1-5-21-")


def test_the_primary_group_can_be_another_one(site: Site) -> None:
    group, user = site.group("g"), site.user("u")
    token = site.values(group, "primaryGroupToken")
    site.modify(user, replace("primaryGroupID", *token))
    assert site.values(user, "tokenGroups") == [site.entry(group).octets("objectSid")]
    assert site.values(user, "memberOf") == []


def test_a_distribution_group_gives_no_rights(site: Site) -> None:
    user = site.user("u")
    site.group("g", member=[str(user)], groupType="2")
    assert len(site.values(user, "tokenGroups")) == 1


def test_a_computer_is_an_account(site: Site) -> None:
    entry = site.entry(site.put(HOSTING.child("CN", "FE01"), "computer", sAMAccountName="FE01$"))
    assert entry.text("primaryGroupID") == "515"
    assert entry.text("sAMAccountType") == "805306369"
