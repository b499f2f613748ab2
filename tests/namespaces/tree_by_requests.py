"""The hosting tree of the seed, built by requests alone: the same for the embedded directory and for a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from mpf_core import Caller, Config, Engine
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.layout import ORGANIZATIONS, SERVER, Kind, Organization, unit
from mpf_directory.paths import LdapPath
from mpf_directory.port import Directory, Scope
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin
from tests.namespaces.support import BASE, DOMAIN_ADMIN

AD = "Managed Active Directory"
HOSTING = "Managed Hosting"
#: What the directory makes itself, and what depends on when and by whom it was made.
GENERATED = frozenset(
    {
        "objectguid",
        "objectsid",
        "usncreated",
        "usnchanged",
        "whencreated",
        "whenchanged",
        "pwdlastset",
        "dscorepropagationdata",
        "accountexpires",
        "msds-supportedencryptiontypes",
    }
)


class Requests:
    """Sends requests to an engine; what must succeed does."""

    def __init__(self, engine: Engine, server: str) -> None:
        self.engine = engine
        self.server = server

    def send(
        self,
        caller: Caller,
        namespace: str,
        procedure: str,
        properties: Mapping[str, str] | None = None,
        /,
        **arguments: str,
    ) -> etree._Element:
        """One procedure with these arguments, at the preferred domain controller. Returns the response's data."""
        request = etree.Element("request")
        step = etree.SubElement(etree.SubElement(request, "procedure"), "execute", namespace=namespace)
        step.set("procedure", procedure)
        step.set("impersonate", "1")
        data = etree.SubElement(step, "executeData")
        for name, value in {"preferredDomainController": self.server, **arguments}.items():
            etree.SubElement(data, name).text = value
        if properties:
            element = etree.SubElement(data, "properties")
            for name, value in properties.items():
                etree.SubElement(element, "property", name=name).text = value
        etree.SubElement(step, "after", source="executeData", destination="data", mode="merge")
        result = self.engine.execute(etree.tostring(request), caller)
        assert result.error is None, result.document.decode()
        found = etree.fromstring(result.document).find("data")
        assert found is not None
        return found


def administrator(organization: Organization) -> str:
    """The user principal name of an organization's administrator."""
    return f"admin@{organization.domain.lower()}"


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds the organizations of the layout: each by the administrators of the one above, the first by the domain's.

    ``passwords`` are given to the accounts, by user principal name; ``caller`` makes a caller of one.
    """

    requests: Requests
    base: Dn
    domain_admin: Caller = DOMAIN_ADMIN
    passwords: Mapping[str, str] | None = None
    caller: Callable[[str], Caller] = Caller

    def tree(self) -> None:
        """All of it."""
        for organization in ORGANIZATIONS:
            owner = next((each for each in ORGANIZATIONS if each.path == organization.owner), None)
            creator = self.caller(administrator(owner)) if owner else self.domain_admin
            self.organization(organization, creator)
            self.user(organization, "admin", creator)
            admins = organization.dn(self.base).child("CN", f"Admins@{organization.name}")
            member = organization.dn(self.base).child("CN", administrator(organization))
            self.requests.send(creator, AD, "GroupAdd", group=path(admins), newMember=path(member))
            for name in organization.users:
                self.user(organization, name, self.caller(administrator(organization)))

    def organization(self, organization: Organization, creator: Caller) -> etree._Element:
        """One organization; returns what the procedure does."""
        properties = {"uPNSuffixes": organization.domain.lower()}
        if organization.kind is Kind.HOSTING:
            return self.requests.send(creator, HOSTING, "InitializeADForHosting", properties, containerPath=path(self.base))
        return self.requests.send(
            creator,
            AD,
            "CreateOrganization",
            properties,
            name=organization.name,
            container=path(unit(self.base, organization.owner)),
            policyName=organization.kind.value,
        )

    def user(self, organization: Organization, name: str, creator: Caller) -> None:
        """One user, with a password if there are any, and enabled."""
        full_name = administrator(organization) if name == "admin" else f"{name}@{organization.domain}"
        own = organization.dn(self.base)
        user = path(own.child("CN", full_name))
        self.requests.send(
            creator,
            AD,
            "CreateUser",
            container=path(own),
            userPrincipalName=full_name,
            policyName=organization.kind.value,
            displayName=name,
            sAMAccountName=f"{name.lower()}_{full_name.partition('@')[2]}"[:20],
        )
        # The samples' objects are named in another case than their principal names are.
        self.requests.send(creator, AD, "ModifyUser", user=user, userPrincipalName=full_name.lower())
        if self.passwords is not None:
            password = self.passwords[full_name.lower()]
            self.requests.send(creator, AD, "SetUserPassword", user=user, newPassword=password)
        self.requests.send(creator, AD, "EnableUser", user=user)


def path(dn: Dn) -> str:
    """The LDAP path of an object."""
    return str(LdapPath(None, dn))


def tree(directory: Directory) -> dict[str, dict[str, frozenset[object]]]:
    """Everything in the Hosting unit but for what the directory generates: names in lower case, with their values."""
    hosting = ORGANIZATIONS[0].dn(directory.base)
    return {
        entry.dn.normalised: {
            name.lower(): frozenset(values) for name, values in entry.attributes.items() if name.lower() not in GENERATED
        }
        for entry in directory.search(hosting, Scope.SUBTREE, Filter.present("objectClass"))
    }


@contextmanager
def empty_site(folder: Path) -> Iterator[tuple[Requests, EmbeddedDirectory]]:
    """An engine on an embedded directory with nothing in it but the domain."""
    file = folder / "directory.db"
    EmbeddedDirectory.create(file, server=SERVER, base=Dn.parse(BASE)).close()
    config = Config.model_validate(
        {
            "base_dir": str(folder),
            "directory": {"path": file.name},
            "security": {"permissions": {"trusted_requests": [DOMAIN_ADMIN.name]}},
            "plugins": {"mpf.policy": {"elevations": list(elevations())}},
        }
    )
    plugins = [DirectoryPlugin(), ErrorPlugin(), OcsPlugin(), ManagedPlugin(), PolicyPlugin()]
    with (
        Engine(config, plugins=plugins) as engine,
        EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory,
    ):
        yield Requests(engine, SERVER), directory
