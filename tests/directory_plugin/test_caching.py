"""What a transaction remembers of the directory: never anything that it would read otherwise if it looked again."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from mpf_core.errors import MpfError
from mpf_core.provider import CallContext
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_directory.caching import ForgettingDirectory, RememberingDirectory
from mpf_directory.changes import DirectoryProvider
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.memory import Memories, Memory
from mpf_directory.port import Directory, Entry, Modification, ModifyOp, Scope
from tests.counting import CountingDirectory, Operations
from tests.providers.ad_site import Directories

BASE = Dn.parse("DC=Fabrikam,DC=Com")
UNIT = BASE.child("OU", "Hosting")
JOHN = UNIT.child("CN", "john")
ANN = UNIT.child("CN", "ann")
EVERYTHING = Filter.present("objectClass")


@dataclass
class Ground:
    """A directory, what was asked of it, and how many locks the transaction holds."""

    directory: EmbeddedDirectory
    counted: CountingDirectory
    operations: Operations
    memory: Memory
    held: int = 0

    def remembering(self, account: str = "operator") -> RememberingDirectory:
        self.memory.stale = lambda: self.held
        return RememberingDirectory(self.counted, self.memory, account)

    def asked(self) -> list[str]:
        return [operation.name for operation in self.operations.take()]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with EmbeddedDirectory.create(tmp_path / "directory.db", server="AD01.Fabrikam.com", base=BASE) as directory:
        directory.add(UNIT, {"objectClass": ["organizationalUnit"]})
        directory.add(JOHN, {"objectClass": ["user"], "sAMAccountName": ["john"], "mail": ["john@fabrikam.com"]})
        operations = Operations()
        yield Ground(directory, CountingDirectory(directory, operations), operations, Memory())


def mail(value: str) -> list[Modification]:
    return [Modification("mail", ModifyOp.REPLACE, (value,))]


class TestReads:
    def test_an_object_is_read_once(self, ground: Ground) -> None:
        directory = ground.remembering()
        assert directory.read(JOHN, ["mail"]) == directory.read(JOHN, ["MAIL"])
        assert ground.asked() == ["read"]

    @pytest.mark.parametrize("dn", [Dn.by_guid(uuid4()), Dn.by_sid("S-1-5-21-1-2-3-4711")], ids=["GUID", "SID"])
    def test_an_identifier_that_is_nobodys_is_looked_for_once(self, ground: Ground, dn: Dn) -> None:
        directory = ground.remembering()
        assert directory.read(dn, ["mail"]) is None
        assert directory.read(dn, ["cn"]) is None
        assert ground.asked() == ["read"]
        ground.held += 1
        assert directory.read(dn, ["mail"]) is None
        assert ground.asked() == ["read"]

    def test_a_name_that_is_nobodys_is_looked_for_again(self, ground: Ground) -> None:
        directory, name = ground.remembering(), UNIT.child("CN", "nobody")
        assert directory.read(name, ["mail"]) is None
        ground.directory.add(name, {"objectClass": ["user"]})
        assert directory.read(name, ["mail"]) is not None

    def test_only_what_was_asked_for_is_answered(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail", "sAMAccountName"])
        entry = directory.read(JOHN, ["mail"])
        assert entry is not None
        assert list(entry.attributes) == ["mail"]

    def test_what_every_call_looks_at_comes_along(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail"])
        assert directory.read(JOHN, ["objectClass", "objectGUID"]) == ground.directory.read(
            JOHN, ["objectClass", "objectGUID"]
        )
        assert ground.asked() == ["read"]

    def test_more_attributes_are_read_with_those_that_are_known(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail"])
        directory.read(JOHN, ["sAMAccountName"])
        directory.read(JOHN, ["mail", "sAMAccountName"])
        assert ground.asked() == ["read", "read"]

    def test_so_all_that_is_known_of_an_object_is_of_one_time(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail"])
        ground.directory.modify(JOHN, mail("other@fabrikam.com"))
        directory.read(JOHN, ["sAMAccountName"])
        entry = directory.read(JOHN, ["mail"])
        assert entry is not None
        assert entry.text("mail") == "other@fabrikam.com"

    @pytest.mark.parametrize("attributes", [[], ["*"], ["member;range=0-1"]])
    def test_what_stands_for_a_set_of_attributes_is_remembered_as_it_was_asked(
        self, ground: Ground, attributes: Sequence[str]
    ) -> None:
        directory = ground.remembering()
        first = directory.read(JOHN, attributes)
        assert directory.read(JOHN, attributes) == first == ground.directory.read(JOHN, attributes)
        directory.read(JOHN, ["mail"])
        assert ground.asked() == ["read", "read"]

    def test_an_object_that_was_named_by_its_guid_is_known_by_its_name_too(self, ground: Ground) -> None:
        entry = ground.directory.read(JOHN, ["objectGUID"])
        assert entry is not None
        guid = Dn.parse(f"<GUID={(entry.octets('objectGUID') or b'').hex()}>")
        directory = ground.remembering()
        found = directory.read(guid, ["mail"])
        assert found is not None
        assert directory.read(found.dn, ["mail"]) == found
        assert ground.asked() == ["read"]

    def test_what_was_not_there_is_looked_for_again(self, ground: Ground) -> None:
        directory = ground.remembering()
        assert directory.read(ANN, ["mail"]) is None
        assert list(directory.search(UNIT, Scope.SUBTREE, Filter.eq("cn", "ann"), ["mail"])) == []
        ground.directory.add(ANN, {"objectClass": ["user"], "sAMAccountName": ["ann"]})
        assert directory.read(ANN, ["mail"]) is not None
        assert len(list(directory.search(UNIT, Scope.SUBTREE, Filter.eq("cn", "ann"), ["mail"]))) == 1

    def test_what_is_gone_when_more_of_it_is_read_is_not_remembered(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail"])
        ground.directory.delete(JOHN)
        assert directory.read(JOHN, ["sAMAccountName"]) is None
        assert directory.read(JOHN, ["mail"]) is None

    def test_a_large_object_is_not_kept(self, ground: Ground) -> None:
        ground.directory.modify(JOHN, [Modification("otherTelephone", ModifyOp.ADD, tuple(map(str, range(2000))))])
        directory = ground.remembering()
        directory.read(JOHN, ["otherTelephone"])
        directory.read(JOHN, ["otherTelephone"])
        assert ground.asked() == ["read", "read"]


class TestSearches:
    def test_the_same_search_is_made_once(self, ground: Ground) -> None:
        directory = ground.remembering()
        wanted = Filter.eq("cn", "john")
        first = list(directory.search(UNIT, Scope.ONE_LEVEL, wanted, ["mail", "cn"]))
        assert list(directory.search(UNIT, Scope.ONE_LEVEL, Filter.eq("cn", "john"), ["CN", "mail"])) == first
        assert ground.asked() == ["search"]

    @pytest.mark.parametrize(
        ("scope", "wanted", "attributes", "limit"),
        [
            (Scope.SUBTREE, Filter.eq("cn", "john"), ["mail"], None),
            (Scope.ONE_LEVEL, EVERYTHING, ["mail"], None),
            (Scope.ONE_LEVEL, Filter.eq("cn", "john"), ["cn"], None),
            (Scope.ONE_LEVEL, Filter.eq("cn", "john"), ["mail"], 1),
        ],
    )
    def test_another_search_is_another(
        self, ground: Ground, scope: Scope, wanted: Filter, attributes: list[str], limit: int | None
    ) -> None:
        directory = ground.remembering()
        list(directory.search(UNIT, Scope.ONE_LEVEL, Filter.eq("cn", "john"), ["mail"]))
        found = list(directory.search(UNIT, scope, wanted, attributes, limit))
        assert found == list(ground.directory.search(UNIT, scope, wanted, attributes, limit))
        assert ground.asked() == ["search", "search"]

    def test_a_long_result_is_neither_cut_nor_kept(self, ground: Ground) -> None:
        for number in range(150):
            ground.directory.add(UNIT.child("CN", f"u{number}"), {"objectClass": ["contact"]})
        directory = ground.remembering()
        for _ in range(2):
            assert len(list(directory.search(UNIT, Scope.ONE_LEVEL, EVERYTHING, ["cn"]))) == 151
        assert ground.asked() == ["search", "search"]

    def test_an_error_is_not_remembered(self, ground: Ground) -> None:
        directory = ground.remembering()
        for _ in range(2):
            with pytest.raises(MpfError):
                list(directory.search(ANN, Scope.ONE_LEVEL, EVERYTHING, ["cn"]))
        assert ground.asked() == ["search", "search"]


WRITES: dict[str, Callable[[Directory], None]] = {
    "add": lambda directory: directory.add(ANN, {"objectClass": ["user"], "sAMAccountName": ["ann"]}),
    "modify": lambda directory: directory.modify(UNIT, [Modification("description", ModifyOp.REPLACE, ("x",))]),
    "rename": lambda directory: directory.rename(JOHN, ANN),
    "delete": lambda directory: directory.delete(JOHN),
}


class TestForgetting:
    @pytest.mark.parametrize("write", WRITES)
    @pytest.mark.parametrize("same", [True, False], ids=["by the same", "by another"])
    def test_every_write_of_the_transaction_forgets_everything(self, ground: Ground, write: str, same: bool) -> None:
        directory = ground.remembering()
        directory.read(UNIT, ["cn"])
        WRITES[write](directory if same else ForgettingDirectory(ground.counted, ground.memory))
        directory.read(UNIT, ["cn"])
        assert ground.asked() == ["read", write, "read"]

    def test_a_write_that_failed_may_have_been_done(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail"])
        with pytest.raises(MpfError):
            directory.modify(JOHN, [Modification("objectGUID", ModifyOp.REPLACE, (b"x",))])
        directory.read(JOHN, ["mail"])
        assert ground.asked() == ["read", "modify", "read"]

    def test_a_lock_forgets_everything(self, ground: Ground) -> None:
        directory = ground.remembering()
        directory.read(JOHN, ["mail"])
        list(directory.search(UNIT, Scope.ONE_LEVEL, EVERYTHING, ["cn"]))
        ground.held += 1
        directory.read(JOHN, ["mail"])
        list(directory.search(UNIT, Scope.ONE_LEVEL, EVERYTHING, ["cn"]))
        assert ground.asked() == ["read", "search"] * 2

    def test_whoever_concluded_something_can_tell_that_it_is_out_of_date(self, ground: Ground) -> None:
        directory = ground.remembering()
        ages = [ground.memory.age]
        directory.read(JOHN, ["mail"])
        assert ground.memory.age == ages[0]
        directory.modify(JOHN, mail("a@fabrikam.com"))
        ages.append(ground.memory.age)
        ground.held += 1
        ages.append(ground.memory.age)
        assert len(set(ages)) == 3

    def test_another_account_is_never_answered_from_memory(self, ground: Ground) -> None:
        for account in ("operator", "caller", "operator", "caller"):
            ground.remembering(account).read(JOHN, ["mail"])
            list(ground.remembering(account).search(UNIT, Scope.ONE_LEVEL, EVERYTHING, ["cn"]))
        assert ground.asked() == ["read", "search"] * 2

    def test_nor_is_another_server(self, ground: Ground) -> None:
        ground.remembering().read(JOHN, ["mail"])
        ground.counted.server = "AD02.Fabrikam.com"
        ground.remembering().read(JOHN, ["mail"])
        assert ground.asked() == ["read", "read"]

    def test_a_transaction_knows_nothing_of_another(self, ground: Ground) -> None:
        memories = Memories()
        first, second = memories.of("{1}"), memories.of("{2}")
        RememberingDirectory(ground.counted, first, None).read(JOHN, ["mail"])
        RememberingDirectory(ground.counted, second, None).read(JOHN, ["mail"])
        assert ground.asked() == ["read", "read"]

    def test_and_nothing_outlives_it(self) -> None:
        memories = Memories()
        memory = memories.of("{1}")
        memory.forget()
        assert memories.of("{1}") is memory
        del memory
        gc.collect()
        assert memories.of("{1}").changes == 0


class Provider(DirectoryProvider):
    """The base class is all that is needed."""


class TestProviders:
    """Which of a provider's directories remember."""

    @pytest.fixture
    def provider(self, ground: Ground) -> Provider:
        return Provider(Directories(ground.counted))

    @staticmethod
    def context(kind: IdentityKind = IdentityKind.SERVICE, locks: Callable[[], int] | None = lambda: 0) -> CallContext:
        return CallContext(
            transaction_id="{1}",
            namespace="",
            procedure="",
            step="execute[1]",
            sequence=1,
            identity=Identity(kind, "MPFServiceAcct"),
            caller=Principal("johnc@alpineskihouse.com"),
            context=etree.Element("context"),
            bag={},
            stale=locks,
        )

    def test_preparing_remembers_from_call_to_call(self, ground: Ground, provider: Provider) -> None:
        ctx, later = self.context(), self.context()
        later.bag = ctx.bag
        provider.directory(ctx).read(JOHN, ["mail"])
        provider.service(later).read(JOHN, ["mail"])
        assert ground.asked() == ["read"]

    def test_doing_undoing_and_committing_look_for_real(self, ground: Ground, provider: Provider) -> None:
        ctx = self.context()
        entry = provider.directory(ctx).read(JOHN, ["mail", "objectGUID"])
        assert entry is not None
        change = provider.modify_change(provider.directory(ctx), entry, {"mail": ["a@fabrikam.com"]})
        ground.operations.take()
        for _ in range(2):
            provider.reopen(ctx, change).read(JOHN, ["mail"])
        assert ground.asked() == ["read", "read"]
        provider.apply(ctx, change)
        assert provider.undo(ctx, change).value == "undone"
        assert "read" in ground.asked()

    def test_what_is_done_is_forgotten(self, ground: Ground, provider: Provider) -> None:
        ctx = self.context()
        entry = provider.directory(ctx).read(JOHN, ["mail", "objectGUID"])
        assert entry is not None
        change = provider.modify_change(provider.directory(ctx), entry, {"mail": ["a@fabrikam.com"]})
        provider.apply(ctx, change)
        changed = provider.directory(ctx).read(JOHN, ["mail"])
        assert changed is not None
        assert changed.text("mail") == "a@fabrikam.com"

    @pytest.mark.parametrize(
        ("kind", "locks"), [(IdentityKind.RECOVERY, lambda: 0), (IdentityKind.SERVICE, None)], ids=["recovery", "no locks"]
    )
    def test_recovery_and_whoever_knows_of_no_locks_remember_nothing(
        self, ground: Ground, provider: Provider, kind: IdentityKind, locks: Any
    ) -> None:
        ctx = self.context(kind, locks)
        for _ in range(2):
            provider.directory(ctx).read(JOHN, ["mail"])
        assert ground.asked() == ["read", "read"]

    def test_the_memory_lives_as_long_as_the_property_bag(self, ground: Ground, provider: Provider) -> None:
        provider.directory(self.context()).read(JOHN, ["mail"])
        gc.collect()
        provider.directory(self.context()).read(JOHN, ["mail"])
        assert ground.asked() == ["read", "read"]


class Half:
    """What an account sees that may not see objects whose name begins with an ``a``."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.server, self.base, self.has_acls = directory.server, directory.base, directory.has_acls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._directory, name)

    def read(self, dn: Dn, attributes: Sequence[str] = ()) -> Entry | None:
        return None if dn.rdn.value.startswith("a") else self._directory.read(dn, attributes)

    def search(
        self,
        base: Dn,
        scope: Scope,
        filter: Filter,  # noqa: A002 - the port's name
        attributes: Sequence[str] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        found = self._directory.search(base, scope, filter, attributes, limit)
        return (entry for entry in found if not entry.dn.rdn.value.startswith("a"))


NAMES = st.sampled_from(["a", "b"])
ATTRIBUTES = st.sampled_from([["mail"], ["MAIL", "cn"], []])
FILTERS = st.sampled_from([EVERYTHING, Filter.eq("mail", "x@y.z"), Filter.eq("objectClass", "contact")])
WHO = st.sampled_from(["whole", "half"])
READS = (
    st.tuples(st.just("read"), WHO, NAMES, ATTRIBUTES),
    st.tuples(st.just("search"), WHO, FILTERS, ATTRIBUTES),
)
STEPS = st.one_of(
    *READS * 5,
    st.tuples(st.just("add"), WHO, NAMES),
    st.tuples(st.just("modify"), WHO, NAMES, st.sampled_from(["x@y.z", "u@v.w"])),
    st.tuples(st.just("rename"), WHO, NAMES, NAMES),
    st.tuples(st.just("delete"), WHO, NAMES),
    st.tuples(st.just("lock")),
    st.tuples(st.just("other"), NAMES, st.sampled_from(["x@y.z", "u@v.w"])),
)


def write(directory: Directory, step: tuple[Any, ...]) -> None:
    """Do it, or let it be refused."""
    dn = UNIT.child("CN", step[2])
    try:
        if step[0] == "add":
            directory.add(dn, {"objectClass": ["contact"]})
        elif step[0] == "modify":
            directory.modify(dn, mail(step[3]))
        elif step[0] == "rename":
            directory.rename(dn, UNIT.child("CN", step[3]))
        else:
            directory.delete(dn)
    except MpfError:
        return


def shown(entry: Entry | None) -> object:
    """An entry in a form without an order, and without the spelling of a question."""
    if entry is None:
        return None
    return str(entry.dn), {name.lower(): frozenset(values) for name, values in entry.attributes.items()}


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(steps=st.lists(STEPS, min_size=10, max_size=40))
def test_it_cannot_be_told_from_a_directory_that_always_reads(
    steps: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """For one writer; what another one has written can be seen from the next lock on, so here that lock follows."""
    folder = tmp_path_factory.mktemp("directory")
    with EmbeddedDirectory.create(folder / "directory.db", server="AD01.Fabrikam.com", base=BASE) as directory:
        directory.add(UNIT, {"objectClass": ["organizationalUnit"]})
        for name in ("a", "b"):
            write(directory, ("add", "", name))
        held = 0
        memory = Memory(stale=lambda: held)
        plain: dict[str, Directory] = {"whole": directory, "half": Half(directory)}
        views = {who: RememberingDirectory(view, memory, who) for who, view in plain.items()}
        for step in steps:
            if step[0] == "lock":
                held += 1
            elif step[0] == "other":
                write(directory, ("modify", "", *step[1:]))
                held += 1
            elif step[0] == "read":
                dn = UNIT.child("CN", step[2])
                assert shown(views[step[1]].read(dn, step[3])) == shown(plain[step[1]].read(dn, step[3]))
            elif step[0] == "search":
                found = views[step[1]].search(UNIT, Scope.SUBTREE, step[2], step[3])
                real = plain[step[1]].search(UNIT, Scope.SUBTREE, step[2], step[3])
                assert [shown(entry) for entry in found] == [shown(entry) for entry in real]
            else:
                write(views[step[1]], step)
