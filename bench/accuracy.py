"""Accuracy of the circuit against the equations at fixed steps, and the ringing prism.

python -m bench.accuracy
"""

from __future__ import annotations

import networkx as nx
import numpy as np

import spicebridge as sb
from spicebridge.theory import solve

T = 5.0


def networks(amplitude: float = 0.1, window: object = None) -> dict[str, sb.Network]:
    """K4, a 5 x 5 grid, a random graph of 40 nodes and 120 edges: Ron 100, Roff 1000, alpha .1, beta 1."""
    graphs = {
        "K4": nx.complete_graph(4),
        "grid 5x5": nx.grid_2d_graph(5, 5),
        "random 40/120": nx.gnm_random_graph(40, 120, seed=7),
    }
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0, window=window)
    out = {}
    for name, graph in graphs.items():
        rng = np.random.default_rng(11)
        m = graph.number_of_edges()
        out[name] = sb.Network.from_graph(
            graph,
            device=device,
            drive=rng.uniform(-amplitude, amplitude, m),
            initial_state=rng.uniform(0.2, 0.45, m),
        )
    return out


def error(network: sb.Network, steps: int, form: str = "fast") -> tuple[float, sb.Waveforms]:
    """max |w_spice - w_theory| at the simulator's own points, and those waveforms."""
    raw = sb.simulate(network, [0.0, T], step=T / steps, form=form)
    record = raw.run
    from spicebridge.circuit.lower.lowered_network import lower

    waves = lower(network, T, T / steps, form=form).signals.waveforms(record.time, record.data, "ngspice")
    theory = solve(network, T, rtol=1e-11, atol=1e-13)
    return float(np.abs(waves.state - theory(waves.t)).max()), waves


def prism(offset: float, stop: float = 45.0) -> sb.Network:
    """The oscillating circuit of three active edges, started `offset` off w* along its complex mode."""
    edges = [(1, 0), (1, 2), (2, 0), (3, 4), (5, 4), (3, 5), (0, 3), (4, 1), (2, 5)]
    star = np.array([0.46, 0.42, 0.18, 0.54, 0.34, 0.10, 0.64, 0.88, 0.24])
    device = sb.LinearMemristor.caravelli2017(1.0, 2.2, alpha=-1.0, beta=1.0)
    network = sb.Network.from_edges(
        edges,
        device=device,
        drive={2: 0.30112, 5: 0.5232, 7: -0.92608, 8: 1.31584},
        initial_state=star,
        active=(2, 5, 7),
        nodes=range(6),
    )
    h = 1e-6
    rate = [sb.integrate(network.with_initial_state(star + d), [0.0, 1e-4]) for d in h * np.eye(9)]
    jacobian = np.array([(w.state[1] - w.state[0]) / 1e-4 for w in rate]).T / h
    values, vectors = np.linalg.eig(jacobian)
    mode = vectors[:, int(np.argmax(values.imag))]
    mode = (mode / mode[np.argmax(np.abs(mode))]).real
    return network.with_initial_state(star + offset * mode)


def period_and_ratio(waves: sb.Waveforms) -> tuple[float, float]:
    """Period (s) and amplitude ratio per period, from one set of waveforms alone.

    Extrema of every ringing state are read off a quartic spline; the distance of every second one is a
    period, the ratio of every second swing (extremum to extremum) the amplitude ratio. No fixed point
    has to be known. Returned are the median period and the geometric mean of the ratios.
    """
    from scipy.interpolate import make_interp_spline

    periods, ratios = [], []
    for k in range(waves.n_edges):
        spline = make_interp_spline(waves.t, waves.state[:, k], k=4)
        slope = spline.derivative()
        rate = slope(waves.t)
        left = np.flatnonzero(rate[:-1] * rate[1:] < 0)
        times = waves.t[left] - rate[left] * np.diff(waves.t)[left] / (rate[left + 1] - rate[left])
        times = times[1:7]
        swing = np.abs(np.diff(spline(times)))
        periods += list(times[2:] - times[:-2])
        ratios += list(swing[2:] / swing[:-2])
    return float(np.median(periods)), float(np.exp(np.mean(np.log(ratios))))


def main() -> None:
    print("max |w_spice - w_theory|, S in +-0.1 V, T = 5 s")
    for name, network in networks().items():
        coarse, fine = error(network, 100)[0], error(network, 1000)[0]
        verdict = sb.validate(network, [0.0, T])
        print(
            f"  {name:14s} T/100 {coarse:.2e}  T/1000 {fine:.2e}  ratio {coarse / fine:6.1f}"
            f"  observed order {verdict.observed_order:.3f}"
        )
    print("any drive: ratio of the errors at T/100 and T/1000")
    for amplitude in (0.02, 0.2):
        for name, network in networks(amplitude).items():
            coarse, fine = error(network, 100)[0], error(network, 1000)[0]
            print(f"  {amplitude} V {name:14s} {coarse:.2e} {fine:.2e} ratio {coarse / fine:6.1f}")
    print("hard bounds reached, T/400 and T/800")
    for name, network in networks(1.0, sb.Hard()).items():
        finer = error(network, 800)[0]
        size, waves = error(network, 400)
        touched = ((waves.state >= 1 - 1e-9) | (waves.state <= 1e-9)).any(axis=0).mean()
        over = max(waves.state.max() - 1, -waves.state.min())
        rate = np.abs(np.diff(waves.state, axis=0) / np.diff(waves.t)[:, None]).max()
        print(
            f"  {name:14s} error {size:.2e} {finer:.2e}  overshoot {over:.1e}"
            f"  edges on a wall {touched:.0%}  max rate {rate:.2f}/s"
        )
    print("both forms, T/1000: max difference of w")
    for name, network in networks().items():
        a, b = error(network, 1000)[1], error(network, 1000, "readable")[1]
        print(f"  {name:14s} {np.abs(a.state - b.state).max():.1e}")
    print("prism: period and amplitude ratio per period, from SPICE alone")
    for offset in (0.01, 0.08):
        network = prism(offset)
        waves = sb.simulate(network, np.linspace(0.0, 45.0, 2001), tolerance=1e-7)
        period, ratio = period_and_ratio(waves)
        verdict = sb.validate(network, [0.0, 45.0])
        print(f"  {offset} off: period {period:.4f} s  ratio {ratio:.4f}  {verdict}")


if __name__ == "__main__":
    main()
