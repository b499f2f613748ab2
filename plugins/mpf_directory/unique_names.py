"""Names that must be unique, held by who takes them and by who frees them: a rollback gives back what was freed.

Sources: spec/helpers-and-ad-providers.md, 2.18 (names to log on with); spec/managed-ocs.md (SIP addresses).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mpf_core.provider import CallContext
from mpf_directory.dn import domain_of, fold
from mpf_directory.locking import hold_domain
from mpf_directory.port import Directory, Value

#: The kind of key that says whose a suffix of user principal names is.
UPN_SUFFIX = "upn-suffix"
#: The attributes that hold such names.
ATTRIBUTES = ("sAMAccountName", "userPrincipalName", "msRTCSIP-PrimaryUserAddress", "proxyAddresses", "uPNSuffixes")
_SIP_ADDRESSES = ("msrtcsip-primaryuseraddress", "proxyaddresses")


def hold_account_name(ctx: CallContext, directory: Directory, name: str) -> None:
    """Hold a sAMAccountName alone, and so the principal name that it implies. Raises LOCK_VIOLATION."""
    ctx.lock(f"account-name:{fold(f'{name}@{domain_of(directory.base)}')}")


def hold_principal_name(ctx: CallContext, directory: Directory, name: str) -> None:
    """Hold a userPrincipalName alone; without a suffix it is a sAMAccountName as well. Raises LOCK_VIOLATION."""
    ctx.lock(f"account-name:{fold(name)}")
    if not name.rpartition("@")[0]:
        hold_account_name(ctx, directory, name)


def hold_sip_address(ctx: CallContext, address: str) -> None:
    """Hold a SIP address (``sip:...``) alone: one that is taken, and one that is freed, which an undo gives back.

    Raises LOCK_VIOLATION.
    """
    ctx.lock(f"sip-uri:{address.lower()}")


def hold_suffix(ctx: CallContext, suffix: str, *, shared: bool = False) -> None:
    """Hold whose a suffix of user principal names is: alone where an organization gets or loses it, shared where used."""
    hold_domain(ctx, UPN_SUFFIX, fold(suffix), shared=shared)


_NAMES_TO_LOG_ON = {"samaccountname": hold_account_name, "userprincipalname": hold_principal_name}


def hold_names(
    ctx: CallContext, directory: Directory, before: Mapping[str, Sequence[Value]], now: Mapping[str, Sequence[Value]]
) -> None:
    """Hold the names to log on with that an object has, is about to get, or about to lose: an undo gives those back.

    So, too, its suffixes and its SIP addresses, but for those that it keeps. ``before`` and ``now`` are its attributes, or
    those that change. Raises LOCK_VIOLATION.
    """
    for attribute, values in (*before.items(), *now.items()):
        if hold := _NAMES_TO_LOG_ON.get(attribute.lower()):
            for value in values:
                hold(ctx, directory, str(value))
    for suffix in sorted(_changing(before, now, "upnsuffixes")):
        hold_suffix(ctx, suffix)
    addresses = set().union(*(_changing(before, now, attribute) for attribute in _SIP_ADDRESSES))
    for address in sorted(one for one in addresses if one.startswith("sip:")):
        hold_sip_address(ctx, address)


def _changing(before: Mapping[str, Sequence[Value]], now: Mapping[str, Sequence[Value]], attribute: str) -> set[str]:
    """The values, in lower case, that an attribute is about to get or to lose."""
    return _values(before, attribute) ^ _values(now, attribute)


def _values(attributes: Mapping[str, Sequence[Value]], attribute: str) -> set[str]:
    return {fold(str(value)) for name, values in attributes.items() if name.lower() == attribute for value in values}
