"""Which properties the procedures for users and groups pass on, and which have a way of their own.

Where calls run as the service account (``impersonation = "policy"``), the directory's own access control does not stop an
organization's administrator who asks for more than the role allows. So what would give an account more rights than its
organization has, and what other procedures check before they write it, is refused here, for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element
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
#: userAccountControl: trust accounts, delegation to any service or for any protocol, and read-only controllers.
_UNTRUSTED = 0x800 | 0x1000 | 0x2000 | 0x80000 | 0x1000000 | 0x4000000


def check_properties(elements: Iterable[Element]) -> dict[str, str]:
    """The names that ``property`` elements give an account, ``samaccountname`` and ``userprincipalname``, if they do.

    Raises E_INVALIDARG for a property that is refused, without its value.
    """
    elements = list(elements)
    for element in elements:
        name = (element.get("name") or "").strip()
        if reason := _reason(name.lower()):
            raise MpfError(Code.E_INVALIDARG, f"The property '{name}' is not accepted: {reason}.")
    for part in modifications(elements):
        if part.attribute.lower() == "useraccountcontrol":
            for value in part.values:
                _check_control(value)
    values = {name.lower(): held for name, held in initial_values(elements).items()}
    names: dict[str, str] = {}
    for name in ("samaccountname", "userprincipalname"):
        for value in values.get(name, ()):
            names[name] = value.strip() if isinstance(value, str) else ""
    return names


def _reason(name: str) -> str | None:
    name = name.partition(";")[0]
    if name.startswith(_SIP_PREFIX):
        return "it is set by Managed Office Communications Server"
    return _REFUSED.get(name)


def _check_control(value: str | bytes) -> None:
    try:
        flags = int(value)
    except ValueError:
        raise MpfError(Code.E_INVALIDARG, "The property 'userAccountControl' is no number.") from None
    if flags & _UNTRUSTED:
        raise MpfError(Code.E_INVALIDARG, f"The property 'userAccountControl' is not accepted as {flags}: {_RIGHTS}.")
