"""Simulators: what goes into them, what comes out, and how they are found by name."""

from spicebridge.circuit.engines.catalogue import AUTO, FallbackWarning, engine_names, get_engine, known_engines
from spicebridge.circuit.engines.engine import Engine, Job, RunRecord, Status

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
