"""The engine: an ordinary object. Many may live in one process; threads may share one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from structlog.typing import FilteringBoundLogger

from mpf_core import response
from mpf_core.admission import Admitted, admit
from mpf_core.config import Config
from mpf_core.dataflow import detach
from mpf_core.errors import Code, ConfigError, ErrorSource, MpfError
from mpf_core.execution import Doomed, Execution
from mpf_core.log import listening, logger
from mpf_core.model import Namespace
from mpf_core.plugins import PluginInfo
from mpf_core.provider import Element
from mpf_core.runtime import Runtime
from mpf_core.security.identity import Identity, IdentityKind, SecurityState
from mpf_core.security.principal import Caller, Credentials, Principal
from mpf_core.services import Services
from mpf_core.store.memory import MemoryJournal
from mpf_core.store.port import Journal, TransactionRecord
from mpf_core.transaction.states import TransactionState
from mpf_core.transaction.transaction import StepOutcome, Transaction


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a request.

    ``document`` is the response, ``state`` where the transaction ended, ``error`` the error it failed with, or ``None``;
    ``rollback`` has one outcome for every write call that was started.
    """

    document: bytes
    transaction_id: str
    state: TransactionState
    error: MpfError | None = None
    rollback: tuple[StepOutcome, ...] = ()


class Engine:
    """Runs provisioning requests.

    ``plugins`` are objects with hook implementations, besides those that ``config`` enables; ``namespaces`` are namespace
    files or folders. Nothing touches a server before the first request or `start`.

    Raises ConfigError for a configuration that cannot work.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        plugins: Sequence[object] = (),
        namespaces: Sequence[Path | str] = (),
        journal: Journal | None = None,
    ) -> None:
        self.config = config or Config()
        self._objects = tuple(plugins)
        self._paths = tuple(Path(path) for path in namespaces)
        self._journal: Journal = journal or MemoryJournal()
        self._log = logger(engine=self.config.engine.name)
        self._runtime = Runtime(self.config, self._objects, self._paths)
        self._closed = False

    @classmethod
    def from_config(cls, config: Config | Path | str) -> Engine:
        """An engine from a configuration or the path of an ``mpf.toml``."""
        return cls(config if isinstance(config, Config) else Config.load(Path(config)))

    @property
    def namespaces(self) -> Mapping[str, Namespace]:
        """Loaded namespaces by name."""
        return self._runtime.namespaces

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """Every installed or given plugin and its state."""
        return self._runtime.plugins.infos

    @property
    def services(self) -> Services:
        """What the plugins of this engine share."""
        return self._runtime.services

    @property
    def runtime(self) -> Runtime:
        """Everything loaded; for commands and tests."""
        return self._runtime

    def start(self) -> Engine:
        """Make the engine ready. Optional: `submit` works without."""
        if self._closed:
            raise RuntimeError("this engine is closed")
        return self

    def close(self) -> None:
        """Release what the plugins hold. Requests that still run are the caller's to wait for."""
        if not self._closed:
            self._closed = True
            self._runtime.services.close()

    def reload(self) -> None:
        """Load plugins and namespaces anew. On ConfigError the engine goes on with what it had."""
        fresh = Runtime(self.config, self._objects, self._paths)
        old, self._runtime = self._runtime, fresh
        old.services.close()

    def __enter__(self) -> Engine:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def submit(
        self,
        request: bytes | str,
        caller: Caller,
        namespace: str | None = None,
        procedure: str | None = None,
    ) -> bytes:
        """Run a request and return the response document, also for every error that its sender can cause.

        With ``namespace`` and ``procedure`` it is a simple request; without, it has a ``procedure`` of its own.
        """
        return self.execute(request, caller, namespace=namespace, procedure=procedure).document

    def execute(
        self,
        request: bytes | str,
        caller: Caller,
        *,
        namespace: str | None = None,
        procedure: str | None = None,
        transaction_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
    ) -> Result:
        """Run a request: bound, parse, admit, validate, run its steps, commit or roll back, respond.

        ``timeout`` is in seconds; ``cancel`` rolls the request back once it is set. Raises only for misuse: a closed
        engine, half a simple request, an idempotency key without a store that can keep one.
        """
        if self._closed:
            raise RuntimeError("this engine is closed")
        if not isinstance(request, bytes | str):
            raise TypeError(f"request must be bytes or str, not {type(request).__name__}")
        if not isinstance(caller, Caller):
            raise TypeError(f"caller must be a Caller, not {type(caller).__name__}")
        if (namespace is None) != (procedure is None):
            raise ValueError("a simple request needs both a namespace and a procedure")
        if idempotency_key is not None:
            raise ConfigError("idempotency keys need a durable store, and this engine's store is memory")
        runtime = self._runtime
        transaction_id = transaction_id or "{" + str(uuid.uuid4()).upper() + "}"
        record = TransactionRecord(transaction_id, caller.name, "request", time.time())
        log = self._log.bind(transaction=transaction_id)
        seconds = timeout if timeout is not None else self.config.engine.timeout
        deadline = time.monotonic() + seconds if seconds is not None else None
        transaction: Transaction | None = None
        try:
            principal = self._authenticate(runtime, caller)
            permitted = _permissions(self.config, principal)
            admitted = admit(request, namespace, procedure, self.config.engine.limits, permitted)
            record.procedure = admitted.title
            execution = Execution(
                runtime=runtime,
                transaction=Transaction(record, self._journal),
                caller=principal,
                request=admitted,
                limits=self.config.engine.limits,
                private_allowed=permitted("private_procedures"),
                deadline=deadline,
                cancelled=cancel.is_set if cancel is not None else _never,
                log=log,
                log_calls=listening(),
            )
            transaction = execution.transaction
            begun: dict[str, object] = {"caller": caller.name, "procedure": record.procedure}
            if caller.asserted_by:
                begun["asserted_by"] = caller.asserted_by
            execution.tell("transaction.begin", begun)
            data = execution.run(self._security(principal, admitted))
            document = response.success(_without_shared(data, admitted.shared))
            limit = self.config.engine.limits.result_bytes
            if len(document) > limit:
                raise MpfError(Code.RESULT_TOO_LARGE, f"The response has {len(document)} bytes; the limit is {limit}.")
            transaction.commit()
        except (MpfError, Doomed) as raised:
            error = raised.error if isinstance(raised, Doomed) else raised
            return self._failed(error, record, transaction, log, namespace, procedure)
        except Exception as bug:
            log.error("engine.failed", exc_info=True)
            error = MpfError(
                Code.E_UNEXPECTED,
                f"The engine failed unexpectedly ({type(bug).__name__}); its log has the details of {transaction_id}.",
            )
            return self._failed(error, record, transaction, log, namespace, procedure)
        except BaseException:
            if transaction is not None:
                transaction.abort()
                transaction.tell("transaction.end", {"state": record.state.value})
            raise
        transaction.tell("transaction.end", {"state": record.state.value})
        outcomes = transaction.outcomes()
        transaction.release()
        return Result(document, transaction_id, record.state, rollback=outcomes)

    def _failed(  # noqa: PLR0917
        self,
        error: MpfError,
        record: TransactionRecord,
        transaction: Transaction | None,
        log: FilteringBoundLogger,
        namespace: str | None,
        procedure: str | None,
    ) -> Result:
        if transaction is not None:
            transaction.abort()
            transaction.tell("transaction.end", {"state": record.state.value, "code": error.code})
        else:
            record.state = TransactionState.ROLLED_BACK
        if not error.sources:
            error.sources.append(
                ErrorSource(namespace, procedure)
                if namespace is not None and procedure is not None
                else ErrorSource("Provisioning Engine", "SubmitRequest")
            )
        outcomes: tuple[StepOutcome, ...] = ()
        if transaction is not None:
            outcomes = transaction.outcomes()
            transaction.release()
        log.info("request.failed", code=f"0x{error.code:08x}", step=error.step, state=record.state.value)
        document = response.failure(error, record.id, record.state, outcomes)
        return Result(document, record.id, record.state, error, outcomes)

    def _authenticate(self, runtime: Runtime, caller: Caller) -> Principal:
        """Check the caller's credentials, if any, and look the caller up. Raises E_ACCESSDENIED."""
        if runtime.refusal:
            raise MpfError(Code.E_ACCESSDENIED, f"Every request is refused: {runtime.refusal}.")
        if caller.credentials is not None:
            for hook in runtime.plugins.each("mpf_authenticate"):
                if hook(caller=caller) is False:
                    raise MpfError(Code.E_ACCESSDENIED, "The caller's name or password is wrong.")
        resolvers = runtime.plugins.each("mpf_resolve_caller")
        for resolver in resolvers:
            found = resolver(caller=caller)
            if isinstance(found, Principal):
                return found
        if resolvers:
            raise MpfError(Code.E_ACCESSDENIED, f"The caller '{caller.name}' is unknown.")
        return Principal(caller.name, credentials=caller.credentials, asserted_by=caller.asserted_by)

    def _security(self, principal: Principal, request: Admitted) -> SecurityState:
        """The identities at the top of a request: a simple one counts as called with impersonation on."""
        service = Identity(IdentityKind.SERVICE, self.config.security.service_account)
        own = Identity(IdentityKind.CALLER, principal.name, principal, principal.credentials)
        basic = None
        node = request.authentication.find("basic") if request.authentication is not None else None
        if node is not None:
            given = Credentials(node.get("username", ""), node.get("password", ""), node.get("domain", ""))
            basic = Identity(IdentityKind.BASIC, given.username, credentials=given)
        return SecurityState(own if request.target is not None else service, service, own, basic)


def _never() -> bool:
    return False


def _permissions(config: Config, principal: Principal) -> Callable[[str], bool]:
    names = {name.lower() for name in (principal.name, principal.dn, principal.sid, *principal.groups) if name}

    def permitted(permission: str) -> bool:
        holders: Sequence[str] = getattr(config.security.permissions, permission)
        return any(holder.lower() in names for holder in holders)

    return permitted


def _without_shared(data: list[Element], shared: Sequence[Element]) -> list[Element]:
    """Responses hold the data; what came from globalData and is still in its place was never part of it."""
    for copy in shared:
        parent = copy.getparent()
        if parent is not None and parent.getparent() is None:
            detach(copy)
    return data
