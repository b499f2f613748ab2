"""Whether a call may be made, and as whom it runs: what the policies decide, and what elevation costs: a record each time.

Nothing runs with more rights than its caller has without a grant, and without a line in the audit that says so before it
happens (spec: engine-and-runtime.md, 14; design: docs/design/security.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from structlog.typing import FilteringBoundLogger

from mpf_core.administration import Administration, Assignment
from mpf_core.errors import Code, ConfigError, MpfError, format_hresult
from mpf_core.events import EventName
from mpf_core.model import Procedure
from mpf_core.plugins import HookCaller
from mpf_core.provider import Json
from mpf_core.runtime import Runtime
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.security.capability import Capability
from mpf_core.security.declarations import CLAIMED, values_of
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.store.port import AuditEntry, Store, StoreUnavailable, TransactionRecord

#: Identities with rights that are not the caller's own, and how the audit calls their use.
_ELEVATED = {IdentityKind.SERVICE: "elevation", IdentityKind.EXECUTE_AS: "execute-as", IdentityKind.BASIC: "basic"}


@dataclass(slots=True)
class Authority:
    """Answers for one request. Used by its thread only.

    ``service`` names the service account. ``lines`` counts the lines that it has written; ``waiting`` are those that are
    recorded with the next one of the audit: ends of elevated calls, and calls that gave rights up.
    """

    runtime: Runtime
    store: Store
    administration: Administration
    record: TransactionRecord
    log: FilteringBoundLogger
    tell: Callable[[EventName, dict[str, object]], None]
    service: str
    waiting: list[AuditEntry] = field(default_factory=list)
    lines: int = 0
    _assigned: Mapping[str, Assignment] | None = None

    def authorize(self, call: Call) -> None:
        """Ask every policy, and about what the call claims. Raises the refusal, unless one allows it and none refuses."""
        name = call.procedure.full_name
        nobody = f"Access denied: no policy allows {call.caller.name} '{name}'."
        self._ask(self.runtime.policies, {"call": call}, nobody)
        for argument, claimed in _claims(call):
            nobody = f"Access denied: no policy lets {call.caller.name} claim '{claimed}'."
            self._ask(self.runtime.claims, {"call": call, "argument": argument, "name": claimed}, nobody)

    def _ask(self, policies: Sequence[HookCaller], question: Mapping[str, object], nobody: str) -> None:
        allowed = False
        for policy in policies:
            try:
                decision = policy(**question)
            except MpfError:
                raise
            except Exception as error:
                self.log.error("policy.failed", plugin=policy.plugin, error=type(error).__name__, exc_info=True)
                raise MpfError(Code.E_ACCESSDENIED, f"Access denied: the policy '{policy.plugin}' failed.") from error
            if decision is None:
                continue
            if not isinstance(decision, Decision) or not decision.allowed:
                reason = decision.reason if isinstance(decision, Decision) else f"'{policy.plugin}' gave no decision"
                code = decision.code if isinstance(decision, Decision) and decision.code else Code.E_ACCESSDENIED
                raise MpfError(code, reason or nobody)
            allowed = True
        if not allowed:
            raise MpfError(Code.E_ACCESSDENIED, nobody)

    def execute_as(self, procedure: Procedure) -> Identity | None:
        """The stored account that an administrator assigned to the procedure, as it was when the request began.

        Raises E_ACCESSDENIED when its credential is not stored, STORE_UNAVAILABLE.
        """
        if self._assigned is None:
            try:
                self._assigned = self.administration.assignments()
            except StoreUnavailable as error:
                raise MpfError(Code.STORE_UNAVAILABLE, "The store cannot say who procedures run as.") from error
        found = self._assigned.get(procedure.full_name)
        if found is None:
            return None
        try:
            credentials = self.runtime.credentials(found.credential)
        except ConfigError as error:
            raise MpfError(
                Code.E_ACCESSDENIED,
                f"'{procedure.full_name}' runs as '{found.credential}', and no such credential is stored.",
            ) from error
        return Identity(IdentityKind.EXECUTE_AS, found.credential, credentials=credentials)

    def grant(self, call: Call, outer: Identity | None) -> Grant | None:
        """The permission to run ``call`` with more rights than its caller has; ``None`` where it does not.

        ``outer`` is what the calling procedure runs as: whose identity it already is needs no further grant. Raises
        E_ACCESSDENIED without a grant.
        """
        identity = call.identity
        if identity == outer:
            return None
        if identity.kind not in _ELEVATED:
            if outer is not None and outer.kind in _ELEVATED:
                self.waiting.append(self._line("elevation", call, {"kind": "reduction", "reason": "impersonate"}))
            return None
        if identity.kind is IdentityKind.EXECUTE_AS:
            return Grant(self._assigned_by(identity))
        if identity.kind is IdentityKind.BASIC:
            return Grant("credentials in the request")  # its sender has the permission to give them
        for elevator in self.runtime.elevators:
            try:
                grant = elevator(call=call)
            except Exception as error:
                self.log.error("elevation.failed", plugin=elevator.plugin, error=type(error).__name__, exc_info=True)
                raise MpfError(Code.E_ACCESSDENIED, f"Elevation refused: '{elevator.plugin}' failed.") from error
            if isinstance(grant, Grant):
                return grant
        raise MpfError(
            Code.E_ACCESSDENIED,
            f"No elevation rule lets '{call.edge[0]}' run '{call.edge[1]}' as {identity.name}.",
        )

    @contextmanager
    def elevated(self, call: Call, grant: Grant) -> Iterator[Capability | None]:
        """Record that ``call`` runs with more rights than its caller has, before and after it; gives what it may do then.

        Raises STORE_UNAVAILABLE when that cannot be recorded.
        """
        about = {"kind": _ELEVATED[call.identity.kind], "reason": grant.reason}
        begin = self._line("elevation", call, {**grant.details, **about})
        self._record([begin], "The store cannot record the elevation, so there is none.")
        fields: dict[str, object] = {"from": call.edge[0], "to": call.edge[1]}
        self.tell("elevation", {**fields, "identity": call.identity.name, "reason": grant.reason})
        outcome = "interrupted"
        try:
            yield grant.capability
            outcome = "done"
        except MpfError as error:
            outcome = format_hresult(error.code)
            raise
        finally:
            self.waiting.append(self._line("elevation.end", call, {"began": round(begin.at, 6), "outcome": outcome}))

    def asserted(self, call: Call) -> None:
        """Record that the service account is about to act for the caller, because nobody has the caller's password.

        Raises STORE_UNAVAILABLE.
        """
        reason = "no password: the engine's authorization decides alone"
        line = replace(self._line("elevation", call, {"kind": "asserted", "reason": reason}), identity=self.service)
        self._record([line], "The store cannot record whom the service account acts for, so it does not.")

    def settle(self) -> None:
        """Write the waiting lines, where no end of a transaction takes them along. Raises STORE_UNAVAILABLE."""
        if self.waiting:
            self._record([], "The store cannot record the ends of elevated calls.")

    def _record(self, lines: Sequence[AuditEntry], otherwise: str) -> None:
        """Write the waiting lines and these. Raises STORE_UNAVAILABLE, which says what does not happen ``otherwise``."""
        try:
            self.store.audit.append([*self.waiting, *lines])
        except StoreUnavailable as error:
            raise MpfError(Code.STORE_UNAVAILABLE, otherwise) from error
        self.lines += len(self.waiting) + len(lines)
        self.waiting.clear()

    def _line(self, event: str, call: Call, details: Mapping[str, Json]) -> AuditEntry:
        record = self.record
        return AuditEntry(
            event,
            time.time(),
            record.id,
            record.caller,
            record.asserted_by,
            record.trustee,
            call.identity.name,
            call.edge[1],
            {**details, "from": call.edge[0], "step": call.step},  # no hook changes what the engine saw
        )

    def _assigned_by(self, identity: Identity) -> str:
        """Why a call may run as a stored account: the assignment is the permission, whoever of its callees uses it."""
        assignments = (self._assigned or {}).items()
        made = [f"{name} runs as it, says {one.by}" for name, one in assignments if one.credential == identity.name]
        return f"Execute As: {'; '.join(sorted(made))}"


def _claims(call: Call) -> Iterator[tuple[str, str]]:
    """The arguments of a call that claim something which nobody has yet, with their values."""
    schema = call.procedure.input_schema
    if schema is not None and schema.declared:
        claimed = {name: one for name, one in schema.declared.items() if one.needs == CLAIMED}
        if claimed:
            yield from values_of(call.data, claimed)
