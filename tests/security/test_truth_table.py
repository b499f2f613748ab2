"""The documented truth table of impersonation, row by row (spec: provisioning-schema.md, Security truth table)."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import pytest

from mpf_core import Caller, Credentials, IdentityKind
from tests.support import CALLER, Bench

BASIC = '<context><securityContext><authentication><basic username="basic" password="pw"/></authentication></securityContext></context>'
SERVICE, BASIC_USER, EXECUTE_AS = "MPFServiceAcct", "basic", "MPSPrivAcct"

#: @impersonate of the call of Procedure2, whether the request has a basic credential, whether Procedure2 has an Execute As
#: user, @impersonate of the call of Procedure3, and the account that Procedure3 runs as. None: not specified, or irrelevant.
TABLE: list[tuple[str | None, bool | None, bool | None, str, str]] = [
    ("0", None, None, "0", SERVICE),
    ("1", True, False, "0", BASIC_USER),
    ("1", False, False, "0", CALLER.name),
    ("2", None, None, "0", SERVICE),
    (None, True, False, "1", BASIC_USER),
    (None, False, False, "1", CALLER.name),
    (None, None, None, "2", SERVICE),
    ("1", None, True, "0", EXECUTE_AS),
    (None, None, True, "1", EXECUTE_AS),
]
Row: TypeAlias = tuple[str | None, bool, bool, str, str]
ROWS: list[Row] = [
    (called_with, has_basic, has_execute_as, second, account)
    for first, basic, execute_as, second, account in TABLE
    for called_with in ([None, "0", "1", "2"] if first is None else [first])
    for has_basic in ([True, False] if basic is None else [basic])
    for has_execute_as in ([True, False] if execute_as is None else [execute_as])
]


def call(namespace: str, procedure: str, impersonate: str | None) -> str:
    attribute = "" if impersonate is None else f' impersonate="{impersonate}"'
    return f'<execute namespace="{namespace}" procedure="{procedure}"{attribute}/>'


def namespace(second: str) -> str:
    return (
        '<namespace name="Table"><procedure name="Procedure2" type="read" access="public">'
        f"{call('Store', 'Echo', second)}</procedure></namespace>"
    )


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_procedure3_runs_as(tmp_path: Path, row: Row) -> None:
    first, basic, execute_as, second, account = row
    bench = Bench(tmp_path, namespace(second))
    if execute_as:
        bench.engine.administration.put_credential(EXECUTE_AS, Credentials(EXECUTE_AS, "pw", "FABRIKAM"), "root")
        bench.engine.administration.assign("Table::Procedure2", EXECUTE_AS, "root")
    result = bench.run(call("Table", "Procedure2", first), context=BASIC if basic else "")
    assert result.error is None
    (ctx,) = bench.store.contexts
    assert ctx.identity.name == account
    passwords = {EXECUTE_AS: "pw", BASIC_USER: "pw"}
    held = ctx.identity.credentials
    assert (held.password if held is not None else None) == passwords.get(account)


@pytest.mark.parametrize("password", ["", "pw"])
def test_a_simple_request_counts_as_called_with_impersonation(tmp_path: Path, password: str) -> None:
    bench = Bench(tmp_path, namespace("0"))
    caller = Caller(CALLER.name, Credentials(CALLER.name, password) if password else None)
    assert (
        bench.engine.execute("<request><data/></request>", caller, namespace="Table", procedure="Procedure2").error is None
    )
    (ctx,) = bench.store.contexts
    assert (ctx.identity.kind, ctx.identity.name) == (IdentityKind.CALLER, CALLER.name)
    assert ctx.identity.credentials == caller.credentials


def test_execute_as_gives_nobody_the_service_account(tmp_path: Path) -> None:
    """A procedure that is called as its caller is stays the caller, whoever it could run as with impersonation on."""
    calls = call("Store", "Echo", "0") + call("Store", "Echo", "1")
    inner = f'<procedure name="Inner" type="read" access="public">{calls}</procedure>'
    outer = f'<procedure name="Outer" type="read" access="public">{call("Nested", "Inner", "0")}</procedure>'
    bench = Bench(tmp_path, f'<namespace name="Nested">{inner}{outer}</namespace>')
    bench.engine.administration.put_credential(EXECUTE_AS, Credentials(EXECUTE_AS, "pw"), "root")
    bench.engine.administration.assign("Nested::Inner", EXECUTE_AS, "root")
    assert bench.engine.execute("<request><data/></request>", CALLER, namespace="Nested", procedure="Outer").error is None
    assert [ctx.identity.kind for ctx in bench.store.contexts] == [IdentityKind.CALLER, IdentityKind.EXECUTE_AS]


class TestExecuteAs:
    """What is particular to it."""

    def assigned(self, folder: Path, *, stored: bool = True) -> Bench:
        bench = Bench(folder, namespace("0"))
        if stored:
            bench.engine.administration.put_credential(EXECUTE_AS, Credentials(EXECUTE_AS, "pw"), "root")
        bench.engine.administration.assign("Table::Procedure2", EXECUTE_AS, "an administrator")
        return bench

    def test_its_use_is_in_the_audit_before_it_happens(self, tmp_path: Path) -> None:
        bench = self.assigned(tmp_path)
        bench.run(call("Table", "Procedure2", "1"))
        (line,) = [one.entry for one in bench.engine.store.audit.lines() if one.entry.event == "elevation"]
        assert (line.caller, line.identity, line.procedure) == (CALLER.name, EXECUTE_AS, "Table::Procedure2")
        assert line.details["kind"] == "execute-as"
        assert "an administrator" in str(line.details["reason"])

    def test_a_credential_that_is_not_stored_refuses_the_call(self, tmp_path: Path) -> None:
        bench = self.assigned(tmp_path, stored=False)
        error = bench.run(call("Table", "Procedure2", "1")).error
        assert error is not None
        assert (error.code, bench.store.contexts) == (0x80070005, [])
        assert f"runs as '{EXECUTE_AS}'" in error.description

    def test_it_holds_no_longer_when_it_was_taken_away(self, tmp_path: Path) -> None:
        bench = self.assigned(tmp_path)
        bench.engine.administration.assign("Table::Procedure2", None, "root")
        assert bench.run(call("Table", "Procedure2", "1")).error is None
        assert bench.store.contexts[0].identity.kind is IdentityKind.CALLER
