"""Specimens with currents: networks whose answer is algebra, a closed form, or a sum.

frozen         states that stand still (beta = `STILL`): i = C S, with C from Kirchhoff's equations solved here
flux           one memristor per loop, alpha = 0: w + xi w^2/2 = w0 + xi w0^2/2 - polarity Phi/beta, Phi = int S dt
decay          a tree carries no current: w = w0 exp(alpha t)
superposition  three copies of a frozen network, driven by A, by B and by A + B: the currents add
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.drives import DC, PWL, Sine
from spicebridge.drives.waves import Drive
from spicebridge.fuzz.specimen import OURS, NoAnswer, Outcome, Run, Specimen, compare
from spicebridge.laws import LinearMemristor
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

STILL = 1e12
"""V s: the state of a frozen network moves by less than 1e-9 of its range."""
STEPS = 100
ALGEBRA = 1e-7
"""Relative error of what involves no integration."""
KINDS = ("frozen", "flux", "decay", "superposition")

Wave = tuple[str, float, float, float]
"""("dc", level, 0, 0), ("sine", offset, amplitude, frequency) or ("ramp", start, end, time of the corner)."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Tail, head, r_on and r_off in ohm, polarity, initial state, source."""

    tail: int
    head: int
    r_on: float
    r_off: float
    polarity: int
    state: float
    wave: Wave

    def joined(self, a: int, b: int) -> Edge:
        """The edge after nodes a and b have become one."""
        return replace(self, tail=a if self.tail == b else self.tail, head=a if self.head == b else self.head)


@dataclass(frozen=True, kw_only=True)
class FuzzedCircuit:
    """A network of affine memristors with one of the exact answers of the module."""

    what: str
    dialect: str
    form: str
    edges: tuple[Edge, ...]
    alpha: float
    beta: float
    stop: float

    @property
    def kind(self) -> str:
        return self.what

    spelling = OURS

    def network(self) -> Network:
        """The edges as a network; for a superposition three times, the last with both sources."""
        every = [e.wave for e in self.edges]
        runs = [every]
        if self.what == "superposition":
            half, silent = len(every) // 2, ("dc", 0.0, 0.0, 0.0)
            runs = [every[:half] + [silent] * (len(every) - half), [silent] * half + every[half:], every]
        shift = 1 + max(max(e.tail, e.head) for e in self.edges)
        copies = [
            (k * shift, e, wave) for k, waves in enumerate(runs) for e, wave in zip(self.edges, waves, strict=True)
        ]
        return Network.from_edges(
            [(e.tail + up, e.head + up) for up, e, _ in copies],
            device=[
                LinearMemristor.caravelli2017(r_on=e.r_on, r_off=e.r_off, alpha=self.alpha, beta=self.beta)
                for _, e, _ in copies
            ],
            drive=[drive(wave) for *_, wave in copies],
            initial_state=[e.state for _, e, _ in copies],
            polarity=[e.polarity for _, e, _ in copies],
        )

    def check(self, run: Run) -> Outcome:
        first = self._waves(run, self.stop / STEPS)
        if isinstance(first, NoAnswer):
            return first
        if self.what in ("frozen", "superposition"):
            return compare(self._answer(first), first.t, ALGEBRA, 1e-9 * self._size())
        # The error of integration falls with the square of the step; what does not is no error of integration.
        second = self._waves(run, self.stop / (2 * STEPS))
        if isinstance(second, NoAnswer):
            return second
        allowed = max(float(np.abs(found - right).max()) for found, right in self._answer(first).values())
        return compare(self._answer(second), second.t, 0.0, 0.4 * min(allowed, 1e-2) + 1e-8)

    def _waves(self, run: Run, step: float) -> Waveforms | NoAnswer:
        lowered = lower(self.network(), self.stop, step, form=self.form)
        record = run(lowered.format(get_dialect(self.dialect)), lowered.signals.vectors(), self.stop)
        if isinstance(record, NoAnswer):
            return record
        return lowered.signals.waveforms(np.minimum(record.time, self.stop), record.data, "fuzz", record)

    def _size(self) -> float:
        return max(1.0 / e.r_on for e in self.edges)

    def _answer(self, found: Waveforms) -> dict[str, tuple[Array, Array]]:
        t, n = found.t, len(self.edges)
        start = np.array([e.state for e in self.edges])
        if self.what == "superposition":
            i = found.current
            return {f"i of edge {k}": (i[:, 2 * n + k], i[:, k] + i[:, n + k]) for k in range(n)}
        if self.what == "frozen":
            right = np.stack([value(e.wave, t) for e in self.edges], axis=1) @ response(self.edges).T
            signals = {f"i of edge {k}": (found.current[:, k], right[:, k]) for k in range(n)}
            return signals | {f"w of edge {k}": (found.state[:, k], np.full(t.size, start[k])) for k in range(n)}
        if self.what == "decay":
            return {f"w of edge {k}": (found.state[:, k], start[k] * np.exp(self.alpha * t)) for k in range(n)}
        return {f"w of edge {k}": (found.state[:, k], _from_flux(e, self.beta, t)) for k, e in enumerate(self.edges)}

    def deck(self, remark: str) -> str:
        text = lower(self.network(), self.stop, self.stop / STEPS, form=self.form).format(get_dialect(self.dialect))
        mark = "//" if self.dialect == "vacask" else "*"
        kept = [x.partition(f" {mark if mark == '//' else ';'} ")[0] for x in text.splitlines()[1:]]
        # Every signal is kept without being asked for, and what joins a node to itself does nothing.
        idle = re.compile(r"(?:\.?save |G\S+ (?:0 \S+ 0 0|0 0 \S+ 0) )")
        return (
            "\n".join([f"{mark} {remark}", *(x for x in kept if not x.startswith(mark) and not idle.match(x))]) + "\n"
        )

    def smaller(self) -> Iterator[Specimen]:
        n = len(self.edges)
        if n > 1 and self.what != "superposition":
            for k, gone in enumerate(self.edges):
                rest = tuple(e for j, e in enumerate(self.edges) if j != k)
                yield replace(self, edges=rest)
                if self.what == "frozen" and gone.tail != gone.head:
                    yield replace(self, edges=tuple(e.joined(gone.tail, gone.head) for e in rest))
        if n > 2 and self.what == "superposition":
            yield replace(self, edges=self.edges[: n // 2] if n > 3 else self.edges[:2])
        for k, e in enumerate(self.edges):
            for other in (
                replace(e, wave=("dc", 1.0, 0.0, 0.0)),
                replace(e, polarity=1),
                replace(e, r_on=1.0, r_off=2.0),
            ):
                if other != e and self.what in ("frozen", "superposition"):
                    yield replace(self, edges=(*self.edges[:k], other, *self.edges[k + 1 :]))

    def repairs(self) -> Mapping[str, Specimen]:
        return {}

    def shape(self) -> str:
        return f"{self.what} {self.form} {len(self.edges)} {sorted({e.wave[0] for e in self.edges})}"


def random_circuit(rng: np.random.Generator, dialect: str, forms: tuple[str, ...]) -> FuzzedCircuit:
    """A circuit of a random kind."""
    what = str(rng.choice(KINDS))
    form = str(rng.choice(forms))
    stop = float(rng.choice((1.0, 2.0, 1e-3)))
    if what == "flux":
        edges = tuple(_edge(rng, k, k, stop, 0.02) for k in range(int(rng.integers(1, 4))))
        return FuzzedCircuit(what=what, dialect=dialect, form=form, edges=edges, alpha=0.0, beta=1.0 * stop, stop=stop)
    n = int(rng.integers(2, 6))
    tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
    if what == "decay":
        edges = tuple(_edge(rng, a, b, stop, 1.0) for a, b in tree)
        return FuzzedCircuit(
            what=what,
            dialect=dialect,
            form=form,
            edges=edges,
            alpha=float(rng.uniform(-0.4, 0.3)) / stop,
            beta=stop,
            stop=stop,
        )
    more = [tuple(int(x) for x in rng.integers(0, n, size=2)) for _ in range(int(rng.integers(1, 5)))]
    pairs = [(a, b) if rng.random() < 0.5 else (b, a) for a, b in [*tree, *more]]
    edges = tuple(_edge(rng, a, b, stop, 1.0) for a, b in pairs)
    return FuzzedCircuit(what=what, dialect=dialect, form=form, edges=edges, alpha=0.0, beta=STILL * stop, stop=stop)


def _edge(rng: np.random.Generator, a: int, b: int, stop: float, size: float) -> Edge:
    r_on = float(rng.choice((1.0, 50.0, 100.0, 333.0)))
    r_off = r_on * float(rng.choice((2.0, 9.0, 16.0)))
    pick = int(rng.integers(0, 3))
    level, other = (float(v) for v in rng.uniform(-size, size, size=2))
    waves: tuple[Wave, ...] = (
        ("dc", level, 0.0, 0.0),
        ("sine", level, other, float(rng.choice((1.0, 2.0, 3.0))) / stop),
        ("ramp", level, other, stop * float(rng.choice((0.25, 0.5, 0.75)))),
    )
    return Edge(
        tail=a,
        head=b,
        r_on=r_on,
        r_off=r_off,
        polarity=int(rng.choice((-1, 1))),
        state=float(rng.uniform(0.3, 0.7)),
        wave=waves[pick],
    )


def drive(wave: Wave) -> Drive:
    """The source as a drive."""
    kind, p, q, r = wave
    if kind == "dc":
        return DC(p)
    return Sine(amplitude=q, frequency=r, offset=p) if kind == "sine" else PWL((0.0, r), (p, q))


def value(wave: Wave, t: Array) -> Array:
    """The source at times t (n_t,), in V."""
    kind, p, q, r = wave
    if kind == "dc":
        return np.full(t.shape, p)
    return p + q * np.sin(2 * np.pi * r * t) if kind == "sine" else p + (q - p) * np.minimum(t / r, 1.0)


def flux(wave: Wave, t: Array) -> Array:
    """Its integral from 0, in V s."""
    kind, p, q, r = wave
    if kind == "dc":
        return p * t
    if kind == "sine":
        return p * t + q * (1.0 - np.cos(2 * np.pi * r * t)) / (2 * np.pi * r)
    inside = np.minimum(t, r)
    return p * t + (q - p) * (inside * inside / (2 * r) + np.maximum(t - r, 0.0))


def response(edges: tuple[Edge, ...]) -> Array:
    """C (n_e, n_e) in S: i = C S, from A i = 0 and i = G (S - A^T p), A the incidence matrix."""
    n = 1 + max(max(e.tail, e.head) for e in edges)
    A = np.zeros((n, len(edges)))
    for k, e in enumerate(edges):
        A[e.tail, k] += 1.0
        A[e.head, k] -= 1.0
    G = np.diag([1.0 / (e.r_on + (e.r_off - e.r_on) * e.state) for e in edges])
    result: Array = G - G @ A.T @ np.linalg.pinv(A @ G @ A.T) @ A @ G
    return result


def _from_flux(e: Edge, beta: float, t: Array) -> Array:
    xi = e.r_off / e.r_on - 1.0
    right = e.state + xi * e.state**2 / 2.0 - e.polarity * flux(e.wave, t) / beta
    result: Array = (np.sqrt(1.0 + 2.0 * xi * right) - 1.0) / xi
    return result
