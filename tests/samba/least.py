"""A hosting tree on Samba in which an account has the rights of the table and no others, and an engine that it serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mpf_core import Caller, Config, Credentials, Engine, Result
from mpf_core.hookspecs import hookimpl
from mpf_core.transaction.states import StepState, TransactionState
from mpf_directory import DirectoryPlugin
from mpf_directory.acl_change import descriptor_of, write
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.port import Directory, Modification, ModifyOp, Scope, Section, Value
from mpf_directory.rights import Access, Place
from mpf_directory.security_descriptor import Ace, AceFlag, Acl, Control, SecurityDescriptor
from mpf_directory.sids import sid_to_text
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.differential.requests import CALLERS, Ask, document
from tests.differential.sides import PASSWORD
from tests.differential.state import State, differences, restore, state
from tests.differential.suite import FAIL
from tests.samba.controller import SERVICE_ACCOUNT, Samba, engine_config
from tests.samba.writes import Write

ACCOUNT = "LeastAcct"
SECRET = "Least-w0rd of a test"
#: Authenticated Users, and the group that reads everything where nobody has emptied it.
_EVERYBODY = frozenset({"S-1-5-11", "S-1-5-32-554"})


class LeastCredentials:
    """A plugin with the stored credential of that account."""

    @hookimpl
    def mpf_credentials(self, name: str) -> Credentials | None:
        return Credentials(ACCOUNT, SECRET, "FABRIKAM") if name == SERVICE_ACCOUNT else None


def make_account(directory: Directory) -> str:
    """The account, in no group but Domain Users; returns its SID."""
    dn = directory.base.child("CN", "Users").child("CN", ACCOUNT)
    if directory.read(dn, ["cn"]) is None:
        password = f'"{SECRET}"'.encode("utf-16-le")
        account: dict[str, Sequence[Value]] = {"sAMAccountName": [ACCOUNT], "unicodePwd": [password]}
        directory.add(dn, {"objectClass": ["user"], "userAccountControl": ["512"], **account})
    entry = directory.read(dn, ["objectSid", "memberOf"])
    assert entry is not None
    assert entry.values("memberOf") == ()
    return sid_to_text(entry.octets("objectSid") or b"")


def make_parking(directory: Directory) -> None:
    """The unit for parked objects, as an administrator makes it."""
    dn = Place.PARKED.find(directory)
    if directory.read(dn, ["ou"]) is None:
        directory.add(dn, {"objectClass": ["organizationalUnit"]})


@contextmanager
def hardened(directory: Directory) -> Iterator[None]:
    """Nobody reads the tree and what is parked without a right that somebody gave."""
    roots = (Place.HOSTING.find(directory), Place.PARKED.find(directory))
    before: dict[Dn, SecurityDescriptor] = {}
    for root in roots:
        entries = directory.search(root, Scope.SUBTREE, Filter.present("objectClass"), ["objectClass"])
        for dn in sorted((entry.dn for entry in entries), key=lambda dn: len(dn.rdns)):
            descriptor = descriptor_of(directory, dn, Section.DACL)
            assert descriptor is not None
            before[dn] = descriptor
            write(directory, dn, _closed(descriptor, is_root=dn in roots), Section.DACL)
    yield
    for dn, descriptor in before.items():
        write(directory, dn, descriptor, Section.DACL)


def _closed(descriptor: SecurityDescriptor, *, is_root: bool) -> SecurityDescriptor:
    """Without what everybody may read. A root inherits nothing from the domain any more."""
    assert descriptor.dacl is not None
    kept = tuple(
        replace(ace, flags=ace.flags & ~AceFlag.INHERITED)
        for ace in descriptor.dacl.aces
        if isinstance(ace, Ace)
        and (is_root or not ace.inherited)
        and not (ace.sid in _EVERYBODY and ace.mask & (Access.READ_PROP | Access.LIST))
    )
    control = descriptor.control | (Control.DACL_PROTECTED if is_root else 0)
    return replace(descriptor, control=control, dacl=Acl(kept))


class Least:
    """An engine that the account serves. ``directory`` is bound as an administrator, who looks and puts back."""

    def __init__(
        self, engine: Engine, directory: Directory, start: State, caller: Callable[[str], Caller], impersonation: str
    ) -> None:
        self.engine, self.directory, self.impersonation = engine, directory, impersonation
        self._start, self._caller = start, caller
        self._prepared: Write | None = None

    def send(self, *asked: Ask) -> Result:
        return self.engine.execute(document(*asked), self._caller(CALLERS[asked[0].caller]))

    @property
    def prepared(self) -> Write | None:
        """For which write the ground is laid, if nothing was done since then that stays."""
        return self._prepared

    def prepare(self, other: Least, write: Write) -> State:
        """Lay the ground for it by requests to the engine of an administrator; returns how everything is then."""
        restore(self.directory, self._start)
        if write.setup:
            result = other.send(*(ask.by("domain") for ask in write.setup))
            assert result.error is None, result.document.decode()
        for dn, values in write.given.items():
            changes = [Modification(name, ModifyOp.REPLACE, (value,)) for name, value in values.items()]
            self.directory.modify(Dn.parse(dn), changes)
        self._prepared = write
        return state(self.directory)

    def complaint(self, ask: Ask, before: State | None = None) -> str:
        """What is wrong with sending it, first with a failure behind it and then without; empty when nothing is.

        With ``before``, how everything was, what is taken back is looked at, too.
        """
        prepared, self._prepared = self._prepared, None
        back = self.send(ask, FAIL.by(ask.caller))
        undone = {outcome.state for outcome in back.rollback}
        if back.error is None or not back.error.description.startswith("The specified SIP domain 'nowhere.example'"):
            if undone <= {StepState.UNDONE, StepState.NOTHING_TO_UNDO}:
                self._prepared = prepared
            return f"it failed: {back.error}"
        if not undone <= {StepState.UNDONE, StepState.NOTHING_TO_UNDO, StepState.IRREVERSIBLE}:
            return f"undone: {sorted(one.value for one in undone)}: {back.rollback}"
        if (
            before is not None
            and StepState.IRREVERSIBLE not in undone
            and (left := differences(before, state(self.directory)))
        ):
            return f"left behind: {left}"
        done = self.send(ask)
        if done.error is not None or done.state is not TransactionState.COMMITTED:
            return f"it was not done: {done.state} {done.error}"
        return ""


@contextmanager
def least_engine(
    samba: Samba,
    directory: Directory,
    start: State,
    impersonation: str,
    credentials: object | None = None,
    *,
    rules: Sequence[Mapping[str, object]] = elevations(),
    more: Sequence[object] = (),
    claims: str = "none",
) -> Iterator[Least]:
    """With ``impersonation`` bind callers have their passwords, with policy they have none.

    ``credentials`` is a plugin that gives another service account; ``rules`` are those of elevation, ``more`` other
    plugins, and ``claims`` is the evidence that counts for a SIP domain.
    """

    def caller(name: str) -> Caller:
        own = samba.administrator if name == CALLERS["domain"] else Credentials(name, PASSWORD)
        return Caller(name, own if impersonation == "bind" else None)

    config = Config.model_validate(
        {
            "base_dir": str(samba.folder),
            "directory": engine_config(samba) | {"impersonation": impersonation},
            "security": {
                "permissions": {"trusted_requests": [CALLERS["domain"]], "private_procedures": [CALLERS["domain"]]}
            },
            "plugins": {"mpf.policy": {"elevations": list(rules), "domain_claims": {"evidence": claims}}},
        }
    )
    plugins = [DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), PolicyPlugin()]
    with Engine(config, plugins=[*plugins, credentials or LeastCredentials(), *more]) as engine:
        assert [info for info in engine.plugins if info.state == "broken"] == []
        yield Least(engine, directory, start, caller, impersonation)
