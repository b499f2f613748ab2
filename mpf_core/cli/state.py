"""What one run of ``mpfctl`` knows: which configuration, and the engine made from it.

Plugin commands get it too, as ``click.get_current_context().obj``; its ``engine`` is what they work with.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import click

from mpf_core.cli.logs import Logs
from mpf_core.config import Config
from mpf_core.engine import Engine
from mpf_core.errors import ConfigError

DEFAULT_FILE = "mpf.toml"


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
    def engine(self) -> Engine:
        """The engine. Raises ConfigError when it cannot be made."""
        engine = Engine.from_config(self.config).start()
        for info in engine.plugins:
            if info.state == "broken":
                click.echo(f"The plugin '{info.name}' is broken: {info.reason} (see `mpfctl plugins list`)", err=True)
        return engine

    def close(self) -> None:
        """Close what was made."""
        if "engine" in self.__dict__:
            self.engine.close()
        self._logs.stop()
