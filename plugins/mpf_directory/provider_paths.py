"""LDAP paths: from and to names, and to one domain controller or a whole domain (spec: helpers, 3.7, 3.14, 3.15)."""

from __future__ import annotations

import ipaddress

from mpf_core.errors import Code, MpfError
from mpf_core.provider import CallContext, Element, Output, argument, optional_argument, output, read
from mpf_directory.dn import Dn, DnForm, Rdn, domain_of
from mpf_directory.paths import LdapPath
from mpf_directory.provider_common import PathCalls, path_output


class PathConversions(PathCalls):
    """Procedures that turn one path into another. Only the domain controller ones ask a directory."""

    @read("Path To DN")
    def path_to_dn(self, ctx: CallContext, data: Element) -> Output:
        """IN path. OUT distinguishedName."""
        return [output("distinguishedName", str(LdapPath.parse(argument(data, "path")).dn))]

    @read("Path From DN")
    def path_from_dn(self, ctx: CallContext, data: Element) -> Output:
        """IN referencePath, distinguishedName. OUT path, with the server of the reference."""
        reference = LdapPath.parse(argument(data, "referencePath"))
        return [path_output("path", reference.server, Dn.parse(argument(data, "distinguishedName")))]

    @read("Path From RN")
    def path_from_rn(self, ctx: CallContext, data: Element) -> Output:
        """IN referencePath, and relativeName or rdn elements. OUT path.

        Ours: ``<rdn type="CN">value</rdn>``, innermost first as in a name, takes any value and escapes it.
        """
        reference = LdapPath.parse(argument(data, "referencePath"))
        typed = [Rdn(element.get("type") or "CN", element.text or "") for element in data.findall("rdn")]
        if typed and data.find("relativeName") is not None:
            raise MpfError(Code.E_INVALIDARG, "Give either relativeName or rdn, not both.")
        parts = typed or list(Dn.parse(argument(data, "relativeName")).rdns)
        dn = reference.dn
        for part in reversed(parts):
            dn = dn.child(*part)
        return [path_output("path", reference.server, dn)]

    @read("Make Path Domain Controller Specific")
    def make_path_domain_controller_specific(self, ctx: CallContext, data: Element) -> Output:
        """IN path, preferredDomainController, domainController (which outranks it). OUT dcPath, domainController.

        A path with an IP address stays as it is, and so does one with a server where no domain controller is given.
        Without any, the path stays serverless, and domainController is the one that is in use. A domain controller that
        does not answer is an error: falling back to another one would read what is not replicated yet.
        """
        path = LdapPath.parse(argument(data, "path"))
        wanted = optional_argument(data, "domainController") or optional_argument(data, "preferredDomainController")
        if path.server is not None and (wanted is None or _is_address(path.server)):
            return [output("dcPath", str(path)), output("domainController", path.server)]
        directory = self.directory(ctx, wanted)
        if wanted is not None and not _in_domain(path.dn, directory.base):
            text = f"The domain controller '{wanted}' and the path '{path}' belong to different domains."
            raise MpfError(Code.DOMAIN_MISMATCH, text)
        server = directory.server if wanted else None
        return [path_output("dcPath", server, path.dn), output("domainController", directory.server)]

    @read("Make Path Domain Specific")
    def make_path_domain_specific(self, ctx: CallContext, data: Element) -> Output:
        """IN path. OUT domainPath: the same object at its domain, not at one server. For paths that are kept."""
        path = LdapPath.parse(argument(data, "path"))
        dn = path.dn
        if dn.form in {DnForm.GUID, DnForm.SID}:
            dn = self.require(self.directory_of(ctx, path), path, ["objectClass"]).dn
        return [path_output("domainPath", domain_of(dn) or None, path.dn)]


def _is_address(server: str) -> bool:
    try:
        ipaddress.ip_address(server.partition(":")[0])
    except ValueError:
        return False
    return True


def _in_domain(dn: Dn, base: Dn) -> bool:
    """Whether a name lies in the domain. One by GUID or SID does not say where it lies."""
    return dn.form in {DnForm.GUID, DnForm.SID} or dn.container.is_within(base)
