"""A dry run: every *prepare* and no *apply*.

The same way of a request as a real one, with authorization, elevation and identities; but in the place of the transaction
stands something that only remembers what would be done. Where the flow depends on a value that only a write yields, the
plan stops, and says so. Reads are real, so what a later call reads is the world without the changes of the earlier ones:
from the first such call on the plan is unsure, and says that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mpf_core import redaction
from mpf_core.errors import MpfError
from mpf_core.events import EventName
from mpf_core.provider import CallContext, Change, Element, Output, Provider
from mpf_core.runtime import Runtime
from mpf_core.store.port import TransactionRecord
from mpf_core.unknowns import ANYTHING, UNKNOWN, stand_ins

__all__ = ["UNKNOWN", "Plan", "PlannedCall", "PlannedStep", "Planning"]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One write call that would happen.

    ``identity`` is the account it would run as and ``identity_kind`` where that comes from, ``change`` what it would do, as
    text (LDIF for directories), and ``unknown`` the names of outputs that only doing it would yield. ``deferred`` says that
    the effect would become final at the commit only; ``sequence`` is that of the call.
    """

    procedure: str
    step: str
    identity: str
    identity_kind: str
    change: str
    reversible: bool = True
    deferred: bool = False
    unknown: tuple[str, ...] = ()
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call that would happen, of whatever kind: ``type`` is read, write or two-phase, ``depth`` how many are around it.

    ``sequence`` counts all calls of the request; a `PlannedStep` has that of its call. A write call without one changes
    nothing, or consists of others.
    """

    sequence: int
    procedure: str
    type: str
    step: str
    identity: str
    identity_kind: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request would do.

    ``steps`` are its write calls in order; those that a ``try`` would undo are not there. ``error`` is why it would fail, or
    ``None``. `stopped` says that the error may be there only because nothing was done: earlier steps have changes, or
    values that are not known yet. ``unsure`` is the first call (its step) that looks at the world behind a change: what it
    and those behind it find may be another thing when the change is made. ``calls`` are all calls in order, also
    those that only read, and those that a ``try`` would undo.
    """

    steps: tuple[PlannedStep, ...] = ()
    error: MpfError | None = None
    unsure: str = ""
    calls: tuple[PlannedCall, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether the error may come from the changes that were not made."""
        return self.error is not None and bool(self.steps)


@dataclass(slots=True)
class Planning:
    """Stands in for `mpf_core.transaction.transaction.Transaction` while a plan is made."""

    record: TransactionRecord
    runtime: Runtime
    steps: list[PlannedStep] = field(default_factory=list)
    tell: Callable[[EventName, dict[str, object]], None] = lambda _name, _fields: None
    unsure: str = ""
    calls: list[PlannedCall] = field(default_factory=list)

    @property
    def id(self) -> str:
        """An id that no transaction will have."""
        return self.record.id

    def lock(self, key: str, *, shared: bool) -> None:
        """Nothing is held: a plan is made beside running requests, and may be old when it is read."""

    def plan(self, error: MpfError | None = None) -> Plan:
        """What was found out until now."""
        return Plan(tuple(self.steps), error, self.unsure, tuple(self.calls))

    def looks(self, ctx: CallContext) -> None:
        """A provider is about to look at the world, for a read or to prepare a write."""
        if self.steps and not self.unsure:
            self.unsure = ctx.step

    def run(  # noqa: PLR0917 - as `Transaction.run`
        self,
        provider: Provider,
        ctx: CallContext,
        change: Change,
        source: str,
        saved_data: bytes | None,
        two_phase: bool,
        clear: bool,
    ) -> Output:
        """Remember a write call. Returns stand-ins for the output that only doing it would yield."""
        if change.data is None:
            return None
        missing = self._missing(ctx, change)
        self.steps.append(
            PlannedStep(
                f"{ctx.namespace}::{ctx.procedure}",
                ctx.step,
                ctx.identity.name,
                ctx.identity.kind.value,
                redaction.mask(provider.describe(change)),
                change.reversible,
                two_phase,
                tuple(str(element.tag) for element in missing if element.tag != ANYTHING),
                ctx.sequence,
            )
        )
        return missing

    def mark(self) -> int:
        """A point to go back to: see `rollback`."""
        return len(self.steps)

    def rollback(self, to: int) -> bool:
        """Forget the steps after the mark ``to``: they would be undone."""
        del self.steps[to:]
        if not self.steps:
            self.unsure = ""
        return True

    def _missing(self, ctx: CallContext, change: Change) -> list[Element]:
        _, procedure = self.runtime.procedure(ctx.namespace, ctx.procedure)
        known = {str(element.tag) for element in change.output}
        return stand_ins(procedure.output_schema, known, complete=change.complete)
