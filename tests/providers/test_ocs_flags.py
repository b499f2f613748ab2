"""Bit fields: the documented values, and that other bits are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpf_ocs.flags import OPTION_FLAGS, change_bits, has_bit, pool_type

_names = st.sampled_from(sorted(OPTION_FLAGS))
_int32 = st.integers(-(2**31), 2**31 - 1)


def test_the_worked_example_of_the_documentation() -> None:
    # 961 has the bits 0, 6, 7, 8 and 9.
    assert all(has_bit(961, name) for name in OPTION_FLAGS)
    assert change_bits(961, dict.fromkeys(OPTION_FLAGS, False)) == 512


def test_public_network_voice_and_enhanced_presence_make_385() -> None:
    wanted = {"publicNetworkEnabled": True, "ucEnabled": True, "enabledForEnhancedPresence": True}
    assert change_bits(0, wanted) == 385


@given(_int32, st.dictionaries(_names, st.booleans()))
def test_only_the_given_bits_change(value: int, changes: dict[str, bool]) -> None:
    changed = change_bits(value, changes)
    mask = sum(OPTION_FLAGS[name] for name in changes)
    assert changed & ~mask == value & ~mask
    assert all(has_bit(changed, name) is wanted for name, wanted in changes.items())
    assert -(2**31) <= changed < 2**31


@given(_int32, st.dictionaries(_names, st.booleans()))
def test_changing_twice_is_changing_once(value: int, changes: dict[str, bool]) -> None:
    assert change_bits(change_bits(value, changes), changes) == change_bits(value, changes)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(0, None), (1, "Home Server Pool"), (2, "Front End Pool"), (5, "Home Server Pool"), (10, "Front End Pool")],
)
def test_the_kind_of_pool(value: int, kind: str | None) -> None:
    assert pool_type(value) == kind
