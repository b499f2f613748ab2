"""The configuration of an engine: what ``mpf.toml`` says, as frozen models that code can build as well.

Sections: ``engine``, ``store``, ``directory``, ``security``, ``logging`` and ``plugins``. Relative paths refer
to the folder of the file. ``[directory]`` is the friendly spelling of ``[plugins."mpf.directory"]``: its keys belong to
that plugin (`mpf_directory.settings.DirectorySettings`), and the core does not look into them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, field_validator, model_validator

from mpf_core.errors import ConfigError, Violation
from mpf_core.settings import KeyPath, Settings, key_path, line_of, parse_settings

__all__ = ["Config", "parse_settings"]

#: The plugin whose settings may stand in ``[directory]``.
DIRECTORY_PLUGIN = "mpf.directory"

Count = Annotated[int, Field(strict=True, gt=0)]
Name = Annotated[str, Field(min_length=1)]
Table = dict[str, Any]


class Limits(Settings):
    """``[engine.limits]``: what one request may use up; each has an error code of its own (`mpf_core.errors.Code`).

    ``document_bytes`` of the request, ``steps`` (calls), ``depth`` (procedures that call each other), ``repeats`` of one
    step, ``turns`` of all loops, ``copied_bytes`` that transfers copy (as XML), ``secrets`` (different values marked as
    such), ``result_bytes`` of the response.
    """

    document_bytes: Count = 2_000_000
    steps: Count = 10_000
    depth: Count = 32
    repeats: Count = 10_000
    turns: Count = 100_000
    copied_bytes: Count = 40_000_000
    secrets: Count = 500
    result_bytes: Count = 20_000_000


class EngineSettings(Settings):
    """``[engine]``.

    ``name`` stands in every log event; ``strict`` makes a plugin that cannot be loaded fatal; ``timeout`` is how many
    seconds a request may take when its sender does not say, ``call_timeout`` one call of a provider; ``namespaces`` are
    files or folders. A failing undo or commit is tried ``undo_attempts`` times, with a growing wait that begins with
    ``undo_wait`` seconds.
    Engines look for transactions of engines that are gone every ``recovery_interval`` seconds. A response waits
    ``observer_patience`` seconds at most for observers to be told.
    ``client_transaction_id_is_key`` takes a request's clientTransactionId for an idempotency key.
    """

    name: Name = "mpf"
    strict: StrictBool = False
    timeout: Annotated[float, Field(gt=0)] | None = 300.0
    call_timeout: Annotated[float, Field(gt=0)] | None = 60.0
    undo_attempts: Count = 3
    undo_wait: Annotated[float, Field(ge=0)] = 0.05
    client_transaction_id_is_key: StrictBool = False
    recovery_interval: Annotated[float, Field(gt=0)] = 30.0
    observer_patience: Annotated[float, Field(ge=0)] = 0.25
    namespaces: tuple[Path, ...] = ()
    limits: Limits = Limits()


class StoreSettings(Settings):
    """``[store]``: where journal, locks, audit and runtime configuration live.

    ``url`` is ``memory:`` (forgets everything when the engine ends), ``sqlite:///FILE`` or ``postgresql://HOST/DATABASE``.
    ``key`` names the stored credential whose password is the master key; ``key_file`` is a file that holds it
    (``mpf.key`` beside an SQLite database when neither is given, made together with the database). ``lock_dir`` is where
    engines on a PostgreSQL store keep their lock files. Finished transactions are kept ``keep_days``, the audit
    ``audit_days`` (for ever without). ``allow_clear`` lets ``sensitive="2"`` keep undo data unencrypted.
    """

    url: str = Field(default="memory:", repr=False)  # which may hold a password
    key: str = ""
    key_file: Path | None = None
    lock_dir: Path | None = None
    keep_days: Annotated[float, Field(gt=0)] = 90.0
    audit_days: Annotated[float, Field(gt=0)] | None = None
    allow_clear: StrictBool = False

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        if url != "memory:" and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError('must be "memory:", "sqlite:///FILE" or "postgresql://HOST/DATABASE"')
        return url


class Permissions(Settings):
    """``[security.permissions]``: who may do what is refused by default, as caller names or groups (SID or DN).

    ``trusted_requests`` - send requests that hold a procedure; ``callers_credentials`` - put credentials into
    ``securityContext``, and ``stored_credentials`` - name a stored one there, without its password; ``private_procedures`` -
    call private procedures; ``request_xslt`` - use ``xsl:template`` in a request; ``administration`` - see which credentials
    are stored, let procedures run as them, look after the store and into the directory, enable plugins; ``audit`` - read the
    journal and the audit; ``assert_caller`` - send requests in anybody's name. The last three also take users of the
    operating system, for `mpfctl`: ``system:NAME``, or ``system:*`` for all.
    """

    trusted_requests: tuple[Name, ...] = ()
    callers_credentials: tuple[Name, ...] = ()
    stored_credentials: tuple[Name, ...] = ()
    private_procedures: tuple[Name, ...] = ()
    request_xslt: tuple[Name, ...] = ()
    administration: tuple[Name, ...] = ()
    audit: tuple[Name, ...] = ()
    assert_caller: tuple[Name, ...] = ()


class SecuritySettings(Settings):
    """``[security]``.

    ``service_account`` names the account that calls run as when impersonation is off; ``recovery_account`` the one that
    undo, commit and recovery run as (the service account, if not given).
    """

    service_account: Name = "MPFServiceAcct"
    recovery_account: str = ""
    permissions: Permissions = Permissions()


class LoggingSettings(Settings):
    """``[logging]``, for programs such as ``mpfctl``; as a library the engine is silent until the host listens.

    ``level`` is the least that is logged, ``format`` how: for people, or a line of JSON for each event.
    """

    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "warning"


class PluginsSettings(Settings):
    """``[plugins]``: ``enabled`` entry-point names, and one free-form table for each, checked by the plugin."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Table] = Field(init=False)

    enabled: tuple[Name, ...] = ()

    def settings(self, name: str) -> Mapping[str, Any]:
        """The ``[plugins."NAME"]`` table of a plugin, empty without one; ``[directory]`` is that of ``mpf.directory``."""
        return self.__pydantic_extra__.get(name, {})


class Sections(Settings):
    """Everything that may stand in ``mpf.toml``."""

    engine: EngineSettings = EngineSettings()
    store: StoreSettings = StoreSettings()
    directory: Table | None = None
    security: SecuritySettings = SecuritySettings()
    logging: LoggingSettings = LoggingSettings()
    plugins: PluginsSettings = PluginsSettings()

    @model_validator(mode="before")
    @classmethod
    def _fold_directory(cls, data: Any) -> Any:
        """Hand ``[directory]`` to its plugin, so that nobody else needs to know the friendly spelling."""
        if not isinstance(data, dict) or not isinstance(data.get("directory"), dict):
            return data
        plugins = data.get("plugins", {})
        if isinstance(plugins, PluginsSettings):
            plugins = {"enabled": plugins.enabled, **plugins.__pydantic_extra__}
        if not isinstance(plugins, dict):
            return data
        return {**data, "plugins": {DIRECTORY_PLUGIN: data["directory"], **plugins}}


class Config(Sections):
    """A whole configuration. Wrong values raise ConfigError in `load`, pydantic's ``ValidationError`` in code."""

    base_dir: Path = Field(default_factory=Path.cwd)
    file: Path | None = None

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a configuration file.

        Raises ConfigError listing every problem with file, line, key path and what would be right.
        """
        file = Path(path)
        text = _read(file)
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{file} is not TOML.", [_syntax(file, error)]) from None
        problems = [
            Violation(message, key_path(where), line_of(text, where), str(file)) for where, message in _cross_check(raw)
        ]
        sections = None
        try:
            sections = parse_settings(Sections, raw, text=text, file=str(file))
        except ConfigError as error:
            problems = sorted([*error.problems, *problems], key=lambda problem: problem.line or 0)
        if sections is None or problems:
            raise ConfigError(f"The configuration is not valid: {file}", problems)
        return cls(**dict(sections), base_dir=file.absolute().parent, file=file.absolute())


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {file}; `mpfctl init` writes one.") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 (byte {error.start}).") from None


def _syntax(file: Path, error: tomllib.TOMLDecodeError) -> Violation:
    place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    return Violation(str(error), line=int(place.group(1)) if place else None, file=str(file))


def _cross_check(raw: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """What no single section can see: a plugin's table under a name that no plugin will read."""
    plugins = raw.get("plugins")
    if not isinstance(plugins, dict):
        return
    listed = plugins.get("enabled")
    enabled = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    if "directory" in raw and DIRECTORY_PLUGIN in plugins:
        yield ("plugins", DIRECTORY_PLUGIN), "stands in [directory] as well, which is the same table: keep one of them"
    for name, table in plugins.items():
        if name in enabled or not isinstance(table, dict):
            continue
        below = [plugin for plugin in enabled if plugin.startswith(f"{name}.")]
        near = get_close_matches(name, [plugin for plugin in enabled if plugin not in plugins], n=1, cutoff=0.85)
        if below:
            yield ("plugins", name), f'a plugin\'s name needs quotes: write [plugins."{below[0]}"]'
        elif near:
            yield ("plugins", name), f"no enabled plugin has that name; did you mean '{near[0]}'?"
