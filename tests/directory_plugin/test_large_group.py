"""A group of more members than one answer of Active Directory holds, and another writer: a rollback loses none of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mpf_core import Caller, Code, Config, Engine, StepState, TransactionState
from mpf_core.testing import AllowAll, at_point
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.layout import SERVER
from mpf_directory.port import Directory, Modification, ModifyOp
from mpf_error import ErrorPlugin
from tests.kills.requests import AD, FAIL, request, step

BASE = Dn.parse("DC=Fabrikam,DC=Com")
MEMBERS = 3000
#: How many contacts beside them come and go as members meanwhile.
OTHERS = 20
OPERATOR = Caller("FABRIKAM\\Administrator")
_PATIENCE = 60.0
_PAUSE = 0.01


def fill(directory: Directory, base: Dn, number: int) -> tuple[Dn, list[Dn]]:
    """A unit with a group that has ``number`` members."""
    unit = base.child("OU", "Large")
    directory.add(unit, {"objectClass": ["organizationalUnit"]})
    group = unit.child("CN", "Everybody")
    directory.add(group, {"objectClass": ["group"], "sAMAccountName": ["everybody-large"]})
    members = contacts(directory, unit, "m", number)
    for start in range(0, number, 500):
        part = tuple(str(member) for member in members[start : start + 500])
        directory.modify(group, [Modification("member", ModifyOp.ADD, part)])
    return group, members


def contacts(directory: Directory, unit: Dn, name: str, number: int) -> list[Dn]:
    """New contacts."""
    made = [unit.child("CN", f"{name}{index:04d}") for index in range(number)]
    for dn in made:
        directory.add(dn, {"objectClass": ["contact"]})
    return made


class Writer:
    """Somebody else, in a thread of his own: contacts come and go as members, one by one, until the ``with`` block ends.

    ``members`` are those of the group as it should be, as far as he knows.
    """

    def __init__(self, directory: Directory, group: Dn, members: Collection[Dn], contacts: Sequence[Dn]) -> None:
        self._directory, self._group, self._contacts = directory, group, contacts
        self._stop = threading.Event()
        self._wrote = threading.Condition()
        self._writes = 0
        self._thread = threading.Thread(target=self._write)
        self.members = set(members)

    def __enter__(self) -> Writer:
        self._thread.start()
        self.write_more()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def write_more(self) -> None:
        """Wait until he has written once more."""
        with self._wrote:
            before = self._writes
            assert self._wrote.wait_for(lambda: self._writes > before, _PATIENCE)

    def _write(self) -> None:
        for contact in itertools.cycle(self._contacts):
            op = ModifyOp.DELETE if contact in self.members else ModifyOp.ADD
            self._directory.modify(self._group, [Modification("member", op, (str(contact),))])
            self.members ^= {contact}
            with self._wrote:
                self._writes += 1
                self._wrote.notify_all()
            if self._stop.wait(_PAUSE):  # for the others who write
                return


@contextmanager
def engine_on(folder: Path, directory: Mapping[str, Any], *plugins: object) -> Iterator[Engine]:
    """An engine with a store on the disk and that directory."""
    config = Config.model_validate(
        {
            "base_dir": folder,
            "store": {"url": "sqlite:///mpf.db"},
            "security": {
                "permissions": {"trusted_requests": [OPERATOR.name], "private_procedures": [OPERATOR.name]},
            },
            "directory": dict(directory),
        }
    )
    with closing(Engine(config, plugins=[DirectoryPlugin(), ErrorPlugin(), AllowAll(), *plugins])) as engine:
        yield engine


def check(engine: Engine, one: Directory, another: Directory, base: Dn, number: int) -> None:
    """A request adds a member and fails; the rollback takes this one back, whatever somebody else has written meanwhile."""
    group, members = fill(one, base, number)
    unit = base.child("OU", "Large")
    (ours,), theirs = contacts(one, unit, "ours", 1), contacts(one, unit, "theirs", OTHERS)
    add = step(AD, "Group Add", group=f"LDAP://{group}", path=f"LDAP://{ours}")
    seen: list[bool] = []

    def meanwhile() -> None:
        seen.append(ours in members_of(one, group))
        writer.write_more()

    with Writer(another, group, members, [*theirs, *members[7::100]]) as writer:
        with at_point("provider.undo.before", meanwhile):
            result = engine.execute(request(add, FAIL), OPERATOR)
        writer.write_more()
    assert result.error is not None
    assert result.error.code == Code.E_FAIL, result.error
    assert (result.state, [found.state for found in result.rollback]) == (TransactionState.ROLLED_BACK, [StepState.UNDONE])
    assert seen == [True]
    assert members_of(one, group) == writer.members


def members_of(directory: Directory, group: Dn) -> set[Dn]:
    """All of them, in as many answers as it takes."""
    entry = directory.read(group, ["member"])
    assert entry is not None
    return {Dn.parse(str(value)) for value in entry.values("member")}


@pytest.mark.slow
def test_on_the_embedded_directory(tmp_path: Path) -> None:
    file = tmp_path / "directory.db"
    with (
        EmbeddedDirectory.create(file, server=SERVER, base=BASE) as one,
        EmbeddedDirectory(file, server=SERVER, base=BASE) as another,
        engine_on(tmp_path, {"path": file.name}) as engine,
    ):
        check(engine, one, another, BASE, MEMBERS)
