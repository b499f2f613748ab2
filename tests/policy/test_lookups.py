"""How long the policy relies on what it has looked up: until the transaction writes something or takes a lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.security.calls import Call
from mpf_core.services import Services
from mpf_directory.dn import Dn
from mpf_directory.memory import Memory
from mpf_directory.port import Directories
from mpf_policy import PolicyPlugin
from tests.policy.hosting import CUSTOMER, CUSTOMER_ADMINS, OneDirectory, ReadOnlyDirectory, call, hosting_tree

GROUP = f"CN=Admins@AlpineSkiHouse,{CUSTOMER}"


class Ground:
    """The policy over the hosting tree, inside of a transaction of which other plugins hold the memory too."""

    def __init__(self, folder: Path) -> None:
        self.tree: ReadOnlyDirectory = hosting_tree()
        directories = OneDirectory(self.tree)
        services = Services(folder, pytest.fail)
        services.provide(Directories, directories)
        self.policy = PolicyPlugin()
        self.policy.mpf_configure({}, services)
        self.held = 0
        self.memory: Memory = directories.memory("{1}")
        self.memory.stale = lambda: self.held

    def ask(self) -> bool:
        """Whether the customer's administrators may."""
        return self.policy.mpf_authorize(self.call).allowed

    @property
    def call(self) -> Call:
        data = f"<organization>LDAP://{CUSTOMER}</organization>"
        return call("UserCreators", CUSTOMER_ADMINS, data=data)

    def reads(self) -> list[Dn]:
        taken, self.tree.reads = self.tree.reads, []
        return taken


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    made = Ground(tmp_path)
    assert made.ask()
    made.reads()
    return made


def test_the_same_question_is_not_looked_up_twice(ground: Ground) -> None:
    assert ground.ask()
    assert ground.reads() == []


def test_after_a_write_everything_is_looked_up_again(ground: Ground) -> None:
    ground.memory.forget()
    assert ground.ask()
    assert {Dn.parse(CUSTOMER), Dn.parse(GROUP)} <= set(ground.reads())


def test_after_a_write_that_took_the_rights_away_the_answer_is_no(ground: Ground) -> None:
    ground.tree.organization(CUSTOMER, None)
    assert ground.ask()
    ground.memory.forget()
    assert not ground.ask()


def test_after_a_lock_the_organization_is_read_again(ground: Ground) -> None:
    ground.held += 1
    assert ground.ask()
    assert Dn.parse(CUSTOMER) in ground.reads()


def test_after_a_lock_the_answer_is_that_of_now(ground: Ground) -> None:
    ground.tree.organization(CUSTOMER, None)
    assert ground.ask()
    ground.held += 1
    assert not ground.ask()


def test_after_a_lock_a_group_that_is_still_the_one_is_not_read_again(ground: Ground) -> None:
    ground.held += 1
    assert ground.ask()
    assert Dn.parse(GROUP) not in ground.reads()


def test_what_is_known_of_groups_is_forgotten_by_the_next_write(ground: Ground) -> None:
    ground.held += 1
    assert ground.ask()
    ground.memory.forget()
    ground.reads()
    assert ground.ask()
    assert Dn.parse(GROUP) in ground.reads()
