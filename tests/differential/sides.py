"""The two sides of a comparison: an engine with everything of ours on a directory with the hosting tree, built by requests.

One directory is the embedded one, the other a real server, where each caller is bound with the own password, so that its
access control lists decide, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from mpf_core import Caller, Config, Credentials, Engine, Result
from mpf_core.provider import ProcedureType
from mpf_core.testing import Faults, wrap_plugin
from mpf_directory import DirectoryPlugin, layout
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Directory
from mpf_directory.seed import seed_hosting_tree
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.differential.requests import CALLERS, Ask, document
from tests.differential.state import State, differences, restore, roots, state
from tests.namespaces.tree_by_requests import Builder, Requests
from tests.samba.controller import Samba, SambaCredentials, engine_config, remove_tree

PASSWORD = "Organization-w0rd of a test"

_built: dict[Path, tuple[object, State]] = {}


class Side:
    """An engine, its directory, and how both were at the start. ``faults`` strike in the providers, when they are armed."""

    def __init__(
        self, engine: Engine, directory: Directory, faults: Faults, start: State, caller: Callable[[str], Caller]
    ) -> None:
        self.engine = engine
        self.directory = directory
        self.faults = faults
        self.start = start
        self._caller = caller
        self._ground = start
        self._setup: tuple[Ask, ...] = ()
        self._changed = False

    def send(self, *asked: Ask) -> Result:
        """One request with these calls, by whoever asks for the first."""
        result = self.engine.execute(document(*asked), self._caller(CALLERS[asked[0].caller]))
        self._changed |= result.error is None and not all(map(self._is_read, asked))
        return result

    def done(self, *asked: Ask) -> Result:
        """The same; it must succeed."""
        result = self.send(*asked)
        assert result.error is None, (str(asked[0]), result.document.decode())
        return result

    def prepare(self, *setup: Ask) -> None:
        """As at the start, and then all of this in one request of the domain's administrator, which must succeed.

        Nothing is done when that is so already.
        """
        if self._changed or self._setup != setup:
            self.reset()
            if setup:
                self.done(*(ask.by("domain") for ask in setup))
                self._setup, self._ground, self._changed = setup, self.state(), False

    def state(self) -> State:
        """See `state`."""
        return state(self.directory)

    def now(self) -> State:
        """The same; not looked at again where no request that writes has succeeded since it was."""
        return self.state() if self._changed else self._ground

    def left_behind(self) -> Mapping[str, object]:
        """What differs from how it was prepared."""
        found = differences(self._ground, self.state())
        self._changed |= bool(found)
        return found

    def reset(self) -> None:
        """Everything as it was at the start."""
        self.faults.clear()
        if self._changed or self._setup:
            restore(self.directory, self.start)
        self._setup, self._ground, self._changed = (), self.start, False

    def _is_read(self, ask: Ask) -> bool:
        return self.engine.namespaces[ask.namespace].procedures[ask.procedure].type is ProcedureType.READ


@contextmanager
def embedded_side(folder: Path) -> Iterator[Side]:
    """On a fresh embedded directory."""
    file = folder / "directory.db"
    file.write_bytes(_embedded_tree())
    with (
        EmbeddedDirectory(file, server=layout.SERVER, base=layout.BASE) as directory,
        _side({"path": file.name}, folder, directory, Caller) as side,
    ):
        yield side


@contextmanager
def samba_side(samba: Samba, directory: Directory, endpoint: str | None = None) -> Iterator[Side]:
    """On a real server. The tree is built once in a run, and taken over if nobody has put another in its place.

    ``endpoint`` is where the engine asks for the server, if something stands in between.
    """

    def caller(name: str) -> Caller:
        own = samba.administrator if name == CALLERS["domain"] else Credentials(name, PASSWORD)
        return Caller(name, own)

    settings = engine_config(samba) | {"impersonation": "bind"}
    known, start = _built.get(samba.folder, (None, {}))
    if known is None or known != _mark(directory):
        _clear(directory)
        with _engine(settings, samba.folder, Faults(), SambaCredentials(samba)) as engine:
            _build(engine, directory, caller)
        start = state(directory)
        _built[samba.folder] = (_mark(directory), start)
    restore(directory, start)
    if endpoint is not None:
        settings |= {"servers": {samba.name: endpoint}}
    with _side(settings, samba.folder, directory, caller, SambaCredentials(samba)) as side:
        yield side
        side.reset()


@contextmanager
def _side(
    settings: Mapping[str, object], folder: Path, directory: Directory, caller: Callable[[str], Caller], *more: object
) -> Iterator[Side]:
    faults = Faults()
    with _engine(settings, folder, faults, *more) as engine:
        yield Side(engine, directory, faults, state(directory), caller)


def _engine(settings: Mapping[str, object], folder: Path, faults: Faults, *more: object) -> Engine:
    config = Config.model_validate(
        {
            "base_dir": str(folder),
            "directory": dict(settings),
            "security": {"permissions": {"trusted_requests": [CALLERS["domain"]]}},
            "plugins": {"mpf.policy": {"elevations": list(elevations()), "domain_claims": {"evidence": "none"}}},
        }
    )
    wrapped = [wrap_plugin(plugin, faults.wrap_provider) for plugin in (DirectoryPlugin(), OcsPlugin())]
    plugins = [*wrapped, ErrorPlugin(), ManagedPlugin(), PolicyPlugin()]
    engine = Engine(config, plugins=[*plugins, *more])
    broken = [info for info in engine.plugins if info.state == "broken"]
    assert not broken, broken
    return engine


def _build(engine: Engine, directory: Directory, caller: Callable[[str], Caller]) -> None:
    """The forest as its administrators prepare it, and in it the hosting tree as requests make it."""
    seed_hosting_tree(directory, PASSWORD)
    remove_tree(directory, _hosting(directory))
    passwords = dict.fromkeys(_accounts(), PASSWORD)
    Builder(Requests(engine, layout.SERVER), directory.base, caller(CALLERS["domain"]), passwords, caller).tree()


def _accounts() -> Iterator[str]:
    for organization in layout.ORGANIZATIONS:
        for name in ("admin", *organization.users):
            yield f"{name}@{organization.domain}".lower()


def _clear(directory: Directory) -> None:
    """What other tests have left of theirs."""
    computers = directory.base.child("CN", "Computers")
    servers = [computers.child("CN", name) for pool in layout.POOLS for name in pool.front_ends]
    hosting, service, *_ = roots(directory.base)
    for root in (hosting, service, *servers):
        if directory.read(root, ["objectClass"]) is not None:
            remove_tree(directory, root)


def _mark(directory: Directory) -> object:
    """What tells one Hosting unit from another of the same name."""
    entry = directory.read(_hosting(directory), ["objectGUID"])
    return entry.octets("objectGUID") if entry is not None else None


def _hosting(directory: Directory) -> Dn:
    return layout.ORGANIZATIONS[0].dn(directory.base)


@lru_cache(maxsize=1)
def _embedded_tree() -> bytes:
    """The file of an embedded directory with the tree."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "directory.db"
        with (
            EmbeddedDirectory.create(file, server=layout.SERVER, base=layout.BASE) as directory,
            _engine({"path": file.name}, Path(folder), Faults()) as engine,
        ):
            _build(engine, directory, Caller)
        return file.read_bytes()
