"""This engine as it is used: validation, authorization, encrypted intents, audit; step 6 fails after its intent."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from bench.peers.job import Contender, Job, Target, ToldToFail, Unavailable
from bench.provision6 import NAMESPACE, PROCEDURES
from mpf_core import (
    CallContext,
    Caller,
    Change,
    ConfigError,
    Engine,
    MpfError,
    Provider,
    Undo,
    argument,
    hookimpl,
    write,
)
from mpf_core.config import Config
from mpf_core.store.keys import create_key_file
from mpf_core.testing import AllowAll


class TargetProvider(Provider):
    """The namespace ``Bench`` on the dictionary that every contender provisions."""

    name = "bench"

    def __init__(self, target: Target) -> None:
        self._target = target

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"bench": self}

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        number = int(argument(data, "name").removeprefix("n"))
        return Change({"number": number, "value": argument(data, "value"), "fail": data.findtext("fail") == "true"})

    def apply(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        number, value, fail = change.data["number"], change.data["value"], change.data["fail"]
        assert isinstance(number, int)
        try:
            self._target.put(number, Job({f"n{number}": str(value)}, bool(fail)))
        except ToldToFail:
            raise MpfError(0x80004005, "told to fail") from None

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        assert isinstance(change.data, dict)
        number = change.data["number"]
        assert isinstance(number, int)
        there = f"n{number}" in self._target.values
        self._target.remove(number)
        return Undo.UNDONE if there else Undo.NOTHING_TO_UNDO


def contender(url: str, folder: Path) -> Contender:
    """The engine with its store in that database."""
    for name, text in (("bench.xml", NAMESPACE), ("provision.xml", PROCEDURES)):
        (folder / name).write_text(text, encoding="utf-8")
    key_file = folder / "mpf.key"
    create_key_file(key_file)
    target = Target()
    try:
        config = Config.model_validate({"store": {"url": url, "key_file": key_file, "lock_dir": folder / "locks"}})
        engine = Engine(config, plugins=[TargetProvider(target), AllowAll()], namespaces=[folder]).start()
    except (ImportError, ConfigError) as error:
        raise Unavailable(f"the engine does not open {url.partition(':')[0]} stores: {error}") from None
    caller = Caller("bench")

    def run(document: bytes) -> bool:
        return engine.execute(document, caller, namespace="Provision", procedure="Six").error is None

    return Contender(target, run)
