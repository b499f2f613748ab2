"""Distinguished names: what is one, what it says, and that nothing in a value can become part of the structure."""

from __future__ import annotations

import pickle
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.utils.dn import parse_dn

from mpf_core.errors import MpfError
from mpf_directory.dn import BAD_PATHNAME, Dn, DnForm, Rdn, respelled
from tests.directory.support import refused

BASE = Dn.parse("DC=Fabrikam,DC=Com")
NASTY = st.text(st.sampled_from(list(' ,+"\\<>;=#/\x00\n\x7faZé€𝄞ßİ')), min_size=1, max_size=12)
VALUES = st.one_of(NASTY, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
GUID = UUID("90395fb9-9ab5-4e1b-9e96-c86c66cb18d9")


def parsed(text: str) -> Dn | str:
    """The name, or why the text is none."""
    try:
        return Dn.parse(text)
    except MpfError as error:
        return error.description


@given(VALUES)
@example("#x")
@example(" ")
@example("a ")
@example("\\")
@example("\\,DC=evil")
def test_any_value_survives_being_put_into_a_name(value: str) -> None:
    child = BASE.child("CN", value)
    read = Dn.parse(str(child))
    assert read.rdns == (Rdn("CN", value), Rdn("DC", "Fabrikam"), Rdn("DC", "Com"))
    assert read == child
    assert read.parent == BASE
    assert Dn.parse(child.normalised).normalised == child.normalised


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_parents_go_back_the_way_that_children_came(values: list[str]) -> None:
    names = [BASE]
    for value in values:
        names.append(names[-1].child("OU", value))
    place: Dn | None = Dn.parse(str(names[-1]))
    for expected in reversed(names):
        assert place is not None
        assert place == expected
        assert str(place) == str(expected)
        assert names[-1].is_within(place)
        place = place.parent


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Skihouse", "\N{LATIN SMALL LETTER LONG S}kihouse"),
        ("k", "\N{KELVIN SIGN}"),
        ("Straße", "Strasse"),
        ("å", "\N{ANGSTROM SIGN}"),
    ],
)
def test_what_directories_do_not_agree_on_is_not_equal_and_shares_its_locks(one: str, other: str) -> None:
    """Who has a name that looks like another one's to this program alone must not pass for that one."""
    first, second = BASE.child("OU", one), BASE.child("OU", other)
    assert first != second
    assert not first.child("CN", "a").is_within(second)
    assert first.normalised == second.normalised


@pytest.mark.parametrize("value", ["ÉCOLE", "ЖУК", "ΣΩ", "a\\  b"])
def test_letters_of_all_alphabets_have_two_cases(value: str) -> None:
    assert BASE.child("OU", value) == BASE.child("OU", value.lower())


@given(VALUES, VALUES)
def test_a_sibling_is_never_within(one: str, other: str) -> None:
    first, second = BASE.child("CN", one), BASE.child("CN", other)
    assert first.is_within(second) == (first == second)
    assert not BASE.is_within(first)


@given(st.text(st.sampled_from(list('CNOU=,\\ +"#;<>2cé')), max_size=24))
def test_what_the_library_accepts_means_the_same_to_us(text: str) -> None:
    try:
        theirs = parse_dn(text)
    except (LDAPInvalidDnError, IndexError):
        return
    if any(separator == "+" for _, _, separator in theirs) or "#" in text:
        return
    ours = parsed(text)
    if isinstance(ours, str):
        assert "UTF-8" in ours  # the library lets other bytes through
        return
    assert [rdn.type for rdn in ours.rdns] == [kind for kind, _, _ in theirs]


class TestSpelling:
    def test_is_kept(self) -> None:
        assert str(Dn.parse("cn=John  Doe , OU = x,dc=COM")) == "cn=John  Doe , OU = x,dc=COM"

    @pytest.mark.parametrize(
        "other",
        [
            "cn=john doe,ou=x,dc=com",
            "CN = John  Doe ,OU=X, DC=Com",
            r"CN=John\20Doe,OU=\78,DC=com",
            r"CN=\4aohn Doe,OU=x,DC=com",
        ],
    )
    def test_makes_no_difference(self, other: str) -> None:
        one, two = Dn.parse("CN=John Doe,OU=x,DC=com"), Dn.parse(other)
        assert one == two
        assert hash(one) == hash(two)
        assert one.normalised == two.normalised
        assert len({one, two}) == 1

    def test_escapes_are_undone(self) -> None:
        dn = Dn.parse(r"CN=Doe\, John\ \2b\c3\a9,DC=com")
        assert dn.rdn == Rdn("CN", "Doe, John +é")

    def test_an_equals_sign_needs_no_escape(self) -> None:
        assert Dn.parse("CN=a=b,DC=com").rdn.value == "a=b"

    def test_an_escaped_blank_at_the_end_counts(self) -> None:
        assert Dn.parse("DC=a\\ ").rdn.value == "a "
        assert Dn.parse("DC=a\\  , DC=b ").rdn.value == "a "
        assert Dn.parse("DC=a\\\\ ,DC=b").rdn.value == "a\\"

    def test_names_of_nothing_but_blanks_are_all_one(self) -> None:
        one, two = BASE.child("CN", " "), BASE.child("CN", "   ")
        assert one == two == Dn.parse(one.normalised)
        assert one != BASE.child("CN", "x")

    def test_the_parents_own_spelling_stays(self) -> None:
        assert str(Dn.parse("CN=a ,  ou=B,dc=C").parent) == "ou=B,dc=C"

    def test_two_hexadecimal_digits_are_no_characters(self) -> None:
        assert Dn.parse(r"CN=\5C2A,DC=a").rdn.value == "\\2A"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "CN",
        "=x",
        "CN=",
        "CN= ,DC=a",
        ",DC=a",
        "CN=a,",
        "CN=a,,DC=b",
        "CN=a+OU=b,DC=c",
        'CN="a",DC=b',
        "CN=a;DC=b",
        "CN=#04024869,DC=b",
        "CN=a\\",
        "CN=a\\zz",
        "CN=a\x00b",
        "CN=a\nb",
        "CN=\\ff,DC=b",
        "C N=a",
        "-x=a",
        "<GUID=x>",
        "<SID=S-1>",
        "<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd>",
        "<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd,<GUID=90395fb9-9ab5-4e1b-9e96-c86c66cb18d9>>",
        "<GUID=90395fb9-9ab5-4e1b-9e96-c86c66cb18d9",
        "CN=a" + "a" * 9000,
        "johnc@alpineskihouse.com",
    ],
)
def test_what_is_no_name_is_a_bad_pathname(text: str) -> None:
    with refused(0x80005000):
        Dn.parse(text)


@pytest.mark.parametrize(("attribute", "value"), [("CN", ""), ("C N", "a"), ("CN=x,OU", "a"), ("CN", "\ud800")])
def test_an_impossible_part_is_refused(attribute: str, value: str) -> None:
    with refused(BAD_PATHNAME):
        BASE.child(attribute, value)


class TestFromAServer:
    @given(st.lists(VALUES, min_size=1, max_size=4))
    def test_a_name_that_can_be_parsed_stays_as_it_is(self, values: list[str]) -> None:
        name = BASE
        for value in values:
            name = name.child("OU", value)
        text = str(name)
        assert respelled(text) == text
        assert Dn.from_server(text) == name

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"+,;<>\\# '), min_size=1, max_size=12))
    def test_control_characters_stand_for_themselves(self, value: str) -> None:
        read = Dn.from_server(f"CN={value},{BASE}")
        assert read == BASE.child("CN", value)
        assert read.rdn.value == value
        assert Dn.parse(str(read)) == read
        assert str(read.parent) == str(BASE)

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("CN=a\tb", "a\tb"),
            ("CN=\x01", "\x01"),
            ("CN=a\x7f", "a\x7f"),
            (r"CN=\09a\0Ab", "\ta\nb"),
            (r"CN=\ ", " "),
            ("CN=m+OU=n", "m+OU=n"),
            ("CN=#0401", "#0401"),
            ('CN="q"', '"q"'),
            ("CN=a;b<c>d", "a;b<c>d"),
            (r"CN=\ff\0A", r"\ff\0A"),
            ("CN=x\\y", "x\\y"),
        ],
    )
    def test_what_nobody_may_pass_is_a_part_of_the_value(self, text: str, value: str) -> None:
        read = Dn.from_server(f"{text},{BASE}")
        assert read.rdns == (Rdn("CN", value), *BASE.rdns)
        assert Dn.parse(str(read)) == read

    def test_a_name_with_a_binary_part_keeps_it(self) -> None:
        assert respelled(f"B:4:0AFF:CN=a\tb,{BASE}") == rf"B:4:0AFF:CN=a\09b,{BASE}"

    def test_what_is_no_name_at_all_is_refused(self) -> None:
        with refused(BAD_PATHNAME):
            Dn.from_server("nothing of the kind")


def test_a_long_hostile_name_is_refused_at_once() -> None:
    with refused(BAD_PATHNAME):
        Dn.parse("CN=" + "\\ " * 4000 + "+")


class TestSpecialForms:
    def test_guid(self) -> None:
        dashed, octets = Dn.parse(f"<GUID={GUID}>"), Dn.parse(f"<GUID={GUID.bytes_le.hex()}>")
        assert dashed == octets == Dn.by_guid(GUID)
        assert dashed.form is DnForm.GUID
        assert dashed.guid == GUID
        assert dashed != BASE
        assert str(dashed) == f"<GUID={GUID}>"

    def test_well_known_guid(self) -> None:
        dn = Dn.parse("<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd, dc=Fabrikam,dc=com>")
        assert dn.form is DnForm.WKGUID
        assert dn.guid is not None
        assert dn.guid.bytes_le.hex() == "a9d1ca15768811d1aded00c04fd8d5cd"
        assert str(dn.container) == "dc=Fabrikam,dc=com"
        assert dn == Dn.by_well_known_guid(dn.guid, BASE)
        assert dn != BASE

    def test_sid(self) -> None:
        dn = Dn.by_sid("s-1-5-21-1-2-3-500")
        assert dn == Dn.parse("<SID=S-1-5-21-1-2-3-500>")
        assert dn.sid == "S-1-5-21-1-2-3-500"

    @pytest.mark.parametrize("form", ["<SID=S-1-5-32-544>", f"<GUID={GUID}>"])
    def test_have_no_place(self, form: str) -> None:
        dn = Dn.parse(form)
        for use in (lambda: dn.rdn, lambda: dn.parent, lambda: dn.child("CN", "x"), lambda: dn.is_within(BASE)):
            with refused(BAD_PATHNAME):
                use()
        with refused(BAD_PATHNAME):
            BASE.is_within(dn)
        with refused(BAD_PATHNAME):
            _ = dn.container


def test_a_name_cannot_be_changed_and_can_be_pickled() -> None:
    with pytest.raises(AttributeError):
        BASE.form = DnForm.GUID
    with pytest.raises(AttributeError):
        del BASE.rdns
    assert pickle.loads(pickle.dumps(BASE)) == BASE
    assert BASE not in [str(BASE), None]
    assert repr(BASE) == "Dn('DC=Fabrikam,DC=Com')"
