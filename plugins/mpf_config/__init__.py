"""The namespace "MPF Config": what is loaded, which credentials are stored, and which procedures run as one of them."""

from mpf_config.plugin import ConfigPlugin

__all__ = ["ConfigPlugin"]
