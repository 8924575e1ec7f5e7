"""Settings shared by all tests."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

# What was measured of simulators is neither taken from the user's cache nor left there.
_cache = tempfile.TemporaryDirectory(prefix="spicebridge-cache-", ignore_cleanup_errors=True)
os.environ["SPICEBRIDGE_CACHE"] = _cache.name

settings.register_profile(
    "spicebridge",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("spicebridge")
