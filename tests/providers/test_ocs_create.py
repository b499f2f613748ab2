"""CreateSipUser: the attributes and bits that it writes, what it refuses, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.provider import Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_directory.dn import Dn
from tests.providers.ocs_forest import (
    CUSTOMER,
    HIGH,
    LOW,
    OTHER,
    RTC,
    URI,
    USER,
    VOICE,
    Directories,
    Forest,
    home,
    policy_content,
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


class TestCreate:
    def test_writes_what_the_original_writes(self, forest: Forest) -> None:
        before = forest.entry().values("objectClass")
        forest.create(enabledForEnhancedPresence="true")
        assert forest.sip() == {
            "msRTCSIP-ArchivingEnabled": ["0"],
            "msRTCSIP-FederationEnabled": ["FALSE"],
            "msRTCSIP-InternetAccessEnabled": ["FALSE"],
            "msRTCSIP-OptionFlags": ["256"],
            "msRTCSIP-PrimaryHomeServer": [POOL],
            "msRTCSIP-PrimaryUserAddress": [URI],
            "msRTCSIP-UserEnabled": ["TRUE"],
            "proxyAddresses": ["SMTP:johnc@alpineskihouse.com", URI],
        }
        assert forest.entry().values("objectClass") == before

    def test_writes_every_argument_to_its_attribute_or_bit(self, forest: Forest) -> None:
        given = {**dict.fromkeys(BOOLEANS, "true"), "enabled": "false"}
        forest.create(**given, meetingPolicy="policy 5 (LOW)", ucPolicy="Default Policy")
        written = forest.sip()
        assert written["msRTCSIP-UserEnabled"] == ["FALSE"]
        assert written["msRTCSIP-FederationEnabled"] == ["TRUE"]
        assert written["msRTCSIP-InternetAccessEnabled"] == ["TRUE"]
        assert written["msRTCSIP-OptionFlags"] == [str(1 + 64 + 128 + 256)]
        assert written["msRTCSIP-UserPolicy"] == [f"B:8:00000001:{LOW}", f"B:8:00000002:{VOICE}"]

    @pytest.mark.parametrize(("text", "written"), [("1", "TRUE"), ("true", "TRUE"), ("0", "FALSE"), ("false", "FALSE")])
    def test_reads_booleans_as_xml_schema_writes_them(self, forest: Forest, text: str, written: str) -> None:
        forest.create(enabledForFederation=text)
        assert forest.sip()["msRTCSIP-FederationEnabled"] == [written]

    def test_keeps_bits_and_policies_that_are_not_its_own(self, forest: Forest) -> None:
        presence = f"B:8:00000005:{HIGH}"
        forest.write({"msRTCSIP-OptionFlags": ["514"], "msRTCSIP-UserPolicy": [presence]})
        forest.create(meetingPolicy="Policy 5 (Low)", ucEnabled="true")
        assert forest.sip()["msRTCSIP-OptionFlags"] == [str(514 + 128)]
        assert forest.sip()["msRTCSIP-UserPolicy"] == [f"B:8:00000001:{LOW}", presence]

    def test_keeps_an_equal_proxy_address_as_it_is(self, forest: Forest) -> None:
        forest.write({"proxyAddresses": ["SIP:JohnC@AlpineSkiHouse.com"]})
        done = forest.create()
        assert forest.sip()["proxyAddresses"] == ["SIP:JohnC@AlpineSkiHouse.com"]
        done.undo()
        assert forest.sip() == {"proxyAddresses": ["SIP:JohnC@AlpineSkiHouse.com"]}

    def test_undone_leaves_the_user_as_it_was(self, forest: Forest) -> None:
        forest.write({"msRTCSIP-OptionFlags": ["2"]})
        before = forest.sip()
        done = forest.create(meetingPolicy="Policy 5 (Low)", publicNetworkEnabled="true")
        assert done.undo() is Undo.UNDONE
        assert forest.sip() == before
        assert done.undo() is Undo.NOTHING_TO_UNDO

    def test_undone_keeps_what_others_added_meanwhile(self, forest: Forest) -> None:
        done = forest.create()
        forest.write({"proxyAddresses": ["SMTP:johnc@alpineskihouse.com", URI, "smtp:john@alpineskihouse.com"]})
        done.undo()
        assert forest.sip() == {"proxyAddresses": ["SMTP:johnc@alpineskihouse.com", "smtp:john@alpineskihouse.com"]}

    def test_the_user_follows_a_rename_of_the_organization(self, forest: Forest) -> None:
        from mpf_directory.dn import Dn

        done = forest.create()
        moved = CUSTOMER.replace("AlpineSkiHouse", "Alpine")
        forest.directory.rename(Dn.parse(CUSTOMER), Dn.parse(moved))
        assert done.undo() is Undo.UNDONE
        assert "msRTCSIP-PrimaryUserAddress" not in forest.sip(USER.replace(CUSTOMER, moved))

    def test_is_refused_for_a_sip_user(self, forest: Forest) -> None:
        forest.create()
        before = forest.sip()
        with pytest.raises(MpfError) as raised:
            forest.create(primaryURI="sip:john@alpineskihouse.com")
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS
        assert "already" in raised.value.description
        assert forest.sip() == before

    @pytest.mark.parametrize(
        ("argument", "text", "code"),
        [
            ("primaryURI", "johnc@alpineskihouse.com", Code.E_INVALIDARG),
            ("primaryURI", "sip:johnc@224.0.0.1", Code.E_INVALIDARG),
            ("userDN", f"CN=Nobody,{CUSTOMER}", Code.NO_SUCH_OBJECT),
            ("userDN", "LDAP://CN=x", 0x80005000),
            ("homeServerDN", home("pool09"), Code.NO_SUCH_OBJECT),
            ("homeServerDN", f"CN=pool01,CN=Pools,{RTC}", Code.E_INVALIDARG),
            ("homeServerDN", USER, Code.E_INVALIDARG),
            ("homeServerDN", "", Code.E_INVALIDARG),
            ("meetingPolicy", "Policy 9", Code.NO_SUCH_OBJECT),
            ("meetingPolicy", "Default Policy", Code.NO_SUCH_OBJECT),
            ("ucPolicy", "Policy 5 (Low)", Code.NO_SUCH_OBJECT),
        ],
    )
    def test_wrong_arguments_are_refused_before_anything_is_written(
        self, forest: Forest, argument: str, text: str, code: int
    ) -> None:
        before = forest.sip()
        with pytest.raises(MpfError) as raised:
            forest.create(**{argument: text})
        assert raised.value.code == code
        assert forest.sip() == before

    def test_the_home_server_is_found_without_regard_to_case(self, forest: Forest) -> None:
        forest.create(homeServerDN=POOL.upper())
        assert forest.sip()["msRTCSIP-PrimaryHomeServer"] == [POOL]

    def test_two_policies_of_one_name_are_no_choice(self, forest: Forest) -> None:
        forest.policy(f"CN=twin,CN=Policies,{RTC}", "meeting", policy_content("policy 5 (low)"))
        with pytest.raises(MpfError) as raised:
            forest.create(meetingPolicy="Policy 5 (Low)")
        assert raised.value.code == Code.INVALID_OPERATION

    @pytest.mark.parametrize("content", [None, "no xml", "<instance/>", '<instance><property name="Name"/></instance>'])
    def test_a_policy_whose_content_names_none_is_called_as_its_object(self, forest: Forest, content: str | None) -> None:
        forest.policy(f"CN=Plain,CN=Policies,{RTC}", "meeting", content)
        forest.create(meetingPolicy="plain")
        assert forest.sip()["msRTCSIP-UserPolicy"] == [f"B:8:00000001:CN=Plain,CN=Policies,{RTC}"]

    def test_the_preferred_domain_controller_is_asked(self, forest: Forest) -> None:
        forest.create(preferredDomainController="AD01.Fabrikam.com")
        assert forest.directories.asked[0] == ("MPFServiceAcct", "AD01.Fabrikam.com")


class TestUniqueAddress:
    @pytest.mark.parametrize(
        "attributes",
        [
            {"msRTCSIP-PrimaryUserAddress": [URI]},
            {"msRTCSIP-PrimaryUserAddress": ["SIP:JohnC@AlpineSkiHouse.com"]},
            {"proxyAddresses": ["smtp:x@fabrikam.com", "SIP:JOHNC@alpineskihouse.com"]},
        ],
    )
    def test_an_address_that_another_object_has_is_refused(self, forest: Forest, attributes: dict[str, list[str]]) -> None:
        forest.write(attributes, OTHER)
        with pytest.raises(MpfError) as raised:
            forest.create()
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS
        assert URI in raised.value.description
        assert "Annw" not in raised.value.description

    def test_an_address_that_contains_a_pattern_is_no_pattern(self, forest: Forest) -> None:
        forest.write({"proxyAddresses": [URI]}, OTHER)
        forest.create(primaryURI="sip:*@alpineskihouse.com")
        assert forest.sip()["msRTCSIP-PrimaryUserAddress"] == ["sip:*@alpineskihouse.com"]

    def test_the_address_is_locked_for_the_transaction_in_its_normal_form(self, forest: Forest) -> None:
        forest.prepare(
            "CreateSipUser", userDN=USER, enabled="true", homeServerDN=POOL, primaryURI="SIP:JohnC@AlpineSkiHouse.com"
        )
        user, pool = Dn.parse(USER).normalised, Dn.parse(POOL).normalised
        assert forest.locked == [f"object:{user}", f"attributes:{user}", f"sip-uri:{URI}", f"object:{pool}"]

    def test_an_address_in_an_organization_that_the_caller_cannot_see_is_refused(self, forest: Forest) -> None:
        class Blind:
            def __getattr__(self, name: str) -> object:
                return getattr(forest.directory, name)

            def search(self, *_: object, **__: object) -> Iterator[object]:
                return iter(())

        forest.write({"proxyAddresses": [URI]}, OTHER)
        forest.identity = Identity(IdentityKind.CALLER, "admin@alpineskihouse.com")
        forest.provider.__init__(Directories(Blind(), forest.directory))  # type: ignore[arg-type, misc]
        with pytest.raises(MpfError) as raised:
            forest.create()
        assert raised.value.code == Code.OBJECT_ALREADY_EXISTS


class TestOtherObjects:
    @pytest.mark.parametrize("procedure", ["CreateSipUser", "SetSipUserProperties", "DeleteSipUser", "GetSipUserProperties"])
    @pytest.mark.parametrize("class_", ["organizationalUnit", "group", "computer", "container"])
    def test_only_users_and_contacts_are_sip_users(self, forest: Forest, procedure: str, class_: str) -> None:
        dn = (
            f"OU=Other,{CUSTOMER.split(',', 1)[1]}"
            if class_ == "organizationalUnit"
            else f"CN=Other,{CUSTOMER.split(',', 1)[1]}"
        )
        forest.put(dn, class_)
        arguments = {"homeServerDN": POOL, "primaryURI": URI, "enabled": "true"} if procedure == "CreateSipUser" else {}
        ask = forest.read if procedure.startswith("Get") else forest.run
        with pytest.raises(MpfError) as raised:
            ask(procedure, userDN=dn, **arguments)
        assert (raised.value.code, raised.value.description) == (0x80005004, f"The object '{dn}' is no user or contact.")
        assert not any(key.startswith("sip-uri:") for key in forest.locked)

    def test_a_contact_may_be_one(self, forest: Forest) -> None:
        dn = f"CN=Ann,{CUSTOMER.split(',', 1)[1]}"
        forest.put(dn, "contact")
        forest.create(userDN=dn)
        assert forest.sip(dn)["msRTCSIP-PrimaryUserAddress"] == [URI]
