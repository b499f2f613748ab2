"""Which calls may run with more rights than their caller has, and for what: the configured edges, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mpf_core.security.calls import Call, Grant
from mpf_core.security.capability import Capability, Permit
from mpf_directory.dn import Dn
from mpf_policy.settings import Elevation, May, place

#: The objects that an argument's text was authorized for: what stands for each, and what it was called then.
Resolve = Callable[[str], Iterable[tuple[Dn, Dn]]]


def grant(call: Call, rules: Sequence[Elevation], base: Dn, resolve: Resolve) -> Grant | None:
    """The first rule that names this call's edge, as a grant; ``None`` without one.

    ``base`` is the domain's name, and ``resolve`` the objects that an argument of the calling procedure stands for.
    """
    calling, called = call.edge
    for rule in rules:
        if _matches(rule.from_, calling) and _matches(rule.to, called):
            capability = None if rule.may == "anything" else Capability(_permits(call, rule.may, base, resolve))
            return Grant(rule.reason, capability, {"from": rule.from_, "to": rule.to})
    return None


def _permits(call: Call, may: Iterable[May], base: Dn, resolve: Resolve) -> tuple[Permit, ...]:
    def named(arguments: Iterable[str]) -> dict[str, str]:
        return {str(dn): str(was) for name in arguments for text in call.named.get(name, ()) for dn, was in resolve(text)}

    def permit(one: May) -> Permit:
        objects, below = named(one.objects), named(one.below)
        within = (*below, *(str(place(base, name)) for name in one.within))
        return Permit(frozenset(one.operations), tuple(objects), within, one.attributes, objects | below)

    return tuple(map(permit, may))


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
