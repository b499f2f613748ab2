"""Elevated calls at the directory: what the capability names, and nothing else, in whatever way an object is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.security.capability import Capability, Permit
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.guarded import GuardedDirectory
from mpf_directory.layout import SERVER
from mpf_directory.operations import Add, Delete, Modify, Operation, Rename, ValueChange, guid_of
from mpf_directory.port import Modification, ModifyOp, Scope
from tests.namespaces.support import ALPINE, BASE, HOSTING, JOHN, MESSENGER, OTHER_CUSTOMER, seeded

KIMBA = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
PRIVATE = f"CN=_Private,{HOSTING}"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[EmbeddedDirectory]:
    (tmp_path / "directory.db").write_bytes(seeded())
    with EmbeddedDirectory(tmp_path / "directory.db", server=SERVER, base=Dn.parse(BASE)) as opened:
        yield opened


def by_guid(directory: EmbeddedDirectory, dn: str) -> Dn:
    entry = directory.read(Dn.parse(dn), ["objectGUID"])
    assert entry is not None
    guid = guid_of(entry)
    assert guid is not None
    return Dn.by_guid(guid)


def guarded(directory: EmbeddedDirectory, *permits: Permit) -> GuardedDirectory:
    return GuardedDirectory(directory, Capability(permits))


def permit(*operations: str, objects: tuple[str, ...] = (), within: tuple[str, ...] = (), attributes: str = "") -> Permit:
    return Permit(frozenset(operations), objects, within, tuple(attributes.split()))


def describe(text: str, attribute: str = "description") -> list[Modification]:
    return [Modification(attribute, ModifyOp.REPLACE, (text,))]


def refused(act: Callable[..., object], *arguments: object) -> bool:
    try:
        act(*arguments)
    except MpfError as error:
        return error.code == Code.E_ACCESSDENIED and "does not permit" in error.description
    return False


def test_without_permits_nothing_is_done(directory: EmbeddedDirectory) -> None:
    guard = guarded(directory)
    john, new = Dn.parse(JOHN), Dn.parse(ALPINE).child("CN", "new")
    before = directory.read(john)
    for act in (
        lambda: guard.read(john),
        lambda: list(guard.search(Dn.parse(ALPINE), Scope.SUBTREE, Filter.present("objectClass"))),
        lambda: guard.add(new, {"objectClass": ("container",)}),
        lambda: guard.modify(john, describe("x")),
        lambda: guard.rename(john, new),
        lambda: guard.delete(john),
        lambda: guard.read_descriptor(john, 4),  # type: ignore[arg-type]
        lambda: guard.write_descriptor(john, b"", 4),  # type: ignore[arg-type]
    ):
        assert refused(act)
    assert directory.read(john) == before


def test_an_object_is_the_same_by_any_of_its_names_and_no_other_is(directory: EmbeddedDirectory) -> None:
    guid = by_guid(directory, JOHN)
    for name in (str(guid), JOHN):
        guard = guarded(directory, permit("read", "modify", objects=(name,)))
        for named in (Dn.parse(JOHN), Dn.parse(JOHN.upper())):
            guard.modify(named, describe("x"))
            assert guard.read(named) is not None
        assert refused(guard.read, Dn.parse(KIMBA))
        assert refused(guard.modify, by_guid(directory, KIMBA), describe("x"))
        assert refused(guard.read, Dn.parse(f"CN=nobody,{ALPINE}"))
    assert guarded(directory, permit("read", objects=(str(guid),))).read(guid) is not None


def test_another_object_that_has_got_the_name_is_another_object(directory: EmbeddedDirectory) -> None:
    guard = guarded(directory, permit("modify", objects=(str(by_guid(directory, JOHN)),)))
    directory.rename(Dn.parse(JOHN), Dn.parse(ALPINE).child("CN", "away"))
    directory.add(Dn.parse(JOHN), {"objectClass": ("contact",)})
    assert refused(lambda: guard.modify(Dn.parse(JOHN), describe("x")))
    guard.modify(Dn.parse(ALPINE).child("CN", "away"), describe("x"))


def test_within_a_container_means_itself_and_everything_below(directory: EmbeddedDirectory) -> None:
    guard = guarded(directory, permit("read", within=(PRIVATE,)))
    assert guard.read(Dn.parse(PRIVATE)) is not None
    assert guard.read(by_guid(directory, f"CN=Services,{PRIVATE}")) is not None
    assert list(guard.search(Dn.parse(PRIVATE), Scope.SUBTREE, Filter.present("objectClass")))
    for place in (HOSTING, f"CN=_Private,{MESSENGER}", BASE):
        assert refused(guard.read, Dn.parse(place))
        assert refused(guard.search, Dn.parse(place), Scope.SUBTREE, Filter.present("objectClass"))
    inside = guarded(directory, permit("read", within=(str(by_guid(directory, ALPINE)),)))
    assert inside.read(Dn.parse(JOHN)) is not None
    assert refused(lambda: inside.read(Dn.parse(KIMBA)))


def test_a_named_object_can_be_searched_itself_and_not_what_is_below_it(directory: EmbeddedDirectory) -> None:
    guard = guarded(directory, permit("read", objects=(ALPINE,)))
    assert list(guard.search(Dn.parse(ALPINE), Scope.BASE, Filter.present("objectClass")))
    for scope in (Scope.ONE_LEVEL, Scope.SUBTREE):
        assert refused(guard.search, Dn.parse(ALPINE), scope, Filter.present("objectClass"))


@pytest.mark.parametrize(
    ("attribute", "allowed"),
    [
        ("msRTCSIP-UserEnabled", True),
        ("MSRTCSIP-LINE", True),
        ("proxyAddresses", True),
        ("proxyAddressesX", False),
        ("member", False),
        ("sAMAccountName", False),
    ],
)
def test_attributes_are_limited_by_names_and_beginnings(directory: EmbeddedDirectory, attribute: str, allowed: bool) -> None:
    limits = permit("modify", objects=(JOHN,), attributes="msRTCSIP-* proxyaddresses")
    guard = guarded(directory, limits)
    change = Modify(Dn.parse(JOHN), {"proxyAddresses": ValueChange(("a",)), attribute: ValueChange(("b",))})
    assert refused(lambda: guard.check([change])) is not allowed


def test_both_names_of_a_rename_must_be_permitted(directory: EmbeddedDirectory) -> None:
    there = Dn.parse(OTHER_CUSTOMER).child("CN", "Johnc")
    for within in (ALPINE, OTHER_CUSTOMER):
        assert refused(guarded(directory, permit("rename", within=(within,))).rename, Dn.parse(JOHN), there)
    guarded(directory, permit("rename", within=(ALPINE, OTHER_CUSTOMER))).rename(Dn.parse(JOHN), there)
    assert directory.read(there) is not None


def test_a_change_is_checked_before_it_is_done(directory: EmbeddedDirectory) -> None:
    guid = by_guid(directory, JOHN).guid
    assert guid is not None
    john, new = Dn.parse(JOHN), Dn.parse(ALPINE).child("CN", "new")
    all_of_it: Mapping[str, Operation] = {
        "create": Add(new, {"objectClass": ("container",)}),
        "modify": Modify(john, {"description": ValueChange(("x",))}, guid),
        "rename": Rename(john, new, guid),
        "delete": Delete(john, guid),
    }
    for operation, change in all_of_it.items():
        guarded(directory, permit(operation, within=(ALPINE,))).check([change])
        others = guarded(directory, permit(*(all_of_it.keys() - {operation}), within=(ALPINE,)))
        assert refused(others.check, [change]), operation
    assert directory.read(new) is None


@pytest.mark.parametrize("kind", ["objects", "within"])
def test_a_change_is_refused_once_its_object_is_elsewhere_than_it_was_authorized(
    directory: EmbeddedDirectory, kind: str
) -> None:
    john, away = Dn.parse(JOHN), Dn.parse(OTHER_CUSTOMER).child("CN", "away")
    named = by_guid(directory, JOHN)
    permit_ = Permit(frozenset({"modify"}), **{kind: (str(named),)}, places={str(named): JOHN})  # type: ignore[arg-type]
    change = {"description": ValueChange(("x",))}
    guarded(directory, permit_).check([Modify(john, change, named.guid)])
    directory.rename(john, away)
    with pytest.raises(MpfError) as caught:
        guarded(directory, permit_).check([Modify(away, change, named.guid)])
    assert caught.value.code == Code.LOCK_VIOLATION
    assert JOHN in caught.value.description
