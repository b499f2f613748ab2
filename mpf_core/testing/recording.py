"""Recording what providers are asked and answer, against a real system, and replaying it anywhere.

    recorder = Recorder()
    engine = Engine(plugins=[recorder.wrap(DirectoryPlugin()), ...])     # a real directory
    engine.execute(...)
    recorder.save("create_user.json")

    mocks = replay(DirectoryPlugin(), "create_user.json")                # no directory
    engine = Engine(plugins=[*mocks.values(), ...])

Secrets (``do-not-log``) are masked in a recording, also where their values come up elsewhere in it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lxml import etree

from mpf_core.errors import MpfError
from mpf_core.provider import CallContext, Change, Element, Output, Provider
from mpf_core.redaction import hidden, hiding, marked, mask, secret_free
from mpf_core.testing.mocks import MockProvider, mock_providers
from mpf_core.testing.values import canonical
from mpf_core.testing.wrapping import WrappedProvider, wrap_plugin

_VERSION = 1


@dataclass(slots=True)
class Exchange:
    """One call as it was recorded: its executeData as canonical XML, and the output (XML) or the error that it got."""

    namespace: str
    procedure: str
    data: str
    output: str = ""
    code: int | None = None
    description: str = ""


class Recorder:
    """Remembers the calls of the providers that it wraps, in order. Threads may share it."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._secrets: set[str] = set()
        self._lock = threading.Lock()

    def wrap(self, plugin: object) -> object:
        """A plugin whose providers are recorded, to be given to an engine in the plugin's place."""
        return wrap_plugin(plugin, lambda provider: _Recorded(provider, self))

    def begin(self, ctx: CallContext, data: Element) -> Exchange:
        """Note a call."""
        made = Exchange(ctx.namespace, ctx.procedure, canonical(data))
        with self._lock:
            self._secrets |= marked(data) | hidden()  # also those that only the rest of the request marks
            self.exchanges.append(made)
        return made

    def save(self, path: Path | str) -> None:
        """Write the recording as JSON. Raises OSError."""
        text = [{name: self._masked(value) for name, value in asdict(one).items()} for one in self.exchanges]
        document = {"version": _VERSION, "exchanges": text}
        Path(path).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def _masked(self, value: object) -> object:
        with hiding(self._secrets):
            return mask(value) if isinstance(value, str) else value


class _Recorded(WrappedProvider):
    def __init__(self, inner: Provider, recorder: Recorder) -> None:
        super().__init__(inner)
        self._recorder = recorder
        #: Write calls between *prepare* and *apply*, by the change that was made for them.
        self._open: dict[int, Exchange] = {}

    def respond(self, ctx: CallContext, data: Element) -> Output | Change:
        exchange = self._recorder.begin(ctx, data)
        try:
            made = super().respond(ctx, data)
        except MpfError as error:
            exchange.code, exchange.description = error.code, mask(error.description)
            raise
        if isinstance(made, Change):
            exchange.output = _text(made.output)
            self._open[id(made)] = exchange
            return made
        found = None if made is None else list(made)
        exchange.output = _text(found or ())
        return found

    def apply(self, ctx: CallContext, change: Change) -> Output:
        exchange = self._open.pop(id(change), None)
        try:
            made = super().apply(ctx, change)
        except MpfError as error:
            if exchange is not None:
                exchange.code, exchange.description = error.code, mask(error.description)
            raise
        late = None if made is None else list(made)
        if exchange is not None:
            exchange.output += _text(late or ())
        return late


def replay(plugin: object, recording: Path | str) -> dict[str, MockProvider]:
    """Strict mocks for the provider namespaces of ``plugin``, which answer as a recording says: each call once, in order.

    Raises ValueError for a file that is no recording, OSError.
    """
    try:
        document = json.loads(Path(recording).read_text(encoding="utf-8"))
        version, exchanges = document["version"], [Exchange(**one) for one in document["exchanges"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{recording} is no recording: {error}") from error
    if version != _VERSION:
        raise ValueError(f"{recording} is a recording of version {version}, and this is version {_VERSION}")
    mocks = mock_providers(plugin, strict=True)
    for exchange in reversed(exchanges):  # what a mock is told last comes first
        if exchange.namespace in mocks:
            expectation = mocks[exchange.namespace].on(exchange.procedure).once()
            expectation.data = exchange.data
            if exchange.code is not None:
                expectation.raises(exchange.code, exchange.description)
            else:
                expectation.returns(exchange.output)
    return mocks


def _text(output: Iterable[Element]) -> str:
    return "".join(etree.tostring(secret_free(element), encoding="unicode", with_tail=False) for element in output)
