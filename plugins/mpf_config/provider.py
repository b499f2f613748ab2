"""The procedures of "MPF Config" (spec: helpers-and-ad-providers.md, 4.4; managed-ocs.md, MPF Config::SetExecuteAs)."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from mpf_core.administration import Administration, Assignment
from mpf_core.errors import Code, ConfigError, MpfError
from mpf_core.model import Namespace
from mpf_core.provider import (
    CallContext,
    Change,
    Element,
    Json,
    Provider,
    Undo,
    argument,
    optional_argument,
    output,
    read,
    write,
)
from mpf_core.security.principal import Credentials
from mpf_core.services import Services

_ADMINISTRATION = "administration"
_ASSIGNMENTS = "execute-as"


class ConfigProvider(Provider):
    """Lists what is loaded, and assigns stored credentials to procedures, for those with the permission to administer."""

    def __init__(self, services: Services | None = None) -> None:
        self._services = services

    @read("GetNamespaces")
    def get_namespaces(self, ctx: CallContext, data: Element) -> list[Element]:
        """OUT namespaces/namespace@name@description@providerSource."""
        found = output("namespaces")
        for namespace in self._administration.namespaces.values():
            attributes = {"name": namespace.name, "description": namespace.description}
            if namespace.provider_source:
                attributes["providerSource"] = namespace.provider_source
            found.append(output("namespace", **attributes))
        return [found]

    @read("GetProcedures")
    def get_procedures(self, ctx: CallContext, data: Element) -> list[Element]:
        """IN namespace. OUT procedures/procedure@name@access@type@runAsCredentialID."""
        namespace = self._namespace(data)
        return [self._procedures(namespace, namespace.procedures, self._administration.assignments())]

    @read("GetCredentials")
    def get_credentials(self, ctx: CallContext, data: Element) -> list[Element]:
        """OUT credentials/credential@id@username@domain@user, never a password. Raises E_ACCESSDENIED."""
        self._require(ctx)
        found = output("credentials")
        found.extend(_credential(name, self._credential(name)) for name in self._administration.credential_names())
        return [found]

    @write("SetExecuteAs")
    def set_execute_as(self, ctx: CallContext, data: Element) -> Change:
        """IN namespace, username? (of a stored credential; without: none any more), procedure* (none: all). OUT what is set.

        The original's could not be rolled back; this one can. Raises E_ACCESSDENIED without the permission,
        NO_SUCH_OBJECT for a credential that is not stored.
        """
        self._require(ctx)
        namespace = self._namespace(data)
        chosen = [element.text or "" for element in data.findall("procedure")] or list(namespace.procedures)
        names = [self._procedure(namespace, name.strip()) for name in dict.fromkeys(chosen)]
        ctx.lock(f"{_ASSIGNMENTS}:{namespace.name}")
        wanted = optional_argument(data, "username")
        stored = None if wanted is None else self._stored(wanted)
        before = self._administration.assignments()
        after = {name: assigned for name, assigned in before.items() if name not in names}
        if stored is not None:
            after |= dict.fromkeys(names, Assignment(stored[0]))
        made = [self._procedures(namespace, [name.partition("::")[2] for name in names], after)]
        made += [_credential(*stored)] if stored is not None else []
        changed: dict[str, Json] = {}
        for name in names:
            old, new = _id(before.get(name)), _id(after.get(name))
            if old != new:
                changed[name] = [old, new]
        return Change({"by": ctx.caller.name, "changed": changed} if changed else None, tuple(made))

    def apply(self, ctx: CallContext, change: Change) -> None:
        """Assign, procedure by procedure."""
        by, changed = _parts(change)
        for name, (_, new) in changed.items():
            self._administration.assign(name, new, by)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        """Assign what was assigned before. Raises INVALID_OPERATION where another one has assigned something since."""
        _, changed = _parts(change)
        now = self._administration.assignments()
        mine = {name: old for name, (old, new) in changed.items() if _id(now.get(name)) == new}
        strange = [name for name, (old, new) in changed.items() if _id(now.get(name)) not in {old, new}]
        for name, old in mine.items():
            self._administration.assign(name, old, f"rollback of {ctx.transaction_id}")
        if strange:
            raise MpfError(Code.INVALID_OPERATION, f"Assigned anew by another one since: {', '.join(strange)}.")
        return Undo.UNDONE if mine else Undo.NOTHING_TO_UNDO

    @property
    def _administration(self) -> Administration:
        if self._services is None:
            raise ConfigError("the plugin mpf.config was not configured")
        return self._services.get(Administration)

    def _require(self, ctx: CallContext) -> None:
        if not self._administration.permitted(ctx.caller, _ADMINISTRATION):
            raise MpfError(
                Code.E_ACCESSDENIED,
                f"Access denied: {ctx.caller.name} lacks the permission '{_ADMINISTRATION}' of [security.permissions].",
            )

    def _namespace(self, data: Element) -> Namespace:
        name = argument(data, "namespace")
        found = self._administration.namespaces.get(name)
        if found is None:
            raise MpfError(Code.UNKNOWN_NAMESPACE, f"There is no namespace '{name}'.")
        return found

    def _procedure(self, namespace: Namespace, name: str) -> str:
        if name not in namespace.procedures:
            raise MpfError(Code.PROC_NOT_FOUND, f"The namespace '{namespace.name}' has no procedure '{name}'.")
        return f"{namespace.name}::{name}"

    def _credential(self, name: str) -> Credentials:
        assert self._services is not None
        try:
            return self._services.credentials(name)
        except ConfigError as error:
            raise MpfError(Code.NO_SUCH_OBJECT, f"No credential '{name}' is stored.") from error

    def _stored(self, wanted: str) -> tuple[str, Credentials]:
        """A stored credential by its own name, or by the account's. Raises NO_SUCH_OBJECT."""
        for name in self._administration.credential_names():
            if wanted.casefold() in {name.casefold(), _account(self._credential(name)).casefold()}:
                return name, self._credential(name)
        return wanted, self._credential(wanted)  # one that cannot be listed

    def _procedures(self, namespace: Namespace, names: Iterable[str], assigned: dict[str, Assignment]) -> Element:
        found = etree.Element("procedures")
        for name in names:
            procedure = namespace.procedures[name]
            attributes = {"name": name, "access": procedure.access.value, "type": procedure.type.value}
            credential = _id(assigned.get(procedure.full_name))
            if credential is not None:
                attributes["runAsCredentialID"] = credential
            found.append(output("procedure", **attributes))
        return found


def _parts(change: Change) -> tuple[str, dict[str, tuple[str | None, str | None]]]:
    assert isinstance(change.data, dict)
    by, changed = change.data["by"], change.data["changed"]
    assert isinstance(by, str)
    assert isinstance(changed, dict)
    found: dict[str, tuple[str | None, str | None]] = {}
    for name, pair in changed.items():
        assert isinstance(pair, list)
        old, new = pair
        found[name] = (None if old is None else str(old), None if new is None else str(new))
    return by, found


def _id(assignment: Assignment | None) -> str | None:
    return None if assignment is None else assignment.credential


def _account(credentials: Credentials) -> str:
    return f"{credentials.domain}\\{credentials.username}" if credentials.domain else credentials.username


def _credential(name: str, credentials: Credentials) -> Element:
    return output(
        "credential", id=name, username=credentials.username, domain=credentials.domain, user=_account(credentials)
    )
