"""The namespace files as documents: complete schemas, conventions, and no privilege that is not listed with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

import mpf_managed
from mpf_managed import ManagedPlugin, elevations

XS = "{http://www.w3.org/2001/XMLSchema}"
FOLDER = Path(mpf_managed.__file__).parent / "namespaces"
FILES = sorted(file for file in FOLDER.glob("*/*.xml") if file.name != "namespace.xml")

#: Names and order of the documented arguments, and what the procedure returns.
DOCUMENTED: dict[str, tuple[list[str], list[str]]] = {
    "CreateSipDomain": (["organization", "preferredDomainController", "address"], []),
    "DeleteSipDomain": (["organization", "preferredDomainController", "address"], []),
    "GetSipDomainsByOrganization": (["organization", "preferredDomainController"], ["sipDomains"]),
    "ValidateSipDomainOwnership": (["organization", "preferredDomainController", "address"], ["owner"]),
    "SetPoolAssignment": (["organization", "preferredDomainController", "poolFQDN"], []),
    "GetPoolAssignment": (["organization", "preferredDomainController"], ["poolFQDN"]),
    "DeletePoolAssignment": (["organization", "preferredDomainController"], []),
    "DeleteSipUser": (["user", "preferredDomainController"], []),
    "GetPools": (["preferredDomainController"], ["pools"]),
    "GetPoolProperties": (
        ["poolFQDN", "preferredDomainController"],
        [
            "backEndDBPath",
            "defaultLocationProfile",
            "DomainFQDN",
            "instanceID",
            "majorVersion",
            "mcuFactoryList",
            "minorVersion",
            "poolDisplayName",
            "poolDN",
            "poolMemberList",
            "poolType",
            "supportIMPresence",
            "supportMeeting",
        ],
    ),
    "CreateSipUser": (
        [
            "user",
            "preferredDomainController",
            "enabled",
            "enabledForEnhancedPresence",
            "enabledForFederation",
            "enabledForInternetAccess",
            "primaryURI",
            "publicNetworkEnabled",
            "allowOrganizeMeetingWithAnonymousParticipants",
            "meetingPolicy",
        ],
        [],
    ),
    "SetSipUserProperties": (
        [
            "user",
            "preferredDomainController",
            "enabled",
            "enabledForEnhancedPresence",
            "enabledForFederation",
            "enabledForInternetAccess",
            "homeServerDN",
            "primaryURI",
            "publicNetworkEnabled",
            "allowOrganizeMeetingWithAnonymousParticipants",
        ],
        [],
    ),
    "GetSipUserProperties": (
        ["user", "preferredDomainController"],
        [
            "enabled",
            "enabledForEnhancedPresence",
            "enabledForFederation",
            "enabledForInternetAccess",
            "homeServerDN",
            "instanceID",
            "primaryURI",
            "publicNetworkEnabled",
            "targetServerDNIfMoving",
        ],
    ),
}
#: Where not every documented argument is required: those that are.
REQUIRED = {
    "CreateSipUser": {"user", "preferredDomainController", "enabled", "primaryURI"},
    "SetSipUserProperties": {"user", "preferredDomainController"},
}


def parse(file: Path) -> etree._Element:
    return etree.parse(file).getroot()


def namespace_of(file: Path) -> str:
    name = parse(file.parent / "namespace.xml").get("name")
    assert name
    return name


def arguments(root: etree._Element, schema: str) -> list[etree._Element]:
    path = f"Schema[@name='{schema}']/{XS}schema/{XS}element[@name='executeData']/{XS}complexType/{XS}all/{XS}element"
    return root.findall(path)


def procedure(name: str) -> etree._Element:
    return parse(FOLDER / "managed_ocs" / f"{name}.xml")


def test_every_namespace_is_found_where_the_plugin_says() -> None:
    assert list(ManagedPlugin().mpf_namespaces()) == [FOLDER]
    assert {namespace_of(file) for file in FILES} == {
        "Managed Active Directory",
        "Managed Helpers",
        "Managed Hosting",
        "Managed Office Communications Server",
        "Managed Office Communications Server Extensions",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
class TestEveryFile:
    def test_is_named_after_its_procedure(self, file: Path) -> None:
        assert parse(file).get("name") == file.stem

    def test_a_trailing_underscore_means_private(self, file: Path) -> None:
        root = parse(file)
        assert root.get("access") in {"public", "private"}
        if file.stem.endswith("_"):
            assert root.get("access") == "private"

    def test_public_procedures_name_their_minimum_role(self, file: Path) -> None:
        role = parse(file).findtext(".//{http://provisioning.microsoft.com/ApiDocInfo}MinimumRole")
        if parse(file).get("access") == "public":
            assert role in {"DomainAdmins", "OrgCreators", "UserCreators", "Users"}

    def test_both_schemas_compile_and_have_the_namespace_of_their_procedure(self, file: Path) -> None:
        root = parse(file)
        expected = "http://provisioning.microsoft.com/" + namespace_of(file).lower().replace(" ", "")
        for name in ("inputSchema", "outputSchema"):
            schema = root.find(f"Schema[@name='{name}']/{XS}schema")
            assert schema is not None
            assert schema.get("targetNamespace") == expected
            etree.XMLSchema(etree.fromstring(etree.tostring(schema)))

    def test_every_argument_has_a_documentation_and_an_example(self, file: Path) -> None:
        root = parse(file)
        assert root.get("description", "").endswith(".")
        for argument in [*arguments(root, "inputSchema"), *arguments(root, "outputSchema")]:
            assert (argument.findtext(f"{XS}annotation/{XS}documentation") or "").endswith(".")
            nested = argument.find(f"{XS}complexType") is not None
            example = argument.find(f"{XS}annotation/{XS}appinfo")
            assert nested or (example is not None and example.text)

    def test_names_and_filters_are_never_put_together_as_text(self, file: Path) -> None:
        root = parse(file)
        for step in root.iter("execute"):
            for filter_ in step.iter("filter"):
                assert not (filter_.text or "").strip()
        for node in root.iter():
            assert not any("concat(" in str(value) for value in node.attrib.values())

    def test_inputs_never_stay_in_data(self, file: Path) -> None:
        root = parse(file)
        if arguments(root, "inputSchema"):
            first = next(child for child in root if child.tag in {"transform", "execute", "try", "select"})
            before = first.find("before")
            assert before is not None
            assert (before.get("source"), before.get("sourcePath"), before.get("mode")) == ("data", "*", "move")


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_arguments_and_results_come_in_their_documented_order(name: str) -> None:
    inputs, outputs = DOCUMENTED[name]
    root = procedure(name)
    assert [argument.get("name") for argument in arguments(root, "inputSchema")][: len(inputs)] == inputs
    assert [argument.get("name") for argument in arguments(root, "outputSchema")][: len(outputs)] == outputs


@pytest.mark.parametrize("name", DOCUMENTED)
def test_arguments_are_required_as_documented(name: str) -> None:
    inputs = arguments(procedure(name), "inputSchema")
    required = {argument.get("name") for argument in inputs if argument.get("minOccurs") != "0"}
    assert required == REQUIRED.get(name, set(DOCUMENTED[name][0]))


def test_elevated_calls_are_exactly_those_that_are_listed_with_a_reason() -> None:
    in_files = {
        (f"{namespace_of(file)}::{file.stem}", f"{step.get('namespace')}::{step.get('procedure')}")
        for file in FILES
        for step in parse(file).iter("execute", "queue")
        if step.get("impersonate") == "2"
    }
    listed = {(rule["from"], rule["to"]) for rule in elevations()}
    assert in_files == listed
    assert all(len(rule["reason"]) > 20 for rule in elevations())
