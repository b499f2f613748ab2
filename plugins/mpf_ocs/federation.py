"""Federation domains: the list of SIP domains to which the edge server routes messages.

The original kept it on the edge server itself (spec: ocs-provider-and-ad-schema.md, 1.3 and 2.4), which is no part of the
domain. Here it is in the directory, as a list of service pointers of the Hosting unit, where locks, undo and parking work as
everywhere; whoever configures the edge reads it with GetFederationDomains.
"""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Element, output
from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.filters import Filter
from mpf_directory.operations import Wanted
from mpf_directory.port import Directory, Scope
from mpf_ocs.uri import LONGEST_OWNED, is_fqdn

#: The list's name: a member of `layout.HOSTING_POINTER_CONTAINERS`.
LIST = "FederationDomains"


def parse(text: str) -> str:
    """A domain's name in lower case. Raises E_INVALIDARG for any other text, and for one that no object can be called by."""
    if not is_fqdn(text) or len(text) > LONGEST_OWNED:
        raise MpfError(
            Code.E_INVALIDARG, f"'{text}' is no fully qualified domain name of {LONGEST_OWNED} characters at most."
        )
    return text.lower()


def place(directory: Directory) -> Dn:
    """The container of the list, which need not be there."""
    return layout.pointers_of(layout.ORGANIZATIONS[0].dn(directory.base), LIST)


def entry_name(directory: Directory, domain: str) -> Dn:
    """What the entry for ``domain`` is called."""
    return place(directory).child("CN", domain)


def attributes() -> Wanted:
    """What a new entry holds: it is a service pointer of its list."""
    return {"objectClass": ["serviceConnectionPoint"], "keywords": [LIST]}


def list_domains(directory: Directory) -> Element:
    """``<federationDomains>``, by name; empty where there is no list yet."""
    domains = output("federationDomains")
    container = place(directory)
    if directory.read(container, ["objectClass"]) is not None:
        is_entry = Filter.eq("objectClass", "serviceConnectionPoint")
        names = [entry.dn.rdn.value for entry in directory.search(container, Scope.ONE_LEVEL, is_entry, ["cn"])]
        domains.extend(output("supportedInternalDomain", name) for name in sorted(names))
    return domains
