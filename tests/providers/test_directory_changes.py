"""Directory operations as data, their JSON, and taking them back: whatever somebody else did in the meantime."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Change, Json, Undo
from mpf_directory.changes import DirectoryProvider, domain_of
from mpf_directory.dn import Dn
from mpf_directory.operations import (
    Add,
    Delete,
    Modify,
    Operation,
    Rename,
    ValueChange,
    add,
    after,
    from_json,
    plan_modify,
    to_json,
    value_key,
)
from mpf_directory.port import Entry, Modification, ModifyOp, Value
from mpf_directory.results import Result
from tests.providers.ad_site import CUSTOMER, GROUP, OTHER, RESELLER, USER, Done, Failing, Site, site_in

GUID = UUID("0f7e6b5a-9a3c-4d1b-8e2f-1a2b3c4d5e6f")
DESCRIPTION = "description"
KEYWORDS_HOLDER = f"CN=Pointer,{CUSTOMER}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


def do(site: Site, *operations: Operation | None) -> Done:
    """Apply operations as a provider's change."""
    done = Done(site, site.context(), DirectoryProvider.change(site.directory, *operations))
    if done.change.data is not None:
        site.provider.apply(done.ctx, done.change)
    return done


def read(site: Site, dn: str, *attributes: str) -> Entry:
    entry = site.find(dn, *attributes, "objectGUID")
    assert entry is not None
    return entry


def modify(site: Site, dn: str, **wanted: Sequence[Value]) -> Done:
    return do(site, plan_modify(read(site, dn, *wanted), wanted))


def entry_with(**attributes: tuple[Value, ...]) -> Entry:
    return Entry(Dn.parse(USER), {"objectGUID": (GUID.bytes_le,), **attributes})


class TestPlanModify:
    def test_names_what_is_really_added_and_removed(self) -> None:
        planned = plan_modify(entry_with(keywords=("a", "b")), {"keywords": ["b", "c"]})
        assert planned == Modify(Dn.parse(USER), {"keywords": ValueChange(added=("c",), removed=("a",))}, GUID)

    @pytest.mark.parametrize(
        ("attribute", "there", "wanted"),
        [
            ("userAccountControl", "512", "0512"),
            ("member", USER, USER.upper().replace(",", " , ")),
            ("otherWellKnownObjects", f"B:32:{'a' * 32}:{USER}", f"B:32:{'A' * 32}:{USER.lower()}"),
            ("objectSid", b"\1\2", b"\1\2"),
        ],
    )
    def test_equal_values_are_no_change(self, attribute: str, there: Value, wanted: Value) -> None:
        assert plan_modify(entry_with(**{attribute: (there,)}), {attribute: [wanted]}) is None

    def test_text_in_another_spelling_is_a_change(self) -> None:
        planned = plan_modify(entry_with(displayName=("john",)), {"DisplayName": ["John"]})
        assert planned is not None
        assert planned.changes == {"DisplayName": ValueChange(added=("John",), removed=("john",))}

    def test_adding_what_is_there_and_deleting_what_is_not_is_no_change(self) -> None:
        parts = [Modification("keywords", ModifyOp.ADD, ("A",)), Modification("keywords", ModifyOp.DELETE, ("z",))]
        assert plan_modify(entry_with(keywords=("a",)), parts) is None

    def test_modifications_are_done_in_order_whatever_the_spelling_of_their_attribute(self) -> None:
        parts = [
            Modification("keywords", ModifyOp.REPLACE, ("x", "y")),
            Modification("Keywords", ModifyOp.DELETE, ("X",)),
            Modification("KEYWORDS", ModifyOp.ADD, ("z",)),
        ]
        assert after(entry_with(keywords=("a",)), parts) == {"keywords": ("y", "z")}

    def test_a_delete_without_values_deletes_all(self) -> None:
        assert after(entry_with(keywords=("a", "b")), [Modification("keywords", ModifyOp.DELETE)]) == {"keywords": ()}

    @pytest.mark.parametrize("attribute", ["unicodePwd", "USERPASSWORD"])
    def test_a_password_is_refused(self, attribute: str) -> None:
        with pytest.raises(MpfError) as raised:
            plan_modify(entry_with(), {attribute: [b"secret"]})
        assert raised.value.code == Code.E_INVALIDARG
        with pytest.raises(MpfError):
            add(Dn.parse(USER), {attribute: [b"secret"]})

    @given(st.sets(st.sampled_from("abcde")), st.sets(st.sampled_from("ABcdef")))
    def test_the_change_leads_from_one_to_the_other(self, there: set[str], wanted: set[str]) -> None:
        entry = entry_with(keywords=tuple(there))
        planned = plan_modify(entry, {"keywords": sorted(wanted)})
        result = after(entry, planned.modifications)["keywords"] if planned else tuple(there)
        assert set(result) == wanted


ATTRIBUTES = st.dictionaries(
    st.sampled_from(["description", "keywords", "objectSid", "member"]),
    st.lists(st.one_of(st.text(min_size=1, alphabet=st.characters(codec="utf-8")), st.binary(min_size=1)), min_size=1).map(tuple),
)  # fmt: skip


class TestJson:
    @given(ATTRIBUTES, st.booleans())
    def test_add_survives(self, attributes: dict[str, tuple[Value, ...]], shared: bool) -> None:
        self.check(Add(Dn.parse(USER), attributes, shared, 1234.5))

    @given(ATTRIBUTES, ATTRIBUTES, st.none() | st.uuids())
    def test_modify_survives(
        self, added: dict[str, tuple[Value, ...]], removed: dict[str, tuple[Value, ...]], guid: UUID | None
    ) -> None:
        names = added.keys() | removed.keys()
        changes = {name: ValueChange(added.get(name, ()), removed.get(name, ())) for name in names}
        self.check(Modify(Dn.parse(USER), changes, guid))

    @given(st.uuids())
    def test_rename_and_delete_survive(self, guid: UUID) -> None:
        self.check(Rename(Dn.parse(USER), Dn.parse(OTHER), guid))
        self.check(Delete(Dn.parse(USER), guid))

    @staticmethod
    def check(operation: Operation) -> None:
        assert from_json(json.loads(json.dumps(to_json(operation)))) == operation

    @pytest.mark.parametrize("data", [None, {"op": "merge", "dn": USER}])
    def test_anything_else_is_refused(self, data: Json) -> None:
        with pytest.raises(ValueError, match="operation"):
            from_json(data)

    def test_the_change_names_the_server_and_holds_nothing_but_json(self, site: Site) -> None:
        done = modify(site, USER, description=["Ski instructor"])
        assert isinstance(done.change.data, dict)
        assert done.change.data["server"] == site.directory.server
        assert json.loads(json.dumps(done.change.data)) == done.change.data


class TestUndoOfModify:
    def test_takes_back_what_it_did(self, site: Site) -> None:
        site.set(USER, description=["before"])
        snapshot = site.snapshot()
        done = modify(site, USER, description=["after"], displayName=["John C"])
        assert site.values(USER, "displayName") == ["John C"]
        assert done.undo() is Undo.UNDONE
        assert site.snapshot() == snapshot

    def test_twice_does_nothing_the_second_time(self, site: Site) -> None:
        done = modify(site, USER, description=["after"])
        done.undo()
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_without_the_effect_there_is_nothing_to_undo(self, site: Site) -> None:
        planned = plan_modify(read(site, USER, DESCRIPTION), {DESCRIPTION: ["after"]})
        done = Done(site, site.context(), DirectoryProvider.change(site.directory, planned))
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_leaves_the_values_of_others_alone(self, site: Site) -> None:
        site.put(KEYWORDS_HOLDER, "serviceConnectionPoint", keywords=["mine", "old"])
        done = modify(site, KEYWORDS_HOLDER, keywords=["mine", "new"])
        site.set(KEYWORDS_HOLDER, keywords=["mine", "new", "theirs"])
        assert done.undo() is Undo.UNDONE
        assert site.values(KEYWORDS_HOLDER, "keywords") == ["mine", "old", "theirs"]

    def test_does_not_add_again_what_is_back_already(self, site: Site) -> None:
        site.put(KEYWORDS_HOLDER, "serviceConnectionPoint", keywords=["old"])
        done = modify(site, KEYWORDS_HOLDER, keywords=["new"])
        site.set(KEYWORDS_HOLDER, keywords=["OLD", "new"])
        assert done.undo() is Undo.UNDONE
        assert site.values(KEYWORDS_HOLDER, "keywords") == ["OLD"]

    @pytest.mark.parametrize("theirs", ["theirs", None])
    def test_a_single_value_that_was_changed_again_is_a_persons_to_decide(self, site: Site, theirs: str | None) -> None:
        site.set(USER, displayName=["before"])
        done = modify(site, USER, displayName=["after"])
        site.set(USER, displayName=[theirs] if theirs else [])
        with pytest.raises(MpfError, match="changed again by somebody else"):
            done.undo()
        assert site.values(USER, "displayName") == ([theirs] if theirs else [])

    def test_a_spelling_comes_back(self, site: Site) -> None:
        site.set(USER, displayName=["john"])
        done = modify(site, USER, displayName=["John"])
        assert site.values(USER, "displayName") == ["John"]
        assert done.undo() is Undo.UNDONE
        assert site.values(USER, "displayName") == ["john"]
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_finds_the_object_after_it_was_moved(self, site: Site) -> None:
        done = modify(site, USER, description=["after"])
        moved = f"CN=Elsewhere,{RESELLER}"
        site.move(USER, moved)
        assert done.undo() is Undo.UNDONE
        assert site.values(moved, DESCRIPTION) == []

    def test_does_not_touch_another_object_of_that_name(self, site: Site) -> None:
        done = modify(site, USER, description=["same"])
        site.move(USER, f"CN=Elsewhere,{RESELLER}")
        site.put(USER, "contact", description=["same"])
        done.undo()
        assert site.values(USER, DESCRIPTION) == ["same"]

    def test_a_deleted_object_has_nothing_to_undo(self, site: Site) -> None:
        done = modify(site, USER, description=["after"])
        site.directory.delete(Dn.parse(USER))
        assert done.undo() is Undo.NOTHING_TO_UNDO

    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        *(st.sets(st.sampled_from("abcdef")) for _ in range(3)),
        st.booleans(),
    )
    def test_any_undo_takes_back_exactly_its_own_values(
        self, site: Site, before: set[str], wanted: set[str], theirs: set[str], forget: bool
    ) -> None:
        if site.find(KEYWORDS_HOLDER) is None:
            site.put(KEYWORDS_HOLDER, "serviceConnectionPoint")
        site.set(KEYWORDS_HOLDER, keywords=sorted(before))
        done = modify(site, KEYWORDS_HOLDER, keywords=sorted(wanted))
        if done.change.data is None:
            assert before == wanted
            return
        site.set(KEYWORDS_HOLDER, keywords=sorted(wanted | theirs))
        done.undo(forget=forget)
        expected = ((wanted | theirs) - (wanted - before)) | (before - wanted)
        assert site.values(KEYWORDS_HOLDER, "keywords") == sorted(expected)


class TestUndoOfAdd:
    NEW = f"CN=New,{CUSTOMER}"

    def add(self, site: Site, dn: str = NEW) -> Done:
        return do(site, add(Dn.parse(dn), {"objectClass": ["contact"], "description": ["mine"]}))

    def test_deletes_the_object_that_it_created(self, site: Site) -> None:
        snapshot = site.snapshot()
        done = self.add(site)
        assert site.find(self.NEW) is not None
        assert done.undo() is Undo.UNDONE
        assert site.snapshot() == snapshot
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_does_not_delete_another_object_of_that_name(self, site: Site) -> None:
        done = self.add(site)
        site.directory.delete(Dn.parse(self.NEW))
        site.put(self.NEW, "contact", description=["mine"])
        assert done.undo() is Undo.NOTHING_TO_UNDO
        assert site.find(self.NEW) is not None

    def test_without_evidence_tells_its_object_by_comparing(self, site: Site) -> None:
        assert self.add(site).undo(forget=True) is Undo.UNDONE
        assert site.find(self.NEW) is None

    def test_without_evidence_does_not_guess(self, site: Site) -> None:
        done = self.add(site)
        site.set(self.NEW, description=["theirs"])
        with pytest.raises(MpfError, match="not the object that this call would have created"):
            done.undo(forget=True)
        assert site.find(self.NEW) is not None

    def test_without_evidence_an_older_object_is_not_its_own(self, site: Site) -> None:
        done = self.add(site)
        assert isinstance(done.change.data, dict)
        operations = done.change.data["operations"]
        assert isinstance(operations, list)
        operation = operations[0]
        assert isinstance(operation, dict)
        operation["prepared"] = 4e9
        with pytest.raises(MpfError, match="it is older"):
            done.undo(forget=True)

    def test_a_container_that_others_use_stays(self, site: Site) -> None:
        dn = f"OU=New,{CUSTOMER}"
        done = do(site, add(Dn.parse(dn), {"objectClass": ["organizationalUnit"]}))
        site.put(f"CN=Theirs,{dn}", "contact")
        with pytest.raises(MpfError) as raised:
            done.undo()
        assert raised.value.code == Result.CANT_ON_NON_LEAF
        assert site.children(dn) == ["Theirs"]

    def test_an_object_that_somebody_else_created_first_is_theirs(self, site: Site) -> None:
        operation = add(Dn.parse(self.NEW), {"objectClass": ["contact"], "description": ["same"]})
        site.put(self.NEW, "contact", description=["same"])
        done = Done(site, site.context(), DirectoryProvider.change(site.directory, operation))
        with pytest.raises(MpfError) as raised:
            site.provider.apply(done.ctx, done.change)
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS
        assert done.undo() is Undo.NOTHING_TO_UNDO
        assert site.find(self.NEW) is not None

    def test_an_add_of_unknown_outcome_is_looked_for(self, site: Site) -> None:
        site.directories.directory = Failing(site.directory, "add", Code.SERVER_DOWN, after=True)
        operation = add(Dn.parse(self.NEW), {"objectClass": ["contact"], "description": ["mine"]})
        done = Done(site, site.context(), DirectoryProvider.change(site.directory, operation))
        with pytest.raises(MpfError):
            site.provider.apply(done.ctx, done.change)
        site.directories.directory = site.directory
        assert done.undo() is Undo.UNDONE
        assert site.find(self.NEW) is None

    def test_a_shared_container_may_be_there_already_and_stays(self, site: Site) -> None:
        dn = Dn.parse(f"CN=Shared,{CUSTOMER}")
        first = do(site, add(dn, {"objectClass": ["container"]}, shared=True))
        second = do(site, add(dn, {"objectClass": ["container"]}, shared=True))
        assert second.undo() is Undo.NOTHING_TO_UNDO
        site.put(f"CN=Theirs,{dn}", "contact")
        assert first.undo() is Undo.NOTHING_TO_UNDO
        assert site.children(str(dn)) == ["Theirs"]


class TestRenameByGuid:
    """What was decided on is renamed, not what has its name by then."""

    AWAY = f"CN=Away,{RESELLER}"

    @pytest.fixture(params=["", f"CN=Renamed,{CUSTOMER}", f"CN=Johnc,{RESELLER}"], ids=["delete", "rename", "move"])
    def prepared(self, site: Site, request: pytest.FixtureRequest) -> Done:
        user = read(site, USER)
        change = (
            site.provider.rename_change(site.directory, user, Dn.parse(request.param))
            if request.param
            else site.provider.delete_change(site.directory, user.dn)
        )
        return Done(site, site.context(), change)

    def test_a_stranger_that_took_the_name_stays(self, site: Site, prepared: Done) -> None:
        site.move(USER, self.AWAY)
        site.put(USER, "contact")
        before = site.snapshot()
        with pytest.raises(MpfError) as raised:
            site.provider.apply(prepared.ctx, prepared.change)
        assert raised.value.code == Code.LOCK_VIOLATION
        assert USER in raised.value.description
        prepared.undo()
        assert site.snapshot() == before

    def test_nothing_is_renamed_in_place_of_what_is_gone(self, site: Site, prepared: Done) -> None:
        site.directory.delete(Dn.parse(USER))
        site.put(USER, "contact")
        with pytest.raises(MpfError) as raised:
            site.provider.apply(prepared.ctx, prepared.change)
        assert raised.value.code == Code.NO_SUCH_OBJECT
        prepared.undo()
        assert read(site, USER, "objectClass").values("objectClass")[-1] == "contact"


class TestUndoOfRename:
    NEW = f"CN=John,{RESELLER}"

    def rename(self, site: Site, dn: str = USER, new_dn: str = NEW) -> Done:
        return do(site, Rename(Dn.parse(dn), Dn.parse(new_dn), site.guid(dn)))

    def test_moves_it_back_with_all_below_it(self, site: Site) -> None:
        snapshot = site.snapshot()
        done = self.rename(site, CUSTOMER, f"OU=Renamed,{RESELLER}")
        assert site.find(USER) is None
        assert done.undo() is Undo.UNDONE
        assert site.snapshot() == snapshot
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_another_spelling_comes_back(self, site: Site) -> None:
        done = self.rename(site, USER, USER.replace("Johnc", "JOHNC"))
        assert done.undo() is Undo.UNDONE
        assert str(read(site, USER).dn) == USER
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_an_object_that_was_moved_again_is_a_persons_to_decide(self, site: Site) -> None:
        done = self.rename(site)
        site.move(self.NEW, f"CN=Theirs,{RESELLER}")
        with pytest.raises(MpfError, match="moved again by somebody else"):
            done.undo()

    def test_a_deleted_object_has_nothing_to_undo(self, site: Site) -> None:
        done = self.rename(site)
        site.directory.delete(Dn.parse(self.NEW))
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_a_name_that_somebody_took_fails_the_undo(self, site: Site) -> None:
        done = self.rename(site)
        site.put(USER, "contact")
        with pytest.raises(MpfError) as raised:
            done.undo()
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS


class TestSeveralOperations:
    def operations(self, site: Site) -> list[Operation | None]:
        return [
            add(Dn.parse(f"CN=One,{CUSTOMER}"), {"objectClass": ["contact"]}),
            plan_modify(read(site, USER, DESCRIPTION), {DESCRIPTION: ["changed"]}),
            Rename(Dn.parse(OTHER), Dn.parse(f"CN=Ann,{CUSTOMER}"), site.guid(OTHER)),
            None,
            add(Dn.parse(f"CN=Two,{CUSTOMER}"), {"objectClass": ["contact"]}),
        ]

    @pytest.mark.parametrize("forget", [False, True])
    def test_are_undone_in_reverse_order(self, site: Site, forget: bool) -> None:
        snapshot = site.snapshot()
        assert do(site, *self.operations(site)).undo(forget=forget) is Undo.UNDONE
        assert site.snapshot() == snapshot

    @pytest.mark.parametrize(
        ("code", "after_effect"), [(Code.E_ACCESSDENIED, False), (Code.SERVER_DOWN, False), (Code.SERVER_DOWN, True)]
    )
    @pytest.mark.parametrize(("operation", "at"), [("add", 1), ("modify", 1), ("rename", 1), ("add", 2)])
    def test_a_failure_at_any_of_them_leaves_nothing_behind(
        self, site: Site, operation: str, at: int, code: int, after_effect: bool
    ) -> None:
        snapshot = site.snapshot()
        done = Done(site, site.context(), DirectoryProvider.change(site.directory, *self.operations(site)))
        site.directories.directory = Failing(site.directory, operation, code, after=after_effect, at=at)
        with pytest.raises(MpfError):
            site.provider.apply(done.ctx, done.change)
        site.directories.directory = site.directory
        done.undo()
        assert site.snapshot() == snapshot

    def test_nothing_to_do_is_a_change_that_does_nothing(self, site: Site) -> None:
        assert DirectoryProvider.change(site.directory, None) == Change()


class TestDescribe:
    def test_is_ldif(self, site: Site) -> None:
        site.set(USER, description=["old"])
        change = DirectoryProvider.change(
            site.directory,
            add(Dn.parse(f"CN=Zoë,{CUSTOMER}"), {"objectClass": ["contact"], "description": [" x" * 50]}),
            plan_modify(read(site, USER, DESCRIPTION), {DESCRIPTION: ["new"]}),
            Rename(Dn.parse(OTHER), Dn.parse(f"CN=Ann\\, W,{RESELLER}"), GUID),
            Rename(Dn.parse(OTHER), Dn.parse(f"CN=Ann,{CUSTOMER}"), GUID),
            commit=[Delete(Dn.parse(GROUP), GUID)],
        )
        records = site.provider.describe(change).split("\n\n")
        assert records[0].startswith("dn:: ")
        assert "description:: " in records[0]
        assert max(len(line) for line in records[0].splitlines()) == 76
        assert records[1].splitlines() == [
            f"dn: {USER}"[:76], " " + f"dn: {USER}"[76:], "changetype: modify",
            "delete: description", "description: old", "-", "add: description", "description: new", "-",
        ]  # fmt: skip
        assert "newrdn: CN=Ann\\, W\ndeleteoldrdn: 1\nnewsuperior: OU=ConsolidatedMessenger" in records[2]
        assert "newsuperior" not in records[3]
        assert "committed\n" in records[4]
        assert records[4].rstrip().endswith("changetype: delete")

    def test_nothing_is_nothing(self, site: Site) -> None:
        assert site.provider.describe(Change()).strip() == ""


@pytest.mark.parametrize(("dn", "domain"), [(USER, "Fabrikam.Com"), ("CN=x", ""), (f"<GUID={GUID}>", "")])
def test_the_domain_of_a_name(dn: str, domain: str) -> None:
    assert domain_of(Dn.parse(dn)) == domain


@given(st.text(min_size=1), st.sampled_from(["member", "otherWellKnownObjects", "userAccountControl", "cn", "unknown"]))
def test_any_text_has_a_key(text: str, attribute: str) -> None:
    assert value_key(attribute, text) == value_key(attribute, text)
