"""SIP addresses of users, and the rules for them (spec: ocs-provider-and-ad-schema.md, 1.4, primaryURI).

``sip:user@domain``, where the domain is a fully qualified domain name or an IP address, but neither 0.0.0.0 nor a multicast
address. An IP address is one of version 4: the servers of that time knew no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

from mpf_core import redaction
from mpf_core.errors import Code, MpfError

SCHEME = "sip:"

#: Range of msRTCSIP-PrimaryUserAddress (spec: 3.1).
_LONGEST = 454
#: The user part of RFC 3261 without escapes (``%41`` and ``A`` would be two spellings of one address) and without password.
_USER = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/-]+")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: At least two labels, the last one no number (RFC 1123, 2.1).
_FQDN = re.compile(rf"(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")
_LONGEST_FQDN = 255
#: What the common name of a reservation can hold.
LONGEST_OWNED = 64


@dataclass(frozen=True, slots=True)
class SipUri:
    """A user's SIP address. ``str()`` is what the directory holds; `normalised` is equal for equal addresses."""

    user: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Read and check ``sip:user@domain``. Raises E_INVALIDARG that says which rule is broken."""
        scheme, rest = text[: len(SCHEME)], text[len(SCHEME) :]
        user, at, domain = rest.partition("@")
        if scheme.lower() != SCHEME or not at:
            raise _invalid(text, "the form is sip:user@domain")
        if len(text) > _LONGEST:
            raise _invalid(text, f"{_LONGEST} characters are allowed")
        if not _USER.fullmatch(user):
            raise _invalid(text, "the part before @ is empty or holds a character that is not allowed")
        if not is_fqdn(domain):
            _check_address(text, domain)
        return cls(user, domain)

    @property
    def ownable(self) -> bool:
        """Whether an organization can own the domain: CreateSipDomain takes no IP address, and nothing that is longer."""
        return len(self.domain) <= LONGEST_OWNED and self.domain.rpartition(".")[2][0].isalpha()

    @property
    def normalised(self) -> str:
        """The address in lower case, as the directory compares it."""
        return str(self).lower()

    def __str__(self) -> str:
        return f"{SCHEME}{self.user}@{self.domain}"


def is_fqdn(text: str) -> bool:
    """Whether ``text`` is a fully qualified domain name of letters, digits and hyphens, without a dot at its end."""
    return len(text) <= _LONGEST_FQDN and _FQDN.fullmatch(text) is not None


def _check_address(text: str, domain: str) -> None:
    try:
        address = IPv4Address(domain)
    except AddressValueError:
        raise _invalid(text, "the domain is neither a fully qualified domain name nor an IP address") from None
    if address.is_unspecified or address.is_multicast:
        raise _invalid(text, "the domain must be neither 0.0.0.0 nor a multicast address")


def _invalid(text: str, reason: str) -> MpfError:
    return MpfError(
        Code.E_INVALIDARG,
        f"The argument 'primaryURI' is '{redaction.mask(text)[:_LONGEST]}', and no SIP address of a user: {reason}.",
    )
