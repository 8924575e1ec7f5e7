"""Bounds of the state in a circuit: what each window adds at the state node.

The state node integrates currents in 1 F, so a rate in 1/s is a current in A. Formulas as in
``windows``; here they are circuit elements: two switches to the levels 0 and 1 for hard bounds, one
behavioural source for the others. The switches' resistances go with the rates they have to hold.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.lower.deck_nodes import Wiring
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Expression, NodeVoltage, Number, Power, call, choose
from spicebridge.laws import Group, LawDevice
from spicebridge.laws.base import Device
from spicebridge.network import Network
from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Prodromakis, Tanh, Window, Zha

CLAMP_ON = 3e-11
"""ohm at a rate of 1/s: the switch that holds a state. The overshoot is this times the rate, below 1e-10 for
the rates of the decade for which it is made. A closed switch opens when the rate points inward by
`HYSTERESIS` / `CLAMP_ON`, 3e-5 of these."""
CLAMP_OFF = 1e14
"""ohm at a rate of 1/s: the open switch; it leaks 1e-14/s of the distance to the wall."""
HYSTERESIS = 1e-15
"""V, a few roundings of a state near 1. Without it a switch whose overshoot is of the order of the rounding
cannot tell held from free, and the simulator toggles it without end (measured: 19 of 40 runs with overshoots
of 3e-17 to 3e-15)."""
BAND = 1e-14
"""V: the same where the rate decides as well. A step of h that lands on the wrong wall, d away, is no solution only
if what the capacitor then asks of the switch, `CLAMP_ON` d/h over the rates it is made for, is above this. (With 1e-10
TEAM jumped from one wall to the other where its rate rests at zero: 15 of 40 runs.)"""
RATE_GAIN = 1e3
"""How far an inward rate moves the control of its switch, in V for the rates it is made for: the switch opens at
`BAND` / `RATE_GAIN` = 1e-17 of them. (With 1e6 the rounding of a rate that rests at zero moved the control by more
than reltol, and ngspice found no step: a network of threshold devices, 2 of 8 runs.)"""
PEAK_SAMPLES = 200
"""Samples over the span, beside the breakpoints, in which the largest source is looked for."""

UPPER_NODE = "one"


BIAS = 1
"""Decades that a clamp is made below the estimated rates of its edge. An estimate that is too high lets a state go
late by 3e-5 of it; one that is too low costs 3e-11 of overshoot for each time that the rate is larger."""
NODE_BOUNDS = 4
"""Passes in which the currents that edges can carry bound those of their neighbours: chains of as many edges."""


def rate_decades(wiring: Wiring, stop: float) -> dict[int, int]:
    """Edge -> power of ten of the rates (1/s) for which its clamps are made, for the edges with hard bounds.

    The law's own bulk rate at both bounds, under the largest source of its connected part and with no more
    current than the other edges of its nodes let through: an upper estimate, which sets the resistances of the
    clamps and nothing else.
    """
    network = wiring.network
    if not any(group.device.stateful and group.device.window.hard for group in network.groups):
        return {}
    times = np.linspace(0.0, stop, PEAK_SAMPLES)
    corners = [t for drive in set(network.waveforms_of_sources) for t in drive.breakpoints(stop)]
    times = np.unique([*times, *corners])
    drop, pushed = (_largest_of_part(wiring.part, values) for values in _sources(network, times))
    through = _largest_currents(network, drop)
    decades: dict[int, int] = {}
    for group in network.groups:
        device, edges = group.device, group.edges
        if not (device.stateful and device.window.hard):
            continue
        P, J = network.P[edges], network.J[edges]
        rate = np.zeros(edges.size)
        for level in (0.0, 1.0):
            s = np.full(edges.size, level)
            v = drop[edges]
            if device.ohmic:
                R = np.abs(group.resistive.resistance(s))
                v = np.maximum(np.minimum(v, through[edges] * R), pushed[edges] * R)
            rate = np.maximum(rate, np.maximum(np.abs(_rate(group, s, v, P, J)), np.abs(_rate(group, s, -v, P, J))))
        fit = np.isfinite(rate) & (rate > 0.0)
        powers = np.rint(np.log10(np.where(fit, rate, 1.0))).astype(int) - np.where(fit, BIAS, 0)
        decades.update(zip(edges.tolist(), powers.tolist(), strict=True))
    return decades


def _sources(network: Network, times: Array) -> tuple[Array, Array]:
    """The largest voltage (V) and the largest current (A) that every edge imposes, (n_e,) each.

    A capacitor and an inductor count with what they hold at the start.
    """
    voltage = np.abs(network.bank(times)).max(axis=0, initial=0.0)
    current = np.zeros(network.n_edges)
    for k, drive in enumerate(network.forcing):
        if drive is not None:
            current[k] = float(np.abs(drive.value(times)).max(initial=0.0))
    held = np.abs(network.initial_state)
    unit = np.array(network.state_units)
    return voltage + np.where(unit == "V", held, 0.0), current + np.where(unit == "A", held, 0.0)


def _largest_of_part(part: IntArray, values: Array) -> Array:
    """The largest of `values` (n_e,) in the part of every edge."""
    top = np.zeros(int(part.max(initial=0)) + 1)
    np.maximum.at(top, part, values)
    return np.asarray(top[part])


def _largest_currents(network: Network, drop: Array) -> Array:
    """An estimate of the largest current of every edge under the drops (V), (n_e,) in A.

    What an edge carries passes through the other edges of its tail and of its head.
    """
    most = np.full(network.n_edges, np.inf)
    for group in network.groups:
        device, edges = group.device, group.edges
        if network.imposed[int(edges[0])]:
            continue
        J = network.J[edges]
        found = np.zeros(edges.size)
        for level in (0.0, 1.0):
            s = np.full(edges.size, level)
            if device.ohmic:
                with np.errstate(divide="ignore"):
                    found = np.maximum(found, drop[edges] / np.abs(group.resistive.resistance(s)))
            else:
                both = [np.abs(group.conductive.current(J * v, s)) for v in (drop[edges], -drop[edges])]
                found = np.maximum(found, np.maximum(*both))
        most[edges] = found
    if not network.is_graph or network.reactive or (network.P < 0).any():
        return most
    inner = network.tail != network.head
    for _ in range(NODE_BOUNDS):
        total = np.zeros(network.n_nodes)
        np.add.at(total, network.tail[inner], most[inner])
        np.add.at(total, network.head[inner], most[inner])
        others = np.minimum(total[network.tail], total[network.head]) - most
        most = np.where(inner, np.minimum(most, np.maximum(others, 0.0)), most)
    return most


def _rate(group: Group, s: Array, v: Array, P: Array, J: Array) -> Array:
    i = v / (P * group.resistive.resistance(s)) if group.device.ohmic else J * group.conductive.current(J * v, s)
    return np.asarray(group.device.bulk_rate(s, v, i, P, J))


def rate_node(device: Device) -> str:
    """The letter of the node whose voltage is the rate, where hard bounds look at its sign; "" where they do not.

    It is the drift pin d, or f where the law has a decay as well, which the subcircuit adds at the state. A rate that
    is linear in current and voltage has one scale, and its clamps need no more.
    """
    if not (device.stateful and device.window.hard) or device.linear_rate(np.ones(()), np.ones(())) is not None:
        return ""
    return "f" if isinstance(device, LawDevice) and device.equations.decay is not None else "d"


@dataclass(frozen=True)
class Clamps:
    """Hard bounds for rates of about 10^`decade` 1/s; `suffix` tells its switch models from others.

    With `by_rate` the switches see the state only while the rate, the voltage of the node of that letter, points
    outward. Laws with thresholds need it:
    between release and full speed their rates grow over many decades, and no one resistance tells held from
    free for all of them.
    """

    decade: int
    by_rate: str = ""
    suffix: str = ""

    def models(self) -> tuple[ir.Model, ...]:
        """The two switch models."""
        scale = 10.0**self.decade
        band = BAND if self.by_rate else HYSTERESIS
        common = (("vh", band), ("ron", CLAMP_ON / scale), ("roff", CLAMP_OFF / min(scale, 1.0)))
        return (
            ir.Model(f"SHI{self.suffix}", "sw", (("vt", 1.0), *common)),
            ir.Model(f"SLO{self.suffix}", "sw", (("vt", 0.0), *common)),
        )

    def switches(self, k: int | str, state: str) -> tuple[ir.Element, ...]:
        """Closed to 1 above 1, closed to 0 below 0; with `by_rate` if the rate points outward."""
        if not self.by_rate:
            return self._pair(k, state, state, state)
        # Continuous in the rate: with a step or a comparison here a rate that rests at zero keeps the simulator
        # from converging.
        s = NodeVoltage(state)
        rate = RATE_GAIN / 10.0**self.decade * NodeVoltage(f"{self.by_rate}{k}")
        outward_up = s + call("max", call("min", rate, 0.0), -Number(1.0))
        outward_down = s + call("min", call("max", rate, 0.0), 1.0)
        return (
            ir.BehaviouralCurrent(f"BH{k}", "0", f"h{k}", outward_up),
            ir.ResistorElement(f"RH{k}", f"h{k}", "0", 1.0),
            ir.BehaviouralCurrent(f"BL{k}", "0", f"l{k}", outward_down),
            ir.ResistorElement(f"RL{k}", f"l{k}", "0", 1.0),
            *self._pair(k, state, f"h{k}", f"l{k}"),
        )

    def _pair(self, k: int | str, state: str, high: str, low: str) -> tuple[ir.Element, ir.Element]:
        return (
            ir.Switch(f"SH{k}", state, UPPER_NODE, high, "0", f"SHI{self.suffix}"),
            ir.Switch(f"SL{k}", state, "0", "0", low, f"SLO{self.suffix}"),
        )


def clamps_by_edge(wiring: Wiring, stop: float, finer: int = 0) -> dict[int, Clamps]:
    """Edge -> its clamps, for the edges with hard bounds; one set of switch models per kind and decade.

    `finer` decades less resistance lag at release, and as many more overshoot: for a run that is to tell what the
    clamps cost.
    """
    by_rate: dict[int, str] = {}
    for group in wiring.network.groups:
        by_rate |= dict.fromkeys(group.edges.tolist(), rate_node(group.device))
    wanted = {k: (decade - finer, by_rate[k]) for k, decade in rate_decades(wiring, stop).items()}
    distinct = {key: Clamps(*key, str(n or "")) for n, key in enumerate(dict.fromkeys(wanted.values()))}
    return {k: distinct[key] for k, key in wanted.items()}


def clamp_level() -> ir.Element:
    """The source that holds the upper wall at 1 V, once per deck."""
    return ir.VoltageSourceElement("VH", UPPER_NODE, "0", ir.DcWave(1.0), "upper bound of every state")


def is_linear(window: Window) -> bool:
    """Whether the rate reaches the state node through linear elements (and clamps) alone."""
    return isinstance(window, (NoWindow, Hard))


@functools.singledispatch
def windowed_rate(window: Window, state: str, decay: Expression | None, drift: Expression) -> Expression:
    """F as one expression of the state node and the two parts of the rate. A window's type registers its own.

    The decay is left out, as it stays a linear element; for tanh alone it is part of the window, and None
    stands for zero.
    """
    raise DeckError(f"window {window!r} has no circuit; register one with windowed_rate in circuit/lower/bounds.py")


@windowed_rate.register
def _joglekar(window: Joglekar, state: str, decay: Expression | None, drift: Expression) -> Expression:
    s = NodeVoltage(state)
    u = 2.0 * s - 1.0
    factor = 4.0 * (s * (1.0 - s))
    return drift * (factor * _series(u * u, window.p) if window.p > 1 else factor)


@windowed_rate.register
def _biolek(window: Biolek, state: str, decay: Expression | None, drift: Expression) -> Expression:
    u = _distance(state, drift)
    square = u * u
    power = square
    for _ in range(window.p - 1):
        power = power * square
    return drift * (1.0 - power)


@windowed_rate.register
def _prodromakis(window: Prodromakis, state: str, decay: Expression | None, drift: Expression) -> Expression:
    s = NodeVoltage(state)
    return drift * (window.j * _one_minus_power(s * (1.0 - s), window.p))


@windowed_rate.register
def _zha(window: Zha, state: str, decay: Expression | None, drift: Expression) -> Expression:
    d = _distance(state, drift)
    return drift * (window.j * _one_minus_power(0.25 * ((1.0 - d) * (1.0 + d)), window.p))


@windowed_rate.register
def _tanh(window: Tanh, state: str, decay: Expression | None, drift: Expression) -> Expression:
    s = NodeVoltage(state)
    f = drift if decay is None else decay + drift
    argument = (window.p / window.rate_scale) * f
    low, high = _step(window.p * s), _step(window.p * (1.0 - s))
    return f * (_step(-argument) * low + _step(argument) * high)


def _distance(state: str, drift: Expression) -> Expression:
    """How far the state has come from the bound that it leaves, with a sign."""
    s = NodeVoltage(state)
    return choose(drift < 0.0, s - 1.0, s)


LONGEST_SERIES = 8
"""Largest whole exponent that is factorised; a power loses the digits of a state near its bound."""


def _one_minus_power(small: Expression, p: float) -> Expression:
    """1 - (1 - small)^p; for a whole p as small (1 + u + … + u^(p-1)), u = 1 - small."""
    u = 1.0 - small
    if float(p).is_integer() and p <= LONGEST_SERIES:
        return small if p == 1 else small * _series(u, int(p))
    return 1.0 - Power(u, Number(float(p)))


def _series(u: Expression, n: int) -> Expression:
    """1 + u + … + u^(n-1)."""
    series: Expression = Number(1.0)
    for _ in range(n - 1):
        series = 1.0 + u * series
    return series


def _step(x: Expression) -> Expression:
    return 0.5 * (1.0 + call("tanh", x))
