"""The table of the service account's rights, and its commands where there is no server. On a real one: tests/samba."""

from __future__ import annotations

import pytest

from mpf_directory.rights import Access, Place, Reach, Right
from mpf_directory.rights_table import NEEDS, also, needed
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture

EVERY = [right for need in NEEDS for right in need.rights]


def test_nothing_stands_in_it_twice() -> None:
    assert len(set(EVERY)) == len(EVERY)
    assert len({need.why for need in NEEDS}) == len(NEEDS)


def test_nothing_is_about_the_whole_domain_or_allows_everything() -> None:
    for right in EVERY:
        assert not right.denied
        assert right.about or right.access in {Access.WRITE_DAC, NEEDS[0].rights[0].access}, str(right)
        assert right.place in set(Place)


def test_impersonation_by_policy_needs_more() -> None:
    assert set(needed(policy=False)) < set(needed(policy=True)) == set(NEEDS)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("user:employeeID", Right(Access.WRITE_PROP, Place.HOSTING, "employeeID", "user", Reach.BELOW)),
        (" contact : mail ", Right(Access.WRITE_PROP, Place.HOSTING, "mail", "contact", Reach.BELOW)),
        ("organizationalUnit:c", Right(Access.WRITE_PROP, Place.HOSTING, "c", "organizationalUnit", Reach.TREE)),
    ],
)
def test_what_an_operator_adds(text: str, right: Right) -> None:
    assert also(text) == right


@pytest.mark.parametrize("text", ["", "employeeID", "user:", ":employeeID"])
def test_what_is_no_class_with_an_attribute(text: str) -> None:
    with pytest.raises(ValueError, match="class:attribute"):
        also(text)


def test_in_words() -> None:
    assert str(EVERY[0]) == "read at and below the Hosting unit"
    assert str(also("user:employeeID")) == "write employeeID of user objects below the Hosting unit"


def test_the_embedded_directory_has_none(run: Run) -> None:  # noqa: F811
    assert run("init").exit_code == 0
    result = run("directory", "rights")
    assert result.exit_code == 1
    assert "the embedded directory has no access control lists" in result.output
