"""Guards around calls that run with more rights than their caller's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mpf_config import ConfigPlugin
from mpf_config.provider import ConfigProvider
from mpf_core import (
    Change,
    Config,
    Credentials,
    Engine,
    MpfError,
)
from mpf_core.authority import Authority
from mpf_core.cli import callers, cli
from mpf_core.security.calls import Call, Grant
from mpf_core.security.capability import Capability, Permit
from mpf_core.security.identity import IdentityKind, SecurityState
from mpf_core.store.port import AuditEntry, StoreUnavailable
from mpf_core.testing import AllowAll
from mpf_directory import changes
from mpf_directory.dn import Dn
from mpf_directory.guarded import GuardedDirectory
from mpf_directory.operations import Modify, ValueChange, guid_of
from mpf_directory.port import Modification, ModifyOp
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_ocs.provider import OcsProvider
from tests.cli import shelf
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    JOHN,
    OTHER_CUSTOMER,
    ldap,
    make_site,
)
from tests.namespaces.test_capability import USER, with_operation
from tests.security.guards.base import (
    EVERYTHING,
    KIMBA,
    SECRET,
    STRANGER,
    bench,
    guard,
    nothing,
    provisioned,
    replaced,
    store_call,
)


@guard("running as the service account needs a rule", replaced(Authority, "grant", nothing))
def elevation_without_a_rule(folder: Path) -> bool:
    with make_site(rules=()) as site:
        claim = {"organization": ldap(ALPINE), "address": "alpineskihouse.com"}
        return site.submit("CreateSipDomain", ALPINE_ADMIN, claim).error is None


@contextmanager
def _elevated_without_record(_self: Authority, _call: Call, grant: Grant) -> Iterator[Capability | None]:
    yield grant.capability


@guard("an elevation is recorded before the call", replaced(Authority, "elevated", _elevated_without_record))
def elevation_without_a_record(folder: Path) -> bool:
    made = bench(folder, **EVERYTHING)
    audit = made.engine.store.audit
    append = audit.append

    def fail_for_elevations(entries: list[AuditEntry]) -> None:
        if any(entry.event == "elevation" for entry in entries):
            raise StoreUnavailable("the disk is full")
        append(entries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "append", fail_for_elevations)
        made.run(store_call("Put", "2"))
    return made.store.values == {"a": "b"}


@guard("a capability covers what the call does", replaced(changes, "_guarded", lambda _ctx, directory: directory))
def an_act_beside_the_change(folder: Path) -> bool:
    real = OcsProvider.apply

    def apply(self: OcsProvider, ctx: Any, change: Change) -> object:
        beside = Modification("description", ModifyOp.REPLACE, ("mine",))
        self.reopen(ctx, change).modify(Dn.parse(KIMBA), [beside])
        return real(self, ctx, change)

    with provisioned() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(OcsProvider, "apply", apply)
        site.submit("CreateSipUser", ALPINE_ADMIN, USER)
        return site.read(KIMBA).text("description") == "mine"


@guard("a capability covers the change that is recorded", replaced(changes.DirectoryProvider, "check_capability", nothing))
def a_change_of_something_else(folder: Path) -> bool:
    """It gets into the journal, where recovery would act on it with all rights."""
    real, wrong = OcsProvider.create_sip_user, with_operation(Modify(Dn.parse(KIMBA), {"description": ValueChange(("x",))}))
    with provisioned() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(OcsProvider, "create_sip_user", lambda *arguments: wrong(real(*arguments)))
        return bool(site.submit("CreateSipUser", ALPINE_ADMIN, USER).rollback)


@guard("an object is changed where it was authorized", replaced(GuardedDirectory, "_require_place", nothing))
def an_object_that_was_moved(folder: Path) -> bool:
    with make_site() as site:
        name = Dn.by_guid(guid_of(site.read(JOHN)) or pytest.fail("no GUID"))
        places = {str(name): JOHN}
        permit = Permit(frozenset({"modify"}), (str(name),), places=places)
        there = f"CN=Johnc@AlpineSkiHouse.com,{OTHER_CUSTOMER}"
        site.rename(JOHN, there)
        try:
            guarded = GuardedDirectory(site.directory, Capability((permit,)))
            guarded.check([Modify(Dn.parse(there), {"description": ValueChange(("x",))}, name.guid)])
        except MpfError:
            return False
        return True


def _keep_no_capability(patch: pytest.MonkeyPatch) -> None:
    real = SecurityState.enter
    patch.setattr(SecurityState, "enter", lambda self, *arguments: real(self, *arguments).limited(None))


@guard("what an elevated call calls is limited like itself", _keep_no_capability)
def a_call_below_an_elevated_one(folder: Path) -> bool:
    """CreateServicePointer_ is elevated; the provider that it calls does something else."""
    real = ActiveDirectoryProvider.apply

    def apply(self: Any, ctx: Any, change: Change) -> object:
        if ctx.identity.kind is IdentityKind.SERVICE:
            beside = Modification("description", ModifyOp.REPLACE, ("mine",))
            self.reopen(ctx, change).modify(Dn.parse(KIMBA), [beside])
        return real(self, ctx, change)

    with make_site() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ActiveDirectoryProvider, "apply", apply)
        site.submit("CreateSipDomain", ALPINE_ADMIN, {"organization": ldap(ALPINE), "address": "alpineskihouse.com"})
        return site.read(KIMBA).text("description") == "mine"


@guard("only administrators say who procedures run as", replaced(ConfigProvider, "_require", nothing))
def execute_as_for_oneself(folder: Path) -> bool:
    config = {"security": {"permissions": {"trusted_requests": [STRANGER.name]}}}
    engine = Engine(Config.model_validate(config), plugins=[ConfigPlugin(), AllowAll()])
    engine.administration.put_credential("priv", Credentials("priv", SECRET), "root")
    step = (
        '<execute namespace="MPF Config" procedure="SetExecuteAs" impersonate="1"><executeData>'
        "<namespace>MPF Config</namespace><username>priv</username></executeData></execute>"
    )
    engine.execute(f"<request><procedure>{step}</procedure></request>", STRANGER)
    return bool(engine.administration.assignments())


@guard("operators' commands need permissions", replaced(callers, "has_permission", lambda *_: True))
def the_audit_for_anybody(folder: Path) -> bool:
    folder.mkdir(exist_ok=True)
    site = shelf.Site(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder / "site"))
        patch.setattr(callers, "system_user", lambda: "guest")
        patch.setattr(callers, "_owns_configuration", lambda _state: False)
        Engine.from_config(site.config).store.audit.append([AuditEntry("test", 0.0)])
        return CliRunner().invoke(cli, ["--config", str(site.config), "audit", "list"]).exit_code == 0
