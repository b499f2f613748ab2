"""Test doubles, as a part of the product: policies, and points at which a process is killed or something breaks."""

from mpf_core.points import POINTS
from mpf_core.testing.kills import at_point, kill_at, passing
from mpf_core.testing.policies import AllowAll

__all__ = ["POINTS", "AllowAll", "at_point", "kill_at", "passing"]
