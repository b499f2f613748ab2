"""SetSipUserProperties, GetSipUserProperties and DeleteSipUser: what they change, return and refuse, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from tests.providers.ocs_forest import (
    CUSTOMER,
    HIGH,
    OTHER,
    URI,
    USER,
    VOICE,
    Forest,
    guid_in_braces,
    home,
    prepared_forest,
)

POOL, OTHER_POOL = home("pool01"), home("pool02")
BOOLEANS = (
    "enabled",
    "enabledForEnhancedPresence",
    "enabledForFederation",
    "enabledForInternetAccess",
    "publicNetworkEnabled",
    "allowOrganizeMeetingWithAnonymousParticipants",
    "ucEnabled",
)


@pytest.fixture
def forest(tmp_path: Path) -> Iterator[Forest]:
    with prepared_forest(tmp_path) as made:
        yield made


class TestSet:
    @pytest.fixture(autouse=True)
    def _user(self, forest: Forest) -> None:
        forest.create(enabledForEnhancedPresence="true", meetingPolicy="Policy 5 (Low)", ucPolicy="Default Policy")

    def test_changes_only_what_is_given(self, forest: Forest) -> None:
        before = forest.sip()
        forest.run("SetSipUserProperties", userDN=USER, enabledForFederation="true")
        assert forest.sip() == {**before, "msRTCSIP-FederationEnabled": ["TRUE"]}

    def test_changes_bits_and_keeps_the_others(self, forest: Forest) -> None:
        forest.write({"msRTCSIP-OptionFlags": [str(2 + 16 + 256 + 512)]})
        forest.run("SetSipUserProperties", userDN=USER, enabledForEnhancedPresence="false", publicNetworkEnabled="true")
        assert forest.sip()["msRTCSIP-OptionFlags"] == [str(1 + 2 + 16 + 512)]

    def test_swaps_the_address_and_its_proxy_address(self, forest: Forest) -> None:
        forest.run("SetSipUserProperties", userDN=USER, primaryURI="sip:john@alpineskihouse.com")
        assert forest.sip()["msRTCSIP-PrimaryUserAddress"] == ["sip:john@alpineskihouse.com"]
        assert forest.sip()["proxyAddresses"] == ["SMTP:johnc@alpineskihouse.com", "sip:john@alpineskihouse.com"]

    def test_a_user_may_keep_the_address(self, forest: Forest) -> None:
        assert forest.run("SetSipUserProperties", userDN=USER, primaryURI=URI).change.data is None

    def test_a_proxy_address_in_another_spelling_is_left_as_it_is(self, forest: Forest) -> None:
        forest.write({"proxyAddresses": ["SIP:JohnC@AlpineSkiHouse.com"]})
        assert forest.run("SetSipUserProperties", userDN=USER, primaryURI=URI).change.data is None

    def test_a_new_spelling_of_the_address_is_that_of_the_proxy_address_too(self, forest: Forest) -> None:
        before = forest.sip()
        done = forest.run("SetSipUserProperties", userDN=USER, primaryURI="sip:JohnC@AlpineSkiHouse.com")
        assert forest.sip()["msRTCSIP-PrimaryUserAddress"] == ["sip:JohnC@AlpineSkiHouse.com"]
        assert forest.sip()["proxyAddresses"] == ["SMTP:johnc@alpineskihouse.com", "sip:JohnC@AlpineSkiHouse.com"]
        assert done.undo() is Undo.UNDONE
        assert forest.sip() == before

    def test_the_address_of_another_user_is_refused(self, forest: Forest) -> None:
        forest.write({"msRTCSIP-PrimaryUserAddress": ["sip:annw@alpineskihouse.com"]}, OTHER)
        with pytest.raises(MpfError) as raised:
            forest.run("SetSipUserProperties", userDN=USER, primaryURI="sip:AnnW@alpineskihouse.com")
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS

    def test_moves_to_another_pool_and_another_policy(self, forest: Forest) -> None:
        forest.run("SetSipUserProperties", userDN=USER, homeServerDN=OTHER_POOL, meetingPolicy="Policy 1 (High)")
        assert forest.sip()["msRTCSIP-PrimaryHomeServer"] == [OTHER_POOL]
        assert forest.sip()["msRTCSIP-UserPolicy"] == [f"B:8:00000001:{HIGH}", f"B:8:00000002:{VOICE}"]

    def test_nothing_to_change_is_no_change(self, forest: Forest) -> None:
        same = {"enabled": "true", "enabledForEnhancedPresence": "1", "homeServerDN": POOL.lower(), "primaryURI": URI}
        done = forest.run("SetSipUserProperties", userDN=USER, meetingPolicy="Policy 5 (Low)", **same)
        assert done.change.data is None
        assert forest.run("SetSipUserProperties", userDN=USER).change.data is None

    def test_is_refused_for_who_is_no_sip_user(self, forest: Forest) -> None:
        with pytest.raises(MpfError) as raised:
            forest.run("SetSipUserProperties", userDN=OTHER, enabled="true")
        assert raised.value.code == Code.INVALID_OPERATION
        assert forest.sip(OTHER) == {}

    def test_a_change_in_between_makes_it_fail_and_is_kept(self, forest: Forest) -> None:
        change = forest.prepare("SetSipUserProperties", userDN=USER, ucEnabled="true")
        forest.write({"msRTCSIP-OptionFlags": ["257"]})
        with pytest.raises(MpfError):
            forest.provider.apply(forest.context("SetSipUserProperties"), change)
        assert forest.sip()["msRTCSIP-OptionFlags"] == ["257"]

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
    @given(
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    **{name: st.sampled_from(["true", "false"]) for name in BOOLEANS},
                    "primaryURI": st.sampled_from([URI, "sip:john@alpineskihouse.com", "sip:JOHNC@alpineskihouse.com"]),
                    "homeServerDN": st.sampled_from([POOL, OTHER_POOL]),
                    "meetingPolicy": st.sampled_from(["Policy 5 (Low)", "Policy 1 (High)"]),
                },
            ),
            max_size=4,
        )
    )
    def test_changes_undone_in_reverse_leave_nothing_behind(self, forest: Forest, calls: list[dict[str, str]]) -> None:
        before = forest.sip()
        done = [forest.run("SetSipUserProperties", userDN=USER, **call) for call in calls]
        for call in reversed(done):
            call.undo()
        assert forest.sip() == before


class TestGet:
    def test_returns_the_documented_names_in_their_order(self, forest: Forest) -> None:
        forest.create(
            enabledForEnhancedPresence="true",
            enabledForFederation="true",
            ucEnabled="true",
            meetingPolicy="Policy 5 (Low)",
            ucPolicy="default policy",
        )
        forest.write({"msRTCSIP-TargetHomeServer": [OTHER_POOL]})
        assert forest.read("GetSipUserProperties", userDN=USER) == [
            ("enabled", "true"),
            ("enabledForEnhancedPresence", "true"),
            ("enabledForFederation", "true"),
            ("enabledForInternetAccess", "false"),
            ("homeServerDN", POOL),
            ("instanceID", guid_in_braces(forest.entry())),
            ("primaryURI", URI),
            ("publicNetworkEnabled", "false"),
            ("targetServerDNIfMoving", OTHER_POOL),
            ("allowOrganizeMeetingWithAnonymousParticipants", "false"),
            ("meetingPolicy", "Policy 5 (Low)"),
            ("ucEnabled", "true"),
            ("ucPolicy", "Default Policy"),
        ]

    def test_what_the_directory_does_not_hold_is_false_or_missing(self, forest: Forest) -> None:
        forest.write({"msRTCSIP-PrimaryHomeServer": [POOL]})
        found = dict(forest.read("GetSipUserProperties", userDN=USER))
        assert {name: found.pop(name) for name in BOOLEANS} == dict.fromkeys(BOOLEANS, "false")
        assert sorted(found) == ["homeServerDN", "instanceID"]

    @pytest.mark.parametrize(("dn", "code"), [(OTHER, Code.INVALID_OPERATION), (f"CN=x,{CUSTOMER}", Code.NO_SUCH_OBJECT)])
    def test_who_is_no_sip_user_is_an_error(self, forest: Forest, dn: str, code: int) -> None:
        with pytest.raises(MpfError) as raised:
            forest.read("GetSipUserProperties", userDN=dn)
        assert raised.value.code == code


class TestDelete:
    def test_clears_every_sip_attribute_and_the_proxy_address(self, forest: Forest) -> None:
        forest.create(meetingPolicy="Policy 5 (Low)")
        forest.write(
            {
                "msRTCSIP-Line": ["tel:+1425550100"],
                "msRTCSIP-UserExtension": ["a=b", "c=d"],
                "msRTCSIP-OriginatorSid": [b"\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00" + bytes(16)],
                "proxyAddresses": [
                    "SMTP:johnc@alpineskihouse.com",
                    "SIP:JohnC@alpineskihouse.com",
                    "sip:old@alpineskihouse.com",
                ],
            }
        )
        before = forest.sip()
        done = forest.run("DeleteSipUser", userDN=USER)
        assert forest.sip() == {"proxyAddresses": ["SMTP:johnc@alpineskihouse.com", "sip:old@alpineskihouse.com"]}
        assert done.undo() is Undo.UNDONE
        assert forest.sip() == before
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_the_user_itself_stays(self, forest: Forest) -> None:
        forest.create()
        guid = forest.entry().octets("objectGUID")
        forest.run("DeleteSipUser", userDN=USER)
        assert forest.entry().octets("objectGUID") == guid

    def test_the_address_is_free_afterwards(self, forest: Forest) -> None:
        forest.create()
        forest.run("DeleteSipUser", userDN=USER)
        forest.create(userDN=OTHER)
        assert forest.sip(OTHER)["msRTCSIP-PrimaryUserAddress"] == [URI]

    def test_undone_keeps_what_others_added_meanwhile(self, forest: Forest) -> None:
        forest.create()
        done = forest.run("DeleteSipUser", userDN=USER)
        forest.write({"proxyAddresses": ["SMTP:johnc@alpineskihouse.com", "smtp:john@alpineskihouse.com"]})
        done.undo()
        assert forest.sip()["proxyAddresses"] == ["SMTP:johnc@alpineskihouse.com", URI, "smtp:john@alpineskihouse.com"]

    def test_is_refused_for_who_is_no_sip_user(self, forest: Forest) -> None:
        with pytest.raises(MpfError) as raised:
            forest.run("DeleteSipUser", userDN=USER)
        assert raised.value.code == Code.INVALID_OPERATION
