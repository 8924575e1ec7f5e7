"""Simulators against circuits whose answer is known exactly."""

from spicebridge.fuzz.hunt import Cause, Hunt, hunt

__all__ = ["Cause", "Hunt", "hunt"]
