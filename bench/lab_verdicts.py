"""Verdicts of `compare` on many random oscilloscopes: how many are wrong?

    python -m bench.lab_verdicts [--right 12] [--wrong 2] [--seed 1] [--circuits k4 …]

Four circuits (tests/lab/networks.py); every scope has three or four channels, random noise of .03 to 1 %, bits, gain, offset, trigger, clock, drop-outs,
sample count and channels, all within what `compare` is told, every build random part errors within their limits, and
every measurement one disturbance of `DISTURBANCES` at a random size. A verdict is wrong when a right circuit DISAGREES,
or when one with a 5 % wrong resistance, a flipped memristor or an open edge AGREES although the report does not say
that it would not be seen there. Last, one measurement of 50,000 samples in four channels is timed.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import error_limits
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.montecarlo import spread
from spicebridge.lab.design.realistic import run_realistic
from spicebridge.lab.measure.calibration import Instrument
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.discrepancy import built_minus_ideal
from spicebridge.lab.measure.measured import Validation, compare_measured
from spicebridge.lab.measure.measurement import parse_signal
from spicebridge.lab.measure.simulated_scope import Disturb, Scope, measure
from spicebridge.verify.verdict import Outcome
from tests.lab.networks import NAMES, plan

INSTRUMENT = Instrument()
TOLERANCE = 0.03
WRONG = 0.05
OPEN = 1e6
KINDS = ("true", "wrong resistance", "flipped memristor", "open edge", "too noisy")
TOO_NOISY = 1.5
SHORT = 0.25
"""A short run, over the whole one."""
VOLTS = 0.05
"""Offset of `volts`, over a channel's range, which the instrument states in volts."""


@dataclass(frozen=True, eq=False)
class Setting:
    """One scope: what it does, and which signals it sees."""

    scope: Scope
    names: tuple[str, ...]
    seed: int


def _noise(t: Array, y: Array, size: float, rng: np.random.Generator) -> Array:
    """.5 % of noise averaged over 1 to 30 samples, or of one pole with such a memory."""
    n = int(rng.integers(1, 31))
    weights = np.full(n, n**-0.5) if rng.random() < 0.5 else np.exp(-np.arange(6 * n) / n)
    white = rng.standard_normal(t.size + weights.size - 1)
    return np.asarray(y + 5e-3 * size * np.convolve(white, weights / np.sqrt((weights**2).sum()), "valid"))


def _hum(t: Array, y: Array, size: float, rng: np.random.Generator) -> Array:
    """.1 to 3 % at 50 or 60 Hz as mains are, within .1 Hz, a third of it in the third harmonic."""
    phase = 2.0 * np.pi * (rng.choice([50.0, 60.0]) + rng.uniform(-0.1, 0.1)) * t + rng.uniform(0.0, 6.0)
    return np.asarray(y + size * 10 ** rng.uniform(-3.0, -1.52) * (0.75 * np.sin(phase) + 0.25 * np.sin(3.0 * phase)))


def _drift(t: Array, y: Array, size: float, rng: np.random.Generator) -> Array:
    """.1 to 3 %: straight, bent, or warming up."""
    x = t / t[-1]
    shape = (x, x**2, np.sin(0.5 * np.pi * x), 1.0 - np.exp(-3.0 * x))[int(rng.integers(4))]
    return np.asarray(y + size * rng.choice([-1.0, 1.0]) * 10 ** rng.uniform(-3.0, -1.52) * shape)


def _spikes(t: Array, y: Array, size: float, rng: np.random.Generator) -> Array:
    out = y.copy()
    out[rng.choice(y.size, int(rng.integers(1, 30)), replace=False)] += rng.choice([-1.0, 1.0]) * size
    return out


def _shifted(t: Array, y: Array, size: float, rng: np.random.Generator) -> Array:
    return np.asarray(y + VOLTS * size * rng.uniform(-1.0, 1.0))


DISTURBANCES: dict[str, Disturb | None] = {
    "none": None, "noise": _noise, "hum": _hum, "drift": _drift, "spikes": _spikes, "volts": _shifted,
    "short": _hum, "clipped": None,
}  # fmt: skip
WORDS = {"noise": "noise is correlated", "hum": "hum", "drift": "drift", "spikes": "spikes", "clipped": "clipped"}
WORDS["short"] = "hum"


def circuit_of(name: str) -> CircuitUnderTest:
    """The circuit as its kit describes it to `compare`."""
    planned = plan(name)
    precise = spread(planned).plan
    limits = error_limits(planned.network, precise.bench, planned.gauge.driven)
    known = built_minus_ideal(planned, run_realistic(planned), run_firmware(planned))
    return CircuitUnderTest(
        network=planned.network, stop=planned.stop, ground=planned.gauge.ground, limits=limits, discrepancy=known
    )


def random_setting(circuit: CircuitUnderTest, name: str, rng: np.random.Generator) -> Setting:
    """Everything within the limits that `INSTRUMENT` states."""
    planned, tool = plan(name), INSTRUMENT
    every = [f"p[{node}]" for n, node in enumerate(circuit.network.nodes) if n != circuit.ground]
    every += [f"i[{k}]" for k in planned.gauge.chords]
    count = int(rng.integers(3, 5))
    names = tuple(rng.choice(every, size=count, replace=False).tolist())
    scope = Scope(
        noise=float(10 ** rng.uniform(-3.5, -2.0)),
        bits=int(rng.choice([0, 8, 10, 12])),
        gain=float(rng.uniform(0, tool.gain)),
        offset=float(rng.uniform(0, 0.9 * tool.offset)),
        trigger=float(rng.uniform(-0.95, 0.95) * tool.trigger),
        clock=float(rng.uniform(-1, 1) * tool.clock),
        dropouts=float(rng.choice([0.0, 0.03, 0.2])),
        samples=int(rng.integers(1500, 10_000)),
        parts=1.0,
    )
    return Setting(scope, names, int(rng.integers(2**31)))


def is_wrong(kind: str, edge: int, found: Validation) -> bool:
    """See the module."""
    match kind:
        case "true":
            return found.outcome is Outcome.DISAGREES
        case "wrong resistance" | "open edge":
            return found.outcome is Outcome.AGREES and edge not in found.blind
        case "flipped memristor":
            return found.outcome is Outcome.AGREES and edge not in found.unsigned
        case _:
            return found.outcome is not Outcome.UNRESOLVED


def one(
    circuit: CircuitUnderTest, name: str, kind: str, rng: np.random.Generator, disturbance: str = "none"
) -> tuple[Validation, bool]:
    """One random scope on one circuit."""
    setting = random_setting(circuit, name, rng)
    memory = np.flatnonzero(circuit.network.stateful).tolist()
    edge = int(rng.choice(memory if kind == "flipped memristor" else circuit.network.n_edges))
    wrong = {edge: WRONG * float(rng.choice([-1.0, 1.0]))} if kind == "wrong resistance" else None
    wrong = {edge: OPEN} if kind == "open edge" else wrong
    flipped = [edge] if kind == "flipped memristor" else []
    scope, tool = setting.scope, INSTRUMENT
    if kind == "too noisy":
        scope = replace(scope, noise=TOO_NOISY, full_scale=10.0)
    if disturbance == "short":
        circuit = replace(circuit, stop=SHORT * circuit.stop)
    if disturbance == "clipped":
        scope = replace(scope, full_scale=float(rng.uniform(0.7, 1.0)))
    if disturbance == "noise":
        scope = replace(scope, noise=1e-4)
    shown = measure(
        circuit,
        setting.names,
        scope,
        seed=setting.seed,
        wrong=wrong,
        flipped=flipped,
        disturb=DISTURBANCES[disturbance],
    )
    if disturbance == "volts":
        tool = replace(tool, volts=1.5 * VOLTS * max(float(np.nanmax(np.abs(y))) for y in shown.values.values()))
    signals = {x: parse_signal(x) for x in setting.names}
    found = compare_measured(circuit, shown, signals, instrument=tool, tolerance=TOLERANCE)
    return found, is_wrong(kind, edge, found)


def named(found: Validation, disturbance: str) -> bool:
    """Whether an undecided verdict says what keeps it from one."""
    reason = found.reason
    return WORDS.get(disturbance, "") in reason or "times as many samples" in reason or "would be seen" in reason


def seconds() -> tuple[float, str]:
    """Of 50,000 samples in four channels of K4."""
    circuit = circuit_of("k4")
    names = ("p[1]", "p[2]", "p[3]", "i[3]")
    names = tuple(x for x in names if x != f"p[{circuit.network.nodes[circuit.ground]}]")[:4]
    names = (*names, *(f"i[{k}]" for k in plan("k4").gauge.chords))[:4]
    shown = measure(circuit, tuple(dict.fromkeys(names)), Scope(samples=50_000), seed=1)
    signals = {x: parse_signal(x) for x in shown.values}
    start = time.perf_counter()
    found = compare_measured(circuit, shown, signals, tolerance=TOLERANCE)
    return time.perf_counter() - start, f"{len(signals)} channels, {found.outcome.value}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--right", type=int, default=12, help="right circuits of each disturbance and circuit")
    parser.add_argument("--wrong", type=int, default=2, help="wrong ones of each kind, disturbance and circuit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--circuits", nargs="+", default=list(NAMES))
    parser.add_argument("--disturbances", nargs="+", default=list(DISTURBANCES))
    parser.add_argument("--talk", action="store_true", help="print every verdict that is not as wanted")
    args = parser.parse_args()
    circuits = {name: circuit_of(name) for name in args.circuits}
    print("| disturbance | circuits | number | AGREES | DISAGREES | UNRESOLVED | of them without a cause | wrong |")
    print("|---|---|---|---|---|---|---|---|")
    for right in (True, False):
        total: Counter[str] = Counter()
        for n, disturbance in enumerate(args.disturbances):
            counts: Counter[str] = Counter()
            for kind in KINDS[:1] if right else KINDS[1:4]:
                for name in args.circuits:
                    rng = np.random.default_rng([args.seed, n, KINDS.index(kind), NAMES.index(name)])
                    for _ in range(args.right if right else args.wrong):
                        found, bad = one(circuits[name], name, kind, rng, disturbance)
                        counts["number"] += 1
                        counts[found.outcome.value] += 1
                        counts["wrong"] += bad
                        counts["mute"] += found.outcome is Outcome.UNRESOLVED and not named(found, disturbance)
                        if args.talk and (bad or (right and found.outcome is not Outcome.AGREES)):
                            print(f"    {name} {kind} {found.outcome.value}: {found.reason[:300]}", flush=True)
            print(_row(disturbance, "right" if right else "wrong", counts), flush=True)
            total += counts if disturbance != "clipped" else Counter()
        print(_row("**all but clipped**", "right" if right else "wrong", total), flush=True)
    took, what = seconds()
    print(f"\n50,000 samples, {what}: {took:.1f} s (limit 30 s).")


def _row(disturbance: str, what: str, counts: Counter[str]) -> str:
    cells = [counts[x] for x in ("number", "agrees", "disagrees", "unresolved", "mute", "wrong")]
    return f"| {disturbance} | {what} | " + " | ".join(str(x) for x in cells) + " |"


if __name__ == "__main__":
    main()
