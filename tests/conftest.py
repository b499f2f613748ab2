"""What all tests share: how hard the property tests try."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# `make check` tries a few examples, `make test` the usual hundred. Deadlines would make slow machines fail.
for name, examples in (("quick", 10), ("full", 100)):
    settings.register_profile(name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))
