"""Log events on standard error, as lines for people or as JSON."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from mpf_core.config import LoggingSettings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Logs:
    """One handler on the logger ``mpf``, from `start` to `stop`."""

    def __init__(self) -> None:
        self._handler: logging.Handler | None = None

    def start(self, settings: LoggingSettings, verbose: int = 0) -> None:
        """Listen at the configured level; ``-v`` means at least info, ``-vv`` debug."""
        self.stop()
        level = min(_LEVELS[settings.level], {0: logging.ERROR, 1: logging.INFO}.get(verbose, logging.DEBUG))
        renderer: Processor = (
            structlog.processors.JSONRenderer()
            if settings.format == "json"
            else structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                pad_event_to=0,
                # The default one shows the local variables of every frame, and these may be passwords.
                exception_formatter=structlog.dev.plain_traceback,
            )
        )
        self._handler = logging.StreamHandler(sys.stderr)
        self._handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[
                    structlog.stdlib.ExtraAdder(),
                    structlog.stdlib.add_log_level,
                    structlog.processors.TimeStamper(fmt="iso", utc=True),
                ],
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *([structlog.processors.format_exc_info] if settings.format == "json" else []),
                    renderer,
                ],
            )
        )
        log = logging.getLogger("mpf")
        log.addHandler(self._handler)
        log.setLevel(level)

    def stop(self) -> None:
        """Stop listening."""
        if self._handler is not None:
            log = logging.getLogger("mpf")
            log.removeHandler(self._handler)
            log.setLevel(logging.NOTSET)
            self._handler = None
