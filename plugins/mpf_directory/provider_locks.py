"""The Transaction Provider: locks for what a composed procedure relies on and does not write itself.

It is ours, the original has none. All its procedures are private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, Provider, argument, read
from mpf_directory.dn import DnForm
from mpf_directory.paths import LdapPath


def _domain(name: str) -> str:
    try:
        return name.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise MpfError(Code.E_INVALIDARG, f"'{name}' is no domain name.") from None


def _object(name: str) -> str:
    dn = LdapPath.parse(name).dn
    if dn.form is not DnForm.NAME:
        raise MpfError(Code.E_INVALIDARG, f"'{name}' cannot be locked: it is no distinguished name.")
    return dn.normalised


_SIP_DOMAIN = "sip-domain"
#: What can be locked, and how its names are brought to one spelling. ``object`` is the key of `locking.hold_object`: an
#: object that is shared is neither deleted nor moved, and so stays in its organization. ``attributes`` is a key of
#: `locking.hold_attributes`: what is read of an object stays as it is until it is written.
KINDS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {_SIP_DOMAIN: _domain, "pool-assignment": _object, "object": _object, "attributes": _object}
)


class LockProvider(Provider):
    """``providerSource="mpf.directory.locks"``."""

    @read("Lock")
    def lock(self, ctx: CallContext, data: Element) -> None:
        """IN kind, name: hold it alone until the transaction has ended. LOCK_VIOLATION when another one has it.

        Domains above a SIP domain are shared: what is decided about two that lie one below the other is decided in turn.
        """
        kind, name = _named(data)
        if kind == _SIP_DOMAIN:
            while "." in (name := name.partition(".")[2]):
                ctx.lock(f"{kind}:{name}", shared=True)
        ctx.lock(_key(data))

    @read("Share")
    def share(self, ctx: CallContext, data: Element) -> None:
        """IN kind, name: nobody else may lock it alone until the transaction has ended. LOCK_VIOLATION."""
        ctx.lock(_key(data), shared=True)


def _key(data: Element) -> str:
    return ":".join(_named(data))


def _named(data: Element) -> tuple[str, str]:
    """What is locked: its kind, and its name in one spelling."""
    kind = argument(data, "kind")
    if kind not in KINDS:
        raise MpfError(Code.E_INVALIDARG, f"'{kind}' cannot be locked; known kinds: {', '.join(sorted(KINDS))}.")
    return kind, KINDS[kind](argument(data, "name"))
