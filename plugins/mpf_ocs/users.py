"""A SIP user's attributes: what a call changes in them, and what they say (spec: ocs-provider-and-ad-schema.md, 3.1, 3.7).

Plain functions from an entry, read with `TO_READ`, to the values that its attributes shall have. What really changes is
worked out value by value from that; other values of an attribute, and other bits of a bit field, stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mpf_core.provider import Element, optional_argument
from mpf_directory.dn import Dn
from mpf_directory.port import Entry, Value
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


def may_be_sip_user(entry: Entry) -> bool:
    """Whether the object is a user or a contact: of those that a SIP user can be, a computer is none."""
    classes = {str(value).lower() for value in entry.values("objectClass")}
    return not classes.isdisjoint(("user", "contact")) and "computer" not in classes


def is_sip_user(entry: Entry) -> bool:
    """Whether the user is in Office Communications Server: has a home server or an address."""
    return bool(entry.values(HOME_SERVER) or entry.values(PRIMARY_URI))


def given_booleans(data: Element) -> dict[str, bool]:
    """The booleans among a call's arguments. The input schema has checked that they are some."""
    names = (*BOOLEANS, *flags.OPTION_FLAGS)
    return {name: text in {"true", "1"} for name in names if (text := optional_argument(data, name)) is not None}


def create(entry: Entry, settings: SipSettings) -> dict[str, Sequence[Value]]:
    """Make the user a SIP user. Booleans that are not given are false; archiving is off."""
    defaults = dict.fromkeys((*BOOLEANS, "enabledForEnhancedPresence", "publicNetworkEnabled", "ucEnabled"), False)
    complete = replace(settings, booleans={**defaults, **settings.booleans})
    return {ARCHIVING: ["0"], **change(entry, complete)}


def change(entry: Entry, settings: SipSettings) -> dict[str, Sequence[Value]]:
    """Change what is given."""
    wanted: dict[str, Sequence[Value]] = {}
    if settings.uri is not None:
        wanted[PRIMARY_URI] = [str(settings.uri)]
        wanted[PROXY_ADDRESSES] = _proxy_addresses(entry, str(settings.uri))
    if settings.home_server is not None:
        wanted[HOME_SERVER] = [str(settings.home_server)]
    for argument, attribute in BOOLEANS.items():
        if argument in settings.booleans:
            wanted[attribute] = ["TRUE" if settings.booleans[argument] else "FALSE"]
    bits = {name: given for name, given in settings.booleans.items() if name in flags.OPTION_FLAGS}
    if bits:
        wanted[OPTION_FLAGS] = [str(flags.change_bits(option_flags(entry), bits))]
    if settings.policies:
        kept = [value for value in entry.values(USER_POLICY) if user_policy.type_of(value) not in settings.policies]
        given_ones = [user_policy.text(type_, policy) for type_, policy in settings.policies.items()]
        wanted[USER_POLICY] = [*kept, *given_ones]
    return wanted


def remove(entry: Entry) -> dict[str, Sequence[Value]]:
    """Take the user out: every attribute of a SIP user, and the address among the proxy addresses."""
    return {**dict.fromkeys(ATTRIBUTES, ()), PROXY_ADDRESSES: _proxy_addresses(entry, None)}


def option_flags(entry: Entry) -> int:
    """msRTCSIP-OptionFlags; absent is 0."""
    return int(entry.text(OPTION_FLAGS) or "0")


def boolean(entry: Entry, argument: str) -> bool:
    """The boolean that a call names ``argument``; absent is false (spec: 3.1, rule)."""
    if argument in BOOLEANS:
        return entry.text(BOOLEANS[argument]) == "TRUE"
    return flags.has_bit(option_flags(entry), argument)


def policy(entry: Entry, type_: int) -> Dn | None:
    """The user's own policy of that type."""
    return next((dn for found, dn in user_policy.parse_all(entry.values(USER_POLICY)) if found == type_), None)


def _proxy_addresses(entry: Entry, new: str | None) -> list[Value]:
    """The proxy addresses with ``new`` in the place of the user's SIP address.

    One that is there already stays as it is, unless it is the user's own, whose spelling changes.
    """
    own = entry.text(PRIMARY_URI) or ""
    current, wanted = own.lower(), (new or "").lower()
    respelled = current == wanted and own != new
    kept = [value for value in entry.values(PROXY_ADDRESSES) if _lower(value) not in {current, wanted}]
    there = [] if respelled else [value for value in entry.values(PROXY_ADDRESSES) if _lower(value) == wanted]
    return [*kept, *(there or [new])] if new else kept


def _lower(value: Value) -> Value:
    return value.lower()
