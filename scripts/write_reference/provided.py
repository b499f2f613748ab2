"""The errors that providers raise of their own, which no step shows: code, text with what is filled in in braces, and when.

What the directory itself answers is passed on besides, with the server's own text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scripts.write_reference.book import Name

AD = "Active Directory Provider"
OCS = "Office Communications Server Provider"
NAMES = "Account Name Provider"
LOCKS = "Transaction Provider"


class Provided(NamedTuple):
    """One error of a provider."""

    code: str
    text: str
    when: str


def _each(namespace: str, procedures: Iterable[str], *errors: Provided) -> dict[Name, tuple[Provided, ...]]:
    return {(namespace, name): errors for name in procedures}


_INVALID, _NO_OBJECT, _EXISTS, _RULE = "0x80070057", "0x80072030", "0x80071392", "0x80131509"
_UNOPENED = Provided(
    _NO_OBJECT,
    "Unable to open object '{path}'./There is no such object on the server./ADsGetObject",
    "there is no such object, or the account that the call runs as cannot see it",
)
_TAKEN = Provided(_EXISTS, "The object '{name}' already exists.", "another object has the name")
_LOCKED = Provided("0x80070021", "", "another transaction holds a key that this one needs; send the request again")
_PROPERTY = Provided(_INVALID, "The property '{name}' is not accepted: {reason}.", "others procedures set it, or nobody")
_NAME_TAKEN = Provided(_EXISTS, "The account name '{name}' is in use.", "another account has the name")
_PRINCIPAL_TAKEN = Provided(_EXISTS, "The user principal name '{name}' is in use.", "another account has the name")

_NO_USER = Provided(
    _NO_OBJECT, "Unable to open object '{userDN}'. There is no such object on the server.", "there is no such user"
)
_OTHER_CLASS = Provided("0x80005004", "The object '{userDN}' is no user or contact.", "it is an object of another class")
_NO_SIP_USER = Provided(_RULE, "'{userDN}' is no user of Office Communications Server.", "the user is not enabled")
_NO_ADDRESS = Provided(
    _INVALID, "The argument 'primaryURI' is '{primaryURI}', and no SIP address of a user: {reason}.", "it breaks a rule"
)
_SETTINGS = (
    _NO_ADDRESS,
    Provided(_EXISTS, "The SIP address '{primaryURI}' is in use.", "another object has the address"),
    Provided(_NO_OBJECT, "There is no home server '{homeServerDN}'.", "there is no such object"),
    Provided(_INVALID, "'{homeServerDN}' is no pool service, so that it cannot be a home server.", "it is another object"),
    Provided(_NO_OBJECT, "There is no {kind} policy '{policy}'.", "no policy of that kind has the name"),
    Provided(_RULE, "{count} {kind} policies are called '{policy}'.", "the name is not the only one of its kind"),
)
_NOT_LISTED = Provided(_NO_OBJECT, "The SIP domain '{domain}' is not in the list.", "the domain is not in the list")
_LISTED = Provided(_EXISTS, "The SIP domain '{domain}' is in the list already.", "the domain is in the list")

#: What each procedure of a provider raises.
PROVIDED: Mapping[Name, tuple[Provided, ...]] = {
    **_each(
        AD,
        (
            "Delete Object", "Get Properties", "Set Properties", "Search", "Group Remove", "Group Members", "Group IsMember",
            "User Groups", "User Set Password", "User Change Password", "Get DACL", "Get SACL", "Update ACL",
            "Get Other Well Known Object", "Set Other Well Known Object",
        ),
        _UNOPENED,
    ),
    **_each(AD, ("Create Object", "Move Object", "Rename Object"), _UNOPENED, _TAKEN),
    (AD, "Group Add"): (_UNOPENED, Provided(_EXISTS, "", "it is a member already")),
    (AD, "Find Ancestor"): (
        _UNOPENED,
        Provided(_NO_OBJECT, "'{path}' is no {kind}, and lies in none.", "nothing around the object is of that class"),
    ),
    (AD, "Make Path Domain Controller Specific"): (
        Provided("0x80070005", "", "the domain controller is not configured"),
        Provided("0x8007203a", "", "the domain controller does not answer"),
    ),
    (AD, "Lookup Account From SID"): (Provided("0x80070534", "", "no account has the SID"),),
    ("Caller Provider", "Groups Of Caller"): (Provided(_NO_OBJECT, "", "there is no such container"),),
    **_each(LOCKS, ("Lock", "Share"), _LOCKED),
    (NAMES, "Check Properties"): (_PROPERTY,),
    **_each(NAMES, ("Choose Account Name", "Hold Account Names"), _PROPERTY, _NAME_TAKEN, _PRINCIPAL_TAKEN),
    (OCS, "SplitSipUri"): (_NO_ADDRESS,),
    (OCS, "CreateSipUser"): (
        _NO_USER, _OTHER_CLASS,
        Provided(_EXISTS, "'{userDN}' is a user of Office Communications Server already.", "the user is enabled already"),
        *_SETTINGS,
    ),
    (OCS, "SetSipUserProperties"): (_NO_USER, _OTHER_CLASS, _NO_SIP_USER, *_SETTINGS),
    **_each(OCS, ("DeleteSipUser", "GetSipUserProperties"), _NO_USER, _OTHER_CLASS, _NO_SIP_USER),
    (OCS, "GetPoolProperties"): (
        Provided(_NO_OBJECT, "There is no pool '{poolFQDN}'.", "there is no such pool"),
        Provided(_NO_OBJECT, "The pool '{pool}' has no pool service that could be a home server.", "it is half set up"),
    ),
    (OCS, "CreateGlobalSipDomain"): (
        _LISTED,
        Provided(_RULE, "The default SIP domain is '{domain}'; there can be no second one.", "there is a default domain"),
        Provided(_INVALID, "'{address}' is no fully qualified domain name.", "it breaks a rule"),
    ),
    (OCS, "CreateFederationDomain"): (
        _LISTED,
        Provided(_INVALID, "'{domain}' is no fully qualified domain name of 64 characters at most.", "it breaks a rule"),
    ),
    **_each(OCS, ("DeleteGlobalSipDomain", "DeleteFederationDomain"), _NOT_LISTED),
}  # fmt: skip
