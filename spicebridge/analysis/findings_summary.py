"""Everything that is cheap to know of a network, as plain rows and numbers for the command, the page and JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spicebridge.analysis.confirm import Confirmation
from spicebridge.analysis.fixed_points import FixedPoints
from spicebridge.analysis.network_analysis import Analysis
from spicebridge.arrays import Array
from spicebridge.errors import SpiceBridgeError
from spicebridge.report.json import named, plain

FORMAT = "spicebridge.analysis/1"
MOST_EDGES = 64
"""Edges up to which fixed points and the reachable dimension are looked for by the command."""
LISTED = 24
"""Fixed points listed."""


@dataclass(frozen=True)
class Known:
    """One line: a quantity, its value in words, and the equation or the reason beside it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkSummary:
    """What the page shows. ``frozen`` says at what time changing sources were frozen, "" for constant ones."""

    title: str
    analysis: Analysis
    rows: tuple[Known, ...]
    points: FixedPoints | None
    why_no_points: str
    confirmations: tuple[Confirmation, ...]
    stop: float
    numbers: dict[str, object] = field(repr=False)

    def record(self) -> dict[str, object]:
        """As plain types for JSON."""
        listed = [] if self.points is None else list(self.points)
        return plain(
            {
                "format": FORMAT,
                "title": self.title,
                **self.numbers,
                "fixed_points": [
                    named(p, "state", "held")
                    | {"real": p.spectrum.real, "imaginary": p.spectrum.imag}
                    | named(p, "kind", "basin", "confirmed")
                    for p in listed
                ],
                "fixed_points_note": self.why_no_points if self.points is None else self.points.caveat,
                "confirmed": [
                    named(c, "what", "value", "circuit", "difference")
                    | {"uncertainty": c.U, "outcome": c.outcome.value, "reason": c.reason}
                    for c in self.confirmations
                ],
            }
        )


def summarise(
    analysis: Analysis, *, title: str, stop: float, confirm: bool = False, engine: str = "ngspice"
) -> NetworkSummary:
    """Collect what is known of a network; what does not hold for it says why."""
    network = analysis.network
    numbers: dict[str, object] = {
        "nodes": network.n_nodes if network.is_graph else None,
        "edges": network.n_edges,
        "cycles": analysis.n_loops,
        "effective_memory": analysis.effective_memory,
        "bridges": list(analysis.bridges),
        "screen": analysis.screen.summary,
    }
    rows = [
        Known(
            "edges", str(network.n_edges), f"{network.n_nodes} nodes" if network.is_graph else "a loop matrix, no graph"
        ),
        Known("independent loops", str(analysis.n_loops), "L = edges - nodes + parts"),
        Known("effective memory", f"{analysis.effective_memory:.6g}", "Gamma = L/edges (paper 1, Eq. 20)"),
        Known("bridges", ", ".join(analysis.bridges[:LISTED]) or "none", "carry no current"),
        Known("signs", analysis.screen.summary, "inertia of A P R A^t and B (P R)^-1 B^t"),
    ]
    small = network.n_edges <= MOST_EDGES

    def put(name: str, key: str, make: Callable[[], tuple[object, str]], note: str) -> None:
        try:
            numbers[key], words = make()
        except SpiceBridgeError as error:
            numbers[key] = None
            rows.append(Known(name, "–", str(error)))
        else:
            rows.append(Known(name, words, note))

    put("kept charges", "conserved", lambda: _conserved(analysis), "paper 1, Eqs. 12-14")
    if small:
        put("reachable dimension", "reachable_dimension", lambda: _whole(analysis.reachable_dimension), "measured")
        put("spectrum at the start", "spectrum", lambda: _spectrum(analysis), "of the Jacobian, 1/s")
        put("amplification", "numerical_abscissa", lambda: _amplification(analysis), "numerical abscissa, 1/s")
        put(
            "largest exponent",
            "lyapunov_exponent",
            lambda: _exponent(analysis, stop),
            f"over {stop:.4g} s from the start, 1/s",
        )
    put("mean field", "potential", lambda: _potential(analysis), "V(x, s), paper 2, Eq. 2")
    put("collective force", "force", lambda: _number(float(analysis.force(network.initial_state))), "Lf at the start")
    put(
        "Lyapunov function",
        "lyapunov_function",
        lambda: _lyapunov(analysis),
        "at the start; paper 2, Eqs. 8-11, for any parameters",
    )
    points, why = _points(analysis, small, confirm)
    confirmations = analysis.confirm(engine) if confirm else ()
    return NetworkSummary(
        title=title,
        analysis=analysis,
        rows=tuple(rows),
        points=points,
        why_no_points=why,
        confirmations=confirmations,
        stop=stop,
        numbers=numbers,
    )


def _points(analysis: Analysis, small: bool, confirm: bool) -> tuple[FixedPoints | None, str]:
    if not small:
        return None, f"looked for up to {MOST_EDGES} edges only; ask analysis.fixed_points() for more"
    try:
        return analysis.fixed_points(confirm=confirm), ""
    except SpiceBridgeError as error:
        return None, str(error)


def _whole(value: int) -> tuple[object, str]:
    return value, str(value)


def _number(value: float) -> tuple[object, str]:
    return value, f"{value + 0.0:.6g}"


def _conserved(analysis: Analysis) -> tuple[object, str]:
    law = analysis.conserved
    if law is None:
        return None, "none known for these laws"
    return law.statement, f"{len(law.weights)}: {law.statement}"


def _spectrum(analysis: Analysis) -> tuple[object, str]:
    values = analysis.spectrum()
    words = ", ".join(map(_complex, values[:6])) + (", …" if values.size > 6 else "")
    return {"real": values.real, "imaginary": values.imag}, words


def _complex(z: complex) -> str:
    return f"{z.real:.4g}" if abs(z.imag) <= 1e-9 * max(1.0, abs(z)) else f"{z.real:.4g}{z.imag:+.4g}i"


def _amplification(analysis: Analysis) -> tuple[object, str]:
    J = analysis.jacobian()
    keep = analysis.network.stateful
    J = J[np.ix_(keep, keep)]
    top = float(np.linalg.eigvalsh(0.5 * (J + J.T))[-1]) if J.size else math.nan
    return top, f"{top:.4g}" + (" (some perturbation grows at first)" if top > 0.0 else " (none grows)")


def _exponent(analysis: Analysis, stop: float) -> tuple[object, str]:
    values = analysis.lyapunov_exponents(stop)
    absorbed = int(np.isneginf(values).sum())
    words = f"{values[0]:.4g}" + (f"; {absorbed} directions absorbed by bounds" if absorbed else "")
    return float(values[0]), words


def _potential(analysis: Analysis) -> tuple[object, str]:
    V = analysis.potential()
    minima = ", ".join(f"{x:.6g}" for x in V.minima)
    words = f"minima at {minima}" + (f", barrier {V.barrier:.6g} 1/s" if V.barrier else "")
    words += f", s_crit {V.s_crit:.6g} V" if math.isfinite(V.s_crit) else ""
    return {"s": V.s, "minima": V.minima, "maxima": V.maxima, "barrier": V.barrier, "s_crit": V.s_crit}, words


def _lyapunov(analysis: Analysis) -> tuple[object, str]:
    w: Array = analysis.network.initial_state
    value, fall = float(analysis.lyapunov_function(w)), analysis.lyapunov_descent(w)
    return {"value": value, "descent": fall}, f"{value:.6g} J, falling at {fall:.4g} W"
