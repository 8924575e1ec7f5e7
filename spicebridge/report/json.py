"""A verdict as strict JSON: plain types only, null for what is not finite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from spicebridge.report.summary import Report
    from spicebridge.verify.refinement import Ladder
    from spicebridge.verify.verdict import SignalVerdict

FORMAT = "spicebridge.verdict/1"


def record(report: Report) -> dict[str, object]:
    """Everything about a comparison but the samples, as plain types. Times in s, errors dimensionless."""
    v, network, run = report.verdict, report.network, report.verdict.run
    facts: dict[str, object] = {
        "format": FORMAT,
        "case": report.name,
        **named(report, "source", "title", "learn"),
        "outcome": v.outcome.value,
        "expected": report.expect,
        "as_expected": report.as_expected,
        **named(v, "reason", "max_error", "uncertainty", "tolerance", "observed_order", "theory_uncertainty"),
        "deciding": v.deciding if v.signals else None,
        "signals": {name: _signal(signal) for name, signal in v.signals.items()},
        **named(v, "untested", "unchecked", "agrees_until"),
        "worst_edge": v.worst_edge or None,
        "worst_time": v.worst_time,
        "ladder": v.ladder and _ladder(v.ladder),
        "trial": v.trial
        and {
            "theory": v.trial.source,
            "pairs": {pair: {"error": E, "uncertainty": U} for pair, (E, U) in v.trial.pairs.items()},
            "odd_one_out": v.trial.odd_one_out or None,
            "own_error_known": v.trial.own_error_known,
        },
        "diagnosis": [
            named(finding, "cause", "where", "explains", "same_as", "value", "certain", "sentence")
            for finding in v.diagnosis
        ],
        "engines": {
            name: {
                "version": own.provenance.get("engine_version"),
                "outcome": own.outcome.value,
                **named(own, "reason", "max_error", "uncertainty"),
            }
            for name, own in v.engines.items()
        },
        "pairs": [{"first": a, "second": b, "max_error": E, "uncertainty": U} for (a, b), (E, U) in v.pairs.items()],
        "odd_one_out": v.odd_one_out,
        "invariants": v.invariants and v.invariants.as_dict(),
        "screen": v.screen,
        "network": network
        and {
            "graph": network.is_graph,
            "nodes": network.n_nodes,
            "edges": network.n_edges,
            "active": np.flatnonzero(network.P < 0),
            "labels": network.edge_labels,
        },
        "run": run
        and {
            **named(run, "engine", "version"),
            "status": run.status.name.lower(),
            **named(run, "reason", "exit_code"),
            "time_points": run.time.size,
            "wall_time": run.wall_time,
        },
        "provenance": dict(v.provenance),
        "wall_time": report.wall_time,
        "created": report.created or None,
    }
    return plain(facts)


def named(thing: object, *names: str) -> dict[str, object]:
    """These attributes of a thing by name."""
    return {name: getattr(thing, name) for name in names}


def _ladder(ladder: Ladder) -> dict[str, object]:
    names = ("steps", "errors", "d1", "d2", "floor", "order", "uncertainty", "richardson", "gci", "converging")
    return named(ladder, *names)


def _signal(signal: SignalVerdict) -> dict[str, object]:
    """E and U are relative to `scale`, which is in `unit`."""
    return {
        "outcome": signal.outcome.value,
        "max_error": signal.error,
        **named(signal, "uncertainty", "observed_order", "edge", "time", "unit", "scale"),
        "theory_uncertainty": signal.reference,
        **named(signal, "bound", "time_scale", "pointwise"),
        "ladder": _ladder(signal.ladder),
    }


@overload
def plain(value: Mapping[str, object]) -> dict[str, object]: ...
@overload
def plain(value: object) -> object: ...
def plain(value: object) -> object:
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
