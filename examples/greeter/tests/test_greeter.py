"""Tests of the greeter: no server, no configuration file."""

import json
import tempfile
from pathlib import Path

import pytest
from acme_greeter import GreeterPlugin

from mpf_core import Caller
from mpf_core.testing import Case, Fault, Faults, MockProvider, Sample, Subject, conformance

NAMESPACE = "Acme Greeter"
ADA = "<request><data><name>Ada</name><greeting>Hello</greeting></data></request>"
SET = {"namespace": NAMESPACE, "procedure": "SetGreeting"}


def greetings(folder: Path) -> dict[str, str]:
    file = folder / "greetings.json"
    return json.loads(file.read_text()) if file.exists() else {}


def test_a_greeting_is_set(mpf_engine, tmp_path):
    engine = mpf_engine([GreeterPlugin()])
    assert engine.execute(ADA, Caller("tester"), **SET).error is None
    assert greetings(tmp_path) == {"Ada": "Hello"}


@pytest.mark.parametrize("fault", [Fault.INSTEAD, Fault.AFTER, Fault.CUT])
def test_nothing_is_left_when_it_fails(mpf_engine, tmp_path, fault):
    faults = Faults().add(fault, "SetGreeting", call=1)
    engine = mpf_engine([faults.wrap(GreeterPlugin())])
    assert engine.execute(ADA, Caller("tester"), **SET).error is not None
    assert greetings(tmp_path) == {}


def test_a_namespace_that_calls_the_greeter_needs_no_greeter(mpf_engine, mpf_mock):
    mock: MockProvider = mpf_mock(Path(__file__).parents[1] / "acme_greeter" / "greeter.xml", strict=True)
    mock.on("GetGreeting", name="Ada").returns({"greeting": "Hello"})
    request = "<request><data><name>Ada</name></data></request>"
    result = mpf_engine([mock]).execute(request, Caller("tester"), namespace=NAMESPACE, procedure="GetGreeting")
    assert b"<greeting>Hello</greeting>" in result.document
    mock.assert_calls(("GetGreeting", {"name": "Ada"}))


def make() -> Subject:
    return over(tempfile.TemporaryDirectory())


def over(folder: tempfile.TemporaryDirectory) -> Subject:
    """The plugin as a new process would make it: what the one before knew died with it."""
    world = Path(folder.name)
    state, config = lambda: greetings(world), {"base_dir": world}
    return Subject(GreeterPlugin(), state, config=config, reopen=lambda: over(folder), close=folder.cleanup)


def somebody_else(subject: Subject):
    """Writes behind the call, as a program does that knows nothing of this one."""
    file = Path(subject.config["base_dir"]) / "greetings.json"
    file.write_text('{"Ada": "Ahoy"}')
    return lambda: greetings(file.parent) == {"Ada": "Ahoy"}


SETS = Sample(NAMESPACE, "SetGreeting", "<name>Ada</name><greeting>Hello</greeting>", stranger=somebody_else)
REMOVES = Sample(NAMESPACE, "RemoveGreeting", "<name>Ada</name>", setup=(SETS,), stranger=somebody_else)


@pytest.mark.parametrize("case", conformance(make, [SETS, REMOVES]), ids=str)
def test_whatever_goes_wrong_it_undoes_itself(case: Case):
    case.run()
