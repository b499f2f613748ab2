"""Keeps greetings in a JSON file: a read procedure, and two write procedures that share one apply and one undo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lxml.etree import _Element as Element

from mpf_core import CallContext, Change, Code, MpfError, Provider, Services, Undo, argument, hookimpl, output, read, write


class Greeter(Provider):
    """The procedures of the namespace "Acme Greeter"."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @read("GetGreeting")
    def get_greeting(self, ctx: CallContext, data: Element) -> list[Element]:
        """The greeting for a name, if there is one."""
        found = self._greetings().get(argument(data, "name"))
        return [output("greeting", found)] if found is not None else []

    @write("SetGreeting")
    def set_greeting(self, ctx: CallContext, data: Element) -> Change:
        """Only reads: says what will be done, and what that replaces."""
        ctx.lock("acme.greeter")  # nobody else writes the file until this transaction has ended
        name = argument(data, "name")
        return Change({"name": name, "new": argument(data, "greeting"), "old": self._greetings().get(name)})

    @write("RemoveGreeting")
    def remove_greeting(self, ctx: CallContext, data: Element) -> Change:
        """No greeting is the new greeting."""
        ctx.lock("acme.greeter")
        name = argument(data, "name")
        old = self._greetings().get(name)
        if old is None:
            raise MpfError(Code.NOT_FOUND, f"There is no greeting for '{name}'.")
        return Change({"name": name, "new": None, "old": old})

    def apply(self, ctx: CallContext, change: Change) -> None:
        """Does it."""
        data: Any = change.data
        self._put(data["name"], data["new"])

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Looks first: where the effect is not there, there is nothing to undo."""
        data: Any = change.data
        if self._greetings().get(data["name"]) != data["new"]:
            return Undo.NOTHING_TO_UNDO
        self._put(data["name"], data["old"])
        return Undo.UNDONE

    def _greetings(self) -> dict[str, str]:
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def _put(self, name: str, greeting: str | None) -> None:
        others = {key: value for key, value in self._greetings().items() if key != name}
        self.file.write_text(json.dumps(others if greeting is None else others | {name: greeting}))


class GreeterPlugin:
    """What the entry point names; one instance for each engine."""

    name = "acme.greeter"

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take the settings of ``[plugins."acme.greeter"]``; ``base_dir`` is the folder of mpf.toml."""
        self.file = services.base_dir / str(settings.get("file", "greetings.json"))

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        """The namespace file."""
        return [Path(__file__).parent / "greeter.xml"]

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        """The provider, under the providerSource that the namespace file names."""
        return {"acme.greeter": Greeter(self.file)}
