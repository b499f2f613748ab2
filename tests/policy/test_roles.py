"""The delegation model: who may do what over which object."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_core.errors import Code, MpfError
from mpf_core.events import Event
from mpf_core.model import Access
from mpf_directory.dn import Dn
from mpf_directory.sids import sid_to_octets
from mpf_policy import PolicyPlugin
from mpf_policy.organizations import DomainAdmins, Organizations
from tests.policy.hosting import (
    BASE,
    CUSTOMER,
    CUSTOMER_ADMINS,
    CUSTOMER_CSRS,
    DIRECT_CUSTOMER,
    DIRECT_CUSTOMER_ADMINS,
    DOMAIN_ADMINS,
    DOMAIN_SID,
    HOSTING,
    HOSTING_ADMINS,
    HOSTING_CSRS,
    OTHER_CUSTOMER,
    OTHER_CUSTOMER_ADMINS,
    OTHER_RESELLER,
    OTHER_RESELLER_ADMINS,
    RESELLER,
    RESELLER_ADMINS,
    RESELLER_CSRS,
    USER,
    USER_GUID,
    ReadOnlyDirectory,
    call,
    configured,
    hosting_tree,
    procedure,
)

ADMINISTRATORS = "S-1-5-32-544"


@pytest.fixture
def tree() -> ReadOnlyDirectory:
    return hosting_tree()


@pytest.fixture
def policy(tree: ReadOnlyDirectory, tmp_path: Path) -> PolicyPlugin:
    return configured(tree, tmp_path)


def over(dn: str, name: str = "organization") -> str:
    return f"<{name}>LDAP://{dn}</{name}>"


# group -> places over which it is in the role; every other place is refused.
PLACES = {
    "outside": f"CN=Users,{BASE}",
    "hosting": HOSTING,
    "reseller": RESELLER,
    "customer": CUSTOMER,
    "user": USER,
    "other customer": OTHER_CUSTOMER,
    "other reseller": OTHER_RESELLER,
    "direct customer": DIRECT_CUSTOMER,
}
IN_HOSTING = set(PLACES) - {"outside"}
IN_RESELLER = {"reseller", "customer", "user", "other customer"}
ORG_CREATORS = {
    DOMAIN_ADMINS: set(PLACES),
    ADMINISTRATORS: set(PLACES),
    HOSTING_ADMINS: IN_HOSTING,
    RESELLER_ADMINS: IN_RESELLER,
    OTHER_RESELLER_ADMINS: {"other reseller"},
    CUSTOMER_ADMINS: set(),
    DIRECT_CUSTOMER_ADMINS: set(),
    "S-1-1-0": set(),
}
USER_CREATORS = {
    **ORG_CREATORS,
    CUSTOMER_ADMINS: {"customer", "user"},
    OTHER_CUSTOMER_ADMINS: {"other customer"},
    DIRECT_CUSTOMER_ADMINS: {"direct customer"},
    # Representatives: of organizations below their own only.
    HOSTING_CSRS: set(PLACES) - {"outside", "hosting"},
    RESELLER_CSRS: {"customer", "other customer", "user"},
    CUSTOMER_CSRS: set(),
}
#: Representatives hold it over their own organization too.
CHILD_ORG_CREATORS = {
    **USER_CREATORS,
    HOSTING_CSRS: set(PLACES) - {"outside"},
    RESELLER_CSRS: USER_CREATORS[RESELLER_ADMINS],
    CUSTOMER_CSRS: {"customer", "user"},
}


#: Administrators who stand above the representatives; for the provider's, those of a reseller, who create organizations.
_ABOVE = {HOSTING_CSRS: RESELLER_ADMINS, RESELLER_CSRS: RESELLER_ADMINS, CUSTOMER_CSRS: CUSTOMER_ADMINS}


@pytest.mark.parametrize(
    ("role", "group", "place", "allowed"),
    [
        (role, group, place, place in allowed)
        for role, table in (
            ("OrgCreators", ORG_CREATORS),
            ("UserCreators", USER_CREATORS),
            ("ChildOrgCreators", CHILD_ORG_CREATORS),
        )
        for group, allowed in table.items()
        for place in PLACES
    ],
)
def test_who_is_in_the_role_where(policy: PolicyPlugin, role: str, group: str, place: str, allowed: bool) -> None:
    decision = policy.mpf_authorize(call(role, group, data=over(PLACES[place])))
    assert decision.allowed is allowed
    if not allowed:
        assert decision.code == Code.E_ACCESSDENIED
        assert role in decision.reason
        assert PLACES[place] in decision.reason


@pytest.mark.parametrize(
    ("role", "csrs", "place"),
    [
        ("UserCreators", HOSTING_CSRS, RESELLER),
        ("UserCreators", HOSTING_CSRS, CUSTOMER),
        ("UserCreators", RESELLER_CSRS, CUSTOMER),
        ("ChildOrgCreators", RESELLER_CSRS, RESELLER),
        ("ChildOrgCreators", CUSTOMER_CSRS, CUSTOMER),
    ],
)
def test_representatives_have_no_role_over_those_above_them(
    policy: PolicyPlugin, tree: ReadOnlyDirectory, role: str, csrs: str, place: str
) -> None:
    """Nor over their groups, nor over a user of whom nobody can tell."""
    user = f"CN=somebody,{place}"
    ordinary, above = (sid_to_octets(sid) for sid in (f"{DOMAIN_SID}-513", _ABOVE[csrs]))
    sid = sid_to_octets(f"{DOMAIN_SID}-1400")
    found = []
    for groups in ([ordinary], [ordinary, above], []):
        tree.put(user, "user", objectSid=[sid], tokenGroups=groups)
        found.append(policy.mpf_authorize(call(role, csrs, data=over(user, "user"), transaction=str(groups))).allowed)
    assert found == [True, False, False]
    for group, groups in ((above, []), (sid, [above])):
        tree.put(user, "group", objectSid=[group], tokenGroups=groups)
        asked = call(role, csrs, data=over(user, "group"), transaction=f"{group!r}")
        assert not policy.mpf_authorize(asked).allowed


def test_the_administrators_of_a_customer_stand_below_the_representatives_of_its_reseller(
    policy: PolicyPlugin, tree: ReadOnlyDirectory
) -> None:
    group = f"CN=Admins@AlpineSkiHouse,{CUSTOMER}"
    for csrs in (HOSTING_CSRS, RESELLER_CSRS):
        assert policy.mpf_authorize(call("UserCreators", csrs, data=over(group, "group"))).allowed


@pytest.mark.parametrize("group", [DOMAIN_ADMINS, ADMINISTRATORS])
def test_domain_administrators_are_members_of_either_group(policy: PolicyPlugin, group: str) -> None:
    assert policy.mpf_authorize(call("DomainAdmins", group)).allowed


@pytest.mark.parametrize("group", [HOSTING_ADMINS, CUSTOMER_ADMINS, "S-1-5-21-9-9-9-512"])
def test_everybody_else_is_refused_with_the_documented_code_and_text(policy: PolicyPlugin, group: str) -> None:
    decision = policy.mpf_authorize(call("DomainAdmins", group, data=over(CUSTOMER)))
    assert not decision.allowed
    assert decision.code == 0x80070057
    assert decision.reason == "Insufficient Privilege! Not Domain Administrator."


def test_anybody_who_was_found_may_call_what_is_for_users(policy: PolicyPlugin) -> None:
    assert policy.mpf_authorize(call("Users", data=over(OTHER_CUSTOMER))).allowed


@pytest.mark.parametrize("role", ["Users", "UserCreators", "DomainAdmins"])
def test_a_caller_who_is_no_account_is_refused_everything(policy: PolicyPlugin, role: str) -> None:
    assert not policy.mpf_authorize(call(role, DOMAIN_ADMINS, data=over(CUSTOMER), sid="")).allowed


@pytest.mark.parametrize("role", [None, "Everyone", "domainadmins", ""])
def test_without_a_known_role_nobody_below_domain_administrators_passes(policy: PolicyPlugin, role: str | None) -> None:
    assert not policy.mpf_authorize(call(role, HOSTING_ADMINS, CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed


def test_a_procedure_without_a_role_is_for_domain_administrators(policy: PolicyPlugin) -> None:
    assert policy.mpf_authorize(call(None, DOMAIN_ADMINS)).allowed


class TestTargets:
    def test_a_call_that_names_no_object_is_about_hosting(self, policy: PolicyPlugin) -> None:
        data = "<address>alpineskihouse.com</address><organization/>"
        assert policy.mpf_authorize(call("UserCreators", HOSTING_ADMINS, data=data)).allowed
        assert not policy.mpf_authorize(call("UserCreators", RESELLER_ADMINS, CUSTOMER_ADMINS, data=data)).allowed

    @pytest.mark.parametrize(
        "name", ["organization", "user", "container", "path", "hostingPath", "userDN", "group", "object"]
    )
    def test_every_object_that_is_named_must_be_in_reach(self, policy: PolicyPlugin, name: str) -> None:
        data = over(CUSTOMER) + f"<{name}>LDAP://CN=x,{OTHER_CUSTOMER}</{name}>"
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=data)).allowed
        assert policy.mpf_authorize(call("UserCreators", RESELLER_ADMINS, data=data)).allowed

    def test_objects_are_found_at_any_depth_and_in_pieces(self, policy: PolicyPlugin) -> None:
        nested = f"<users><user><name/>LDAP://CN=x,{OTHER_CUSTOMER}</user></users>"
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER) + nested)).allowed

    def test_objects_are_found_in_any_xml_namespace(self, policy: PolicyPlugin) -> None:
        foreign = f'<a:user xmlns:a="urn:a">LDAP://CN=x,{OTHER_CUSTOMER}</a:user>'
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER) + foreign)).allowed

    @pytest.mark.parametrize(
        "path",
        [
            f"LDAP://{USER}",
            USER,
            f"ldap://AD01.Fabrikam.com/{USER}",
            f" LDAP://{USER.lower()} ",
            f"LDAP://<GUID={USER_GUID}>",
            f"LDAP://CN=Not there yet,{CUSTOMER}",
        ],
    )
    def test_an_object_may_be_named_in_any_way(self, policy: PolicyPlugin, path: str) -> None:
        data = f"<user>{path.replace('<', '&lt;').replace('>', '&gt;')}</user>"
        assert policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=data)).allowed
        assert not policy.mpf_authorize(call("UserCreators", OTHER_CUSTOMER_ADMINS, data=data)).allowed

    @pytest.mark.parametrize(
        "path",
        [
            "johnc@alpineskihouse.com",
            "WinNT://FABRIKAM/johnc",
            f"GC://{USER}",
            "LDAP://",
            "LDAP://&lt;GUID=00000000-0000-0000-0000-000000000009&gt;",
        ],
    )
    def test_what_names_no_object_is_refused(self, policy: PolicyPlugin, path: str) -> None:
        decision = policy.mpf_authorize(call("UserCreators", HOSTING_ADMINS, data=f"<user>{path}</user>"))
        assert not decision.allowed
        assert decision.code == Code.E_ACCESSDENIED

    def test_a_name_that_only_looks_like_one_below_the_organization_is_not(self, policy: PolicyPlugin) -> None:
        # The comma is a part of the value: the object is in the other organization.
        disguised = CUSTOMER.replace(",", r"\,")
        data = f"<user>LDAP://CN=x\\,{disguised},{OTHER_CUSTOMER}</user>"
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=data)).allowed


class TestNestedCalls:
    def test_a_private_procedure_is_a_part_of_the_one_that_calls_it(self, policy: PolicyPlugin) -> None:
        inner = call("DomainAdmins", CUSTOMER_ADMINS, access=Access.PRIVATE, calling=procedure("UserCreators"))
        assert policy.mpf_authorize(inner).allowed

    def test_a_public_procedure_is_checked_wherever_it_is_called(self, policy: PolicyPlugin) -> None:
        inner = call("UserCreators", CUSTOMER_ADMINS, data=over(OTHER_CUSTOMER), calling=procedure("UserCreators"))
        assert not policy.mpf_authorize(inner).allowed

    def test_a_private_procedure_called_by_a_request_is_checked_like_any_other(self, policy: PolicyPlugin) -> None:
        direct = call("DomainAdmins", CUSTOMER_ADMINS, access=Access.PRIVATE, data=over(CUSTOMER))
        assert not policy.mpf_authorize(direct).allowed


class TestOrganizations:
    def test_the_group_is_the_one_that_the_organization_points_at_and_not_the_one_that_is_called_so(
        self, policy: PolicyPlugin, tree: ReadOnlyDirectory
    ) -> None:
        tree.organization(f"OU=Adatum,{RESELLER}", "S-1-5-21-1-2-3-1200", pointer=False)
        denied = call("UserCreators", "S-1-5-21-1-2-3-1200", data=over(f"OU=Adatum,{RESELLER}"))
        assert not policy.mpf_authorize(denied).allowed

    @pytest.mark.parametrize(("unit", "group"), [(HOSTING, HOSTING_ADMINS), (RESELLER, RESELLER_ADMINS)])
    def test_a_group_that_is_called_like_the_administrators_is_not_theirs(
        self, tree: ReadOnlyDirectory, tmp_path: Path, unit: str, group: str
    ) -> None:
        tree.organization(unit, group, "reseller", pointer=False)
        policy = configured(tree, tmp_path)
        assert not policy.mpf_authorize(call("OrgCreators", group, data=over(unit))).allowed

    @pytest.mark.parametrize("kind", [None, "customer", "default"])
    def test_who_is_no_reseller_by_the_entry_for_the_type_creates_no_organizations(
        self, tree: ReadOnlyDirectory, tmp_path: Path, kind: str | None
    ) -> None:
        tree.organization(RESELLER, RESELLER_ADMINS, kind)
        policy = configured(tree, tmp_path)
        assert not policy.mpf_authorize(call("OrgCreators", RESELLER_ADMINS, data=over(RESELLER))).allowed

    def test_a_type_of_somebodys_own_is_no_type(self, tree: ReadOnlyDirectory, tmp_path: Path) -> None:
        tree.organization(RESELLER, RESELLER_ADMINS)
        entry = tree.objects[Dn.parse(RESELLER)]
        own = f"B:32:EA755D448CE64157A20E82B7CCBE14B0:CN=reseller,{RESELLER}"
        tree.put(RESELLER, "organizationalUnit", otherWellKnownObjects=[*entry.values("otherWellKnownObjects"), own])
        policy = configured(tree, tmp_path)
        assert not policy.mpf_authorize(call("OrgCreators", RESELLER_ADMINS, data=over(RESELLER))).allowed

    def test_a_unit_in_a_customers_organization_is_none_whatever_its_entries_say(
        self, tree: ReadOnlyDirectory, tmp_path: Path
    ) -> None:
        fake, group = f"OU=Fake,{CUSTOMER}", "S-1-5-21-1-2-3-1300"
        tree.organization(fake, group, "reseller", csrs=group)
        policy = configured(tree, tmp_path)
        for role in ("OrgCreators", "UserCreators", "ChildOrgCreators"):
            assert not policy.mpf_authorize(call(role, group, data=over(f"CN=x,{fake}"))).allowed, role

    @pytest.mark.parametrize("within", [CUSTOMER, DIRECT_CUSTOMER])
    def test_such_a_unit_is_not_the_organization_around_what_is_in_it(self, tree: ReadOnlyDirectory, within: str) -> None:
        tree.organization(f"OU=Fake,{within}", CUSTOMER_ADMINS, "reseller")
        organizations = Organizations(tree, "Hosting", DomainAdmins())
        assert organizations.innermost(Dn.parse(f"CN=x,OU=Fake,{within}")) == Dn.parse(within)
        assert not organizations.is_organization(Dn.parse(f"OU=Fake,{within}"))
        assert organizations.is_organization(Dn.parse(within))

    def test_a_container_that_is_no_organizational_unit_is_no_organization(
        self, policy: PolicyPlugin, tree: ReadOnlyDirectory
    ) -> None:
        mine = f"B:32:65F37ECB46704F0E9300E1FB48E1096E:CN=Admins@NorthwindTraders,{OTHER_CUSTOMER}"
        tree.put(f"CN=Odd,{CUSTOMER}", "container", otherWellKnownObjects=[mine])
        below = call("UserCreators", OTHER_CUSTOMER_ADMINS, data=over(f"CN=x,CN=Odd,{CUSTOMER}"))
        assert not policy.mpf_authorize(below).allowed

    @pytest.mark.parametrize(
        "value",
        ["", "B:32:zz:CN=x", "B:32:65F37ECB46704F0E9300E1FB48E1096E", "B:32:65F37ECB46704F0E9300E1FB48E1096E:no name"],
    )
    def test_a_broken_pointer_points_at_nothing(self, policy: PolicyPlugin, tree: ReadOnlyDirectory, value: str) -> None:
        tree.put(CUSTOMER, "organizationalUnit", otherWellKnownObjects=[value])
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed
        assert policy.mpf_authorize(call("UserCreators", RESELLER_ADMINS, data=over(CUSTOMER))).allowed

    def test_a_pointer_at_something_else_than_a_group_makes_nobody_an_administrator(
        self, policy: PolicyPlugin, tree: ReadOnlyDirectory
    ) -> None:
        group = Dn.parse(f"CN=Admins@AlpineSkiHouse,{CUSTOMER}")
        tree.put(str(group), "user", objectSid=tree.objects[group].values("objectSid"))
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed

    def test_another_name_of_the_hosting_unit_can_be_configured(self, tree: ReadOnlyDirectory, tmp_path: Path) -> None:
        policy = configured(tree, tmp_path, hosting_ou="Customers")
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed
        tree.organization(f"OU=Customers,{BASE}", HOSTING_ADMINS)
        assert configured(tree, tmp_path, hosting_ou="Customers").mpf_authorize(call("OrgCreators", HOSTING_ADMINS)).allowed


class TestMemory:
    def test_one_transaction_reads_each_object_once(self, policy: PolicyPlugin, tree: ReadOnlyDirectory) -> None:
        for _ in range(3):
            assert policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed
        assert len(tree.reads) == len(set(tree.reads))

    def test_the_next_transaction_looks_again(self, policy: PolicyPlugin, tree: ReadOnlyDirectory) -> None:
        assert policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed
        tree.put(CUSTOMER, "organizationalUnit")
        changed = call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER), transaction="{2}")
        assert not policy.mpf_authorize(changed).allowed

    def test_the_end_of_a_transaction_ends_what_was_looked_up_for_it(
        self, policy: PolicyPlugin, tree: ReadOnlyDirectory
    ) -> None:
        assert policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed
        tree.put(CUSTOMER, "organizationalUnit")
        policy.mpf_event(Event("call.end", "{1}"))
        assert policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed
        policy.mpf_event(Event("transaction.end", "{1}"))
        assert not policy.mpf_authorize(call("UserCreators", CUSTOMER_ADMINS, data=over(CUSTOMER))).allowed

    def test_an_organization_that_the_transaction_creates_counts_at_once(
        self, policy: PolicyPlugin, tree: ReadOnlyDirectory
    ) -> None:
        created, admins = f"OU=Adatum,{RESELLER}", "S-1-5-21-1-2-3-1200"
        data = over(f"CN=new,{created}", "user")
        assert not policy.mpf_authorize(call("UserCreators", admins, data=data)).allowed
        tree.organization(created, admins)
        assert policy.mpf_authorize(call("UserCreators", admins, data=data)).allowed

    def test_a_directory_that_does_not_answer_is_an_error_and_no_permission(
        self, policy: PolicyPlugin, tree: ReadOnlyDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def down(*_: object) -> None:
            raise MpfError(Code.SERVER_DOWN, "no answer")

        monkeypatch.setattr(tree, "read", down)
        with pytest.raises(MpfError) as raised:
            policy.mpf_authorize(call("UserCreators", DOMAIN_ADMINS, data=over(CUSTOMER)))
        assert raised.value.code == Code.SERVER_DOWN


def test_an_unconfigured_plugin_allows_nothing() -> None:
    with pytest.raises(Exception, match="not configured"):
        PolicyPlugin().mpf_authorize(call("Users"))
