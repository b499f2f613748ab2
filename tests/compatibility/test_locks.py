"""What others build on is as it was in the last release, or the changelog says what is not.

The files beside this one are written by ``python -m scripts.write_locks tests/compatibility/VERSION`` when a version is
released, and never changed afterwards.
"""

from __future__ import annotations

import re
from difflib import ndiff
from functools import cache
from pathlib import Path

import pytest

from scripts.write_locks import LOCKS

ROOT = Path(__file__).parents[2]
RELEASES = sorted(
    (folder for folder in Path(__file__).parent.glob("[0-9]*.[0-9]*") if folder.is_dir()),
    key=lambda folder: tuple(map(int, folder.name.split("."))),
)


def unreleased(changelog: str) -> str:
    """What the changelog says about the version that is not released yet."""
    found = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    assert found, "the changelog has no part 'Unreleased'"
    return found[1]


def changed(before: list[str], now: list[str]) -> set[str]:
    """The names in the lines that came or went, without the module that they are in."""
    lines = {line[2:] for line in ndiff(_exported(before), _exported(now)) if line[0] in "+-"}
    names = (re.sub(r"^(class|fixture|point) ", "", line) for line in lines)
    return {re.sub(r"^(mpf_core|mpf_pytest)\.(testing\.)?", "", re.split(r"\(|: | = ", name)[0]) for name in names}


def _exported(lines: list[str]) -> list[str]:
    """Sorted, and with the conformance kit where it is today: `mpf_core.testing` exports it, and its module still has it."""
    return sorted(re.sub(r"\bmpf_core\.testing\.conformance\.", "mpf_core.testing.", line) for line in lines)


def unsaid(before: list[str], now: list[str], changelog: str) -> set[str]:
    """The changes that the changelog does not mention: by their whole names, between backticks."""
    code = re.findall(r"`([^`]+)`", unreleased(changelog))
    said = {word for span in code for word in (span, *re.findall(r"[\w.]+", span))}
    return {name for name in changed(before, now) if name not in said}


#: Requests are run for the documents.
EACH_LOCK = pytest.mark.parametrize(
    "lock", [pytest.param(lock, marks=[pytest.mark.slow] * (lock == "documents")) for lock in LOCKS]
)


@cache
def written(lock: str) -> list[str]:
    """What would be written today."""
    return [line for text in LOCKS[lock]() for line in text.splitlines()]


@EACH_LOCK
def test_what_has_changed_since_the_last_release_is_in_the_changelog(lock: str) -> None:
    before = (RELEASES[-1] / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    missing = unsaid(before, written(lock), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert not missing, f"{lock}: changed since {RELEASES[-1].name}, and not under 'Unreleased': {sorted(missing)}"


CHANGELOG = (
    "# Changelog\n\n## Unreleased\n\n### Changed\n- `Engine.execute` takes a `priority`.\n\n## 0.1.0\n- `Engine.plan`\n"
)


def test_a_change_that_is_not_said_is_found() -> None:
    before = [
        "mpf_core.Engine.execute(self) -> Result",
        "mpf_core.Engine.plan(self) -> Plan",
        "engine.timeout: number = 300",
    ]
    assert not unsaid(before, before, CHANGELOG)
    assert not unsaid(before, [before[0].replace("self", "self, priority: int"), *before[1:]], CHANGELOG)
    assert unsaid(before, [before[0], before[2]], CHANGELOG) == {"Engine.plan"}, (
        "an older part of the changelog does not count"
    )
    assert unsaid(before, [*before, "class mpf_core.Queue"], CHANGELOG) == {"Queue"}
    assert unsaid(before, [*before[:2], "engine.timeout: number = 60"], CHANGELOG) == {"engine.timeout"}
    words = CHANGELOG.replace("`Engine.execute` takes", "The Engine can execute, and takes")
    assert unsaid(before, [before[0].replace("self", "other"), *before[1:]], words) == {"Engine.execute"}
    assert unsaid([], ["mpfctl new: KIND NAME"], CHANGELOG) == {"mpfctl new"}
    assert not unsaid([], ["mpfctl new: KIND NAME"], CHANGELOG.replace("`Engine.execute`", "`mpfctl new`"))


@EACH_LOCK
def test_a_lock_says_something_and_the_same_each_time(lock: str) -> None:
    lines = written(lock)
    assert len(lines) > 10
    assert lines == [line for text in LOCKS[lock]() for line in text.splitlines()]
    assert not [line for line in lines if " at 0x" in line]
