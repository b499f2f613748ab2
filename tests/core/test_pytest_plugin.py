"""The pytest plugin, in a project that is not ours: nothing is imported there, and the fixtures just are."""

from __future__ import annotations

import pytest

from tests.support import for_anybody

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

NAMESPACE = for_anybody("""<namespace name="Greetings" providerSource="acme.greetings">
  <procedure name="Greet" type="read" access="public"/>
</namespace>""")
TESTS = """
from pathlib import Path

import pytest

OCS = "Managed Office Communications Server"
DC = {"preferredDomainController": "AD01.Fabrikam.com"}
ALPINE = "LDAP://OU=AlpineSkiHouse,OU=ConsolidatedMessenger,OU=Hosting,DC=Fabrikam,DC=Com"


def test_an_engine_with_a_mock(mpf_engine, mpf_mock):
    from mpf_core import Caller

    mock = mpf_mock(Path(__file__).parent / "greetings.xml", strict=True)
    mock.on("Greet", name="Ada").returns({"greeting": "Hello"})
    engine = mpf_engine([mock])
    call = {"namespace": "Greetings", "procedure": "Greet"}
    result = engine.execute("<request><data><name>Ada</name></data></request>", Caller("tester"), **call)
    assert b"<greeting>Hello</greeting>" in result.document


def test_a_mock_is_verified_at_the_end(mpf_engine, mpf_mock):
    from mpf_core import Caller

    engine = mpf_engine([mpf_mock(Path(__file__).parent / "greetings.xml", strict=True)])
    engine.execute("<request><data/></request>", Caller("tester"), namespace="Greetings", procedure="Greet")


def test_each_mock_is_verified_at_the_end(mpf_mock):
    for name in ("Ada", "Eve"):
        mpf_mock(Path(__file__).parent / "greetings.xml").on("Greet", name=name).returns({"greeting": "Hello"})


@pytest.mark.mpf(config={"engine": {"limits": {"document_bytes": 10}}})
def test_the_marker_configures(mpf_engine, mpf_mock):
    assert mpf_engine([mpf_mock(Path(__file__).parent / "greetings.xml")]).config.engine.limits.document_bytes == 10


@pytest.mark.mpf(config={"security": {"service_account": "Other"}, "engine": {"name": "of the class"}})
class TestMarkers:
    @pytest.mark.mpf(config={"engine": {"timeout": 7}})
    def test_those_of_a_class_and_a_test_are_merged(self, mpf_engine, mpf_mock):
        config = mpf_engine([mpf_mock(Path(__file__).parent / "greetings.xml")], config={"engine": {"strict": True}}).config
        assert (config.engine.name, config.engine.timeout, config.engine.strict) == ("of the class", 7, True)
        assert (config.security.service_account, config.engine.undo_wait) == ("Other", 0)
        assert "tester" in config.security.permissions.trusted_requests

    @pytest.mark.mpf(confg={})
    def test_one_that_is_misspelt(self, mpf_engine):
        with pytest.raises(pytest.UsageError, match="confg"):
            mpf_engine()


@pytest.mark.parametrize("attempt", [1, 2])
def test_the_hosting_tree_is_fresh_for_each_test(mpf_hosting, attempt):
    result = mpf_hosting.submit(
        mpf_hosting.customer_admin, OCS, "CreateSipDomain", organization=ALPINE, address="alpineskihouse.com", **DC
    )
    assert result.error is None


@pytest.mark.parametrize(
    "role",
    ["domain_admin", "hosting_admin", "reseller_admin", "customer_admin", "hosting_representative", "reseller_representative"],
)
def test_callers_who_may(mpf_hosting, role):
    result = mpf_hosting.submit(getattr(mpf_hosting, role), OCS, "GetPoolAssignment", organization=ALPINE, **DC)
    assert result.error is None


@pytest.mark.parametrize("role", ["other_customer_admin", "customer_representative", "user"])
def test_callers_who_may_not(mpf_hosting, role):
    result = mpf_hosting.submit(getattr(mpf_hosting, role), OCS, "GetPoolAssignment", organization=ALPINE, **DC)
    assert result.error.code == 0x80070005
"""


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_project_uses_the_fixtures(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    pytester.makefile(".xml", greetings=NAMESPACE)
    pytester.makepyfile(test_acme=TESTS)
    result = pytester.runpytest_subprocess("--strict-markers", "-W", "error", *options)
    result.assert_outcomes(passed=17, errors=2)  # the errors are the mocks' verification
    result.stdout.fnmatch_lines(["*Unexpected call Greet()*"])
    shown = result.stdout.str()
    assert all(f"Greet(name='{name}') was never called" in shown for name in ("Ada", "Eve"))


def test_the_marker_and_the_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    assert "mpf(config)" in pytester.runpytest_subprocess("--markers").stdout.str()
    shown = pytester.runpytest_subprocess("--fixtures").stdout.str()
    for fixture in ("mpf_engine", "mpf_mock", "mpf_hosting"):
        assert fixture in shown
    assert "no docstring" not in shown.partition("mpf_engine")[2].partition("\n\n")[0]


def test_the_plugin_imports_next_to_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import sys\n\ndef test_it():\n    assert 'mpf_core.engine' not in sys.modules")
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)
