"""Structured logging: silent as a library, until the host (or mpfctl) gives the logger ``mpf`` a handler."""

from __future__ import annotations

import logging

import structlog
from structlog.typing import FilteringBoundLogger

logging.getLogger("mpf").addHandler(logging.NullHandler())


class _QuickLogger(structlog.stdlib.BoundLogger):
    """Does no work for a level that nobody listens to: a request logs several events for each call."""

    def debug(self, event: str | None = None, *args: object, **fields: object) -> object:
        if self._logger.isEnabledFor(logging.DEBUG):
            return super().debug(event, *args, **fields)
        return None


def logger(**fields: object) -> FilteringBoundLogger:
    """A structlog logger over the standard library's logger ``mpf``, with ``fields`` on every event."""
    wrapped = structlog.wrap_logger(
        logging.getLogger("mpf"),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=_QuickLogger,
        cache_logger_on_first_use=True,
    )
    bound: FilteringBoundLogger = wrapped.bind(**fields)
    return bound
