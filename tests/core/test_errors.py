"""Codes: written and read as the original does, and documented."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_core.errors import MEANINGS, Code, format_hresult, parse_hresult
from scripts.write_error_docs import page

ROOT = Path(__file__).parents[2]


def test_every_code_has_a_meaning_and_is_on_the_page() -> None:
    assert set(MEANINGS) == set(Code)
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == page()


@given(st.integers(0, 2**32 - 1))
def test_a_code_survives_hexadecimal_and_signed_decimal(code: int) -> None:
    assert parse_hresult(format_hresult(code)) == code
    assert parse_hresult(str(code - 2**32 if code >= 2**31 else code)) == code


def test_the_form_of_the_samples() -> None:
    assert format_hresult(0x80040E14) == "0x80040e14"


@pytest.mark.parametrize("text", ["", "abc", "0x", "0x1FFFFFFFF", "4294967296", "-2147483649"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_hresult(text)
