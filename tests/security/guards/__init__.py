"""Each guard, how to take it away, and an attack that only it stands in the way of.

An attack says whether it succeeded. It makes what it needs by itself, so that it finds the guard there, or gone.
"""

from __future__ import annotations

from tests.security.guards import admission, authorization, elevation, objects, secrets
from tests.security.guards.base import GUARDS, Guard

__all__ = ["GUARDS", "Guard", "admission", "authorization", "elevation", "objects", "secrets"]
