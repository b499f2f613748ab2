"""A group of more members than one answer of Active Directory holds, and another writer: an undo loses none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.layout import SERVER
from mpf_directory.operations import Modify, ValueChange
from mpf_directory.port import Directory, Modification, ModifyOp
from mpf_directory.undoing import undo

BASE = Dn.parse("DC=Fabrikam,DC=Com")
MEMBERS = 1600


def fill(directory: Directory, base: Dn, number: int) -> tuple[Dn, list[Dn]]:
    """A unit with a group that has ``number`` members."""
    unit = base.child("OU", "Large")
    directory.add(unit, {"objectClass": ["organizationalUnit"]})
    group = unit.child("CN", "Everybody")
    directory.add(group, {"objectClass": ["group"], "sAMAccountName": ["everybody-large"]})
    members = [unit.child("CN", f"m{index:04d}") for index in range(number)]
    for member in members:
        directory.add(member, {"objectClass": ["contact"]})
    for start in range(0, number, 500):
        part = tuple(str(member) for member in members[start : start + 500])
        directory.modify(group, [Modification("member", ModifyOp.ADD, part)])
    return group, members


def check(one: Directory, another: Directory, base: Dn, number: int) -> None:
    """Two members are added, one of them by somebody else; the undo takes its own back."""
    group, members = fill(one, base, number)
    ours, theirs = (base.child("OU", "Large").child("CN", name) for name in ("ours", "theirs"))
    for member in (ours, theirs):
        one.add(member, {"objectClass": ["contact"]})
    change = Modify(group, {"member": ValueChange(added=(str(ours),))})
    one.modify(group, change.modifications)
    another.modify(group, [Modification("member", ModifyOp.ADD, (str(theirs),))])
    another.modify(group, [Modification("member", ModifyOp.DELETE, (str(members[7]),))])
    assert undo(one, change)
    entry = one.read(group, ["member"])
    assert entry is not None
    found = {Dn.parse(str(value)) for value in entry.values("member")}
    assert found == {*members, theirs} - {members[7]}
    assert not undo(one, change)


@pytest.mark.slow
def test_on_the_embedded_directory(tmp_path: Path) -> None:
    file = tmp_path / "directory.db"
    with (
        EmbeddedDirectory.create(file, server=SERVER, base=BASE) as one,
        EmbeddedDirectory(file, server=SERVER, base=BASE) as another,
    ):
        check(one, another, BASE, MEMBERS)
