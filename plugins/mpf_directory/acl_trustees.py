"""Whom an entry is about: a SID, an account's name or an LDAP path, as Update ACL takes them.

Spec: helpers-and-ad-providers.md, 3.8; the well-known SIDs are those of [MS-DTYP] 2.4.2.4.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpf_core.errors import Code, MpfError
from mpf_directory.account_names import NAMES_READ, NameFormat, find_named, none_mapped
from mpf_directory.acl_words import Form
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory
from mpf_directory.sids import sid_to_octets, sid_to_text

_SIDS = frozenset({Form.TRUSTEE_IS_SID, Form.TRUSTEE_IS_OBJECTS_AND_SID})

#: Names that no account of the directory has, in lower case; with or without the authority in front.
WELL_KNOWN: Mapping[str, str] = {
    "everyone": "S-1-1-0",
    "creator owner": "S-1-3-0",
    "creator group": "S-1-3-1",
    "network": "S-1-5-2",
    "batch": "S-1-5-3",
    "interactive": "S-1-5-4",
    "service": "S-1-5-6",
    "anonymous logon": "S-1-5-7",
    "enterprise domain controllers": "S-1-5-9",
    "self": "S-1-5-10",
    "principal self": "S-1-5-10",
    "authenticated users": "S-1-5-11",
    "system": "S-1-5-18",
    "local system": "S-1-5-18",
    "local service": "S-1-5-19",
    "network service": "S-1-5-20",
}
_AUTHORITY = "nt authority\\"


def sid_of(directory: Directory, text: str, form: Form | None) -> str:
    """The SID of a trustee; without ``form`` it is told by looking at the text.

    Raises E_INVALIDARG for a SID that is none, and ERROR_NONE_MAPPED (0x80070534) for a name of nobody.
    """
    if form in _SIDS or (form is None and text.upper().startswith("S-1-")):
        try:
            return sid_to_text(sid_to_octets(text))
        except ValueError:
            raise MpfError(Code.E_INVALIDARG, f"The trustee '{text}' is no SID.") from None
    if text[:7].upper() == "LDAP://":
        entry = directory.read(LdapPath.parse(text).dn, NAMES_READ)
    else:
        known = WELL_KNOWN.get(text.lower().removeprefix(_AUTHORITY))
        if known is not None:
            return known
        entry = find_named(directory, text, _form_of_name(text))
    octets = entry.octets("objectSid") if entry is not None else None
    if octets is None:
        raise none_mapped(text)
    return sid_to_text(octets)


def _form_of_name(text: str) -> NameFormat:
    """A name without anything that tells its form is an account's name, as Windows takes it."""
    return NameFormat.UNKNOWN if set("\\@=/{\n").intersection(text) else NameFormat.SAM_COMPATIBLE
