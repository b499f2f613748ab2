"""Running the steps of one request: the way of a call, from binding to outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree
from structlog.typing import FilteringBoundLogger

from mpf_core import redaction, unknowns, xml
from mpf_core.administration import Administration
from mpf_core.allowance import Allowance
from mpf_core.authority import Authority
from mpf_core.config import Config
from mpf_core.dataflow import Frame, Skip, clone
from mpf_core.errors import Code, Doomed, ErrorSource, MpfError
from mpf_core.events import Event, EventName
from mpf_core.model import Access, Execute, Inherit, Namespace, Procedure, Queue, Select, Step, Transform, Try
from mpf_core.observing import Observing
from mpf_core.planning import PlannedCall, Planning
from mpf_core.provider import CallContext, Change, Element, Output, ProcedureType
from mpf_core.response import error_context
from mpf_core.runtime import Runtime
from mpf_core.security.calls import Call
from mpf_core.security.declarations import values_of
from mpf_core.security.identity import Impersonate, SecurityState
from mpf_core.security.principal import Principal
from mpf_core.store.port import Fenced, Store, StoreUnavailable
from mpf_core.tracing import Trace
from mpf_core.transaction.closing import Means, Tell
from mpf_core.transaction.transaction import InDoubt, Transaction
from mpf_core.validation.input_schema import InputSchema

if TYPE_CHECKING:
    from mpf_core.admission import Admitted

_NOTEWORTHY = {"transaction.begin", "transaction.end", "elevation", "step.undo_failed", "step.in_doubt"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a request needs of its engine. ``seat`` is the engine's id in the store."""

    config: Config
    runtime: Runtime
    store: Store
    administration: Administration
    means: Means
    seat: Callable[[], str]
    observing: Observing


@dataclass(slots=True)
class Scope:
    """What a running procedure knows besides its data: who runs it, where it is, and the error being handled."""

    procedure: Procedure | None
    frame: Frame
    security: SecurityState
    path: str
    depth: int
    pass_credentials: bool
    sensitive: Inherit
    error: MpfError | None = None
    named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    call: Call | None = None


class _LazyCallContext(CallContext):
    """Builds ``context`` when a provider first looks at it: few do."""

    __slots__ = ("_source",)
    _source: Element | Callable[[], Element]

    @property
    def context(self) -> Element:
        """The ``executeXml/context`` element."""
        if not isinstance(self._source, etree._Element):
            self._source = self._source()
        return self._source

    @context.setter
    def context(self, source: Element | Callable[[], Element]) -> None:
        self._source = source


@dataclass(slots=True, repr=False)  # it holds the request's data
class Execution:
    """One request while it runs. Used by one thread."""

    around: Surroundings
    transaction: Transaction | Planning
    caller: Principal
    request: Admitted
    private_allowed: bool
    allowance: Allowance
    log: FilteringBoundLogger
    sequence: int = 0
    log_calls: bool = True
    keep_calls: bool = False
    calls: list[list[str]] = field(default_factory=list)
    heard: bool = field(init=False)
    bag: dict[Any, Any] = field(default_factory=dict)
    locked: set[tuple[str, bool]] = field(default_factory=set)
    stale: int = 0
    others: int = 0
    trace: Trace | None = None
    runtime: Runtime = field(init=False)
    authority: Authority = field(init=False)
    tell: Tell = field(init=False)

    def __post_init__(self) -> None:
        around = self.around
        self.runtime = around.runtime
        self.tell = _teller(around, self.log, self.transaction.id, log_calls=self.log_calls)
        self.authority = Authority(
            around.runtime,
            around.store,
            around.administration,
            self.transaction.record,
            self.log,
            self.tell,
            around.config.security.service_account,
        )
        self.transaction.tell = self.tell
        self.heard = self.log_calls or bool(self.runtime.observers)

    def run(self, security: SecurityState) -> list[Element]:
        """Run the request once for each of its data nodes; returns them as they are afterwards."""
        self.others = self._lines_of_others()
        results = []
        for data in self.request.data:
            root = self._frame(data, self.request.procedure_data, lambda: clone(self.request.context))
            scope = Scope(None, root, security, "request", 0, pass_credentials=False, sensitive=self.request.sensitive)
            if self.request.target is None:
                self.steps(scope, self.request.steps)
            else:
                data.tag = "executeData"
                self.call(scope, self.request.target, data)
                data.tag = "data"
            results.append(data)
        return results

    def _frame(self, data: Element, template: Element | None, context: Callable[[], Element]) -> Frame:
        return Frame(data, template, context, self.allowance, planned=isinstance(self.transaction, Planning))

    def steps(self, scope: Scope, steps: Sequence[Step]) -> None:
        """Run steps in document order."""
        for step in steps:
            if isinstance(step, Try):
                self._try(scope, step)
            elif isinstance(step, Select):
                self._decide(scope, step)
            else:
                self._action(scope, step)

    def _decide(self, scope: Scope, step: Select) -> None:
        try:
            scope.frame.decide(step)
        except Doomed as doomed:
            doomed.error.step, doomed.error.sequence = f"{scope.path}/{step.label}", self.sequence
            raise

    def _try(self, scope: Scope, step: Try) -> None:
        for child in step.body:
            mark = self.transaction.mark()
            try:
                self.steps(scope, (child,))
            except MpfError as error:
                if not self.transaction.rollback(to=mark):
                    raise Doomed(error) from error
                self._catch(scope, step, error)
                return

    def _catch(self, scope: Scope, step: Try, error: MpfError) -> None:
        outer, scope.error = scope.error, error
        described = error_context(error)
        scope.frame.context.append(described)
        try:
            self.steps(scope, step.catch)
        except MpfError as second:
            # The code decides: the same code with another text leaves the current error in force (SetError, Remarks).
            if second.code == error.code:
                raise error from second
            raise
        finally:
            scope.error = outer
            scope.frame.context.remove(described)

    def _action(self, scope: Scope, step: Execute | Queue | Transform) -> None:
        frame = scope.frame
        try:
            for _ in frame.iterations(step):
                data = step.execute_data
                self.allowance.hide(step.secrets)
                self.allowance.write(step.size)
                frame.execute_data = etree.Element("executeData") if data is None else clone(data)
                try:
                    for before in step.before:
                        frame.transfer(before)
                    if isinstance(step, Execute):
                        self.call(scope, step, frame.execute_data)
                    for after in step.after:
                        frame.transfer(after)
                except Skip:
                    continue
        except (MpfError, Doomed) as raised:
            error = raised.error if isinstance(raised, Doomed) else raised
            if not error.step:
                error.step = f"{scope.path}/{step.label}"
                error.sequence = self.sequence
            raise
        finally:
            frame.execute_data = None

    def call(self, scope: Scope, step: Execute, data: Element) -> None:
        """Call one procedure; ``data`` is changed in place."""
        if self.trace is None:
            self._call(scope, step, data)
            return
        safe = self._safe(step)
        self.trace.begin(f"{step.namespace}::{step.procedure}", f"{scope.path}/{step.label}", data, safe)
        try:
            self._call(scope, step, data)
        except BaseException as error:
            self.trace.end(data, safe, error)
            raise
        self.trace.end(data, safe)

    def _safe(self, step: Execute) -> frozenset[str]:
        """The names of what a trace may show of a call."""
        try:
            return self.runtime.procedure(step.namespace, step.procedure)[1].named
        except MpfError:
            return frozenset()

    def _call(self, scope: Scope, step: Execute, data: Element) -> None:
        """Look up, check input, authorize, choose the identity, run."""
        self.sequence += 1
        self._check_budget(scope)
        namespace, procedure = self.runtime.procedure(step.namespace, step.procedure)
        path = f"{scope.path}/{step.label}"
        try:
            if scope.procedure is None:
                self._check_visible(procedure)
            if isinstance(step, Queue):
                raise MpfError(Code.NOT_SUPPORTED, "A queue step was reached and no queue manager is configured.")
            if procedure.input_schema is not None:
                self._check_input(procedure.input_schema, data)
            security = scope.security.enter(step.impersonate, self.authority.execute_as(procedure))
            if self.trace is not None:
                self.trace.runs_as(self.sequence, security.identity)
            if isinstance(self.transaction, Planning):
                self._planned(scope, procedure, path, security)
            call = Call(
                self.transaction.id, self.caller, security.identity, procedure, scope.procedure, data, path, scope.named
            )
            self.authority.authorize(call)
            if self.keep_calls and scope.procedure is None:
                self.calls.append([procedure.namespace, procedure.name, xml.serialize(data).decode("utf-8")])
            grant = self.authority.grant(call, scope.security.identity if scope.procedure is not None else None)
            inner = Scope(
                procedure,
                scope.frame,
                security,
                f"{path}/{procedure.full_name}",
                scope.depth + 1,
                step.trusted is Inherit.YES or (step.trusted is Inherit.INHERIT and scope.pass_credentials),
                scope.sensitive if step.sensitive is Inherit.INHERIT else step.sensitive,
                scope.error,
                _named(procedure.input_schema, data),
                call,
            )
            if grant is None:
                self._run(inner, namespace, data, path)
            else:
                if self.trace is not None:
                    self.trace.elevate(grant.reason)
                with self.authority.elevated(call, grant) as capability:
                    inner.security = security.limited(capability)
                    self._run(inner, namespace, data, path)
        except MpfError as error:
            if not error.step:
                error.step, error.sequence = path, self.sequence
            error.sources.append(ErrorSource(procedure.namespace, procedure.name))
            self.tell("call.error", {"procedure": procedure.full_name, "step": path, "code": error.code})
            raise

    def _run(self, scope: Scope, namespace: Namespace, data: Element, path: str) -> None:
        """Run the procedure of ``scope``, whose frame is still its caller's."""
        procedure, sequence = scope.procedure, self.sequence
        assert procedure is not None
        fields: dict[str, object] = {"procedure": procedure.full_name, "sequence": sequence, "step": path}
        if self.heard:
            self.tell("call.begin", fields)
        if procedure.is_provided:
            self._provide(scope, namespace, procedure, data, path)
        else:
            data.tag = "data"
            outer = scope.frame
            scope.frame = self._frame(data, procedure.procedure_data, lambda: self._context(scope, namespace, sequence))
            self.steps(scope, procedure.steps)
            scope.frame = outer  # or the frame and the function that makes its context would hold each other
            data.tag = "executeData"
        if self.heard:
            self.tell("call.end", fields)

    def _check_budget(self, scope: Scope) -> None:
        limits = self.allowance.limits
        if self.sequence > limits.steps:
            error = MpfError(Code.TOO_MANY_STEPS, f"More calls than engine.limits.steps ({limits.steps}).")
            raise Doomed(self._located(scope, error))
        if scope.depth >= limits.depth:
            error = MpfError(Code.CALLS_TOO_DEEP, f"Calls deeper than engine.limits.depth ({limits.depth}).")
            raise Doomed(self._located(scope, error))
        try:
            self.allowance.check_time()
        except MpfError as error:
            raise Doomed(self._located(scope, error)) from None

    def authorize_again(self, calls: Sequence[Sequence[str]], security: SecurityState) -> None:
        """Ask the policies whether the caller may still make these calls (namespace, procedure, executeData)."""
        for number, (namespace, name, data) in enumerate(calls, 1):
            procedure = self.runtime.procedure(namespace, name)[1]
            self._check_visible(procedure)
            element = xml.parse(data, limit=None)
            identity = security.enter(Impersonate.ON, self.authority.execute_as(procedure)).identity
            path = f"request/execute[{number}]"
            self.authority.authorize(Call(self.transaction.id, self.caller, identity, procedure, None, element, path))

    def _located(self, scope: Scope, error: MpfError) -> MpfError:
        error.step, error.sequence = scope.path, self.sequence
        if scope.procedure is not None:
            error.sources.append(ErrorSource(scope.procedure.namespace, scope.procedure.name))
        return error

    def _check_visible(self, procedure: Procedure) -> None:
        if procedure.access is Access.PRIVATE and not self.private_allowed:
            raise MpfError(
                Code.E_ACCESSDENIED,
                f"The procedure '{procedure.full_name}' is private: only other procedures may call it.",
            )

    def _provide(self, scope: Scope, namespace: Namespace, procedure: Procedure, data: Element, path: str) -> None:
        source = procedure.provider_source or ""
        provider = self.runtime.provider(source)
        handler, attribute = provider.handlers[procedure.name]
        sequence = self.sequence
        ctx = _LazyCallContext(
            transaction_id=self.transaction.id,
            namespace=procedure.namespace,
            procedure=procedure.name,
            step=path,
            sequence=sequence,
            identity=scope.security.identity,
            caller=self.caller,
            context=lambda: self._context(scope, namespace, sequence),  # type: ignore[arg-type]
            bag=self.bag,
            deadline=self._call_deadline(),
            lock_key=self._lock,
            stale=lambda: self.stale,
            capability=scope.security.capability,
            record_assertion=self._assertion(scope),
            planned=isinstance(self.transaction, Planning),
        )
        saved = xml.serialize(data) if procedure.save_data_for_rollback else None
        if isinstance(self.transaction, Planning):
            unknowns.require_shape_known(data, f"the arguments of {procedure.full_name}")
            self.transaction.looks(ctx)
        try:
            made = self._asked(getattr(provider, attribute), ctx, data)
            if handler.type is ProcedureType.READ:
                self._check_call_time(ctx, procedure)
                self._append(data, made)
                return
            if not isinstance(made, Change):
                raise TypeError(f"prepare returned {type(made).__name__}, not a Change")
            if ctx.capability is not None and made.data is not None:
                provider.check_capability(ctx, made)
            two_phase = handler.type is ProcedureType.TWO_PHASE
            # saveDataForRollback keeps all arguments, and which of them are secret nobody here knows.
            clear = scope.sensitive is Inherit.NO and self.around.config.store.allow_clear and saved is None
            late = self.transaction.run(provider, ctx, made, source, saved, two_phase, clear)
            self._check_call_time(ctx, procedure)
            self._append(data, made.output)
            self._append(data, late)
        except (MpfError, Doomed, Fenced, InDoubt):
            raise
        except (Exception, SystemExit) as error:
            self.log.error("provider.failed", procedure=procedure.full_name, step=path, exc_info=True)
            raise MpfError(
                Code.E_UNEXPECTED,
                f"The provider of '{procedure.full_name}' failed unexpectedly ({type(error).__name__}); "
                f"the engine's log has the details of transaction {self.transaction.id}.",
            ) from error

    def _asked(self, handler: Callable[[CallContext, Element], Any], ctx: CallContext, data: Element) -> Any:
        """What a provider answers. In a plan an error is none where it may come of a value that is not known yet."""
        try:
            return handler(ctx, data)
        except Exception as error:
            if isinstance(self.transaction, Planning) and unknowns.is_unknown(data):
                text = error.description if isinstance(error, MpfError) else type(error).__name__
                raise unknowns.pending(f"the arguments of {ctx.namespace}::{ctx.procedure} ({text})") from error
            raise

    def _planned(self, scope: Scope, procedure: Procedure, path: str, security: SecurityState) -> None:
        assert isinstance(self.transaction, Planning)
        identity = security.identity
        self.transaction.calls.append(
            PlannedCall(
                self.sequence,
                procedure.full_name,
                procedure.type.value,
                path,
                identity.name,
                identity.kind.value,
                scope.depth,
            )
        )

    def _check_input(self, schema: InputSchema, data: Element) -> None:
        for name in schema.secrets:
            self.allowance.hide({"".join(map(str, element.itertext())) for element in data.iter(f"{{*}}{name}")})
        if isinstance(self.transaction, Planning):
            unknowns.check(schema, data)
        else:
            schema.check(data)

    def _append(self, data: Element, made: Output) -> None:
        if made is None:
            return
        elements = list(made)
        for element in elements:
            if not isinstance(element, etree._Element):
                raise TypeError(f"the output holds {type(element).__name__}, not an element")
            self.allowance.hide(redaction.marked(element))
        data.extend(elements)

    def _assertion(self, scope: Scope) -> Callable[[], None]:
        """What a provider calls before the service account acts for the caller: recorded once for each call."""
        recorded = False

        def record() -> None:
            nonlocal recorded
            if not recorded and scope.call is not None:
                self.authority.asserted(scope.call)
                recorded = True

        return record

    def _lock(self, key: str, *, shared: bool = False) -> None:
        """Take a lock, unless this transaction holds it as it is: alone counts for shared too.

        What was read before is stale then: always where the lock is for a change, and otherwise unless no other transaction
        of the store can have ended since, with which the lock would have been another one's.
        """
        if (key, False) in self.locked or (key, shared) in self.locked:
            return
        self.transaction.lock(key, shared=shared)
        self.locked.add((key, shared))
        others = self._lines_of_others() if shared else self.others
        if not shared or others != self.others:
            self.stale += 1
            self.others = others

    def _lines_of_others(self) -> int:
        """How many lines of the audit are not from this request's calls: every transaction that ends writes one."""
        try:
            return self.around.store.audit.length() - self.authority.lines
        except StoreUnavailable as error:
            raise MpfError(Code.STORE_UNAVAILABLE, "The store cannot say what other requests do.") from error

    def _call_deadline(self) -> float | None:
        timeout = self.around.config.engine.call_timeout
        if timeout is None:
            return self.allowance.deadline
        own = time.monotonic() + timeout
        return own if self.allowance.deadline is None else min(own, self.allowance.deadline)

    def _check_call_time(self, ctx: CallContext, procedure: Procedure) -> None:
        if ctx.deadline is not None and time.monotonic() > ctx.deadline:
            raise MpfError(Code.TIMEOUT, f"The call of '{procedure.full_name}' took longer than it may.")

    def _context(self, scope: Scope, namespace: Namespace, sequence: int) -> Element:
        """``executeXml/context`` as the called procedure sees it."""
        context = etree.Element("context")
        etree.SubElement(context, "transactionContext", transactionId=self.transaction.id)
        procedure = scope.procedure
        assert procedure is not None
        etree.SubElement(
            context,
            "executeContext",
            namespace=procedure.namespace,
            procedure=procedure.name,
            procedureExecId=str(sequence),
            providerSource=procedure.provider_source or "",
            type=procedure.type.value,
        )
        security = etree.SubElement(context, "securityContext", trustee=self.request.trustee or self.caller.name)
        if scope.pass_credentials and self.request.authentication is not None:
            security.append(clone(self.request.authentication))
        if self.request.client_context is not None:
            context.append(clone(self.request.client_context))
        if namespace.provider_context is not None:
            context.append(clone(namespace.provider_context))
        if scope.error is not None:
            context.append(error_context(scope.error))
        return context


def _teller(around: Surroundings, log: FilteringBoundLogger, transaction_id: str, *, log_calls: bool) -> Tell:
    """What logs events and passes them to the observers. It knows nothing of the request, whose data it would keep."""

    def tell(name: EventName, fields: dict[str, object]) -> None:
        if name in _NOTEWORTHY:
            log.info(name, **fields)
        elif log_calls:
            log.debug(name, **fields)
        if around.runtime.observers:
            around.observing.tell(around.runtime.observers, Event(name, transaction_id, fields))

    return tell


def _named(schema: InputSchema | None, data: Element) -> dict[str, list[str]]:
    """The declared arguments of a call, as they are before its procedure changes them."""
    named: dict[str, list[str]] = {}
    if schema is not None and schema.declared:
        for name, text in values_of(data, schema.declared):
            named.setdefault(name, []).append(text)
    return named
