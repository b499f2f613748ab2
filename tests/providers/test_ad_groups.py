"""Group Add, Group Remove, Group IsMember, Group Members, User Groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from tests.providers.ad_site import CUSTOMER, GROUP, OTHER, USER, Site, ldap, site_in

MISSING = f"CN=Nobody,{CUSTOMER}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        made.set(GROUP, member=[OTHER])
        yield made


def test_add_and_its_rollback(site: Site) -> None:
    done = site.write("Group Add", group=ldap(GROUP), path=ldap(USER))
    assert site.values(GROUP, "member") == [OTHER, USER]
    assert done.undo() is Undo.UNDONE
    assert site.values(GROUP, "member") == [OTHER]


def test_remove_and_its_rollback(site: Site) -> None:
    done = site.write("Group Remove", group=ldap(GROUP), path=ldap(OTHER))
    assert site.values(GROUP, "member") == []
    site.set(GROUP, member=[USER])
    assert done.undo() is Undo.UNDONE
    assert site.values(GROUP, "member") == [OTHER, USER]


def test_a_member_that_was_removed_by_somebody_else_is_not_added_by_an_undo_of_add(site: Site) -> None:
    done = site.write("Group Add", group=ldap(GROUP), path=ldap(USER))
    site.set(GROUP, member=[])
    assert done.undo() is Undo.NOTHING_TO_UNDO
    assert site.values(GROUP, "member") == []


@pytest.mark.parametrize(
    ("procedure", "group", "path", "code"),
    [
        ("Group Add", GROUP, OTHER.upper(), Code.OBJECT_ALREADY_EXISTS),
        ("Group Remove", GROUP, USER, 0x80072035),
        ("Group Add", GROUP, MISSING, Code.NO_SUCH_OBJECT),
        ("Group Add", MISSING, USER, Code.NO_SUCH_OBJECT),
        ("Group Remove", GROUP, MISSING, Code.NO_SUCH_OBJECT),
    ],
)
def test_errors(site: Site, procedure: str, group: str, path: str, code: int) -> None:
    with pytest.raises(MpfError) as raised:
        site.prepare(procedure, group=ldap(group), path=ldap(path))
    assert raised.value.code == code


@pytest.mark.parametrize("procedure", ["Group Add", "Group Remove"])
def test_can_be_skipped(site: Site, procedure: str) -> None:
    assert site.prepare(procedure, "<flagSkipAction/>", group=ldap(GROUP), path=ldap(USER)).change.data is None


@pytest.mark.parametrize(("path", "answer"), [(OTHER, "1"), (USER, "0")])
def test_is_member(site: Site, path: str, answer: str) -> None:
    assert site.texts("Group IsMember", group=ldap(GROUP), path=ldap(path)) == {"isMember": answer}


def test_members_and_groups_are_paths_at_the_same_server(site: Site) -> None:
    site.set(GROUP, member=[OTHER, USER])
    (members,) = site.read("Group Members", group=ldap(GROUP, "AD01"))
    assert (members.tag, {child.tag for child in members}) == ("members", {"member"})
    assert sorted(child.text or "" for child in members) == [ldap(OTHER, "AD01"), ldap(USER, "AD01")]
    (groups,) = site.read("User Groups", path=ldap(USER))
    assert [(child.tag, child.text) for child in groups] == [("group", ldap(GROUP))]


def test_nobody_is_an_empty_list(site: Site) -> None:
    (groups,) = site.read("User Groups", path=ldap(USER))
    assert (groups.tag, len(groups)) == ("groups", 0)
