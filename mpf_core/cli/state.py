"""What one run of ``mpfctl`` knows: which configuration, and the engine made from it.

Plugin commands get it too, as ``click.get_current_context().obj``; its ``engine`` is what they work with.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpf_core.cli.logs import Logs
from mpf_core.config import Config
from mpf_core.engine import Engine
from mpf_core.errors import ConfigError
from mpf_core.printable import printable
from mpf_core.transactions import Transactions

if TYPE_CHECKING:
    from mpf_core.store.opening import SqlStore  # SQLAlchemy is slow to import

DEFAULT_FILE = "mpf.toml"
DIRECTORY_PLUGIN = "mpf.directory"
#: How the reason begins when it is the settings that are wrong, and not a library that is missing.
_WRONG_DIRECTORY = ("The configuration is not valid", "directory.")
_SQLITE = "sqlite:///"


class State:
    """Configuration and engine, made when a command first asks for them, so that ``--help`` works without either."""

    def __init__(self, config: Path | None = None, *, strict: bool = False, verbose: int = 0) -> None:
        self._given = config
        self._strict = strict
        self._verbose = verbose
        self._logs = Logs()

    @cached_property
    def config_file(self) -> Path:
        """``--config``, ``MPF_CONFIG`` or ``./mpf.toml``. Raises ConfigError when there is none of them."""
        if self._given is not None:
            return self._given
        default = Path(DEFAULT_FILE)
        if not default.is_file():
            raise ConfigError(
                f"There is no {DEFAULT_FILE} in {Path.cwd()}. Name one with --config FILE or MPF_CONFIG, or let "
                "`mpfctl init` write one."
            )
        return default

    @cached_property
    def config(self) -> Config:
        """The configuration. Raises ConfigError with every mistake in it."""
        config = Config.load(self.config_file)
        if self._strict:
            config = config.model_copy(update={"engine": config.engine.model_copy(update={"strict": True})})
        self._logs.start(config.logging, self._verbose)
        return config

    @cached_property
    def loaded(self) -> Engine:
        """The engine, not started, with nothing said of what is broken in it. Raises ConfigError when it cannot be made."""
        return Engine.from_config(self.config)

    @cached_property
    def engine(self) -> Engine:
        """The engine, not started: the store is left alone until a command asks for it, and nothing is recovered.

        Every broken plugin is named on standard error. Raises ConfigError when the engine cannot be made, and for a mistake
        in ``[directory]``: that section belongs to a plugin, but people see a part of the configuration in it.
        """
        engine = self.loaded
        for info in engine.plugins:
            if info.state == "broken":
                if info.name == DIRECTORY_PLUGIN and info.reason.startswith(_WRONG_DIRECTORY):
                    raise ConfigError(f"{self.config_file}: {info.reason}")
                reason = " ".join(info.reason.split())
                click.echo(printable(f"The plugin '{info.name}' is broken: {reason} (see `mpfctl plugins list`)"), err=True)
        return engine

    @cached_property
    def started(self) -> Engine:
        """The engine, started, for running requests. Raises what `engine` and `Engine.start` raise."""
        return self.engine.start()

    @property
    def store(self) -> SqlStore:
        """The store, for operators. Nothing is recovered, and none is made.

        Raises ConfigError where there is none that outlasts its engine, and StoreUnavailable.
        """
        from mpf_core.store.opening import SqlStore

        url = self.config.store.url
        if url == "memory:":
            raise ConfigError(
                f'{self.config_file}: [store] url is "memory:", which is forgotten when its engine ends, so there is '
                'nothing to see. Use "sqlite:///mpf.db", for example.'
            )
        file = self.config.base_dir / url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else None
        if file is not None and not file.exists():
            raise ConfigError(
                f"There is no store {file} yet: the first engine that starts, or the first request, makes it. "
                f"Is [store] url in {self.config_file} right?"
            )
        store = self.engine.store
        assert isinstance(store, SqlStore)
        return store

    @property
    def transactions(self) -> Transactions:
        """The transactions in the `store`. Raises what that raises."""
        _ = self.store  # none is made by looking
        return self.engine.transactions

    def reread(self) -> None:
        """Forget the configuration, which has changed, and what was made of it."""
        self.close()
        for name in ("config", "loaded", "engine", "started"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close what was made."""
        if "loaded" in self.__dict__:
            self.loaded.close()
        self._logs.stop()
