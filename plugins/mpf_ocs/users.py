"""A SIP user's attributes: what a call changes in them, and what they say (spec: ocs-provider-and-ad-schema.md, 3.1, 3.7).

Plain functions from an entry to modifications. Each names values, never "all that was there": other values of an
attribute, and other bits of a bit field, belong to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mpf_core.provider import Element, optional_argument
from mpf_directory.dn import Dn
from mpf_directory.port import Entry, Modification, ModifyOp
from mpf_ocs import flags, user_policy
from mpf_ocs.uri import SipUri

PRIMARY_URI = "msRTCSIP-PrimaryUserAddress"
HOME_SERVER = "msRTCSIP-PrimaryHomeServer"
TARGET_SERVER = "msRTCSIP-TargetHomeServer"
OPTION_FLAGS = "msRTCSIP-OptionFlags"
ARCHIVING = "msRTCSIP-ArchivingEnabled"
USER_POLICY = "msRTCSIP-UserPolicy"
PROXY_ADDRESSES = "proxyAddresses"

#: Argument -> the Boolean attribute that holds it; the other booleans are bits of msRTCSIP-OptionFlags.
BOOLEANS: Mapping[str, str] = {
    "enabled": "msRTCSIP-UserEnabled",
    "enabledForFederation": "msRTCSIP-FederationEnabled",
    "enabledForInternetAccess": "msRTCSIP-InternetAccessEnabled",
}

#: All that makes a user or contact a SIP user; DeleteSipUser removes every one of them.
ATTRIBUTES = (
    PRIMARY_URI,
    HOME_SERVER,
    TARGET_SERVER,
    OPTION_FLAGS,
    ARCHIVING,
    USER_POLICY,
    *BOOLEANS.values(),
    "msRTCSIP-Line",
    "msRTCSIP-LineServer",
    "msRTCSIP-OriginatorSid",
    "msRTCSIP-SourceObjectType",
    "msRTCSIP-UserExtension",
    "msRTCSIP-UserLocationProfile",
)
#: What a user has to be read with.
TO_READ = ("objectClass", "objectGUID", PROXY_ADDRESSES, *ATTRIBUTES)


@dataclass(frozen=True, slots=True)
class SipSettings:
    """What a call gives: only that is changed. ``policies`` goes by policy type (`user_policy`)."""

    uri: SipUri | None = None
    home_server: Dn | None = None
    booleans: Mapping[str, bool] = field(default_factory=dict)
    policies: Mapping[int, Dn] = field(default_factory=dict)


def is_sip_user(entry: Entry) -> bool:
    """Whether the user is in Office Communications Server: has a home server or an address."""
    return bool(entry.values(HOME_SERVER) or entry.values(PRIMARY_URI))


def given_booleans(data: Element) -> dict[str, bool]:
    """The booleans among a call's arguments. The input schema has checked that they are some."""
    names = (*BOOLEANS, *flags.OPTION_FLAGS)
    return {name: text in {"true", "1"} for name in names if (text := optional_argument(data, name)) is not None}


def create(entry: Entry, settings: SipSettings) -> list[Modification]:
    """Make the user a SIP user. Booleans that are not given are false; archiving is off."""
    defaults = dict.fromkeys((*BOOLEANS, "enabledForEnhancedPresence", "publicNetworkEnabled", "ucEnabled"), False)
    complete = SipSettings(
        settings.uri, settings.home_server, {**defaults, **settings.booleans}, settings.policies
    )
    return [*_set(entry, ARCHIVING, "0"), *change(entry, complete)]


def change(entry: Entry, settings: SipSettings) -> list[Modification]:
    """Change what is given. An empty list means that everything is as asked for already."""
    modifications: list[Modification] = []
    if settings.uri is not None:
        modifications += _set_uri(entry, settings.uri)
    if settings.home_server is not None and home_server(entry) != settings.home_server:
        modifications += _set(entry, HOME_SERVER, str(settings.home_server))
    for argument, attribute in BOOLEANS.items():
        if argument in settings.booleans:
            modifications += _set(entry, attribute, "TRUE" if settings.booleans[argument] else "FALSE")
    bits = {name: wanted for name, wanted in settings.booleans.items() if name in flags.OPTION_FLAGS}
    if bits:
        modifications += _set(entry, OPTION_FLAGS, str(flags.change_bits(option_flags(entry), bits)))
    for type_, policy in settings.policies.items():
        modifications += _set_policy(entry, type_, policy)
    return modifications


def remove(entry: Entry) -> list[Modification]:
    """Take the user out: every attribute of a SIP user, and the address among the proxy addresses."""
    modifications = [
        Modification(attribute, ModifyOp.DELETE, entry.values(attribute)) for attribute in ATTRIBUTES if entry.values(attribute)
    ]
    address = entry.text(PRIMARY_URI)
    if address is not None:
        modifications += _without_proxy_address(entry, address)
    return modifications


def option_flags(entry: Entry) -> int:
    """msRTCSIP-OptionFlags; absent is 0."""
    return int(entry.text(OPTION_FLAGS) or "0")


def boolean(entry: Entry, argument: str) -> bool:
    """The boolean that a call names ``argument``; absent is false (spec: 3.1, rule)."""
    if argument in BOOLEANS:
        return entry.text(BOOLEANS[argument]) == "TRUE"
    return flags.has_bit(option_flags(entry), argument)


def home_server(entry: Entry) -> Dn | None:
    """The DN of the pool service that the user is homed on."""
    text = entry.text(HOME_SERVER)
    return Dn.parse(text) if text is not None else None


def policy(entry: Entry, type_: int) -> Dn | None:
    """The user's own policy of that type."""
    return next((dn for found, dn in user_policy.parse_all(entry.values(USER_POLICY)) if found == type_), None)


def _set_uri(entry: Entry, uri: SipUri) -> Iterator[Modification]:
    current = entry.text(PRIMARY_URI)
    changed = current is None or current.lower() != uri.normalised
    if changed:
        yield from _set(entry, PRIMARY_URI, str(uri))
    if current is not None and changed:
        yield from _without_proxy_address(entry, current)
    if not _proxy_addresses(entry, str(uri)):
        yield Modification(PROXY_ADDRESSES, ModifyOp.ADD, (str(uri),))


def _set_policy(entry: Entry, type_: int, policy: Dn) -> Iterator[Modification]:
    of_type = [value for value in entry.values(USER_POLICY) if user_policy.type_of(value) == type_]
    if [dn for _, dn in user_policy.parse_all(of_type)] == [policy]:
        return
    if of_type:
        yield Modification(USER_POLICY, ModifyOp.DELETE, tuple(of_type))
    yield Modification(USER_POLICY, ModifyOp.ADD, (user_policy.text(type_, policy),))


def _without_proxy_address(entry: Entry, address: str) -> Iterator[Modification]:
    matching = _proxy_addresses(entry, address)
    if matching:
        yield Modification(PROXY_ADDRESSES, ModifyOp.DELETE, matching)


def _proxy_addresses(entry: Entry, address: str) -> tuple[str, ...]:
    values = (value for value in entry.values(PROXY_ADDRESSES) if isinstance(value, str))
    return tuple(value for value in values if value.lower() == address.lower())


def _set(entry: Entry, attribute: str, value: str) -> Iterator[Modification]:
    current = entry.values(attribute)
    if current == (value,):
        return
    # The old value by name: the directory refuses, and nothing is lost, if somebody changed it in the meantime.
    if current:
        yield Modification(attribute, ModifyOp.DELETE, current)
    yield Modification(attribute, ModifyOp.ADD, (value,))
