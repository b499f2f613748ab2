"""Credentials in a request, and those that a procedure executes as, are checked on the embedded directory too.

A user name alone stands for a stored credential.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core import Caller, Config, Credentials, Engine, Result
from mpf_core.errors import Code
from mpf_core.testing import AllowAll
from mpf_directory import DirectoryPlugin, layout
from mpf_directory import embedded_accounts as accounts
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.results import Result as DirectoryResult
from mpf_directory.seed import seed_hosting_tree

PASSWORD, GUESS = "Hosting-w0rd", "gu3ss"
SENDER = Caller("Administrator@fabrikam.com")
JOHN = "johnc@alpineskihouse.com"
EVERYTHING = ("trusted_requests", "callers_credentials", "stored_credentials", "private_procedures")
STEP = (
    '<execute namespace="Active Directory Provider" procedure="Get Properties" impersonate="1"><executeData>'
    f'<path>LDAP://{layout.BASE}</path><propertyList><property name="dc"/></propertyList></executeData></execute>'
)


def made(folder: Path, *permissions: str) -> Engine:
    config = {
        "base_dir": folder,
        "store": {"url": "sqlite:///mpf.db"},
        "security": {"permissions": {key: [SENDER.name] for key in permissions}},
    }
    return Engine(Config.model_validate(config), plugins=[DirectoryPlugin(), AllowAll()])


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with EmbeddedDirectory.create(tmp_path / "directory.db") as directory:
        seed_hosting_tree(directory, PASSWORD)
    with made(tmp_path, *EVERYTHING) as opened:
        yield opened


def run(engine: Engine, attributes: str, steps: str = STEP) -> Result:
    context = f"<context><securityContext><authentication><basic {attributes}/></authentication></securityContext></context>"
    return engine.execute(f"<request><data/>{context}<procedure>{steps}</procedure></request>", SENDER)


def code(result: Result) -> int | None:
    return result.error.code if result.error is not None else None


@pytest.mark.parametrize("name", [f'username="{JOHN}"', f'username="{JOHN.upper()}" domain="FABRIKAM"'])
def test_right_ones_are_checked_once_for_a_while(engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []
    real = accounts._hash
    monkeypatch.setattr(accounts, "_hash", lambda password, salt: hashed.append(salt) or real(password, salt))
    assert code(run(engine, f'{name} password="{PASSWORD}"', STEP * 3)) is None
    assert len(hashed) == 1


@pytest.mark.parametrize(
    "name",
    [JOHN, "nobody@alpineskihouse.com", "guest@fabrikam.com"],
    ids=["a wrong password", "nobody's name", "an account without a password"],
)
def test_wrong_ones_are_refused_in_the_same_words(engine: Engine, name: str) -> None:
    if name.startswith("guest"):
        with EmbeddedDirectory(engine.config.base_dir / "directory.db") as directory:
            guest = {"objectClass": ["user"], "sAMAccountName": ["guest"], "userAccountControl": ["512"]}
            directory.add(layout.BASE.child("CN", "Users").child("CN", "guest"), guest)
    for _ in range(3):
        result = run(engine, f'username="{name}" password="{GUESS}"')
        assert code(result) == DirectoryResult.LOGON_FAILURE
        assert result.error is not None
        assert result.error.description.removeprefix(f"'{name}' ") == (
            "cannot log on at AD01.Fabrikam.com: the name or the password is wrong."
        )
    assert code(run(engine, f'username="{name}" password="{PASSWORD}"')) == Code.E_ACCESSDENIED


def test_a_user_name_alone_is_that_of_a_stored_credential(engine: Engine) -> None:
    engine.administration.put_credential("johns", Credentials(JOHN, PASSWORD), "root")
    assert code(run(engine, 'username="johns"')) is None
    lines = [line.entry for line in engine.store.audit.lines() if line.entry.event == "elevation"]
    assert [(line.caller, line.identity, line.details["kind"]) for line in lines] == [(SENDER.name, "johns", "basic")]
    result = run(engine, 'username="nobodys"')
    assert code(result) == Code.E_ACCESSDENIED
    assert result.error is not None
    assert "no credential named 'nobodys' is stored" in result.error.description
    assert code(run(engine, 'username="johns" password=""')) == DirectoryResult.LOGON_FAILURE


def test_a_stored_credential_that_is_wrong_is_refused_as_any(engine: Engine) -> None:
    engine.administration.put_credential("johns", Credentials(JOHN, GUESS), "root")
    assert code(run(engine, 'username="johns"')) == DirectoryResult.LOGON_FAILURE


@pytest.mark.parametrize("account", [JOHN, "nobody@alpineskihouse.com"], ids=["a wrong password", "nobody's name"])
def test_what_a_procedure_executes_as_has_to_be_right(engine: Engine, account: str) -> None:
    engine.administration.assign("Active Directory Provider::Get Properties", "johns", "root")
    engine.administration.put_credential("johns", Credentials(account, GUESS), "root")
    request = f"<request><data/><procedure>{STEP}</procedure></request>"
    for _ in range(3):
        result = engine.execute(request, SENDER)
        assert code(result) == DirectoryResult.LOGON_FAILURE
        assert result.error is not None
        assert f"'{account}' cannot log on at " in result.error.description
    engine.administration.put_credential("johns", Credentials(account, PASSWORD), "root")
    assert code(engine.execute(request, SENDER)) == Code.E_ACCESSDENIED


def test_what_a_procedure_executes_as_may_be_right(engine: Engine) -> None:
    engine.administration.assign("Active Directory Provider::Get Properties", "johns", "root")
    engine.administration.put_credential("johns", Credentials(JOHN, PASSWORD), "root")
    assert code(engine.execute(f"<request><data/><procedure>{STEP}</procedure></request>", SENDER)) is None


@pytest.mark.parametrize("missing", ["callers_credentials", "stored_credentials"])
def test_it_takes_two_permissions(engine: Engine, missing: str) -> None:
    engine.administration.put_credential("johns", Credentials(JOHN, PASSWORD), "root")
    with made(engine.config.base_dir, *(one for one in EVERYTHING if one != missing)) as other:
        result = run(other, 'username="johns"')
    assert code(result) == Code.E_ACCESSDENIED
    assert result.error is not None
    assert f"'{missing}'" in result.error.description
