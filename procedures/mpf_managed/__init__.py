"""Managed namespaces: hosted organizations, their service pointers, and their Office Communications Server users.

Everything here is XML: compositions of provider calls, one folder for each namespace and one file for each procedure. The
calls that run with more rights than their caller has are listed, with the reason, in ``elevations.toml``.
"""

from mpf_managed.plugin import ManagedPlugin, elevations

__all__ = ["ManagedPlugin", "elevations"]
