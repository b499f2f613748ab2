"""A real controller that goes away, loses answers, or has other clients: nothing is left behind, or the outcome says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mpf_core import Caller, Config, Engine, Result, points
from mpf_core.transaction.states import TransactionState
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Scope
from mpf_error import ErrorPlugin
from mpf_policy import PolicyPlugin
from tests.differential.cases import CREATE_USER, GET_USER, READY, URI
from tests.differential.requests import answer
from tests.differential.sides import Side, samba_side
from tests.samba.controller import Controller, Samba, SambaCredentials, engine_config
from tests.samba.proxy import Proxy
from tests.samba.test_main_path import named

pytestmark = pytest.mark.samba

ADMINISTRATOR = Caller("Administrator@fabrikam.com")


@pytest.fixture
def proxy(samba: Samba) -> Iterator[Proxy]:
    made = Proxy(samba.address, 636)
    yield made
    made.close()


@pytest.fixture
def engine(samba: Samba, proxy: Proxy) -> Iterator[Engine]:
    """An engine that sees the controller through the proxy."""
    permissions = {"trusted_requests": [ADMINISTRATOR.name], "private_procedures": [ADMINISTRATOR.name]}
    config = Config.model_validate(
        {
            "directory": engine_config(samba) | {"impersonation": "policy", "servers": {samba.name: proxy.endpoint}},
            "security": {"permissions": permissions},
            "engine": {"undo_wait": 0},
        }
    )
    plugins = [
        named("mpf.directory", DirectoryPlugin()),
        named("mpf.error", ErrorPlugin()),
        named("mpf.policy", PolicyPlugin()),
        SambaCredentials(samba),
    ]
    with Engine(config, plugins=plugins) as made:
        assert [info.name for info in made.plugins if info.state == "broken"] == []
        yield made


@contextmanager
def at_effect(number: int, act: Callable[[], object]) -> Iterator[None]:
    """Do something right before the effect of that number."""
    seen = 0

    def pass_point(point: str) -> None:
        nonlocal seen
        if point == "provider.effect.before":
            seen += 1
            if seen == number:
                act()

    points.act(pass_point)
    try:
        yield
    finally:
        points.act(None)


def create(place: Dn, name: str) -> str:
    return (
        '<execute namespace="Active Directory Provider" procedure="Create Object" impersonate="1"><executeData>'
        f"<container>LDAP://{place}</container><class>container</class><name>{name}</name></executeData></execute>"
    )


def describe(dn: Dn) -> str:
    return (
        '<execute namespace="Active Directory Provider" procedure="Set Properties" impersonate="1"><executeData>'
        f'<path>LDAP://{dn}</path><properties><property name="description"><value>x</value></property></properties>'
        "</executeData></execute>"
    )


def run(engine: Engine, *steps: str) -> Result:
    return engine.execute(f"<request><data/><procedure>{''.join(steps)}</procedure></request>", ADMINISTRATOR)


def names(directory: Directory, place: Dn) -> list[str]:
    found = directory.search(place, Scope.ONE_LEVEL, Filter.present("objectClass"), ["cn"])
    return sorted(entry.dn.rdn.value for entry in found)


def test_a_lost_answer_is_undone_by_looking(engine: Engine, proxy: Proxy, directory: Directory, place: Dn) -> None:
    with at_effect(2, proxy.armed.set):
        result = run(engine, create(place, "one"), create(place, "two"), create(place, "three"))
    assert proxy.cuts == 1
    assert result.error is not None
    assert result.error.code == 0x8007203A
    assert result.state is TransactionState.ROLLED_BACK
    assert [outcome.state.value for outcome in result.rollback] == ["undone", "undone"]
    assert names(directory, place) == []


def test_a_lost_answer_to_a_change_of_an_object_too(engine: Engine, proxy: Proxy, directory: Directory, place: Dn) -> None:
    directory.add(place.child("CN", "there"), {"objectClass": ("container",), "description": ("before",)})
    with at_effect(1, proxy.armed.set):
        result = run(engine, describe(place.child("CN", "there")))
    assert result.state is TransactionState.ROLLED_BACK
    entry = directory.read(place.child("CN", "there"), ["description"])
    assert entry is not None
    assert entry.values("description") == ("before",)


def test_a_lost_answer_to_a_question_is_asked_again(engine: Engine, proxy: Proxy, directory: Directory, place: Dn) -> None:
    assert run(engine, create(place, "zero")).error is None
    proxy.armed.set()
    assert run(engine, create(place, "one")).error is None
    assert proxy.cuts == 1
    assert names(directory, place) == ["one", "zero"]


def test_a_restart_between_two_steps_does_no_harm(
    engine: Engine, controller: Controller, directory: Directory, place: Dn
) -> None:
    def restart() -> None:
        controller.interrupt()
        controller.resume()

    with at_effect(2, restart):
        result = run(engine, create(place, "one"), create(place, "two"))
    assert result.error is None, result.document.decode()
    assert names(directory, place) == ["one", "two"]


def test_a_controller_that_stays_away_leaves_what_can_be_put_right_later(
    engine: Engine, controller: Controller, directory: Directory, place: Dn
) -> None:
    with at_effect(2, controller.interrupt):
        result = run(engine, create(place, "one"), create(place, "two"))
    try:
        assert result.error is not None
        assert result.error.code == 0x8007203A
        assert result.state is TransactionState.INCONSISTENT
        assert "undo-failed" in {outcome.state.value for outcome in result.rollback}
    finally:
        controller.resume()
    assert names(directory, place) == ["one"]
    engine.transactions.retry(result.transaction_id, by="tester")
    assert names(directory, place) == []


def test_an_object_that_somebody_else_deletes_between_two_steps(engine: Engine, directory: Directory, place: Dn) -> None:
    with at_effect(2, lambda: directory.delete(place.child("CN", "one"))):
        result = run(engine, create(place, "one"), describe(place.child("CN", "one")))
    assert result.error is not None
    assert result.error.code == 0x80072030
    assert result.state is TransactionState.ROLLED_BACK
    assert [outcome.state.value for outcome in result.rollback] == ["nothing-to-undo", "nothing-to-undo"]
    assert names(directory, place) == []


def test_another_object_that_took_the_name_meanwhile_is_left_alone(engine: Engine, directory: Directory, place: Dn) -> None:
    def replace() -> None:
        directory.rename(place.child("CN", "one"), place.child("CN", "moved"))
        directory.add(place.child("CN", "one"), {"objectClass": ("contact",)})

    with at_effect(2, replace):
        result = run(engine, create(place, "one"), describe(place.child("CN", "one")), create(place, "one"))
    assert result.error is not None
    assert result.state is TransactionState.ROLLED_BACK
    # What was created is gone under its new name; what somebody put there stays, and was never changed.
    assert names(directory, place) == ["one"]
    entry = directory.read(place.child("CN", "one"), ["objectClass", "description"])
    assert entry is not None
    assert "contact" in entry.values("objectClass")
    assert entry.values("description") == ()


@pytest.fixture
def side(samba: Samba, proxy: Proxy, directory: Directory) -> Iterator[Side]:
    """The hosting tree with a SIP domain and a pool for the customer, seen through the proxy by an engine with everything."""
    with samba_side(samba, directory, proxy.endpoint) as made:
        made.prepare(*READY)
        yield made


def test_a_sip_user_is_created_across_a_restart(side: Side, controller: Controller) -> None:
    def restart() -> None:
        controller.interrupt()
        controller.resume()

    with at_effect(1, restart):
        result = side.send(CREATE_USER)
    assert result.error is None, result.document.decode()
    assert f"<primaryURI>{URI}</primaryURI>" in answer(side.done(GET_USER))


def test_a_lost_answer_leaves_no_half_of_a_sip_user(side: Side, proxy: Proxy) -> None:
    with at_effect(1, proxy.armed.set):
        result = side.send(CREATE_USER)
    assert proxy.cuts == 1
    assert result.error is not None
    assert result.error.code == 0x8007203A
    assert result.state is TransactionState.ROLLED_BACK
    assert [outcome.state.value for outcome in result.rollback] == ["undone"]
    assert side.left_behind() == {}
    side.done(CREATE_USER)
