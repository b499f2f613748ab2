"""Canary secrets in every field that may carry one, looked for in everything that leaves the engine."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest

from mpf_core import Caller, Change, Config, Credentials, Engine, redaction
from mpf_core.engine import Result
from mpf_core.provider import CallContext
from mpf_core.store.keys import create_key_file
from mpf_core.testing import AllowAll
from tests.support import STORE_NAMESPACE, StorePlugin, StoreProvider

ARGUMENT, DECLARED, BASIC, CALLERS = "arg-CANARY-1", "declared-CANARY-2", "basic-CANARY-3", "caller-CANARY-4"
CANARIES = (ARGUMENT, DECLARED, BASIC, CALLERS)
CALLER = Caller("tester@fabrikam.com", Credentials("tester", CALLERS))
SECRETIVE = """<namespace name="Secretive" providerSource="test.secretive">
  <procedure name="Set" type="read"><Schema name="inputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:complexType name="secret"><xs:simpleContent><xs:extension base="xs:string">
      <xs:attribute name="do-not-log" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>
    <xs:element name="executeData"><xs:complexType><xs:all>
      <xs:element name="declared" type="secret" minOccurs="0"/>
      <xs:element name="number" minOccurs="0"><xs:complexType><xs:simpleContent><xs:extension base="xs:int">
        <xs:attribute name="do-not-log" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>
    </xs:all></xs:complexType></xs:element></xs:schema></Schema></procedure>
</namespace>"""


class Bench:
    """An engine with a durable store whose provider quotes all that it hears, in one way or the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store, self.heard = StoreProvider(), []
        (folder / "store.xml").write_text(STORE_NAMESPACE)
        create_key_file(folder / "mpf.key")
        everything = [CALLER.name]
        config = Config.model_validate(
            {
                "base_dir": folder,
                "engine": {"undo_wait": 0},
                "store": {"url": "sqlite:///mpf.db", "key_file": "mpf.key"},
                "security": {
                    "permissions": dict.fromkeys(
                        ("trusted_requests", "callers_credentials", "private_procedures"), everything
                    )
                },
            }
        )
        self.engine = Engine(config, plugins=[StorePlugin(self.store), AllowAll()], namespaces=[folder / "store.xml"])

    def run(self, procedure: str) -> Result:
        request = (
            '<request><data/><context><securityContext><authentication><basic username="basic" '
            f'password="{BASIC}"/></authentication></securityContext></context><procedure><execute namespace="Store" '
            f'procedure="{procedure}" impersonate="1"><executeData><name>a</name><value do-not-log="1">{ARGUMENT}</value>'
            f"<desc>the server says: {ARGUMENT}, {BASIC} and {CALLERS}</desc></executeData></execute></procedure></request>"
        )
        return self.engine.execute(request, CALLER)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def sinks(bench: Bench, result: Result, caplog: pytest.LogCaptureFixture) -> str:
    """Everything that left the engine, as one text."""
    formatter = logging.Formatter("%(message)s %(name)s")
    records = [formatter.format(record) + repr(vars(record)) for record in caplog.records]
    audit = [repr(line) for line in bench.engine.store.audit.lines()]
    tracebacks = [] if result.error is None else traceback.format_exception(result.error)
    found = [repr(result), result.document.decode(), str(result.error), *tracebacks, *records, *audit]
    for view in bench.engine.transactions.find():
        found += [repr(view), repr(bench.engine.transactions.get(view.id).record)]
    found += [file.read_bytes().decode("latin-1") for file in bench.folder.glob("mpf.db*") if file.is_file()]
    return "\n".join(found)


def assert_clean(text: str) -> None:
    assert [canary for canary in CANARIES if canary in text] == []


def test_an_error_that_quotes_secrets(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mpf")
    result = bench.run("Fail")
    assert result.error is not None
    assert result.error.description == "the server says: ***, *** and ***"
    assert_clean(sinks(bench, result, caplog))


def test_an_unexpected_error_whose_traceback_quotes_them(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mpf")

    def fail(data: object) -> None:
        raise RuntimeError(f"cannot do {ARGUMENT} with {BASIC}")

    bench.store.misbehaviour = fail
    result = bench.run("Misbehave")
    text = sinks(bench, result, caplog)
    assert "cannot do *** with ***" in text  # the traceback is there, and tells where
    assert "in fail" in text
    assert_clean(text)


def test_a_write_that_is_undone(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mpf")

    def fail(ctx: CallContext, name: str) -> None:
        raise RuntimeError(f"cannot do {ARGUMENT} with {CALLERS}")

    bench.store.during_apply = fail
    assert_clean(sinks(bench, bench.run("Put"), caplog))


def test_a_request_that_is_refused_for_what_quotes_them(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mpf")
    request = (
        f'<request><data><pin do-not-log="1">{ARGUMENT}</pin></data><procedure><execute namespace="Store" '
        f'procedure="Fail" impersonate="{ARGUMENT}"/></procedure></request>'
    )
    result = bench.engine.execute(request, CALLER)
    assert result.error is not None
    assert "***" in result.error.description
    assert_clean(sinks(bench, result, caplog))


def test_a_plan(bench: Bench) -> None:
    request = (
        '<request><data/><procedure><execute namespace="Store" procedure="Fail" impersonate="1"><executeData>'
        f'<desc do-not-log="1">{ARGUMENT}</desc></executeData></execute></procedure></request>'
    )
    plan = bench.engine.plan(request, CALLER)
    assert plan.error is not None
    assert plan.error.description == "***"


def test_a_violation_does_not_quote_what_the_schema_declares_secret(tmp_path: Path) -> None:
    """Not even where the request does not mark it."""
    from tests.support import Bench as Plain

    class Secretive:
        name = "secretive"

    bench = Plain(
        tmp_path,
        SECRETIVE.replace(' providerSource="test.secretive"', "").replace("</procedure>", "<transform/></procedure>"),
    )
    for secret, element in ((DECLARED, "number"), ("77x", "number")):
        step = (
            f'<execute namespace="Secretive" procedure="Set" impersonate="1"><executeData><{element}>{secret}</{element}>'
            "</executeData></execute>"
        )
        result = bench.run(step)
        assert result.error is not None
        assert "***" in str(result.error.violations)
        assert secret not in result.document.decode() + str(result.error) + str(result.error.violations)


def test_what_is_hidden_is_hidden_in_its_thread_only_and_no_longer_than_the_request(bench: Bench) -> None:
    bench.run("Fail")
    assert redaction.mask(ARGUMENT) == ARGUMENT


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("longer secret", "alongersecret, a longer secret's", "alongersecret, a ***'s"),
        ("abc", "abcd abc 'abc' xabc", "abcd *** '***' xabc"),
        ("a.c", "abc a.c", "abc ***"),
        ("", "text", "text"),
    ],
)
def test_short_secrets_are_hidden_where_they_stand_alone(secret: str, text: str, expected: str) -> None:
    with redaction.hiding([secret]):
        assert redaction.mask(text) == expected


def test_one_secret_may_be_a_part_of_another() -> None:
    with redaction.hiding(["secret-one", "secret-one-and-two"]):
        assert redaction.mask("secret-one-and-two") == "***"


def test_the_data_of_a_change_is_in_no_repr() -> None:
    assert ARGUMENT not in repr(Change({"password": ARGUMENT}))
