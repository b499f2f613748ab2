"""``mpfctl schema``: what editors check files by says what the engine says."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from mpf_core import Config
from mpf_core.config_schema import config_schema
from mpf_core.errors import ConfigError
from mpf_core.plugins import settings_models
from mpf_core.settings import Settings
from tests.cli.conftest import Run

REPOSITORY = Path(__file__).parents[2]
EDITORS = (REPOSITORY / "docs" / "editors.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema() -> Any:
    return config_schema(settings_models())


def mistakes(schema: Any, text: str) -> list[str]:
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(tomllib.loads(text))]


def is_refused(text: str, folder: Path) -> bool:
    (folder / "mpf.toml").write_text(text)
    try:
        Config.load(folder / "mpf.toml")
    except ConfigError:
        return True
    return False


@pytest.mark.slow
def test_what_init_writes_fits(run: Run, trial: Path, schema: Any) -> None:
    assert mistakes(schema, (trial).read_text()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[engin]\nname = 'x'", "engin"),
        ("[engine]\nnam = 'x'", "nam"),
        ("[engine]\nstrict = 'yes'", "'yes' is not"),
        ("[engine.limits]\ndepth = 0", "0 is less than or equal to"),
        ("[logging]\nlevel = 'loud'", "'loud' is not one of"),
        ("[security.permissions]\naudit = 'me'", "'me' is not"),
    ],
)
def test_what_the_engine_refuses_is_underlined(schema: Any, tmp_path: Path, text: str, said: str) -> None:
    assert is_refused(text, tmp_path)
    found = mistakes(schema, text)
    assert any(said in message for message in found), found


@pytest.mark.parametrize(
    "text",
    [
        "[directory]\nhost = 'x'",
        "[plugins.'mpf.policy']\nelevation = []",
        "[plugins.'mpf.policy']\nelevations = [{ from = 'A::B', to = 'C::D', reason = 'r', may = [{ operation = ['read'] }] }]",
        "[plugins.'mpf.access']\nfile = 3",
    ],
)
def test_tables_of_plugins_are_known(schema: Any, text: str) -> None:
    assert mistakes(schema, text)


def test_a_plugin_that_nobody_knows_may_have_any_table(schema: Any) -> None:
    assert mistakes(schema, "[plugins.'fabrikam.phones']\nanything = 1") == []


def test_keys_have_their_names_of_the_file(schema: Any) -> None:
    rule = "[[plugins.'mpf.policy'.elevations]]\nfrom = 'A::B'\nto = 'C::D'\nreason = 'r'\nmay = 'anything'"
    assert mistakes(schema, rule) == []


def undescribed(where: str, schema: Any, definitions: Any) -> Iterator[str]:
    """Keys without a word about what they mean; a table has its own below."""
    for part in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items", {})):
        found = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        for key, one in found.get("properties", {}).items():
            is_table = any("$ref" in inner for inner in (one, *one.get("anyOf", ()), one.get("items", {})))
            if not one.get("description") and not is_table:
                yield f"{where}.{key}"
            yield from undescribed(f"{where}.{key}", one, definitions)


def test_every_key_says_what_it_means(schema: Any) -> None:
    ours = {key: one for key, one in schema["properties"].items() if key != "plugins"}
    assert list(undescribed("", {"properties": ours}, schema["$defs"])) == []
    plugins = schema["$defs"]["PluginsSettings"]["properties"]
    of_plugins = {key: one for key, one in plugins.items() if key == "enabled" or key.startswith("mpf.")}
    assert list(undescribed("plugins", {"properties": of_plugins}, schema["$defs"])) == []
    limits = schema["$defs"]["DirectorySettings"]["properties"]
    assert limits["verify"]["description"] == "False accepts any certificate: for a laboratory only."
    assert (
        schema["$defs"]["EngineSettings"]["properties"]["strict"]["description"]
        == "strict makes a plugin that cannot be loaded fatal"
    )


def test_every_plugin_of_ours_that_has_settings_tells_them() -> None:
    ours = {name for name in settings_models() if name.startswith("mpf.")}
    assert ours >= {"mpf.access", "mpf.directory", "mpf.error", "mpf.eventlog", "mpf.ocs", "mpf.policy"}
    assert all(issubclass(model, Settings) for model in settings_models().values())


def xsd(run: Run) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(run("schema", "provisioning").stdout.encode()))


@pytest.mark.slow
def test_every_namespace_file_and_request_that_is_shipped_fits(run: Run, trial: Path) -> None:
    folders = ("plugins", "procedures", "examples")
    files = [file for folder in folders for file in (REPOSITORY / folder).rglob("*.xml") if ".venv" not in file.parts]
    assert len(files) > 80
    validator = xsd(run)
    for file in files:
        assert validator.validate(etree.parse(file)), f"{file}: {validator.error_log}"


@pytest.mark.slow
def test_a_misspelt_attribute_is_underlined(run: Run, trial: Path) -> None:
    step = '<request><procedure><execute namespace="A" procedure="B" impersonat="1"/></procedure></request>'
    assert not xsd(run).validate(etree.fromstring(step))
    assert xsd(run).validate(etree.fromstring(step.replace("impersonat=", "impersonate=")))


@pytest.mark.slow
def test_the_commands_of_the_page(run: Run, trial: Path) -> None:
    for command, printed in re.findall(r"^\$ mpfctl (.*)\n(.*)$", EDITORS, re.MULTILINE):
        result = run(*command.split())
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{printed}\n")
    assert json.loads((trial.parent / "mpf.schema.json").read_text())["title"] == "mpf.toml"
    assert etree.parse(trial.parent / "provisioning.xsd").getroot().tag.endswith("}schema")


def test_the_settings_of_the_page_name_the_files_that_its_commands_write() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", EDITORS, re.DOTALL)
    settings = json.loads(block)
    ((pattern, target),) = settings["evenBetterToml.schema.associations"].items()
    assert re.fullmatch(pattern, "/srv/mpf/mpf.toml")
    assert f"-o {target.removeprefix('./')}" in EDITORS
    assert all(f"-o {one['systemId']}" in EDITORS for one in settings["xml.fileAssociations"])


@pytest.mark.slow
def test_files_that_name_their_schemas_are_taken(run: Run, trial: Path) -> None:
    (line,) = re.findall(r"^<\?xml-model.*$", EDITORS, re.MULTILINE)
    file = trial.parent / "request.xml"
    sample = run("describe", "Managed Office Communications Server::GetPools", "--sample").stdout
    head, _, rest = sample.partition("\n") if sample.startswith("<?xml") else ("", "", sample)
    file.write_text(f"{head}\n{line}\n{rest}".lstrip())
    assert run("validate", file).exit_code == 0
    (trial).write_text("#:schema ./mpf.schema.json\n" + (trial).read_text())
    assert run("plugins", "list").exit_code == 0
