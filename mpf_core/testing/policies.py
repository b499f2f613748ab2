"""Policies for tests."""

from __future__ import annotations

from mpf_core.hookspecs import hookimpl
from mpf_core.security.calls import Call, Decision, Grant

_ALLOWED = Decision(True)
_GRANTED = Grant("testing")


class AllowAll:
    """A policy that allows everything and grants every elevation. For tests and benchmarks; never for a real directory."""

    name = "allow-all"

    @hookimpl
    def mpf_authorize(self, call: Call) -> Decision:
        """Allow."""
        return _ALLOWED

    @hookimpl
    def mpf_claim(self, call: Call, argument: str, name: str) -> Decision:
        """Allow."""
        return _ALLOWED

    @hookimpl
    def mpf_elevate(self, call: Call) -> Grant:
        """Grant."""
        return _GRANTED
