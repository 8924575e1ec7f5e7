"""Verdicts of `compare` on many random oscilloscopes: how many are wrong?

    python -m bench.lab_verdicts [--scopes 50] [--seed 1]

Four circuits (tests/lab/networks.py); every scope has random noise, bits, gain, offset, trigger, clock, drop-outs,
sample count and channels, all within what `compare` is told, and every build random part errors within their limits.
A verdict is wrong when a true circuit DISAGREES, or when one with a 5 % wrong resistance or a flipped memristor AGREES
although the report does not say that it would not be seen there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.lab.design.builds import error_limits
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.montecarlo import spread
from spicebridge.lab.design.realistic import run_realistic
from spicebridge.lab.measure.calibration import Instrument
from spicebridge.lab.measure.deviation import built_minus_ideal
from spicebridge.lab.measure.measured import Validation, compare_measured
from spicebridge.lab.measure.measured_circuit import Subject
from spicebridge.lab.measure.measurement import parse_signal
from spicebridge.lab.measure.oscilloscope import Scope, measure
from spicebridge.verify.verdict import Outcome
from tests.lab.networks import NAMES, plan

INSTRUMENT = Instrument()
TOLERANCE = 0.03
WRONG = 0.05
KINDS = ("true", "wrong resistance", "flipped memristor", "too noisy")
TOO_NOISY = 1.5


@dataclass(frozen=True, eq=False)
class Setting:
    """One scope: what it does, and which signals it sees."""

    scope: Scope
    names: tuple[str, ...]
    seed: int


def subject_of(name: str) -> Subject:
    """The circuit as its kit describes it to `compare`."""
    planned = plan(name)
    precise = spread(planned).plan
    limits = error_limits(planned.network, precise.bench, planned.gauge.driven)
    known = built_minus_ideal(planned, run_realistic(planned), run_firmware(planned))
    return Subject(planned.network, planned.stop, planned.gauge.ground, limits, known)


def random_setting(subject: Subject, name: str, rng: np.random.Generator) -> Setting:
    """Everything within the limits that `INSTRUMENT` states."""
    planned, tool = plan(name), INSTRUMENT
    every = [f"p[{node}]" for n, node in enumerate(subject.network.nodes) if n != subject.ground]
    every += [f"i[{k}]" for k in planned.gauge.chords]
    count = int(rng.integers(1, len(every) + 1))
    names = tuple(rng.choice(every, size=count, replace=False).tolist())
    scope = Scope(
        noise=float(10 ** rng.uniform(-3.5, -1.7)),
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
        case "wrong resistance":
            return found.outcome is Outcome.AGREES and edge not in found.blind
        case "flipped memristor":
            return found.outcome is Outcome.AGREES and edge not in found.unsigned
        case _:
            return found.outcome is not Outcome.UNRESOLVED


def one(subject: Subject, name: str, kind: str, rng: np.random.Generator) -> tuple[Validation, bool]:
    """One random scope on one circuit."""
    setting = random_setting(subject, name, rng)
    memory = np.flatnonzero(subject.network.stateful).tolist()
    edge = int(rng.choice(memory if kind == "flipped memristor" else subject.network.n_edges))
    wrong = {edge: WRONG * float(rng.choice([-1.0, 1.0]))} if kind == "wrong resistance" else None
    flipped = [edge] if kind == "flipped memristor" else []
    if kind == "too noisy":
        setting = replace(setting, scope=replace(setting.scope, noise=TOO_NOISY, full_scale=10.0))
    shown = measure(subject, setting.names, setting.scope, seed=setting.seed, wrong=wrong, flipped=flipped)
    signals = {x: parse_signal(x) for x in setting.names}
    found = compare_measured(subject, shown, signals, instrument=INSTRUMENT, tolerance=TOLERANCE)
    return found, is_wrong(kind, edge, found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scopes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--circuits", nargs="+", default=list(NAMES))
    args = parser.parse_args()
    print(f"{'circuit':10} {'built':18} scopes  agrees  disagrees  unresolved  wrong")
    total = 0
    for name in args.circuits:
        subject = subject_of(name)
        for n, kind in enumerate(KINDS):
            rng = np.random.default_rng([args.seed, n])
            counts: Counter[str] = Counter()
            for _ in range(args.scopes):
                found, bad = one(subject, name, kind, rng)
                counts[found.outcome.value] += 1
                counts["wrong"] += bad
            total += counts["wrong"]
            row = "".join(
                f"{counts[x]:>{w}}" for x, w in (("agrees", 8), ("disagrees", 11), ("unresolved", 12), ("wrong", 7))
            )
            print(f"{name:10} {kind:18} {args.scopes:6}{row}", flush=True)
    print(f"wrong verdicts: {total}")


if __name__ == "__main__":
    main()
