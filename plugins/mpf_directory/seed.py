"""The small hosting tree that samples, demo and tests start from, built by ordinary operations of the directory port.

It runs on the embedded directory and on a server, and may run again: what is there already stays as it is, and only what
is missing is added. All names are in `mpf_directory.layout`; which group gathers which others is our reading of the spec
(helpers-and-ad-providers.md, 2.11), where the documentation names the groups only.
"""

from __future__ import annotations

from collections.abc import Sequence

from mpf_directory import layout
from mpf_directory.dn import Dn
from mpf_directory.layout import Kind, Organization, WellKnown
from mpf_directory.port import Directory, Value
from mpf_directory.seed_objects import add_missing, dns_name, ensure, set_if_absent
from mpf_directory.seed_ocs import lc_services, seed_ocs

NORMAL_ACCOUNT = "512"
UNIVERSAL_SECURITY_GROUP = "-2147483640"
_SAM_LENGTH = 20


def seed_hosting_tree(directory: Directory, password: str | None = None) -> None:
    """Build the tree of `mpf_directory.layout` in ``directory``.

    ``password`` is given to every account that is made; without one they have none, which a server accepts only where
    its password policy does. Raises what the directory raises.
    """
    tree = _Tree(directory, password)
    tree.framework()
    for organization in layout.ORGANIZATIONS:
        tree.organization(organization)
    tree.domain_administrator()
    seed_ocs(directory)


def share_pools(directory: Directory) -> None:
    """Let all organizations of the seeded tree use its pools, as AddSharedPool does (spec: managed-ocs.md)."""
    place = layout.pointers_of(layout.ORGANIZATIONS[0].dn(directory.base), "SharedPools")
    for pool in layout.POOLS:
        keywords = ["SharedPools", f"poolTag={pool.tag}", "poolStatus=Available"]
        attributes = {"keywords": keywords, "managedBy": [str(lc_services(directory.base, pool.name))]}
        name = f"{pool.name}.{dns_name(directory.base)}"
        ensure(directory, place.child("CN", name), "serviceConnectionPoint", attributes)


def add_representatives(directory: Directory) -> None:
    """A customer service representative of each organization, ``csr@DOMAIN``: the samples have none, and tests need them."""
    tree = _Tree(directory, None)
    for organization in layout.ORGANIZATIONS:
        own, name = organization.dn(tree.base), f"csr@{organization.domain.lower()}"
        tree.enter(own.child("CN", f"CSRAdmins@{organization.name}"), tree.account(own.child("CN", name), name))


class _Tree:
    def __init__(self, directory: Directory, password: str | None) -> None:
        self.directory = directory
        self.base = directory.base
        self.users = self.base.child("CN", "Users")
        self.hosting = layout.ORGANIZATIONS[0].dn(self.base)
        self.password = [f'"{password}"'.encode("utf-16-le")] if password is not None else []

    def framework(self) -> None:
        """Groups and accounts of the framework and of Office Communications Server, in CN=Users."""
        for name in (*layout.FRAMEWORK_GROUPS, *layout.RTC_GROUPS):
            self.group(self.users.child("CN", name), name)
        for name, groups in layout.FRAMEWORK_ACCOUNTS.items():
            account = self.account(self.users.child("CN", name), name)
            for group in groups:
                self.enter(self.users.child("CN", group), account)

    def organization(self, organization: Organization) -> None:
        """A unit with its groups, containers, accounts, and the values that point at them."""
        own = organization.dn(self.base)
        owner = layout.unit(self.base, organization.owner) if organization.owner else None
        private = own.child("CN", "_Private")
        services = private.child("CN", "Services")
        ensure(self.directory, own, "organizationalUnit", {"uPNSuffixes": [organization.domain.lower()]})
        for container in (private, services):
            ensure(self.directory, container, "container")
        if organization.kind is Kind.HOSTING:
            self.hosting_containers(private)
        self.pointer_containers(organization, services)
        admins = self.groups(organization, own, private)
        self.accounts(organization, own, admins)
        pointers = {
            WellKnown.SERVICES: services,
            WellKnown.PRIVATE: private,
            WellKnown.ORG_TYPE: self.org_type(organization.kind),
            WellKnown.CHILD_ORG_CREATORS: own.child("CN", f"CSRAdmins@{organization.name}"),
            WellKnown.USER_CREATORS: admins,
            WellKnown.THIS_ORG: own,
        }
        if owner is not None:
            pointers[WellKnown.OWNING_ORG] = owner
        values = [f"B:{len(known.value)}:{known.value}:{target}" for known, target in pointers.items()]
        add_missing(self.directory, own, "otherWellKnownObjects", values)

    def hosting_containers(self, private: Dn) -> None:
        """What only the hosting organization has: organization types, roles of the user interface, gathering groups."""
        for name in ("WatOrgTypes", "WatUIPermissions"):
            ensure(self.directory, private.child("CN", name), "container")
        for kind in Kind:
            ensure(self.directory, self.org_type(kind), "container")
        for role in layout.UI_ROLES:
            self.group(self.ui_role(role), role)
        for name in layout.GATHERING_GROUPS:
            gathering = self.group(private.child("CN", name), name)
            self.enter(self.ui_role(layout.GATHERING_UI_ROLES[name]), gathering)

    def pointer_containers(self, organization: Organization, services: Dn) -> None:
        """The containers that hold the organization's service pointers."""
        more = layout.HOSTING_POINTER_CONTAINERS if organization.kind is Kind.HOSTING else ()
        for name in (*layout.POINTER_CONTAINERS, *more):
            ensure(self.directory, services.child("CN", name), "container")

    def groups(self, organization: Organization, own: Dn, private: Dn) -> Dn:
        """The organization's groups, each in the group that gathers its like. Returns the administrators' one."""
        name = organization.name
        admins = self.group(own.child("CN", f"Admins@{name}"), f"A@{name}")
        csr_admins = self.group(own.child("CN", f"CSRAdmins@{name}"), f"CA@{name}")
        all_users = self.group(private.child("CN", f"AllUsers@{name}"), f"AU@{name}")
        roles = layout.ORGANIZATION_UI_ROLES.get(organization.kind, ())
        for role, group in zip(roles, (admins, csr_admins), strict=False):
            self.enter(self.ui_role(role), group)
        gathering = self.hosting.child("CN", "_Private")
        self.enter(gathering.child("CN", "AllUsersGroup"), all_users)
        if organization.kind is Kind.RESELLER:
            self.group(private.child("CN", f"AllCustomers@{name}"), f"AC@{name}")
            self.enter(gathering.child("CN", "AllResellerAdminsGroups"), admins)
            self.enter(gathering.child("CN", "AllResellerCSRAdminsGroups"), csr_admins)
        if organization.kind is Kind.CUSTOMER:
            above = layout.unit(self.base, organization.owner).child("CN", "_Private")
            self.enter(above.child("CN", f"AllCustomers@{organization.owner[-1]}"), all_users)
        return admins

    def accounts(self, organization: Organization, own: Dn, admins: Dn) -> None:
        """The organization's administrator and users, all in its group of all users."""
        all_users = own.child("CN", "_Private").child("CN", f"AllUsers@{organization.name}")
        for name in ("admin", *organization.users):
            # The object is named in the case of the samples, the principal name is all lower case.
            full_name = f"{name}@{organization.domain if name != 'admin' else organization.domain.lower()}"
            account = self.account(own.child("CN", full_name), full_name)
            self.enter(all_users, account)
            if name == "admin":
                self.enter(admins, account)

    def domain_administrator(self) -> None:
        """The built-in Administrator, by the principal name under which the samples call."""
        administrator = self.users.child("CN", "Administrator")
        set_if_absent(self.directory, administrator, "userPrincipalName", f"Administrator@{dns_name(self.base)}")

    def org_type(self, kind: Kind) -> Dn:
        """The object that stands for a kind of organization."""
        return layout.type_of(self.hosting, kind)

    def ui_role(self, role: str) -> Dn:
        """The group that stands for a role of the user interface."""
        return self.hosting.child("CN", "_Private").child("CN", "WatUIPermissions").child("CN", role)

    def group(self, dn: Dn, account_name: str) -> Dn:
        """A universal security group."""
        attributes = {"sAMAccountName": [account_name[:_SAM_LENGTH]], "groupType": [UNIVERSAL_SECURITY_GROUP]}
        ensure(self.directory, dn, "group", attributes)
        return dn

    def account(self, dn: Dn, name: str) -> Dn:
        """An enabled user. ``name`` is the principal name, or the account's name in the domain itself."""
        user, _, domain = name.partition("@")
        attributes: dict[str, Sequence[Value]] = {
            "sAMAccountName": [f"{user.lower()}_{domain}"[:_SAM_LENGTH].rstrip(".") if domain else name],
            "userPrincipalName": [f"{user}@{domain}".lower() if domain else f"{name}@{dns_name(self.base)}"],
            "displayName": [user],
            "userAccountControl": [NORMAL_ACCOUNT],
        }
        if self.password:
            attributes["unicodePwd"] = self.password
        ensure(self.directory, dn, "user", attributes)
        return dn

    def enter(self, group: Dn, member: Dn) -> None:
        """Make ``member`` a member of ``group``."""
        add_missing(self.directory, group, "member", [str(member)])
