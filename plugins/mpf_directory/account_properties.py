"""Which properties the procedures of Managed Active Directory pass on, and which have a way of their own.

Where calls run as the service account (``impersonation = "policy"``), the directory's own access control does not stop an
organization's administrator who asks for more than the role allows. So what would give an account more rights than its
organization has, and what other procedures check before they write it, is refused here, for everybody. A SIP address is of
the latter kind: it is unique, and its domain has an owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element
from mpf_directory.port import Entry, ModifyOp, Value
from mpf_directory.xml_values import initial_values, modifications

_PASSWORD = "a password is set by SetUserPassword"  # noqa: S105 - a text
_RIGHTS = "it would give the account rights beyond its organization"

#: Properties in lower case, and why they are refused.
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("unicodepwd", "userpassword", "cleartextpassword", "dbcspwd", "supplementalcredentials"), _PASSWORD),
    **dict.fromkeys(
        (
            "admincount",
            "altsecurityidentities",
            "msds-allowedtoactonbehalfofotheridentity",
            "msds-allowedtodelegateto",
            "msds-keycredentiallink",
            "ntsecuritydescriptor",
            "primarygroupid",
            "serviceprincipalname",
            "sidhistory",
        ),
        _RIGHTS,
    ),
    "objectclass": "the class of an object is not a property of its",
    "member": "members are added by GroupAdd",
    "otherwellknownobjects": "it belongs to organizations",
}
_SIP_PREFIX = "msrtcsip-"
_SIP = "it is set by Managed Office Communications Server"
#: Where an account's addresses of every kind are, SIP ones (``sip:``) among them.
PROXY_ADDRESSES = "proxyAddresses"
#: An LDAP display name, maybe with options. Directories know attributes by their OIDs as well, which nobody looks up here.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?:;[A-Za-z0-9-]+)*")
#: userAccountControl: trust accounts, delegation to any service or for any protocol, and read-only controllers.
_UNTRUSTED = 0x800 | 0x1000 | 0x2000 | 0x80000 | 0x1000000 | 0x4000000


def check_properties(elements: Iterable[Element]) -> dict[str, str]:
    """The names that ``property`` elements give an account, ``samaccountname`` and ``userprincipalname``, if they do.

    Raises E_INVALIDARG for a property or an address that is refused, without its value.
    """
    elements = list(elements)
    for element in elements:
        name = (element.get("name") or "").strip()
        if reason := _reason(name.lower()):
            raise MpfError(Code.E_INVALIDARG, f"The property '{name}' is not accepted: {reason}.")
    for part in modifications(elements):
        attribute = _attribute(part.attribute)
        if attribute == "useraccountcontrol":
            for value in part.values:
                _check_control(value)
        if attribute == PROXY_ADDRESSES.lower() and any(map(_is_sip, part.values)):
            raise MpfError(
                Code.E_INVALIDARG,
                f"A SIP address is not accepted in '{part.attribute}': CreateSipUser and SetSipUserProperties set it, as "
                "primaryURI.",
            )
    values = {name.lower(): held for name, held in initial_values(elements).items()}
    names: dict[str, str] = {}
    for name in ("samaccountname", "userprincipalname"):
        for value in values.get(name, ()):
            names[name] = value.strip() if isinstance(value, str) else ""
    return names


def replaces_addresses(elements: Iterable[Element]) -> bool:
    """Whether ``property`` elements replace the proxy addresses as a whole."""
    return any(
        part.op is ModifyOp.REPLACE and _attribute(part.attribute) == PROXY_ADDRESSES.lower()
        for part in modifications(elements)
    )


def keep_sip_address(entry: Entry) -> None:
    """Raises E_INVALIDARG when the account has a SIP address, which a replacement of its addresses would drop."""
    if any(map(_is_sip, entry.values(PROXY_ADDRESSES))):
        raise MpfError(
            Code.E_INVALIDARG,
            f"The property '{PROXY_ADDRESSES}' is not replaced as a whole: a SIP address is among its values, which only "
            "SetSipUserProperties and DeleteSipUser change. Use the modes append and delete.",
        )


def _attribute(name: str) -> str:
    return name.strip().lower().partition(";")[0]


def _is_sip(value: Value) -> bool:
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return text.strip().lower().startswith("sip:")


def _reason(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "it is no LDAP display name"
    name = _attribute(name)
    return _SIP if name.startswith(_SIP_PREFIX) else _REFUSED.get(name)


def _check_control(value: str | bytes) -> None:
    try:
        flags = int(value)
    except ValueError:
        raise MpfError(Code.E_INVALIDARG, "The property 'userAccountControl' is no number.") from None
    if flags & _UNTRUSTED:
        raise MpfError(Code.E_INVALIDARG, f"The property 'userAccountControl' is not accepted as {flags}: {_RIGHTS}.")
