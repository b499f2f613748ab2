"""Wrong passwords are tried a few times only, whichever name and whichever way they come by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpf_core import Caller, Config, Credentials, Engine, Result, hookimpl
from mpf_core.errors import Code
from mpf_core.security.principal import Principal
from mpf_directory import DirectoryPlugin, layout
from mpf_directory import embedded_accounts as accounts
from mpf_directory.dn import Dn
from mpf_directory.embedded import EmbeddedDirectory
from mpf_directory.port import Modification, ModifyOp
from mpf_directory.sids import sid_to_text
from mpf_directory.throttle import Fresh, Limits, limits_of_domain
from tests.counting import counted
from tests.namespaces.support import ALPINE, ALPINE_ADMIN, JOHN, Site, ldap, make_site

NAME = "johnc@alpineskihouse.com"
PASSWORD, GUESS = "Hosting-w0rd", "gu3ss"
WORDS = "The caller's name or password is wrong, or a wrong one was tried too often."


@pytest.fixture
def site() -> Iterator[Site]:
    with make_site() as made:
        set_password(made.directory, PASSWORD)
        yield made


def set_password(directory: EmbeddedDirectory, password: str) -> None:
    octets = f'"{password}"'.encode("utf-16-le")
    directory.modify(Dn.parse(JOHN), [Modification("unicodePwd", ModifyOp.REPLACE, (octets,))])


def threshold(directory: EmbeddedDirectory, number: str, window: str = "-18000000000") -> None:
    values = {"lockoutThreshold": number, "lockOutObservationWindow": window}
    changes = [Modification(name, ModifyOp.REPLACE, (value,)) for name, value in values.items()]
    directory.modify(layout.BASE, changes)


def names(site: Site) -> list[str]:
    """All that John can be called."""
    entry = site.directory.read(Dn.parse(JOHN), ["sAMAccountName"])
    assert entry is not None
    sam = entry.text("sAMAccountName")
    return [NAME, f"FABRIKAM\\{sam}", f"{sam}@fabrikam.com", f"fabrikam.com\\{sam}", JOHN, NAME.upper()]


def log_on(site: Site, name: str, password: str) -> Result:
    return site.submit("GetCallerUIRoles", Caller(name, Credentials(name, password)), {}, "Managed Hosting")


def is_wrong(result: Result) -> bool:
    return result.error is not None and (result.error.code, result.error.description) == (Code.E_ACCESSDENIED, WORDS)


def test_the_names_of_an_account_count_together(site: Site) -> None:
    for name in names(site)[:3]:
        assert is_wrong(log_on(site, name, GUESS))
    for name in names(site):
        assert is_wrong(log_on(site, name, PASSWORD)), name
    assert not is_wrong(site.submit("GetPoolAssignment", ALPINE_ADMIN, {"organization": ldap(ALPINE)}))


def test_a_right_password_is_a_fresh_start(site: Site) -> None:
    for _ in range(3):
        for _ in range(2):
            assert is_wrong(log_on(site, NAME, GUESS))
        assert not is_wrong(log_on(site, NAME, PASSWORD))


@pytest.mark.parametrize(
    "name", ["nobody@alpineskihouse.com", "FABRIKAM\\nobody", f"CN=Nobody,{ALPINE}", "S-1-5-21-1-2-3-4"]
)
def test_an_unknown_name_and_a_wrong_password_look_the_same(site: Site, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, in what is asked of the directory, in the work with passwords; before and after too many of them."""
    entry = site.directory.read(Dn.parse(JOHN), ["sAMAccountName", "objectSid"])
    assert entry is not None
    sid = sid_to_text(entry.octets("objectSid") or b"")
    known = {"n": NAME, "F": f"FABRIKAM\\{entry.text('sAMAccountName')}", "C": JOHN, "S": sid}[name[0]]
    hashed: list[bytes] = []
    real = accounts._hash
    monkeypatch.setattr(accounts, "_hash", lambda password, salt: hashed.append(salt) or real(password, salt))
    log_on(site, "somebody@else.com", "x")  # what is remembered for good is known from now on
    seen = []
    for one in (known, name):
        done = []
        for _ in range(5):
            hashed.clear()
            with counted(site.engine) as operations:
                assert is_wrong(log_on(site, one, GUESS))
            done.append((len(hashed), [operation.name for operation in operations.made]))
        seen.append(done)
    assert seen[0] == seen[1]
    assert [hashes for hashes, _ in seen[0]] == [1, 1, 1, 0, 0]


def test_credentials_of_another_account_and_ambiguous_names_look_like_wrong_ones(site: Site) -> None:
    other = Caller(ALPINE_ADMIN.name, Credentials(NAME, PASSWORD))
    assert is_wrong(site.submit("GetPoolAssignment", other, {"organization": ldap(ALPINE)}))
    victim = {"objectClass": ["user"], "sAMAccountName": ["victim"], "userAccountControl": ["512"]}
    site.directory.add(layout.BASE.child("CN", "Users").child("CN", "victim"), victim)
    change = Modification("userPrincipalName", ModifyOp.REPLACE, ("victim@fabrikam.com",))
    site.directory.modify(Dn.parse(JOHN), [change])
    assert is_wrong(log_on(site, "victim@fabrikam.com", PASSWORD))


class Others:
    """Knows callers that are in no directory, and their passwords."""

    name = "test.others"

    @hookimpl
    def mpf_authenticate(self, caller: Caller) -> bool | None:
        return True if caller.name == "stranger" else None

    @hookimpl
    def mpf_resolve_caller(self, caller: Caller) -> Principal | None:
        return Principal(caller.name) if caller.name in {"stranger", "somebody"} else None


def test_other_plugins_may_know_callers_whom_the_directory_does_not() -> None:
    with make_site(Others()) as site:
        for _ in range(5):
            assert not is_wrong(log_on(site, "stranger", "x"))
        assert is_wrong(log_on(site, "somebody", "x"))  # whose password nobody calls right


def test_engines_of_a_store_count_together(tmp_path: Path, site: Site) -> None:
    config = {"base_dir": tmp_path, "store": {"url": "sqlite:///mpf.db"}}
    (tmp_path / "directory.db").write_bytes(site.engine.config.base_dir.joinpath("directory.db").read_bytes())
    caller = Caller(NAME, Credentials(NAME, GUESS))
    for _ in range(3):
        with Engine(Config.model_validate(config), plugins=[DirectoryPlugin()]) as engine:
            assert is_wrong(engine.execute("<request><data/></request>", caller, namespace="x", procedure="y"))
    with Engine(Config.model_validate(config), plugins=[DirectoryPlugin()]) as engine:
        right = Caller(NAME, Credentials(NAME, PASSWORD))
        assert is_wrong(engine.execute("<request><data/></request>", right, namespace="x", procedure="y"))


def change_password(site: Site, old: str) -> Result:
    arguments = {"user": ldap(JOHN), "oldPassword": old, "newPassword": "An0ther-word"}
    return site.submit("ChangeUserPassword", ALPINE_ADMIN, arguments, "Managed Active Directory")


def test_wrong_old_passwords_count_as_those_of_logons(site: Site) -> None:
    assert is_wrong(log_on(site, NAME, GUESS))
    for _ in range(2):
        result = change_password(site, GUESS)
        assert result.error is not None
        assert "old password is wrong" in result.error.description
    result = change_password(site, PASSWORD)
    assert result.error is not None
    assert "Too many wrong passwords" in result.error.description
    assert site.directory.verify_password(Dn.parse(JOHN), PASSWORD)
    assert is_wrong(log_on(site, NAME, PASSWORD))


@pytest.mark.parametrize(
    ("number", "window", "limits"),
    [
        ("0", "-18000000000", Limits(3, 1800)),
        ("10", "-18000000000", Limits(3, 1800)),
        ("3", "-18000000000", Limits(2, 1800)),
        ("3", "-36000000000", Limits(2, 3600)),
        ("2", "-600000000", Limits(1, 1800)),
        ("1", "-18000000000", Limits(1, 1800)),
    ],
)
def test_fewer_than_lock_an_account_out(site: Site, number: str, window: str, limits: Limits) -> None:
    assert limits_of_domain(site.directory, Limits(3, 1800)) == Limits(3, 1800)
    threshold(site.directory, number, window)
    assert limits_of_domain(site.directory, Limits(3, 1800)) == limits


def test_the_domain_says_how_many_and_is_not_asked_each_time(site: Site) -> None:
    threshold(site.directory, "3")
    with counted(site.engine) as operations:
        tried = [is_wrong(log_on(site, NAME, password)) for password in (GUESS, GUESS, PASSWORD)]
    assert tried == [True, True, True]
    asked = [one for one in operations.made if (one.name, one.dn) == ("read", str(layout.BASE))]
    assert len(asked) == 1


def test_what_was_found_out_is_asked_for_again_after_some_minutes() -> None:
    now = [0.0]
    fresh = Fresh[int](lambda: now[0])
    answers = iter([1, 2])
    assert [fresh.get("x", lambda: next(answers)) for _ in range(2)] == [1, 1]
    now[0] = 301.0
    assert fresh.get("x", lambda: next(answers)) == 2
