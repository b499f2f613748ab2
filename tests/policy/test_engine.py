"""The policy in an engine: nested calls, elevation, and the texts that a caller gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpf_core import Caller, Config, ConfigError, Engine, Principal, Services, hookimpl
from mpf_core.engine import Result
from mpf_core.testing import AllowAll
from mpf_directory.port import Directories
from mpf_eventlog import EventLogPlugin
from mpf_policy import PolicyPlugin
from tests.policy.hosting import CUSTOMER, CUSTOMER_ADMINS, DOMAIN_SID, OTHER_CUSTOMER, OneDirectory, hosting_tree
from tests.support import STORE_NAMESPACE, StorePlugin, StoreProvider

_SCHEMA = """
<Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:annotation><xs:appinfo><di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo">
    <di:MinimumRole type="Implicit">{role}</di:MinimumRole></di:ApiDocInfo></xs:appinfo></xs:annotation>
  <xs:element name="executeData"><xs:complexType><xs:all>
    <xs:element name="organization" type="xs:string" minOccurs="0"><xs:annotation><xs:appinfo>
      <sec:Object xmlns:sec="urn:mpf:security" kind="object" needs="{role}"/>
    </xs:appinfo></xs:annotation></xs:element>
  </xs:all></xs:complexType></xs:element>
</xs:schema></Schema>
"""


def composed(name: str, role: str, impersonate: str) -> str:
    step = (
        f'<execute namespace="Store" procedure="Put" impersonate="{impersonate}">'
        "<executeData><name>a</name><value>b</value></executeData></execute>"
    )
    return f'<procedure name="{name}" type="write" access="public">{_SCHEMA.format(role=role)}{step}</procedure>'


MANAGED = f"""
<namespace name="Managed Store">
  {composed("Put", "UserCreators", "0")}
  {composed("PutAsService", "UserCreators", "2")}
  {composed("PutForDomain", "DomainAdmins", "0")}
</namespace>
"""


class DirectoryPlugin:
    """The hosting tree, and the caller's account in it."""

    name = "test.directory"

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        services.provide(Directories, OneDirectory(hosting_tree()))  # type: ignore[type-abstract]

    @hookimpl
    def mpf_resolve_caller(self, caller: Caller) -> Principal:
        return Principal(caller.name, f"{DOMAIN_SID}-1500", groups=frozenset({CUSTOMER_ADMINS}))


class Bench:
    """An engine over the hosting tree, with the policy and the event log."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.store = StoreProvider()
        paths = [folder / "store.xml", folder / "managed.xml"]
        for path, text in zip(paths, (STORE_NAMESPACE, MANAGED), strict=True):
            path.write_text(text, encoding="utf-8")
        policy, events = PolicyPlugin(), EventLogPlugin()
        config = Config.model_validate(
            {
                "base_dir": folder,
                "security": {"permissions": {"private_procedures": ["admin"], "trusted_requests": ["admin"]}},
                "plugins": {"mpf.policy": settings, "mpf.eventlog": {"path": "events.jsonl"}},
            }
        )
        plugins = [DirectoryPlugin(), policy, events, StorePlugin(self.store)]
        self.engine = Engine(config, plugins=plugins, namespaces=paths)

    def call(self, procedure: str, organization: str = CUSTOMER, namespace: str = "Managed Store") -> Result:
        data = f"<organization>LDAP://{organization}</organization>"
        request = f"<request><data>{data}</data></request>"
        return self.engine.execute(request, Caller("admin"), namespace=namespace, procedure=procedure)


RULE = {"from": "Managed Store::*", "to": "Store::*", "reason": "the store belongs to the service", "may": "anything"}


def test_a_private_provider_is_reached_through_a_procedure_that_is_allowed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.call("Put").error is None
    assert bench.store.values == {"a": "b"}


@pytest.mark.parametrize(
    ("called", "organization", "code", "text"),
    [
        (
            ("Managed Store", "Put"),
            OTHER_CUSTOMER,
            0x80070005,
            f"admin is not in the role UserCreators over '{OTHER_CUSTOMER}'",
        ),
        (("Managed Store", "PutForDomain"), CUSTOMER, 0x80070057, "Insufficient Privilege! Not Domain Administrator."),
        (("Store", "Put"), CUSTOMER, 0x80070057, "Insufficient Privilege! Not Domain Administrator."),
    ],
)
def test_everything_else_is_refused_and_nothing_is_done(
    tmp_path: Path, called: tuple[str, str], organization: str, code: int, text: str
) -> None:
    bench = Bench(tmp_path)
    error = bench.call(called[1], organization, called[0]).error
    assert error is not None
    assert error.code == code
    assert text in error.description
    assert bench.store.values == {}


def test_running_as_the_service_needs_a_rule(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    error = bench.call("PutAsService").error
    assert error is not None
    assert error.code == 0x80070005
    assert bench.store.values == {}


def test_a_rule_lets_a_procedure_run_as_the_service_and_is_logged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, elevations=[RULE])
    assert bench.call("PutAsService").error is None
    assert bench.store.values == {"a": "b"}
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text("ascii").splitlines()]
    assert [event["fields"]["reason"] for event in events if event["event"] == "elevation"] == [RULE["reason"]]
    assert {event["event"] for event in events} >= {"transaction.begin", "call.begin", "call.end", "transaction.end"}


def test_a_rule_gives_no_role(tmp_path: Path) -> None:
    bench = Bench(tmp_path, elevations=[RULE])
    assert bench.call("PutAsService", OTHER_CUSTOMER).error is not None
    assert bench.store.values == {}


def test_wrong_settings_leave_every_request_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, elevations=[{**RULE, "from": "*"}])
    assert bench.call("Put").error is not None
    assert bench.store.values == {}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (_SCHEMA.format(role="OrgMakers"), "no enabled policy knows the role 'OrgMakers', the minimum role of 'Do' (did you mean 'OrgCreators'?)"),
        (_SCHEMA.format(role="Users").replace('needs="Users"', 'needs="Owner"'), "no enabled policy knows the role 'Owner', what 'Do' needs over its 'organization' (known: "),
        (_SCHEMA.format(role="Users").replace('kind="object" needs="Users"', 'kind="pool" needs="assigned"'), ""),
        (_SCHEMA.format(role="Users").replace('kind="object" needs="Users"', 'kind="telephone" needs="owned"'), ""),
    ],
)  # fmt: skip
def test_a_role_that_no_policy_knows_is_refused_at_the_start(tmp_path: Path, schema: str, text: str) -> None:
    file = tmp_path / "roles.xml"
    file.write_text(
        f'<namespace name="Roles">\n<procedure name="Do" access="public">{schema}<procedureData/></procedure></namespace>'
    )
    if not text:
        Engine(plugins=[DirectoryPlugin(), PolicyPlugin()], namespaces=[file]).close()
        return
    with pytest.raises(ConfigError) as raised:
        Engine(plugins=[DirectoryPlugin(), PolicyPlugin()], namespaces=[file])
    (problem,) = raised.value.problems
    assert problem.message.startswith(text)
    assert (problem.file, problem.line) == (str(file), 2)
    Engine(plugins=[AllowAll()], namespaces=[file]).close()  # nobody says which roles there are


def test_a_policy_of_others_may_know_other_roles(tmp_path: Path) -> None:
    file = tmp_path / "roles.xml"
    schema = _SCHEMA.format(role="Auditors")
    file.write_text(
        f'<namespace name="Roles"><procedure name="Do" access="public">{schema}<procedureData/></procedure></namespace>'
    )

    class Auditing:
        name = "acme.auditing"

        @hookimpl
        def mpf_roles(self) -> list[str]:
            return ["Auditors"]

        @hookimpl
        def mpf_namespaces(self) -> list[Path]:
            return [file]

    with Engine(plugins=[DirectoryPlugin(), PolicyPlugin(), Auditing()]) as engine:
        assert "Roles" in engine.namespaces
    Auditing.mpf_roles = hookimpl(lambda self: 1 / 0)  # type: ignore[assignment,method-assign,return-value]
    with Engine(plugins=[DirectoryPlugin(), PolicyPlugin(), Auditing()]) as engine:
        assert "division" in next(info.reason for info in engine.plugins if info.name == "acme.auditing")
