"""The plugin in an engine: its namespace, its schemas, and a rollback of what its provider did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from lxml import etree

from mpf_core import Caller, Config, Engine, MpfError, hookimpl
from mpf_core.engine import Result
from mpf_core.model import Access
from mpf_core.services import Services
from mpf_core.testing import AllowAll
from mpf_directory import port
from mpf_ocs import OcsPlugin
from tests.providers.ocs_forest import OTHER, URI, USER, Directories, Forest, home, prepared_forest

NAMESPACE = "Office Communications Server Provider"
CALLER = Caller("tester@fabrikam.com")


class DirectoryPlugin:
    """Provides the service that the plugin needs."""

    name = "test.directory"

    def __init__(self, directories: Directories) -> None:
        self.directories = directories

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        services.provide(port.Directories, self.directories)  # type: ignore[type-abstract]


@pytest.fixture
def forest(tmp_path: Path) -> Iterator[Forest]:
    with prepared_forest(tmp_path) as made:
        yield made


@pytest.fixture
def engine(forest: Forest) -> Iterator[Engine]:
    permissions = {"trusted_requests": [CALLER.name], "private_procedures": [CALLER.name]}
    config = Config.model_validate({"security": {"permissions": permissions}})
    # The order is the hard one: the directory comes after the plugin that needs it.
    with Engine(config, plugins=[OcsPlugin(), DirectoryPlugin(forest.directories), AllowAll()]) as made:
        yield made


def step(procedure: str, **arguments: str) -> str:
    data = "".join(f"<{name}>{text}</{name}>" for name, text in arguments.items())
    after = '<after source="executeData" destination="data" mode="merge"/>'
    return f'<execute namespace="{NAMESPACE}" procedure="{procedure}"><executeData>{data}</executeData>{after}</execute>'


def submit(engine: Engine, *steps: str) -> Result:
    return engine.execute(f"<request><data/><procedure>{''.join(steps)}</procedure></request>", CALLER)


def error_of(result: Result) -> MpfError:
    assert result.error is not None
    return result.error


CREATE = step("CreateSipUser", userDN=USER, enabled="true", primaryURI=URI, homeServerDN=home("pool01"))


def test_every_procedure_is_private_and_documents_each_of_its_arguments(engine: Engine) -> None:
    procedures = engine.namespaces[NAMESPACE].procedures
    assert sorted(procedures) == [
        "CreateFederationDomain",
        "CreateGlobalSipDomain",
        "CreateSipUser",
        "DeleteFederationDomain",
        "DeleteGlobalSipDomain",
        "DeleteSipUser",
        "GetFederationDomains",
        "GetGlobalSipDomains",
        "GetMeetingPolicies",
        "GetPoolProperties",
        "GetPools",
        "GetSipUserProperties",
        "GetUCPolicies",
        "SetSipUserProperties",
        "SplitSipUri",
    ]
    for procedure in procedures.values():
        assert procedure.access is Access.PRIVATE
        assert procedure.minimum_role == "DomainAdmins"
        assert procedure.description
        for schema in (procedure.input_schema, procedure.output_schema):
            assert schema is not None
            assert all(argument.documentation for argument in schema.arguments)


@pytest.mark.parametrize(
    ("procedure", "arguments"),
    [
        (
            "CreateSipUser",
            "userDN preferredDomainController enabled enabledForEnhancedPresence enabledForFederation enabledForInternetAccess primaryURI publicNetworkEnabled allowOrganizeMeetingWithAnonymousParticipants meetingPolicy ucEnabled ucPolicy homeServerDN",
        ),
        ("DeleteSipUser", "userDN preferredDomainController"),
        ("GetPools", "preferredDomainController"),
        ("CreateGlobalSipDomain", "address authoritative defaultDomain preferredDomainController"),
        ("CreateFederationDomain", "supportedInternalDomain preferredDomainController"),
        ("GetPoolProperties", "poolFQDN preferredDomainController"),
    ],
)
def test_the_arguments_stand_in_the_documented_order(engine: Engine, procedure: str, arguments: str) -> None:
    schema = engine.namespaces[NAMESPACE].procedures[procedure].input_schema
    assert schema is not None
    assert [argument.name for argument in schema.arguments] == arguments.split()


def test_users_are_created_read_changed_and_deleted(engine: Engine, forest: Forest) -> None:
    result = submit(
        engine,
        CREATE,
        step("SetSipUserProperties", userDN=USER, ucEnabled="true"),
        step("GetSipUserProperties", userDN=USER),
    )
    assert result.error is None, result.document
    assert etree.fromstring(result.document).findtext("data/ucEnabled") == "true"
    result = submit(engine, step("DeleteSipUser", userDN=USER))
    assert result.error is None, result.document
    assert forest.sip() == {"proxyAddresses": ["SMTP:johnc@alpineskihouse.com"]}


@pytest.mark.parametrize(
    "steps",
    [
        [CREATE],
        [CREATE, step("SetSipUserProperties", userDN=USER, primaryURI="sip:john@alpineskihouse.com", enabled="false")],
        [CREATE, step("DeleteSipUser", userDN=USER)],
    ],
)
def test_a_later_failure_leaves_nothing_behind(engine: Engine, forest: Forest, steps: list[str]) -> None:
    before = forest.sip()
    result = submit(engine, *steps, step("GetPoolProperties", poolFQDN="nowhere.fabrikam.com"))
    assert error_of(result).code == 0x80072030
    assert forest.sip() == before
    assert [outcome.state.value for outcome in result.rollback] == ["undone"] * len(steps)


def test_an_address_taken_in_the_same_transaction_is_refused(engine: Engine, forest: Forest) -> None:
    result = submit(engine, CREATE, CREATE.replace(USER, OTHER))
    assert error_of(result).code == 0x80071392
    assert forest.sip(OTHER) == {}
    assert "msRTCSIP-PrimaryUserAddress" not in forest.sip()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (step("CreateSipUser", userDN=USER, enabled="true", primaryURI=URI), "homeServerDN was not supplied"),
        (CREATE.replace(URI, ""), "'primaryURI' cannot be null"),
        (CREATE.replace(">true<", ">yes<"), "yes"),
        (CREATE.replace("enabled>", "enable>"), "enable"),
        (step("GetSipUserProperties", user=f"LDAP://{USER}"), "userDN was not supplied"),
    ],
)
def test_the_schema_refuses_what_does_not_fit(engine: Engine, call: str, text: str) -> None:
    error = error_of(submit(engine, call))
    assert error.code == 0x80070057
    assert text in " ".join([error.description, *map(str, error.violations)])


def test_without_a_directory_the_plugin_is_broken_and_says_why() -> None:
    with Engine(plugins=[OcsPlugin(), AllowAll()]) as engine:
        info = next(plugin for plugin in engine.plugins if plugin.name == "mpf.ocs")
        assert info.state == "broken"
        assert "Directories" in info.reason


def test_there_is_nothing_to_set(tmp_path: Path) -> None:
    from mpf_core.errors import ConfigError

    with pytest.raises(ConfigError):
        OcsPlugin().mpf_configure({"root": "System"}, Services(tmp_path, pytest.fail))
