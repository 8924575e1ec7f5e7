"""Simulators: what goes into them, what comes out, and how they are found by name."""

from spicebridge.circuit.engines.base import Engine, Job, RunRecord, Status
from spicebridge.circuit.engines.catalogue import AUTO, FallbackWarning, engine_names, get_engine, known_engines

__all__ = [
    "AUTO",
    "Engine",
    "FallbackWarning",
    "Job",
    "RunRecord",
    "Status",
    "engine_names",
    "get_engine",
    "known_engines",
]
