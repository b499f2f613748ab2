"""The Transaction Provider: locks for what a composed procedure relies on and does not write itself.

It is ours, the original has none. All its procedures are private.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, argument, read
from mpf_directory.dn import DnForm, fold
from mpf_directory.locking import hold_below, hold_domain, hold_object
from mpf_directory.paths import LdapPath
from mpf_directory.provider_common import PathCalls
from mpf_directory.unique_names import UPN_SUFFIX


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
_TREE = "tree"
#: What can be locked, and how its names are brought to one spelling. ``object`` is the key of `locking.hold_object`: an
#: object that is shared is neither deleted nor moved, and so stays in its organization. ``attributes`` is a key of
#: `locking.hold_attributes`: what is read of an object stays as it is until it is written. ``tree`` is an object with all
#: that is below it: what is found there is neither changed nor moved, and nothing comes there, until it is deleted or moved.
KINDS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        _SIP_DOMAIN: _domain,
        UPN_SUFFIX: fold,
        "pool-assignment": _object,
        "object": _object,
        "attributes": _object,
        _TREE: _object,
    }
)
_DOMAINS = frozenset({_SIP_DOMAIN, UPN_SUFFIX})


class LockProvider(PathCalls):
    """``providerSource="mpf.directory.locks"``."""

    @read("Lock")
    def lock(self, ctx: CallContext, data: Element) -> None:
        """IN kind, name: hold it alone until the transaction has ended. LOCK_VIOLATION when another one has it.

        A tree is locked object by object; domains above one that is locked or shared are shared: `locking.hold_domain`.
        """
        kind, name = _named(data)
        if kind == _TREE:
            path = LdapPath.parse(argument(data, "name"))
            hold_object(ctx, path.dn)
            hold_below(ctx, self.directory_of(ctx, path), path.dn, path.dn)
        else:
            _take(ctx, kind, name, shared=False)

    @read("Share")
    def share(self, ctx: CallContext, data: Element) -> None:
        """IN kind, name: nobody else may lock it alone until the transaction has ended. LOCK_VIOLATION."""
        kind, name = _named(data)
        _take(ctx, kind, name, shared=True)


def _take(ctx: CallContext, kind: str, name: str, *, shared: bool) -> None:
    if kind in _DOMAINS:
        hold_domain(ctx, kind, name, shared=shared)
    else:
        ctx.lock(f"{kind}:{name}", shared=shared)


def _named(data: Element) -> tuple[str, str]:
    """What is locked: its kind, and its name in one spelling."""
    kind = argument(data, "kind")
    if kind not in KINDS:
        raise MpfError(Code.E_INVALIDARG, f"'{kind}' cannot be locked; known kinds: {', '.join(sorted(KINDS))}.")
    return kind, KINDS[kind](argument(data, "name"))
