"""Which properties the procedures of Managed Active Directory pass on, and which have a way of their own.

Where calls run as the service account (``impersonation = "policy"``), the directory's own access control does not stop an
organization's administrator who asks for more than the role allows. So what would give an account more rights than its
organization has, and what other procedures check before they write it, is refused here, for everybody. A SIP address is of
the latter kind: it is unique, and its domain has an owner. What units and contacts are given is a list, because nobody needs
more of them; whose objects properties may name, such as a manager, the policy decides.
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
_WEAK = "it would make the account's password protect it less"

#: Properties in lower case, and why they are refused.
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        ("unicodepwd", "userpassword", "cleartextpassword", "dbcspwd", "supplementalcredentials", "unixuserpassword"),
        _PASSWORD,
    ),
    **dict.fromkeys(
        (
            "admincount",
            "altsecurityidentities",
            "gplink",
            "gpoptions",
            "ms-ds-consistencyguid",
            "msds-allowedtoactonbehalfofotheridentity",
            "msds-allowedtodelegateto",
            "msds-assignedauthnpolicy",
            "msds-assignedauthnpolicysilo",
            "msds-keycredentiallink",
            "msexchmasteraccountsid",
            "ntsecuritydescriptor",
            "primarygroupid",
            "serviceprincipalname",
            "sidhistory",
        ),
        _RIGHTS,
    ),
    "msds-supportedencryptiontypes": _WEAK,
    "objectclass": "the class of an object is not a property of its",
    "member": "members are added by GroupAdd",
    "otherwellknownobjects": "it belongs to organizations",
}
_SIP_PREFIX = "msrtcsip-"
_SIP = "it is set by Managed Office Communications Server"
#: Where an account's addresses of every kind are, SIP ones (``sip:``) among them.
PROXY_ADDRESSES = "proxyAddresses"
#: An LDAP display name. Directories know attributes by their OIDs and with options as well, which nobody looks up here.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
#: userAccountControl: trust accounts, delegation to any service or for any protocol, and read-only controllers.
_UNTRUSTED = 0x800 | 0x1000 | 0x2000 | 0x80000 | 0x1000000 | 0x4000000
#: userAccountControl: no password needed, one that can be read, weak keys, and tickets without a proof of the password.
_UNPROTECTED = 0x20 | 0x80 | 0x200000 | 0x400000

_ADDRESS = (
    "c co countryCode facsimileTelephoneNumber l physicalDeliveryOfficeName postalAddress postalCode postOfficeBox st "
    "street streetAddress telephoneNumber telexNumber"
)
_DESCRIBED = (
    "adminDescription adminDisplayName businessCategory description displayName displayNamePrintable extensionName seeAlso "
    "showInAdvancedViewOnly thumbnailLogo url wWWHomePage"
)
_PERSON = (
    "assistant comment company department division employeeID employeeNumber employeeType generationQualifier "
    "givenName homePhone homePostalAddress info initials internationalISDNNumber ipPhone jpegPhoto mail mailNickname "
    "manager middleName mobile otherFacsimileTelephoneNumber otherHomePhone otherIpPhone otherMailbox otherMobile "
    "otherPager otherTelephone pager personalTitle preferredLanguage primaryInternationalISDNNumber "
    "primaryTelexNumber proxyAddresses roomNumber secretary sn targetAddress textEncodedORAddress thumbnailPhoto "
    "title userCertificate userSMIMECertificate msExchHideFromAddressLists msDS-PhoneticCompanyName "
    "msDS-PhoneticDepartment msDS-PhoneticDisplayName msDS-PhoneticFirstName msDS-PhoneticLastName"
)
#: Classes of objects that are no accounts, and all the properties that they are given, in lower case.
_GIVEN: Mapping[str, frozenset[str]] = {
    "organizationalunit": frozenset(f"{_DESCRIBED} {_ADDRESS} managedBy uPNSuffixes".lower().split()),
    "contact": frozenset(f"{_DESCRIBED} {_ADDRESS} {_PERSON}".lower().split())
    | {f"extensionattribute{number}" for number in range(1, 16)},
}
_OTHERS = "it is none of those that an object of this class is given"
#: What names to log on with end in, behind the last ``@``: a domain name, in the letters that everybody compares alike.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SUFFIX = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: userPrincipalName and the suffixes of organizations, with what stands before the domain name in each.
_WITH_SUFFIX = {"userprincipalname": "@", "upnsuffixes": ""}


def check_properties(elements: Iterable[Element], class_: str = "") -> dict[str, str]:
    """The names that ``property`` elements give an account, ``samaccountname`` and ``userprincipalname``, if they do.

    ``class_`` is given for objects that are no accounts. Raises E_INVALIDARG for a property, an address or a suffix that is
    refused, without its value.
    """
    elements = list(elements)
    given = _GIVEN.get(class_.lower())
    for element in elements:
        name = element.get("name") or ""
        reason = _reason(name)
        if reason is None and given is not None and name.lower() not in given:
            reason = _OTHERS
        if reason is not None:
            raise MpfError(Code.E_INVALIDARG, f"The property '{name}' is not accepted: {reason}.")
    for part in modifications(elements):
        attribute = part.attribute.lower()
        if attribute == "useraccountcontrol":
            for value in part.values:
                _check_control(value)
        if attribute in _WITH_SUFFIX and part.op is not ModifyOp.DELETE:
            for value in part.values:
                _check_suffix(part.attribute, str(value).strip(), _WITH_SUFFIX[attribute])
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
        part.op is ModifyOp.REPLACE and part.attribute.lower() == PROXY_ADDRESSES.lower() for part in modifications(elements)
    )


def keep_sip_address(entry: Entry) -> None:
    """Raises E_INVALIDARG when the account has a SIP address, which a replacement of its addresses would drop."""
    if any(map(_is_sip, entry.values(PROXY_ADDRESSES))):
        raise MpfError(
            Code.E_INVALIDARG,
            f"The property '{PROXY_ADDRESSES}' is not replaced as a whole: a SIP address is among its values, which only "
            "SetSipUserProperties and DeleteSipUser change. Use the modes append and delete.",
        )


def _is_sip(value: Value) -> bool:
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return text.strip().lower().startswith("sip:")


def _reason(name: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "it is no LDAP display name"
    lower = name.lower()
    return _SIP if lower.startswith(_SIP_PREFIX) else _REFUSED.get(lower)


def _check_suffix(attribute: str, value: str, before: str) -> None:
    head, found, suffix = value.rpartition(before) if before else ("", "", value)
    if (found or not before) and not _SUFFIX.fullmatch(suffix):
        raise MpfError(
            Code.E_INVALIDARG,
            f"The property '{attribute}' does not end in a domain name of letters, digits, hyphens and dots.",
        )
    if not head.isprintable():
        raise MpfError(Code.E_INVALIDARG, f"The property '{attribute}' holds characters that nobody sees.")


def _check_control(value: str | bytes) -> None:
    try:
        flags = int(value)
    except ValueError:
        raise MpfError(Code.E_INVALIDARG, "The property 'userAccountControl' is no number.") from None
    for refused, reason in ((_UNTRUSTED, _RIGHTS), (_UNPROTECTED, _WEAK)):
        if flags & refused:
            raise MpfError(Code.E_INVALIDARG, f"The property 'userAccountControl' is not accepted as {flags}: {reason}.")
