"""Editing access control lists: order, combination, undo; words and numbers; and what a list allows."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_directory import acl_words
from mpf_directory.acl_access import WRITE_DAC, WRITE_PROP, allows
from mpf_directory.acl_change import DescriptorChange
from mpf_directory.acl_edit import AclChange, Wish, do, plan, take_back
from mpf_directory.acl_words import Mode
from mpf_directory.dn import Dn
from mpf_directory.security_descriptor import Ace, AceFlag, AceType, Acl, AnyAce, OpaqueAce, SecurityDescriptor

ANN, BOB, EVE = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002", "S-1-5-21-1-2-3-1003"
GUID, OTHER = UUID(int=1), UUID(int=2)


def allow(sid: str = BOB, mask: int = 1, flags: int = 0, about: UUID | None = None) -> Ace:
    return Ace(AceType.ALLOW_OBJECT if about else AceType.ALLOW, flags, mask, sid, about)


def deny(sid: str = BOB, mask: int = 1, flags: int = 0) -> Ace:
    return Ace(AceType.DENY, flags, mask, sid)


INHERITED = allow(EVE, 7, AceFlag.INHERITED)
INHERITED_DENY = deny(EVE, 7, AceFlag.INHERITED)


def edited(aces: list[AnyAce], *wishes: Wish) -> list[AnyAce]:
    return do(aces, plan(aces, wishes))


class TestOrder:
    def test_new_deny_entries_come_first_and_new_allow_entries_before_those_that_are_there(self) -> None:
        before: list[AnyAce] = [deny(BOB, 2), allow(BOB, 4), INHERITED_DENY, INHERITED]
        after = edited(before, Wish(Mode.GRANT_ACCESS, 1, ANN), Wish(Mode.DENY_ACCESS, 8, ANN))
        assert after == [deny(ANN, 8), deny(BOB, 2), allow(ANN, 1), allow(BOB, 4), INHERITED_DENY, INHERITED]

    def test_a_list_without_allow_entries_gets_them_before_the_inherited_ones(self) -> None:
        assert edited([deny(), INHERITED], Wish(Mode.GRANT_ACCESS, 1, ANN)) == [deny(), allow(ANN, 1), INHERITED]

    def test_an_empty_list(self) -> None:
        assert edited([], Wish(Mode.GRANT_ACCESS, 1, ANN), Wish(Mode.DENY_ACCESS, 2, ANN)) == [deny(ANN, 2), allow(ANN, 1)]

    def test_audit_entries_come_behind_the_own_ones(self) -> None:
        audit = Ace(AceType.AUDIT, AceFlag.FAILED_ACCESS, 4, BOB)
        new = Ace(AceType.AUDIT, AceFlag.SUCCESSFUL_ACCESS | 2, 1, ANN)
        assert edited([audit, INHERITED], Wish(Mode.SET_AUDIT_SUCCESS, 1, ANN, 2)) == [audit, new, INHERITED]


class TestModes:
    def test_what_is_there_is_not_granted_again(self) -> None:
        assert not plan([allow(ANN, 7)], [Wish(Mode.GRANT_ACCESS, 3, ANN)])
        assert plan([allow(ANN, 7, 2)], [Wish(Mode.GRANT_ACCESS, 3, ANN)])
        assert plan([allow(ANN, 7, about=GUID)], [Wish(Mode.GRANT_ACCESS, 3, ANN)])
        assert plan([deny(ANN, 7)], [Wish(Mode.GRANT_ACCESS, 3, ANN)])
        assert plan([allow(ANN, 7, AceFlag.INHERITED)], [Wish(Mode.GRANT_ACCESS, 3, ANN)])

    def test_set_replaces_all_that_the_trustee_has_and_leaves_the_others(self) -> None:
        before: list[AnyAce] = [deny(ANN, 2), deny(BOB), allow(ANN, 1, 2), allow(BOB), allow(ANN, 9, about=GUID), INHERITED]
        assert edited(before, Wish(Mode.SET_ACCESS, 4, ANN)) == [deny(BOB), allow(ANN, 4), allow(BOB), INHERITED]
        assert not plan([allow(BOB), allow(ANN, 4)], [Wish(Mode.SET_ACCESS, 4, ANN)])

    def test_set_leaves_conditions_alone(self) -> None:
        conditional = Ace(AceType.ALLOW_CALLBACK, 0, 1, ANN, extra=b"artx")
        strange = OpaqueAce(0x30, 0, b"??")
        assert edited([conditional, strange], Wish(Mode.SET_ACCESS, 4, ANN)) == [allow(ANN, 4), conditional, strange]

    @pytest.mark.parametrize(
        "entry", [allow(ANN, 5, 2), deny(ANN, 5, 2), Ace(AceType.AUDIT, 2 | AceFlag.FAILED_ACCESS, 5, ANN)]
    )
    def test_revoke_takes_what_matches(self, entry: Ace) -> None:
        assert edited([entry, allow(BOB)], Wish(Mode.REVOKE_ACCESS, 5, ANN, 2)) == [allow(BOB)]

    @pytest.mark.parametrize(
        "wish",
        [
            Wish(Mode.REVOKE_ACCESS, 5, BOB, 2),
            Wish(Mode.REVOKE_ACCESS, 4, ANN, 2),
            Wish(Mode.REVOKE_ACCESS, 5, ANN, 0),
            Wish(Mode.REVOKE_ACCESS, 5, ANN, 2, GUID),
            Wish(Mode.REVOKE_ACCESS, 7, EVE, AceFlag.INHERITED),
        ],
    )
    def test_revoke_of_what_does_not_match_is_no_error_and_no_change(self, wish: Wish) -> None:
        assert not plan([allow(ANN, 5, 2), INHERITED], [wish])

    def test_revoke_goes_by_object_types_too(self) -> None:
        before: list[AnyAce] = [allow(ANN, 5, about=GUID), allow(ANN, 5, about=OTHER), allow(ANN, 5)]
        assert edited(before, Wish(Mode.REVOKE_ACCESS, 5, ANN, 0, GUID)) == before[1:]

    @pytest.mark.parametrize(("generic", "mask"), acl_words.GENERIC_RIGHTS.items())
    def test_what_is_granted_by_a_generic_right_is_revoked_by_it_too(self, generic: int, mask: int) -> None:
        (entry,) = edited([], Wish(Mode.GRANT_ACCESS, generic, ANN))
        assert entry == allow(ANN, mask)
        # What only others inherit keeps generic rights as they are.
        unmapped = allow(ANN, generic, AceFlag.INHERIT_ONLY)
        for right in (generic, mask):
            assert edited([entry], Wish(Mode.REVOKE_ACCESS, right, ANN)) == []
            assert edited([unmapped], Wish(Mode.REVOKE_ACCESS, right, ANN, AceFlag.INHERIT_ONLY)) == []
        assert not plan([allow(ANN, mask & ~0x20000)], [Wish(Mode.REVOKE_ACCESS, generic, ANN)])

    def test_later_wishes_see_what_earlier_ones_did(self) -> None:
        wishes = [Wish(Mode.GRANT_ACCESS, 1, ANN), Wish(Mode.REVOKE_ACCESS, 1, ANN)]
        assert not plan([allow(BOB)], wishes)

    def test_an_inherited_entry_cannot_be_added(self) -> None:
        with pytest.raises(MpfError) as raised:
            plan([], [Wish(Mode.GRANT_ACCESS, 1, ANN, AceFlag.INHERITED)])
        assert raised.value.code == Code.E_INVALIDARG


sids = st.sampled_from([ANN, BOB, EVE])
masks = st.integers(1, 4)
flags = st.sampled_from([0, 2, 10])
objects = st.none() | st.just(GUID)
own = st.builds(allow, sids, masks, flags, objects) | st.builds(deny, sids, masks, flags)
inherited = st.builds(lambda ace: Ace(ace.type, ace.flags | 16, ace.mask, ace.sid, ace.object_type), own)
lists = st.builds(lambda a, b: [*a, *b], st.lists(own, max_size=6), st.lists(inherited, max_size=3))
wishes = st.lists(
    st.builds(Wish, st.sampled_from([Mode(number) for number in range(1, 5)]), masks, sids, flags, objects), max_size=4
)


class TestUndo:
    @given(lists, wishes)
    def test_what_is_taken_back_is_as_it_was(self, before: list[AnyAce], wanted: list[Wish]) -> None:
        change = plan(before, wanted)
        after = do(before, change)
        assert take_back(after, change) == before
        assert take_back(before, change) == before
        assert not plan(after, wanted) or {one.mode for one in wanted} != {Mode.GRANT_ACCESS}
        assert do(after, change) == after

    @given(lists, wishes, st.lists(own.filter(lambda ace: ace.sid == EVE), max_size=3), st.integers(0, 5))
    def test_what_others_add_meanwhile_stays(
        self, before: list[AnyAce], wanted: list[Wish], others: list[Ace], place: int
    ) -> None:
        mine = [wish for wish in wanted if wish.sid != EVE]
        change = plan(before, mine)
        after = do(before, change)
        place = min(place, sum(not ace.inherited for ace in after))
        result = take_back([*after[:place], *others, *after[place:]], change)
        assert sorted(map(repr, result)) == sorted(map(repr, [*before, *others]))

    @given(lists, wishes)
    def test_what_others_take_away_meanwhile_is_not_brought_back(self, before: list[AnyAce], wanted: list[Wish]) -> None:
        mine = [wish for wish in wanted if wish.sid != EVE]
        change = plan(before, mine)
        after = [ace for ace in do(before, change) if ace.sid != EVE or ace.inherited]  # type: ignore[union-attr]
        assert all(ace.inherited for ace in take_back(after, change) if ace.sid == EVE)  # type: ignore[union-attr]

    @given(lists, wishes)
    def test_the_journal_keeps_it_all(self, before: list[AnyAce], wanted: list[Wish]) -> None:
        change = DescriptorChange(Dn.parse("OU=x,DC=y"), GUID, {"dacl": plan(before, wanted), "sacl": AclChange()})
        assert DescriptorChange.of(change.to_change("AD01")) == change

    def test_two_that_were_alike_come_back_both(self) -> None:
        before: list[AnyAce] = [allow(ANN), allow(BOB), allow(ANN)]
        change = plan(before, [Wish(Mode.REVOKE_ACCESS, 1, ANN)])
        assert do(before, change) == [allow(BOB)]
        assert take_back([allow(BOB)], change) == before

    def test_a_deny_comes_back_before_what_others_allow_meanwhile(self) -> None:
        change = plan([allow(BOB), deny(ANN)], [Wish(Mode.REVOKE_ACCESS, 1, ANN)])
        assert take_back([allow(BOB), allow(EVE)], change) == [deny(ANN), allow(BOB), allow(EVE)]


class TestWords:
    @pytest.mark.parametrize(
        ("text", "mask"),
        [
            ("GENERIC_READ", 0x80000000),
            ("-2147483648", 0x80000000),
            ("0x20", 0x20),
            ("32", 32),
            ("ADS_RIGHT_DS_READ_PROP|ADS_RIGHT_DS_WRITE_PROP", 0x30),
            ("actrl_ds_list , READ_CONTROL", 0x20004),
            ("WRITE_DAC WRITE_OWNER 0x10000", 0xD0000),
        ],
    )
    def test_permissions(self, text: str, mask: int) -> None:
        assert acl_words.parse_permission(text) == mask

    @pytest.mark.parametrize("text", ["", "READ", "0", "0xg", "4294967296", "READ_CONTROL|", "ACTRL_DS_OPEN", "-3000000000"])
    def test_what_is_no_permission(self, text: str) -> None:
        with pytest.raises(MpfError) as raised:
            acl_words.parse_permission(text)
        assert raised.value.code == Code.E_INVALIDARG

    @pytest.mark.parametrize(
        ("text", "number"), [("1", 1), ("GRANT_ACCESS", 1), ("set_access", 2), ("DENY_ACCESS", 3), ("0x4", 4), ("6", 6)]
    )
    def test_modes(self, text: str, number: int) -> None:
        assert acl_words.parse_mode(text) == number

    @pytest.mark.parametrize("text", ["0", "7", "GRANT", "NOT_USED_ACCESS"])
    def test_what_is_no_mode(self, text: str) -> None:
        with pytest.raises(MpfError) as raised:
            acl_words.parse_mode(text)
        assert raised.value.code == Code.E_INVALIDARG

    @pytest.mark.parametrize(
        ("text", "number"), [("0", 0), ("3", 3), ("CONTAINER_INHERIT_ACE|INHERIT_ONLY_ACE", 10), ("INHERITED_ACE", 16)]
    )
    def test_inheritance(self, text: str, number: int) -> None:
        assert acl_words.parse_inheritance(text) == number
        with pytest.raises(MpfError):
            acl_words.parse_inheritance("64")

    def test_objects_that_are_none_of_a_directory(self) -> None:
        acl_words.check_object_kind("8")
        acl_words.check_object_kind("SE_DS_OBJECT_ALL")
        for text, code in (("SE_FILE_OBJECT", Code.NOT_SUPPORTED), ("4", Code.NOT_SUPPORTED), ("99", Code.E_INVALIDARG)):
            with pytest.raises(MpfError) as raised:
                acl_words.check_object_kind(text)
            assert raised.value.code == code

    @pytest.mark.parametrize(
        ("generic", "mask"), [(0x80000000, 0x20094), (0x40000000, 0x20028), (0x20000000, 0x20004), (0x10000000, 0xF01FF)]
    )
    def test_generic_rights(self, generic: int, mask: int) -> None:
        assert acl_words.specific(generic) == mask
        assert acl_words.specific(generic | 0x100) == mask | 0x100


class TestAccess:
    def check(self, *aces: Ace, right: int = WRITE_PROP, owner: str = EVE) -> bool:
        return allows(SecurityDescriptor(owner=owner, dacl=Acl(aces)), {ANN}, right, {GUID})

    def test_the_first_entry_decides(self) -> None:
        assert self.check(allow(ANN, WRITE_PROP), deny(ANN, WRITE_PROP))
        assert not self.check(deny(ANN, WRITE_PROP), allow(ANN, WRITE_PROP))
        assert not self.check()

    def test_entries_about_others_and_other_things(self) -> None:
        assert not self.check(allow(BOB, WRITE_PROP))
        assert not self.check(allow(ANN, WRITE_PROP, about=OTHER))
        assert self.check(allow(ANN, WRITE_PROP, about=GUID))
        assert not self.check(allow(ANN, WRITE_PROP, AceFlag.INHERIT_ONLY))
        assert not self.check(allow(ANN, 1))

    def test_an_owner_may_change_the_list_and_a_null_list_allows_all(self) -> None:
        assert self.check(right=WRITE_DAC, owner=ANN)
        assert not self.check(right=WRITE_PROP, owner=ANN)
        assert allows(SecurityDescriptor(), {ANN}, WRITE_PROP)
