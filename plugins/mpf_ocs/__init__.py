"""Office Communications Server plugin: SIP users and pools in the directory."""

from mpf_ocs.plugin import OcsPlugin

__all__ = ["OcsPlugin"]
