"""For every test: a profile of hypothesis for machines on which nothing is fast (``--hypothesis-profile slow``)."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("slow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
