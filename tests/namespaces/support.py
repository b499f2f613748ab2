"""A site to provision: an engine with every plugin of ours over an embedded directory with the small hosting tree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from lxml import etree

from mpf_core import Caller, Config, Engine, MpfError, Result
from mpf_directory import DirectoryPlugin
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.filters import Filter
from mpf_directory.layout import SERVER
from mpf_directory.port import Entry, Modification, ModifyOp, Scope
from mpf_directory.seed import seed_hosting_tree
from mpf_error import ErrorPlugin
from mpf_managed import ManagedPlugin, elevations
from mpf_ocs import OcsPlugin
from mpf_policy import PolicyPlugin

BASE = "DC=Fabrikam,DC=Com"
HOSTING = f"OU=Hosting,{BASE}"
MESSENGER = f"OU=ConsolidatedMessenger,{HOSTING}"
ALPINE = f"OU=AlpineSkiHouse,{MESSENGER}"
OTHER_CUSTOMER = f"OU=FourthCoffee,OU=Litware,{HOSTING}"
JOHN = f"CN=Johnc@AlpineSkiHouse.com,{ALPINE}"
POOLS = f"CN=Pools,CN=RTC Service,CN=Microsoft,CN=System,{BASE}"
POOL1 = f"CN=LC Services,CN=Microsoft,CN=pool01,{POOLS}"
POOL2 = f"CN=LC Services,CN=Microsoft,CN=pool02,{POOLS}"

DOMAIN_ADMIN = Caller("Administrator@fabrikam.com")
MESSENGER_ADMIN = Caller("admin@consolidatedmessenger.com")
ALPINE_ADMIN = Caller("admin@alpineskihouse.com")

OCS = "Managed Office Communications Server"
#: Kept by the directory for itself; an object that was put back has others.
VOLATILE = {"whenChanged", "uSNChanged"}
PARKING = f"OU=MPF-Parked,{BASE}"


def ldap(dn: str) -> str:
    """The LDAP path of an object."""
    return f"LDAP://{dn}"


def pointer(organization: str, list_: str, name: str) -> str:
    """The name of a service pointer."""
    return f"CN={name},CN={list_},CN=Services,CN=_Private,{organization}"


class Site:
    """An engine and its directory, and the ways to ask and look."""

    domain_admin = DOMAIN_ADMIN
    server = SERVER

    def __init__(self, engine: Engine, directory: EmbeddedDirectory) -> None:
        self.engine = engine
        self.directory = directory

    # Requests in the shape of the documented samples.

    def submit(self, procedure: str, caller: Caller, arguments: Mapping[str, str], namespace: str = OCS) -> Result:
        """Submit a documented-style request: one before for each argument, one after; the domain controller is added."""
        given = {"preferredDomainController": self.server, **arguments}
        return self._submit(caller, [(namespace, procedure, given)])

    def submit_exactly(self, procedure: str, arguments: Mapping[str, str]) -> Result:
        """The same, with these arguments and no other."""
        return self._submit(DOMAIN_ADMIN, [(OCS, procedure, arguments)])

    def submit_many(self, calls: Sequence[tuple[str, Mapping[str, str]]], *, fail: bool = False) -> Result:
        """Several procedures in one request; with ``fail`` a last step raises 0x80004005 "enough"."""
        given = [(OCS, name, {"preferredDomainController": self.server, **arguments}) for name, arguments in calls]
        return self._submit(DOMAIN_ADMIN, given, fail=fail)

    def submit_then_fail(self, procedure: str, arguments: Mapping[str, str]) -> Result:
        """One procedure, and a step behind it that fails."""
        return self.submit_many([(procedure, arguments)], fail=True)

    def _submit(self, caller: Caller, calls: Sequence[tuple[str, str, Mapping[str, str]]], *, fail: bool = False) -> Result:
        request = etree.Element("request")
        data = etree.SubElement(request, "data")
        body = etree.SubElement(request, "procedure")
        for number, (namespace, procedure, arguments) in enumerate(calls):
            parent = data if len(calls) == 1 else etree.SubElement(data, f"call{number}")
            prefix = "" if len(calls) == 1 else f"call{number}/"
            step = etree.SubElement(body, "execute", namespace=namespace, procedure=procedure, impersonate="1")
            for name, value in arguments.items():
                etree.SubElement(parent, name).text = value
                etree.SubElement(
                    step, "before", source="data", sourcePath=prefix + name, destination="executeData", mode="move"
                )
            etree.SubElement(step, "after", source="executeData", destination="data", mode="merge")
        if fail:
            step = etree.SubElement(body, "execute", namespace="Error Provider", procedure="SetError", impersonate="1")
            literal = etree.SubElement(step, "executeData")
            etree.SubElement(literal, "hr").text = "0x80004005"
            etree.SubElement(literal, "desc").text = "enough"
        return self.engine.execute(etree.tostring(request), caller)

    def submit_raw(self, namespace: str, procedure: str, content: str, *, trusted: bool = True) -> Result:
        """A simple request with this content of data. Untrusted senders may not call private procedures."""
        caller = DOMAIN_ADMIN if trusted else ALPINE_ADMIN
        return self.engine.execute(
            f"<request><data>{content}</data></request>", caller, namespace=namespace, procedure=procedure
        )

    def submit_steps(self, steps: str) -> Result:
        """A trusted request with these steps."""
        return self.engine.execute(f"<request><procedure>{steps}</procedure></request>", DOMAIN_ADMIN)

    def succeed(self, procedure: str, caller: Caller = ALPINE_ADMIN, /, **arguments: str) -> etree._Element:
        """Submit what must succeed; returns the response's data."""
        result = self.submit(procedure, caller, arguments)
        assert result.error is None, result.document.decode()
        data = etree.fromstring(result.document).find("data")
        assert data is not None
        return data

    def fail(self, procedure: str, caller: Caller = ALPINE_ADMIN, /, **arguments: str) -> MpfError:
        """Submit what must fail; returns the error, which the response carries."""
        return self._failed(self.submit(procedure, caller, arguments))

    def fail_exactly(self, procedure: str, arguments: Mapping[str, str]) -> MpfError:
        """Submit these arguments and no other, which must fail."""
        return self._failed(self.submit_exactly(procedure, arguments))

    @staticmethod
    def _failed(result: Result) -> MpfError:
        assert result.error is not None, result.document.decode()
        context = etree.fromstring(result.document).find("errorContext")
        assert context is not None
        assert context.get("code") == f"0x{result.error.code:08x}"
        return result.error

    # A look at the directory.

    def find(self, dn: str) -> Entry | None:
        """The object with that name, or ``None``."""
        return self.directory.read(Dn.parse(dn))

    def read(self, dn: str) -> Entry:
        """The object with that name, which must exist; with its distinguishedName."""
        entry = self.find(dn)
        assert entry is not None, dn
        return entry

    def path(self, dn: str) -> str:
        """The object's LDAP path as procedures with a preferred domain controller return it."""
        return f"LDAP://{self.server}/{self.read(dn).dn}"

    def snapshot(self) -> dict[str, dict[str, frozenset[object]]]:
        """Everything in the directory, but for what the directory keeps for itself and the place for parked objects.

        That place is shared by all transactions, so it may stay; an object in it would show up here.
        """
        everything = self.directory.search(Dn.parse(BASE), Scope.SUBTREE, Filter.present("objectClass"))
        return {
            str(entry.dn): {name: frozenset(values) for name, values in entry.attributes.items() if name not in VOLATILE}
            for entry in everything
            if str(entry.dn) != PARKING
        }

    def domains(self, organization: str, caller: Caller = ALPINE_ADMIN) -> list[tuple[str, str]]:
        """What GetSipDomainsByOrganization returns."""
        data = self.succeed("GetSipDomainsByOrganization", caller, organization=ldap(organization))
        found = data.iterfind("sipDomains/sipDomain")
        return [(domain.findtext("address") or "", domain.findtext("owner") or "") for domain in found]

    # Changes behind the procedures' backs.

    def rename(self, dn: str, new_dn: str) -> None:
        """Rename an object."""
        self.directory.rename(Dn.parse(dn), Dn.parse(new_dn))

    def add_unit(self, parent: str, name: str) -> str:
        """A new organizational unit; returns its name."""
        dn = Dn.parse(parent).child("OU", name)
        self.directory.add(dn, {"objectClass": ["organizationalUnit"]})
        return str(dn)

    def add_user(self, parent: str, upn: str) -> str:
        """A new user; returns its name."""
        dn = Dn.parse(parent).child("CN", upn)
        self.directory.add(dn, {"objectClass": ["user"], "userPrincipalName": [upn]})
        return str(dn)

    def add_pointer(self, organization: str, list_: str, name: str) -> None:
        """A service pointer that no procedure has made."""
        services = Dn.parse(organization).child("CN", "_Private").child("CN", "Services")
        place = services.child("CN", list_)
        if self.directory.read(place) is None:
            self.directory.add(place, {"objectClass": ["container"]})
        self.directory.add(place.child("CN", name), {"objectClass": ["serviceConnectionPoint"]})

    def set_parent(self, organization: str, parent: str) -> None:
        """Point an organization's entry for its parent somewhere."""
        guid = "58888CFC8F7F430C8183102CD5758D81"
        values = self.read(organization).values("otherWellKnownObjects")
        kept = [value for value in values if isinstance(value, str) and guid not in value]
        self.directory.modify(
            Dn.parse(organization),
            [Modification("otherWellKnownObjects", ModifyOp.REPLACE, (*kept, f"B:32:{guid}:{parent}"))],
        )


@lru_cache(maxsize=1)
def seeded() -> bytes:
    """The file of an embedded directory with the hosting tree."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "directory.db"
        with EmbeddedDirectory.create(file, server=SERVER, base=Dn.parse(BASE)) as directory:
            seed_hosting_tree(directory)
        return file.read_bytes()


@contextmanager
def make_site(
    *plugins: object,
    rules: Sequence[Mapping[str, str]] = elevations(),
    wrap: Callable[[object], object] = lambda plugin: plugin,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    claims: Mapping[str, object] = MappingProxyType({"evidence": "none"}),
) -> Iterator[Site]:
    """A fresh site. ``plugins`` may refuse what the policy plugin allows; ``rules`` are its elevation rules.

    ``wrap`` may put something between the engine and the providers; ``settings`` are tables of other
    plugins, ``claims`` says who may claim SIP domains.
    """
    trusted = [DOMAIN_ADMIN.name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "directory.db"
        file.write_bytes(seeded())
        config = Config.model_validate(
            {
                "base_dir": folder,
                "directory": {"path": file.name},
                "security": {"permissions": {"trusted_requests": trusted, "private_procedures": trusted}},
                "plugins": {"mpf.policy": {"elevations": list(rules), "domain_claims": claims}, **(settings or {})},
            }
        )
        ours = [wrap(DirectoryPlugin()), ErrorPlugin(), wrap(OcsPlugin()), ManagedPlugin(), PolicyPlugin()]
        with (
            Engine(config, plugins=[*ours, *plugins]) as engine,
            EmbeddedDirectory(file, server=SERVER, base=Dn.parse(BASE)) as directory,
        ):
            broken = [info for info in engine.plugins if info.state == "broken"]
            assert not broken, broken
            yield Site(engine, directory)
