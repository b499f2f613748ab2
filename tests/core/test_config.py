"""mpf.toml: what is accepted, what is refused, and in which words."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from mpf_core.config import Config, PluginsSettings
from mpf_core.errors import ConfigError, Violation
from mpf_core.settings import Settings, key_path, line_of, parse_settings


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str) -> Path:
        path = tmp_path / "mpf.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return _write


def refused(path: Path) -> list[Violation]:
    with pytest.raises(ConfigError) as raised:
        Config.load(path)
    return list(raised.value.problems)


def test_an_empty_file_is_the_default_configuration(write) -> None:
    path = write("")
    config = Config.load(path)
    assert config.model_dump(exclude={"base_dir", "file"}) == Config().model_dump(exclude={"base_dir", "file"})
    assert (config.base_dir, config.file) == (path.parent, path)


def test_the_documented_defaults() -> None:
    config = Config()
    assert config.engine.limits.model_dump() == {
        "document_bytes": 2_000_000,
        "steps": 10_000,
        "depth": 32,
        "repeats": 10_000,
        "turns": 100_000,
        "copied_bytes": 40_000_000,
        "secrets": 500,
        "result_bytes": 20_000_000,
    }
    assert config.store.url == "memory:"
    assert config.security.service_account == "MPFServiceAcct"
    assert config.plugins.enabled == ()
    assert not any(config.security.permissions.model_dump().values())


def test_every_section_is_read(write) -> None:
    config = Config.load(
        write("""
        [engine]
        name = "acme"
        strict = true
        timeout = 30
        namespaces = ["mine", "/elsewhere"]
        [engine.limits]
        steps = 5
        [store]
        url = "memory:"
        [directory]
        backend = "embedded"
        path = "directory.db"
        [security]
        service_account = "svc"
        [security.permissions]
        trusted_requests = ["a@b.com", "S-1-5-32-544"]
        [logging]
        format = "json"
        level = "debug"
        [plugins]
        enabled = ["mpf.directory", "acme.greeter"]
        [plugins."acme.greeter"]
        greeting = { text = "hi" }
        """)
    )
    assert (config.engine.name, config.engine.strict, config.engine.timeout) == ("acme", True, 30)
    assert [config.base_dir / path for path in config.engine.namespaces] == [config.base_dir / "mine", Path("/elsewhere")]
    assert config.engine.limits.steps == 5
    assert config.engine.limits.depth == 32
    assert config.plugins.settings("mpf.directory") == {"backend": "embedded", "path": "directory.db"}
    assert config.plugins.settings("acme.greeter") == {"greeting": {"text": "hi"}}
    assert config.plugins.settings("nobody") == {}
    assert config.security.permissions.trusted_requests == ("a@b.com", "S-1-5-32-544")
    assert (config.logging.format, config.logging.level) == ("json", "debug")


def test_directory_is_the_friendly_spelling_of_its_plugins_table() -> None:
    friendly = Config(directory={"path": "a"}, plugins=PluginsSettings(enabled=("mpf.directory",)))
    plain = Config.model_validate({"plugins": {"enabled": ["mpf.directory"], "mpf.directory": {"path": "a"}}})
    assert friendly.plugins.settings("mpf.directory") == plain.plugins.settings("mpf.directory") == {"path": "a"}
    assert friendly.plugins.enabled == ("mpf.directory",)


def test_directory_written_twice_is_refused(write) -> None:
    (problem,) = refused(write('[directory]\npath = "a"\n[plugins."mpf.directory"]\npath = "b"\n'))
    assert problem.path == 'plugins."mpf.directory"'
    assert "[directory]" in problem.message


def test_every_problem_is_listed_with_line_key_and_suggestion(write) -> None:
    path = write("""\
        [engine]
        nam = "x"
        [engine.limits]
        stepz = 3
        depth = true
        [lgging]
        level = "debug"
        [logging]
        level = "loud"
        [security.permissions]
        trusted_request = []
        """)
    found = {(problem.line, problem.path): problem.message for problem in refused(path)}
    assert set(found) == {
        (2, "engine.nam"),
        (4, "engine.limits.stepz"),
        (5, "engine.limits.depth"),
        (6, "lgging"),
        (9, "logging.level"),
        (11, "security.permissions.trusted_request"),
    }
    assert "did you mean 'name'?" in found[2, "engine.nam"]
    assert "did you mean 'steps'?" in found[4, "engine.limits.stepz"]
    assert "did you mean 'logging'?" in found[6, "lgging"]
    assert "did you mean 'trusted_requests'?" in found[11, "security.permissions.trusted_request"]
    assert "'debug'" in found[9, "logging.level"]


@pytest.mark.parametrize(
    ("text", "line"),
    [("[engine\n", 1), ('[engine]\nname = "a\n', 2), ("[engine]\n[engine]\n", 2), ("a = 1\na = 2\n", 2)],
)
def test_syntax_errors_name_their_line(write, text: str, line: int) -> None:
    path = write(text)
    (problem,) = refused(path)
    assert (problem.line, problem.file) == (line, str(path))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mpfctl init"):
        Config.load(tmp_path / "mpf.toml")


def test_a_folder_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.load(tmp_path)
    (tmp_path / "mpf.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigError, match="UTF-8"):
        Config.load(tmp_path / "mpf.toml")


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "mpf.toml").write_bytes(b'\xef\xbb\xbf[engine]\nname = "x"\n')
    assert Config.load(tmp_path / "mpf.toml").engine.name == "x"


def test_stores_that_there_are(write) -> None:
    (problem,) = refused(write('[store]\nurl = "mysql://x/y"\n'))
    assert (problem.path, problem.line) == ("store.url", 2)
    assert '"memory:", "sqlite:///FILE" or "postgresql://HOST/DATABASE"' in problem.message


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[directory]\npassword = "hunter2!"\n', "directory.password"),
        ('[directory]\nbind_password = "hunter2!"\n', "directory.bind_password"),
        ('[plugins."x.y"]\nclient-secret = "hunter2!"\n', 'plugins."x.y".client-secret'),
        ('[plugins."x.y".deep]\nAPI_KEY = "hunter2!"\n', 'plugins."x.y".deep.API_KEY'),
        ('[[plugins.x.servers]]\ntoken = "hunter2!"\n', "plugins.x.servers[0].token"),
        ('[plugins.x]\nurl = "ldap://me:hunter2!@host"\n', "plugins.x.url"),
        ('[plugins.x]\nurls = ["https://a", "https://me:hunter2!@b"]\n', "plugins.x.urls[1]"),
    ],
)
def test_secrets_are_refused_and_not_repeated(write, text: str, path: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Config.load(write(text))
    assert [problem.path for problem in raised.value.problems] == [path]
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("key", ["password_env", "password_file", "secret_name", "credential", "password_policy"])
def test_keys_that_name_a_secret_are_fine(write, key: str) -> None:
    assert Config.load(write(f'[directory]\n{key} = "x"\n')).plugins.settings("mpf.directory") == {key: "x"}


def test_a_plugin_table_without_quotes_is_explained(write) -> None:
    (problem,) = refused(write('[plugins]\nenabled = ["mpf.policy"]\n[plugins.mpf.policy]\nx = 1\n'))
    assert '[plugins."mpf.policy"]' in problem.message


def test_a_misspelt_plugin_table_is_not_ignored(write) -> None:
    (problem,) = refused(write('[plugins]\nenabled = ["mpf.policy"]\n[plugins."mpf.polcy"]\nx = 1\n'))
    assert "did you mean 'mpf.policy'?" in problem.message


def test_the_table_of_a_disabled_plugin_may_stay(write) -> None:
    config = Config.load(write('[plugins]\nenabled = ["mpf.policy"]\n[plugins."mpf.eventlog"]\nx = 1\n'))
    assert config.plugins.settings("mpf.eventlog") == {"x": 1}


def test_a_value_in_plugins_that_is_no_table_is_an_unknown_key(write) -> None:
    (problem,) = refused(write('[plugins]\nenabld = ["a"]\n'))
    assert "did you mean 'enabled'?" in problem.message


@pytest.mark.parametrize("text", ['base_dir = "/"', 'file = "x"'])
def test_what_the_engine_adds_cannot_be_written(write, text: str) -> None:
    (problem,) = refused(write(text))
    assert "unknown key" in problem.message


@pytest.mark.parametrize(
    "values",
    [
        {"engine": {"limits": {"steps": 0}}},
        {"engine": {"limits": {"steps": "10"}}},
        {"engine": {"timeout": -1}},
        {"engine": {"strict": "yes"}},
        {"cli": {"allow_as": True}},
        {"security": {"permissions": {"trusted_requests": "everybody"}}},
        {"security": {"permissions": {"trusted_requests": [""]}}},
        {"plugins": {"enabled": "mpf.error"}},
        {"directory": "x"},
    ],
)
def test_wrong_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(values)


def test_a_configuration_cannot_be_changed() -> None:
    config = Config()
    with pytest.raises(ValidationError):
        config.engine.limits.steps = 1  # type: ignore[misc]


class Rule(Settings):
    role: str


class Greeter(Settings):
    greeting: Annotated[str, Field(min_length=1)]
    rules: tuple[Rule, ...] = ()
    from_: str = Field("", alias="from")


def test_plugins_get_the_same_messages() -> None:
    with pytest.raises(ConfigError) as raised:
        parse_settings(Greeter, {"greting": "hi", "form": "x", "rules": [{"rol": "x"}]}, 'plugins."acme.greeter"')
    found = {problem.path: problem.message for problem in raised.value.problems}
    assert found == {
        'plugins."acme.greeter".greeting': "is required",
        'plugins."acme.greeter".rules[0].role': "is required",
        'plugins."acme.greeter".rules[0].rol': "unknown key; did you mean 'role'?",
        'plugins."acme.greeter".greting': "unknown key; did you mean 'greeting'?",
        'plugins."acme.greeter".form': "unknown key; did you mean 'from'?",
    }


def test_plugin_settings_come_back_as_the_model() -> None:
    assert parse_settings(Greeter, {"greeting": "hi", "from": "me"}, "x") == Greeter(greeting="hi", **{"from": "me"})


def test_lines_of_array_tables_are_found_by_their_number() -> None:
    text = '[[plugins.x.rules]]\nrole = "a"\n\n[[plugins.x.rules]]\n# role = "no"\nrole = "b"\n'
    assert line_of(text, ("plugins", "x", "rules", 1, "role")) == 6
    assert line_of(text, ("plugins", "x", "rules", 0, "role")) == 2
    assert line_of(text, ("plugins", "x", "rules", 1, "missing")) == 4
    assert line_of(text, ("nowhere",)) is None


KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=8)


@given(st.lists(KEYS, min_size=1, max_size=4))
def test_a_key_path_is_written_as_toml_reads_it(keys: list[str]) -> None:
    value: object = tomllib.loads(key_path(keys) + " = 1")
    for key in keys:
        assert isinstance(value, dict)
        value = value[key]
    assert value == 1


@given(st.text(max_size=200))
def test_looking_for_a_line_never_raises(text: str) -> None:
    line_of(text, ("engine", "name"))
