"""The observer that writes every event to a file, one JSON object in each line.

Events hold names, numbers and outcomes, never the data of a call, so the file holds no passwords. Names come from callers
all the same: JSON's ASCII form escapes control characters and line separators, so that nobody can forge a line.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mpf_core.events import Event
from mpf_core.hookspecs import hookimpl
from mpf_core.services import Services
from mpf_core.settings import Settings, parse_settings


class EventLogSettings(Settings):
    """``[plugins."mpf.eventlog"]``: ``path`` is the file; without it the plugin does nothing."""

    path: Path | None = None


class EventLogPlugin:
    """Appends events to the configured file. Threads, and several engines with one file, do not mix their lines."""

    name = "mpf.eventlog"
    settings_model = EventLogSettings

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock = threading.Lock()

    @hookimpl
    def mpf_configure(self, settings: Mapping[str, object], services: Services) -> None:
        """Take ``path``, relative to the configuration's folder. Raises ConfigError for any other key."""
        path = parse_settings(EventLogSettings, settings, 'plugins."mpf.eventlog"').path
        self._path = None if path is None else services.base_dir / path.expanduser()

    @hookimpl
    def mpf_event(self, event: Event) -> None:
        """Append one line. Raises ``OSError`` when the file cannot be written; the engine logs that and goes on."""
        if self._path is None:
            return
        line = f"{_json(event)}\n".encode("ascii")
        with self._lock:
            # Opened anew for each line, so that a log that was rotated away is not written to any longer.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                written = os.write(descriptor, line)
                while written < len(line):
                    written += os.write(descriptor, line[written:])
            finally:
                os.close(descriptor)


def _json(event: Event) -> str:
    text = json.dumps(
        {
            "at": datetime.fromtimestamp(event.at, UTC).isoformat(),
            "event": event.name,
            "transaction": event.transaction_id,
            "fields": dict(event.fields),
        },
        ensure_ascii=True,
        default=str,
    )
    # The one control character that JSON does not escape.
    return text.replace("\x7f", "\\u007f")
