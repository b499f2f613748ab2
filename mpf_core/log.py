"""Structured logging: silent as a library, until the host (or mpfctl) gives the logger ``mpf`` a handler."""

from __future__ import annotations

import logging

import structlog
from structlog.typing import FilteringBoundLogger

from mpf_core import redaction

logging.getLogger("mpf").addHandler(logging.NullHandler())


def listening() -> bool:
    """Whether anybody wants to hear of every call."""
    return logging.getLogger("mpf").isEnabledFor(logging.DEBUG)


def logger(**fields: object) -> FilteringBoundLogger:
    """A structlog logger over the standard library's logger ``mpf``, with ``fields`` on every event."""
    wrapped = structlog.wrap_logger(
        logging.getLogger("mpf"),
        processors=[
            structlog.stdlib.filter_by_level,
            redaction.processor,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    bound: FilteringBoundLogger = wrapped.bind(**fields)
    return bound
