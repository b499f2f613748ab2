"""Delete Object: parked at once, put back by an undo, deleted by the commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from mpf_directory.dn import Dn
from mpf_directory.parking import plan_delete
from tests.providers.ad_site import BASE, CUSTOMER, GROUP, PARKED, RESELLER, USER, Done, Failing, Site, ldap, site_in


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        made.set(USER, proxyAddresses=["SMTP:johnc@alpineskihouse.com"], userAccountControl=["512"])
        made.set(GROUP, member=[USER])
        yield made


def delete(site: Site, dn: str = USER) -> Done:
    return site.write("Delete Object", path=ldap(dn))


def test_the_name_is_free_at_once(site: Site) -> None:
    delete(site)
    assert site.find(USER) is None
    site.put(
        USER, "user",
        sAMAccountName=["johnc"], userPrincipalName=["johnc@alpineskihouse.com"],
        proxyAddresses=["SMTP:johnc@alpineskihouse.com"],
    )  # fmt: skip


def test_a_parked_account_is_disabled(site: Site) -> None:
    guid = site.guid(USER)
    delete(site)
    parked = site.find(guid, "userAccountControl", "userPrincipalName", "proxyAddresses")
    assert parked is not None
    assert parked.dn.parent == Dn.parse(PARKED)
    assert int(parked.text("userAccountControl") or "0") & 2
    assert not parked.values("userPrincipalName")
    assert not parked.values("proxyAddresses")


@pytest.mark.parametrize("forget", [False, True])
def test_an_undo_puts_everything_back(site: Site, forget: bool) -> None:
    snapshot, guid = site.snapshot(), site.guid(USER)
    done = delete(site)
    assert done.undo(forget=forget) is Undo.UNDONE
    assert site.snapshot() == snapshot
    assert site.guid(USER) == guid
    assert site.values(GROUP, "member") == [USER]
    assert done.undo() is Undo.NOTHING_TO_UNDO


def test_a_subtree_of_organizational_units(site: Site) -> None:
    snapshot = site.snapshot()
    done = delete(site, RESELLER)
    assert site.find(CUSTOMER) is None
    assert len(site.children(PARKED)) == 1
    assert done.undo() is Undo.UNDONE
    assert site.snapshot() == snapshot


def test_a_commit_deletes_it_for_good(site: Site) -> None:
    guid, group = site.guid(RESELLER), site.guid(GROUP)
    done = delete(site, RESELLER)
    done.commit()
    assert site.find(guid) is None
    assert site.find(group) is None
    assert site.children(PARKED) == []
    done.commit()


def test_a_commit_spares_what_somebody_rescued(site: Site) -> None:
    guid = site.guid(USER)
    done = delete(site)
    parked = site.find(guid)
    assert parked is not None
    site.move(str(parked.dn), USER)
    with pytest.raises(MpfError, match="is not deleted"):
        done.commit()
    assert site.find(USER) is not None


def test_the_second_delete_uses_the_same_container(site: Site) -> None:
    delete(site)
    done = delete(site, GROUP)
    assert len(site.children(PARKED)) == 2
    done.undo()
    assert len(site.children(PARKED)) == 1


@pytest.mark.parametrize("operation", ["add", "modify", "rename"])
@pytest.mark.parametrize(
    ("code", "after"), [(Code.E_ACCESSDENIED, False), (Code.SERVER_DOWN, False), (Code.SERVER_DOWN, True)]
)
def test_a_failure_half_way_leaves_nothing_behind(site: Site, operation: str, code: int, after: bool) -> None:
    snapshot = site.snapshot()
    done = site.prepare("Delete Object", path=ldap(USER))
    site.directories.directory = Failing(site.directory, operation, code, after=after)
    with pytest.raises(MpfError):
        site.provider.apply(done.ctx, done.change)
    site.directories.directory = site.directory
    done.undo()
    assert site.snapshot() == snapshot


def test_what_does_not_exist_is_an_error_unless_it_is_to_be_ignored(site: Site) -> None:
    missing = ldap(f"CN=Nobody,{CUSTOMER}")
    with pytest.raises(MpfError) as raised:
        site.prepare("Delete Object", path=missing)
    assert raised.value.code == Code.NO_SUCH_OBJECT
    assert site.prepare("Delete Object", "<flagIgnoreDoesNotExistError/>", path=missing).change.data is None


def test_the_domain_cannot_be_deleted(site: Site) -> None:
    with pytest.raises(MpfError) as raised:
        plan_delete(site.directory, Dn.parse(BASE))
    assert raised.value.code == Code.E_INVALIDARG


def test_the_plan_says_what_the_commit_will_delete(site: Site) -> None:
    text = site.provider.describe(site.prepare("Delete Object", path=ldap(USER)).change)
    assert "changetype: modrdn" in text
    assert "# when the transaction is committed" in text
