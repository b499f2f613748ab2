"""Event log plugin: what happened, one JSON line for each event, in a file."""

from mpf_eventlog.plugin import EventLogPlugin

__all__ = ["EventLogPlugin"]
