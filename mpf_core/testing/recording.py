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
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lxml import etree

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Element, Output, Provider
from mpf_core.redaction import MARK, hidden, hiding, marked, mask, secret_free
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
    """Remembers the calls of the providers that it wraps, in order, but for those of plans. Threads may share it."""

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
        with hiding(self._secrets):
            exchanges = [
                replace(one, data=_masked(one.data), output=_masked(one.output), description=mask(one.description))
                for one in self.exchanges
            ]
        document = {"version": _VERSION, "exchanges": [asdict(one) for one in exchanges]}
        Path(path).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class _Recorded(WrappedProvider):
    def __init__(self, inner: Provider, recorder: Recorder) -> None:
        super().__init__(inner)
        self._recorder = recorder
        #: Write calls between *prepare* and *apply*, by the change that was made for them.
        self._open: dict[int, tuple[Change, Exchange]] = {}

    def respond(self, ctx: CallContext, data: Element) -> Output | Change:
        if ctx.planned:
            return super().respond(ctx, data)
        exchange = self._recorder.begin(ctx, data)
        try:
            made = super().respond(ctx, data)
        except Exception as error:
            _fail(exchange, error)
            raise
        if isinstance(made, Change):
            exchange.output = _text(made.output)
            if made.data is not None:
                self._open[id(made)] = made, exchange  # with the change itself, or another one could get its id
            return made
        found = None if made is None else list(made)
        exchange.output = _text(found or ())
        return found

    def apply(self, ctx: CallContext, change: Change) -> Output:
        _, exchange = self._open.pop(id(change), (change, None))
        try:
            made = super().apply(ctx, change)
        except Exception as error:
            if exchange is not None:
                _fail(exchange, error)
            raise
        late = None if made is None else list(made)
        if exchange is not None:
            exchange.output += _text(late or ())
        return late


def replay(plugin: object, recording: Path | str) -> dict[str, MockProvider]:
    """Strict mocks for the provider namespaces of ``plugin``, which answer as a recording says.

    Each recorded call is answered once, and equal ones in their order; `MockProvider.verify` tells of those that were not
    made. What is masked in the recording may be anything in the call.

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


def _fail(exchange: Exchange, error: Exception) -> None:
    if isinstance(error, MpfError):
        exchange.code, exchange.description = error.code, mask(error.description)
    else:
        exchange.code, exchange.description = Code.E_UNEXPECTED, f"it failed unexpectedly ({type(error).__name__})"


def _masked(content: str) -> str:
    """XML with what is secret masked in texts and values, and no name changed."""
    root = etree.fromstring(f"<all>{content}</all>")
    for element in root.iter(etree.Element):
        element.text, element.tail = mask(element.text or "") or None, mask(element.tail or "") or None
        for name, value in element.attrib.items():
            if name != MARK:
                element.set(name, mask(str(value)))
    return "".join(etree.tostring(child, encoding="unicode", with_tail=True) for child in root)


def _text(output: Iterable[Element]) -> str:
    return "".join(etree.tostring(secret_free(element), encoding="unicode", with_tail=False) for element in output)
