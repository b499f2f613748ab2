"""What the security hooks are asked about a call, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from mpf_core.provider import Element
from mpf_core.security.capability import Capability
from mpf_core.security.identity import Identity
from mpf_core.security.principal import Principal

if TYPE_CHECKING:
    from mpf_core.model import Procedure


class Call(NamedTuple):
    """One call that is about to happen: asked of every policy, for nested calls too.

    ``calling`` is the procedure that makes the call, or ``None`` when it comes from the request itself; ``data`` is the
    call's executeData, already valid, not to be changed; ``identity`` is the account it would run as. ``named`` are the
    declared arguments that the calling procedure was called with, by name: what its own call was authorized for.
    """

    transaction_id: str
    caller: Principal
    identity: Identity
    procedure: Procedure
    calling: Procedure | None
    data: Element
    step: str
    named: Mapping[str, Sequence[str]] = MappingProxyType({})

    @property
    def is_part(self) -> bool:
        """Whether it is a private procedure that another one calls, and so a part of that one, which was allowed."""
        return self.calling is not None and self.procedure.is_private

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
    """An elevation hook's permission for one call to run with more rights than its caller has, and why.

    ``capability`` is what the call may do then, with everything that it calls as the same account; ``None`` leaves that to
    the account's own rights. ``details`` are recorded with the reason.
    """

    reason: str
    capability: Capability | None = None
    details: Mapping[str, str] = field(default_factory=dict)
