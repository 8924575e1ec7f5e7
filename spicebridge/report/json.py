"""A verdict as strict JSON: plain types only, null for what is not finite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from spicebridge.report.summary import Report
    from spicebridge.verify.refinement import Ladder
    from spicebridge.verify.verdict import SignalVerdict, Verdict

FORMAT = "spicebridge.verdict/1"

DIAGNOSIS = ("cause", "where", "explains", "same_as", "value", "certain", "sentence")


def record(report: Report) -> dict[str, Any]:
    """Everything about a comparison but the samples, as plain types. Times in s, errors dimensionless."""
    v = report.verdict
    ladder = v.ladder
    network = report.network
    run = v.run
    facts: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "case": report.name,
            "source": report.source,
            "title": report.title,
            "learn": report.learn,
            "outcome": v.outcome.value,
            "expected": report.expect,
            "as_expected": report.as_expected,
            "reason": v.reason,
            "max_error": v.max_error,
            "uncertainty": v.uncertainty,
            "tolerance": v.tolerance,
            "observed_order": v.observed_order,
            "theory_uncertainty": v.theory_uncertainty,
            "deciding": v.deciding if v.signals else None,
            "signals": {name: _signal(signal) for name, signal in v.signals.items()},
            "untested": v.untested,
            "unchecked": v.unchecked,
            "agrees_until": v.agrees_until,
            "worst_edge": v.worst_edge or None,
            "worst_time": v.worst_time,
            "ladder": None if ladder is None else _ladder(ladder),
            "trial": None
            if v.trial is None
            else {
                "theory": v.trial.source,
                "pairs": {pair: {"error": E, "uncertainty": U} for pair, (E, U) in v.trial.pairs.items()},
                "odd_one_out": v.trial.odd_one_out or None,
                "own_error_known": v.trial.own_error_known,
            },
            "diagnosis": [{name: getattr(finding, name) for name in DIAGNOSIS} for finding in v.diagnosis],
            "engines": {name: _engine(own) for name, own in v.engines.items()},
            "pairs": [
                {"first": a, "second": b, "max_error": E, "uncertainty": U} for (a, b), (E, U) in v.pairs.items()
            ],
            "odd_one_out": v.odd_one_out,
            "invariants": None if v.invariants is None else v.invariants.as_dict(),
            "screen": v.screen,
            "network": None
            if network is None
            else {
                "graph": network.is_graph,
                "nodes": network.n_nodes,
                "edges": network.n_edges,
                "active": np.flatnonzero(network.P < 0),
                "labels": network.edge_labels,
            },
            "run": None
            if run is None
            else {
                "engine": run.engine,
                "version": run.version,
                "status": run.status.name.lower(),
                "reason": run.reason,
                "exit_code": run.exit_code,
                "time_points": run.time.size,
                "wall_time": run.wall_time,
            },
            "provenance": dict(v.provenance),
            "wall_time": report.wall_time,
            "created": report.created or None,
        }
    )
    return facts


def _engine(own: Verdict) -> dict[str, Any]:
    """What one simulator says of the equations."""
    return {
        "version": own.provenance.get("engine_version"),
        "outcome": own.outcome.value,
        "reason": own.reason,
        "max_error": own.max_error,
        "uncertainty": own.uncertainty,
    }


def _ladder(ladder: Ladder) -> dict[str, object]:
    names = ("steps", "errors", "d1", "d2", "floor", "order", "uncertainty", "richardson", "gci", "converging")
    return {name: getattr(ladder, name) for name in names}


def _signal(signal: SignalVerdict) -> dict[str, object]:
    """E and U are relative to `scale`, which is in `unit`."""
    return {
        "outcome": signal.outcome.value,
        "max_error": signal.error,
        "uncertainty": signal.uncertainty,
        "observed_order": signal.observed_order,
        "edge": signal.edge,
        "time": signal.time,
        "unit": signal.unit,
        "scale": signal.scale,
        "theory_uncertainty": signal.reference,
        "bound": signal.bound,
        "time_scale": signal.time_scale,
        "pointwise": signal.pointwise,
        "ladder": _ladder(signal.ladder),
    }


def plain(value: object) -> Any:
    """`value` in dict, list, str, int, float, bool and None; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (np.bool_, np.integer)):
        return value.item()
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value)


def format_json(value: object) -> str:
    """Strict JSON with a line feed at the end; ASCII, so that no terminal or locale can spoil it."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"
