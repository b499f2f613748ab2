"""Access lists: the first rule that fits decides, nothing fits is a refusal, and what cannot be told is one too."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpf_access import AccessPlugin
from mpf_core import Caller
from mpf_core.errors import ConfigError, MpfError
from mpf_core.model import Access, Procedure
from mpf_core.security.calls import Call, Decision
from mpf_core.security.principal import Credentials
from mpf_core.services import Services
from mpf_directory.dn import Dn
from mpf_directory.port import Directories, Modification, ModifyOp
from tests.namespaces.support import ALPINE_ADMIN, BASE, DOMAIN_ADMIN, make_site
from tests.policy.hosting import CUSTOMER, CUSTOMER_ADMINS, RESELLER_ADMINS, OneDirectory, call, hosting_tree

OCS = "Managed Office Communications Server"
ADMINS = f"CN=Admins@AlpineSkiHouse,{CUSTOMER}"


def no_credentials(name: str) -> Credentials:
    raise AssertionError(name)


def plugin(folder: Path, text: str) -> AccessPlugin:
    (folder / "access.toml").write_text(text)
    services = Services(folder, no_credentials)
    services.provide(Directories, OneDirectory(hosting_tree()))  # type: ignore[type-abstract]
    made = AccessPlugin()
    made.mpf_configure({}, services)
    return made


def a_call(name: str, *groups: str, namespace: str = OCS, calling: Procedure | None = None) -> Call:
    return call("Users", *(groups or (CUSTOMER_ADMINS,)))._replace(
        procedure=Procedure(namespace, name, access=Access.PUBLIC), calling=calling
    )


def rule(kind: str, procedures: str, to: str = "*") -> str:
    return f'[[rules]]\n{kind} = ["{procedures}"]\nto = ["{to}"]\n'


def decide(folder: Path, text: str, asked: Call) -> Decision:
    return plugin(folder, text).mpf_authorize(asked)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (f"{OCS}::GetPools", True),
        (f"{OCS}::Get*", True),
        (f"{OCS}::*", True),
        ("*::GetPools", True),
        ("*::*", True),
        ("Managed*::*Pools", True),
        (f"{OCS}::Get", False),
        (f"{OCS}::getpools", True),
        (f"{OCS.upper()}::GETPOOLS", True),
        ("Managed::GetPools", False),
        (f"{OCS}::GetPools2", False),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, fits: bool) -> None:
    assert decide(tmp_path, rule("allow", pattern), a_call("GetPools")).allowed is fits


@pytest.mark.parametrize(
    ("trustee", "fits"),
    [
        ("*", True),
        ("admin@example.com", True),
        ("ADMIN@Example.com", True),
        (f"CN=admin,{CUSTOMER}", True),
        (CUSTOMER_ADMINS, True),
        (ADMINS, True),
        (ADMINS.upper(), True),
        (RESELLER_ADMINS, False),
        ("CN=Admins@Contoso,OU=Contoso,OU=Hosting,DC=Fabrikam,DC=Com", False),
        ("CN=Nobody,DC=Fabrikam,DC=Com", False),
        ("admin", False),
    ],
)
def test_trustees(tmp_path: Path, trustee: str, fits: bool) -> None:
    decision = decide(tmp_path, rule("allow", "*::*", trustee), a_call("GetPools"))
    assert decision.allowed is fits
    if not fits:
        assert "no rule of the access list allows admin@example.com" in decision.reason


def test_the_first_rule_that_fits_decides(tmp_path: Path) -> None:
    text = rule("deny", f"{OCS}::Delete*", CUSTOMER_ADMINS) + rule("allow", f"{OCS}::*") + rule("deny", "*::*")
    made = plugin(tmp_path, text)
    assert made.mpf_authorize(a_call("GetPools")).allowed
    refusal = made.mpf_authorize(a_call("DeleteSipUser"))
    assert not refusal.allowed
    assert "denies admin@example.com 'Managed Office Communications Server::DeleteSipUser' (rule 1)" in refusal.reason
    assert made.mpf_authorize(a_call("DeleteSipUser", RESELLER_ADMINS)).allowed
    assert not made.mpf_authorize(a_call("CreateUser", namespace="Managed Active Directory")).allowed


def test_an_empty_list_allows_nothing(tmp_path: Path) -> None:
    assert not decide(tmp_path, "", a_call("GetPools")).allowed


def test_private_procedures_are_parts_of_those_that_call_them(tmp_path: Path) -> None:
    calling = Procedure(OCS, "GetPools", access=Access.PUBLIC)
    private = Procedure("Office Communications Server Provider", "GetPools")
    made = plugin(tmp_path, rule("deny", "Office Communications Server Provider::*"))
    assert made.mpf_authorize(a_call("GetPools")._replace(procedure=private, calling=calling)).allowed
    assert not made.mpf_authorize(a_call("GetPools")._replace(procedure=private)).allowed


def test_a_denied_trustee_whom_nobody_knows_refuses_the_call(tmp_path: Path) -> None:
    with pytest.raises(MpfError, match="whom nobody knows") as raised:
        decide(tmp_path, rule("deny", "*::*", "CN=Gone,DC=Fabrikam,DC=Com"), a_call("GetPools"))
    assert raised.value.code == 0x80070005


ADMINISTRATOR = f"CN=Administrator,CN=Users,{BASE}"
SPELLINGS = [
    "Administrator@fabrikam.com",
    "ADMINISTRATOR@Fabrikam.COM",
    "boss@fabrikam.example",
    "FABRIKAM\\Administrator",
    "fabrikam.com\\administrator",
    ADMINISTRATOR,
    ADMINISTRATOR.replace(",", " , "),
]


@pytest.mark.parametrize("kind", ["allow", "deny"])
def test_a_trustee_is_an_account_whatever_it_and_the_caller_are_called(tmp_path: Path, kind: str) -> None:
    """The implicit user principal name and the one that is written, the account name, the distinguished name."""
    file = tmp_path / "access.toml"
    others = '[[rules]]\nallow = ["*::*"]\nto = ["*"]\n' if kind == "deny" else ""
    for trustee in SPELLINGS:
        file.write_text(f"[[rules]]\n{kind} = ['*::TestDomainAdmin']\nto = ['{trustee}']\n{others}")
        with make_site(AccessPlugin(), settings={"mpf.access": {"file": str(file)}}) as site:
            upn = Modification("userPrincipalName", ModifyOp.REPLACE, ("boss@fabrikam.example",))
            site.directory.modify(Dn.parse(ADMINISTRATOR), [upn])
            for name in SPELLINGS:
                asked = site.engine.execute(
                    "<request><data/></request>", Caller(name), namespace="Managed Hosting", procedure="TestDomainAdmin"
                )
                assert (asked.error is None) is (kind == "allow"), (trustee, name)
            other = site.engine.execute(
                "<request><data/></request>", ALPINE_ADMIN, namespace="Managed Hosting", procedure="TestDomainAdmin"
            )
            assert ("rule 1" in str(other.error)) is False


@pytest.mark.parametrize(
    "name", ["InitializeADForHosting", "InitializeADforHosting", "GetCallerUIRoles", "GetCallerUiRoles"]
)
def test_a_procedure_is_denied_under_both_of_its_names(tmp_path: Path, name: str) -> None:
    """The documentation spells some in two ways, and so there are two."""
    made = plugin(tmp_path, rule("deny", f"Managed Hosting::{name.lower()}") + rule("allow", "*::*"))
    assert not made.mpf_authorize(a_call(name, namespace="Managed Hosting")).allowed


@pytest.mark.parametrize("name", ["nobody@fabrikam.com", "FABRIKAM\\nobody", "nobody"])
def test_a_denied_account_whom_nobody_knows_refuses_the_call(tmp_path: Path, name: str) -> None:
    file = tmp_path / "access.toml"
    file.write_text(f"[[rules]]\ndeny = ['*::*']\nto = ['{name}']\n" + rule("allow", "*::*"))
    with make_site(AccessPlugin(), settings={"mpf.access": {"file": str(file)}}) as site:
        asked = site.engine.execute(
            "<request><data/></request>", DOMAIN_ADMIN, namespace="Managed Hosting", procedure="TestDomainAdmin"
        )
        assert "whom nobody knows" in str(asked.error)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[rules]]\nallow = ["*"]\nto = ["*"]\n', "is not Namespace::Procedure"),
        ('[[rules]]\nallow = ["A::B"]\n', "is required"),
        ('[[rules]]\nallow = ["A::B"]\nto = []\n', "at least 1"),
        ('[[rules]]\nto = ["*"]\n', "either allow or deny"),
        ('[[rules]]\nallow = ["A::B"]\ndeny = ["A::B"]\nto = ["*"]\n', "either allow or deny"),
        ('[[rules]]\nallow = ["A::B"]\nwho = ["*"]\n', "unknown key"),
        ("[[rules]\n", "cannot be read"),
    ],
)
def test_a_list_with_a_mistake_is_not_used(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        plugin(tmp_path, text)
    assert said in str(raised.value)


def test_a_list_that_is_not_there_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        AccessPlugin().mpf_configure({"file": "none.toml"}, Services(tmp_path, no_credentials))
