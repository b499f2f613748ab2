"""The engine: an ordinary object. Many may live in one process; threads may share one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from mpf_core.administration import Administration
from mpf_core.attempts import Attempts
from mpf_core.config import Config
from mpf_core.errors import ConfigError
from mpf_core.events import Event, EventName
from mpf_core.execution import Surroundings
from mpf_core.log import logger
from mpf_core.model import Namespace
from mpf_core.observing import Observing
from mpf_core.planning import Plan
from mpf_core.plugins import PluginInfo
from mpf_core.runtime import Runtime
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Caller
from mpf_core.services import Services
from mpf_core.store.port import Fenced, Store, StoreUnavailable
from mpf_core.submission import Result, Submission, permissions
from mpf_core.tracing import Trace
from mpf_core.transaction.closing import Means, Tell
from mpf_core.transaction.recovery import UNSETTLED_TOPIC, Recovered, Recovery
from mpf_core.transactions import Transactions

__all__ = ["Engine", "Result"]

_DAY = 86_400.0


class Engine:
    """Runs provisioning requests.

    ``plugins`` are objects with hook implementations, besides those that ``config`` enables; ``namespaces`` are namespace
    files or folders; ``store`` takes the place of the one that ``config`` names, and is the caller's to close. Nothing
    touches a server or the store before the first request or `start`.

    Raises ConfigError for a configuration that cannot work.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        plugins: Sequence[object] = (),
        namespaces: Sequence[Path | str] = (),
        store: Store | None = None,
    ) -> None:
        self.config = config or Config()
        self._objects = tuple(plugins)
        self._paths = tuple(Path(path) for path in namespaces)
        self._log = logger(engine=self.config.engine.name)
        self.administration = Administration(
            lambda: self.store,
            lambda: self._runtime.namespaces,
            lambda: self._runtime.credential_names(),  # noqa: PLW0108 - reload replaces the runtime
            lambda principal, permission: permissions(self.config, principal)(permission),
        )
        self._attempts = Attempts(lambda: self.store.settings)
        self._runtime = self._load()
        self._observing = Observing(self.config.engine.observer_patience)
        self._given = store
        self._store = store
        self._seat: str | None = None
        self._recovery: Recovery | None = None
        self._guard = threading.RLock()
        self._running: set[str] = set()
        self._closed = False
        self._stop = threading.Event()
        self._background: threading.Thread | None = None

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

    @property
    def store(self) -> Store:
        """The store, opened when it is first needed. Raises ConfigError and StoreUnavailable."""
        if self._store is None:
            with self._guard:
                if self._store is None:
                    from mpf_core.store.opening import open_store  # noqa: PLC0415 - SQLAlchemy is slow to import

                    self._store = open_store(self.config.store, self.config.base_dir, self._master_key)
        return self._store

    @property
    def transactions(self) -> Transactions:
        """What was done, and settling what needs a person."""
        return Transactions(self.store, self._recoveries, self._runtime.provider)

    def start(self) -> Engine:
        """Make the engine ready, and begin to recover, in the background, what engines that are gone have left behind.

        Optional: `execute` works without. Raises ConfigError when the store cannot be opened, StoreUnavailable when it
        does not answer.
        """
        with self._guard:
            if self._closed:
                raise RuntimeError("this engine is closed")
            if self._background is None and self.config.store.url != "memory:":
                _ = self.store
                self._background = threading.Thread(target=self._recover_always, name="mpf-recovery", daemon=True)
                self._background.start()
        return self

    def recover(self, *, gone: Collection[str] = (), by: str = "") -> Generator[Recovered, None, None]:
        """Bring the transactions of engines that are gone to their end now, one by one, as they are asked for.

        Where only the connection of an engine is known to be gone, what it may still be at is left alone; but not if its id
        in the store is in ``gone``: then ``by``, who stands in the audit, answers for it that its process has ended.

        Raises ConfigError and StoreUnavailable.
        """
        yield from self._recoveries.run(gone=gone, by=by)
        self._deliver()

    def close(self) -> None:
        """Stop recovering and release what the plugins hold.

        Requests that still run are the caller's to wait for: the last one takes leave of the store, so that nobody recovers
        it while it runs.
        """
        with self._guard:
            if self._closed:
                return
            self._closed = True
        self._stop.set()
        if self._background is not None:
            self._background.join()
        self._leave_if_idle()

    def reload(self) -> None:
        """Load plugins and namespaces anew. On ConfigError the engine goes on with what it had."""
        old, self._runtime = self._runtime, self._load()
        old.services.close()

    def _load(self) -> Runtime:
        runtime = Runtime(self.config, self._objects, self._paths, self.administration.credential)
        runtime.services.provide(Administration, self.administration)
        runtime.services.provide(Attempts, self._attempts)
        return runtime

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
        trace: Trace | None = None,
    ) -> Result:
        """Run a request: bound, parse, admit, validate, run its steps, commit or roll back, respond.

        With an ``idempotency_key`` the request may be sent again by the same caller without being done again. ``timeout`` is
        in seconds; ``cancel`` rolls the request back once it is set; ``trace`` is filled with the calls that
        it makes. Raises only for misuse (a closed engine, half a simple
        request), ConfigError when the store cannot be opened, and StoreUnavailable when it does not answer at all.
        """
        target = _checked(request, caller, namespace, procedure)
        if idempotency_key is not None and not idempotency_key.strip():
            raise ValueError("an idempotency key must not be empty")
        deadline = self._deadline(timeout)
        transaction_id = transaction_id or "{" + str(uuid.uuid4()).upper() + "}"
        self._enter(transaction_id)
        try:
            around = self._surroundings()
            log = self._log.bind(transaction=transaction_id)
            submission = Submission(around, request, caller, target, transaction_id, log)
            submission.trace = trace
            result = submission.run(idempotency_key, deadline, cancel.is_set if cancel is not None else _never)
            if around.runtime.observers:
                self._observing.wait()
            return result
        finally:
            self._exit(transaction_id)

    def plan(
        self,
        request: bytes | str,
        caller: Caller,
        *,
        namespace: str | None = None,
        procedure: str | None = None,
        timeout: float | None = None,
        cancel: threading.Event | None = None,
    ) -> Plan:
        """What a request would do: every check and every read is done, and no write.

        Arguments are those of `execute`. Errors of the request are in the plan. Raises for misuse, ConfigError and
        StoreUnavailable, as `execute` does.
        """
        target, deadline = _checked(request, caller, namespace, procedure), self._deadline(timeout)
        transaction_id = "{" + str(uuid.uuid4()).upper() + "}"
        self._enter(transaction_id)
        try:
            log = self._log.bind(transaction=transaction_id)
            submission = Submission(self._surroundings(), request, caller, target, transaction_id, log)
            return submission.plan(deadline, cancel.is_set if cancel is not None else _never)
        finally:
            self._exit(transaction_id)

    def _deadline(self, timeout: float | None) -> float | None:
        seconds = timeout if timeout is not None else self.config.engine.timeout
        return time.monotonic() + seconds if seconds is not None else None

    def _surroundings(self) -> Surroundings:
        runtime = self._runtime
        return Surroundings(
            self.config,
            runtime,
            self.store,
            self.administration,
            self._means(),
            self._own_seat,
            self._observing,
        )

    def _means(self) -> Means:
        settings = self.config.engine
        return Means(
            provider=self._runtime.provider,
            account=self._recovery_account,
            attempts=settings.undo_attempts,
            wait=settings.undo_wait,
            call_timeout=settings.call_timeout,
            name=self.config.security.recovery_account or self.config.security.service_account,
        )

    def _recovery_account(self) -> Identity:
        security = self.config.security
        if not security.recovery_account:
            return Identity(IdentityKind.RECOVERY, security.service_account)
        name = security.recovery_account
        return Identity(IdentityKind.RECOVERY, name, credentials=self._runtime.credentials(name))

    def _master_key(self) -> str:
        return self._runtime.key(self.config.store.key).password

    def _own_seat(self) -> str:
        """The engine's id in the store: another one, where its place was lost with the connection to the store.

        Raises StoreUnavailable when it cannot be registered.
        """
        seat, engines = self._seat, self.store.engines
        if seat is None or not engines.holds(seat):
            with self._guard:
                if self._seat is None or not engines.holds(self._seat):
                    try:
                        self._seat = engines.join(self.config.engine.name)
                    except (ConfigError, OSError) as error:
                        self._log.error("engine.not_registered", exc_info=True)
                        raise StoreUnavailable(f"this engine cannot be registered: {error}") from error
                seat = self._seat
        return seat

    def _at(self) -> frozenset[str]:
        with self._guard:
            return frozenset(self._running)

    # --- Recovery ------------------------------------------------------------------------------------------------------

    @property
    def _recoveries(self) -> Recovery:
        if self._recovery is None:
            with self._guard:
                if self._recovery is None:
                    self._recovery = Recovery(self.store, self._means, self._own_seat, self._teller, self._at)
        return self._recovery

    def _teller(self, transaction_id: str) -> Tell:
        def tell(name: EventName, fields: dict[str, object]) -> None:
            self._log.info(name, transaction=transaction_id, **fields)
            if self._runtime.observers:
                self._observing.tell(self._runtime.observers, Event(name, transaction_id, fields))

        return tell

    def _recover_always(self) -> None:
        tidied = -_DAY
        while True:
            try:
                for recovered in self._recoveries.run(self._stop):
                    self._log.warning("recovered", transaction=recovered.transaction_id, state=recovered.state.value)
                self._deliver()
                if time.monotonic() - tidied >= _DAY:
                    self._tidy()
                    tidied = time.monotonic()
            except (StoreUnavailable, ConfigError):
                self._log.warning("recovery.store_unavailable", exc_info=True)
            except Exception:  # recovery goes on with the next round
                self._log.error("recovery.failed", exc_info=True)
            if self._stop.wait(self.config.engine.recovery_interval):
                return

    def _deliver(self) -> None:
        """Tell observers what waits in the outbox: transactions that need a person."""
        observers = self._runtime.observers
        if not observers:
            return
        waiting = [message for message in self.store.outbox.pending() if message.topic == UNSETTLED_TOPIC]
        for message in waiting:
            if isinstance(message.body, dict):
                fields: dict[str, object] = dict(message.body)
                self._observing.tell(observers, Event("transaction.unsettled", str(fields.pop("transaction", "")), fields))
        self.store.outbox.delivered([message.id for message in waiting])

    def _tidy(self) -> None:
        """Forget what has been kept long enough."""
        settings, now = self.config.store, time.time()
        self.store.journal.prune(now - settings.keep_days * _DAY)
        if settings.audit_days is not None:
            self.store.audit.prune(now - settings.audit_days * _DAY, f"engine {self.config.engine.name}")

    # --- Who is still here ---------------------------------------------------------------------------------------------

    def _enter(self, transaction_id: str) -> None:
        with self._guard:
            if self._closed:
                raise RuntimeError("this engine is closed")
            if transaction_id in self._running:
                raise ValueError(f"a request with the transaction id {transaction_id} is running")
            self._running.add(transaction_id)

    def _exit(self, transaction_id: str) -> None:
        with self._guard:
            self._running.discard(transaction_id)
        if self._closed:
            self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        with self._guard:
            if self._running:
                return
            store, self._store = self._store, None
            seat, self._seat = self._seat, None
        self._observing.close()
        if store is not None:
            try:
                if seat is not None:
                    store.engines.leave(seat)
            except (StoreUnavailable, Fenced):
                self._log.warning("store.leave_failed", exc_info=True)
            if store is not self._given:
                store.close()
        self._runtime.services.close()


def _checked(request: object, caller: object, namespace: str | None, procedure: str | None) -> tuple[str, str] | None:
    """The procedure of a simple request. Raises TypeError and ValueError for what only a program can do wrong."""
    if not isinstance(request, bytes | str):
        raise TypeError(f"request must be bytes or str, not {type(request).__name__}")
    if not isinstance(caller, Caller):
        raise TypeError(f"caller must be a Caller, not {type(caller).__name__}")
    if (namespace is None) != (procedure is None):
        raise ValueError("a simple request needs both a namespace and a procedure")
    return (namespace, procedure) if namespace is not None and procedure is not None else None


def _never() -> bool:
    return False
