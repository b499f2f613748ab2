"""What a guard is, and what attacks are tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mpf_core import (
    Caller,
    Config,
    hookimpl,
)
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.store.keys import create_key_file
from mpf_core.testing import AllowAll
from tests.namespaces.support import (
    ALPINE,
    DOMAIN_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
    make_site,
)
from tests.support import ANYBODY, CALLER, Bench

KIMBA = f"CN=Kimba@FourthCoffee.com,{OTHER_CUSTOMER}"
STRANGER = Caller("stranger@fabrikam.com")
SECRET = "pw-CANARY-71"
Disable = Callable[[pytest.MonkeyPatch], None]
Attack = Callable[[Path], bool]


@dataclass(frozen=True)
class Guard:
    """A guard by its name."""

    name: str
    disable: Disable
    attack: Attack


GUARDS: list[Guard] = []


def guard(name: str, disable: Disable) -> Callable[[Attack], Attack]:
    """Name the guard that an attack is refused by, and how it is taken away."""

    def note(attack: Attack) -> Attack:
        GUARDS.append(Guard(name, disable, attack))
        return attack

    return note


def replaced(owner: object, name: str, by: object) -> Disable:
    """Put something else in the place of an attribute."""
    return lambda patch: patch.setattr(owner, name, by)


def nothing(*_arguments: Any, **_options: Any) -> None:
    """A guard that does nothing."""


def store_call(procedure: str, impersonate: str = "1", content: str = "<name>a</name><value>b</value>") -> str:
    """A step that calls the provider of `tests.support`."""
    data = f"<executeData>{content}</executeData>"
    return f'<execute namespace="Store" procedure="{procedure}" impersonate="{impersonate}">{data}</execute>'


def bench(folder: Path, *namespaces: str, policies: tuple[object, ...] = (), **permissions: tuple[str, ...]) -> Bench:
    """An engine with a durable store, in which the caller has these permissions and no other."""
    folder.mkdir(exist_ok=True)
    if not (folder / "mpf.key").exists():
        create_key_file(folder / "mpf.key")
    config = Config.model_validate(
        {
            "base_dir": folder,
            "engine": {"undo_wait": 0, "undo_attempts": 1},
            "store": {"url": "sqlite:///mpf.db", "key_file": "mpf.key", "allow_clear": True},
            "security": {"permissions": permissions},
        }
    )
    return Bench(folder, *namespaces, config=config, plugins=policies or (AllowAll(),))


EVERYTHING = {"trusted_requests": (CALLER.name,), "private_procedures": (CALLER.name,)}


def public(name: str, steps: str) -> str:
    """A namespace with one public procedure, for anybody."""
    return f'<namespace name="{name}"><procedure name="P" access="public">{ANYBODY}{steps}</procedure></namespace>'


@contextmanager
def provisioned(**options: Any) -> Iterator[Site]:
    """A site whose customer has a SIP domain and a pool."""
    with make_site(**options) as site:
        site.succeed("CreateSipDomain", organization=ldap(ALPINE), address="alpineskihouse.com")
        site.succeed("SetPoolAssignment", DOMAIN_ADMIN, organization=ldap(ALPINE), poolFQDN="pool01.fabrikam.com")
        yield site


class Policy:
    """Answers with what a function says of the name of the called procedure."""

    def __init__(self, answer: Callable[[str], Decision | None], name: str = "test.policy") -> None:
        self.name = name
        self._answer = answer

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision | None:
        return self._answer(call.procedure.full_name)

    @hookimpl
    def mpf_elevate(self, call: Call) -> Grant:
        return Grant("testing")
