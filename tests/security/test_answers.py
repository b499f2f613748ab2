"""What several policies answer together: one refusal outweighs everything, in whatever order they are asked."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from mpf_core.security.calls import Decision
from tests.security.guards.base import EVERYTHING, Policy, bench, store_call
from tests.support import CALLER

ALLOW, DENY = Decision(True), Decision(False, "not you", 0x80040042)


@pytest.mark.parametrize(
    ("answers", "allowed"),
    [
        ((ALLOW,), True),
        ((DENY,), False),
        ((None,), False),
        ((ALLOW, ALLOW), True),
        ((ALLOW, None), True),
        ((DENY, None), False),
        ((None, None), False),
        ((ALLOW, DENY), False),
        ((ALLOW, None, DENY), False),
        ((ALLOW, ALLOW, None), True),
        ((True, ALLOW), False),
        (("yes", ALLOW), False),
    ],
)
def test_answers(tmp_path: Path, answers: tuple[object, ...], allowed: bool) -> None:
    for number, order in enumerate(sorted(set(permutations(range(len(answers)))))):
        policies = tuple(
            Policy(lambda _name, answer=answers[place]: answer, f"test.policy{place}")  # type: ignore[misc]
            for place in order
        )
        made = bench(tmp_path / str(number), policies=policies, **EVERYTHING)
        error = made.run(store_call("Put")).error
        assert (error is None) is allowed, order
        assert made.store.values == ({"a": "b"} if allowed else {})
        if DENY in answers:
            assert error is not None
            assert (error.code, error.description) == (0x80040042, "not you")
        elif error is not None:
            assert error.code == 0x80070005
            assert CALLER.name in error.description or "gave no decision" in error.description
