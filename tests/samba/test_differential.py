"""The same requests to the embedded directory and to a real Active Directory: the same responses, and the same entries after.

``MPF_ALL_DIFFERENCES=1`` tries many more requests at random.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from mpf_directory.port import Directory
from tests.differential.failures import FAILURES
from tests.differential.requests import comparable
from tests.differential.sides import Side, embedded_side, samba_side
from tests.differential.state import comparable as entries
from tests.differential.state import differences
from tests.differential.story import STORY
from tests.differential.vocabulary import SCENARIOS, Request
from tests.samba.controller import Samba

pytestmark = pytest.mark.samba

EXAMPLES = 1000 if os.environ.get("MPF_ALL_DIFFERENCES", "") not in {"", "0"} else 12


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with embedded_side(tmp_path_factory.mktemp("embedded")) as side:
        yield side


@pytest.fixture(scope="module")
def real(samba: Samba, directory: Directory) -> Iterator[Side]:
    with samba_side(samba, directory) as side:
        yield side


@pytest.fixture(autouse=True)
def _as_at_the_start(embedded: Side, real: Side) -> Iterator[None]:
    yield
    for side in (embedded, real):
        side.reset()


def ask_both(embedded: Side, real: Side, request: Request) -> bool:
    """One request to both: the responses are equal. Returns whether it succeeded."""
    here, there = embedded.send(*request), real.send(*request)
    assert comparable(there) == comparable(here), "; ".join(map(str, request))
    return here.error is None


def compare_entries(embedded: Side, real: Side) -> None:
    """What is there now is equal."""
    assert differences(entries(embedded.now()), entries(real.now())) == {}


def test_both_start_from_the_same_tree(embedded: Side, real: Side) -> None:
    assert len(embedded.start) > 90
    compare_entries(embedded, real)


def test_a_long_story_goes_the_same_way(embedded: Side, real: Side) -> None:
    for ask in STORY:
        if ask_both(embedded, real, (ask,)):
            compare_entries(embedded, real)
    compare_entries(embedded, real)


def test_what_is_refused_is_refused_in_the_same_words(embedded: Side, real: Side) -> None:
    for failure in (one for one in FAILURES if not one.setup):
        ask_both(embedded, real, (failure.ask,))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(SCENARIOS)
def test_any_requests_go_the_same_way(embedded: Side, real: Side, scenario: list[Request]) -> None:
    for side in (embedded, real):
        side.reset()
    for request in scenario:
        ask_both(embedded, real, request)
    compare_entries(embedded, real)
