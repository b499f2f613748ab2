"""MPF for Python: provisioning operations described once, as XML procedures that compose provider calls."""

from mpf_core.asynchronous import AsyncEngine
from mpf_core.config import Config
from mpf_core.engine import Engine, Result
from mpf_core.errors import Code, ConfigError, ErrorSource, MpfError, Violation
from mpf_core.events import Event
from mpf_core.hookspecs import hookimpl
from mpf_core.planning import Plan, PlannedCall, PlannedStep
from mpf_core.provider import (
    NO_CHANGE,
    CallContext,
    Change,
    Element,
    ProcedureType,
    Provider,
    Undo,
    argument,
    optional_argument,
    output,
    read,
    two_phase,
    write,
)
from mpf_core.security.calls import Call, Decision, Grant
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Caller, Credentials, Principal, Ticket
from mpf_core.services import Services
from mpf_core.settings import Settings, parse_settings
from mpf_core.tracing import Trace
from mpf_core.transaction.states import StepState, TransactionState
from mpf_core.transaction.transaction import StepOutcome

__all__ = [
    "NO_CHANGE",
    "AsyncEngine",
    "Call",
    "CallContext",
    "Caller",
    "Change",
    "Code",
    "Config",
    "ConfigError",
    "Credentials",
    "Decision",
    "Element",
    "Engine",
    "ErrorSource",
    "Event",
    "Grant",
    "Identity",
    "IdentityKind",
    "MpfError",
    "Plan",
    "PlannedCall",
    "PlannedStep",
    "Principal",
    "ProcedureType",
    "Provider",
    "Result",
    "Services",
    "Settings",
    "StepOutcome",
    "StepState",
    "Ticket",
    "Trace",
    "TransactionState",
    "Undo",
    "Violation",
    "argument",
    "hookimpl",
    "optional_argument",
    "output",
    "parse_settings",
    "read",
    "two_phase",
    "write",
]
