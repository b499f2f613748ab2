"""The panel's engine: configured in code, with a policy and an observer of the panel's own."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from mpf_core import AsyncEngine, Call, Caller, Config, Decision, Engine, Event, MpfError, Result, hookimpl
from mpf_core.provider import ProcedureType
from mpf_directory.dn import Dn
from mpf_directory.paths import LdapPath
from mpf_managed import elevations

CONTROLLER = "AD01.Fabrikam.com"
OCS = "Managed Office Communications Server"
PLUGINS = ("mpf.directory", "mpf.error", "mpf.ocs", "mpf.managed", "mpf.policy")


@dataclass(frozen=True)
class Tenant:
    """An organization that the panel serves: where it is in the directory, its domain, and who administers it."""

    name: str
    unit: Dn
    domain: str
    administrator: str


@dataclass(frozen=True)
class SipUser:
    """A row of the first page."""

    name: str
    address: str


class Maintenance:
    """The panel's own policy: while the panel is in maintenance, nothing is changed through it.

    It only ever refuses. Who may do what is for the policy "mpf.policy" to say: one refusal outweighs its permission.
    """

    name = "acme.maintenance"

    def __init__(self) -> None:
        self.is_on = False

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision | None:
        if self.is_on and call.procedure.type is not ProcedureType.READ:
            return Decision(False, "The panel is in maintenance; please come back later.")
        return None


class LatelyDone:
    """The panel's own observer: what the first page says to an administrator about the own last requests."""

    name = "acme.lately"

    def __init__(self) -> None:
        self._callers: dict[str, str] = {}
        self._lines: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=10))

    def of(self, administrator: str) -> list[str]:
        """The latest first; of nobody else."""
        return list(self._lines[administrator])

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        # Requests run in threads of their own; what is done here to a dict or a deque is done in one go.
        if event.name == "transaction.begin":
            self._callers[event.transaction_id] = str(event.fields["caller"])
        elif event.name == "transaction.end":
            caller = self._callers.pop(event.transaction_id, "")
            self._lines[caller].appendleft(f"{event.fields['state']} {event.transaction_id}")


class Provisioning:
    """What the pages ask for. The engine's requests run in threads, so that the event loop goes on."""

    def __init__(self, folder: Path, workers: int = 4) -> None:
        self.maintenance = Maintenance()
        self.lately = LatelyDone()
        namespaces = [Path(__file__).with_name("panel.xml")]
        engine = Engine(configuration(folder), plugins=[self.maintenance, self.lately], namespaces=namespaces)
        broken = [f"{info.name}: {info.reason}" for info in engine.plugins if info.state == "broken"]
        if broken:
            raise RuntimeError("; ".join(broken))
        self.engine = AsyncEngine(engine, workers)

    async def sip_users(self, tenant: Tenant) -> list[SipUser]:
        """The organization's SIP users. Raises MpfError when its administrator may not see them."""
        result = await self._run(tenant, "Acme Panel", "ListSipUsers", organization=ldap_path(tenant.unit))
        if result.error is not None:
            raise result.error
        return sorted(_users(result), key=lambda user: user.name)

    async def enable(self, tenant: Tenant, user: str) -> Result:
        """Make ``user@domain`` a SIP user; the result says whether that was done."""
        # Whatever was typed is escaped here, and nowhere else: a name is made of parts, never of text.
        path = ldap_path(tenant.unit.child("CN", f"{user}@{tenant.domain}"))
        arguments = {"user": path, "enabled": "true", "primaryURI": f"sip:{user}@{tenant.domain}"}
        return await self._run(tenant, OCS, "CreateSipUser", preferredDomainController=CONTROLLER, **arguments)

    async def _run(self, tenant: Tenant, namespace: str, procedure: str, **arguments: str) -> Result:
        # The panel has made sure who it is; the engine's policies decide what he may do.
        caller = Caller(tenant.administrator)
        return await self.engine.execute(request(**arguments), caller, namespace=namespace, procedure=procedure)


def configuration(folder: Path) -> Config:
    """The engine's configuration, with its store and the directory in ``folder``."""
    return Config.model_validate(
        {
            "base_dir": folder,
            "engine": {"timeout": 60.0},
            "store": {"url": f"sqlite:///{folder / 'mpf.db'}"},
            "directory": {"path": "directory.db"},
            "plugins": {"enabled": PLUGINS, "mpf.policy": {"elevations": elevations()}},
        }
    )


def ldap_path(dn: Dn) -> str:
    """The object's LDAP path, as procedures take it."""
    return str(LdapPath(None, dn))


def request(**arguments: str) -> bytes:
    """A simple request with these arguments."""
    document = etree.Element("request")
    data = etree.SubElement(document, "data")
    for name, value in arguments.items():
        try:
            etree.SubElement(data, name).text = value
        except ValueError as error:  # control characters, which no XML document can hold
            raise MpfError(0x80070057, f"'{name}' holds a character that it may not.") from error
    return etree.tostring(document)


def _users(result: Result) -> Iterator[SipUser]:
    for found in etree.fromstring(result.document).iterfind("data/objects/object"):
        values = {one.get("name", "").lower(): one.findtext("value") or "" for one in found.iterfind("property")}
        name = values.get("displayname") or values.get("userprincipalname", "")
        yield SipUser(name, values.get("msrtcsip-primaryuseraddress", ""))
