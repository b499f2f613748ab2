"""Which calls may run with more rights than their caller has, and for what: the configured edges, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mpf_core.security.calls import Call, Grant
from mpf_core.security.capability import Capability, Permit
from mpf_directory.dn import Dn
from mpf_policy.settings import Elevation, May, place

#: The objects that an argument's text was authorized for, by name.
Resolve = Callable[[str], Iterable[Dn]]


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
    def named(arguments: Iterable[str]) -> tuple[str, ...]:
        return tuple(str(dn) for name in arguments for text in call.named.get(name, ()) for dn in resolve(text))

    return tuple(
        Permit(
            frozenset(one.operations),
            named(one.objects),
            (*named(one.below), *(str(place(base, name)) for name in one.within)),
            one.attributes,
        )
        for one in may
    )


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
