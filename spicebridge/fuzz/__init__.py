"""Simulators against circuits whose answer is known exactly."""

from spicebridge.fuzz.hunt import Finding, Hunt, hunt

__all__ = ["Finding", "Hunt", "hunt"]
