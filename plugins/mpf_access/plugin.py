"""The plugin: a policy that decides by an access list, the counterpart of the original's access control lists.

It knows procedures and callers, not objects: a site that uses it beside the delegation model has both, because one refusal
outweighs any permission (spec: engine-and-runtime.md, 13).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from mpf_access.rules import AccessList, Rule, read_list
from mpf_core.errors import ConfigError, MpfError
from mpf_core.hookspecs import hookimpl
from mpf_core.security.calls import Call, Decision
from mpf_core.services import Services
from mpf_core.settings import Settings, parse_settings
from mpf_directory.dn import Dn
from mpf_directory.logon_names import find_account
from mpf_directory.port import Directories
from mpf_directory.sids import sid_to_text


class AccessSettings(Settings):
    """``[plugins."mpf.access"]``: ``file`` is the access list, in TOML."""

    file: Path = Path("access.toml")


class AccessPlugin:
    """Allows what the first fitting rule of a file allows, and refuses everything else."""

    name = "mpf.access"
    settings_model = AccessSettings

    def __init__(self) -> None:
        self._list = AccessList()
        self._services: Services | None = None

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Read the file. Raises ConfigError for wrong settings and wrong rules."""
        found = parse_settings(AccessSettings, settings, f'plugins."{self.name}"')
        self._services = services
        self._list = read_list(services.base_dir / found.file.expanduser())

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        """Always an answer. A private procedure that another one calls is a part of that one, which was allowed.

        Raises the MpfError of a directory that does not answer, where a rule does not name its trustees by SID.
        """
        if call.is_part:
            return Decision(True, f"a part of {call.edge[0]}")
        name = call.procedure.full_name
        for number, rule in enumerate(self._list.rules, 1):
            sid_of: Callable[[str], str | None] = partial(self._sid, rule=rule)
            if rule.names(name) and rule.is_about(call.caller, sid_of):
                if rule.allow:
                    return Decision(True, f"rule {number} of the access list")
                return Decision(False, f"Access denied: the access list denies {call.caller.name} '{name}' (rule {number}).")
        return Decision(False, f"Access denied: no rule of the access list allows {call.caller.name} '{name}'.")

    def _sid(self, trustee: str, rule: Rule) -> str | None:
        """The SID of the trustee with that distinguished name, or of the account with that other name.

        One that is not there gets nothing. Where it should be denied something, nobody can tell whom: an error.
        """
        if self._services is None:
            raise ConfigError("the access list plugin was not configured")
        directories = self._services.get(Directories)  # type: ignore[type-abstract] # serves as the key only
        directory = directories.service()
        by_dn = "=" in trustee.partition("@")[0]
        entry = directory.read(Dn.parse(trustee), ["objectSid"]) if by_dn else find_account(directory, trustee)
        sid = entry.octets("objectSid") if entry is not None else None
        if sid is None and rule.deny:
            raise MpfError(0x80070005, f"Access denied: the access list denies something to '{trustee}', whom nobody knows.")
        return sid_to_text(sid) if sid else None
