"""The account a call runs as (spec: engine-and-runtime.md, 14: the impersonation truth table)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from mpf_core.security.capability import Capability
from mpf_core.security.principal import Credentials, Principal


class IdentityKind(Enum):
    """Where an identity comes from, in the original's order of precedence; RECOVERY is that of undo and commit."""

    SERVICE = "service"
    CALLER = "caller"
    BASIC = "basic"
    EXECUTE_AS = "execute-as"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Identity:
    """An account: the engine's own (MPFServiceAcct), the caller, or one with stored or given credentials."""

    kind: IdentityKind
    name: str
    principal: Principal | None = None
    credentials: Credentials | None = None


class Impersonate(Enum):
    """``execute/@impersonate`` (spec: provisioning-schema.md, execute)."""

    INHERIT = "0"
    ON = "1"
    OFF = "2"


@dataclass(frozen=True, slots=True)
class SecurityState:
    """What a procedure hands on to the calls it makes: its own identity and the credentials in its context.

    ``capability`` limits what is done as that identity, and lasts as long as the identity does.
    """

    identity: Identity
    service: Identity
    caller: Identity
    basic: Identity | None = None
    capability: Capability | None = None

    def enter(self, impersonate: Impersonate, execute_as: Identity | None) -> SecurityState:
        """The state inside a procedure called with ``impersonate`` whose execute-as credential is ``execute_as``.

        The execute-as credential of a procedure takes the place of the request's credentials for everything the
        procedure calls, and is used only where impersonation is on.
        """
        basic = execute_as or self.basic
        identity = _RUNS_AS[impersonate](self, basic)
        capability = self.capability if identity == self.identity else None
        return SecurityState(identity, self.service, self.caller, basic, capability)

    def limited(self, capability: Capability | None) -> SecurityState:
        """The same with that capability, which a grant has given."""
        return replace(self, capability=capability)


#: The documented table: whose account a call runs as, with the credentials of the request, or of the calling procedure.
_RUNS_AS: dict[Impersonate, Callable[[SecurityState, Identity | None], Identity]] = {
    Impersonate.ON: lambda state, basic: basic or state.caller,
    Impersonate.OFF: lambda state, _basic: state.service,
    Impersonate.INHERIT: lambda state, _basic: state.identity,
}
