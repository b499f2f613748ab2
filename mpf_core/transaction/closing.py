"""Bringing a transaction to its end from its records: the one way for rollbacks, recovery and retries.

It knows the records, the providers and the recovery account, and nothing that only the engine which ran the steps could
know (sources: spec/engine-and-runtime.md 3, spec/peers.md 0.1; design: docs/design/transactions.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lxml import etree
from tenacity import Retrying, stop_after_attempt, wait_exponential

from mpf_core import points, redaction, xml
from mpf_core.errors import ConfigError, MpfError
from mpf_core.events import EventName
from mpf_core.log import logger
from mpf_core.provider import CallContext, Change, Provider, Undo
from mpf_core.security.identity import Identity
from mpf_core.security.principal import Principal
from mpf_core.store.port import StepRecord
from mpf_core.transaction.ledger import Ledger
from mpf_core.transaction.states import OPEN_STATES, StepState, TransactionState

T = TypeVar("T")
Tell = Callable[[EventName, dict[str, object]], None]

_LONGEST_WAIT = 2.0
_TAMPERED = "the record was changed behind the engine's back, so it is shown and never executed"


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes: providers by source, the recovery account, and how long to try.

    ``provider`` raises MpfError for one that is missing; ``account`` ConfigError when its credentials are, and ``name`` is
    what that account is called. ``attempts`` are
    those of one undo or commit, ``wait`` the seconds before the second one, ``call_timeout`` the seconds of one attempt.
    """

    provider: Callable[[str], Provider]
    account: Callable[[], Identity]
    attempts: int = 3
    wait: float = 0.05
    call_timeout: float | None = None
    name: str = ""


class Closing:
    """Undoes or commits the steps in a ledger. Nothing is written; that is up to `Ledger.save`."""

    def __init__(self, ledger: Ledger, means: Means, tell: Tell) -> None:
        self._ledger = ledger
        self._means = means
        self._tell = tell

    def rollback(self, after: int = 0) -> bool:
        """Undo every open step after the first ``after`` ones, last first. Returns whether all of it could be undone."""
        complete = True
        for step in reversed(self._ledger.steps[after:]):
            if step.state in OPEN_STATES:
                complete &= self._undo(step)
        return complete

    def undo_all(self) -> TransactionState:
        """Undo every open step, and those whose undo failed before. Returns where the transaction ends."""
        for step in reversed(self._ledger.steps):
            if step.state in OPEN_STATES or step.state is StepState.UNDO_FAILED:
                self._undo(step)
        failed = any(step.state is StepState.UNDO_FAILED for step in self._ledger.steps)
        return TransactionState.INCONSISTENT if failed else TransactionState.ROLLED_BACK

    def prepare_commit(self) -> None:
        """Ask every two-phase step that is done whether its commit can succeed. Raises what a provider raises."""
        for step in self._ledger.steps:
            if step.two_phase and step.state is StepState.DONE:
                self._means.provider(step.provider_source).prepare_commit(*self._call(step))

    def commit_all(self) -> TransactionState:
        """Commit in forward order, all of it, whatever happens. Returns where the transaction ends."""
        for step in self._ledger.steps:
            if step.state is StepState.DONE or step.state is StepState.IN_DOUBT:
                self._commit(step)
        doubtful = any(step.state is StepState.IN_DOUBT for step in self._ledger.steps)
        return TransactionState.IN_DOUBT if doubtful else TransactionState.COMMITTED

    def _undo(self, step: StepRecord) -> bool:
        if not step.reversible:
            self._ledger.move(step, StepState.IRREVERSIBLE)
            return False
        points.reach("provider.undo.before")
        with redaction.hiding(step.secrets):
            try:
                found = self._attempt(step, lambda provider, ctx, change: provider.undo(ctx, change))
            except (Exception, SystemExit) as error:  # one failing undo never stops the others
                self._failed(step, StepState.UNDO_FAILED, "undo.failed", error)
                self._tell("step.undo_failed", {"sequence": step.sequence, "step": step.step, "reason": step.detail})
                return False
        points.reach("provider.undo.after")
        self._ledger.move(step, StepState.UNDONE if found is Undo.UNDONE else StepState.NOTHING_TO_UNDO)
        self._tell("step.undone", {"sequence": step.sequence, "step": step.step, "outcome": step.state.value})
        return True

    def _commit(self, step: StepRecord) -> None:
        with redaction.hiding(step.secrets):
            try:
                if step.two_phase:
                    points.reach("provider.commit.before")
                    self._attempt(step, lambda provider, ctx, change: provider.commit(ctx, change))
                    points.reach("provider.commit.after")
            except (Exception, SystemExit) as error:  # the remaining commits still run
                self._failed(step, StepState.IN_DOUBT, "commit.failed", error)
                self._tell("step.in_doubt", {"sequence": step.sequence, "step": step.step, "reason": step.detail})
            else:
                self._ledger.move(step, StepState.COMMITTED)

    def _attempt(self, step: StepRecord, act: Callable[[Provider, CallContext, Change], T]) -> T:
        """Do it, several times if need be. Raises what the last attempt raised."""
        if not step.verified:
            raise _Refused(_TAMPERED)
        provider = self._means.provider(step.provider_source)
        if step.format not in provider.formats:
            raise _Refused(f"the provider '{step.provider_source}' does not know format {step.format} of its changes")
        if self._means.attempts == 1:
            return act(provider, *self._call(step))
        retrying = Retrying(
            stop=stop_after_attempt(self._means.attempts),
            wait=wait_exponential(multiplier=self._means.wait, max=_LONGEST_WAIT),
            reraise=True,
        )
        result: T = retrying(lambda: act(provider, *self._call(step)))
        return result

    def _call(self, step: StepRecord) -> tuple[CallContext, Change]:
        """What a provider is told about a step that it may have done in another process."""
        step.attempts += 1
        timeout = self._means.call_timeout
        context = etree.Element("context")
        etree.SubElement(context, "transactionContext", transactionId=step.transaction_id)
        ctx = CallContext(
            transaction_id=step.transaction_id,
            namespace=step.namespace,
            procedure=step.procedure,
            step=step.step,
            sequence=step.sequence,
            identity=self._means.account(),
            caller=Principal(self._ledger.record.caller),
            context=context,
            bag={},
            deadline=None if timeout is None else time.monotonic() + timeout,
            evidence=dict(step.evidence),
            saved_data=None if step.saved_data is None else xml.parse(step.saved_data, limit=None),
        )
        return ctx, Change(step.change, reversible=step.reversible, format=step.format)

    def _failed(self, step: StepRecord, state: StepState, event: str, error: BaseException) -> None:
        logger(transaction=step.transaction_id).error(event, step=step.step, procedure=step.procedure, exc_info=True)
        self._ledger.move(step, state, _reason(error))


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """It is not even tried; the text says why."""


def _reason(error: BaseException) -> str:
    """What may be shown: an unexpected exception's text could hold a secret, so it goes to the log only."""
    if isinstance(error, MpfError | ConfigError | _Refused):
        return redaction.mask(str(error))
    return f"{type(error).__name__}; the engine's log has the details"
