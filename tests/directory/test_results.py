"""Result codes and security identifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.errors import Code
from mpf_directory.results import HRESULTS, Result, hresult
from mpf_directory.sids import sid_to_octets, sid_to_text


@pytest.mark.parametrize(
    ("ldap_code", "code"),
    [
        (16, 0x8007200A),
        (19, 0x8007202F),
        (20, 0x8007200D),
        (21, 0x8007200B),
        (32, 0x80072030),
        (49, 0x8007052E),
        (50, 0x80070005),
        (53, 0x80072035),
        (64, 0x80072037),
        (65, 0x80072014),
        (66, 0x80072015),
        (67, 0x80072016),
        (68, 0x80071392),
        (80, 0x8007001F),
        (9999, 0x8007001F),
    ],
)
def test_hresults_are_those_of_adsi(ldap_code: int, code: int) -> None:
    assert hresult(ldap_code) == code


def test_no_code_is_there_twice() -> None:
    # Partial results are the referral of LDAP version 2.
    assert len(set(HRESULTS.values())) == len(HRESULTS.keys() - {9})
    assert not {int(result) for result in Result} & {int(code) for code in Code}


@given(st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15))
def test_a_sid_survives_both_forms(authority: int, parts: list[int]) -> None:
    text = "-".join(["S-1", str(authority), *map(str, parts)])
    assert sid_to_text(sid_to_octets(text)) == text


def test_a_well_known_sid() -> None:
    assert sid_to_octets("S-1-5-32-544").hex() == "01020000000000052000000020020000"


@pytest.mark.parametrize(
    "text", ["", "S-1", "S-1-5", "S-2-5-1", "S-1-5-x", "S-1-5-4294967296", "S-1-999999999999999-1", "x-1-5-1"]
)
def test_no_sid_in_text(text: str) -> None:
    with pytest.raises(ValueError):
        sid_to_octets(text)


@pytest.mark.parametrize("octets", [b"", b"\x01\x01", bytes(8), sid_to_octets("S-1-5-32-544")[:-1], b"\x02" + bytes(11)])
def test_no_sid_in_octets(octets: bytes) -> None:
    with pytest.raises(ValueError):
        sid_to_text(octets)
