"""What holds for all tests: how long a machine takes is for benchmarks, no test fails by it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
