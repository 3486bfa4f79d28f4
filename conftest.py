"""Set what all tests of the project share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is slow, and that is no failure. The rest is Hypothesis's own profile, which in CI repeats itself.
settings.register_profile("patient", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
