"""Keeps greetings in a file: a read procedure, and a write procedure that can be undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lxml.etree import _Element as Element

from mpf_core import CallContext, Change, Provider, Services, Undo, argument, hookimpl, output, read, write


class Greeter(Provider):
    """The procedures of the namespace "Acme Greeter"."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def greetings(self) -> dict[str, str]:
        """What the file holds."""
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    @read("GetGreeting")
    def get_greeting(self, ctx: CallContext, data: Element) -> list[Element]:
        """The greeting for a name."""
        return [output("greeting", self.greetings().get(argument(data, "name")))]

    @write("SetGreeting")
    def set_greeting(self, ctx: CallContext, data: Element) -> Change:
        """Only reads: says what will be done, and what it replaces."""
        name = argument(data, "name")
        ctx.lock(f"greeting:{name}")
        return Change({"name": name, "new": argument(data, "greeting"), "old": self.greetings().get(name)})

    def apply(self, ctx: CallContext, change: Change) -> None:
        """Does it."""
        self.file.write_text(json.dumps(self.greetings() | {change.data["name"]: change.data["new"]}))

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Looks first, and leaves alone what somebody else has changed in the meantime."""
        greetings, data = self.greetings(), change.data
        if greetings.get(data["name"]) != data["new"]:
            return Undo.NOTHING_TO_UNDO
        greetings = {k: v for k, v in greetings.items() if k != data["name"]}
        self.file.write_text(json.dumps(greetings | ({data["name"]: data["old"]} if data["old"] else {})))
        return Undo.UNDONE


class GreeterPlugin:
    """What the entry point names; one instance for each engine."""

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take the settings of ``[plugins."acme.greeter"]``."""
        self.file = services.base_dir / str(settings.get("file", "greetings.json"))

    @hookimpl
    def mpf_namespaces(self) -> list[Path]:
        """The namespace file."""
        return [Path(__file__).parent / "greeter.xml"]

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        """The provider, under the providerSource that the namespace file names."""
        return {"acme.greeter": Greeter(self.file)}
