"""Circuits with exact solutions: does the error bar hold the true error, and is it tight?

    python -m bench.exact [--count 120]

Three families by seed: a loop of unequal memristors under a sine or DC (alpha = 0), a loop of equal ones
under DC with alpha, one memristor driven into hard bounds by a sine.
"""

from __future__ import annotations

import argparse

import numpy as np

import spicebridge as sb
from spicebridge.theory.results.closed_forms import clipped_sine_loop, equal_loop_dc, unequal_loop

XI, BETA, STOP = 9.0, 1.0, 4.0
FAMILIES = ("unequal loop", "equal loop with alpha", "clipped by a sine")


def ring(n: int) -> list[tuple[int, int]]:
    """A loop of n edges, all along."""
    return [(k, (k + 1) % n) for k in range(n)]


def trial(seed: int) -> tuple[str, float, sb.Verdict]:
    """Family, true error of the finest SPICE run, and its verdict."""
    rng = np.random.default_rng(seed)
    family = FAMILIES[seed % len(FAMILIES)]
    n = int(rng.integers(2, 7))
    alpha = float(rng.uniform(0.05, 0.2)) if family == "equal loop with alpha" else 0.0
    window = sb.Hard() if family == "clipped by a sine" else None
    device = sb.LinearMemristor.caravelli2017(100.0, 100.0 * (1 + XI), alpha=alpha, beta=BETA, window=window)
    if family == "unequal loop":
        s0, J = rng.uniform(0.2, 0.8, n), rng.choice([-1.0, 1.0], n)
        sine = sb.Sine(float(rng.uniform(0.2, 1.0)), float(rng.uniform(0.3, 1.5)), phase=float(rng.uniform(0, 6)))
        network = sb.Network.from_edges(ring(n), device=device, drive={0: sine}, initial_state=s0, polarity=J)
    elif family == "equal loop with alpha":
        s0 = np.full(n, rng.uniform(0.3, 0.5))
        level = float(rng.uniform(-0.3, 0.3))
        network = sb.Network.from_edges(ring(n), device=device, drive={0: level}, initial_state=s0)
    else:
        s0 = np.array([rng.uniform(0.1, 0.9)])
        sine = sb.Sine(float(rng.uniform(6.0, 14.0)), float(rng.uniform(0.4, 1.0)))
        network = sb.Network.from_edges([(0, 0)], device=device, drive=sine, initial_state=s0)
    verdict = sb.validate(network, [0.0, STOP])
    assert verdict.spice is not None
    t = verdict.spice.t
    drive = network.drives[0]
    if family == "unequal loop":
        exact = unequal_loop(drive.integral(t), s0, J, kappa=XI, g=-1.0 / BETA)  # type: ignore[union-attr]
    elif family == "equal loop with alpha":
        single = equal_loop_dc(t, float(s0[0]), kappa=XI, a=alpha, drift=-level / BETA / n)
        exact = np.repeat(single[:, None], n, axis=1)
    else:
        exact = clipped_sine_loop(
            t, float(s0[0]), kappa=XI, g=-1.0 / BETA, amplitude=sine.amplitude, frequency=sine.frequency
        )[:, None]
    return family, float(np.abs(verdict.spice.state - exact).max()), verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120)
    rows = [trial(seed) for seed in range(parser.parse_args().count)]
    for family in (*FAMILIES, None):
        mine = [(error, v) for name, error, v in rows if family in (None, name)]
        inside = np.mean([error <= v.uncertainty for error, v in mine])
        ratio = np.array([v.uncertainty / error for error, v in mine])
        outcomes = {str(o): sum(v.outcome is o for _, v in mine) for o in sb.Outcome}
        print(
            f"{family or 'all':22s} {len(mine):4d} circuits  true error inside U {inside:.1%}"
            f"  U/error median {np.median(ratio):.2f} largest {ratio.max():.1f}  {outcomes}"
        )


if __name__ == "__main__":
    main()
