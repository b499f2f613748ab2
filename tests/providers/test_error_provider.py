"""The Error Provider: errors that are raised, translated by map files, or reported."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from mpf_core import Caller, Config, ConfigError, Engine, MpfError, Services
from mpf_core.engine import Result
from mpf_core.testing import AllowAll
from mpf_error import ErrorPlugin

CALLER = Caller("tester@fabrikam.com")
MAP = """<Items>
  <Item name="AddUser|0x80071392"><message>There is a user of that name already.</message><errorCode>0x82101392</errorCode></Item>
  <Item name="adduser|0x80070005"><message>You may not.</message><errorCode>-2112880640</errorCode></Item>
  <Item name="AddUser|0x80072030"><message>There is no such organization.</message></Item>
</Items>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    maps = tmp_path / "maps"
    (maps / "1031").mkdir(parents=True)
    (maps / "errors.xml").write_text(MAP, encoding="utf-8")
    german = MAP.replace("There is a user of that name already.", "Diesen Benutzer gibt es schon.")
    (maps / "1031" / "errors.xml").write_text(german, encoding="utf-8")
    (maps / "other.xml").write_text(MAP.replace("82101392", "82101393"), encoding="utf-8")
    (maps / "broken.xml").write_text("<Items>", encoding="utf-8")
    (maps / "wrong.xml").write_text(MAP.replace("0x82101392", "many"), encoding="utf-8")
    (tmp_path / "secret.xml").write_text(MAP, encoding="utf-8")
    return tmp_path


class Site:
    """An engine with the plugin."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.plugin = ErrorPlugin()
        self.plugin.mpf_configure(settings, Services(folder, lambda name: (_ for _ in ()).throw(ConfigError(name))))
        permissions = {
            "trusted_requests": [CALLER.name], "private_procedures": [CALLER.name], "request_xslt": [],
        }  # fmt: skip
        config = Config.model_validate(
            {"security": {"permissions": permissions}, "plugins": {"mpf.error": settings} if settings else {}}
        )
        self.engine = Engine(config, plugins=[_Configured(self.plugin), AllowAll()])

    def submit(self, steps: str, context: str = "") -> Result:
        return self.engine.execute(f"<request><data/>{context}<procedure>{steps}</procedure></request>", CALLER)

    def fail(self, steps: str, context: str = "") -> MpfError:
        error = self.submit(steps, context).error
        assert error is not None
        return error


class _Configured:
    """The plugin's namespaces and providers, without its configuration, which was done already."""

    name = "test.error"

    def __init__(self, plugin: ErrorPlugin) -> None:
        self.mpf_namespaces = plugin.mpf_namespaces
        self.mpf_providers = plugin.mpf_providers


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    made = Site(folder, root_folder="maps")
    yield made
    made.engine.close()


def step(procedure: str, **arguments: str) -> str:
    data = "".join(f"<{name}>{text}</{name}>" for name, text in arguments.items())
    return f'<execute namespace="Error Provider" procedure="{procedure}"><executeData>{data}</executeData></execute>'


def caught(inner: str, **error: str) -> str:
    return f"<try>{step('SetError', **error)}</try><catch>{inner}</catch>"


class TestSetError:
    @pytest.mark.parametrize(
        ("hr", "code"),
        [
            ("0x80131509", 0x80131509),
            ("0X80131509", 0x80131509),
            ("-2146233079", 0x80131509),
            ("2148734217", 0x80131509),
            ("1", 1),
        ],
    )
    def test_raises_that_error(self, site: Site, hr: str, code: int) -> None:
        error = site.fail(step("SetError", hr=hr, desc="It is not allowed."))
        assert (error.code, error.description) == (code, "It is not allowed.")
        assert error.sources[0].procedure == "SetError"

    @pytest.mark.parametrize("hr", ["many", "0x1FFFFFFFF", ""])
    def test_what_is_no_code(self, site: Site, hr: str) -> None:
        assert site.fail(step("SetError", hr=hr, desc="x")).code == 0x80070057

    def test_the_text_may_be_empty_but_not_missing(self, site: Site) -> None:
        assert site.fail(step("SetError", hr="0x80004005", desc="")).code == 0x80004005
        assert site.fail(step("SetError", hr="0x80004005")).code == 0x80070057

    def test_in_a_catch_another_code_replaces_the_error_and_the_same_does_not(self, site: Site) -> None:
        other = caught(step("SetError", hr="0x80131509", desc="second"), hr="0x80004005", desc="first")
        assert site.fail(other).description == "second"
        same = caught(step("SetError", hr="-2147467259", desc="second"), hr="0x80004005", desc="first")
        assert site.fail(same).description == "first"


class TestTranslateProvisioningError:
    def translate(self, site: Site, code: str, context: str = "", **arguments: str) -> tuple[int, str]:
        inner = step("TranslateProvisioningError", errorMessageContext="AddUser", **arguments)
        error = site.fail(caught(inner, hr=code, desc="original"), context)
        return error.code, error.description

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("0x80071392", (0x82101392, "There is a user of that name already.")),
            ("-2147019886", (0x82101392, "There is a user of that name already.")),
            ("0x80070005", (0x82100000, "You may not.")),
        ],
    )
    def test_by_the_map(self, site: Site, code: str, expected: tuple[int, str]) -> None:
        assert self.translate(site, code) == expected

    def test_an_item_without_a_code_keeps_the_code_and_so_the_error(self, site: Site) -> None:
        assert self.translate(site, "0x80072030") == (0x80072030, "original")

    def test_in_a_language(self, site: Site) -> None:
        assert self.translate(site, "0x80071392", locId="1031")[1] == "Diesen Benutzer gibt es schon."
        context = '<context><clientContext localeID="1031"/></context>'
        assert self.translate(site, "0x80071392", context)[1] == "Diesen Benutzer gibt es schon."
        assert self.translate(site, "0x80071392", locId="1036")[1] == "There is a user of that name already."

    def test_another_file(self, site: Site) -> None:
        assert self.translate(site, "0x80071392", errorSet="other")[0] == 0x82101393

    def test_what_the_map_does_not_have_must_be_handled_by_default(self, site: Site) -> None:
        code, description = self.translate(site, "0x80071111")
        assert code == 0x80004005
        assert "'AddUser|0x80071111'" in description
        assert self.translate(site, "0x80071111", mustHandleError="0") == (0x80071111, "original")

    @pytest.mark.parametrize(("must", "argument", "code"), [(True, "0", 0x80004005), (False, "1", 0x80071111)])
    def test_the_configuration_outranks_the_call(self, folder: Path, must: bool, argument: str, code: int) -> None:
        site = Site(folder, root_folder="maps", must_handle_error=must)
        assert self.translate(site, "0x80071111", mustHandleError=argument)[0] == code
        site.engine.close()

    @pytest.mark.parametrize("arguments", [{"errorSet": "nothing"}, {"errorSet": "broken"}, {"errorSet": "wrong"}])
    def test_a_map_that_is_missing_or_broken(self, site: Site, arguments: dict[str, str]) -> None:
        code, description = self.translate(site, "0x80071392", **arguments)
        assert code == 0x80004005
        assert "error map file" in description

    def test_no_folder(self, folder: Path) -> None:
        site = Site(folder)
        code, description = self.translate(site, "0x80071392")
        assert (code, description) == (0x80004005, "No error map file: root_folder is not configured.")
        site.engine.close()

    @pytest.mark.parametrize(
        "arguments",
        [{"errorSet": "../secret"}, {"errorSet": "a/b"}, {"locId": ".."}, {"locId": "/etc"}, {"mustHandleError": "2"}],
    )
    def test_no_way_out_of_the_folder(self, site: Site, arguments: dict[str, str]) -> None:
        inner = step("TranslateUserError", errorMessageContext="AddUser", hr="0x80071111", **arguments)
        assert site.fail(inner).code == 0x80070057

    def test_outside_of_a_catch(self, site: Site) -> None:
        error = site.fail(step("TranslateProvisioningError", errorMessageContext="AddUser"))
        assert error.code == 0x80131509


class TestTranslateUserError:
    def test_raises_what_the_map_has(self, site: Site) -> None:
        error = site.fail(step("TranslateUserError", errorMessageContext="AddUser", hr="0x80072030", desc="x"))
        assert (error.code, error.description) == (0x80072030, "There is no such organization.")

    def test_or_what_it_was_given(self, site: Site) -> None:
        arguments = {"errorMessageContext": "Other", "hr": "0x80072030", "desc": "x", "mustHandleError": "0"}
        assert site.fail(step("TranslateUserError", **arguments)).description == "x"


class TestReportEvent:
    @pytest.mark.parametrize(
        ("type_", "level"), [("", logging.INFO), ("Warning", logging.WARNING), ("error", logging.ERROR)]
    )
    def test_writes_to_the_log(self, site: Site, caplog: pytest.LogCaptureFixture, type_: str, level: int) -> None:
        arguments = {"message": "almost full", "eventId": "1001", "source": "Mail", **({"type": type_} if type_ else {})}
        with caplog.at_level(logging.INFO, logger="mpf"):
            result = site.submit(step("ReportEvent", **arguments))
        assert result.error is None
        (record,) = [record for record in caplog.records if record.getMessage() == "reported"]
        assert record.levelno == level
        fields = {name: getattr(record, name) for name in ("text", "event_id", "source", "transaction")}
        assert fields == {
            "text": "almost full", "event_id": "1001", "source": "Mail", "transaction": result.transaction_id,
        }  # fmt: skip

    def test_an_unknown_type(self, site: Site) -> None:
        assert site.fail(step("ReportEvent", message="x", type="gold")).code == 0x80070057


class TestPlugin:
    def test_unknown_settings_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="did you mean 'root_folder'"):
            Site(tmp_path, rootfolder="maps")

    def test_the_namespace_explains_itself(self, site: Site) -> None:
        (path,) = site.plugin.mpf_namespaces()
        xs = "{http://www.w3.org/2001/XMLSchema}"
        root = etree.parse(str(path / "error_provider.xml"))
        for element in root.iter(f"{xs}element"):
            assert (element.findtext(f"{xs}annotation/{xs}documentation") or "").endswith(".")
        assert site.engine.namespaces["Error Provider"].read_only
