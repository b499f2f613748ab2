"""The procedures on the domains of the whole deployment: those that are served, and those that the edge routes to.

Both kinds of list are changed one entry at a time. Who creates or deletes an entry holds the name that an entry for the
domain has, so that two requests for one domain exclude each other whatever the entry is called.
"""

from __future__ import annotations

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Change, Element, argument, optional_argument, read, two_phase, write
from mpf_directory.changes import DirectoryProvider
from mpf_directory.locking import hold_existing, hold_object
from mpf_directory.operations import Delete, Rename, add, guid_of, plan_modify
from mpf_directory.parking import hold_delete
from mpf_directory.port import Directory
from mpf_directory.results import no_such_object
from mpf_ocs import domains, federation

#: Held by whoever makes a domain the default one: there is one at most (spec: ocs-provider-and-ad-schema.md, 2.2).
_DEFAULT_DOMAIN = "sip-domain-default"


class DomainCalls(DirectoryProvider):
    """Global SIP domains and federation domains."""

    @read("GetGlobalSipDomains")
    def get_global_sip_domains(self, ctx: CallContext, data: Element) -> list[Element]:
        """The domains that are served, with their properties."""
        return [domains.list_domains(self.open_for(ctx, data))]

    @write("CreateGlobalSipDomain")
    def create_global_sip_domain(self, ctx: CallContext, data: Element) -> Change:
        """Add a domain that is served. Raises INVALID_OPERATION for a second default domain."""
        domain = domains.parse(argument(data, "address"))
        authoritative, default = _flag(data, "authoritative"), _flag(data, "defaultDomain")
        directory = self.open_for(ctx, data)
        name = domains.entry_name(directory, domain)
        hold_object(ctx, name.parent or name, shared=True)
        hold_object(ctx, name)
        if domains.find(directory, domain) is not None:
            raise _exists(domain)
        if default:
            ctx.lock(_DEFAULT_DOMAIN)
            if (other := domains.find_default(directory)) is not None:
                text = f"The default SIP domain is '{other.text(domains.NAME)}'; there can be no second one."
                raise MpfError(Code.INVALID_OPERATION, text)
        return self.add_change(directory, name, domains.attributes(domain, authoritative=authoritative, default=default))

    @two_phase("DeleteGlobalSipDomain")
    def delete_global_sip_domain(self, ctx: CallContext, data: Element) -> Change:
        """Remove a domain that is served. Its entry is parked, nameless, where it is, until the transaction commits."""
        domain = domains.parse(argument(data, "address"))
        directory = self.open_for(ctx, data)
        hold_object(ctx, domains.entry_name(directory, domain))
        found = domains.find(directory, domain)
        if found is None:
            raise _missing(domain)
        hold_object(ctx, found.dn)
        entry = domains.find(directory, domain)
        guid = guid_of(entry) if entry else None
        if entry is None or guid is None or entry.dn != found.dn:
            raise _missing(domain)
        if entry.text(domains.DEFAULT) == "TRUE":
            ctx.lock(_DEFAULT_DOMAIN)  # an undo makes it the default one again
        parked = domains.parked_name(entry)
        hold_object(ctx, parked)
        freed = plan_modify(entry, {domains.NAME: (), domains.DEFAULT: ()})
        rename = Rename(entry.dn, parked, guid)
        return self.change(directory, freed, rename, commit=[Delete(parked, guid, frozenset())])

    @read("GetFederationDomains")
    def get_federation_domains(self, ctx: CallContext, data: Element) -> list[Element]:
        """The domains that the edge routes to."""
        return [federation.list_domains(self.open_for(ctx, data))]

    @write("CreateFederationDomain")
    def create_federation_domain(self, ctx: CallContext, data: Element) -> Change:
        """Add a domain that the edge routes to, and the list if it is missing."""
        domain = federation.parse(argument(data, "supportedInternalDomain"))
        directory = self.open_for(ctx, data)
        name = federation.entry_name(directory, domain)
        place = federation.place(directory)
        services = place.parent
        if services is None or directory.read(services, ["objectClass"]) is None:
            raise no_such_object(services or place)
        there = hold_existing(ctx, directory, place)
        hold_object(ctx, name)
        if directory.read(name, ["objectClass"]) is not None:
            raise _exists(domain)
        container = None if there else add(place, {"objectClass": ["container"]}, shared=True)
        return self.change(directory, container, add(name, federation.attributes()))

    @two_phase("DeleteFederationDomain")
    def delete_federation_domain(self, ctx: CallContext, data: Element) -> Change:
        """Remove a domain that the edge routes to. Its entry is parked until the transaction commits."""
        domain = federation.parse(argument(data, "supportedInternalDomain"))
        directory = self.open_for(ctx, data)
        name = federation.entry_name(directory, domain)
        hold_object(ctx, name)
        if directory.read(name, ["objectClass"]) is None:
            raise _missing(domain)
        return self.delete_change(directory, name, parked=hold_delete(ctx, directory, name))

    def open_for(self, ctx: CallContext, data: Element) -> Directory:
        """The directory at the domain controller that the call prefers."""
        return self.directory(ctx, optional_argument(data, "preferredDomainController"))


def _flag(data: Element, name: str) -> bool:
    """A boolean argument, which the input schema has checked; false where it is not given."""
    return optional_argument(data, name) in {"true", "1"}


def _exists(domain: str) -> MpfError:
    return MpfError(Code.OBJECT_ALREADY_EXISTS, f"The SIP domain '{domain}' is in the list already.")


def _missing(domain: str) -> MpfError:
    return MpfError(Code.NO_SUCH_OBJECT, f"The SIP domain '{domain}' is not in the list.")
