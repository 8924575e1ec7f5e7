"""Devices with a resistance that is affine in the state, from what the equations of an edge give at samples.

    r0 = |R(0)|, r1 = |R(1)|,   ds/dt = a s + W(s, g q),   q = r0 i  or  v

Each is a guess with its numbers; whether it is the deck's law is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.characteristic import Characteristic, EdgeLaw, Formula
from spicebridge.circuit.recognise.equations import EdgeEquations, NotLocal
from spicebridge.errors import DeviceError
from spicebridge.expressions.tree import Call, walk
from spicebridge.laws import LinearMemristor
from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Prodromakis, Tanh, Window, Zha

AGREEMENT = 1e-11
"""Relative difference up to which two evaluations of one law are one law: rounding, after cancellation."""
SAMPLES = 48
"""Samples of state and drop from which numbers are taken."""
LARGEST_ORDER = 32
"""Largest p of a Joglekar or Biolek window that is looked for."""
EXPONENTS = (0.01, 50.0)
"""Range of the real exponent of a Prodromakis or Zha window that is looked for."""


def close(x: Array, y: Array, scale: float | None = None) -> bool:
    """Whether two evaluations agree to `AGREEMENT` of `scale`, or of their own largest size."""
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return False
    size = float(np.abs(np.stack([x, y])).max(initial=0.0)) if scale is None else scale
    return bool((np.abs(x - y) <= AGREEMENT * size).all())


def tidy(x: float) -> float:
    """The number of at most 14 digits within a few roundings of x, if there is one."""
    short = float(f"{x:.14g}")
    return short if abs(short - x) <= 1e-15 * abs(x) else x


class AffineFit:
    """Guesses for one edge; `drop` is the largest drop in V at the samples."""

    def __init__(self, law: Characteristic, drop: float, equations: EdgeEquations) -> None:
        self.law = law
        self.drop = drop
        self.equations = equations
        random = np.random.default_rng(0)
        self.s = random.uniform(0.02, 0.98, SAMPLES)
        self.v = drop * random.uniform(-1.0, 1.0, SAMPLES)
        with np.errstate(all="ignore"):
            self.i = law.i(self.s, self.v)
            self.rate = law.ds_dt(self.s, self.v)
        self.tanh_rate: Array | None = None

    def candidates(self, clamped: bool) -> Iterator[EdgeLaw]:
        """The plainest first."""
        R0, R1 = self.law.R(np.array([0.0, 1.0])).tolist()
        affine = R0 + (R1 - R0) * self.s
        if not (math.isfinite(R0) and math.isfinite(R1)) or R0 * R1 <= 0.0 or R0 == R1:
            return
        if not close(self.law.R(self.s), affine):
            return
        r0, r1, P = abs(R0), abs(R1), math.copysign(1.0, R0)
        law, a = ("caravelli2017" if r1 > r0 else "tunneling"), self._decay()
        base = -1.0 if r1 > r0 else 1.0
        for window in [Hard()] if clamped else [NoWindow(), *self.windows()]:
            for control, q in (("current", r0 * self.i), ("voltage", self.v)):
                for J in (1.0, -1.0):
                    found = self._numbers(window, clamped, q, base * J, a)
                    if found is None or not (math.isfinite(found[1]) and found[1] > 0.0):
                        continue
                    alpha = 0.0 + (found[0] if law == "caravelli2017" else -found[0])
                    try:
                        made = getattr(LinearMemristor, law)(
                            min(r0, r1), max(r0, r1), alpha, tidy(1.0 / found[1]), control=control, window=window
                        )
                    except DeviceError:
                        continue
                    yield EdgeLaw(made, P, J)

    def near(self, made: EdgeLaw, clamped: bool) -> bool:
        """Whether a device has the rate of the samples, roughly: a check of all comes after."""
        P, J = np.full(SAMPLES, made.P), np.full(SAMPLES, made.J)
        rate_of = made.device.bulk_rate if clamped else made.device.rate
        with np.errstate(all="ignore"):
            rate = rate_of(self.s, self.v, self.i, P, J)
        return bool((np.abs(rate - self.rate) <= 1e-6 * np.abs(self.rate).max(initial=0.0)).all())

    def _numbers(self, window: Window, clamped: bool, q: Array, sign: float, a: float) -> tuple[float, float] | None:
        """(a, g) with which a window gives the rate at the samples."""
        if isinstance(window, Tanh):
            assert self.tanh_rate is not None
            size = np.abs(q).max()
            columns = np.stack([self.s, q / size], axis=1)
            solution = np.linalg.lstsq(columns, self.tanh_rate, rcond=None)[0]
            return float(solution[0]), float(solution[1] / size) * sign
        bulk: Window = NoWindow() if clamped else window
        g = _gain(bulk, self.s, sign * q, self.rate - a * self.s)
        if g is None or not close(bulk.rate(self.s, a * self.s, sign * g * q), self.rate):
            return None
        return a, g

    def _decay(self) -> float:
        """a of ds/dt = a s: what linear elements give at the state node, else the rate at s = 1/2 without current."""
        body, state = self.equations.body, self.equations.state
        assert state is not None
        a = 0.0
        for element in body.touching[state]:
            sign = 1.0 if element.minus == state else -1.0
            if isinstance(element, ir.ResistorElement) and isinstance(element.value, float):
                a -= 1.0 / element.value
            elif isinstance(element, ir.VoltageControlledCurrent):
                control = element.control_plus, element.control_minus
                own = float(control[0] == state) - float(control[1] == state)
                a += sign * own * float(element.gain)  # type: ignore[arg-type]
        a /= body.capacitance[state]
        rate = self.law.ds_dt(self.s, np.zeros(SAMPLES))
        return (
            a if close(rate, a * self.s, max(1.0, abs(a))) else float(np.mean(rate * self.s) / np.mean(self.s * self.s))
        )

    def windows(self) -> Iterator[Window]:
        """Windows that may be in the rate, with their numbers."""
        yield from self._tanh()
        yield from (kind(p) for p in range(1, LARGEST_ORDER + 1) for kind in (Joglekar, Biolek))
        for kind in (Prodromakis, Zha):
            yield from (kind(p) for p in self._exponents(kind))

    def _tanh(self) -> Iterator[Tanh]:
        """Tanh windows whose p and scale stand in the arguments of the tanh at the state node."""
        body, state = self.equations.body, self.equations.state
        assert state is not None
        calls = [
            e.arguments[0]
            for element in body.touching[state]
            if isinstance(element, ir.BehaviouralCurrent)
            for e in walk(element.expression)
            if isinstance(e, Call) and e.function == "tanh"
        ]
        formulas = []
        for call in dict.fromkeys(calls):
            try:
                formulas.append(Formula(self.equations.at(call), self.equations.symbol.name))
            except NotLocal:
                continue
        x = self.v if self.equations.conducts else self.i
        walls, none = np.array([0.0, 1.0]), np.zeros(2)
        orders = [formula(walls, none) for formula in formulas]
        for p in sorted({float(value[1]) for value in orders if value[0] == 0.0 and value[1] > 0.0}):
            for formula in formulas:
                u = formula(self.s, x)
                bracket = _step(-u) * _step(p * self.s) + _step(u) * _step(p * (1.0 - self.s))
                with np.errstate(all="ignore"):
                    f = self.rate / bracket
                    scale = p * f / u
                middle = float(np.median(scale))
                if math.isfinite(middle) and middle > 0.0 and close(f * p, middle * u):
                    self.tanh_rate = middle / p * u
                    yield Tanh(p, middle)

    def _exponents(self, kind: Callable[[float], Window]) -> Iterator[float]:
        """Candidates for a window's real exponent, from the ratio of the drift at two states; round ones first."""
        from scipy.optimize import brentq

        s = np.array([0.5, 0.9])
        rates = self.law.ds_dt(s, np.full(2, self.drop)) - self.law.ds_dt(s, np.zeros(2))
        currents = self.law.i(s, np.full(2, self.drop))
        for moved in (rates, rates * currents[::-1]):
            if (moved == 0.0).any() or not np.isfinite(moved).all():
                continue
            wanted = math.log(abs(moved[0] / moved[1]))
            for sign in (1.0, -1.0):

                def mismatch(log_p: float, sign: float = sign, wanted: float = wanted) -> float:
                    w = kind(math.exp(log_p)).rate(s, np.zeros(2), np.full(2, sign))
                    return float(math.log(abs(w[0] / w[1])) - wanted)

                low_p, high_p = (math.log(p) for p in EXPONENTS)
                if mismatch(low_p) * mismatch(high_p) > 0.0:
                    continue
                p = math.exp(brentq(mismatch, low_p, high_p, xtol=1e-15, rtol=1e-15))
                yield from dict.fromkeys((round(p, 6), p))


def _gain(window: Window, s: Array, q: Array, drift: Array) -> float | None:
    """g > 0 with window(s, g q) = drift, read at the sample where it is largest."""
    shape = window.rate(s, np.zeros_like(s), q)
    k = int(np.argmax(np.abs(shape)))
    if shape[k] == 0.0:
        return None
    return float(drift[k] / shape[k])


def _step(x: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(x)))
