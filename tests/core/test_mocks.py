"""Mock providers: what they check, remember and answer, and how their assertions fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from mpf_core import Change, Config, Engine, Undo
from mpf_core.engine import Result
from mpf_core.testing import AllowAll, MockProvider, mock_providers
from mpf_error import ErrorPlugin
from mpf_ocs import OcsPlugin
from tests.support import CALLER, for_anybody

SCHEMA = """<Schema name="{name}"><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:annotation><xs:appinfo>
<di:ApiDocInfo xmlns:di="http://provisioning.microsoft.com/ApiDocInfo"><di:MinimumRole type="Implicit">Users</di:MinimumRole>
</di:ApiDocInfo></xs:appinfo></xs:annotation><xs:element name="executeData">
<xs:complexType><xs:all>{elements}</xs:all></xs:complexType></xs:element></xs:schema></Schema>"""
NAMESPACE = f"""<namespace name="Greetings" providerSource="acme.greetings">
  <procedure name="Greet" type="read" access="public">
    {SCHEMA.format(name="inputSchema", elements='<xs:element name="name" type="xs:string"/>')}
    {SCHEMA.format(name="outputSchema", elements='<xs:element name="greeting" type="xs:string"/>')}
  </procedure>
  <procedure name="Add" type="write" access="public"/>
  <procedure name="Remove" type="two-phase" access="public"/>
</namespace>"""
FAIL = '<execute namespace="Greetings" procedure="None"/>'


class Bench:
    def __init__(self, folder: Path, *, strict: bool = False) -> None:
        file = folder / "greetings.xml"
        file.write_text(for_anybody(NAMESPACE))
        self.mock = MockProvider(file, strict=strict)
        config = Config.model_validate({"security": {"permissions": {"trusted_requests": [CALLER.name]}}})
        self.engine = Engine(config, plugins=[self.mock, AllowAll()])

    def run(self, *calls: tuple[str, str], behind: str = "") -> Result:
        steps = "".join(
            f'<execute namespace="Greetings" procedure="{name}" impersonate="1"><executeData>{data}</executeData>'
            '<after source="executeData" destination="data" mode="merge"/></execute>'
            for name, data in calls
        )
        return self.engine.execute(f"<request><procedure>{steps}{behind}</procedure></request>", CALLER)

    def greet(self, name: str) -> Result:
        return self.run(("Greet", f"<name>{name}</name>"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def greeting(result: Result) -> str | None:
    assert result.error is None, result.error
    return etree.fromstring(result.document).findtext("data/greeting")


def test_the_latest_answer_that_matches_is_given(bench: Bench) -> None:
    bench.mock.on("Greet").returns({"greeting": "Hello"})
    bench.mock.on("Greet", name="Ada").returns("<greeting>Hello, Ada</greeting>").once()
    bench.mock.on("Greet", name="Eve").returns(lambda call: {"greeting": call.arguments["name"][::-1]})
    assert [greeting(bench.greet(name)) for name in ("Ada", "Ada", "Eve", "Bob")] == ["Hello, Ada", "Hello", "evE", "Hello"]
    bench.mock.verify()


def test_an_error_is_raised_as_the_real_provider_would(bench: Bench) -> None:
    bench.mock.on("Greet").raises(0x80072030, "nobody there")
    error = bench.greet("Ada").error
    assert error is not None
    assert (error.code, error.description) == (0x80072030, "nobody there")


def test_calls_are_checked_by_the_real_schema_before_the_mock_sees_them(bench: Bench) -> None:
    error = bench.run(("Greet", "")).error
    assert error is not None
    assert error.code == 0x80070057
    bench.mock.assert_not_called()


def test_an_answer_that_the_real_provider_could_not_give_is_refused(bench: Bench) -> None:
    bench.mock.on("Greet").returns({"greting": "typo"})
    assert bench.greet("Ada").error is not None
    with pytest.raises(AssertionError, match="does not fit its output schema"):
        bench.mock.verify()


def test_a_strict_mock_refuses_what_was_not_expected(tmp_path: Path) -> None:
    bench = Bench(tmp_path, strict=True)
    bench.mock.on("Greet", name="Ada").returns({"greeting": "Hello"})
    assert bench.greet("Ada").error is None
    assert bench.greet("Eve").error is not None
    with pytest.raises(AssertionError, match=r"Unexpected call Greet\(name='Eve'\)"):
        bench.mock.verify()


def test_effects_are_undone_and_commits_are_seen(bench: Bench) -> None:
    assert bench.run(("Add", "<name>a</name>"), ("Remove", "<name>b</name>")).error is None
    assert bench.mock.effects == [("apply", "Add"), ("apply", "Remove"), ("commit", "Remove")]
    with pytest.raises(AssertionError, match=r"Effects are left:\n  Add\(name='a'\)"):
        bench.mock.assert_nothing_left()
    bench.mock.effects.clear()
    bench.mock.applied.clear()
    assert bench.run(("Add", ""), ("Remove", ""), behind=FAIL).error is not None
    assert bench.mock.effects == [("apply", "Add"), ("apply", "Remove"), ("undo", "Remove"), ("undo", "Add")]
    bench.mock.assert_nothing_left()


def test_undo_of_what_was_never_done_says_so(bench: Bench) -> None:
    ctx: object = type("Context", (), {"procedure": "Add"})()
    assert bench.mock.undo(ctx, Change({"call": 0})) is Undo.NOTHING_TO_UNDO  # type: ignore[arg-type]


class TestAssertions:
    """They fail with what was seen."""

    def test_the_whole_list(self, bench: Bench) -> None:
        bench.run(("Add", "<name>a</name><value>1</value>"), ("Add", "<name>b</name>"))
        bench.mock.assert_calls(("Add", {"name": "a", "value": "1"}), "Add")
        with pytest.raises(AssertionError) as failed:
            bench.mock.assert_calls(("Add", {"name": "a", "value": "2"}), ("Add", {"name": "b"}))
        text = str(failed.value)
        assert "- Add(name='a', value='2')" in text
        assert "+ Add(name='a', value='1')" in text
        assert "  Add(name='b')" in text

    @pytest.mark.parametrize("expected", [(), ("Add",), ("Add", "Add", "Add"), ("Add", "Greet")])
    def test_too_few_too_many_and_others(self, bench: Bench, expected: tuple[str, ...]) -> None:
        bench.run(("Add", ""), ("Add", ""))
        with pytest.raises(AssertionError):
            bench.mock.assert_calls(*expected)

    def test_one_of_them(self, bench: Bench) -> None:
        bench.run(("Add", "<name>a</name><value>1</value>"))
        assert bench.mock.assert_called("Add", name="a").arguments["value"] == "1"
        with pytest.raises(AssertionError, match=r"no call Add\(name='b'\); there were:\n  Add\(name='a', value='1'\)"):
            bench.mock.assert_called("Add", name="b")
        bench.mock.assert_not_called("Greet")
        with pytest.raises(AssertionError, match=r"Add\(name='a'"):
            bench.mock.assert_not_called("Add")


def test_secrets_are_masked_wherever_a_call_is_shown(bench: Bench) -> None:
    bench.run(("Add", '<password do-not-log="1">s3cret</password>'))
    (call,) = bench.mock.calls
    assert call.arguments == {"password": "s3cret"}
    assert "s3cret" not in call.document + str(call)
    with pytest.raises(AssertionError) as failed:
        bench.mock.assert_not_called()
    assert "s3cret" not in str(failed.value)


def test_an_unknown_procedure_is_told_at_once(bench: Bench) -> None:
    with pytest.raises(KeyError, match="it has Greet, Add, Remove"):
        bench.mock.on("Gret")


def test_mocks_of_all_that_a_plugin_brings() -> None:
    mocks = mock_providers(OcsPlugin())
    mock = mocks["Office Communications Server Provider"]
    mock.on("GetPools").returns({"pools": {"poolFQDN": ["pool01.fabrikam.com", "pool02.fabrikam.com"]}})
    permissions = {"private_procedures": [CALLER.name], "trusted_requests": [CALLER.name]}
    config = Config.model_validate({"security": {"permissions": permissions}})
    engine = Engine(config, plugins=[*mocks.values(), ErrorPlugin(), AllowAll()])
    step = '<execute namespace="Office Communications Server Provider" procedure="GetPools" impersonate="1">{}</execute>'
    after = '<after source="executeData" destination="data" mode="merge"/>'
    result = engine.execute(f"<request><procedure>{step.format(after)}</procedure></request>", CALLER)
    mock.verify()
    assert result.error is None, result.error
    assert [one.text for one in etree.fromstring(result.document).iter("poolFQDN")] == [
        "pool01.fabrikam.com",
        "pool02.fabrikam.com",
    ]


def test_a_namespace_without_a_provider_needs_no_mock(tmp_path: Path) -> None:
    file = tmp_path / "steps.xml"
    file.write_text('<namespace name="Steps"><procedure name="P" type="read"><transform/></procedure></namespace>')
    with pytest.raises(ValueError, match="needs no mock"):
        MockProvider(file)


def test_a_name_that_is_misspelt_is_no_call_that_was_not_made(bench: Bench) -> None:
    for ask in (bench.mock.assert_not_called, bench.mock.assert_called, bench.mock.assert_calls):
        with pytest.raises(KeyError, match="no 'Greett'"):
            ask("Greett")


def test_an_argument_that_no_call_can_have_is_told_at_once(bench: Bench) -> None:
    for ask in (
        bench.mock.on,
        bench.mock.assert_called,
        lambda procedure, **more: bench.mock.assert_calls((procedure, more)),
    ):
        with pytest.raises(KeyError, match="'Greet' has no argument 'nmae': it has name"):
            ask("Greet", nmae="Ada")
        with pytest.raises(TypeError, match="'name' is 1, and arguments of a call are texts: say '1'"):
            ask("Greet", name=1)  # type: ignore[arg-type]
    assert str(bench.mock.on("Add", procedure="x")) == "Add(procedure='x')"


def test_arguments_are_equal_in_any_order(bench: Bench) -> None:
    bench.run(("Add", "<name>Ada</name><age>36</age>"))
    bench.mock.assert_calls(("Add", {"age": "36", "name": "Ada"}))


def test_an_answer_that_was_set_for_a_call_and_not_given_is_told(bench: Bench) -> None:
    bench.mock.on("Greet", name="Ada").returns({"greeting": "Hello"}).once()
    with pytest.raises(AssertionError, match=r"Greet\(name='Ada'\) was called 0 of 1 times"):
        bench.mock.verify()


def test_an_answer_that_nobody_asked_for_is_told(bench: Bench) -> None:
    bench.mock.on("Greet", name="Ada").returns({"greeting": "Hello"})
    with pytest.raises(AssertionError, match=r"Greet\(name='Ada'\) was never called"):
        bench.mock.verify()
    assert bench.greet("Ada").error is None
    bench.mock.verify()


@pytest.mark.parametrize(
    "answer", ["just text", "<value>12", "<a/>and text", 42, b"<a/>", {"greeting": b"x"}, [1], lambda _: 1 / 0]
)
def test_an_answer_that_is_none_is_told(bench: Bench, answer: Any) -> None:
    bench.mock.on("Greet").returns(answer)
    assert bench.greet("Ada").error is not None
    with pytest.raises(AssertionError, match=r"cannot be made: (Value|Type|ZeroDivision)Error"):
        bench.mock.verify()
