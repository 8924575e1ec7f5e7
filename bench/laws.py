"""The laws' right-hand sides: as fast as numpy written by hand, and the values of the classes that were before them.

python -m bench.laws [--edges 10 1000] [--freeze FILE]

Speed: rate and conduction of a whole group against the same formulas in plain numpy, written here, and against the
classes of commit 27ecbd7 on this machine: the package of that commit is taken from the repository and timed by this file
(`--times`) in processes that alternate with those of today. The best of `ROUNDS` processes counts.
Values: ``tests/laws/data/laws_27ecbd7.npz`` holds what those classes returned at `POINTS` random points; it was written by
this very file, `--freeze`, with the package of that commit on the path. Values and all derivatives of nine laws, with their
options, under every window.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import spicebridge as sb

Floats = NDArray[np.float64]
UP, DOWN = ((0.0, 0.1), (0.4, 1.0), (0.7, 0.6), (1.0, 0.05)), ((0.0, 0.0), (0.3, 0.7), (1.0, 1.0))
"""Points of the tables of the piecewise law."""
DATA = Path(__file__).parents[1] / "tests" / "laws" / "data" / "laws_27ecbd7.npz"
BEFORE = "27ecbd7"
POINTS = 24
REPEATS = 100
ROUNDS = 3
WINDOWS: tuple[Any, ...] = (
    sb.NoWindow(),
    sb.Hard(),
    sb.Tanh(20.0),
    sb.Joglekar(2),
    sb.Biolek(2),
    sb.Prodromakis(1.7, 0.9),
    sb.Zha(1.3, 0.8),
)


def devices(window: Any) -> dict[str, Any]:
    """Name -> device, of constructors that both versions have."""
    linear = sb.LinearMemristor
    made: dict[str, Any] = {}
    for control in ("current", "voltage", "voltage_eq61"):
        made[f"caravelli2017 {control}"] = linear.caravelli2017(100.0, 1600.0, 0.1, 1.3, control, window)
        made[f"tunneling {control}"] = linear.tunneling(100.0, 1600.0, 0.2, 0.7, control, window)
    made["hp"] = sb.HPMemristor(100.0, 16e3, 1e4, window)
    made["threshold"] = sb.ThresholdMemristor(1e3, 1e4, 0.3, 2e4, 1e3, window=window)
    made["threshold, smooth"] = sb.ThresholdMemristor(1e3, 1e4, 0.3, 2e4, 1e3, 0.05, window=window)
    for curve in ("linear", "exponential"):
        made[f"team {curve}"] = sb.TEAM(50.0, 1e3, -1.0, 1.2, 3.0, 2.0, -1e-4, 1.5e-4, curve=curve, window=window)
        made[f"vteam {curve}"] = sb.VTEAM(50.0, 1e3, -1.0, 1.2, 3.0, 2.0, -0.2, 0.25, curve=curve, window=window)
    made["yakopcic"] = sb.YakopcicMemristor(
        0.17, 0.12, 0.05, 0.16, 0.15, 4000.0, 3000.0, 0.3, 0.5, 1.0, 5.0, -1.0, window=window
    )
    shapes, numbers = (UP, DOWN), (85e-6, 90e-6, 0.265, 0.264, 130e-6, 0.2, -0.2, 3.0, 3.5, 7.0, 8.0)
    made["piecewise"] = sb.PiecewiseMemristor(*shapes, *numbers, window=window)
    if isinstance(window, sb.NoWindow):
        made["ideal"] = sb.IdealMemristor(100.0, 16e3, 1e4)
    return made


def quantities(device: Any) -> dict[str, Floats]:
    """Values and derivatives at the same points in every version."""
    random = np.random.default_rng(27)
    s, v = random.uniform(0.02, 0.98, POINTS), random.uniform(-1.0, 1.0, POINTS)
    J = np.where(random.uniform(size=POINTS) < 0.5, -1.0, 1.0)
    P = np.where(random.uniform(size=POINTS) < 0.3, -1.0, 1.0)
    if device.ohmic:
        out = {"R": device.resistance(s), "dR/ds": device.resistance_slope(s)}
        i = v / (P * out["R"])
    else:
        out = {"i": device.current(v, s)} | dict(zip(("di/dv", "di/ds"), device.current_partials(v, s), strict=True))
        i = J * device.current(J * v, s)
    out["F"] = device.rate(s, v, i, P, J)
    out |= dict(zip(("dF/ds", "dF/dv", "dF/di"), device.rate_partials(s, v, i, P, J), strict=True))
    return {name: np.broadcast_to(np.asarray(value, float), (POINTS,)) for name, value in out.items()}


def every_value() -> dict[str, Floats]:
    """Key -> (POINTS,) for every device, window and quantity."""
    return {
        f"{name}, {window.name}: {what}": value
        for window in WINDOWS
        for name, device in devices(window).items()
        for what, value in quantities(device).items()
    }


def differences() -> dict[str, float]:
    """Key -> largest difference from commit 27ecbd7, in parts of the largest value of the quantity."""
    now = every_value()
    with np.load(DATA) as then:
        if set(then.files) != set(now):
            raise SystemExit(f"{DATA}: has other quantities; {sorted(set(then.files) ^ set(now))[:3]}")
        out = {}
        for key, value in now.items():
            size = float(np.abs(then[key]).max())
            gap = float(np.abs(value - then[key]).max())
            out[key] = gap / size if size else gap
        return out


def _best(f: Callable[[], object], seconds: float = 0.001) -> float:
    """Short spans and many, so that the best of them ran without other processes."""
    timer = timeit.Timer(f)
    number = max(1, int(seconds / max(timer.timeit(3) / 3, 1e-7)))
    return min(timer.repeat(REPEATS, number)) / number


def _plus(x: Floats) -> Floats:
    return np.maximum(x, 0.0)


def _limexp(x: Floats) -> Floats:
    return np.exp(np.minimum(x, 40.0)) * (1.0 + np.maximum(x - 40.0, 0.0))


def cases() -> dict[str, tuple[object, Callable[..., Floats], Callable[..., Floats]]]:
    """Name -> device without window, its conduction (s, v) and its rate (s, v, i, J) by hand."""
    one = {"window": None}
    laws: dict[str, tuple[object, Callable[..., Floats], Callable[..., Floats]]] = {}
    laws["caravelli2017"] = (
        sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0),
        lambda s, v: 100.0 * (1.0 + 15.0 * s),
        lambda s, v, i, J: 0.1 * s - 100.0 * (J * i),
    )
    laws["tunneling"] = (
        sb.LinearMemristor.tunneling(100.0, 1600.0, 0.1, 1.0),
        lambda s, v: 1600.0 * (1.0 - 0.9375 * s),
        lambda s, v, i, J: 1600.0 * (J * i) - 0.1 * s,
    )
    laws["hp"] = (
        sb.HPMemristor(100.0, 16e3, 1e4, **one),
        lambda s, v: 16e3 + (100.0 - 16e3) * s,
        lambda s, v, i, J: 1e4 * (J * i),
    )
    laws["threshold"] = (
        sb.ThresholdMemristor(1e3, 1e4, 0.3, 2e4, 1e3, **one),
        lambda s, v: 1e3 + 9e3 * s,
        lambda s, v, i, J: (2e4 * J * v + 0.5 * (1e3 - 2e4) * (np.abs(J * v + 0.3) - np.abs(J * v - 0.3))) / 9e3,
    )
    laws["team"] = (
        sb.TEAM(50.0, 1e3, -1.0, 1.0, 3.0, 3.0, -1e-5, 1e-5, **one),
        lambda s, v: 50.0 + 950.0 * s,
        lambda s, v, i, J: (
            1.0 * _plus(J * i / 1e-5 - 1.0) ** 3 * np.exp(-_limexp((s - 1.0) / 0.05))
            - 1.0 * _plus(J * i / -1e-5 - 1.0) ** 3 * np.exp(-_limexp((0.0 - s) / 0.05))
        ),
    )
    laws["vteam"] = (
        sb.VTEAM(50.0, 1e3, -1.0, 1.0, 3.0, 3.0, -0.2, 0.2, **one),
        lambda s, v: 50.0 + 950.0 * s,
        lambda s, v, i, J: 1.0 * _plus(J * v / 0.2 - 1.0) ** 3 - 1.0 * _plus(J * v / -0.2 - 1.0) ** 3,
    )
    return laws


def times(edges: list[int]) -> dict[str, list[float]]:
    """ "law, edges" -> times in s: conduction, by hand, rate, by hand."""
    random = np.random.default_rng(0)
    out = {}
    for n in edges:
        s, v = random.uniform(0.05, 0.95, n), random.uniform(-1.0, 1.0, n)
        i, P, J = 1e-3 * v, np.ones(n), np.where(random.uniform(size=n) < 0.5, -1.0, 1.0)
        for name, (device, conduction, rate) in cases().items():
            R, F = device.resistance, device.bulk_rate  # type: ignore[attr-defined]
            np.testing.assert_allclose(R(s), conduction(s, v), rtol=1e-12)
            np.testing.assert_allclose(F(s, v, i, P, J), rate(s, v, i, J), rtol=1e-9, atol=1e-9)
            out[f"{name}, {n}"] = [
                _best(partial(R, s)),
                _best(partial(conduction, s, v)),
                _best(partial(F, s, v, i, P, J)),
                _best(partial(rate, s, v, i, J)),
            ]
    return out


def compared(edges: list[int]) -> dict[str, tuple[list[float], list[float]]]:
    """ "law, edges" -> best times of today and of the classes before, by processes that alternate."""
    root = Path(__file__).parents[1]
    archive = subprocess.run(["git", "archive", BEFORE], cwd=root, capture_output=True, check=True).stdout
    found: dict[str, list[dict[str, list[float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        command = [sys.executable, str(Path(__file__).resolve()), "--times", "--edges", *map(str, edges)]
        for _ in range(ROUNDS):
            for package in (str(root), folder):
                environment = os.environ | {"PYTHONPATH": package}
                run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=True, text=True)
                found.setdefault(package, []).append(json.loads(run.stdout))
    now, then = (
        {key: [min(x) for x in zip(*(run[key] for run in runs), strict=True)] for key in runs[0]}
        for runs in found.values()
    )
    return {key: (now[key], then[key]) for key in now}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--edges", type=int, nargs="*", default=[10, 1000])
    parser.add_argument("--freeze", type=Path, default=None)
    parser.add_argument("--times", action="store_true", help="times of the package on the path, as JSON")
    args = parser.parse_args()
    if args.times:
        print(json.dumps(times(args.edges)))
        return
    if args.freeze is not None:
        np.savez_compressed(args.freeze, **every_value())  # type: ignore[arg-type]
        return
    found = differences()
    worst = max(found, key=lambda key: found[key])
    print(
        f"{len(found)} quantities against {BEFORE}: largest difference {found[worst]:.1e} of the largest value ({worst}).\n"
    )
    print(f"Times in us; ratios are those of today to numpy by hand and to the classes of {BEFORE}.\n")
    columns = "time | by hand | before | / by hand | / before"
    print(f"| law, edges | conduction: {columns} | rate: {columns} |")
    print("|" + "---|" * 11)
    for key, (now, then) in compared(args.edges).items():
        cells = []
        for k in (0, 2):
            ours, hand, before = now[k], min(now[k + 1], then[k + 1]), then[k]
            cells += [f"{1e6 * x:.2f}" for x in (ours, hand, before)]
            cells += [f"{ours / hand:.2f}", f"{ours / before:.2f}"]
        print(f"| {key} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
