"""A plan: what a request would do, and no write reaches any provider."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from mpf_core import CallContext, Caller, Change, Plan, Provider, Undo, hookimpl, write
from mpf_core.planning import UNKNOWN
from mpf_core.testing import AllowAll
from tests.support import CALLER, Bench

COMPOSED = """<namespace name="Composed">
  <procedure name="Both" type="write" access="public">
    <execute namespace="Store" procedure="Put"><before source="data" sourcePath="name" destination="executeData"/></execute>
    <execute namespace="Store" procedure="Put" impersonate="2"><executeData><name>second</name></executeData></execute>
  </procedure>
</namespace>"""
LATE = """<namespace name="Late" providerSource="test.store">
  <procedure name="Put" type="write"><Schema name="outputSchema"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:element name="executeData"><xs:complexType><xs:sequence>
      <xs:element name="stored" type="xs:string"/><xs:element name="guid" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element></xs:schema></Schema></procedure>
  <procedure name="Remove" type="two-phase"/>
  <procedure name="Get" type="read"/>
  <procedure name="Echo" type="read"/>
  <procedure name="Fail" type="read"/>
  <procedure name="Misbehave" type="read"/>
</namespace>"""


def put(name: str, namespace: str = "Store", after: str = "") -> str:
    data = f"<executeData><name>{name}</name><value>1</value></executeData>"
    return f'<execute namespace="{namespace}" procedure="Put" impersonate="1">{data}{after}</execute>'


def call(procedure: str, name: str) -> str:
    data = f"<executeData><name>{name}</name></executeData>"
    return f'<execute namespace="Store" procedure="{procedure}" impersonate="1">{data}</execute>'


def plan(bench: Bench, steps: str, caller: Caller = CALLER) -> Plan:
    found = bench.engine.plan(f"<request><data/><procedure>{steps}</procedure></request>", caller)
    assert not [one for one in bench.store.calls if one[0] in {"undo", "commit", "prepare commit"}]
    assert bench.engine.transactions.find() == []
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, COMPOSED)


def test_every_write_is_there_and_none_is_done(bench: Bench) -> None:
    bench.store.values["old"] = "value"
    found = plan(bench, put("a") + call("Get", "old") + call("Remove", "old") + put("b"))
    assert (found.error, found.stopped) == (None, False)
    assert [(step.procedure, step.step, step.deferred) for step in found.steps] == [
        ("Store::Put", "request/execute[1]", False),
        ("Store::Remove", "request/execute[3]", True),
        ("Store::Put", "request/execute[4]", False),
    ]
    assert '"name": "a"' in found.steps[0].change
    assert bench.store.values == {"old": "value"}


def test_the_account_of_each_call(bench: Bench) -> None:
    request = "<request><data><name>first</name></data></request>"
    found = bench.engine.plan(request, CALLER, namespace="Composed", procedure="Both")
    assert [(step.identity, step.identity_kind) for step in found.steps] == [
        (CALLER.name, "caller"),
        ("MPFServiceAcct", "service"),
    ]
    events = [line.entry.event for line in bench.engine.store.audit.lines()]
    assert events == ["request.plan", "elevation", "elevation.end"]


def test_what_is_refused_is_refused_in_a_plan(tmp_path: Path) -> None:
    class Refuse(AllowAll):
        def mpf_elevate(self, call: object) -> None:  # type: ignore[override]
            """No."""

    bench = Bench(tmp_path, COMPOSED, plugins=(Refuse(),))
    request = "<request><data><name>first</name></data></request>"
    found = bench.engine.plan(request, CALLER, namespace="Composed", procedure="Both")
    assert found.error is not None
    assert (found.error.code, len(found.steps)) == (0x80070005, 1)
    stranger = plan(bench, put("a"), Caller("stranger"))
    assert stranger.error is not None
    assert (stranger.error.code, stranger.steps) == (0x80070005, ())


def test_an_error_is_in_the_plan_with_the_steps_before_it(bench: Bench) -> None:
    found = plan(bench, put("a") + call("Fail", "x") + put("b"))
    assert found.error is not None
    assert (found.error.code, len(found.steps), found.stopped) == (0x80004005, 1, True)


def test_an_error_before_any_write_is_no_effect_of_the_plan(bench: Bench) -> None:
    found = plan(bench, call("Fail", "x"))
    assert found.error is not None
    assert (found.steps, found.stopped) == ((), False)


def test_what_a_try_would_undo_is_not_there(bench: Bench) -> None:
    found = plan(bench, f"<try>{put('a')}</try><catch/><try>{put('b')}{call('Fail', 'x')}</try><catch>{put('c')}</catch>")
    assert found.error is None
    # Each child of a try is undone by itself: b succeeded, and what failed behind it has no effect.
    assert [step.change.count('"name": "b"') for step in found.steps] == [0, 1, 0]


def test_a_call_that_changes_nothing_is_no_step(bench: Bench) -> None:
    bench.store.values["a"] = "1"
    assert plan(bench, put("a")).steps == ()


def test_a_value_that_only_the_write_yields_is_unknown(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LATE)
    after = '<after source="executeData" sourcePath="guid" destination="data"/>'
    echo = (
        '<execute namespace="Store" procedure="Echo" impersonate="1">'
        '<before source="data" sourcePath="guid" destination="executeData"/></execute>'
    )
    found = plan(bench, put("a", "Late", after) + echo)
    assert found.error is None
    assert found.steps[0].unknown == ("guid",)
    assert UNKNOWN in bench.store.calls[-1][1]


COPY = '<before source="data" destination="procedureData"/>'
TO_DATA = '<after source="executeData" sourcePath="guid" destination="data"/>'


def deciding(folder: Path, step: str) -> Plan:
    """What is planned where a step behind a write, in a ``try``, looks at a value that only the write yields."""
    late = f'<execute namespace="Late" procedure="Put"><executeData><name>a</name></executeData>{TO_DATA}</execute>'
    body = f'<procedure name="Decide" type="write" access="public">{late}<try>{step}</try><catch/></procedure>'
    bench = Bench(folder, LATE.replace("</namespace>", f"{body}</namespace>"))
    return plan(bench, '<execute namespace="Late" procedure="Decide" impersonate="1"/>')


@pytest.mark.parametrize(
    "path",
    [
        "guid='{1}'",
        "not(guid='{1}')",
        "starts-with(guid, '{')",
        "guid = concat('a', 'b')",
        "*[. = '7']",
        "guid > 5",
        "string-length(guid) > 10",
        "contains(., 'x')",
    ],
)
def test_a_condition_on_an_unknown_value_ends_the_plan(tmp_path: Path, path: str) -> None:
    found = deciding(tmp_path, f'<transform><when source="data" sourcePath="{escape(path)}"/>{COPY}</transform>')
    assert found.error is not None
    assert (found.error.code, found.stopped) == (0x8000000A, True), found.error
    assert path in found.error.description
    assert len(found.steps) == 1


@pytest.mark.parametrize("path", ["name='x'", "not(name)", "guid", "guid or name", "count(*) = 1", "'a' = 'a'"])
def test_one_that_is_the_same_whatever_it_is_does_not(tmp_path: Path, path: str) -> None:
    found = deciding(tmp_path, f'<transform><when source="data" sourcePath="{escape(path)}"/>{COPY}</transform>')
    assert found.error is None, found.error


@pytest.mark.parametrize(
    "step",
    [
        '<select name="which" source="data" sourcePath="guid" defaultCase="other"><where value="1" case="one"/></select>',
        f'<transform><repeat source="data" sourcePath="guid"/>{COPY}</transform>',
        f'<transform><forEach name="one" root="data" path="guid[. = \'x\']" ifNull="skip"/>{COPY}</transform>',
        '<transform><before source="data" sourcePath="guid[. = \'x\']" destination="procedureData"/></transform>',
    ],
)
def test_so_do_the_others_that_decide(tmp_path: Path, step: str) -> None:
    found = deciding(tmp_path, step)
    assert found.error is not None
    assert found.error.code == 0x8000000A, found.error


def test_what_looks_behind_a_change_makes_a_plan_unsure(bench: Bench) -> None:
    assert plan(bench, call("Get", "x") + put("a")).unsure == ""
    assert plan(bench, put("a") + call("Echo", "a") + put("a")).unsure == "request/execute[2]"


def test_locks_are_not_taken(bench: Bench) -> None:
    bench.store.lock_keys = True
    plan(bench, put("a"))
    assert bench.run(put("a")).error is None


@pytest.mark.parametrize("request_", ["", "<request/>", "nonsense"])
def test_what_is_no_request_is_an_error_of_the_plan(bench: Bench, request_: str) -> None:
    found = bench.engine.plan(request_, CALLER)
    assert found.error is not None


def test_misuse_raises(bench: Bench) -> None:
    with pytest.raises(TypeError):
        bench.engine.plan(1, CALLER)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="both"):
        bench.engine.plan("<request/>", CALLER, namespace="Store")


CHAIN = """<namespace name="Chain" providerSource="test.chain" xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <procedure name="Maybe" type="write"><Schema name="outputSchema"><xs:schema><xs:element name="executeData"><xs:complexType>
    <xs:sequence><xs:element name="guid" type="xs:string" minOccurs="0"/></xs:sequence></xs:complexType></xs:element>
    </xs:schema></Schema></procedure>
  <procedure name="Untold" type="write"/>
  <procedure name="Many" type="write"><Schema name="outputSchema"><xs:schema><xs:element name="executeData"><xs:complexType>
    <xs:sequence><xs:element name="guid" type="xs:string" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
    </xs:schema></Schema></procedure>
  <procedure name="Number" type="write"><Schema name="outputSchema"><xs:schema><xs:element name="executeData"><xs:complexType>
    <xs:sequence><xs:element name="guid" type="xs:int"/></xs:sequence></xs:complexType></xs:element>
    </xs:schema></Schema></procedure>
  <procedure name="Nested" type="write"><Schema name="outputSchema"><xs:schema><xs:element name="executeData"><xs:complexType>
    <xs:sequence><xs:element name="guid"><xs:complexType><xs:sequence><xs:element name="id" type="xs:string"/></xs:sequence>
    <xs:attribute name="path" use="required"/><xs:attribute name="kind"/></xs:complexType></xs:element></xs:sequence>
    </xs:complexType></xs:element></xs:schema></Schema></procedure>
  <procedure name="Typed" type="write"><Schema name="inputSchema"><xs:schema><xs:element name="executeData"><xs:complexType>
    <xs:all><xs:element name="guid" type="xs:int"/><xs:element name="name" type="xs:string"/></xs:all></xs:complexType>
    </xs:element></xs:schema></Schema></procedure>
  <procedure name="Next" type="write"/>
</namespace>"""


class ChainProvider(Provider):
    """Nothing of its output is known before."""

    name = "chain"

    def __init__(self) -> None:
        self.applied: list[str] = []

    @hookimpl
    def mpf_providers(self) -> dict[str, Provider]:
        return {"test.chain": self}

    def change(self, ctx: CallContext, data: etree._Element) -> Change:
        if data.findtext("number"):
            int(data.findtext("number") or "")
        return Change({"data": etree.tostring(data).decode()})

    for _name in ("Maybe", "Untold", "Many", "Number", "Nested", "Typed", "Next"):
        locals()[_name.lower()] = write(_name)(lambda self, ctx, data: self.change(ctx, data))

    def apply(self, ctx: CallContext, change: Change) -> None:
        self.applied.append(ctx.procedure)

    def undo(self, ctx: CallContext, change: Change) -> Undo:
        return Undo.NOTHING_TO_UNDO


def chained(folder: Path, first: str, then: str, take: str = "", data: str = "") -> Plan:
    """The plan of a procedure that calls ``first``, takes its output, and goes on with ``then``."""
    take = take or '<after source="executeData" destination="data" mode="merge"/>'
    body = f'<procedure name="Do" type="write" access="public">{call_of(first, take)}{then}</procedure>'
    provider = ChainProvider()
    chain = f'<namespace name="Composed too">{body}</namespace>'
    bench = Bench(folder, CHAIN, chain, plugins=(provider, AllowAll()))
    request = f"<request><data>{data}</data></request>"
    found = bench.engine.plan(request, CALLER, namespace="Composed too", procedure="Do")
    assert provider.applied == []
    return found


def call_of(procedure: str, inner: str = "") -> str:
    return f'<execute namespace="Chain" procedure="{procedure}" impersonate="1">{inner}</execute>'


FROM_DATA = '<before source="data" sourcePath="guid" destination="executeData"/>'


@pytest.mark.parametrize("first", ["Maybe", "Untold", "Many"])
@pytest.mark.parametrize(
    "then",
    [
        call_of("Next", '<when source="data" sourcePath="count(guid) = 1"/>'),
        call_of("Next", '<forEach name="one" root="data" path="guid" ifNull="skip"/>'),
        call_of("Next", '<repeat source="data" sourcePath="guid" ifNull="ignore"/>'),
        call_of("Next", '<before source="data" sourcePath="guid" destination="executeData" ifNull="ignore"/>'),
        call_of("Next", '<before source="data" destination="executeData" mode="merge"/>'),
        '<select name="which" source="data" sourcePath="guid" ifNullCase="none"/>',
    ],
    ids=["when", "forEach", "repeat", "ifNull", "all of it", "select"],
)
def test_what_may_be_there_and_may_be_not_ends_the_plan(tmp_path: Path, first: str, then: str) -> None:
    found = chained(tmp_path, first, then)
    assert found.error is not None
    assert (found.error.code, found.stopped, len(found.steps)) == (0x8000000A, True, 1), found.error
    assert "Composed too::Do" in found.error.step


def test_what_does_not_depend_on_it_goes_on(tmp_path: Path) -> None:
    known = '<before source="data" sourcePath="name" destination="executeData"/>'
    found = chained(
        tmp_path, "Maybe", call_of("Next", f'<when source="data" sourcePath="name"/>{known}'), data="<name>a</name>"
    )
    assert found.error is None
    assert [step.procedure for step in found.steps] == ["Chain::Maybe", "Chain::Next"]
    assert found.steps[0].unknown == ("guid",)


def test_an_output_that_holds_others_is_unknown_as_a_whole(tmp_path: Path) -> None:
    inner = '<before source="data" sourcePath="guid/id" destination="executeData"/>'
    path = '<before source="data" sourcePath="guid/@path" destination="executeData" destinationPath="@path"/>'
    found = chained(tmp_path, "Nested", call_of("Next", f'<when source="data" sourcePath="guid/id"/>{inner}{path}'))
    assert found.error is None, found.error
    assert found.steps[1].change.count(UNKNOWN) == 2
    stops = chained(tmp_path, "Nested", call_of("Next", '<when source="data" sourcePath="guid/@kind"/>'))
    assert stops.error is not None
    assert stops.error.code == 0x8000000A


def test_an_unknown_value_fits_any_type(tmp_path: Path) -> None:
    name = "<executeData><name>a</name></executeData>"
    found = chained(tmp_path, "Number", call_of("Typed", name + FROM_DATA))
    assert found.error is None, found.error
    assert UNKNOWN in found.steps[1].change
    wrong = chained(tmp_path, "Number", call_of("Typed", FROM_DATA))
    assert wrong.error is not None
    assert wrong.error.description == "The required argument name was not supplied."


def test_a_provider_that_cannot_read_an_unknown_value_is_no_error(tmp_path: Path) -> None:
    number = '<before source="data" sourcePath="guid" destination="executeData" destinationPath="number" mode="merge"/>'
    found = chained(tmp_path, "Number", f"<try>{call_of('Next', number)}</try><catch/>")
    assert found.error is not None
    assert found.error.code == 0x8000000A
    assert "ValueError" in found.error.description


def test_every_call_is_in_the_plan(bench: Bench) -> None:
    request = "<request><data><name>first</name></data></request>"
    found = bench.engine.plan(request, CALLER, namespace="Composed", procedure="Both")
    assert [(one.sequence, one.procedure, one.type, one.depth, one.identity_kind) for one in found.calls] == [
        (1, "Composed::Both", "write", 0, "caller"),
        (2, "Store::Put", "write", 1, "caller"),
        (3, "Store::Put", "write", 1, "service"),
    ]
    assert [step.sequence for step in found.steps] == [2, 3]
    read = plan(bench, call("Get", "x"))
    assert [(one.procedure, one.type) for one in read.calls] == [("Store::Get", "read")]


@pytest.mark.parametrize("first", ["Maybe", "Untold"])
def test_what_a_provider_says_is_all_is_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    monkeypatch.setattr(ChainProvider, "change", lambda self, ctx, data: Change({"data": ""}, complete=True))
    found = chained(tmp_path, first, call_of("Next", '<when source="data" sourcePath="guid"/>'))
    assert found.error is None
    assert [step.procedure for step in found.steps] == [f"Chain::{first}"]
    assert found.steps[0].unknown == ()
