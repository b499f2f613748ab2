"""Error plugin: the namespace "Error Provider", which raises errors and replaces them by clearer ones."""

from mpf_error.plugin import ErrorPlugin

__all__ = ["ErrorPlugin"]
