"""The list of shared pools: AddSharedPool, RemoveSharedPool, DeleteSharedPool, SetSharedPoolProperties, GetSharedPools."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mpf_core import Caller, hookimpl
from mpf_core.security.calls import Call, Decision
from mpf_core.transaction.states import TransactionState
from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.support import (
    ALPINE_ADMIN,
    HOSTING,
    MESSENGER_ADMIN,
    OCS,
    POOL1,
    POOL2,
    Site,
    make_site,
    pointer,
)

FIRST, SECOND = "pool01.fabrikam.com", "pool02.fabrikam.com"
DONE = TransactionState.COMMITTED


def add(site: Site, pool: str = FIRST, tag: str = "LabA") -> None:
    data = site.succeed("AddSharedPool", site.domain_admin, poolFQDN=pool, poolTag=tag)
    assert [child.tag for child in data] == ["poolDN"]


def remove(site: Site, pool: str = FIRST) -> None:
    assert len(site.succeed("RemoveSharedPool", site.domain_admin, poolFQDN=pool)) == 0


def shared(site: Site, **wanted: str) -> list[tuple[str | None, ...]]:
    """FQDN, tag and status of each pool that GetSharedPools returns."""
    data = site.succeed("GetSharedPools", site.domain_admin, **wanted)
    assert [child.tag for child in data] == ["pools"]
    return [tuple(child.text for child in pool)[:3] for pool in data.iterfind("pools/pool")]


class TestAdd:
    def test_returns_the_pools_service_and_makes_it_available(self, site: Site) -> None:
        data = site.succeed("AddSharedPool", site.domain_admin, poolFQDN=FIRST, poolTag="LabA")
        assert data.findtext("poolDN") == site.read(POOL1).text("distinguishedName")
        assert shared(site) == [(FIRST, "LabA", "Available")]

    def test_it_is_a_service_pointer_of_the_hosting_unit(self, site: Site) -> None:
        add(site)
        entry = site.read(pointer(HOSTING, "SharedPools", FIRST))
        assert set(entry.values("keywords")) == {"SharedPools", "poolTag=LabA", "poolStatus=Available"}

    def test_repeating_changes_nothing(self, site: Site) -> None:
        add(site)
        before = site.snapshot()
        add(site, FIRST.upper())
        assert site.snapshot() == before

    def test_repeating_makes_it_available_again_with_the_tag_that_is_given(self, site: Site) -> None:
        add(site)
        remove(site)
        add(site, tag="LabB")
        assert shared(site) == [(FIRST, "LabB", "Available")]

    def test_repeating_points_at_the_pool_that_has_the_name_now(self, site: Site) -> None:
        add(site)
        entry = Dn.parse(pointer(HOSTING, "SharedPools", FIRST))
        site.directory.modify(entry, [Modification("managedBy", ModifyOp.REPLACE, (POOL2,))])
        add(site)
        assert site.read(str(entry)).text("managedBy") == site.read(POOL1).text("distinguishedName")

    def test_a_pool_that_cannot_be_located_is_refused(self, site: Site) -> None:
        before = site.snapshot()
        error = site.fail("AddSharedPool", site.domain_admin, poolFQDN="pool99.fabrikam.com", poolTag="LabA")
        assert (error.code, error.description) == (0x80072030, "There is no pool 'pool99.fabrikam.com'.")
        assert site.snapshot() == before

    @pytest.mark.parametrize("name", ["preferredDomainController", "poolFQDN", "poolTag"])
    def test_missing_arguments_have_the_text_of_the_original(self, site: Site, name: str) -> None:
        arguments = {"preferredDomainController": site.server, "poolFQDN": FIRST, "poolTag": "LabA"}
        del arguments[name]
        error = site.fail_exactly("AddSharedPool", arguments)
        assert (error.code, error.description) == (0x80070057, f"The required argument {name} was not supplied.")

    @pytest.mark.parametrize(("name", "value"), [("poolFQDN", "pool01"), ("poolFQDN", "10.0.0.1"), ("poolTag", "")])
    def test_what_is_no_name_is_refused(self, site: Site, name: str, value: str) -> None:
        arguments = {"poolFQDN": FIRST, "poolTag": "LabA", name: value}
        assert site.fail("AddSharedPool", site.domain_admin, **arguments).code == 0x80070057


class TestRemove:
    def test_only_makes_it_unavailable(self, site: Site) -> None:
        add(site)
        remove(site)
        assert shared(site) == [(FIRST, "LabA", "Unavailable")]

    def test_repeating_changes_nothing(self, site: Site) -> None:
        add(site)
        remove(site)
        before = site.snapshot()
        remove(site)
        assert site.snapshot() == before

    def test_a_pool_that_is_not_in_the_list_does_not_exist(self, site: Site) -> None:
        error = site.fail("RemoveSharedPool", site.domain_admin, poolFQDN=FIRST)
        assert (error.code, error.description) == (0x80004005, f"The service pointer '{FIRST}' does not exist.")


class TestDelete:
    def test_leaves_the_list_as_before(self, site: Site) -> None:
        before = site.snapshot()
        add(site)
        assert len(site.succeed("DeleteSharedPool", site.domain_admin, poolFQDN=FIRST)) == 0
        assert shared(site) == []
        assert site.snapshot() == before

    def test_one_that_is_not_in_the_list_is_no_error(self, site: Site) -> None:
        before = site.snapshot()
        site.succeed("DeleteSharedPool", site.domain_admin, poolFQDN="pool99.fabrikam.com")
        assert site.snapshot() == before

    def test_the_others_stay(self, site: Site) -> None:
        add(site)
        add(site, SECOND, "LabB")
        site.succeed("DeleteSharedPool", site.domain_admin, poolFQDN=FIRST)
        assert shared(site) == [(SECOND, "LabB", "Available")]

    def test_any_other_error_is_not_swallowed(self, site: Site) -> None:
        before = site.snapshot()
        result = site.submit_many([("DeleteSharedPool", {"poolFQDN": FIRST, "preferredDomainController": "DC99"})])
        assert result.error is not None
        assert result.error.code == 0x80070005
        assert site.snapshot() == before


class TestSetProperties:
    def test_sets_the_tag_and_keeps_the_status(self, site: Site) -> None:
        add(site)
        remove(site)
        assert len(site.succeed("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST, poolTag="Lab=B")) == 0
        assert shared(site) == [(FIRST, "Lab=B", "Unavailable")]

    def test_a_change_of_case_is_a_change(self, site: Site) -> None:
        add(site)
        site.succeed("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST, poolTag="laba")
        assert shared(site) == [(FIRST, "laba", "Available")]

    def test_repeating_changes_nothing_and_neither_does_nothing(self, site: Site) -> None:
        add(site)
        before = site.snapshot()
        site.succeed("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST, poolTag="LabA")
        site.succeed("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST)
        assert site.snapshot() == before

    def test_leaves_what_others_have_written_there(self, site: Site) -> None:
        add(site)
        entry = Dn.parse(pointer(HOSTING, "SharedPools", FIRST))
        site.directory.modify(entry, [Modification("keywords", ModifyOp.ADD, ("theirs", "poolTagger=x"))])
        site.succeed("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST, poolTag="LabB")
        kept = {"SharedPools", "poolTag=LabB", "poolStatus=Available", "theirs", "poolTagger=x"}
        assert set(site.read(str(entry)).values("keywords")) == kept

    def test_the_status_is_not_for_the_public(self, site: Site) -> None:
        add(site)
        error = site.fail("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST, poolStatus="Unavailable")
        assert error.code == 0x80070057
        assert shared(site) == [(FIRST, "LabA", "Available")]

    def test_a_pool_that_is_not_in_the_list_does_not_exist(self, site: Site) -> None:
        error = site.fail("SetSharedPoolProperties", site.domain_admin, poolFQDN=FIRST, poolTag="LabB")
        assert (error.code, error.description) == (0x80004005, f"The service pointer '{FIRST}' does not exist.")

    def test_the_private_one_sets_both(self, site: Site) -> None:
        add(site)
        content = f"<preferredDomainController>{site.server}</preferredDomainController><poolFQDN>{FIRST}</poolFQDN>"
        given = "<poolStatus>Unavailable</poolStatus><poolTag>LabC</poolTag>"
        result = site.submit_raw(OCS, "SetSharedPoolProperties_", content + given)
        assert result.error is None
        assert shared(site) == [(FIRST, "LabC", "Unavailable")]


class TestGet:
    @pytest.fixture(autouse=True)
    def _pools(self, site: Site) -> None:
        add(site, SECOND, "LabB")
        add(site)
        remove(site, SECOND)

    def test_lists_them_by_name_with_their_services(self, site: Site) -> None:
        data = site.succeed("GetSharedPools", site.domain_admin)
        pools = [[(child.tag, child.text) for child in pool] for pool in data.iterfind("pools/pool")]
        services = [site.read(dn).text("distinguishedName") for dn in (POOL1, POOL2)]
        assert pools == [
            [("poolFQDN", FIRST), ("poolTag", "LabA"), ("poolStatus", "Available"), ("poolDN", services[0])],
            [("poolFQDN", SECOND), ("poolTag", "LabB"), ("poolStatus", "Unavailable"), ("poolDN", services[1])],
        ]

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"poolTag": "LabA"}, [FIRST]),
            ({"poolTag": "laba"}, []),
            ({"poolStatus": "Unavailable"}, [SECOND]),
            ({"poolStatus": "UNAVAILABLE"}, [SECOND]),
            ({"poolStatus": "available", "poolTag": "LabB"}, []),
            ({"poolFQDN": "POOL02.fabrikam.com"}, [SECOND]),
            ({"poolFQDN": SECOND, "poolStatus": "unavailable"}, [SECOND]),
            ({"poolFQDN": SECOND, "poolStatus": "available"}, []),
            ({"poolFQDN": SECOND, "poolTag": "LabA"}, []),
        ],
    )
    def test_only_those_that_are_wanted(self, site: Site, wanted: dict[str, str], found: list[str]) -> None:
        assert [pool[0] for pool in shared(site, **wanted)] == found

    def test_a_pool_that_is_not_in_the_list_does_not_exist(self, site: Site) -> None:
        error = site.fail("GetSharedPools", site.domain_admin, poolFQDN="pool99.fabrikam.com")
        assert error.code == 0x80004005
        assert error.description == "The service pointer 'pool99.fabrikam.com' does not exist."

    def test_a_status_that_is_none_is_refused(self, site: Site) -> None:
        assert site.fail("GetSharedPools", site.domain_admin, poolStatus="Broken").code == 0x80070057

    def test_a_renamed_pool_is_followed(self, site: Site) -> None:
        parent = POOL1.split(",", 2)[2]
        renamed = parent.replace("CN=pool01", "CN=pool01 (old)")
        site.rename(parent, renamed)
        data = site.succeed("GetSharedPools", site.domain_admin, poolFQDN=FIRST)
        service = POOL1.replace(parent, renamed)
        assert data.findtext("pools/pool/poolDN") == site.read(service).text("distinguishedName")

    def test_a_pool_that_is_gone_has_no_service_any_more(self, site: Site) -> None:
        site.directory.delete(Dn.parse(POOL1))
        data = site.succeed("GetSharedPools", site.domain_admin, poolFQDN=FIRST)
        assert [child.tag for child in data.iterfind("pools/pool/*")] == ["poolFQDN", "poolTag", "poolStatus"]


CALLS: dict[str, dict[str, str]] = {
    "AddSharedPool": {"poolFQDN": FIRST, "poolTag": "LabA"},
    "RemoveSharedPool": {"poolFQDN": FIRST},
    "SetSharedPoolProperties": {"poolFQDN": FIRST, "poolTag": "LabB"},
    "GetSharedPools": {},
    "DeleteSharedPool": {"poolFQDN": FIRST},
}


@pytest.mark.parametrize("caller", [MESSENGER_ADMIN, ALPINE_ADMIN, Caller("admin@hosting.fabrikam.com")], ids=str)
@pytest.mark.parametrize("procedure", CALLS)
def test_all_are_for_domain_administrators_only(site: Site, procedure: str, caller: Caller) -> None:
    add(site, SECOND, "LabB")
    before = site.snapshot()
    error = site.fail(procedure, caller, **CALLS[procedure])
    assert (error.code, error.description) == (0x80070057, "Insufficient Privilege! Not Domain Administrator.")
    assert site.snapshot() == before


@dataclass
class Broken:
    """A policy that refuses one procedure with the code, but not the text, of a missing or an existing service pointer."""

    procedure: str = ""
    name: str = "broken"

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        return Decision(call.procedure.full_name != self.procedure, "broken", 0x80004005)


@pytest.mark.parametrize(("procedure", "inner"), [("AddSharedPool", "Create Object"), ("DeleteSharedPool", "Delete Object")])
def test_only_the_expected_error_is_swallowed(procedure: str, inner: str) -> None:
    policy = Broken()
    with make_site(policy) as site:
        add(site)
        policy.procedure = f"Active Directory Provider::{inner}"
        before = site.snapshot()
        error = site.fail(procedure, site.domain_admin, **CALLS[procedure])
        assert (error.code, error.description) == (0x80004005, "broken")
        assert site.snapshot() == before


def test_two_changes_of_one_pool_do_not_get_lost(site: Site) -> None:
    add(site)
    result = site.submit_many(
        [("SetSharedPoolProperties", {"poolFQDN": FIRST, "poolTag": "LabB"}), ("RemoveSharedPool", {"poolFQDN": FIRST})]
    )
    assert result.state is DONE
    assert shared(site) == [(FIRST, "LabB", "Unavailable")]


def test_delete_and_add_again_in_one_request(site: Site) -> None:
    add(site)
    calls = [("DeleteSharedPool", {"poolFQDN": FIRST}), ("AddSharedPool", {"poolFQDN": FIRST, "poolTag": "LabB"})]
    before = site.snapshot()
    assert site.submit_many(calls, fail=True).state is TransactionState.ROLLED_BACK
    assert site.snapshot() == before
    assert site.submit_many(calls).state is DONE
    assert shared(site) == [(FIRST, "LabB", "Available")]
