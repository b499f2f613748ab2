"""Global SIP domains: the list of domains that Office Communications Server serves.

Spec: ocs-provider-and-ad-schema.md, 2.2 (class), 3.5 and 3.6 (objects). An entry is an msRTCSIP-Domain below
CN=Global Settings, named by a GUID in braces. Here the GUID is made from the domain's name, so that the directory itself
refuses a second entry for it; entries that others have made, under other names, are found by their msRTCSIP-DomainName.
"""

from __future__ import annotations

import secrets
from uuid import NAMESPACE_DNS, uuid5

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element, output
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.operations import Wanted
from mpf_directory.port import Directory, Entry, Scope
from mpf_ocs import topology
from mpf_ocs.uri import is_fqdn

NAME, DEFAULT, DATA = "msRTCSIP-DomainName", "msRTCSIP-Default", "msRTCSIP-DomainData"
#: In msRTCSIP-DomainData, which holds ``name=value``: the class has no attribute for it.
_AUTHORITATIVE = "Authoritative=TRUE"
_ALL_BELOW = "*."
_READ = (NAME, DEFAULT, DATA, "objectGUID")


def parse(text: str) -> str:
    """A domain's name in lower case; ``*.`` before it stands for all domains below. Raises E_INVALIDARG for other texts."""
    name = text.lower()
    if not is_fqdn(name.removeprefix(_ALL_BELOW)):
        raise MpfError(Code.E_INVALIDARG, f"'{text}' is no fully qualified domain name.")
    return name


def entry_name(directory: Directory, domain: str) -> Dn:
    """What an entry for ``domain`` is called. Raises NO_SUCH_OBJECT where the forest has no global settings."""
    return _place(directory).child("CN", topology.braced(uuid5(NAMESPACE_DNS, domain)))


def attributes(domain: str, *, authoritative: bool, default: bool) -> Wanted:
    """What a new entry holds."""
    return {
        "objectClass": ["msRTCSIP-Domain"],
        NAME: [domain],
        DEFAULT: ["TRUE" if default else "FALSE"],
        DATA: [_AUTHORITATIVE] if authoritative else [],
    }


def find(directory: Directory, domain: str) -> Entry | None:
    """The entry for ``domain``, whatever it is called."""
    return _first(directory, Filter.eq(NAME, domain))


def find_default(directory: Directory) -> Entry | None:
    """The entry of the default domain."""
    return _first(directory, Filter.eq(DEFAULT, "TRUE"))


def parked_name(entry: Entry) -> Dn:
    """What an entry is called until its deletion is committed.

    It stays in its container: what lies below CN=System cannot be moved out of it.
    """
    return (entry.dn.parent or entry.dn).child("CN", secrets.token_hex(16))


def list_domains(directory: Directory) -> Element:
    """``<sipDomains>``, by name. Absent attributes read as false (spec: 3.1)."""
    entries = directory.search(_place(directory), Scope.ONE_LEVEL, _is_entry(), _READ)
    domains = output("sipDomains")
    for entry in sorted(entries, key=lambda entry: (entry.text(NAME) or "").lower()):
        data = {str(value).casefold() for value in entry.values(DATA)}
        domain = output("sipDomain")
        domain.append(output("address", entry.text(NAME)))
        domain.append(output("authoritative", "true" if _AUTHORITATIVE.casefold() in data else "false"))
        domain.append(output("defaultDomain", "true" if entry.text(DEFAULT) == "TRUE" else "false"))
        domain.append(output("instanceID", topology.instance_id(entry)))
        domains.append(domain)
    return domains


def _place(directory: Directory) -> Dn:
    return topology.global_settings(directory)


def _is_entry() -> Filter:
    """No other class has the attribute, and an entry that is parked has lost it."""
    return Filter.present(NAME)


def _first(directory: Directory, wanted: Filter) -> Entry | None:
    found = directory.search(_place(directory), Scope.ONE_LEVEL, Filter.and_(_is_entry(), wanted), _READ)
    return next(iter(found), None)
