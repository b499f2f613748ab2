"""The tree of calls that a request made: data in and out, accounts, times, elevations, and what became of each.

A trace is asked for one request at a time (`Engine.execute(..., trace=Trace())`, ``mpfctl submit --trace``) and costs
nothing otherwise. What no schema names is masked in it, and so are secrets. `Trace.export` hands it to OpenTelemetry, whose
API package is needed for that.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from mpf_core import redaction
from mpf_core.provider import Element, Json
from mpf_core.security.identity import Identity
from mpf_core.transaction.transaction import StepOutcome

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

#: Longer texts are cut in a trace.
_LONGEST = 20_000
_NANOSECONDS = 1_000_000_000


@dataclass(slots=True)
class Span:
    """One call. Times are seconds since the epoch; ``data`` and ``result`` are executeData as XML, before and after.

    ``elevated`` is why the call ran with more rights than its caller's; ``outcome`` what became of a write in a rollback.
    """

    procedure: str
    step: str
    data: str
    started: float
    sequence: int = 0
    identity: str = ""
    identity_kind: str = ""
    ended: float = 0.0
    result: str = ""
    error: str = ""
    elevated: str = ""
    outcome: str = ""
    calls: list[Span] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long the call took."""
        return max(0.0, self.ended - self.started)

    def walk(self) -> Iterator[Span]:
        """The call and all calls below it, in order of start."""
        yield self
        for call in self.calls:
            yield from call.walk()

    def as_json(self) -> dict[str, Json]:
        """All of it for programs, calls below included."""
        found: dict[str, Json] = {
            name: getattr(self, name)
            for name in (
                "procedure",
                "step",
                "sequence",
                "identity",
                "identity_kind",
                "started",
                "seconds",
                "data",
                "result",
                "error",
                "elevated",
                "outcome",
            )
        }
        found["calls"] = [call.as_json() for call in self.calls]
        return found


class Trace:
    """The calls of one request, from the outermost ones down. Used by the request's thread, and read when it is over."""

    def __init__(self) -> None:
        self.calls: list[Span] = []
        self.transaction_id = ""
        self._open: list[Span] = []

    # --- Filled in by the engine ----------------------------------------------------------------------------------------

    def begin(self, procedure: str, step: str, data: Element, safe: Container[str]) -> None:
        """A call begins. What is not ``safe`` is masked: names of elements, and of attributes with ``@`` before."""
        made = Span(procedure, step, shown(data, safe), time.time())
        (self._open[-1].calls if self._open else self.calls).append(made)
        self._open.append(made)

    def runs_as(self, sequence: int, identity: Identity) -> None:
        """The latest open call has a number, and an account that it will run as."""
        span = self._open[-1]
        span.sequence, span.identity, span.identity_kind = sequence, identity.name, identity.kind.value

    def end(self, data: Element, safe: Container[str], error: BaseException | None = None) -> None:
        """The latest open call ends."""
        span = self._open.pop()
        span.ended = time.time()
        if error is None:
            span.result = shown(data, safe)
        else:
            span.error = redaction.mask(str(error) or type(error).__name__)

    def elevate(self, reason: str) -> None:
        """The latest open call runs with more rights than its caller's."""
        self._open[-1].elevated = reason

    def settle(self, outcomes: Sequence[StepOutcome]) -> None:
        """What became of the writes, and what turned out to be secret: both are known when the request is over."""
        states = {(one.sequence, one.step): one.state.value for one in outcomes}
        for call in self.calls:
            for span in call.walk():
                span.outcome = states.get((span.sequence, span.step), "")
                span.data, span.result, span.error = map(redaction.mask, (span.data, span.result, span.error))

    # --- Read by people and programs --------------------------------------------------------------------------------------

    def as_json(self) -> dict[str, Json]:
        """All of it for programs."""
        return {"transaction": self.transaction_id, "calls": [call.as_json() for call in self.calls]}

    def export(self, tracer: Tracer) -> None:
        """Hand every call to OpenTelemetry as a span, with its own times. Data is left out: exporters send it anywhere."""
        from opentelemetry import trace as api  # noqa: PLC0415 - an extra

        def give(span: Span, context: Any) -> None:
            attributes = {
                "mpf.transaction": self.transaction_id,
                "mpf.step": span.step,
                "mpf.identity": span.identity,
                "mpf.identity_kind": span.identity_kind,
                **({"mpf.elevated": span.elevated} if span.elevated else {}),
                **({"mpf.outcome": span.outcome} if span.outcome else {}),
            }
            start = int(span.started * _NANOSECONDS)
            made = tracer.start_span(span.procedure, context=context, start_time=start, attributes=attributes)
            for call in span.calls:
                give(call, api.set_span_in_context(made))
            if span.error:
                made.set_status(api.StatusCode.ERROR, span.error)
            made.end(end_time=int(span.ended * _NANOSECONDS))

        for call in self.calls:
            give(call, None)


def shown(data: Element, safe: Container[str]) -> str:
    """executeData as XML, with what is secret or not ``safe`` masked; cut where it is long."""
    text = etree.tostring(redaction.secret_free(data, safe), encoding="unicode", with_tail=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
