"""Groups and memberships: CreateGroup, RenameGroup, DeleteGroup, GroupAdd, GroupRemove, and the private procedures below."""

from __future__ import annotations

import pytest
from lxml import etree

from mpf_directory.dn import Dn
from tests.namespaces.accounts import (
    ADMINS,
    ALL_USERS,
    JOHN_CALLS,
    KIMBA,
    MANAGED_AD,
    OTHER_ADMIN,
    OTHER_GROUP,
    STAFF,
    attributes,
    create_staff,
    done,
    members,
    properties,
    refused,
)
from tests.namespaces.support import ALPINE, DOMAIN_ADMIN, JOHN, MESSENGER_ADMIN, OTHER_CUSTOMER, Site, ldap

TYPES = {
    "UNIVERSAL SECURITY": "-2147483640",
    "GLOBAL SECURITY": "-2147483646",
    "DOMAIN LOCAL SECURITY": "-2147483644",
    "UNIVERSAL DISTRIBUTION": "8",
    "GLOBAL DISTRIBUTION": "2",
    "DOMAIN LOCAL DISTRIBUTION": "4",
}
CREW = f"CN=Crew,{ALPINE}"


def create(site: Site, name: str, content: str = "") -> etree._Element:
    """CreateGroup_, as a composition calls it."""
    result = site.submit_raw(
        MANAGED_AD, "CreateGroup_", f"<container>{ldap(ALPINE)}</container><name>{name}</name>{content}"
    )
    assert result.error is None, result.document.decode()
    group = etree.fromstring(result.document).find("data/group")
    assert group is not None
    return group


class TestCreateGroup:
    def test_returns_where_it_is_and_what_it_is_called(self, site: Site) -> None:
        group = create_staff(site, preferredDomainController=site.server, description="All who teach")
        assert attributes(group) == {"path": site.path(STAFF), "name": "Instructors", "samName": "Instructors"}
        entry = site.read(STAFF)
        assert entry.text("sAMAccountName") == "Instructors"
        assert entry.text("description") == "All who teach"
        assert entry.text("groupType") == TYPES["UNIVERSAL SECURITY"]
        assert entry.values("member") == ()

    @pytest.mark.parametrize("kind", TYPES)
    def test_its_scope_and_kind(self, site: Site, kind: str) -> None:
        create_staff(site, groupType=kind)
        assert site.read(STAFF).text("groupType") == TYPES[kind]

    def test_policies_give_groups_no_memberships_of_ours(self, site: Site) -> None:
        for policy in ("default", "customer"):
            done(site, "CreateGroup", container=ldap(ALPINE), name=policy, policyName=policy)
            assert site.read(f"CN={policy},{ALPINE}").values("memberOf") == ()

    def test_an_unknown_type(self, site: Site) -> None:
        assert refused(site, "CreateGroup", container=ldap(ALPINE), name="x", groupType="SECURE").code == 0x80070057

    def test_twice_is_refused(self, site: Site) -> None:
        create_staff(site)
        assert refused(site, "CreateGroup", container=ldap(ALPINE), name="Instructors").code == 0x80071392

    @pytest.mark.parametrize("name", ["container", "name"])
    def test_required_arguments(self, site: Site, name: str) -> None:
        given = {"container": ldap(ALPINE), "name": "Instructors", name: ""}
        error = refused(site, "CreateGroup", DOMAIN_ADMIN, **given)
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")

    def test_the_same_name_elsewhere_has_another_account_name(self, site: Site) -> None:
        create_staff(site)
        done(site, "CreateGroup", OTHER_ADMIN, container=ldap(OTHER_CUSTOMER), name="Instructors")
        other = site.read(f"CN=Instructors,{OTHER_CUSTOMER}").text("sAMAccountName") or ""
        assert (other[:11], len(other), other[11:].isdigit()) == ("Instructors", 14, True)


class TestCreateGroupForCompositions:
    def test_an_account_name_as_the_organizations_groups_have_it(self, site: Site) -> None:
        assert create(site, "Things@Reseller1", "<samName>T@Reseller1</samName>").get("samName") == "T@Reseller1"
        again = create(site, "More@Reseller1", "<samName>T@Reseller1</samName>").get("samName") or ""
        assert (again[:11], len(again)) == ("T@Reseller1", 14)

    def test_it_is_cut(self, site: Site) -> None:
        sam = create(site, "Team", "<samName>AC@TheWholeWideWorldToo</samName>").get("samName")
        assert sam == "AC@TheWholeWideWorld"

    def test_without_one_the_name_counts(self, site: Site) -> None:
        assert create(site, "Team@AlpineSkiHouse.").get("samName") == "Team_AlpineSkiHouse_"

    def test_more_properties(self, site: Site) -> None:
        create(site, "Crew", properties(mail="crew@alpineskihouse.com", sAMAccountName="thecrew"))
        entry = site.read(CREW)
        assert (entry.text("mail"), entry.text("sAMAccountName")) == ("crew@alpineskihouse.com", "thecrew")

    def test_members_are_not_a_property(self, site: Site) -> None:
        content = f"<container>{ldap(ALPINE)}</container><name>Crew</name>{properties(member=KIMBA)}"
        error = site.submit_raw(MANAGED_AD, "CreateGroup_", content).error
        assert error is not None
        assert error.code == 0x80070057
        assert site.find(CREW) is None


class TestRenameGroup:
    def test_gives_another_name_and_returns_the_path(self, site: Site) -> None:
        create_staff(site)
        before = site.read(STAFF)
        data = done(site, "RenameGroup", group=ldap(STAFF), newName="Teachers")
        new = f"CN=Teachers,{ALPINE}"
        assert [(child.tag, child.text) for child in data] == [("path", ldap(str(site.read(new).dn)))]
        assert site.find(STAFF) is None
        for name in ("objectGUID", "sAMAccountName", "member"):
            assert site.read(new).values(name) == before.values(name)

    def test_a_taken_name(self, site: Site) -> None:
        create_staff(site)
        assert refused(site, "RenameGroup", group=ldap(STAFF), newName="Admins@AlpineSkiHouse").code == 0x80071392

    def test_a_user_is_no_group(self, site: Site) -> None:
        assert refused(site, "RenameGroup", group=ldap(JOHN), newName="John").code == 0x80005004


class TestDeleteGroup:
    def test_leaves_nothing_of_it(self, site: Site) -> None:
        before = site.snapshot()
        create_staff(site)
        done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(JOHN))
        done(site, "GroupAdd", group=ldap(ALL_USERS), newMember=ldap(STAFF))
        assert len(done(site, "DeleteGroup", group=ldap(STAFF))) == 0
        assert site.snapshot() == before

    def test_twice_is_an_error(self, site: Site) -> None:
        create_staff(site)
        done(site, "DeleteGroup", group=ldap(STAFF))
        assert refused(site, "DeleteGroup", group=ldap(STAFF)).code == 0x80072030

    def test_users_and_organizations_are_no_groups(self, site: Site) -> None:
        for dn in (JOHN, ALPINE):
            assert refused(site, "DeleteGroup", group=ldap(dn)).code == 0x80005004


class TestGroupAdd:
    def test_adds_users_and_groups(self, site: Site) -> None:
        create_staff(site)
        for dn in (JOHN, ADMINS):
            assert len(done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(dn))) == 0
        assert members(site, STAFF) == {Dn.parse(JOHN), Dn.parse(ADMINS)}

    def test_a_member_already(self, site: Site) -> None:
        error = refused(site, "GroupAdd", group=ldap(ALL_USERS), newMember=ldap(JOHN))
        assert error.code == 0x80071392

    def test_a_member_that_is_not_there(self, site: Site) -> None:
        error = refused(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(f"CN=Nobody,{ALPINE}"))
        assert error.code == 0x80072030
        create_staff(site)
        error = refused(site, "GroupAdd", DOMAIN_ADMIN, group=ldap(STAFF), newMember=ldap(f"CN=Nobody,{ALPINE}"))
        assert error.code == 0x80072030

    def test_into_groups_only(self, site: Site) -> None:
        assert refused(site, "GroupAdd", group=ldap(ALPINE), newMember=ldap(JOHN)).code == 0x80005004

    @pytest.mark.parametrize("name", ["group", "newMember"])
    def test_required_arguments(self, site: Site, name: str) -> None:
        given = {"group": ldap(ADMINS), "newMember": ldap(JOHN), name: ""}
        error = refused(site, "GroupAdd", DOMAIN_ADMIN, **given)
        assert (error.code, error.description) == (0x80070057, f"The argument '{name}' cannot be null.")

    def test_both_must_be_in_the_callers_reach(self, site: Site) -> None:
        for arguments in (
            {"group": ldap(ADMINS), "newMember": ldap(KIMBA)},
            {"group": ldap(OTHER_GROUP), "newMember": ldap(JOHN)},
        ):
            assert refused(site, "GroupAdd", **arguments).code == 0x80070005
        done(site, "GroupAdd", DOMAIN_ADMIN, group=ldap(OTHER_GROUP), newMember=ldap(JOHN))


class TestGroupRemove:
    def test_removes_the_member(self, site: Site) -> None:
        create_staff(site)
        before = site.snapshot()
        done(site, "GroupAdd", group=ldap(STAFF), newMember=ldap(JOHN))
        assert len(done(site, "GroupRemove", group=ldap(STAFF), member=ldap(JOHN))) == 0
        assert site.snapshot() == before

    def test_no_member(self, site: Site) -> None:
        assert refused(site, "GroupRemove", group=ldap(ADMINS), member=ldap(JOHN)).code == 0x80072035

    def test_both_must_be_in_the_callers_reach(self, site: Site) -> None:
        for arguments in (
            {"group": ldap(ADMINS), "member": ldap(KIMBA)},
            {"group": ldap(OTHER_GROUP), "member": ldap(JOHN)},
        ):
            assert refused(site, "GroupRemove", **arguments).code == 0x80070005


class TestSetGroupMemberships:
    def test_adds_where_it_is_no_member_yet(self, site: Site) -> None:
        create_staff(site)
        before = members(site, ALL_USERS)
        groups = "".join(f"<group>{ldap(dn)}</group>" for dn in (ALL_USERS, STAFF))
        content = f"<object>{ldap(JOHN)}</object><groups>{groups}</groups>"
        assert site.submit_raw(MANAGED_AD, "SetGroupMemberships_", content).error is None
        assert members(site, STAFF) == {Dn.parse(JOHN)}
        assert members(site, ALL_USERS) == before

    def test_no_groups_are_fine_and_missing_ones_are_not(self, site: Site) -> None:
        before = site.snapshot()
        content = f"<object>{ldap(JOHN)}</object>"
        assert site.submit_raw(MANAGED_AD, "SetGroupMemberships_", f"{content}<groups/>").error is None
        groups = f"<groups><group>{ldap(ADMINS)}</group><group>{ldap(STAFF)}</group></groups>"
        error = site.submit_raw(MANAGED_AD, "SetGroupMemberships_", content + groups).error
        assert error is not None
        assert error.code == 0x80072030
        assert site.snapshot() == before


class TestWhoMay:
    CALLS = (
        ("CreateGroup", {"container": ldap(ALPINE), "name": "Crew"}),
        ("RenameGroup", {"group": ldap(ADMINS), "newName": "Leaders"}),
        ("GroupAdd", {"group": ldap(ADMINS), "newMember": ldap(JOHN)}),
        ("GroupRemove", {"group": ldap(ALL_USERS), "member": ldap(JOHN)}),
        ("DeleteGroup", {"group": ldap(ALL_USERS)}),
    )

    @pytest.mark.parametrize(("procedure", "arguments"), CALLS, ids=[name for name, _ in CALLS])
    def test_administrators_of_the_organization_and_above_it(
        self, site: Site, procedure: str, arguments: dict[str, str]
    ) -> None:
        for caller in (OTHER_ADMIN, JOHN_CALLS):
            assert refused(site, procedure, caller, **arguments).code == 0x80070005
        done(site, procedure, MESSENGER_ADMIN, **arguments)
