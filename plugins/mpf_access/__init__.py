"""Policy plugin: access lists, which say for namespaces and procedures who may call them and who may not."""

from mpf_access.plugin import AccessPlugin

__all__ = ["AccessPlugin"]
