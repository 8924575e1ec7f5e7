"""Xyce's stored results of its piecewise empirical memristor, against both branches.

0.5 sin(2 pi 100 t) V  ->  memristor (level 4)  ->  50 ohm  ->  ground
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spicebridge as sb
from spicebridge.arrays import Array
from spicebridge.circuit.circuit_run import run_lowered, usable
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.laws import read_table
from spicebridge.theory import solve

DATA = Path(__file__).parent / "data" / "xyce_memristor"

ALLOWED = {"i": 2e-3, "x": 1e-2, "R": 2e-2}
"""Xyce's own tolerances: A, 1, and relative."""
RTOL = 1e-7
"""Of the theory; the tables have a kink at every one of their 500 points, which a tighter one pays for."""
STEPS = 4000
"""Step ceilings over the run of the circuit."""
LAW = dict(
    i_1=85.37e-6, i_2=90.16e-6, v_1=0.265, v_2=0.265, g_0=130.72e-6, v_p=0.7, v_n=1.0, d_1=9.87, d_2=-4.82,
    c_1=1000.0, c_2=1000.0,
)  # fmt: skip
Table = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Stored:
    """Rows of a .prn file: t (s), i (A), x, R (ohm; 0 where Xyce had none)."""

    t: Array
    i: Array
    x: Array
    R: Array


def stored(name: str) -> Stored:
    """Read ``memristor<name>.cir.prn``, which must be whole."""
    head, *rows = (DATA / f"memristor{name}.cir.prn").read_text(encoding="utf-8").splitlines()
    assert head.split()[1] == "TIME"
    assert rows[-1].startswith("End of Xyce"), "the file is cut"
    table = np.array([[float(word) for word in row.split()] for row in rows[:-1]])
    return Stored(table[:, 1], table[:, 3], table[:, 4], table[:, 5])


def tables(suffix: str) -> tuple[Table, Table]:
    """(f+, f-) from the .csv or the .dat files."""
    return read_table(DATA / f"fxp_table.{suffix}"), read_table(DATA / f"fxm_table.{suffix}")


def corrupted(table: Table) -> Table:
    """The table as a reader has it that loses the first character of the second column."""
    return tuple((s, float(f"{f:.2E}"[1:])) for s, f in table)


def circuit(up: Table, down: Table, x0: float, **changes: float) -> sb.Network:
    device = sb.PiecewiseMemristor(up, down, **(LAW | changes))
    return sb.Network.from_edges(
        [("n1", "n2"), ("n2", "n1")],
        device=[device, sb.Resistor(50.0)],
        drive={0: sb.Sine(0.5, 100.0)},
        initial_state=[x0, 0.0],
    )


def waves_at(network: sb.Network, t: Array, branch: str) -> sb.Waveforms:
    """Waveforms of one branch at times t (s)."""
    stop = float(t[-1])
    if branch == "theory":
        trajectory = solve(network, stop, rtol=RTOL, atol=RTOL / 100)
        assert trajectory.complete, trajectory.reason
        return trajectory.waveforms(t)
    done = run_lowered(lower(network, stop, stop / STEPS), engine=get_engine("ngspice"))
    return usable(network, done).resample(t)


def errors(network: sb.Network, gold: Stored, branch: str, until: float = np.inf) -> dict[str, float]:
    """Largest differences in i (A), x and R (relative). Xyce's R is dv/di, none where it has zero."""
    keep = gold.t <= until
    waves = waves_at(network, gold.t[keep], branch)
    i, x, v = waves.current[:, 0], waves.state[:, 0], waves.voltage[:, 0]
    there = gold.R[keep] > 0
    with np.errstate(divide="ignore"):
        R = 1.0 / network.device(0).current_partials(v[there], x[there])[0]
    return {
        "i": float(np.abs(i - gold.i[keep]).max()),
        "x": float(np.abs(x - gold.x[keep]).max()),
        "R": float(np.abs(R / gold.R[keep][there] - 1).max()),
    }
