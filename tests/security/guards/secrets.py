"""Guards of passwords, of secrets, and of what the store says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from mpf_core import (
    Caller,
    Credentials,
    MpfError,
    Principal,
    redaction,
    submission,
)
from mpf_core.attempts import Attempt, Attempts
from mpf_core.cli import callers, cli
from mpf_core.execution import Execution
from mpf_core.security.calls import Decision
from mpf_core.security.identity import Identity, IdentityKind
from mpf_core.store.chain import Chain
from mpf_core.store.port import RequestKey
from mpf_core.store.vault import DataKey
from mpf_directory import service
from mpf_directory.backends import EmbeddedBackend
from mpf_directory.dn import Dn
from mpf_directory.port import Directories, Modification, ModifyOp
from mpf_directory.service import DirectoriesService
from tests.namespaces.support import (
    ALPINE,
    ALPINE_ADMIN,
    JOHN,
    ldap,
    make_site,
)
from tests.security.guards.base import (
    EVERYTHING,
    SECRET,
    STRANGER,
    Policy,
    bench,
    guard,
    nothing,
    replaced,
    store_call,
)
from tests.support import CALLER

_begin = Attempts.begin


def _count_nothing(_self: Attempts, what: str, *_: object) -> Attempt:
    return _begin(Attempts(), what, 1, 1)


@guard("wrong passwords are throttled", replaced(Attempts, "begin", _count_nothing))
def guessing_a_password(folder: Path) -> bool:
    with make_site() as site:
        password = [f'"{SECRET}"'.encode("utf-16-le")]
        site.directory.modify(Dn.parse(JOHN), [Modification("unicodePwd", ModifyOp.REPLACE, tuple(password))])
        for guess in ("a", "b", "c", "d", SECRET):
            caller = Caller("johnc@alpineskihouse.com", Credentials("johnc@alpineskihouse.com", guess))
            result = site.submit("GetSipUserProperties", caller, {"user": ldap(JOHN)})
        return result.error is None or "password" not in result.error.description


def _say_who_is_unknown(patch: pytest.MonkeyPatch) -> None:
    real = submission.Submission._authenticate

    def authenticate(self: submission.Submission) -> Principal:
        if not any(found(caller=self._caller) for found in self._around.runtime.plugins.each("mpf_resolve_caller")):
            raise MpfError(0x80070005, "The caller is unknown.")
        return real(self)

    patch.setattr(submission.Submission, "_authenticate", authenticate)


@guard("an unknown name is refused as a wrong password is", _say_who_is_unknown)
def whether_there_is_such_a_name(folder: Path) -> bool:
    with make_site() as site:
        known, unknown = (
            site.submit("GetSipUserProperties", Caller(name, Credentials(name, "a")), {"user": ldap(JOHN)}).error
            for name in ("johnc@alpineskihouse.com", "nobody@alpineskihouse.com")
        )
        return str(known) != str(unknown)


def _each_time_another(patch: pytest.MonkeyPatch) -> None:
    numbers = iter(range(1000))
    patch.setattr(service, "key_of", lambda _account: str(next(numbers)))


@guard("the names of an account count together", _each_time_another)
def guessing_by_several_names(folder: Path) -> bool:
    with make_site() as site:
        password = f'"{SECRET}"'.encode("utf-16-le")
        site.directory.modify(Dn.parse(JOHN), [Modification("unicodePwd", ModifyOp.REPLACE, (password,))])
        sam = site.read(JOHN).text("sAMAccountName")
        for name in (f"FABRIKAM\\{sam}", f"{sam}@fabrikam.com", JOHN):
            site.submit("GetSipUserProperties", Caller(name, Credentials(name, "a")), {"user": ldap(JOHN)})
        caller = Caller("johnc@alpineskihouse.com", Credentials("johnc@alpineskihouse.com", SECRET))
        result = site.submit("GetSipUserProperties", caller, {"user": ldap(JOHN)})
        return result.error is None or "password" not in result.error.description


@guard(
    "a request's credentials are checked in the embedded directory", replaced(EmbeddedBackend, "_log_on", lambda *_: True)
)
def credentials_that_are_made_up(folder: Path) -> bool:
    with make_site() as site:
        made_up = Identity(IdentityKind.BASIC, JOHN, credentials=Credentials(JOHN, "a"))
        try:
            site.engine.services.get(Directories).open(made_up)  # type: ignore[type-abstract]
        except MpfError:
            return False
        return True


@guard("operators' commands need a permission", replaced(callers, "require_permission", nothing))
def a_look_into_the_directory(folder: Path) -> bool:
    with make_site() as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(callers, "_owns_configuration", lambda _state: False)
        config = site.engine.config.base_dir / "mpf.toml"
        config.write_text('[plugins]\nenabled = ["mpf.directory"]\n')
        return CliRunner().invoke(cli, ["--config", str(config), "directory", "show", JOHN]).exit_code == 0


@guard("a caller's password is checked", replaced(DirectoriesService, "try_password", lambda *_: True))
def a_wrong_password(folder: Path) -> bool:
    with make_site() as site:
        caller = Caller(ALPINE_ADMIN.name, Credentials(ALPINE_ADMIN.name, "wrong"))
        return site.submit("GetPoolAssignment", caller, {"organization": ldap(ALPINE)}).error is None


def _open_any(patch: pytest.MonkeyPatch) -> None:
    real = DirectoriesService.open
    patch.setattr(DirectoriesService, "open", lambda self, identity, server=None, **more: real(self, identity, None, **more))


@guard("the request names no server but those of the operator", _open_any)
def a_server_of_the_attackers(folder: Path) -> bool:
    with make_site() as site:
        arguments = {"organization": ldap(ALPINE), "preferredDomainController": "dc.attacker.example.com"}
        return site.submit("GetPoolAssignment", ALPINE_ADMIN, arguments).error is None


@guard("secrets are masked", replaced(redaction, "mask", lambda text: text))
def an_error_that_quotes(folder: Path) -> bool:
    content = f'<value do-not-log="1">{SECRET}</value><desc>not {SECRET}</desc>'
    return SECRET.encode() in bench(folder, **EVERYTHING).run(store_call("Fail", content=content)).document


def _verify_nothing(patch: pytest.MonkeyPatch) -> None:
    real = DataKey.open
    patch.setattr(
        DataKey, "open", lambda self, blob, bound: bytes(blob)[29:] if blob[:1] == b"\x02" else real(self, blob, bound)
    )


@guard("what the journal says is authenticated", _verify_nothing)
def a_forged_undo(folder: Path) -> bool:
    """The undo of one name is rewritten, in a store that keeps undo data in clear, to that of another one."""
    made = bench(folder, **EVERYTHING)
    made.store.values["z"] = "b"
    made.store.fail_undo.add("a")
    context = '<context><securityContext sensitive="2"/></context>'
    result = made.run(store_call("Put") + store_call("Fail"), context=context)
    assert result.rollback[0].state.value == "undo-failed"
    with closing(sqlite3.connect(folder / "mpf.db")) as database, database:
        (blob,) = database.execute("SELECT intent FROM steps").fetchone()
        assert blob.count(b'"name":"a"') == 1
        database.execute("UPDATE steps SET intent = ?", [blob.replace(b'"name":"a"', b'"name":"z"')])
    made.engine.transactions.retry(result.transaction_id, "operator")
    return "z" not in made.store.values


@guard("the audit is chained", replaced(Chain, "_hash", lambda *_: bytes(32)))
def a_changed_line_of_the_audit(folder: Path) -> bool:
    made = bench(folder, **EVERYTHING)
    made.run(store_call("Echo"))
    with closing(sqlite3.connect(folder / "mpf.db")) as database, database:
        database.execute("UPDATE audit SET caller = 'somebody else' WHERE number = 1")
    return not list(made.engine.store.audit.verify())


def _keys_are_everybodys(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(submission, "RequestKey", lambda _owner, key, digest: RequestKey("everybody", key, digest))


@guard("an idempotency key is its caller's own", _keys_are_everybodys)
def a_key_of_somebody_else(folder: Path) -> bool:
    made = bench(folder, private_procedures=(CALLER.name, STRANGER.name))
    calls = [
        made.engine.execute(
            "<request><data><name>a</name></data></request>",
            caller,
            namespace="Store",
            procedure="Get",
            idempotency_key="order-1",
        )
        for caller in (CALLER, STRANGER)
    ]
    return calls[1].repeated


@guard("a stored response is for those who still may", replaced(Execution, "authorize_again", nothing))
def a_response_after_the_role_is_gone(folder: Path) -> bool:
    policy = Policy(lambda _name: Decision(True))
    made = bench(folder, policies=(policy,), private_procedures=(CALLER.name,))
    request = "<request><data><name>a</name></data></request>"
    for _ in range(2):
        result = made.engine.execute(request, CALLER, namespace="Store", procedure="Get", idempotency_key="order-1")
        policy._answer = lambda _name: Decision(False)
    return result.repeated
