"""Traces: the tree of calls, with data, accounts, elevations and undo; and as spans of OpenTelemetry."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from mpf_core.engine import Result
from mpf_core.tracing import Trace
from tests.support import CALLER, Bench

COMPOSED = """<namespace name="Composed">
  <procedure name="Both" type="write" access="public">
    <execute namespace="Store" procedure="Put"><executeData><name>first</name></executeData></execute>
    <execute namespace="Store" procedure="Put" impersonate="2"><executeData><name>second</name></executeData></execute>
  </procedure>
</namespace>"""


def _schema(kind: str, *names: str, more: str = "") -> str:
    elements = "".join(f'<xs:element name="{name}" minOccurs="0" type="xs:string"/>' for name in names)
    return (
        f'<Schema name="{kind}"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="executeData">'
        f"<xs:complexType><xs:all>{elements}{more}</xs:all></xs:complexType></xs:element></xs:schema></Schema>"
    )


#: The same provider, with schemas that say what is there. ``value`` is secret.
SECRET_VALUE = (
    '<xs:element name="value" minOccurs="0"><xs:complexType><xs:simpleContent><xs:extension base="xs:string">'
    '<xs:attribute name="do-not-log" type="xs:boolean"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>'
)
NAMED = f"""<namespace name="Named" providerSource="test.store">
  <procedure name="Put" type="write">
    {_schema("inputSchema", "name", "hint", more=SECRET_VALUE)}{_schema("outputSchema", "stored")}
  </procedure>
  <procedure name="Fail" type="read">{_schema("inputSchema", "desc")}</procedure>
  <procedure name="Remove" type="two-phase"/><procedure name="Get" type="read"/><procedure name="Echo" type="read"/>
  <procedure name="Misbehave" type="read"/>
</namespace>"""
BOTH = '<execute namespace="Composed" procedure="Both" impersonate="1"/>'
FAIL = '<execute namespace="Store" procedure="Fail" impersonate="1"><executeData><desc>{}</desc></executeData></execute>'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, COMPOSED, NAMED)


def traced(bench: Bench, steps: str) -> tuple[Trace, Result]:
    trace = Trace()
    request = f"<request><data/><procedure>{steps}</procedure></request>"
    return trace, bench.engine.execute(request, CALLER, trace=trace)


def test_the_tree_of_calls(bench: Bench) -> None:
    trace, result = traced(bench, BOTH)
    assert trace.transaction_id == result.transaction_id
    (both,) = trace.calls
    assert [span.procedure for span in both.walk()] == ["Composed::Both", "Store::Put", "Store::Put"]
    assert [span.sequence for span in both.walk()] == [1, 2, 3]
    assert [span.identity for span in both.walk()] == [CALLER.name, CALLER.name, "MPFServiceAcct"]
    assert [span.elevated for span in both.walk()] == ["", "", "testing"]
    assert both.started <= both.calls[0].started <= both.calls[0].ended <= both.ended


def test_data_in_and_out(bench: Bench) -> None:
    put = (
        '<execute namespace="Named" procedure="Put" impersonate="1"><executeData><name>first</name></executeData></execute>'
    )
    trace, _ = traced(bench, put)
    (first,) = trace.calls
    assert first.data == "<executeData><name>first</name></executeData>"
    assert first.result == "<executeData><name>first</name><stored>first</stored></executeData>"


def test_what_no_schema_names_is_masked(bench: Bench) -> None:
    trace, _ = traced(bench, BOTH)
    first = trace.calls[0].calls[0]
    assert first.data == "<executeData><name>***</name></executeData>"
    assert first.result == "<executeData><name>***</name><stored>***</stored></executeData>"


@pytest.mark.parametrize(
    ("procedure", "content"),
    [
        ("Named::Put", "<name>a</name><valu>pw-CANARY-9</valu>"),  # misspelt, so refused before anything is known of it
        ("Named::Put", '<name>a</name><hint note="pw-CANARY-9"/>'),
        ("Named::Put", "<name>a</name><value>pw-CANARY-9</value><more/>"),
        ("Nobody::Knows", "<anything>pw-CANARY-9</anything>"),
        ("Store::Echo", '<property name="unicodePwd"><value>pw-CANARY-9</value></property><name>pw-CANARY-9</name>'),
        ("Store::Echo", "<NewPassword>pw-CANARY-9</NewPassword><name>pw-CANARY-9</name>"),
    ],
)
def test_what_nobody_declared_is_not_shown(bench: Bench, procedure: str, content: str) -> None:
    namespace, _, name = procedure.partition("::")
    trace, result = traced(
        bench,
        f'<execute namespace="{namespace}" procedure="{name}" impersonate="1"><executeData>{content}</executeData></execute>',
    )
    assert "***" in trace.calls[0].data
    assert "pw-CANARY-9" not in str(trace.as_json())
    assert b"pw-CANARY-9" not in result.document or result.error is None


def test_an_error_and_what_became_of_the_writes(bench: Bench) -> None:
    trace, result = traced(bench, BOTH + FAIL.format("enough"))
    assert result.error is not None
    both, failed = trace.calls
    assert [call.outcome for call in both.calls] == ["undone", "undone"]
    assert (failed.error, failed.result) == ("0x80004005 enough", "")


def test_secrets_are_masked(bench: Bench) -> None:
    secret = "pw-CANARY-8"
    step = (
        '<execute namespace="Named" procedure="Put" impersonate="1"><executeData><name>a</name>'
        f'<value do-not-log="1">{secret}</value><hint>it is {secret}</hint></executeData></execute>'
    )
    trace, _ = traced(bench, step + FAIL.format(f"not {secret}"))
    assert "<hint>it is ***</hint>" in trace.calls[0].data
    assert secret not in str(trace.as_json())


def test_long_data_is_cut(bench: Bench) -> None:
    trace, _ = traced(bench, FAIL.format("x" * 30_000).replace("Store", "Named"))
    assert len(trace.calls[0].data) < 20_100
    assert "characters)" in trace.calls[0].data


def test_a_call_that_does_not_exist_is_there_too(bench: Bench) -> None:
    trace, _ = traced(bench, '<execute namespace="Nobody" procedure="Knows" impersonate="1"/>')
    assert (trace.calls[0].procedure, trace.calls[0].sequence) == ("Nobody::Knows", 0)
    assert "no namespace" in trace.calls[0].error


def test_for_programs(bench: Bench) -> None:
    trace, _ = traced(bench, BOTH)
    document = trace.as_json()
    assert document["transaction"] == trace.transaction_id
    (both,) = document["calls"]  # type: ignore[misc]
    assert set(both) == {
        "procedure", "step", "sequence", "identity", "identity_kind", "started", "seconds", "data", "result", "error",
        "elevated", "outcome", "calls",
    }  # type: ignore[comparison-overlap] # fmt: skip


def test_as_spans_of_opentelemetry(bench: Bench) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace, _ = traced(bench, BOTH + FAIL.format("enough"))
    trace.export(provider.get_tracer("mpf"))
    spans = {span.name: span for span in exporter.get_finished_spans()}
    both, put, fail = spans["Composed::Both"], spans["Store::Put"], spans["Store::Fail"]
    assert put.parent is not None
    assert put.parent.span_id == both.context.span_id
    assert both.parent is None
    assert put.attributes is not None
    assert put.attributes["mpf.transaction"] == trace.transaction_id
    assert put.attributes["mpf.outcome"] == "undone"
    assert put.attributes["mpf.elevated"] == "testing"
    assert not any("first" in str(value) for value in put.attributes.values())
    assert (fail.status.status_code, fail.status.description) == (StatusCode.ERROR, "0x80004005 enough")
    assert both.start_time == int(trace.calls[0].started * 1_000_000_000)
    provider.shutdown()
