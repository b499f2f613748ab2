"""Guards that decide who may make which call, over which object."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from mpf_access import AccessPlugin
from mpf_access.rules import Rule
from mpf_core import (
    Caller,
    Config,
    Engine,
    MpfError,
    Principal,
    hookimpl,
    plugins,
    submission,
)
from mpf_core.authority import Authority
from mpf_core.execution import Execution
from mpf_core.security.calls import Decision
from mpf_core.testing import AllowAll
from mpf_policy import plugin as policy_plugin
from mpf_policy import roles
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    OTHER_CUSTOMER,
    POOL2,
    ldap,
    make_site,
)
from tests.namespaces.test_capability import USER
from tests.security.guards.base import (
    EVERYTHING,
    Disable,
    Policy,
    bench,
    guard,
    provisioned,
    public,
    replaced,
    store_call,
)
from tests.support import CALLER, STORE_NAMESPACE, StorePlugin, StoreProvider


def _ask_about_the_first_call_only(patch: pytest.MonkeyPatch) -> None:
    real = Authority.authorize
    patch.setattr(Authority, "authorize", lambda self, call: real(self, call) if call.calling is None else None)


@guard("nested calls are authorized", _ask_about_the_first_call_only)
def a_nested_call(folder: Path) -> bool:
    policy = Policy(lambda name: Decision(name != "Store::Put"))
    made = bench(folder, public("N", store_call("Put")), policies=(policy,))
    made.engine.execute("<request><data/></request>", CALLER, namespace="N", procedure="P")
    return made.store.values == {"a": "b"}


def _one_permission_is_enough(self: Authority, policies: Any, question: Any, nobody: str) -> None:
    answers = [policy(**question) for policy in policies]
    if not any(isinstance(answer, Decision) and answer.allowed for answer in answers):
        raise MpfError(0x80070005, nobody)


def _only_refusals_count(self: Authority, policies: Any, question: Any, nobody: str) -> None:
    for policy in policies:
        try:
            answer = policy(**question)
        except LookupError:
            continue
        if isinstance(answer, Decision) and not answer.allowed:
            raise MpfError(0x80070005, answer.reason or nobody)


def _put(folder: Path, *policies: object) -> bool:
    made = bench(folder, policies=policies, **EVERYTHING)
    made.run(store_call("Put"))
    return made.store.values == {"a": "b"}


@guard("one refusal outweighs any permission", replaced(Authority, "_ask", _one_permission_is_enough))
def two_policies(folder: Path) -> bool:
    return _put(folder, AllowAll(), Policy(lambda _name: Decision(False)))


@guard("no answer is a refusal", replaced(Authority, "_ask", _only_refusals_count))
def a_policy_without_an_answer(folder: Path) -> bool:
    return _put(folder, Policy(lambda _name: None))


def _fail(_name: str) -> Decision:
    raise LookupError("this policy fails")


@guard("a policy that fails is a refusal", replaced(Authority, "_ask", _only_refusals_count))
def a_failing_policy(folder: Path) -> bool:
    return _put(folder, AllowAll(), Policy(_fail))


@guard("a role counts where the object is", replaced(roles, "_holds", lambda *_: True))
def an_object_of_others(folder: Path) -> bool:
    with provisioned() as site:
        return site.submit("GetPoolAssignment", ALPINE_ADMIN, {"organization": ldap(OTHER_CUSTOMER)}).error is None


class NobodyIsKnown:
    """A directory without accounts."""

    name = "test.directory"

    @hookimpl
    def mpf_resolve_caller(self, caller: Caller) -> None:
        return None


@guard(
    "a caller whom nobody knows is refused",
    replaced(submission.Submission, "_authenticate", lambda self: Principal(self._caller.name)),
)
def a_caller_whom_nobody_knows(folder: Path) -> bool:
    return _put(folder, AllowAll(), NobodyIsKnown())


def no_entry_points() -> dict[str, tuple[metadata.EntryPoint, bool]]:
    """One plugin that allows everything, where only other plugins belong."""
    return {"evil": (metadata.EntryPoint("evil", "mpf_core.testing:AllowAll", plugins.GROUP), False)}


@guard("policies are heard from security plugins only", replaced(plugins, "SECURITY_HOOKS", frozenset()))
def a_plugin_that_decides(folder: Path) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "_entry_points", no_entry_points)
        config = {"plugins": {"enabled": ["evil"]}, "security": {"permissions": EVERYTHING}}
        provider = StoreProvider()
        engine = Engine(
            Config.model_validate({**config, "base_dir": folder}),
            plugins=[StorePlugin(provider)],
            namespaces=[_store(folder)],
        )
        engine.execute(f"<request><data/><procedure>{store_call('Put')}</procedure></request>", CALLER)
    return provider.values == {"a": "b"}


def _store(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "store.xml"
    file.write_text(STORE_NAMESPACE)
    return file


@guard("a domain is claimed with evidence", replaced(policy_plugin, "decide_claim", lambda *_: Decision(True)))
def the_domain_of_others(folder: Path) -> bool:
    with make_site(claims={"evidence": "upn-suffixes"}) as site:
        claim = {"organization": ldap(ALPINE), "address": "fourthcoffee.com"}
        return site.submit("CreateSipDomain", ALPINE_ADMIN, claim).error is None


@guard("a pool is assigned, or shared", replaced(policy_plugin, "decide_pools", lambda *_: None))
def the_pool_of_others(folder: Path) -> bool:
    with provisioned() as site:
        return site.submit("CreateSipUser", ALPINE_ADMIN, {**USER, "homeServerDN": POOL2}).error is None


def _without_procedure(name: str) -> Disable:
    def disable(patch: pytest.MonkeyPatch) -> None:
        real = Execution.steps

        def steps(self: Execution, scope: Any, steps: Any) -> None:
            if scope.procedure is None or scope.procedure.name != name:
                real(self, scope, steps)

        patch.setattr(Execution, "steps", steps)

    return disable


@guard("a SIP address is in a domain of the organization", _without_procedure("ValidateSipDomainOwnership"))
def an_address_of_others(folder: Path) -> bool:
    with provisioned() as site:
        site.succeed("CreateSipDomain", DOMAIN_ADMIN, organization=ldap(OTHER_CUSTOMER), address="fourthcoffee.com")
        user = {**USER, "primaryURI": "sip:kimba@fourthcoffee.com"}
        return site.submit("CreateSipUser", ALPINE_ADMIN, user).error is None


def _denied(folder: Path, name: str) -> bool:
    """Whether the administrator of the domain, called that, may do what an access list denies him and allows all others."""
    folder.mkdir(exist_ok=True)
    file = folder / "access.toml"
    file.write_text(
        f"[[rules]]\ndeny = ['*::TestDomainAdmin']\nto = ['{DOMAIN_ADMIN.name}']\n[[rules]]\nallow = ['*::*']\nto = ['*']\n"
    )
    with make_site(AccessPlugin(), settings={"mpf.access": {"file": str(file)}}) as site:
        asked = {"namespace": "Managed Hosting", "procedure": "TestDomainAdmin"}
        return site.engine.execute("<request><data/></request>", Caller(name), **asked).error is None


@guard("an access list refuses", replaced(AccessPlugin, "mpf_authorize", hookimpl(lambda self, call: Decision(True))))
def what_the_access_list_denies(folder: Path) -> bool:
    return _denied(folder, DOMAIN_ADMIN.name)


def _by_its_name(rule: Rule, caller: Principal, _: object) -> bool:
    return "*" in rule.to or caller.name in rule.to


@guard("an access list is about accounts, not about names", replaced(Rule, "is_about", _by_its_name))
def a_denied_account_by_another_name(folder: Path) -> bool:
    return _denied(folder, "FABRIKAM\\Administrator")
