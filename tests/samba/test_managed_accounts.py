"""Users, groups, contacts and passwords against a real Active Directory, read back with a client that is not ours."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from mpf_core import Caller, Credentials, Engine
from mpf_core.engine import Result
from mpf_core.errors import MpfError
from mpf_core.provider import CallContext, Undo
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.security.principal import Principal
from mpf_core.transaction.states import StepState, TransactionState
from mpf_directory.dn import Dn
from mpf_directory.port import Directory, Modification, ModifyOp
from mpf_directory.provider import ActiveDirectoryProvider
from mpf_directory.service import DirectoriesService
from tests.samba.controller import PASSWORD, Samba
from tests.samba.test_main_path import engine_on, snapshot

pytestmark = pytest.mark.samba

ALPINE = "OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"
COFFEE = "OU=FourthCoffee,OU=Litware,OU=Hosting,DC=Fabrikam,DC=Com"
ADMIN, OTHER_ADMIN = Caller("admin@alpineskihouse.com"), Caller("admin@fourthcoffee.com")
UPN = "marcus.aurelius@alpineskihouse.com"
MARCUS, CREW = f"CN={UPN},{ALPINE}", f"CN=Ski crew,{ALPINE}"
ALL_USERS = f"CN=AllUsers@AlpineSkiHouse,CN=_Private,{ALPINE}"
FIRST, SECOND = "First-pa55word <1>", "Second-pa55word"
DC = "AD01.Fabrikam.com"
#: A step that fails: there is no such user.
FAIL = (
    '<execute namespace="Managed Active Directory" procedure="DeleteUser" impersonate="1"><executeData>'
    f"<user>LDAP://CN=Nobody,{ALPINE}</user></executeData></execute>"
)


class Tenant:
    """An organization's administrator, who sends requests."""

    def __init__(self, engine: Engine, directory: Directory, service: DirectoriesService) -> None:
        self.engine, self.directory, self.service = engine, directory, service

    def ask(self, procedure: str, caller: Caller = ADMIN, content: str = "", /, **arguments: str) -> Result:
        data = content + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in arguments.items())
        document = f"<request><data>{data}<preferredDomainController>{DC}</preferredDomainController></data></request>"
        return self.engine.execute(document, caller, namespace="Managed Active Directory", procedure=procedure)

    def done(self, procedure: str, caller: Caller = ADMIN, content: str = "", /, **arguments: str) -> etree._Element:
        result = self.ask(procedure, caller, content, **arguments)
        assert result.error is None, result.document.decode()
        data = etree.fromstring(result.document).find("data")
        assert data is not None
        return data

    def refused(self, procedure: str, caller: Caller = ADMIN, content: str = "", /, **arguments: str) -> int:
        before = _objects(self.directory)
        result = self.ask(procedure, caller, content, **arguments)
        assert result.error is not None
        assert result.state is TransactionState.ROLLED_BACK
        assert _objects(self.directory) == before
        return result.error.code

    def undone(self, procedure: str, /, **arguments: str) -> None:
        data = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in arguments.items())
        step = (
            f'<execute namespace="Managed Active Directory" procedure="{procedure}" impersonate="1">'
            f"<executeData>{data}</executeData></execute>"
        )
        before = _objects(self.directory)
        request = f"<request><procedure>{step}{FAIL}</procedure></request>"
        result = self.engine.execute(request, Caller("Administrator@fabrikam.com"))
        assert result.error is not None
        assert (result.error.code, result.state) == (0x80072030, TransactionState.ROLLED_BACK), result.document.decode()
        assert "CN=Nobody" in result.error.description
        assert _objects(self.directory) == before

    def text(self, dn: str, attribute: str) -> str | None:
        entry = self.directory.read(Dn.parse(dn), [attribute])
        assert entry is not None, dn
        return entry.text(attribute)

    def members(self, group: str) -> set[Dn]:
        entry = self.directory.read(Dn.parse(group), ["member"])
        assert entry is not None
        return {Dn.parse(str(value)) for value in entry.values("member")}

    def logs_on(self, password: str) -> bool:
        return self.service.verify_password(Dn.parse(MARCUS), password)


@pytest.fixture(scope="module")
def engine(samba: Samba, seeded: Directory) -> Iterator[Engine]:
    with engine_on(samba, "policy") as made:
        assert [info.name for info in made.plugins if info.state == "broken"] == []
        yield made


@pytest.fixture
def tenant(engine: Engine, directory: Directory, service: DirectoriesService) -> Iterator[Tenant]:
    yield Tenant(engine, directory, service)
    for dn in (MARCUS, CREW, f"CN=Ann Beebe,{ALPINE}"):
        if directory.read(Dn.parse(dn), ["objectClass"]) is not None:
            directory.delete(Dn.parse(dn))


def _objects(directory: Directory) -> dict[str, dict[str, frozenset[str | bytes]]]:
    """Every object, but for those that count relative identifiers: they are never given back."""
    counters = ("cn=rid set,", "cn=rid manager$,")
    return {name: content for name, content in snapshot(directory).items() if not name.startswith(counters)}


def ldap(dn: str) -> str:
    return f"LDAP://{dn}"


def create(tenant: Tenant, **arguments: str) -> etree._Element:
    (user,) = tenant.done("CreateUser", container=ldap(ALPINE), userPrincipalName=UPN, **arguments)
    return user


def independent(samba: Samba, *arguments: str) -> str:
    """What Samba's own tools see in its database."""
    database = samba.folder / "dc" / "private" / "sam.ldb"
    command = ["ldbsearch", "-H", str(database), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.replace("\n ", "")


def test_a_new_user_as_another_client_sees_it(tenant: Tenant, samba: Samba) -> None:
    user = create(tenant, policyName="customer", givenName="Marcus", displayName="Marcus Aurelius")
    assert user.get("name") == UPN
    assert user.get("samName") == "marcus.aurelius_alpi"
    seen = independent(samba, f"(userPrincipalName={UPN})")
    for line in (
        "userAccountControl: 514",
        "sAMAccountName: marcus.aurelius_alpi",
        "givenName: Marcus",
        "displayName: Marcus Aurelius",
        f"userPrincipalName: {UPN}",
        f"cn: {UPN}",
    ):
        assert line in seen.splitlines(), seen
    assert f"memberOf: {ALL_USERS}".lower() in seen.lower()


def test_from_creation_to_log_on_and_back(tenant: Tenant) -> None:
    create(tenant)
    assert tenant.refused("SetUserPassword", user=ldap(MARCUS), newPassword="short") in {0x8007202F, 0x80072035}
    tenant.done("SetUserPassword", user=ldap(MARCUS), newPassword=FIRST)
    assert not tenant.logs_on(FIRST)
    tenant.undone("EnableUser", user=ldap(MARCUS))
    tenant.done("EnableUser", user=ldap(MARCUS))
    assert tenant.text(MARCUS, "userAccountControl") == "512"
    assert tenant.logs_on(FIRST)
    tenant.undone("DisableUser", user=ldap(MARCUS))
    tenant.done("DisableUser", user=ldap(MARCUS))
    assert not tenant.logs_on(FIRST)


def test_a_user_changes_the_own_password(tenant: Tenant, engine: Engine, directory: Directory) -> None:
    create(tenant)
    tenant.done("SetUserPassword", user=ldap(MARCUS), newPassword=FIRST)
    tenant.done("EnableUser", user=ldap(MARCUS))
    changed = {"user": ldap(MARCUS), "oldPassword": FIRST, "newPassword": SECOND}
    assert tenant.refused("ChangeUserPassword", OTHER_ADMIN, **changed) == 0x80070005
    age = directory.read(directory.base, ["minPwdAge"])
    assert age is not None
    directory.modify(directory.base, [Modification("minPwdAge", ModifyOp.REPLACE, ("0",))])
    try:
        wrong = tenant.ask("ChangeUserPassword", Caller(UPN), **{**changed, "oldPassword": SECOND}).error
        assert wrong is not None
        assert wrong.code in {0x80070056, 0x8007202F}
        weak = tenant.ask("ChangeUserPassword", Caller(UPN), **{**changed, "newPassword": "x"}).error
        assert weak is not None
        assert "ERROR_PASSWORD_RESTRICTION" in weak.description
        assert len(engine.store.settings.keys("attempt/")) == 1  # the wrong one, until there is a right one
        tenant.done("ChangeUserPassword", Caller(UPN), **changed)
        assert engine.store.settings.keys("attempt/") == []
    finally:
        directory.modify(directory.base, [Modification("minPwdAge", ModifyOp.REPLACE, age.values("minPwdAge"))])
    # The old one is good for a while yet: a domain controller gives those some time who do not know the new one.
    assert tenant.logs_on(SECOND)


@pytest.mark.parametrize("age", ["0", "as it is"])
def test_a_changed_password_is_taken_back_where_the_policy_does_not_let_it_be_changed_back(
    samba: Samba, tenant: Tenant, directory: Directory, age: str
) -> None:
    create(tenant)
    tenant.done("SetUserPassword", user=ldap(MARCUS), newPassword=FIRST)
    tenant.done("EnableUser", user=ldap(MARCUS))
    policy = directory.read(directory.base, ["minPwdAge", "pwdHistoryLength"])
    assert policy is not None
    assert int(policy.text("minPwdAge") or 0) < 0 < int(policy.text("pwdHistoryLength") or 0)
    if age == "0":
        directory.modify(directory.base, [Modification("minPwdAge", ModifyOp.REPLACE, ("0",))])
    # Whoever has to change his password may, however young it is.
    directory.modify(Dn.parse(MARCUS), [Modification("pwdLastSet", ModifyOp.REPLACE, ("0",))])
    before = _hash_of(samba)
    step = (
        '<execute namespace="Managed Active Directory" procedure="ChangeUserPassword" impersonate="1"><executeData>'
        f"<user>{ldap(MARCUS)}</user><oldPassword>{escape(FIRST)}</oldPassword><newPassword>{SECOND}</newPassword>"
        "</executeData></execute>"
    )
    try:
        result = tenant.engine.execute(
            f"<request><procedure>{step}{FAIL}</procedure></request>", Caller("Administrator@fabrikam.com")
        )
    finally:
        directory.modify(directory.base, [Modification("minPwdAge", ModifyOp.REPLACE, policy.values("minPwdAge"))])
    assert "CN=Nobody" in result.document.decode()
    assert [outcome.state for outcome in result.rollback] == [StepState.UNDONE]
    assert _hash_of(samba) == before


class Change:
    """A change of the password, prepared by the provider itself, so that it may be undone without having been made."""

    def __init__(self, service: DirectoriesService) -> None:
        self.provider = ActiveDirectoryProvider(service)
        identity = Identity(IdentityKind.SERVICE, "service")
        name, caller = "User Change Password", Principal("Administrator")
        self.ctx = CallContext(
            "{1}", "Active Directory Provider", name, "", 1, identity, caller, etree.Element("context"), {}
        )
        data = etree.fromstring(
            f"<executeData><path>{ldap(MARCUS)}</path><oldPassword>{escape(FIRST)}</oldPassword>"
            f"<newPassword>{SECOND}</newPassword></executeData>"
        )
        self.change = self.provider.user_change_password(self.ctx, data)

    def undo(self) -> Undo:
        return self.provider.undo(self.ctx, self.change)


def test_a_password_that_was_not_changed_needs_no_undo_and_locks_nobody_out(
    samba: Samba, tenant: Tenant, service: DirectoriesService
) -> None:
    create(tenant)
    tenant.done("SetUserPassword", user=ldap(MARCUS), newPassword=FIRST)
    tenant.done("EnableUser", user=ldap(MARCUS))
    before = _hash_of(samba)
    change = Change(service)
    for _ in range(5):
        assert change.undo() is Undo.NOTHING_TO_UNDO
    assert _hash_of(samba) == before
    assert tenant.text(MARCUS, "badPwdCount") == "0"


def test_a_password_that_somebody_else_has_set_stays(samba: Samba, tenant: Tenant, service: DirectoriesService) -> None:
    create(tenant)
    tenant.done("SetUserPassword", user=ldap(MARCUS), newPassword=FIRST)
    tenant.done("EnableUser", user=ldap(MARCUS))
    change = Change(service)
    for password in (SECOND, "Third-pa55word"):
        tenant.done("SetUserPassword", user=ldap(MARCUS), newPassword=password)
    before = _hash_of(samba)
    assert tenant.logs_on(SECOND)  # for a while yet: the directory itself takes the one before for right
    with pytest.raises(MpfError) as raised:
        change.undo()
    assert "changed by somebody else" in raised.value.description
    assert _hash_of(samba) == before


def _hash_of(samba: Samba) -> str:
    """The hash of the user's password, which alone tells which one it is."""
    seen = independent(samba, f"(userPrincipalName={UPN})", "unicodePwd")
    return next(line for line in seen.splitlines() if line.startswith("unicodePwd:"))


def test_names_that_somebody_has(tenant: Tenant) -> None:
    create(tenant)
    elsewhere = {"container": ldap(COFFEE)}
    assert tenant.refused("CreateUser", OTHER_ADMIN, **elsewhere, userPrincipalName=UPN) == 0x80070005
    assert tenant.refused("CreateUser", container=ldap(ALPINE), userPrincipalName=UPN.upper()) == 0x80071392
    taken = {"userPrincipalName": "m@fourthcoffee.com", "sAMAccountName": "marcus.aurelius_alpi"}
    assert tenant.refused("CreateUser", OTHER_ADMIN, **elsewhere, **taken) == 0x80071392
    administrator = {"userPrincipalName": "Administrator@fabrikam.com"}
    # Nobody but domain administrators names users by the domain's own name, taken or not.
    assert tenant.refused("CreateUser", OTHER_ADMIN, **elsewhere, **administrator) == 0x80070005
    upn = f"{UPN[:20]}ne.example"
    (user,) = tenant.done("CreateUser", OTHER_ADMIN, **elsewhere, userPrincipalName=upn)
    name = user.get("samName") or ""
    assert (len(name), name[:17], name[17:].isdigit()) == (20, "marcus.aurelius_a", True)
    tenant.done("DeleteUser", OTHER_ADMIN, user=ldap(f"CN={upn},{COFFEE}"))


def test_modify_rename_and_delete(tenant: Tenant) -> None:
    create(tenant, description="old", sn="Clark")
    changes = {"user": ldap(MARCUS), "description": "", "sn": "Aurelius", "sAMAccountName": "marcus"}
    tenant.undone("ModifyUser", **changes)
    tenant.done("ModifyUser", **changes)
    assert [tenant.text(MARCUS, name) for name in ("description", "sn", "sAMAccountName")] == [None, "Aurelius", "marcus"]
    tenant.undone("RenameUser", user=ldap(MARCUS), newName="Marcus, the first")
    (path,) = tenant.done("RenameUser", user=ldap(MARCUS), newName="Marcus, the first")
    assert (path.text or "").lower() == f"LDAP://{DC}/CN=Marcus\\, the first,{ALPINE}".lower()
    tenant.undone("DeleteUser", user=path.text or "")
    tenant.done("DeleteUser", user=path.text or "")
    assert tenant.directory.read(Dn.parse(f"CN=Marcus\\, the first,{ALPINE}")) is None


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("UNIVERSAL SECURITY", "-2147483640"),
        ("GLOBAL SECURITY", "-2147483646"),
        ("DOMAIN LOCAL SECURITY", "-2147483644"),
        ("UNIVERSAL DISTRIBUTION", "8"),
        ("GLOBAL DISTRIBUTION", "2"),
        ("DOMAIN LOCAL DISTRIBUTION", "4"),
    ],
)
def test_kinds_of_groups(tenant: Tenant, kind: str, number: str) -> None:
    (group,) = tenant.done("CreateGroup", container=ldap(ALPINE), name="Ski crew", groupType=kind, description="All")
    assert group.get("samName") == "Ski crew"
    assert tenant.text(CREW, "groupType") == number


def test_membership(tenant: Tenant) -> None:
    tenant.done("CreateGroup", container=ldap(ALPINE), name="Ski crew")
    create(tenant)
    pair = {"group": ldap(CREW), "newMember": ldap(MARCUS)}
    tenant.undone("GroupAdd", **pair)
    tenant.done("GroupAdd", **pair)
    assert tenant.refused("GroupAdd", **pair) == 0x80071392
    assert tenant.refused("GroupAdd", group=ldap(CREW), newMember=ldap(f"CN=Nobody,{ALPINE}")) == 0x80072030
    assert tenant.members(CREW) == {Dn.parse(MARCUS)}
    tenant.undone("DeleteUser", user=ldap(MARCUS))
    assert tenant.members(CREW) == {Dn.parse(MARCUS)}
    tenant.undone("GroupRemove", group=ldap(CREW), member=ldap(MARCUS))
    tenant.done("GroupRemove", group=ldap(CREW), member=ldap(MARCUS))
    assert tenant.members(CREW) == set()
    tenant.undone("RenameGroup", group=ldap(CREW), newName="Ski team")
    tenant.undone("DeleteGroup", group=ldap(CREW))
    tenant.done("DeleteGroup", group=ldap(CREW))
    assert tenant.refused("DeleteGroup", group=ldap(CREW)) in {0x80072030, 0x80070005}


def test_contacts(tenant: Tenant) -> None:
    content = '<properties><property name="mail"><value>ann@litwareinc.com</value></property></properties>'
    (contact,) = tenant.done("CreateContact", ADMIN, content, container=ldap(ALPINE), name="Ann Beebe", sn="Beebe")
    dn = f"CN=Ann Beebe,{ALPINE}"
    assert (contact.get("path") or "").lower() == f"LDAP://{DC}/{dn}".lower()
    assert (tenant.text(dn, "mail"), tenant.text(dn, "sn")) == ("ann@litwareinc.com", "Beebe")
    assert tenant.refused("DeleteUser", user=ldap(dn)) == 0x80005004
    tenant.undone("DeleteContact", contact=ldap(dn))
    tenant.done("DeleteContact", contact=ldap(dn))


def test_a_later_failure_leaves_no_user(tenant: Tenant) -> None:
    tenant.undone("CreateUser", container=ldap(ALPINE), userPrincipalName=UPN, policyName="customer")
    tenant.undone("CreateGroup", container=ldap(ALPINE), name="Ski crew", policyName="customer")
    tenant.undone("CreateContact", container=ldap(ALPINE), name="Ann Beebe")


def test_bound_as_the_caller_the_directorys_own_rights_decide(
    samba: Samba, tenant: Tenant, directory: Directory, service: DirectoriesService
) -> None:
    with engine_on(samba, "bind") as strict:
        own = Tenant(strict, directory, service)
        johnc = Caller(ADMIN.name, Credentials(ADMIN.name, PASSWORD))
        assert own.refused("CreateUser", johnc, container=ldap(ALPINE), userPrincipalName=UPN) == 0x80070005
        operator = Caller(
            "Administrator@fabrikam.com", Credentials("Administrator", samba.administrator.password, "FABRIKAM")
        )
        own.done("CreateUser", operator, container=ldap(ALPINE), userPrincipalName=UPN)
        assert own.refused("ModifyUser", johnc, user=ldap(MARCUS), sn="Clark") == 0x80070005
