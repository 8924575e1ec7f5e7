"""Laws that somebody brings, in a triangle and in a 5x5 grid: from text to verdict.

python -m bench.own_laws [--count 10] [--seed 12] [--only NAME…]

Eight laws of the literature as their texts stand in ``models/``, driven by their own examples, and random ones composed of
smooth and kinked parts. Triangle: a sine of twice the example's amplitude on one edge, polarities +1, -1, +1. Grid of 25
nodes and 40 edges: one and a half times the amplitude on every fifth edge, phases 0.4 rad apart. One period of the
example's frequency, tolerance 1e-4. `moved` is the largest range of a state: what hardly moves is hardly tested.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

import networkx as nx
import numpy as np

import spicebridge as sb
from spicebridge.laws import LAWS
from spicebridge.modelcheck.typical_devices import Example, examples

LITERATURE = ("stanford", "jart", "miranda", "critical_flux", "diffusive", "mott", "pickett", "strukov")
TOLERANCE = 1e-4
SECONDS = 30.0
"""What a run from text to verdict may take."""
FACTORS = ("1 + s", "exp(-1.5*s)", "2 - s^2", "cosh(s)", "1/(0.3 + s)")
PUSHES = ("v/v_0", "tanh(v/v_0)", "sinh(v/v_0)", "(v/v_0)^3", "max(v/v_0 - 0.3, 0) - max(-v/v_0 - 0.3, 0)")
BRAKES = ("1", "1 - s", "exp(-s)", "1/(1 + s^2)", "cos(s)")
RETURNS = ("0", "0.3*s", "0.4*(s - 0.2)", "0.2*sinh(s)")
WINDOWS = ("none", "hard", "biolek", "tanh")


def composed(random: np.random.Generator) -> sb.Law:
    """A law of random parts; R between 100 ohm and 1 kohm, rates of the order of 1/s."""
    factor, push, brake, back, window = (str(random.choice(x)) for x in (FACTORS, PUSHES, BRAKES, RETURNS, WINDOWS))
    split = bool(random.integers(2))
    return sb.Law(
        "composed",
        resistance=f"r*({factor})",
        rate=f"({push})*({brake})/tau" + ("" if split else f" - ({back})/tau"),
        decay=f"-({back})/tau" if split else None,
        parameters={"r": "300 ohm, > 0", "v_0": "0.8 V, > 0", "tau": "1 s, > 0"},
        window=window,
    )


def subjects(count: int, seed: int) -> Iterator[tuple[str, Example]]:
    """Name, and device, amplitude (V), frequency (Hz), initial state."""
    for name in LITERATURE:
        yield name, next(iter(examples(LAWS[name]).values()))
    random = np.random.default_rng(seed)
    for k in range(count):
        law = composed(random)
        words = f"random {k}: R = {law.data['resistance']}, rate = {law.data['rate']}"
        words += f", decay = {law.data['decay']}" if "decay" in law.data else ""
        yield f"{words}, {law.window.name}", (law(), 0.6, 1.0, 0.4)


def triangle(example: Example) -> sb.Network:
    """Three edges, one driven."""
    device, amplitude, frequency, initial = example
    return sb.Network.from_edges(
        [("a", "b"), ("b", "c"), ("c", "a")],
        device=device,
        drive={0: sb.Sine(2.0 * amplitude, frequency)},
        initial_state=initial,
        polarity=[1, -1, 1],
    )


def grid(example: Example) -> sb.Network:
    """40 edges, eight of them driven."""
    device, amplitude, frequency, initial = example
    drives = {k: sb.Sine(1.5 * amplitude, frequency, phase=0.4 * k) for k in range(0, 40, 5)}
    return sb.Network.from_graph(nx.grid_2d_graph(5, 5), device=device, drive=drives, initial_state=initial)


def judged(network: sb.Network, frequency: float) -> tuple[sb.Verdict, float]:
    """The verdict over one period and the seconds that it took."""
    began = time.perf_counter()
    verdict = sb.validate(network, [0.0, 1.0 / frequency], tolerance=TOLERANCE)
    return verdict, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--only", nargs="*", default=None)
    args = parser.parse_args()
    print("| law | network | outcome | E | U | moved | s |\n|---|---|---|---|---|---|---|")
    unresolved: dict[str, str] = {}
    slow: list[str] = []
    wrong: list[str] = []
    number = 0
    for name, example in subjects(args.count, args.seed):
        if args.only and not any(name.startswith(word) for word in args.only):
            continue
        number += 1
        for shape, make in (("triangle", triangle), ("grid 5x5", grid)):
            verdict, seconds = judged(make(example), example[2])
            moved = 0.0 if verdict.theory is None else float(np.ptp(verdict.theory.state, axis=0).max())
            print(
                f"| {name} | {shape} | {verdict.outcome.value} | {verdict.max_error:.1e} | {verdict.uncertainty:.1e} "
                f"| {moved:.2g} | {seconds:.1f} |",
                flush=True,
            )
            if verdict.outcome is sb.Outcome.UNRESOLVED:
                unresolved[name] = f"{name}, {shape}: {verdict.reason}"
            elif verdict.outcome is sb.Outcome.DISAGREES:
                wrong.append(f"{name}, {shape}")
            if seconds > SECONDS:
                slow.append(f"{name}, {shape}: {seconds:.0f} s")
    print(
        f"\n{len(unresolved)} of {number} laws unresolved, {len(wrong)} disagree, {len(slow)} runs above {SECONDS:g} s."
    )
    for line in (*unresolved.values(), *wrong, *slow):
        print(f"- {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
