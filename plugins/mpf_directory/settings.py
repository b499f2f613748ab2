"""``[directory]``, which is short for ``[plugins."mpf.directory"]``: which directory, and as whom it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from mpf_core.errors import MpfError
from mpf_core.settings import Settings
from mpf_directory import layout
from mpf_directory.dn import Dn

#: Where servers listen, by the way that TLS begins (`DirectorySettings.tls`).
PORTS = {"ldaps": 636, "starttls": 389}
_NEEDED_FOR_LDAP = ("server", "base", "service_account")


class Address(NamedTuple):
    """Where a domain controller listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int = PORTS["ldaps"]) -> Address:
        """Read ``host``, ``host:port``, ``1.2.3.4:port`` or ``[::1]:port``. ValueError for anything else."""
        host, port = text.strip(), ""
        if host.startswith("["):
            host, bracket, rest = host[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise ValueError(f"'{text}' is no host:port")
            port = rest[1:]
        elif host.count(":") == 1:
            host, _, port = host.partition(":")
        if not host or "/" in host or any(char.isspace() for char in host) or (port and not port.isdecimal()):
            raise ValueError(f"'{text}' is no host:port (without a scheme: directory.tls says how TLS begins)")
        number = int(port) if port else default_port
        if not 0 < number < 65536:
            raise ValueError(f"'{text}': there is no port {number}")
        return cls(host, number)


class DirectorySettings(Settings):
    """Settings of the plugin ``mpf.directory``.

    ``backend`` is ``embedded`` (the file ``path``) or ``ldap`` (servers); ``base`` is the DN of the domain. ``server`` is
    the domain controller that is used where a call names none. ``servers`` are all that a call may name as
    its preferredDomainController, with their addresses; a name that is not there is refused.
    """

    backend: Literal["embedded", "ldap"] = "embedded"
    #: The embedded directory's file.
    path: Path = Path("directory.db")
    server: str = layout.SERVER
    servers: dict[str, str] = Field(default_factory=dict)
    base: str = str(layout.BASE)
    #: How TLS begins: with the connection (port 636), or inside of a plain one (389). There is no way without it.
    tls: Literal["ldaps", "starttls"] = "ldaps"
    #: Certificates that the controllers' ones are checked against; the system's, if not given.
    ca_file: Path | None = None
    #: False accepts any certificate: for a laboratory only.
    verify: bool = True
    #: Seconds to wait for a connection or an answer; reads wait no longer than the request's own time either.
    timeout: int = Field(default=20, ge=1, le=3600)
    #: How often at most a bind or a read is tried, in all, when its connection ends or the server is busy; a change is tried
    #: again only when it certainly was not sent.
    attempts: int = Field(default=5, ge=1, le=20)
    #: So many connections to one domain controller are open at a time; who needs another one waits.
    connections: int = Field(default=64, ge=2, le=5000)
    #: Name of the stored credential of the account that the engine itself uses.
    service_account: str = ""
    #: A keytab of that account, which then needs no stored credential: it binds by Kerberos.
    keytab: Path | None = None
    #: Calls of accounts whose password nobody has: refused (``bind``), or done by the service account, in which case only
    #: the policies stand between a caller and the directory (``policy``).
    impersonation: Literal["bind", "policy"] = "bind"
    #: After so many wrong passwords of an account no further one is tried, so that nobody can lock accounts out through the
    #: engine; or fewer, where the domain's lock-out threshold is lower.
    bind_failures: int = Field(default=3, ge=1)
    #: They are forgotten so many seconds after the last one, or later where the domain remembers them for longer.
    bind_failures_window: int = Field(default=1800, ge=1)

    @field_validator("base")
    @classmethod
    def _is_name(cls, text: str) -> str:
        try:
            Dn.parse(text)
        except MpfError as error:
            raise ValueError(error.description) from None
        return text

    @field_validator("servers")
    @classmethod
    def _are_addresses(cls, servers: dict[str, str]) -> dict[str, str]:
        for address in servers.values():
            Address.parse(address)
        if len({server_key(name) for name in servers}) < len(servers):
            raise ValueError("two names differ in case only")
        return servers

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.servers and server_key(self.server) not in map(server_key, self.servers):
            raise ValueError(f"the default server '{self.server}' is missing in servers")
        if not self.servers:
            Address.parse(self.server)
        if self.backend == "ldap":
            missing = [key for key in _NEEDED_FOR_LDAP if key not in self.model_fields_set or not getattr(self, key)]
            if missing:
                raise ValueError(f"the backend 'ldap' needs {', '.join(missing)}")
        return self

    @property
    def controllers(self) -> dict[str, tuple[str, Address]]:
        """Every controller that may be used, by `server_key`: its name as configured, and its address."""
        named = self.servers or {self.server: self.server}
        port = PORTS[self.tls]
        return {server_key(name): (name, Address.parse(address, port)) for name, address in named.items()}


def server_key(name: str) -> str:
    """The form in which names of domain controllers are compared: without case and a final dot."""
    return name.strip().rstrip(".").casefold()
