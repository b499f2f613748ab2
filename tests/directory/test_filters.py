"""Search filters: text and tree say the same, and no value can become part of the structure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.search import parse_filter

from mpf_core.errors import Code
from mpf_directory.filters import (
    BIT_AND,
    And,
    Compare,
    Extensible,
    Filter,
    Not,
    Or,
    Present,
    Relation,
    Substring,
)
from tests.directory.support import refused

ATTRIBUTES = st.sampled_from(["cn", "objectClass", "msRTCSIP-PrimaryUserAddress", "2.5.4.3"])
TEXT = st.text(
    st.one_of(st.sampled_from(list("*()\\ \x00\n&|!=<>~:é")), st.characters(exclude_categories=["Cs"])), max_size=10
)
OCTETS = st.binary(min_size=1, max_size=8).filter(lambda octets: not _is_text(octets))
LEAVES = st.one_of(
    st.builds(Filter.present, ATTRIBUTES),
    st.builds(Compare, ATTRIBUTES, st.sampled_from(Relation), TEXT),
    st.builds(Filter.eq, ATTRIBUTES, OCTETS),
    st.builds(Filter.starts_with, ATTRIBUTES, TEXT),
    st.builds(Filter.in_chain, ATTRIBUTES, TEXT),
    st.builds(
        lambda attribute, first, between, last: Substring(attribute, (first, *between, last)),
        ATTRIBUTES,
        TEXT,
        st.lists(TEXT.filter(bool), max_size=3),
        TEXT,
    ).filter(lambda item: any(item.parts)),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: Filter.and_(*items)),
        st.lists(inner, max_size=3).map(lambda items: Filter.or_(*items)),
        inner.map(Filter.not_),
    ),
    max_leaves=8,
)


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(FILTERS)
def test_a_filter_survives_its_text(wanted: Filter) -> None:
    assert Filter.parse(str(wanted)) == wanted


@given(ATTRIBUTES, TEXT)
def test_a_value_stays_one_value(attribute: str, value: str) -> None:
    text = str(Filter.eq(attribute, value))
    assert text.count("(") == text.count(")") == 1
    assert "*" not in text
    assert not any(ord(char) < 0x20 for char in text)


@given(ATTRIBUTES, st.text(st.sampled_from(list("*()\\ab\x00")), min_size=1, max_size=6))
def test_the_library_that_sends_it_understands_the_text(attribute: str, value: str) -> None:
    tree = parse_filter(str(Filter.eq(attribute, value)), None, False, False, None, False).elements[0]  # type: ignore[no-untyped-call]
    assert tree.assertion["attr"] == attribute


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("objectClass=user", Filter.eq("objectClass", "user")),
        ("(objectClass=user)", Filter.eq("objectClass", "user")),
        (" ( objectClass =user) ", Filter.eq("objectClass", "user")),
        ("&(a=b)(c=*)", And((Filter.eq("a", "b"), Present("c")))),
        ("(|(a=b)(!(c>=3)))", Or((Filter.eq("a", "b"), Not(Compare("c", Relation.AT_LEAST, "3"))))),
        ("(cn=a*b**c)", Substring("cn", ("a", "b", "c"))),
        ("(cn=*a*)", Substring("cn", ("", "a", ""))),
        ("(cn=**)", Present("cn")),
        ("(cn= a )", Filter.eq("cn", " a ")),
        ("(cn=)", Filter.eq("cn", "")),
        (r"(cn=\2a)", Filter.eq("cn", "*")),
        (r"(cn=\5c2a)", Filter.eq("cn", r"\2a")),
        (r"(cn=\c3\a9)", Filter.eq("cn", "é")),
        (r"(objectGUID=\ff\00)", Filter.eq("objectGUID", b"\xff\x00")),
        (f"(groupType:{BIT_AND}:=2147483648)", Extensible("groupType", BIT_AND, "2147483648")),
        ("(a~=b)", Compare("a", Relation.APPROXIMATE, "b")),
        ("(&)", And(())),
        ("(|)", Or(())),
        ("(& (a=b) \n (c=d) )", And((Filter.eq("a", "b"), Filter.eq("c", "d")))),
    ],
)
def test_reading(text: str, wanted: Filter) -> None:
    assert Filter.parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "()",
        "(",
        "cn",
        "(cn)",
        "(=x)",
        "(cn=a",
        "(cn=a))",
        "(cn=a)(cn=b)",
        "(!(a=b)(c=d))",
        "(!)",
        "(&a=b)",
        r"(cn=\)",
        r"(cn=\2)",
        r"(cn=\zz)",
        "(cn=a\x00b)",
        "(c n=a)",
        "(cn>=a*)",
        r"(cn=\ff*)",
        "(cn;binary=a)",
        "(&" * 60 + "(a=b)" + ")" * 60,
        "(!" * 100_000,
        "(cn=\ud800\\41)",
    ],
)
def test_anything_else_is_an_invalid_argument(text: str) -> None:
    with refused(Code.E_INVALIDARG):
        Filter.parse(text)


@pytest.mark.parametrize("name", ["", "c n", "cn)(x", "cn=", "é", "1"])
def test_a_builder_takes_no_impossible_attribute(name: str) -> None:
    for build in (Filter.present, lambda name: Filter.eq(name, "x"), lambda name: Filter.starts_with(name, "x")):
        with refused(Code.E_INVALIDARG):
            build(name)
