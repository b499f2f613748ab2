"""Users: CreateUser, ModifyUser, RenameUser, DeleteUser, EnableUser, DisableUser."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_directory.dn import Dn
from mpf_directory.port import Modification, ModifyOp
from tests.namespaces.accounts import (
    ADMINS,
    BOB,
    BOB_UPN,
    DT,
    JOHN_CALLS,
    KIMBA,
    MANAGED_AD,
    OTHER_ADMIN,
    STAFF,
    ask,
    attributes,
    control,
    create_bob,
    create_staff,
    done,
    members,
    properties,
    refused,
)
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    DOMAIN_ADMIN,
    HOSTING,
    JOHN,
    MESSENGER,
    MESSENGER_ADMIN,
    OTHER_CUSTOMER,
    Site,
    ldap,
)

SAMPLE = """
<request xmlns:dt="urn:schemas-microsoft-com:datatypes">
  <data>
    <container>LDAP://{container}</container>
    <userPrincipalName>upnMyUser1</userPrincipalName>
    <givenName>My</givenName>
    <properties>
      <property name="department"><value>Sales</value></property>
      <property name="otherTelephone"><value>1</value><value>2</value></property>
      <property name="showInAdvancedViewOnly"><value dt:dt="boolean">1</value></property>
    </properties>
    <preferredDomainController>AD01.Fabrikam.com</preferredDomainController>
  </data>
  <procedure>
    <execute namespace="Managed Active Directory" procedure="CreateUser" impersonate="1">
      <before source="data" sourcePath="container" destination="executeData" mode="move"/>
      <before source="data" sourcePath="userPrincipalName" destination="executeData" mode="move"/>
      <before source="data" sourcePath="givenName" destination="executeData" mode="move"/>
      <before source="data" sourcePath="properties" destination="executeData" mode="move"/>
      <before source="data" sourcePath="preferredDomainController" destination="executeData" mode="move"/>
      <after source="executeData" sourcePath="user" destination="data"/>
    </execute>
  </procedure>
</request>
"""


def sam(site: Site, dn: str = BOB) -> str | None:
    return site.read(dn).text("sAMAccountName")


class TestCreateUser:
    def test_the_documented_sample(self, site: Site) -> None:
        result = site.engine.execute(SAMPLE.format(container=ALPINE), ALPINE_ADMIN)
        assert result.error is None, result.document.decode()
        user = etree.fromstring(result.document).find("data/user")
        assert user is not None
        dn = f"CN=upnMyUser1,{ALPINE}"
        assert attributes(user) == {"path": site.path(dn), "name": "upnMyUser1", "samName": "upnMyUser1"}
        entry = site.read(dn)
        assert entry.text("userPrincipalName") == "upnMyUser1"
        assert entry.text("givenName") == "My"
        assert entry.text("department") == "Sales"
        assert set(entry.values("otherTelephone")) == {"1", "2"}
        assert entry.text("showInAdvancedViewOnly") == "TRUE"

    def test_every_argument_becomes_its_attribute(self, site: Site) -> None:
        given = {
            "givenName": "Bob",
            "sn": "Ross",
            "middleName": "N.",
            "initials": "BNR",
            "displayName": "Bob <Ross>",
            "description": "Paints & teaches",
        }
        user = create_bob(site, sAMAccountName="bobby", **given)
        entry = site.read(BOB)
        assert {name: entry.text(name) for name in given} == given
        assert attributes(user) == {"path": ldap(str(entry.dn)), "name": BOB_UPN, "samName": "bobby"}
        assert entry.text("cn") == entry.text("userPrincipalName") == BOB_UPN

    def test_empty_arguments_are_left_out(self, site: Site) -> None:
        create_bob(site, givenName="", description="")
        assert site.read(BOB).values("givenName") == ()

    def test_the_account_is_disabled_and_needs_a_password(self, site: Site) -> None:
        create_bob(site)
        assert control(site) == 0x202

    def test_properties_may_say_otherwise(self, site: Site) -> None:
        create_bob(site, properties(userAccountControl="66048"))
        assert control(site) == 0x10200

    def test_the_account_name_is_made_of_the_principal_name(self, site: Site) -> None:
        assert create_bob(site).get("samName") == "bob_alpineskihouse.c" == sam(site)

    def test_a_taken_account_name_gets_digits(self, site: Site) -> None:
        create_bob(site)
        upn = "bob@alpineskihouse.co.uk"
        user = done(site, "CreateUser", container=ldap(ALPINE), userPrincipalName=upn)[0]
        name = user.get("samName") or ""
        assert (name[:17], len(name), name[17:].isdigit()) == ("bob_alpineskihous", 20, True)

    def test_a_given_account_name_is_taken_as_it_stands_or_refused(self, site: Site) -> None:
        create_bob(site, sAMAccountName="bob")
        for arguments in ({"sAMAccountName": "BOB"}, {"content": properties(sAMAccountName="bob")}):
            content = arguments.pop("content", "")
            given = {"container": ldap(ALPINE), "userPrincipalName": "rob@alpineskihouse.com", **arguments}
            error = refused(site, "CreateUser", ALPINE_ADMIN, content, **given)
            assert (error.code, error.description.lower()) == (0x80071392, "the account name 'bob' is in use.")

    @pytest.mark.parametrize("upn", ["Johnc@AlpineSkiHouse.com", "Administrator@fabrikam.com", BOB_UPN.upper()])
    def test_a_name_that_somebody_logs_on_with_is_refused(self, site: Site, upn: str) -> None:
        create_bob(site)
        error = refused(site, "CreateUser", DOMAIN_ADMIN, container=ldap(ALPINE), userPrincipalName=upn)
        assert (error.code, error.description) == (0x80071392, f"The user principal name '{upn}' is in use.")

    @pytest.mark.parametrize(
        "upn",
        [
            "bob@\uff46ourthcoffee.com",
            "bob@fourthcoffee.com\u200b",
            "bob@example.\u017fhop",
            "bob@\u212aitchen.example",
            "bob@fourthcoffee.com.",
            "bob@four_thcoffee.com",
            "bob@-fourthcoffee.com",
            "bob@fourthcoffee..com",
            "bob@fourth coffee.com",
            "bob@",
            "b\u200bob@alpineskihouse.com",
        ],
    )
    def test_what_follows_the_at_sign_is_a_domain_name(self, site: Site, upn: str) -> None:
        """Or another spelling would be the same name for a directory, and another one for the policy."""
        error = refused(site, "CreateUser", DOMAIN_ADMIN, container=ldap(ALPINE), userPrincipalName=upn)
        assert error.code == 0x80070057
        assert "userPrincipalName" in error.description

    def test_an_account_name_that_would_be_anothers_principal_name_is_passed_over(self, site: Site) -> None:
        create_bob(site, sAMAccountName="bob")
        site.directory.modify(Dn.parse(BOB), [Modification("userPrincipalName", ModifyOp.REPLACE, ("rob@fabrikam.com",))])
        user = done(site, "CreateUser", container=ldap(ALPINE), userPrincipalName="rob")[0]
        assert (user.get("samName") or "").startswith("rob")
        assert len(user.get("samName") or "") == 6

    @pytest.mark.parametrize(
        ("policy", "organization", "name"),
        [
            ("customer", ALPINE, "AlpineSkiHouse"),
            ("Reseller", MESSENGER, "ConsolidatedMessenger"),
            ("hosting", HOSTING, "Hosting"),
        ],
    )
    def test_a_policy_makes_it_a_member(self, site: Site, policy: str, organization: str, name: str) -> None:
        given = {"container": ldap(organization), "userPrincipalName": "bob", "policyName": policy}
        done(site, "CreateUser", DOMAIN_ADMIN, **given)
        assert Dn.parse(f"CN=bob,{organization}") in members(site, f"CN=AllUsers@{name},CN=_Private,{organization}")

    def test_the_default_policy_makes_it_a_member_of_nothing(self, site: Site) -> None:
        create_bob(site, policyName="default")
        assert site.read(BOB).values("memberOf") == ()
        done(site, "CreateUser", container=ldap(ALPINE), userPrincipalName="ann")
        assert site.read(f"CN=ann,{ALPINE}").values("memberOf") == ()

    def test_a_container_that_does_not_correspond_to_the_policy(self, site: Site) -> None:
        given = {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}
        assert refused(site, "CreateUser", **given, policyName="reseller").code == 0x80131509
        assert refused(site, "CreateUser", **given, policyName="gold").code == 0x80070057

    def test_twice_is_refused(self, site: Site) -> None:
        create_bob(site)
        error = refused(site, "CreateUser", container=ldap(ALPINE), userPrincipalName=BOB_UPN)
        assert error.code == 0x80071392

    def test_a_container_that_is_not_there(self, site: Site) -> None:
        error = refused(site, "CreateUser", DOMAIN_ADMIN, container=ldap(f"OU=Gone,{ALPINE}"), userPrincipalName="x")
        assert error.code == 0x80072030

    @pytest.mark.parametrize("name", ["container", "userPrincipalName"])
    def test_required_arguments(self, site: Site, name: str) -> None:
        given = {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}
        error = refused(site, "CreateUser", DOMAIN_ADMIN, **{**given, name: ""})
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")
        del given[name]
        error = refused(site, "CreateUser", DOMAIN_ADMIN, **given)
        assert (error.code, error.description) == (0x80070057, f"The required argument {name} was not supplied.")

    def test_account_names_are_short(self, site: Site) -> None:
        given = {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}
        assert refused(site, "CreateUser", **given, sAMAccountName="x" * 21).code == 0x80070057
        assert refused(site, "CreateUser", **given, sAMAccountName="a/b").code == 0x80070057

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("unicodePwd", "Secret-1"),
            ("USERPASSWORD", "Secret-1"),
            ("primaryGroupID", "512"),
            ("userAccountControl", str(0x80200)),
            ("userAccountControl", str(0x220)),
            ("userAccountControl", str(0x280)),
            ("userAccountControl", str(0x200200)),
            ("userAccountControl", str(0x400200)),
            ("userAccountControl", str(0x400200 - 2**32)),
            ("userAccountControl", "many"),
            ("nTSecurityDescriptor", "x"),
            ("msDS-AllowedToActOnBehalfOfOtherIdentity", "x"),
            ("1.2.840.113556.1.4.98", "512"),
            ("OID.1.2.840.113556.1.4.98", "512"),
            ("department;lang-de", "x"),
            (" primaryGroupID", "512"),
            ("primaryGroupID ", "512"),
            ("msRTCSIP-PrimaryUserAddress", "sip:bob@alpineskihouse.com"),
            ("servicePrincipalName", "http/dc"),
            ("msDS-SupportedEncryptionTypes", "1"),
        ],
    )
    def test_properties_that_accounts_are_not_given(self, site: Site, name: str, value: str) -> None:
        given = {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}
        error = refused(site, "CreateUser", DOMAIN_ADMIN, properties(**{name: value}), **given)
        assert error.code == 0x80070057
        assert name in error.description
        assert "Secret" not in error.description


class TestModifyUser:
    def test_changes_what_is_given_and_nothing_else(self, site: Site) -> None:
        create_bob(site, givenName="Bob", sn="Ross")
        before = site.snapshot()
        assert len(done(site, "ModifyUser", user=ldap(BOB), sn="Smith", displayName="Bob Smith")) == 0
        after = site.snapshot()
        name = str(site.read(BOB).dn)
        expected = {**before[name], "sn": frozenset({"Smith"}), "displayName": frozenset({"Bob Smith"})}
        assert after == {**before, name: expected}

    def test_an_empty_argument_clears(self, site: Site) -> None:
        create_bob(site, givenName="Bob", description="old")
        done(site, "ModifyUser", user=ldap(BOB), givenName="", description="")
        assert site.read(BOB).values("givenName") == ()
        assert site.read(BOB).values("description") == ()

    def test_the_documented_forms_of_properties(self, site: Site) -> None:
        create_bob(site, properties(otherTelephone="1", department="old"))
        content = (
            f"<properties {DT}>"
            '<property name="userAccountControl">512</property>'
            '<property name="otherTelephone" mode="append"><value>2</value><value>3</value></property>'
            '<property name="otherTelephone" mode="delete"><value>1</value></property>'
            '<property name="department" mode="clear"/>'
            "</properties>"
        )
        done(site, "ModifyUser", ALPINE_ADMIN, content, user=ldap(BOB))
        entry = site.read(BOB)
        assert control(site) == 512
        assert set(entry.values("otherTelephone")) == {"2", "3"}
        assert entry.values("department") == ()

    def test_names_to_log_on_with(self, site: Site) -> None:
        create_bob(site)
        done(site, "ModifyUser", user=ldap(BOB), userPrincipalName="rob@alpineskihouse.com", sAMAccountName="rob")
        entry = site.read(BOB)
        assert (entry.text("userPrincipalName"), entry.text("sAMAccountName")) == ("rob@alpineskihouse.com", "rob")

    def test_names_may_be_written_again_or_otherwise(self, site: Site) -> None:
        create_bob(site, sAMAccountName="bob")
        done(site, "ModifyUser", user=ldap(BOB), userPrincipalName=BOB_UPN, sAMAccountName="Bob")
        assert sam(site) == "Bob"

    @pytest.mark.parametrize(
        "arguments",
        [
            {"userPrincipalName": "johnc@alpineskihouse.com"},
            {"userPrincipalName": "Administrator@fabrikam.com"},
            {"sAMAccountName": "Administrator"},
        ],
        ids=str,
    )
    def test_anothers_names_are_refused(self, site: Site, arguments: dict[str, str]) -> None:
        create_bob(site)
        assert refused(site, "ModifyUser", DOMAIN_ADMIN, user=ldap(BOB), **arguments).code == 0x80071392

    def test_nothing_to_change_changes_nothing(self, site: Site) -> None:
        create_bob(site)
        before = site.snapshot()
        done(site, "ModifyUser", user=ldap(BOB))
        done(site, "ModifyUser", ALPINE_ADMIN, "<properties/>", user=ldap(BOB))
        assert site.snapshot() == before

    def test_all_or_nothing(self, site: Site) -> None:
        create_bob(site)
        assert refused(site, "ModifyUser", ALPINE_ADMIN, properties(noSuchAttribute="1"), user=ldap(BOB), sn="Smith").code

    @pytest.mark.parametrize(
        "name",
        [
            "unicodePwd",
            "userPassword",
            "unixUserPassword",
            "msRTCSIP-UserEnabled",
            "sIDHistory",
            "primaryGroupID",
            "mS-DS-ConsistencyGuid",
            "msExchMasterAccountSid",
            "msDS-AssignedAuthNPolicy",
        ],
    )
    def test_properties_that_accounts_are_not_given(self, site: Site, name: str) -> None:
        create_bob(site)
        error = refused(site, "ModifyUser", DOMAIN_ADMIN, properties(**{name: "Secret-1"}), user=ldap(BOB))
        assert error.code == 0x80070057
        assert "Secret" not in error.description

    def test_an_organization_is_no_user(self, site: Site) -> None:
        content = properties(otherWellKnownObjects=f"B:32:EA755D448CE64157A20E82B7CCBE14B0:CN=reseller,{ALPINE}")
        assert refused(site, "ModifyUser", ALPINE_ADMIN, content, user=ldap(ALPINE)).code == 0x80005004


class TestRenameUser:
    def test_gives_another_name_and_returns_the_path(self, site: Site) -> None:
        create_staff(site)
        create_bob(site)
        done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(BOB))
        before = site.read(BOB)
        data = done(site, "RenameUser", user=ldap(BOB), newName="robert@alpineskihouse.com")
        new = f"CN=robert@alpineskihouse.com,{ALPINE}"
        assert [(child.tag, child.text) for child in data] == [("path", ldap(str(site.read(new).dn)))]
        assert site.find(BOB) is None
        for name in ("objectGUID", "sAMAccountName", "userPrincipalName"):
            assert site.read(new).values(name) == before.values(name)
        assert members(site, STAFF) == {Dn.parse(new)}

    def test_a_comma_is_a_part_of_the_name(self, site: Site) -> None:
        create_bob(site)
        done(site, "RenameUser", user=ldap(BOB), newName="Ross, Bob")
        assert site.find(f"CN=Ross\\, Bob,{ALPINE}") is not None

    def test_a_taken_name(self, site: Site) -> None:
        create_bob(site)
        assert refused(site, "RenameUser", user=ldap(BOB), newName="Johnc@AlpineSkiHouse.com").code == 0x80071392

    def test_the_same_name_is_no_change(self, site: Site) -> None:
        create_bob(site)
        before = site.snapshot()
        done(site, "RenameUser", user=ldap(BOB), newName=BOB_UPN)
        assert site.snapshot() == before

    def test_an_empty_name(self, site: Site) -> None:
        error = refused(site, "RenameUser", user=ldap(JOHN), newName="")
        assert (error.code, error.description) == (0x80070057, "The argument 'newName' cannot be null.")


class TestDeleteUser:
    def test_leaves_nothing_of_it(self, site: Site) -> None:
        create_staff(site)
        before = site.snapshot()
        create_bob(site)
        done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(BOB))
        assert len(done(site, "DeleteUser", user=ldap(BOB))) == 0
        assert site.snapshot() == before

    def test_twice_is_an_error(self, site: Site) -> None:
        create_bob(site)
        done(site, "DeleteUser", user=ldap(BOB))
        error = refused(site, "DeleteUser", DOMAIN_ADMIN, user=ldap(BOB))
        assert error.code == 0x80072030
        assert error.description.startswith(f"Unable to open object '{ldap(BOB)}'./There is no such object on the server.")

    def test_the_names_are_free_again(self, site: Site) -> None:
        first = create_bob(site)
        done(site, "DeleteUser", user=ldap(BOB))
        assert create_bob(site).get("samName") == first.get("samName")

    @pytest.mark.parametrize("dn", [ALPINE, ADMINS, f"CN=_Private,{ALPINE}"])
    def test_only_users_are_deleted(self, site: Site, dn: str) -> None:
        error = refused(site, "DeleteUser", user=ldap(dn))
        assert (error.code, error.description) == (0x80005004, f"The object '{ldap(dn)}' is no user.")


class TestEnableAndDisable:
    def test_only_that_bit_is_changed(self, site: Site) -> None:
        create_bob(site, properties(userAccountControl=str(0x10202)))
        assert len(done(site, "EnableUser", user=ldap(BOB))) == 0
        assert control(site) == 0x10200
        assert len(done(site, "DisableUser", user=ldap(BOB))) == 0
        assert control(site) == 0x10202

    @pytest.mark.parametrize("procedure", ["EnableUser", "DisableUser"])
    def test_twice_is_once(self, site: Site, procedure: str) -> None:
        done(site, procedure, user=ldap(JOHN))
        before = site.snapshot()
        done(site, procedure, user=ldap(JOHN))
        assert site.snapshot() == before

    def test_a_disabled_user_is_no_caller_any_more(self, site: Site) -> None:
        done(site, "DisableUser", user=ldap(JOHN))
        error = ask(site, "ChangeUserPassword", JOHN_CALLS, user=ldap(JOHN), oldPassword="a", newPassword="b").error
        assert error is not None
        assert (error.code, "disabled" in error.description) == (0x80070005, True)

    @pytest.mark.parametrize("procedure", ["EnableUser", "DisableUser"])
    def test_groups_have_no_account(self, site: Site, procedure: str) -> None:
        assert refused(site, procedure, user=ldap(ADMINS)).code == 0x80005004


class TestWhoMay:
    CALLS = (
        ("CreateUser", {"container": ldap(ALPINE), "userPrincipalName": BOB_UPN}),
        ("ModifyUser", {"user": ldap(JOHN), "sn": "Clark"}),
        ("RenameUser", {"user": ldap(JOHN), "newName": "John"}),
        ("DeleteUser", {"user": ldap(JOHN)}),
        ("EnableUser", {"user": ldap(JOHN)}),
        ("DisableUser", {"user": ldap(JOHN)}),
    )

    @pytest.mark.parametrize(("procedure", "arguments"), CALLS, ids=[name for name, _ in CALLS])
    def test_administrators_of_the_organization_and_above_it(
        self, site: Site, procedure: str, arguments: dict[str, str]
    ) -> None:
        for caller in (OTHER_ADMIN, JOHN_CALLS):
            assert refused(site, procedure, caller, **arguments).code == 0x80070005
        done(site, procedure, MESSENGER_ADMIN, **arguments)

    def test_not_in_another_organization(self, site: Site) -> None:
        assert refused(site, "CreateUser", container=ldap(OTHER_CUSTOMER), userPrincipalName=BOB_UPN).code == 0x80070005
        assert refused(site, "DeleteUser", user=ldap(KIMBA)).code == 0x80070005

    def test_private_procedures_are_not_for_requests(self, site: Site) -> None:
        for procedure in ("CreateUser_", "CreateSamObject_"):
            result = site.submit(procedure, ALPINE_ADMIN, {"container": ldap(ALPINE)}, MANAGED_AD)
            assert result.error is not None
            assert result.error.code == 0x80070005
