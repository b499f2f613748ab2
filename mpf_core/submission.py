"""One request, from its bytes to its result: bound, parse, admit, begin, run, commit or roll back, respond."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from structlog.typing import FilteringBoundLogger

from mpf_core import points, redaction, response
from mpf_core.admission import Admitted, admit
from mpf_core.allowance import Allowance
from mpf_core.config import Config
from mpf_core.dataflow import detach
from mpf_core.errors import Code, ConfigError, Doomed, ErrorSource, MpfError, format_hresult
from mpf_core.execution import Execution, Surroundings
from mpf_core.log import listening
from mpf_core.planning import Plan, Planning
from mpf_core.provider import Element, Json
from mpf_core.security.identity import Identity, IdentityKind, Impersonate, SecurityState
from mpf_core.security.names import caseless
from mpf_core.security.principal import Caller, Credentials, Principal, Ticket
from mpf_core.store.port import AuditEntry, Fenced, IdTaken, KeyReused, RequestKey, StoreUnavailable, TransactionRecord
from mpf_core.tracing import Trace
from mpf_core.transaction.recovery import counted, notice
from mpf_core.transaction.states import OPEN_TRANSACTIONS, UNDO_OUTCOMES, TransactionState
from mpf_core.transaction.transaction import Farewell, InDoubt, StepOutcome, Transaction, id_taken


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a request.

    ``document`` is the response, ``state`` where the transaction ended, ``error`` the error it failed with, or ``None``;
    ``rollback`` has one outcome for every write call that was started. ``repeated`` says that the response is the stored one
    of an earlier request with the same idempotency key.
    """

    document: bytes = field(repr=False)
    transaction_id: str
    state: TransactionState
    error: MpfError | None = None
    rollback: tuple[StepOutcome, ...] = ()
    repeated: bool = False


class Submission:
    """Runs one request, once. Used by one thread."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        around: Surroundings,
        request: bytes | str,
        caller: Caller,
        target: tuple[str, str] | None,
        transaction_id: str,
        log: FilteringBoundLogger,
    ) -> None:
        self._around = around
        self._request = request
        self._caller = caller
        self._target = target
        self._log = log
        self._record = TransactionRecord(
            transaction_id, caller.name, "::".join(target or ("request",)), time.time(), asserted_by=caller.asserted_by
        )
        self._transaction: Transaction | None = None
        self._unrecorded: Sequence[AuditEntry] = ()
        self.trace: Trace | None = None

    def run(self, key: str | None, deadline: float | None, cancelled: Callable[[], bool]) -> Result:
        """Run it. Only what is no error of the request or its providers is raised (KeyboardInterrupt, for example)."""
        with redaction.hiding(self._passwords()):
            result = self._guarded(key, deadline, cancelled)
            if self.trace is not None:
                self.trace.transaction_id = result.transaction_id
                self.trace.settle(result.rollback)
        return result

    def _passwords(self) -> Sequence[str]:
        return () if self._caller.credentials is None else self._caller.credentials.secrets

    def _guarded(self, key: str | None, deadline: float | None, cancelled: Callable[[], bool]) -> Result:
        try:
            return self._run(key, deadline, cancelled)
        except (MpfError, Doomed) as raised:
            return self._failed(raised.error if isinstance(raised, Doomed) else raised)
        except (InDoubt, Fenced) as lost:
            return self._lost(lost)
        except Exception as bug:
            self._log.error("engine.failed", exc_info=True)
            text = f"The engine failed unexpectedly ({type(bug).__name__}); its log has the details of {self._record.id}."
            return self._failed(MpfError(Code.E_UNEXPECTED, text))
        except BaseException:
            self._interrupted()
            raise

    def plan(self, deadline: float | None, cancelled: Callable[[], bool]) -> Plan:
        """Find out what it would do, and do nothing. The audit has the elevations that this takes, and nothing else."""
        with redaction.hiding(self._passwords()):
            return self._plan(deadline, cancelled)

    def _plan(self, deadline: float | None, cancelled: Callable[[], bool]) -> Plan:
        planning = Planning(self._record, self._around.runtime)
        try:
            principal, admitted = self._admit()
            execution = self._execution(planning, principal, admitted, deadline, cancelled)
            security = self._security(principal, admitted)
            self._note("request.plan", security)
            try:
                execution.run(security)
            finally:
                execution.authority.settle()
        except (MpfError, Doomed) as raised:
            error = raised.error if isinstance(raised, Doomed) else raised
            return planning.plan(_masked(_located(error, self._target)))
        return planning.plan()

    def _admit(self) -> tuple[Principal, Admitted]:
        principal = self._authenticate()
        self._record.caller = self._caller.name or principal.name
        namespace, procedure = self._target or (None, None)
        permitted = permissions(self._around.config, principal)
        admitted = admit(self._request, namespace, procedure, self._around.config.engine.limits, permitted)
        self._record.procedure = admitted.title
        self._record.trustee = admitted.trustee or ""
        return principal, admitted

    def _execution(
        self,
        transaction: Transaction | Planning,
        principal: Principal,
        admitted: Admitted,
        deadline: float | None,
        cancelled: Callable[[], bool],
    ) -> Execution:
        return Execution(
            around=self._around,
            transaction=transaction,
            caller=principal,
            request=admitted,
            private_allowed=permissions(self._around.config, principal)("private_procedures"),
            allowance=Allowance(self._around.config.engine.limits, deadline, cancelled),
            log=self._log,
            log_calls=listening(),
        )

    def _run(self, key: str | None, deadline: float | None, cancelled: Callable[[], bool]) -> Result:
        config, record = self._around.config, self._record
        principal, admitted = self._admit()
        if admitted.client_context is not None:
            record.client_transaction_id = admitted.client_context.get("clientTransactionId", "")
            if key is None and config.engine.client_transaction_id_is_key:
                key = record.client_transaction_id or None
        transaction = Transaction(record, self._around.store, self._around.means, self._around.seat)
        transaction.farewell = self._farewell
        execution = self._execution(transaction, principal, admitted, deadline, cancelled)
        execution.keep_calls = key is not None
        execution.trace = self.trace
        security = self._security(principal, admitted)
        if key is not None:
            self._transaction = transaction  # from now on it may be in the store, whatever the answer is
            earlier = self._claim(transaction, principal, key)
            if earlier is not None:
                self._transaction = None
                return self._again(earlier, transaction.record.key, execution, security)
        self._transaction = transaction
        self._unrecorded = execution.authority.waiting
        self._begin(execution, security)
        points.reach("request.admitted")
        data = execution.run(security)
        document = response.success(_without_shared(data, admitted.shared))
        limit = config.engine.limits.result_bytes
        if len(document) > limit:
            raise MpfError(Code.RESULT_TOO_LARGE, f"The response has {len(document)} bytes; the limit is {limit}.")
        execution.allowance.check_time()
        transaction.prepare_commit()
        if key is not None:
            record.response = json.dumps(
                {"document": document.decode("utf-8"), "calls": execution.calls, "for": _whose(record.key)}
            ).encode()
        transaction.commit()
        return self._ended(document)

    def _begin(self, execution: Execution, security: SecurityState) -> None:
        self._note("request.begin", security)
        begun: dict[str, object] = {"caller": self._record.caller, "procedure": self._record.procedure}
        if self._caller.asserted_by:
            begun["asserted_by"] = self._caller.asserted_by
        execution.tell("transaction.begin", begun)

    def _note(self, event: str, security: SecurityState) -> None:
        acting = security.enter(Impersonate.ON, None).identity  # whatever else a call runs as has a line of its own
        self._append([self._line(event, self._record.started, acting.name)])

    def _append(self, lines: Sequence[AuditEntry]) -> None:
        try:
            self._around.store.audit.append(lines)
        except StoreUnavailable as error:
            raise MpfError(Code.STORE_UNAVAILABLE, "The store cannot record the request, so it is not run.") from error

    def _ended(self, document: bytes) -> Result:
        assert self._transaction is not None
        points.reach("request.ended")
        record, steps = self._record, self._transaction.outcomes()
        error = None
        if record.state is TransactionState.IN_DOUBT:
            error = _located(
                MpfError(
                    Code.XACT_E_INDOUBT,
                    f"The request is decided, but commits failed: see `mpfctl transactions show {record.id}`.",
                ),
                self._target,
            )
            document = response.failure(error, record.id, record.state, steps)
        fields: dict[str, object] = {"state": record.state.value}
        if error is not None:
            fields["code"] = error.code
        self._transaction.tell("transaction.end", fields)
        self._transaction.let_go()
        return Result(document, record.id, record.state, error, steps)

    def _failed(self, error: MpfError) -> Result:
        record, transaction = self._record, self._transaction
        _masked(_located(error, self._target))
        record.code, record.error, record.response = error.code, error.description, None
        if transaction is None:
            record.state = TransactionState.ROLLED_BACK
            self._refused(error)
            return self._answer(error, ())
        try:
            transaction.abort()
        except (InDoubt, Fenced) as lost:
            self._log.error("transaction.unrecorded", reason=type(lost).__name__, exc_info=True)
        points.reach("request.ended")
        transaction.tell("transaction.end", {"state": record.state.value, "code": error.code})
        steps = transaction.outcomes()
        transaction.let_go()
        return self._answer(error, steps)

    def _lost(self, lost: InDoubt | Fenced) -> Result:
        """The end could not be recorded, or the transaction is another engine's now: only the journal knows more."""
        record = self._record
        self._log.error("transaction.unrecorded", reason=type(lost).__name__, exc_info=True)
        if isinstance(lost, InDoubt):
            text = f"The request's end could not be recorded; recovery decides: see `mpfctl transactions show {record.id}`."
        else:
            text = f"Another engine has taken the request over: see `mpfctl transactions show {record.id}`."
        error = _located(MpfError(Code.XACT_E_INDOUBT, text), self._target)
        steps = self._transaction.outcomes() if self._transaction is not None else ()
        if self._transaction is not None:
            self._transaction.tell("transaction.end", {"state": record.state.value, "code": error.code})
            self._transaction.let_go()
        return self._answer(error, steps)

    def _interrupted(self) -> None:
        """Ctrl-C: roll back; what is past that, and a rollback that is interrupted as well, is left to recovery."""
        # Ending already: only the journal knows how far it got.
        if self._transaction is None or self._record.state is not TransactionState.RUNNING:
            return
        self._record.code, self._record.error = Code.CANCELLED, "interrupted"
        try:
            self._transaction.abort()
        except (InDoubt, Fenced) as lost:
            self._log.error("transaction.unrecorded", reason=type(lost).__name__, exc_info=True)
        self._transaction.tell("transaction.end", {"state": self._record.state.value})

    def _answer(self, error: MpfError, steps: Sequence[StepOutcome]) -> Result:
        record = self._record
        self._log.info("request.failed", code=format_hresult(error.code), step=error.step, state=record.state.value)
        document = response.failure(error, record.id, record.state, steps)
        return Result(document, record.id, record.state, error, tuple(steps))

    # --- Safe resend ---------------------------------------------------------------------------------------------------

    def _claim(self, transaction: Transaction, principal: Principal, key: str) -> TransactionRecord | None:
        body = self._request if isinstance(self._request, bytes) else self._request.encode("utf-8", "surrogatepass")
        digest = self._around.store.digest(b"\0".join([*(part.encode() for part in self._target or ()), body]))
        try:
            return transaction.claim(RequestKey(principal.sid or caseless(principal.name), key, digest))
        except IdTaken:
            self._transaction = None
            raise id_taken(self._record.id) from None
        except KeyReused:
            self._transaction = None
            raise MpfError(
                Code.KEY_REUSED, "This idempotency key came with another request before; a new request needs a new key."
            ) from None
        except StoreUnavailable as error:
            raise MpfError(Code.STORE_UNAVAILABLE, "The store cannot record the request, so it is not run.") from error

    def _again(
        self, earlier: TransactionRecord, key: RequestKey | None, execution: Execution, security: SecurityState
    ) -> Result:
        if earlier.state in OPEN_TRANSACTIONS:
            raise MpfError(Code.REQUEST_RUNNING, f"The request with this idempotency key is running as {earlier.id}.")
        if earlier.state is not TransactionState.COMMITTED or earlier.response is None:
            raise MpfError(
                Code.UNSETTLED,
                f"The request with this idempotency key ended {earlier.state.value} as {earlier.id}; when that is put "
                "right, use another key.",
            )
        stored = json.loads(earlier.response)
        # The table of keys is not sealed, the response is: one that was stored for another key is nobody else's.
        if stored.get("for", whose := _whose(key)) != whose:  # releases before did not say
            raise MpfError(
                Code.UNSETTLED,
                f"What is stored for this idempotency key is not what {earlier.id} was sent with; use another.",
            )
        execution.authorize_again(stored["calls"], security)
        self._record.state = TransactionState.COMMITTED
        details: dict[str, Json] = {"repeated": earlier.id}
        self._append([self._line("request.end", time.time(), security.caller.name, details)])
        return Result(stored["document"].encode("utf-8"), earlier.id, TransactionState.COMMITTED, repeated=True)

    # --- Audit ---------------------------------------------------------------------------------------------------------

    def _line(self, event: str, at: float, identity: str = "", details: dict[str, Json] | None = None) -> AuditEntry:
        record = self._record
        return AuditEntry(
            event,
            at,
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            identity,
            record.procedure,
            details or {},
        )

    def _farewell(self, state: TransactionState) -> Farewell:
        details: dict[str, Json] = {"state": state.value}
        if self._record.code is not None:
            details["code"] = format_hresult(self._record.code)
        steps = self._transaction.outcomes() if self._transaction is not None else ()
        identity = ""
        if any(step.state in UNDO_OUTCOMES for step in steps):
            security = self._around.config.security
            identity = security.recovery_account or security.service_account
        details |= counted(steps)
        end = self._line("request.end", self._record.ended or time.time(), identity, details)
        return [*self._unrecorded, end], notice(self._record)

    def _refused(self, error: MpfError) -> None:
        try:
            details: dict[str, Json] = {"code": format_hresult(error.code)}
            self._around.store.audit.append([self._line("request.refused", time.time(), details=details)])
        except StoreUnavailable:
            self._log.error("audit.failed", exc_info=True)

    # --- Who -----------------------------------------------------------------------------------------------------------

    def _authenticate(self) -> Principal:
        """Check the caller's credentials, if any, and look the caller up. Raises E_ACCESSDENIED."""
        runtime, caller = self._around.runtime, self._caller
        if runtime.refusal:
            raise MpfError(Code.E_ACCESSDENIED, f"Every request is refused: {runtime.refusal}.")
        if caller.credentials is not None:
            answers = [hook(caller=caller) for hook in runtime.plugins.each("mpf_authenticate")]
            # A password that nobody knows is refused as a wrong one is: which names there are is nobody's business.
            unknown = answers and True not in answers and not isinstance(caller.credentials, Ticket)
            if False in answers or unknown:
                raise MpfError(
                    Code.E_ACCESSDENIED, "The caller's name or password is wrong, or a wrong one was tried too often."
                )
        resolvers = runtime.plugins.each("mpf_resolve_caller")
        for resolver in resolvers:
            found = resolver(caller=caller)
            if isinstance(found, Principal):
                return found
        if resolvers:
            who = f"The caller '{caller.name}'" if caller.name else "A caller without a name"
            raise MpfError(Code.E_ACCESSDENIED, f"{who} is unknown.")
        if not caller.name:
            raise MpfError(Code.E_ACCESSDENIED, "Nothing says who the caller is: no plugin asks a directory.")
        return Principal(caller.name, credentials=caller.credentials, asserted_by=caller.asserted_by)

    def _security(self, principal: Principal, request: Admitted) -> SecurityState:
        """The identities at the top of a request: a simple one counts as called with impersonation on."""
        service = Identity(IdentityKind.SERVICE, self._around.config.security.service_account)
        own = Identity(IdentityKind.CALLER, principal.name, principal, principal.credentials)
        basic = None
        node = request.authentication.find("basic") if request.authentication is not None else None
        if node is not None:
            basic = self._basic(principal, node)
        return SecurityState(own if request.target is not None else service, service, own, basic)

    def _basic(self, principal: Principal, node: Element) -> Identity:
        """The account of the request's credentials; a user name alone is that of a stored one. Raises E_ACCESSDENIED."""
        name, password = node.get("username", ""), node.get("password")
        if password is not None:
            given = Credentials(name, password, node.get("domain", ""))
            return Identity(IdentityKind.BASIC, name, credentials=given)
        if not permissions(self._around.config, principal)("stored_credentials"):
            raise MpfError(
                Code.E_ACCESSDENIED,
                "A user name without a password stands for a stored credential; the request's sender lacks the permission "
                "'stored_credentials'.",
            )
        try:
            return Identity(IdentityKind.BASIC, name, credentials=self._around.runtime.credentials(name))
        except ConfigError as error:
            raise MpfError(Code.E_ACCESSDENIED, f"The request runs as '{name}': {error}.") from error


def permissions(config: Config, principal: Principal) -> Callable[[str], bool]:
    """A function that says whether a principal has one of the permissions of ``[security.permissions]``."""
    names = {caseless(name) for name in (principal.name, principal.dn, principal.sid, *principal.groups) if name}

    def permitted(permission: str) -> bool:
        holders: Sequence[str] = getattr(config.security.permissions, permission)
        return any(caseless(holder) in names for holder in holders)

    return permitted


def _whose(key: RequestKey | None) -> list[str]:
    """Whose idempotency key it is, and which, as it is sealed with a response."""
    return [] if key is None else [key.scope, key.key]


def _located(error: MpfError, target: tuple[str, str] | None) -> MpfError:
    if not error.sources:
        error.sources.append(
            ErrorSource(*target) if target is not None else ErrorSource("Provisioning Engine", "SubmitRequest")
        )
    return error


def _masked(error: MpfError) -> MpfError:
    """Providers, servers and validators quote what they were given: secrets are taken out of it."""
    if redaction.quotes(error):  # in its causes, in the lines that a traceback shows, or in the variables of its frames
        error.__cause__ = error.__context__ = error.__traceback__ = None
    error.description = redaction.mask(error.description)
    error.args = (error.code, error.description)
    error.violations = tuple(replace(one, message=redaction.mask(one.message)) for one in error.violations)
    return error


def _without_shared(data: list[Element], shared: Sequence[Element]) -> list[Element]:
    """Responses hold the data; what came from globalData and is still in its place was never part of it."""
    for copy in shared:
        parent = copy.getparent()
        if parent is not None and parent.getparent() is None:
            detach(copy)
    return data
