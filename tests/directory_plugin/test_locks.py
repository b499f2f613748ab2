"""What the write procedures lock: who keeps whom out, and that nothing counts that was read before the lock was there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import ProcedureType, Undo
from mpf_directory.dn import Dn
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_directory.provider_locks import LockProvider
from tests.directory_plugin.calls import (
    CLERK,
    GUID,
    INNER,
    UNIT,
    Calls,
    Procedure,
    create,
    delete,
    join,
    leave,
    move,
    password,
    point,
    rename,
    set_property,
)
from tests.providers.ad_site import BASE, CUSTOMER, GROUP, OTHER, PARKED, RESELLER, USER, Site, ldap, site_in

IGNORE_EXISTING = "<flagIgnoreAlreadyExistsError/>"
IGNORE_MISSING = "<flagIgnoreDoesNotExistError/>"
OTHER_GUID = "58888CFC8F7F430C8183102CD5758D81"


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with site_in(tmp_path) as site:
        yield Calls(site)


def by_guid(calls: Calls, dn: str) -> str:
    """The same object as a path that survives a rename."""
    return f"<GUID={calls.site.guid(dn)}>"


CLASHES: dict[str, tuple[Procedure, Procedure]] = {
    "one name": (create(), create()),
    "one name in another spelling": (create(), create(CUSTOMER.upper(), "NEW")),
    "a name that is deleted": (delete(), create(CUSTOMER, "Johnc@AlpineSkiHouse.com")),
    "a name that is moved away": (move(USER, UNIT), create(CUSTOMER, "Johnc@AlpineSkiHouse.com")),
    "a name that is moved to": (move(USER, UNIT), create(UNIT, "Johnc@AlpineSkiHouse.com")),
    "a name that is renamed to": (rename(USER, "New"), create()),
    "two deletes": (delete(), delete()),
    "delete and change": (delete(), set_property(USER, "description", "new")),
    "change and delete": (set_property(USER, "description", "new"), delete()),
    "two changes": (set_property(USER, "description", "a"), set_property(USER, "displayName", "b")),
    "one membership": (join(), join()),
    "join and leave": (leave(OTHER), join(OTHER)),
    "membership and delete of the group": (join(), delete(GROUP)),
    "membership and rename of the member": (join(), rename(USER, "New")),
    "membership and all of the group's attributes": (join(), set_property(GROUP, "description", "new")),
    "one well-known object": (point(), point(target=USER)),
    "well-known objects and all attributes": (point(), set_property(CUSTOMER, "description", "new")),
    "a target that is deleted": (point(), delete(OTHER)),
    "a target that is renamed": (set_property(GROUP, "managedBy", OTHER), rename(OTHER, "New")),
    "one password": (password(), password()),
    "password and delete": (password(), delete()),
    "create and delete of the container": (create(UNIT), delete(UNIT)),
    "delete of the container and create": (delete(UNIT), create(UNIT)),
    "create deep down and delete": (create(INNER), delete(UNIT)),
    "delete and create deep down": (delete(UNIT), create(INNER)),
    "change deep down and rename": (set_property(CLERK, "description", "new"), rename(UNIT, "OU=New")),
    "move of the container and password deep down": (move(UNIT, RESELLER), password(CLERK)),
    "membership of somebody deep down and move": (join(CLERK), move(UNIT, RESELLER)),
    "a name below the new name": (move(UNIT, RESELLER), create(f"OU=Branch,{RESELLER}", "Desk", "organizationalUnit")),
    "a deeper name below the new name": (move(UNIT, RESELLER), create(f"OU=Desk,OU=Branch,{RESELLER}")),
    "moving into what is deleted": (delete(UNIT), move(USER, UNIT)),
    "deleting what is moved into": (move(USER, UNIT), delete(UNIT)),
}


@pytest.mark.parametrize("name", CLASHES)
def test_keep_each_other_out(calls: Calls, name: str) -> None:
    assert calls.clash(*CLASHES[name])


AT_ONCE: dict[str, tuple[Procedure, Procedure]] = {
    "two objects in one container": (create(), create(CUSTOMER, "Newer")),
    "two members of one group": (join(USER), join(CLERK)),
    "a member that comes and one that goes": (join(USER), leave(OTHER)),
    "one member of two groups": (join(USER), join(USER, f"CN=Group2,{CUSTOMER}")),
    "two well-known objects": (point(), point(guid=OTHER_GUID)),
    "two that point at one": (point(target=OTHER), set_property(GROUP, "managedBy", OTHER)),
    "two users of one unit": (set_property(USER, "description", "a"), set_property(OTHER, "description", "b")),
    "change of the unit and of what is in it": (set_property(UNIT, "description", "a"), create(UNIT)),
    "password and membership": (password(), join()),
    "delete of two": (delete(USER), delete(CLERK)),
    "delete beside create": (delete(UNIT), create()),
    "a container that both need": (
        create(CUSTOMER, "Branch", "organizationalUnit").with_xml(IGNORE_EXISTING),
        create(CUSTOMER, "Branch", "organizationalUnit").with_xml(IGNORE_EXISTING),
    ),
    "a container that is needed and something in it": (
        create(CUSTOMER, "Branch", "organizationalUnit").with_xml(IGNORE_EXISTING),
        create(UNIT),
    ),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_do_not_keep_each_other_out(calls: Calls, name: str) -> None:
    calls.site.put(f"CN=Group2,{CUSTOMER}", "group", sAMAccountName=["group2"])
    calls.site.put(PARKED, "organizationalUnit")
    assert not calls.clash(*AT_ONCE[name])


def test_every_write_procedure_is_tried_here() -> None:
    tried = {call.name for pair in CLASHES.values() for call in pair}
    handlers = ActiveDirectoryProvider.handlers.items()
    written = {name for name, (handler, _) in handlers if handler.type is not ProcedureType.READ}
    # The former as User Set Password; the latter needs access control lists: tests/providers/test_ad_acl.py.
    assert written - tried == {"User Change Password", "Update ACL"}


def test_who_needs_a_container_that_somebody_else_creates_is_refused(calls: Calls) -> None:
    wanted = create(CUSTOMER, "List", "container").with_xml(IGNORE_EXISTING)
    assert calls.clash(wanted, wanted)


def test_the_first_delete_of_all_is_alone(calls: Calls) -> None:
    """It creates the unit for parked objects, and its undo removes that again."""
    assert calls.clash(delete(USER), delete(CLERK))


def test_what_is_there_already_is_relied_on(calls: Calls) -> None:
    """A call that did nothing because the container was there keeps it there."""
    assert calls.clash(create(CUSTOMER, "Branch", "organizationalUnit").with_xml(IGNORE_EXISTING), delete(UNIT))


def test_a_target_that_an_undo_would_point_at_again(calls: Calls) -> None:
    calls.site.set(GROUP, managedBy=[OTHER])
    assert calls.clash(set_property(GROUP, "managedBy", USER), rename(OTHER, "New"))


@pytest.mark.parametrize("dn", [UNIT, CLERK])
def test_a_parked_object_is_held_under_its_new_name_too(calls: Calls, dn: str) -> None:
    ctx, change = calls.prepare("{1}", delete(UNIT))
    guid = calls.site.guid(dn)
    calls.site.provider.apply(ctx, change)
    procedure = Procedure("User Set Password", {"path": f"LDAP://<GUID={guid}>", "newPassword": "A new one, 1"})
    with pytest.raises(MpfError) as raised:
        calls.prepare("{2}", procedure)
    assert raised.value.code == Code.LOCK_VIOLATION


Meddling = Callable[[Site], None]
READ_AGAIN: dict[str, tuple[Procedure, Meddling, int | None]] = {
    "the object appears": (create(), lambda s: s.put(f"CN=New,{CUSTOMER}", "contact"), Code.OBJECT_ALREADY_EXISTS),
    "the container appears": (
        create(CUSTOMER, "New").with_xml(IGNORE_EXISTING),
        lambda s: s.put(f"CN=New,{CUSTOMER}", "contact"),
        None,
    ),
    "the object goes": (delete(), lambda s: s.directory.delete(Dn.parse(USER)), Code.NO_SUCH_OBJECT),
    "the object goes and may": (delete().with_xml(IGNORE_MISSING), lambda s: s.directory.delete(Dn.parse(USER)), None),
    "the value comes": (set_property(USER, "description", "x"), lambda s: s.set(USER, description=["x"]), None),
    "the member comes": (join(), lambda s: s.set(GROUP, member=[USER]), Code.OBJECT_ALREADY_EXISTS),
    "the member goes": (leave(), lambda s: s.set(GROUP, member=[]), 0x80072035),
    "the well-known object comes": (
        point(),
        lambda s: s.set(CUSTOMER, otherWellKnownObjects=[f"B:32:{GUID}:{OTHER}"]),
        None,
    ),
    "the object is renamed": (rename(USER, "New"), lambda s: s.move(USER, f"CN=X,{CUSTOMER}"), Code.NO_SUCH_OBJECT),
    "the new name is taken": (
        rename(USER, "New"),
        lambda s: s.put(f"CN=New,{CUSTOMER}", "contact"),
        Code.OBJECT_ALREADY_EXISTS,
    ),
    "the destination goes": (
        move(USER, f"OU=Empty,{CUSTOMER}"),
        lambda s: s.directory.delete(Dn.parse(f"OU=Empty,{CUSTOMER}")),
        Code.NO_SUCH_OBJECT,
    ),
    "the account goes": (password(), lambda s: s.directory.delete(Dn.parse(USER)), Code.NO_SUCH_OBJECT),
}


#: Which lock is the last one before a call decides: what is below an object, and what a value points at, come later.
LAST_BEFORE_DECISION = {"Delete Object": 0, "Set Other Well Known Object": 2}


@pytest.mark.parametrize("name", READ_AGAIN)
def test_what_was_read_before_the_lock_does_not_count(calls: Calls, name: str) -> None:
    """Somebody else ends just before the last lock is there: what that one did is seen, and not done again."""
    procedure, meddle, code = READ_AGAIN[name]
    calls.site.put(f"OU=Empty,{CUSTOMER}", "organizationalUnit")
    last = _keys(calls, procedure)[LAST_BEFORE_DECISION.get(procedure.name, -1)]
    calls.locks.at = lambda key: meddle(calls.site) if key == last else None
    if code is None:
        _, change = calls.prepare("{1}", procedure)
        assert change.data is None
    else:
        with pytest.raises(MpfError) as raised:
            calls.prepare("{1}", procedure)
        assert raised.value.code == code


def _keys(calls: Calls, procedure: Procedure) -> list[str]:
    """The keys that a call takes, in order."""
    order: list[str] = []
    calls.locks.at = order.append
    calls.prepare("{0}", procedure)
    calls.locks.held.clear()
    return list(dict.fromkeys(order))


@pytest.mark.parametrize(
    "call",
    [
        lambda path: Procedure("Delete Object", {"path": path}),
        lambda path: Procedure("Set Properties", {"path": path}, set_property(USER, "description", "x").xml),
        lambda path: Procedure("Rename Object", {"source": path, "name": "New"}),
        lambda path: Procedure("Move Object", {"source": path, "destination": ldap(UNIT)}),
        lambda path: Procedure("Group Add", {"group": ldap(GROUP), "path": path}),
        lambda path: Procedure("User Set Password", {"path": path, "newPassword": "A new one, 1"}),
    ],
)
def test_a_path_by_guid_is_held_by_the_name_that_it_has_then(calls: Calls, call: Callable[[str], Procedure]) -> None:
    """Renamed between the look-up and the lock: the wrong name is held, so the request has to come again."""
    procedure = call(f"LDAP://{by_guid(calls, USER)}")
    keys = _keys(calls, procedure)
    own = f"object:{Dn.parse(USER).normalised}"
    assert own in keys
    calls.locks.at = lambda key: calls.site.move(USER, f"CN=X,{CUSTOMER}") if key == own else None
    with pytest.raises(MpfError) as raised:
        calls.prepare("{1}", procedure)
    assert raised.value.code == Code.LOCK_VIOLATION


def test_a_killed_loser_does_not_take_the_effect_of_the_winner_for_its_own(calls: Calls) -> None:
    """Its intent is recorded, its effect is not there, and nobody could have the same one before it has been looked for."""
    ctx, change = calls.prepare("{1}", create())
    with pytest.raises(MpfError):
        calls.prepare("{2}", create())
    ctx.evidence.clear()
    assert calls.site.provider.undo(ctx, change) is Undo.NOTHING_TO_UNDO
    calls.locks.held.clear()
    winner, effect = calls.prepare("{2}", create())
    calls.site.provider.apply(winner, effect)
    assert calls.site.find(f"CN=New,{CUSTOMER}") is not None


class TestTransactionProvider:
    def take(self, calls: Calls, procedure: str, kind: str, name: str, transaction: str = "{1}") -> set[str]:
        data = etree.fromstring(f"<executeData><kind>{kind}</kind></executeData>")
        etree.SubElement(data, "name").text = name
        provider = LockProvider(calls.site.directories)
        _, method = provider.handlers[procedure]
        assert getattr(provider, method)(calls.context(transaction), data) is None
        return set(calls.locks.keys(transaction))

    @pytest.mark.parametrize(
        ("kind", "name", "key"),
        [
            ("sip-domain", "AlpineSkiHouse.COM", "sip-domain:alpineskihouse.com"),
            ("sip-domain", "alpineskihouse.com.", "sip-domain:alpineskihouse.com"),
            ("sip-domain", "MÜNCHEN.example", "sip-domain:xn--mnchen-3ya.example"),
            ("sip-domain", "XN--MNCHEN-3YA.example", "sip-domain:xn--mnchen-3ya.example"),
            ("pool-assignment", f"LDAP://AD01/{CUSTOMER.upper()}", f"pool-assignment:{Dn.parse(CUSTOMER).normalised}"),
            ("object", ldap(USER), f"object:{Dn.parse(USER).normalised}"),
        ],
    )
    def test_names_have_one_spelling(self, calls: Calls, kind: str, name: str, key: str) -> None:
        assert self.take(calls, "Lock", kind, name) == {key}

    def test_sharing(self, calls: Calls) -> None:
        self.take(calls, "Share", "sip-domain", "a.example", "{1}")
        self.take(calls, "Share", "sip-domain", "A.example", "{2}")
        with pytest.raises(MpfError) as raised:
            self.take(calls, "Lock", "sip-domain", "a.example", "{3}")
        assert raised.value.code == Code.LOCK_VIOLATION

    def test_a_shared_object_is_neither_moved_nor_deleted_nor_is_what_holds_it(self, calls: Calls) -> None:
        self.take(calls, "Share", "object", ldap(CLERK))
        for procedure in (delete(CLERK), move(CLERK, CUSTOMER), delete(UNIT), move(UNIT, RESELLER)):
            with pytest.raises(MpfError) as raised:
                calls.prepare("{2}", procedure)
            assert raised.value.code == Code.LOCK_VIOLATION
        calls.prepare("{3}", set_property(CLERK, "description", "may be changed"))

    @pytest.mark.parametrize(
        ("kind", "name"),
        [("sip-domain", "a..b"), ("sip-domain", "a" * 64 + ".example"), ("planet", "Mars"), ("object", "LDAP://<SID=1>")],
    )
    def test_what_cannot_be_locked(self, calls: Calls, kind: str, name: str) -> None:
        with pytest.raises(MpfError):
            self.take(calls, "Lock", kind, name)
        assert not calls.locks.keys("{1}")

    def test_the_domain_itself_is_below_nothing(self, calls: Calls) -> None:
        calls.prepare("{1}", create(BASE, "Top", "organizationalUnit"))
        calls.prepare("{2}", create(CUSTOMER))
