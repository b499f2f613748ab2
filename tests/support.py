"""A provider over a dictionary, and engines built from inline XML, for tests of the engine itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from mpf_core import (
    NO_CHANGE,
    CallContext,
    Caller,
    Change,
    Config,
    Engine,
    MpfError,
    Provider,
    Undo,
    argument,
    hookimpl,
    output,
    plugins,
    read,
    two_phase,
    write,
)
from mpf_core.engine import Result
from mpf_core.testing import AllowAll

CALLER = Caller("tester@fabrikam.com")

STORE_NAMESPACE = """
<namespace name="Store" providerSource="test.store">
  <procedure name="Put" type="write"/>
  <procedure name="Remove" type="two-phase"/>
  <procedure name="Get" type="read"/>
  <procedure name="Echo" type="read"/>
  <procedure name="Fail" type="read"/>
  <procedure name="Misbehave" type="read"/>
</namespace>
"""


#: An input schema that accepts anything, from anybody who is in the directory.
ANYBODY = (
    '<Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:annotation><xs:appinfo>'
    '<di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole type="Implicit">Users'
    '</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation><xs:element name="executeData"/></xs:schema></Schema>'
)


def for_anybody(namespace: str) -> str:
    """The namespace with `ANYBODY` in each public procedure that has no input schema."""
    return re.sub(
        r'(<procedure [^>/]*access="public"[^>/]*)(/?)>(?!\s*<Schema name="inputSchema")',
        lambda found: f"{found[1]}>{ANYBODY}" + ("</procedure>" if found[2] else ""),
        namespace,
    )


def offer(monkeypatch: pytest.MonkeyPatch, entry_points: Callable[..., Iterable[metadata.EntryPoint]]) -> None:
    """As if these were the entry points of what is installed."""
    monkeypatch.setattr(metadata, "entry_points", entry_points)
    monkeypatch.setattr(plugins, "_offered", plugins._offered.__wrapped__)  # which remembers what is installed


class StoreProvider(Provider):
    """Names and values. Remembers every call; fails where it is told to."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.parked: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.contexts: list[CallContext] = []
        self.misbehaviour: Callable[[etree._Element], Any] = lambda _data: None
        self.fail_after_effect: set[str] = set()
        self.fail_undo: set[str] = set()
        self.fail_prepare_commit: set[str] = set()
        self.fail_commit: set[str] = set()
        self.during_apply: Callable[[CallContext, str], None] = lambda _ctx, _name: None
        self.undo_contexts: list[CallContext] = []
        self.lock_keys = False

    @write("Put")
    def put(self, ctx: CallContext, data: etree._Element) -> Change:
        name, value = argument(data, "name"), data.findtext("value") or ""
        if self.lock_keys:
            ctx.lock(f"name:{name}")
        self.calls.append(("Put", name))
        if self.values.get(name) == value:
            return NO_CHANGE
        return Change({"name": name, "new": value, "old": self.values.get(name)}, output=(output("stored", name),))

    @two_phase("Remove")
    def remove(self, ctx: CallContext, data: etree._Element) -> Change:
        name = argument(data, "name")
        self.calls.append(("Remove", name))
        return Change({"remove": name, "value": self.values[name]})

    def apply(self, ctx: CallContext, change: Change) -> None:
        data = change.data
        assert isinstance(data, dict)
        if "remove" in data:
            self.parked[data["remove"]] = self.values.pop(data["remove"])
            return
        self.during_apply(ctx, data["name"])
        self.values[data["name"]] = data["new"]
        if data["name"] in self.fail_after_effect:
            raise MpfError(0x80004005, "failed after the effect")

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        data = change.data
        assert isinstance(data, dict)
        name = data.get("name") or data["remove"]
        self.calls.append(("undo", name))
        self.undo_contexts.append(ctx)
        if name in self.fail_undo:
            raise MpfError(0x80004005, "the undo fails")
        if "remove" in data:
            if name not in self.parked:
                return Undo.NOTHING_TO_UNDO
            self.values[name] = self.parked.pop(name)
            return Undo.UNDONE
        if self.values.get(name) != data["new"]:
            return Undo.NOTHING_TO_UNDO
        if data["old"] is None:
            del self.values[name]
        else:
            self.values[name] = data["old"]
        return Undo.UNDONE

    def commit(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        name = change.data["remove"]
        self.calls.append(("commit", name))
        if name in self.fail_commit:
            raise MpfError(0x80004005, "the commit fails")
        self.parked.pop(name, None)

    def prepare_commit(self, ctx: CallContext, change: Change) -> None:
        assert isinstance(change.data, dict)
        self.calls.append(("prepare commit", change.data["remove"]))
        if change.data["remove"] in self.fail_prepare_commit:
            raise MpfError(0x80004005, "the commit would fail")

    @read("Get")
    def get(self, ctx: CallContext, data: etree._Element) -> list[etree._Element]:
        self.calls.append(("Get", argument(data, "name")))
        return [output("value", self.values.get(argument(data, "name")))]

    @read("Echo")
    def echo(self, ctx: CallContext, data: etree._Element) -> None:
        self.contexts.append(ctx)
        self.calls.append(("Echo", etree.tostring(data).decode()))

    @read("Fail")
    def fail(self, ctx: CallContext, data: etree._Element) -> None:
        self.contexts.append(ctx)
        raise MpfError(int(data.findtext("hr") or "0x80004005", 16), data.findtext("desc") or "told to fail")

    @read("Misbehave")
    def misbehave(self, ctx: CallContext, data: etree._Element) -> Any:
        return self.misbehaviour(data)


class StorePlugin:
    """Brings the provider into an engine."""

    name = "store"

    def __init__(self, provider: StoreProvider) -> None:
        self.provider = provider

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"test.store": self.provider}


class Bench:
    """An engine over a `StoreProvider` and inline namespaces; every permission is granted unless ``config`` says else."""

    def __init__(
        self,
        folder: Path,
        *namespaces: str,
        config: Config | None = None,
        plugins: tuple[object, ...] = (),
        provider: StoreProvider | None = None,
    ) -> None:
        self.store = provider or StoreProvider()
        paths = []
        for number, text in enumerate((STORE_NAMESPACE, *namespaces)):
            path = folder / f"namespace{number}.xml"
            path.write_text(for_anybody(text), encoding="utf-8")
            paths.append(path)
        everything = ["tester@fabrikam.com"]
        self.engine = Engine(
            config
            or Config.model_validate(
                {
                    "security": {
                        "permissions": {
                            "trusted_requests": everything,
                            "callers_credentials": everything,
                            "private_procedures": everything,
                            "request_xslt": everything,
                        }
                    }
                }
            ),
            plugins=[StorePlugin(self.store), *(plugins or (AllowAll(),))],
            namespaces=paths,
        )

    def run(self, steps: str, data: str = "", context: str = "") -> Result:
        """Submit a trusted request with these steps and this content of data."""
        request = f'<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><data>{data}</data>{context}<procedure>{steps}</procedure></request>'
        return self.engine.execute(request, CALLER)

    def data(self, steps: str, data: str = "", context: str = "") -> str:
        """The response's data element after a request that must succeed."""
        result = self.run(steps, data, context)
        assert result.error is None, result.document.decode()
        found = etree.fromstring(result.document).find("data")
        assert found is not None
        return etree.tostring(found).decode()
