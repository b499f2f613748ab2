"""GetPools and GetPoolProperties, and where they look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_directory.dn import Dn
from tests.providers.ocs_forest import BASE, RTC, RTC_CONFIGURATION, Forest, bare_forest, guid_in_braces, home

PROFILE = f"CN=Redmond,CN=System,{BASE}"
FACTORY = f"CN=Meeting,CN=MCU Factories,{RTC}"
RELAY = f"CN={{0A1B2C3D-0000-0000-0000-0000000000AA}},CN=Trusted Services,{RTC}"
QUALITY = f"CN={{0A1B2C3D-0000-0000-0000-0000000000AB}},CN=Trusted Services,{RTC}"


@pytest.fixture
def forest(tmp_path: Path) -> Iterator[Forest]:
    with bare_forest(tmp_path) as made:
        yield made


def properties(forest: Forest, pool: str = "pool01.fabrikam.com") -> dict[str, object]:
    return dict(forest.read("GetPoolProperties", poolFQDN=pool))


def test_all_pools_are_listed_by_name(forest: Forest) -> None:
    forest.prepare_ocs()
    for name in ("pool02", "Apool", "pool01"):
        forest.pool(name)
    forest.put(f"CN=nameless,CN=Pools,{RTC}", "msRTCSIP-Pool")
    assert forest.read("GetPools") == [("pools", ["Apool.fabrikam.com", "pool01.fabrikam.com", "pool02.fabrikam.com"])]


def test_no_pools_are_an_empty_list(forest: Forest) -> None:
    forest.prepare_ocs()
    assert forest.read("GetPools") == [("pools", [])]


def test_no_container_for_pools_is_an_empty_list_too(forest: Forest) -> None:
    forest.prepare_ocs()
    forest.directory.delete(Dn.parse(f"CN=Pools,{RTC}"))
    assert forest.read("GetPools") == [("pools", [])]


@pytest.mark.parametrize(
    ("procedure", "arguments"), [("GetPools", {}), ("GetPoolProperties", {"poolFQDN": "x.fabrikam.com"})]
)
def test_a_forest_that_was_not_prepared_is_an_error(forest: Forest, procedure: str, arguments: dict[str, str]) -> None:
    with pytest.raises(MpfError) as raised:
        forest.read(procedure, **arguments)
    assert raised.value.code == Code.NO_SUCH_OBJECT
    assert "not prepared" in raised.value.description


def test_the_container_may_be_in_the_configuration(forest: Forest) -> None:
    forest.prepare_ocs(RTC_CONFIGURATION)
    forest.pool("pool09", root=RTC_CONFIGURATION)
    assert forest.read("GetPools") == [("pools", ["pool09.fabrikam.com"])]
    assert properties(forest, "pool09.fabrikam.com")["poolDN"] == home("pool09", RTC_CONFIGURATION)


def test_the_one_in_system_comes_first(forest: Forest) -> None:
    forest.prepare_ocs(RTC_CONFIGURATION)
    forest.pool("pool09", root=RTC_CONFIGURATION)
    forest.prepare_ocs()
    forest.pool("pool01")
    assert forest.read("GetPools") == [("pools", ["pool01.fabrikam.com"])]


def test_the_properties_have_the_documented_names_and_order(forest: Forest) -> None:
    forest.prepare_ocs()
    forest.put(PROFILE, "container")  # voice routing has no classes in the schema; any object can be linked
    forest.put(f"CN=MCU Factories,{RTC}", "msRTCSIP-MCUFactories")
    forest.put(FACTORY, "msRTCSIP-MCUFactory")
    forest.put(f"CN=Trusted Services,{RTC}", "msRTCSIP-TrustedServices")
    forest.put(QUALITY, "msRTCSIP-TrustedService", {"msRTCSIP-TrustedServiceType": ["QoS"]})
    forest.put(RELAY, "msRTCSIP-TrustedService", {"msRTCSIP-TrustedServiceType": ["MRAS"]})
    forest.pool(
        "pool01",
        {
            "msRTCSIP-BackEndServer": ["sql01.fabrikam.com"],
            "msRTCSIP-DefaultLocationProfileLink": [PROFILE],
            "msRTCSIP-PoolDomainFQDN": ["voice.fabrikam.com"],
            "msRTCSIP-PoolVersion": ["3"],
            "msRTCSIP-PoolDisplayName": ["Pool One"],
            "msRTCSIP-PoolType": ["2"],
            "msRTCSIP-PoolFunctionality": ["2"],
            "msRTCSIP-TrustedServiceLinks": [f"B:8:00000001:{QUALITY}", f"B:8:00000002:{RELAY}"],
        },
    )
    factory_service = f"CN=MCU Factory,CN=Microsoft,CN=pool01,CN=Pools,{RTC}"
    forest.put(factory_service, "msRTCSIP-MCUFactoryService", {"msRTCSIP-MCUFactoryPath": [FACTORY]})
    computer = f"CN=FE01,CN=Computers,{BASE}"
    forest.ensure(f"CN=Computers,{BASE}", "container")
    forest.put(computer, "computer", {"sAMAccountName": ["FE01$"], "dNSHostName": ["fe01.fabrikam.com"]})
    forest.put(f"CN=Microsoft,{computer}", "serviceConnectionPoint")
    server = f"CN=LC Services,CN=Microsoft,{computer}"
    forest.put(server, "msRTCSIP-Server", {"msRTCSIP-PoolAddress": [home("pool01")]})
    web_service = f"CN=LS WebComponents Services,CN=Microsoft,CN=pool01,CN=Pools,{RTC}"
    forest.put(web_service, "msRTCSIP-WebComponentsService")
    web_server = f"CN=LS WebComponents Services,CN=Microsoft,{computer}"
    forest.put(web_server, "msRTCSIP-WebComponents", {"msRTCSIP-WebComponentsPoolAddress": [web_service]})
    assert forest.read("GetPoolProperties", poolFQDN="POOL01.fabrikam.com") == [
        ("backEndDBPath", "sql01.fabrikam.com"),
        ("defaultLocationProfile", PROFILE),
        ("domainFQDN", "voice.fabrikam.com"),
        ("instanceID", guid_in_braces(forest.entry(f"CN=pool01,CN=Pools,{RTC}"))),
        ("majorVersion", "3"),
        ("mcuFactoryList", [FACTORY]),
        ("minorVersion", "0"),
        ("poolDisplayName", "Pool One"),
        ("poolDN", home("pool01")),
        ("poolMemberList", ["fe01.fabrikam.com"]),
        ("poolType", "Front End Pool"),
        ("supportIMPresence", "true"),
        ("supportMeeting", "true"),
        ("trustedMRASServer", RELAY),
        ("webComponentsServerList", [web_server]),
    ]


@pytest.mark.parametrize("between", [[], ["Microsoft"]])
def test_a_front_end_server_is_found_however_deep_its_service_lies(forest: Forest, between: list[str]) -> None:
    forest.prepare_ocs()
    forest.pool("pool01")
    computer = f"CN=FE01,CN=Computers,{BASE}"
    forest.ensure(f"CN=Computers,{BASE}", "container")
    forest.put(computer, "computer", {"sAMAccountName": ["FE01$"], "dNSHostName": ["fe01.fabrikam.com"]})
    place = computer
    for name in between:
        place = f"CN={name},{place}"
        forest.put(place, "serviceConnectionPoint")
    forest.put(f"CN=RTC Services,{place}", "msRTCSIP-Server", {"msRTCSIP-PoolAddress": [home("pool01")]})
    assert properties(forest)["poolMemberList"] == ["fe01.fabrikam.com"]


def test_what_the_directory_does_not_hold_is_left_out(forest: Forest) -> None:
    forest.prepare_ocs()
    forest.pool("pool01")
    found = properties(forest)
    always = ["instanceID", "mcuFactoryList", "poolDN", "poolMemberList", "supportIMPresence", "supportMeeting"]
    assert list(found) == [*always, "webComponentsServerList"]
    assert found["mcuFactoryList"] == found["poolMemberList"] == []


def test_a_trusted_service_that_is_gone_is_left_out(forest: Forest) -> None:
    forest.prepare_ocs()
    forest.put(f"CN=Trusted Services,{RTC}", "msRTCSIP-TrustedServices")
    forest.put(RELAY, "msRTCSIP-TrustedService", {"msRTCSIP-TrustedServiceType": ["MRAS"]})
    forest.pool("pool01", {"msRTCSIP-TrustedServiceLinks": [f"B:8:00000001:{RELAY}"]})
    assert properties(forest)["trustedMRASServer"] == RELAY
    forest.directory.delete(Dn.parse(RELAY))
    assert "trustedMRASServer" not in properties(forest)


@pytest.mark.parametrize(("functionality", "meetings"), [("1", "false"), ("2", "true")])
def test_meetings_depend_on_what_the_pool_can_do(forest: Forest, functionality: str, meetings: str) -> None:
    forest.prepare_ocs()
    forest.pool("pool01", {"msRTCSIP-PoolFunctionality": [functionality]})
    found = properties(forest)
    assert (found["supportIMPresence"], found["supportMeeting"]) == ("true", meetings)


@pytest.mark.parametrize(
    ("version", "expected"), [("1", ("2", "0")), ("2", ("2", "1")), ("3", ("3", "0")), ("4", ("4", None))]
)
def test_versions_count_as_the_management_class_does(forest: Forest, version: str, expected: tuple[str, str | None]) -> None:
    forest.prepare_ocs()
    forest.pool("pool01", {"msRTCSIP-PoolVersion": [version]})
    found = properties(forest)
    assert (found.get("majorVersion"), found.get("minorVersion")) == expected


@pytest.mark.parametrize("fqdn", ["pool09.fabrikam.com", "*", "pool0*"])
def test_an_unknown_pool_is_an_error(forest: Forest, fqdn: str) -> None:
    forest.prepare_ocs()
    forest.pool("pool01")
    with pytest.raises(MpfError) as raised:
        properties(forest, fqdn)
    assert raised.value.code == Code.NO_SUCH_OBJECT
    assert fqdn in raised.value.description


def test_a_pool_without_a_service_is_an_error(forest: Forest) -> None:
    forest.prepare_ocs()
    forest.put(f"CN=bare,CN=Pools,{RTC}", "msRTCSIP-Pool", {"dNSHostName": ["bare.fabrikam.com"]})
    with pytest.raises(MpfError) as raised:
        properties(forest, "bare.fabrikam.com")
    assert raised.value.code == Code.NO_SUCH_OBJECT
