"""What the security hooks are asked about a call, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mpf_core.provider import Element
from mpf_core.security.identity import Identity
from mpf_core.security.principal import Principal

if TYPE_CHECKING:
    from mpf_core.model import Procedure


class Call(NamedTuple):
    """One call that is about to happen: asked of every policy, for nested calls too.

    ``calling`` is the procedure that makes the call, or ``None`` when it comes from the request itself; ``data`` is the
    call's executeData, already valid, not to be changed; ``identity`` is the account it would run as.
    """

    transaction_id: str
    caller: Principal
    identity: Identity
    procedure: Procedure
    calling: Procedure | None
    data: Element
    step: str

    @property
    def edge(self) -> tuple[str, str]:
        """Calling and called procedure as ``Namespace::Procedure``; a request itself is ``request``."""
        return (self.calling.full_name if self.calling else "request", self.procedure.full_name)


@dataclass(frozen=True, slots=True)
class Decision:
    """A policy's answer. No answer (``None``) from every policy means *refused*; one refusal outweighs any permission."""

    allowed: bool
    reason: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """An elevation hook's permission for one call to run with more rights than its caller has, and why."""

    reason: str
    details: Mapping[str, str] = field(default_factory=dict)
