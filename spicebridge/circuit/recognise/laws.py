"""The law of one edge from its samples: device, signs and window, checked to rounding.

Two ways, tried in order:

named   the subcircuit of ``models/`` that the deck calls gives the device and its numbers
fitted  R(s) affine:  r0 = |R(0)|, r1 = |R(1)|;  ds/dt = a s + W(s, g q),  q = r0 i or v

and in both the law is accepted only if it reproduces R and ds/dt at every sample. From R and ds/dt alone
the description is not unique; of equal ones this is taken: R that grows with s is caravelli2017, R that
falls is tunneling; control "current" before "voltage"; the weakest window that fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.named import NamedLaw
from spicebridge.circuit.recognise.probe import NotLocal, Probe
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.source_clusters import low
from spicebridge.circuit.recognise.structure import Anatomy
from spicebridge.errors import DeviceError
from spicebridge.expressions.tree import Call, walk
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Prodromakis, Tanh, Window, Zha

AGREEMENT = 1e-11
"""Relative difference up to which two evaluations of one law are one law: rounding, after cancellation."""
SAMPLES = 48
"""Samples of state, current and time at which a law is checked."""
DROP = 1.0
"""Largest drop in V over an edge in the samples."""
LARGEST_ORDER = 32
"""Largest p of a Joglekar or Biolek window that is looked for."""
EXPONENTS = (0.01, 50.0)
"""Range of the real exponent of a Prodromakis or Zha window that is looked for."""
DECADES = (-3, -2, -1, 0, 1, 2)
"""Powers of ten of the drop at which a named law, which may have thresholds, is checked."""
CLAMP_RATIO = 1e9
"""Least ratio of a clamp's open to its closed resistance; below, a clamp is a leak and no bound."""


@dataclass(frozen=True)
class EdgeLaw:
    """A device with the signs P and J."""

    device: Any
    P: float
    J: float


def close(x: Array, y: Array, scale: float | None = None) -> bool:
    """Whether two evaluations agree to `AGREEMENT` of `scale`, or of their own largest size."""
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return False
    size = float(np.abs(np.stack([x, y])).max(initial=0.0)) if scale is None else scale
    return bool((np.abs(x - y) <= AGREEMENT * size).all())


def samples(stop: float, low_end: float = 0.02, high_end: float = 0.98) -> tuple[Array, Array, Array]:
    """States, numbers in [-1, 1] and times, always the same."""
    random = np.random.default_rng(0)
    s = random.uniform(low_end, high_end, SAMPLES)
    x = random.uniform(-1.0, 1.0, SAMPLES)
    return s, x, random.uniform(0.0, stop, SAMPLES)


class EdgeReader:
    """Reads one edge; `named` is the law that its subcircuit's name promises."""

    def __init__(self, body: Anatomy, number: int, state: str | None, stop: float, named: NamedLaw | None) -> None:
        self.body = body
        self.number = number
        self.branch = body.branches[number]
        self.state = state
        self.stop = stop
        self.named = named

    def refuse(self, reason: str) -> Refusal:
        return Refusal(self.branch.name, reason)

    def probe(self, s: Array, x: Array, t: Array) -> Probe:
        """A solved probe at currents or drops x."""
        try:
            return Probe(self.body, self.number, self.state, s, x, t).solve()
        except NotLocal as error:
            raise self.refuse(f"has a law that depends on {error}; an edge's law may know its own alone") from None

    def resistance(self, s: Array) -> Array:
        """v/i at states s with a current of 1 A or a drop of 1 V."""
        probe = self.probe(s, np.ones_like(s), np.zeros_like(s))
        with np.errstate(all="ignore"):
            return np.asarray(probe.v / probe.i)

    def read(self) -> EdgeLaw:
        """The law; raises `Refusal`."""
        if self.state is None:
            return self._memoryless()
        clamped = self._clamps()
        if self.named is not None:
            law = self._named(self.named, clamped)
            if law is not None:
                return law
        return self._fitted(clamped)

    def _memoryless(self) -> EdgeLaw:
        s, x, t = samples(self.stop)
        R = float(self.resistance(np.zeros(1))[0])
        if not math.isfinite(R) or R == 0.0:
            raise self.refuse("has no resistance that is finite and not zero")
        probe = self.probe(s, x, t)
        if not close(probe.v, R * probe.i):
            raise self.refuse("is neither a constant resistance nor one of a state; edges without memory are linear")
        return EdgeLaw(Resistor(np.abs(np.float64(R))), math.copysign(1.0, R), 1.0)

    def _clamps(self) -> bool:
        """Whether switches hold the state in [0, 1]; raises `Refusal` for other switches."""
        assert self.state is not None
        ends: set[float] = set()
        for switch in self.body.clamps[self.state]:
            ends.add(self._wall(switch))
        if len(ends) == 1:
            raise Refusal(self.body.clamps[self.state][0].name, "bounds the state on one side; bound both, or none")
        return len(ends) == 2

    def _wall(self, switch: ir.Switch) -> float:
        found = [m for m in self.body.deck.models if m.name.lower() == switch.model.lower()]
        numbers = {key.lower(): value for key, value in found[0].parameters} if found else {}
        vt, ron, roff = (float(numbers.get(key, d)) for key, d in (("vt", 0.0), ("ron", 1.0), ("roff", 1e12)))  # type: ignore[arg-type]
        s = np.array([0.0, 1.0])
        probe = self.probe(s, np.zeros(2), np.zeros(2))
        try:
            control = probe.difference(switch.control_plus, switch.control_minus) - vt
            plus, minus = low(switch.plus), low(switch.minus)
            level = probe.potential(minus if plus == self.state else plus)
        except NotLocal as error:
            raise Refusal(switch.name, f"bounds a state by {error}; bounds are constant levels") from None
        slope = control[1] - control[0]
        for wall, sign in ((0.0, -1.0), (1.0, 1.0)):
            at_wall = control[int(wall)] == 0.0 and (level == wall).all() and slope == sign
            if at_wall and roff >= CLAMP_RATIO * ron:
                return wall
        raise Refusal(
            switch.name,
            "is no clamp of a state at 0 or 1: it has to close exactly where the state passes its wall, to a level "
            f"that is the wall, with roff at least {CLAMP_RATIO:g} ron",
        )

    def _named(self, named: NamedLaw, clamped: bool) -> EdgeLaw | None:
        """The law that the name promises with the window that fits, if the elements keep the promise."""
        device, P, J = named.device, named.P, named.J
        windows = [Hard()] if clamped else [NoWindow(), *self._windows()]
        s, x, t = samples(self.stop)
        sets = []
        with np.errstate(all="ignore"):
            R = device.resistance(s) if device.ohmic else np.ones_like(s)
            for decade in DECADES:
                drop = x * 10.0**decade
                probe = self.probe(s, drop if self.probe_is_drop() else drop / (P * R), t)
                i = probe.v / (P * R) if device.ohmic else J * device.current(J * probe.v, s)
                if not close(probe.i, i):
                    return None
                sets.append((probe, probe.rate()))
            for window in windows:
                try:
                    made = replace(device, window=window)
                except DeviceError:
                    continue
                if self._reproduces(made, P, J, sets, clamped):
                    return EdgeLaw(made, P, J)
        return None

    def probe_is_drop(self) -> bool:
        """Whether samples of this edge are drops in V, not currents in A."""
        return Probe(self.body, self.number, self.state, *(np.zeros(1),) * 3).conducts

    def _reproduces(self, device: Any, P: float, J: float, sets: list[tuple[Probe, Array]], clamped: bool) -> bool:
        signs = np.full(SAMPLES, P), np.full(SAMPLES, J)
        for probe, rate in sets:
            rate_of = device.bulk_rate if clamped else device.rate
            if not close(rate_of(probe.s, probe.v, probe.i, *signs), rate):
                return False
        return True

    def _fitted(self, clamped: bool) -> EdgeLaw:
        R0, R1 = self.resistance(np.array([0.0, 1.0])).tolist()
        s, x, t = samples(self.stop)
        R = self.resistance(s)
        affine = R0 + (R1 - R0) * s
        if not (math.isfinite(R0) and math.isfinite(R1)) or not close(R, affine):
            raise self.refuse(
                "has a resistance that is not linear in its state; other laws are read from calls of models/ only"
            )
        if R0 * R1 <= 0.0 or R0 == R1:
            raise self.refuse(
                f"has the resistances {R0:g} ohm at state 0 and {R1:g} ohm at state 1; they must differ, with one sign"
            )
        P = math.copysign(1.0, R0)
        span = DROP / max(abs(R0), abs(R1))
        x = x * (DROP if self.probe_is_drop() else span)
        probe = self.probe(s, x, t)
        if not close(probe.v, R * probe.i):
            raise self.refuse("has a current that is not proportional to its voltage")
        rate = probe.rate()
        decay = self._decay()
        for law in self._candidates(abs(R0), abs(R1), P, decay, probe, rate, clamped):
            if self._reproduces(law.device, P, law.J, [(probe, rate)], clamped):
                return law
        if close(rate, decay * s):
            raise self.refuse("has a state that neither its current nor its voltage moves; make it a resistor")
        raise self.refuse(
            "has a state whose rate is no known law: a s + g q, q = current or voltage, with a window of "
            "windows.py (none, switches at 0 and 1, tanh, Joglekar, Biolek, Prodromakis, Zha)"
        )

    def _decay(self) -> float:
        """a of ds/dt = a s: what linear elements give at the state node, else the rate at s = 1/2 without current."""
        assert self.state is not None
        a = 0.0
        for element in self.body.touching[self.state]:
            sign = 1.0 if low(element.minus) == self.state else -1.0  # type: ignore[union-attr]
            if isinstance(element, ir.Resistor) and isinstance(element.value, float):
                a -= 1.0 / element.value
            elif isinstance(element, ir.VoltageControlledCurrent):
                control = low(element.control_plus), low(element.control_minus)
                own = float(control[0] == self.state) - float(control[1] == self.state)
                a += sign * own * float(element.gain)  # type: ignore[arg-type]
        a /= self.body.capacitance[self.state]
        s, _, t = samples(self.stop)
        probe = self.probe(s, np.zeros(SAMPLES), t)
        rate = probe.rate()
        return a if close(rate, a * s, max(1.0, abs(a))) else float(np.mean(rate * s) / np.mean(s * s))

    def _candidates(
        self, r0: float, r1: float, P: float, a: float, probe: Probe, rate: Array, clamped: bool
    ) -> Iterator[EdgeLaw]:
        law, decay = ("caravelli2017", a) if r1 > r0 else ("tunneling", -a)
        base = -1.0 if r1 > r0 else 1.0
        windows: list[Window] = [Hard()] if clamped else [NoWindow(), *self._windows()]
        for window in windows:
            for control, q in (("current", r0 * probe.i), ("voltage", probe.v)):
                for J in (1.0, -1.0):
                    alpha, gain = decay, None
                    if isinstance(window, Tanh):
                        fit = self._tanh_parts(window, probe, rate, q)
                        if fit is not None:
                            alpha, gain = (fit[0] if law == "caravelli2017" else -fit[0]), fit[1] * base * J
                    else:
                        bulk: Window = NoWindow() if clamped else window
                        gain = _gain(bulk, probe.s, base * J * q, rate - a * probe.s)
                        if gain is None or not close(bulk.rate(probe.s, a * probe.s, base * J * gain * q), rate):
                            continue
                    if gain is None or not (math.isfinite(gain) and gain > 0.0):
                        continue
                    try:
                        made_by = getattr(LinearMemristor, law)
                        made: LinearMemristor = made_by(
                            min(r0, r1), max(r0, r1), alpha, 1.0 / gain, control=control, window=window
                        )
                    except DeviceError:
                        continue
                    yield EdgeLaw(made, P, J)

    def _tanh_parts(self, window: Tanh, probe: Probe, rate: Array, q: Array) -> tuple[float, float] | None:
        """(a, g) of f = a s + g q from the rate of a tanh window whose p and scale are known."""
        f = self._tanh_rate
        assert f is not None
        columns = np.stack([probe.s, q / np.abs(q).max()], axis=1)
        solution = np.linalg.lstsq(columns, f, rcond=None)[0]
        return float(solution[0]), float(solution[1] / np.abs(q).max())

    _tanh_rate: Array | None = None

    def _windows(self) -> Iterator[Window]:
        yield from self._tanh()
        yield from (kind(p) for p in range(1, LARGEST_ORDER + 1) for kind in (Joglekar, Biolek))
        for kind in (Prodromakis, Zha):
            yield from (kind(p) for p in self._exponents(kind))

    def _tanh(self) -> Iterator[Tanh]:
        """Tanh windows whose p and scale stand in the arguments of the tanh at the state node."""
        assert self.state is not None
        calls = [
            e.arguments[0]
            for element in self.body.touching[self.state]
            if isinstance(element, ir.BehaviouralCurrent)
            for e in walk(element.expression)
            if isinstance(e, Call) and e.function == "tanh"
        ]
        if not calls:
            return
        s, x, t = samples(self.stop)
        x = x * self._unit()
        probe, still = self.probe(s, x, t), self.probe(np.array([0.0, 1.0]), np.zeros(2), np.zeros(2))
        rate = probe.rate()
        orders = [still.value(e) for e in dict.fromkeys(calls)]
        slopes = {float(value[1]) for value in orders if value[0] == 0.0 and value[1] > 0.0}
        for p in sorted(slopes):
            for argument in dict.fromkeys(calls):
                u = probe.value(argument)
                bracket = _step(-u) * _step(p * s) + _step(u) * _step(p * (1.0 - s))
                with np.errstate(all="ignore"):
                    f = rate / bracket
                    scale = p * f / u
                middle = float(np.median(scale))
                if math.isfinite(middle) and middle > 0.0 and close(f * p, middle * u):
                    self._tanh_rate = middle / p * u
                    yield Tanh(p, middle)

    def _unit(self) -> float:
        """A size of samples that is a drop of about 1 V."""
        if self.probe_is_drop():
            return DROP
        R = np.abs(self.resistance(np.array([0.0, 1.0])))
        return float(DROP / R.max()) if np.isfinite(R).all() and R.max() > 0.0 else 1.0

    def _exponents(self, kind: Callable[[float], Any]) -> Iterator[float]:
        """Candidates for a window's real exponent, from the ratio of the drift at two states; round ones first."""
        from scipy.optimize import brentq

        s = np.array([0.5, 0.9])
        x = self._unit() * np.ones(2)
        rates = self.probe(s, x, np.zeros(2)).rate() - self.probe(s, 0.0 * x, np.zeros(2)).rate()
        if (rates == 0.0).any() or not np.isfinite(rates).all():
            return
        wanted = math.log(abs(rates[0] / rates[1]))
        for sign in (1.0, -1.0):

            def mismatch(log_p: float, sign: float = sign) -> float:
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
