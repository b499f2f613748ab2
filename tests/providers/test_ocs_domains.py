"""Global SIP domains and federation domains: what is written, what excludes each other, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Entry, Scope
from tests.providers.ocs_forest import BASE, HIGH, LOW, RTC, VOICE, Done, Forest, policy_content, prepared_forest

SETTINGS = f"CN=Global Settings,{RTC}"
SERVICES = f"CN=Services,CN=_Private,OU=Hosting,{BASE}"
LIST = f"CN=FederationDomains,{SERVICES}"
ALPINE = "alpineskihouse.com"


@pytest.fixture
def forest(tmp_path: Path) -> Iterator[Forest]:
    with prepared_forest(tmp_path) as made:
        made.put(SETTINGS, "msRTCSIP-GlobalContainer")
        made.put(SERVICES.split(",", 1)[1], "container")
        made.put(SERVICES, "container")
        yield made


def below(forest: Forest, dn: str) -> list[Entry]:
    if forest.directory.read(Dn.parse(dn)) is None:
        return []
    return list(forest.directory.search(Dn.parse(dn), Scope.ONE_LEVEL, Filter.present("objectClass")))


def serve(forest: Forest, address: str = ALPINE, **more: str) -> Done:
    return forest.run("CreateGlobalSipDomain", address=address, authoritative="true", **more)


def unserve(forest: Forest, address: str = ALPINE) -> Done:
    return forest.run("DeleteGlobalSipDomain", address=address)


def refused(forest: Forest, procedure: str, **arguments: str) -> int:
    with pytest.raises(MpfError) as raised:
        forest.prepare(procedure, **arguments)
    return raised.value.code


class TestGlobal:
    def test_an_entry_has_a_guid_for_a_name_and_holds_what_is_given(self, forest: Forest) -> None:
        serve(forest, "AlpineSkiHouse.com", defaultDomain="1")
        (entry,) = below(forest, SETTINGS)
        assert len(entry.dn.rdn.value) == 38
        assert entry.dn.rdn.value[0] == "{"
        assert entry.dn.rdn.value == entry.dn.rdn.value.upper()
        assert entry.values("msRTCSIP-DomainName") == (ALPINE,)
        assert entry.values("msRTCSIP-Default") == ("TRUE",)
        assert entry.values("msRTCSIP-DomainData") == ("Authoritative=TRUE",)

    def test_the_directory_itself_refuses_a_second_entry(self, forest: Forest) -> None:
        first = forest.prepare("CreateGlobalSipDomain", address=ALPINE, authoritative="true")
        serve(forest)
        with pytest.raises(MpfError) as raised:
            forest.provider.apply(forest.context("CreateGlobalSipDomain"), first)
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS

    def test_creating_and_deleting_exclude_each_other(self, forest: Forest) -> None:
        serve(forest)
        name = f"object:{below(forest, SETTINGS)[0].dn.normalised}"
        assert name in forest.locked
        forest.locked.clear()
        unserve(forest, ALPINE.upper())
        assert name in forest.locked

    def test_only_a_default_one_holds_the_default(self, forest: Forest) -> None:
        serve(forest)
        assert "sip-domain-default" not in forest.locked
        serve(forest, "litwareinc.com", defaultDomain="true")
        assert "sip-domain-default" in forest.locked

    def test_a_creation_is_undone(self, forest: Forest) -> None:
        done = serve(forest)
        assert done.undo() is Undo.UNDONE
        assert below(forest, SETTINGS) == []
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_a_deletion_frees_the_name_and_is_undone(self, forest: Forest) -> None:
        serve(forest, defaultDomain="true")
        (before,) = below(forest, SETTINGS)
        done = unserve(forest)
        (parked,) = below(forest, SETTINGS)
        assert parked.octets("objectGUID") == before.octets("objectGUID")
        assert parked.dn != before.dn
        assert not parked.values("msRTCSIP-DomainName")
        assert not parked.values("msRTCSIP-Default")
        assert forest.read("GetGlobalSipDomains") == [("sipDomains", [])]
        assert done.undo() is Undo.UNDONE
        (after,) = below(forest, SETTINGS)
        assert (after.dn, after.octets("objectGUID")) == (before.dn, before.octets("objectGUID"))
        assert after.values("msRTCSIP-DomainName") == (ALPINE,)
        assert after.values("msRTCSIP-Default") == ("TRUE",)
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_the_commit_deletes_it(self, forest: Forest) -> None:
        serve(forest)
        done = unserve(forest)
        forest.provider.prepare_commit(done.ctx, done.change)
        forest.provider.commit(done.ctx, done.change)
        assert below(forest, SETTINGS) == []

    def test_what_somebody_has_put_below_it_is_not_deleted_with_it(self, forest: Forest) -> None:
        serve(forest)
        done = unserve(forest)
        (parked,) = below(forest, SETTINGS)
        forest.put(f"CN=theirs,{parked.dn}", "container")
        with pytest.raises(MpfError):
            forest.provider.prepare_commit(done.ctx, done.change)

    def test_entries_of_others_are_found_by_their_domain(self, forest: Forest) -> None:
        forest.put(f"CN=theirs,{SETTINGS}", "msRTCSIP-Domain", {"msRTCSIP-DomainName": ["AlpineSkiHouse.com"]})
        assert refused(forest, "CreateGlobalSipDomain", address=ALPINE, authoritative="1") == Code.OBJECT_ALREADY_EXISTS
        forest.locked.clear()
        done = unserve(forest)
        # What a request that creates the domain holds, and the entry itself.
        assert any(key.startswith("object:cn={") for key in forest.locked)
        assert any(key.startswith("object:cn=theirs,") for key in forest.locked)
        forest.provider.commit(done.ctx, done.change)
        assert below(forest, SETTINGS) == []

    def test_absent_flags_are_false(self, forest: Forest) -> None:
        forest.put(f"CN=theirs,{SETTINGS}", "msRTCSIP-Domain", {"msRTCSIP-DomainName": [ALPINE]})
        (domains,) = forest.prepare("GetGlobalSipDomains")
        (domain,) = domains
        assert [child.text for child in domain][:3] == [ALPINE, "false", "false"]

    def test_other_objects_of_the_container_are_no_domains(self, forest: Forest) -> None:
        forest.put(f"CN=edge.fabrikam.com,{SETTINGS}", "msRTCSIP-EdgeProxy")
        assert forest.read("GetGlobalSipDomains") == [("sipDomains", [])]

    @pytest.mark.parametrize("address", ["10.0.0.1", "localhost", "a.b*.com", "*", "-a.com", "a.com."])
    def test_the_provider_itself_refuses_what_is_no_domain(self, forest: Forest, address: str) -> None:
        assert refused(forest, "CreateGlobalSipDomain", address=address, authoritative="1") == Code.E_INVALIDARG
        assert refused(forest, "DeleteGlobalSipDomain", address=address) == Code.E_INVALIDARG


class TestFederation:
    def test_an_entry_is_named_after_its_domain(self, forest: Forest) -> None:
        forest.run("CreateFederationDomain", supportedInternalDomain="AlpineSkiHouse.com")
        (entry,) = below(forest, LIST)
        assert entry.dn == Dn.parse(f"CN={ALPINE},{LIST}")
        assert entry.values("keywords") == ("FederationDomains",)

    def test_a_creation_is_undone_with_the_list_that_it_made(self, forest: Forest) -> None:
        done = forest.run("CreateFederationDomain", supportedInternalDomain=ALPINE)
        assert done.undo() is Undo.UNDONE
        assert below(forest, SERVICES) == []

    def test_a_list_that_was_there_stays(self, forest: Forest) -> None:
        forest.put(LIST, "container")
        done = forest.run("CreateFederationDomain", supportedInternalDomain=ALPINE)
        assert done.undo() is Undo.UNDONE
        assert [entry.dn for entry in below(forest, SERVICES)] == [Dn.parse(LIST)]

    def test_a_deletion_is_undone_or_committed(self, forest: Forest) -> None:
        forest.run("CreateFederationDomain", supportedInternalDomain=ALPINE)
        (before,) = below(forest, LIST)
        done = forest.run("DeleteFederationDomain", supportedInternalDomain=ALPINE)
        assert below(forest, LIST) == []
        assert done.undo() is Undo.UNDONE
        assert [entry.octets("objectGUID") for entry in below(forest, LIST)] == [before.octets("objectGUID")]
        done = forest.run("DeleteFederationDomain", supportedInternalDomain=ALPINE)
        forest.provider.prepare_commit(done.ctx, done.change)
        forest.provider.commit(done.ctx, done.change)
        assert below(forest, LIST) == []

    def test_creating_and_deleting_exclude_each_other(self, forest: Forest) -> None:
        name = f"object:{Dn.parse(f'CN={ALPINE},{LIST}').normalised}"
        forest.run("CreateFederationDomain", supportedInternalDomain=ALPINE)
        assert name in forest.locked
        forest.locked.clear()
        forest.run("DeleteFederationDomain", supportedInternalDomain=ALPINE)
        assert name in forest.locked

    @pytest.mark.parametrize("domain", ["10.0.0.1", "localhost", "*.a.com", "a" * 63 + ".com"])
    def test_the_provider_itself_refuses_what_is_no_domain(self, forest: Forest, domain: str) -> None:
        for procedure in ("CreateFederationDomain", "DeleteFederationDomain"):
            assert refused(forest, procedure, supportedInternalDomain=domain) == Code.E_INVALIDARG


class TestPolicies:
    def test_are_listed_by_name_each_kind_on_its_own(self, forest: Forest) -> None:
        assert forest.read("GetMeetingPolicies") == [("meetingPolicies", ["Policy 1 (High)", "Policy 5 (Low)"])]
        assert forest.read("GetUCPolicies") == [("ucPolicies", ["Default Policy"])]

    def test_two_of_one_name_are_listed_once(self, forest: Forest) -> None:
        forest.policy(f"CN=third,CN=Policies,{RTC}", "telephony", policy_content("Default Policy"))
        assert forest.read("GetUCPolicies") == [("ucPolicies", ["Default Policy"])]

    def test_none_are_an_empty_list(self, forest: Forest) -> None:
        for dn in (LOW, HIGH, VOICE):
            forest.directory.delete(Dn.parse(dn))
        assert forest.read("GetMeetingPolicies") == [("meetingPolicies", [])]
