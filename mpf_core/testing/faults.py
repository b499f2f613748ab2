"""Making real or mock providers fail, on purpose: at a chosen call, or at random calls that a seed repeats.

    faults = Faults()
    engine = Engine(plugins=[faults.wrap(DirectoryPlugin()), ...])
    faults.add(Fault.AFTER, "Set Properties", call=2)

Which of them the engine must be able to live with is what the conformance kit tries.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Element, Output, ProcedureType, Provider, Undo
from mpf_core.testing.values import Values, elements
from mpf_core.testing.wrapping import WrappedProvider, wrap_plugin


class Fault(Enum):
    """What goes wrong, and where."""

    #: The call fails before anything: no intent, no effect.
    BEFORE = "before"
    #: The effect fails and did not happen; the intent is there.
    INSTEAD = "instead"
    #: The effect happened, and then the call fails.
    AFTER = "after"
    #: The effect happened, and nobody heard of it in time.
    TIME_OUT = "time-out"
    #: The connection was cut behind the effect.
    CUT = "cut"
    #: The answer is another one.
    WRONG_ANSWER = "wrong-answer"
    #: The call takes some time, and is right.
    SLOW = "slow"
    #: The undo of the effect fails.
    UNDO_FAILS = "undo-fails"


_ERRORS = {
    Fault.BEFORE: (Code.E_FAIL, "a fault before the call"),
    Fault.INSTEAD: (Code.E_FAIL, "a fault instead of the effect"),
    Fault.AFTER: (Code.E_FAIL, "a fault after the effect"),
    Fault.TIME_OUT: (Code.TIMEOUT, "no answer in time"),
    Fault.CUT: (Code.SERVER_DOWN, "the connection was cut"),
    Fault.UNDO_FAILS: (Code.E_FAIL, "a fault in the undo"),
}
_BEHIND = (Fault.AFTER, Fault.TIME_OUT, Fault.CUT)


@dataclass(slots=True)
class _Order:
    fault: Fault
    procedure: str | None
    call: int | None
    probability: float | None
    times: int | None
    seconds: float
    answer: Values
    struck: int = 0
    #: Calls that it could have struck since it was ordered.
    seen: int = 0
    #: The steps whose undo it has made fail: it fails each time that it is tried.
    steps: set[tuple[str, int]] = field(default_factory=set)


class Faults:
    """Faults to come. ``seed`` makes random ones the same in every run; one object may wrap several plugins."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to be repeated, not to be unpredictable
        self._orders: list[_Order] = []
        self._known: set[str] = set()
        self._lock = threading.Lock()
        #: What struck, in order: the fault and the procedure.
        self.struck: list[tuple[Fault, str]] = []

    def add(
        self,
        fault: Fault,
        procedure: str | None = None,
        *,
        call: int | None = None,
        probability: float | None = None,
        times: int | None = None,
        seconds: float = 0.1,
        answer: Values = None,
    ) -> Faults:
        """Order a fault; returns itself.

        ``procedure`` is the one it concerns (any, if not given), ``call`` counts from 1 from now on, ``probability`` (0 to
        1) makes it strike at random, ``times`` bounds how often it strikes. ``seconds`` is how long SLOW takes,
        ``answer`` the output of WRONG_ANSWER. An undo that fails does so each time that it is tried, up to ``times``.

        Raises KeyError for a procedure that no wrapped provider has, TypeError and ValueError for what makes no sense.
        """
        if not isinstance(fault, Fault):
            raise TypeError(f"{fault!r} is no Fault: {', '.join(f'Fault.{one.name}' for one in Fault)}")
        if (call is not None and call < 1) or (times is not None and times < 1):
            raise ValueError("calls and times count from 1")
        if probability is not None and not 0 <= probability <= 1:
            raise ValueError(f"a probability is from 0 to 1, not {probability}")
        with self._lock:
            if procedure is not None and self._known and procedure not in self._known:
                raise KeyError(f"no wrapped provider has '{procedure}': there are {', '.join(sorted(self._known))}")
            self._orders.append(_Order(fault, procedure, call, probability, times, seconds, answer))
        return self

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._orders.clear()

    def wrap(self, plugin: object) -> object:
        """A plugin whose providers have these faults, to be given to an engine in the plugin's place."""
        return wrap_plugin(plugin, self.wrap_provider)

    def wrap_provider(self, provider: Provider) -> Provider:
        """A provider with these faults. Raises KeyError when one was ordered for a procedure that no wrapped one has."""
        with self._lock:
            self._known |= provider.handlers.keys()
        return _Faulty(provider, self)

    def strikes(self, ctx: CallContext, *faults: Fault) -> Iterator[_Order]:
        """The faults of these kinds that strike this call now; each order counts its calls on its own."""
        procedure = ctx.procedure
        for fault in faults:
            with self._lock:
                found = [order for order in self._orders if order.fault is fault and self._is_due(order, ctx)]
                for order in found:
                    order.struck += 1
                    self.struck.append((fault, procedure))
            yield from found

    def _is_due(self, order: _Order, ctx: CallContext) -> bool:
        if order.procedure not in {None, ctx.procedure}:
            return False
        step = (ctx.transaction_id, ctx.sequence)
        if order.times is not None and order.struck >= order.times:
            return False
        if order.fault is Fault.UNDO_FAILS and step in order.steps:
            return True
        order.seen += 1
        if order.call is not None and order.seen != order.call:
            return False
        if order.probability is not None and self._random.random() >= order.probability:
            return False
        order.steps.add(step)
        return True


class _Faulty(WrappedProvider):
    def __init__(self, inner: Provider, faults: Faults) -> None:
        super().__init__(inner)
        self._faults = faults
        #: Calls with another answer: what they yield later is no part of it.
        self._wrong: set[tuple[str, int]] = set()

    def respond(self, ctx: CallContext, data: Element) -> Output | Change:
        reads = self.handlers[ctx.procedure][0].type is ProcedureType.READ
        # A read has no effect that could be told from the call.
        self._strike(ctx, Fault.SLOW, Fault.BEFORE, *([Fault.INSTEAD] if reads else []))
        made = super().respond(ctx, data)
        if reads:
            self._strike(ctx, *_BEHIND)
        for order in self._faults.strikes(ctx, Fault.WRONG_ANSWER):
            wrong = tuple(elements(order.answer))
            made = wrong if not isinstance(made, Change) else replace(made, output=wrong)
            self._wrong.add((ctx.transaction_id, ctx.sequence))
        return made

    def apply(self, ctx: CallContext, change: Change) -> Output:
        self._strike(ctx, Fault.INSTEAD)
        made = super().apply(ctx, change)
        self._strike(ctx, *_BEHIND)
        return None if (ctx.transaction_id, ctx.sequence) in self._wrong else made

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        self._strike(ctx, Fault.UNDO_FAILS)
        return super().undo(ctx, change)

    def _strike(self, ctx: CallContext, *faults: Fault) -> None:
        for order in self._faults.strikes(ctx, *faults):
            if order.fault is Fault.SLOW:
                time.sleep(order.seconds)
            else:
                raise MpfError(*_ERRORS[order.fault])
