"""A name of what was authorized leads to that object, or nowhere; and what the transaction renames itself is followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_directory.authorized import AuthorizedDirectory
from mpf_directory.caching import ForgettingDirectory
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.memory import Memory
from mpf_directory.operations import guid_of

BASE = Dn.parse("DC=Fabrikam,DC=Com")
UNIT = BASE.child("OU", "Unit")
JOHN, ANN = UNIT.child("CN", "john"), UNIT.child("CN", "ann")
ELSEWHERE = BASE.child("OU", "Elsewhere")


@dataclass
class Ground:
    """What everybody sees and changes, what the transaction reads, and what it writes with."""

    real: EmbeddedDirectory
    memory: Memory = field(default_factory=Memory)

    @property
    def reads(self) -> AuthorizedDirectory:
        return AuthorizedDirectory(self.real, self.memory)

    @property
    def writes(self) -> ForgettingDirectory:
        return ForgettingDirectory(self.real, self.memory)

    def authorize(self, dn: Dn) -> Dn:
        """As a policy does. Returns the object's name by GUID."""
        entry = self.real.read(dn, ["objectGUID"])
        guid = guid_of(entry) if entry is not None else None
        assert guid is not None
        self.memory.authorized[dn] = guid
        return Dn.by_guid(guid)

    def is_refused(self, dn: Dn, attributes: Sequence[str] = ("description",)) -> bool:
        try:
            self.reads.read(dn, attributes)
        except MpfError as error:
            if error.code != Code.LOCK_VIOLATION:
                raise
            return True
        return False

    def swap(self) -> None:
        """Another tool gives John's name to Ann."""
        self.real.rename(JOHN, UNIT.child("CN", "old"))
        self.real.rename(ANN, JOHN)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with EmbeddedDirectory.create(tmp_path / "directory.db", server="AD01.Fabrikam.com", base=BASE) as directory:
        for unit in (UNIT, ELSEWHERE):
            directory.add(unit, {"objectClass": ["organizationalUnit"]})
        for user in (JOHN, ANN):
            directory.add(user, {"objectClass": ["user"], "sAMAccountName": [user.rdn.value]})
        yield Ground(directory)


@pytest.mark.parametrize("attributes", [(), ("description",), ("objectGUID",), ("OBJECTGUID", "cn"), ("*",)])
def test_a_name_that_another_object_has_by_now_is_refused(ground: Ground, attributes: tuple[str, ...]) -> None:
    ground.authorize(JOHN)
    assert not ground.is_refused(JOHN, attributes)
    ground.swap()
    assert ground.is_refused(JOHN, attributes)


def test_by_its_guid_the_object_is_found_whatever_its_name(ground: Ground) -> None:
    john = ground.authorize(JOHN)
    ground.swap()
    entry = ground.reads.read(john, ["sAMAccountName"])
    assert entry is not None
    assert entry.text("sAMAccountName") == "john"


def test_a_name_that_nobody_has_any_more_is_nobodys(ground: Ground) -> None:
    ground.authorize(JOHN)
    ground.real.rename(JOHN, UNIT.child("CN", "old"))
    assert ground.reads.read(JOHN, ["cn"]) is None


def test_what_was_not_authorized_is_read_as_it_is(ground: Ground) -> None:
    ground.authorize(JOHN)
    ground.swap()
    assert not ground.is_refused(UNIT.child("CN", "old"))
    assert not ground.is_refused(UNIT)


def test_nothing_is_answered_that_was_not_asked_for(ground: Ground) -> None:
    ground.authorize(JOHN)
    entry = ground.reads.read(JOHN, ["sAMAccountName"])
    assert entry is not None
    assert list(entry.attributes) == ["sAMAccountName"]
    everything = ground.reads.read(JOHN)
    assert everything is not None
    assert everything.octets("objectGUID")


class TestTheTransactionsOwnWrites:
    def test_a_name_that_it_has_given_away_is_free(self, ground: Ground) -> None:
        john = ground.authorize(JOHN)
        ground.writes.rename(john, UNIT.child("CN", "johnny"))
        ground.real.add(JOHN, {"objectClass": ["user"]})
        assert not ground.is_refused(JOHN)

    def test_and_the_new_one_is_that_objects(self, ground: Ground) -> None:
        john, johnny = ground.authorize(JOHN), UNIT.child("CN", "johnny")
        ground.writes.rename(john, johnny)
        assert not ground.is_refused(johnny)
        ground.real.rename(johnny, JOHN)
        ground.real.rename(ANN, johnny)
        assert ground.is_refused(johnny)

    def test_what_is_below_goes_with_it(self, ground: Ground) -> None:
        ground.authorize(JOHN)
        second = BASE.child("OU", "Second")
        ground.writes.rename(UNIT, second)
        moved = second.child("CN", "john")
        assert not ground.is_refused(moved)
        ground.real.rename(moved, second.child("CN", "old"))
        ground.real.rename(second.child("CN", "ann"), moved)
        assert ground.is_refused(moved)

    def test_what_it_has_deleted_leaves_its_name_to_others(self, ground: Ground) -> None:
        ground.writes.delete(ground.authorize(JOHN))
        ground.real.add(JOHN, {"objectClass": ["user"]})
        assert not ground.is_refused(JOHN)


NAMES = tuple(unit.child("CN", name) for unit in (UNIT, ELSEWHERE) for name in ("john", "ann", "kim"))
STEPS = st.one_of(
    st.tuples(st.just("authorize"), st.sampled_from(NAMES), st.just(False)),
    st.tuples(st.just("add"), st.sampled_from(NAMES), st.just(False)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.booleans()),
    st.tuples(st.just("units"), st.just(UNIT), st.booleans()),
)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, max_size=30))
def test_whatever_the_transaction_does_itself_nothing_is_refused(
    steps: list[tuple[str | Dn, Dn, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("directory")
    with EmbeddedDirectory.create(folder / "directory.db", server="AD01.Fabrikam.com", base=BASE) as directory:
        ground = Ground(directory)
        for unit in (UNIT, ELSEWHERE):
            directory.add(unit, {"objectClass": ["organizationalUnit"]})
        for what, dn, by_guid in steps:
            there = {name: entry for name in NAMES if (entry := directory.read(name, ["objectGUID"])) is not None}

            def called(name: Dn, by_guid: bool = by_guid) -> Dn:
                guid = guid_of(directory.read(name, ["objectGUID"]) or directory.read(BASE, ["objectGUID"]))  # type: ignore[arg-type]
                return Dn.by_guid(guid) if by_guid and guid is not None else name

            if what == "units":  # they exchange their names, and all that is in them
                between = BASE.child("OU", "Between")
                for old, new in ((UNIT, between), (ELSEWHERE, UNIT), (between, ELSEWHERE)):
                    ground.writes.rename(called(old), new)
            elif what == "authorize" and dn in there:
                ground.authorize(dn)
            elif what == "add" and dn not in there:
                ground.writes.add(dn, {"objectClass": ["user"]})
            elif what == "delete" and dn in there:
                ground.writes.delete(called(dn))
            elif isinstance(what, Dn) and what in there and dn not in there:
                ground.writes.rename(called(what), dn)
            assert not any(ground.is_refused(name) for name in NAMES)
            assert all(ground.real.read(name, ["objectGUID"]) is not None for name in ground.memory.authorized)
