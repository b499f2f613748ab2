"""Policy plugin: the roles of the MPS delegation model, elevation rules and stored credentials."""

from mpf_policy.plugin import PolicyPlugin

__all__ = ["PolicyPlugin"]
