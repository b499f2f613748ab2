"""What the documents inside of the store's rows are made of: which keys they have, and of what kind their values are.

Requests of all kinds are run on the embedded directory, and what is written to a store is looked at before it is encrypted.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from unittest import mock
from uuid import uuid4

from mpf_config import ConfigPlugin
from mpf_core import Config, Engine
from mpf_core.provider import Json
from mpf_core.security.principal import Credentials
from mpf_core.store.port import TransactionRecord
from mpf_core.store.rows import BOUND
from mpf_core.store.vault import DataKey
from mpf_core.testing import AllowAll
from mpf_core.transaction.recovery import notice
from mpf_core.transaction.states import UNSETTLED
from mpf_directory import DirectoryPlugin
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin
from mpf_ocs import OcsPlugin
from tests.kills.requests import AD, FAIL, OCS_PROVIDER, request, step
from tests.kills.scenarios import SCENARIOS
from tests.kills.scenarios_acl import lend_access_control_lists
from tests.kills.scenarios_hosting import ACCESS_CONTROL
from tests.namespaces.support import DOMAIN_ADMIN, OCS, seeded

#: Keys whose values have keys that are names of attributes or procedures, or numbers.
_BY_NAME = frozenset({"attributes", "changes", "changed", "guids"})
_KINDS = {str: "text", bool: "truth", int: "number", float: "number", type(None): "nothing"}
#: Whose steps are in the journal, whoever calls them.
_PROVIDED = frozenset({AD, ACCESS_CONTROL, OCS_PROVIDER})
_EXECUTE_AS = step("MPF Config", "SetExecuteAs", namespace="Error Provider", username="somebody")


def documents() -> Iterator[str]:
    """A line for each key of each document."""
    lines: set[str] = set()
    with tempfile.TemporaryDirectory() as name, ExitStack() as patched:
        seal = DataKey.seal

        def listening(self: DataKey, plaintext: bytes, bound: bytes, clear: bool = False) -> bytes:
            lines.update(_sealed(plaintext, json.loads(bound)))
            return seal(self, plaintext, bound, clear)

        def lend(of: type, what: str, value: object) -> None:
            patched.enter_context(mock.patch.object(of, what, value, create=True))

        patched.enter_context(mock.patch.object(DataKey, "seal", listening))
        lend_access_control_lists(lend)
        for scenario in SCENARIOS:
            if scenario.namespace in _PROVIDED and not scenario.fails:
                _run(Path(name), *map(request, scenario.setup), scenario.request)
        assigned = request(_EXECUTE_AS), request(_EXECUTE_AS, FAIL)
        elevated = next(one for one in SCENARIOS if (one.namespace, one.procedure) == (OCS, "CreateSipUser"))
        lines.update(_run(Path(name), *assigned, *map(request, elevated.setup), elevated.request))
    for state in UNSETTLED:
        for topic, body in notice(TransactionRecord("", "", "", 0.0, state=state)):
            lines.update(_lines(f"outbox {topic}", body))
    yield from sorted(lines)


def _run(folder: Path, *requests: str) -> set[str]:
    """Run requests on a fresh directory; returns the lines of the whole audit."""
    for file in folder.glob("directory.db*"):
        file.unlink()
    (folder / "directory.db").write_bytes(seeded())
    name = DOMAIN_ADMIN.name
    permissions = {"trusted_requests": [name], "private_procedures": [name], "administration": [name]}
    settings = {
        "base_dir": str(folder),
        "store": {"url": "sqlite:///store.db"},
        "directory": {"path": "directory.db"},
        "security": {"permissions": permissions},
    }
    plugins = [DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), ConfigPlugin(), AllowAll()]
    with closing(Engine(Config.model_validate(settings), plugins=plugins)) as engine:
        engine.administration.put_credential("somebody", Credentials("somebody", "a password"), name)
        for document in requests:
            engine.execute(document, DOMAIN_ADMIN, idempotency_key=str(uuid4()))
        entries = [line.entry for line in engine.store.audit.lines()]
    return {found for entry in entries for found in _lines(f"audit {entry.event}", dict(entry.details))}


def _sealed(text: bytes, bound: list[Json]) -> Iterator[str]:
    """The lines of what is encrypted; what it is bound to says what it is."""
    part, *others = bound
    if part in {"intent", "outcome"}:
        facts = dict(zip(("transaction_id", "order", *BOUND), others, strict=True))
        content, *rest = json.loads(text)
        what = f"change {facts['format']}" if part == "intent" else "evidence"
        yield from _lines(f"{what} of {facts['namespace']}", content)
        yield from _lines(part, [None, *rest])
    elif part == "setting":
        yield from _lines(f"setting {str(others[0]).partition('/')[0]}", json.loads(text))
    elif part == "response":
        yield from _lines("response", json.loads(text))


def _lines(what: str, value: Json, path: str = "", *, by_name: bool = False) -> Iterator[str]:
    """A line for each value in a document. Operations are told apart by what they do."""
    if not isinstance(value, dict | list):
        yield f"{what}: {path} - {_KINDS[type(value)]}"
    if isinstance(value, dict):
        doing = f"[{value['op']}]" if "op" in value else ""
        for key, inner in value.items():
            yield from _lines(what, inner, f"{path}{doing}.{'*' if by_name else key}".lstrip("."), by_name=key in _BY_NAME)
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(what, inner, f"{path}[]")
