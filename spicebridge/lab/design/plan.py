"""From a case to a circuit within the limits of a bench: gauge, scale, versions of active edges, margins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.case.case import Case
from spicebridge.drives import DC, Sum
from spicebridge.lab.design.active import Realisation, realise
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.lab.design.laws import check_laws
from spicebridge.lab.design.parts import (
    ANALOG_INPUT,
    LARGEST_CAPACITOR,
    LEAST_SHUNT,
    SMALLEST_CAPACITOR,
    Gyrator,
    MemristorPart,
    OpAmp,
    Potentiometer,
    e96,
    memristor_part,
    opamp,
    potentiometer,
)
from spicebridge.lab.design.reactances import amount, conducting, memristive, resistances
from spicebridge.lab.design.scaling import Scaling
from spicebridge.lab.design.sources import Gauge, choose_gauge
from spicebridge.network import Network
from spicebridge.theory import integrate
from spicebridge.theory.currents.topology import Topology
from spicebridge.waveforms import Waveforms

POT_USE = 0.98
"""Fraction of a potentiometer's range that the largest resistance takes."""
DIVIDER = 10e3
"""The two equal resistors of a converter, ohm."""
TYPICAL = 4.7e3
"""Resistance, ohm, to which a network without memristors is brought (geometric mean)."""
SMALLEST_RESISTOR, LARGEST_RESISTOR = 1.0, 10e6
"""Between these, ohm, precision resistors are on every distributor's shelf."""
GENERATOR_POINTS = 50
"""Generator samples over a drive's shortest time scale."""


@dataclass(frozen=True)
class Limit:
    """One demand on a part, in words: `value` of `unit` against `allowed`."""

    demand: str
    value: float
    allowed: float
    unit: str

    @property
    def use(self) -> float:
        return self.value / self.allowed

    def __str__(self) -> str:
        return f"{self.demand} {self.value:.4g} {self.unit}, allowed {self.allowed:.4g} {self.unit}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """What will be built. `gauge.network` and `waves` are scaled; `nodes` (n_t, n) are node voltages in V."""

    case: Case
    bench: Equipment
    scaling: Scaling
    gauge: Gauge
    realisation: Realisation
    waves: Waveforms
    nodes: Array
    sense: dict[int, float]
    limits: tuple[Limit, ...]

    @property
    def network(self) -> Network:
        return self.gauge.network

    @property
    def stop(self) -> float:
        return float(self.waves.t[-1])

    @property
    def emulated(self) -> NDArray[np.bool_]:
        """(n_e,) edges whose memristor is an emulator."""
        return np.asarray(memristive(self.network) & (self.bench.memristor is None))

    @property
    def memristor(self) -> MemristorPart | None:
        """The discrete part, if memristors are not emulated."""
        return None if self.bench.memristor is None else memristor_part(self.bench.memristor)

    @property
    def pot(self) -> Potentiometer:
        return potentiometer(self.bench.potentiometer)


def make_plan(case: Case, bench: Equipment | None = None) -> Plan:
    """Choose everything. Raises `LabError` naming the part and the amount where the bench does not suffice."""
    bench = bench or Equipment()
    check_laws(case.network)
    network = discharged(case.network)
    if bench.memristor is not None:
        bench = _unscaled(case, bench)
    gauge = choose_gauge(network, case.stop, bench)
    ideal = integrate(gauge.network, case.t)
    pot = potentiometer(bench.potentiometer)
    z = bench.impedance or _impedance(case, ideal, pot)
    c = bench.time or _time(case, bench, ideal)
    unit = _attempt(case, bench, gauge, ideal, Scaling(z, 1.0, c), None)
    realisation = realise(unit.network, unit.waves.state, bench, gauge.ground)
    unit = _attempt(case, bench, gauge, ideal, Scaling(z, 1.0, c), realisation)
    linear = [limit for limit in unit.limits if limit.unit in ("V", "A")]
    worst = max((limit.use for limit in linear), default=0.0)
    a = bench.amplitude or (1.0 / worst if worst > 0 else 1.0)
    plan = _attempt(case, bench, gauge, ideal, Scaling(z, a, c), realisation)
    broken = [limit for limit in plan.limits if limit.use > 1.0 + 1e-9]
    if broken:
        account = "; ".join(f"{limit} ({100 * (limit.use - 1):.3g} % too much)" for limit in broken)
        raise LabError(
            f"the bench does not suffice for {case.name}: {account}; change the scale factors (amplitude "
            f"{a:.4g}, impedance {z:.4g}, time {c:.4g}) or the parts"
        )
    return plan


def _unscaled(case: Case, bench: Equipment) -> Equipment:
    """A device cannot be rescaled: a kit with discrete memristors is the case as it is."""
    assert bench.memristor is not None
    part = memristor_part(bench.memristor)
    for name in ("impedance", "amplitude", "time"):
        if getattr(bench, name) not in (None, 1.0):
            raise LabError(
                f"{part.name}: a discrete memristor cannot be scaled; leave {name} at 1 and write the case in its units"
            )
    network = case.network
    active = np.flatnonzero(memristive(network) & (network.P < 0))
    if active.size:
        raise LabError(
            f"{network.edge_name(int(active[0]))}: an active edge needs an emulator, whose controller knows the sign; "
            f"{part.name} does not"
        )
    if not memristive(network).any():
        raise LabError(f"{part.name}: the case has no memristors")
    return replace(bench, impedance=1.0, amplitude=1.0, time=1.0)


def discharged(network: Network) -> Network:
    """The same currents with every capacitor starting at 0 V, as on a bench: what it starts at is part of its series
    source.

    Raises `LabError` for an inductor that carries a current at the start.
    """
    v0 = np.where(np.array(network.imposed) == "voltage", network.initial_state, 0.0)
    currents = np.where(np.array(network.imposed) == "current", network.initial_state, 0.0)
    if currents.any():
        k = int(np.flatnonzero(currents)[0])
        raise LabError(
            f"{network.edge_name(k)}: an inductor starts with {currents[k]:g} A; on a bench all rests before the "
            "trigger, so let it start with 0 A"
        )
    if not v0.any():
        return network
    drives = [
        drive if not v else (DC(-v) if drive is None else Sum((drive, DC(-v))))
        for drive, v in zip(network.drives, v0.tolist(), strict=True)
    ]
    return replace(network.with_drive(drives), initial_state=network.initial_state - v0)


def _impedance(case: Case, ideal: Waveforms, pot: Potentiometer) -> float:
    network = case.network
    R, memory, ohmic = resistances(network, ideal.state), memristive(network), conducting(network)
    if memory.any():
        return POT_USE * pot.total / float(R[:, memory].max())
    if ohmic.any():
        return float(TYPICAL / np.exp(np.log(R[0, ohmic]).mean()))
    scale = _timescale(case, ideal)
    reactance = [
        amount(network, k) / scale if what == "current" else scale / amount(network, k)
        for k, what in enumerate(network.imposed)
    ]
    return float(TYPICAL / np.exp(np.log(reactance).mean()))


def _timescale(case: Case, ideal: Waveforms) -> float:
    """The shortest time, s, in which a drive or a state changes by order one."""
    scales = [d.timescale() for d in set(case.network.drives) if d is not None]
    moving = ideal.state[:, memristive(case.network)]
    rate = float(np.abs(np.gradient(moving, ideal.t, axis=0)).max(initial=0.0))
    return min([*scales, case.stop, 1.0 / rate if rate > 0 else case.stop])


def _time(case: Case, bench: Equipment, ideal: Waveforms) -> float:
    if not memristive(case.network).any():
        return max(1.0, GENERATOR_POINTS / bench.generator_rate / _timescale(case, ideal))
    scale = _timescale(case, ideal)
    slowest = max(bench.updates_per_timescale / bench.update_rate, GENERATOR_POINTS / bench.generator_rate)
    return max(1.0, slowest / scale)


def _attempt(
    case: Case, bench: Equipment, gauge: Gauge, ideal: Waveforms, scaling: Scaling, realisation: Realisation | None
) -> Plan:
    network = scaling.network(gauge.network)
    waves = scaling.waveforms(ideal, gauge.network)
    R, ohmic = resistances(network, waves.state), conducting(network)
    least = float(R[:, ohmic].min()) if ohmic.any() else TYPICAL
    sense = {k: bench.sense_ratio * (float(R[:, k].min()) if ohmic[k] else least) for k in gauge.chords}
    plan = Plan(
        case=case,
        bench=bench,
        scaling=scaling,
        gauge=replace(gauge, network=network, peak=gauge.peak * scaling.amplitude),
        realisation=realisation or Realisation((), 0.0, ""),
        waves=waves,
        nodes=node_voltages(network, gauge.ground, waves.voltage - network.bank(waves.t)),
        sense={k: e96(max(ohm, 0.1)) for k, ohm in sense.items()},
        limits=(),
    )
    return replace(plan, limits=tuple(_limits(plan, R, _timescale(case, ideal) * scaling.time)))


def _inductor_limits(plan: Plan, k: int, name: str, amp: OpAmp, peak_v: float, peak_i: float) -> list[Limit]:
    use, parts = plan.bench.headroom, Gyrator.of(amount(plan.network, k), peak_v, peak_i)
    reach = use * (plan.bench.supply - amp.swing)
    load = max(peak_i * (1.0 + parts.port / DIVIDER), peak_i * parts.port / DIVIDER + peak_v / parts.shunt)
    inductor = f"simulated inductor of {name}"
    return [
        Limit(f"{inductor}: output", peak_v + peak_i * parts.port, reach, "V"),
        Limit(f"{inductor}: op-amp's current", load, use * amp.current, "A"),
        Limit(f"{inductor}: resistor", parts.shunt, LARGEST_RESISTOR, "ohm"),
        Limit(f"{inductor}: least resistor against its value", LEAST_SHUNT, parts.shunt, "ohm"),
    ]


def gyrator(plan: Plan, k: int) -> Gyrator:
    """The simulated inductor of edge k."""
    waves = plan.waves
    peak_v, peak_i = (float(np.abs(x[:, k]).max()) for x in (waves.voltage, waves.current))
    return Gyrator.of(amount(plan.network, k), peak_v, peak_i)


def node_voltages(network: Network, ground: int, drop: Array) -> Array:
    """p (..., n) in V from p_tail - p_head = `drop` = v - S (..., n_e), zero at `ground`."""
    B = np.delete(Topology.of(network).B.toarray(), ground, axis=0)
    return np.asarray(np.insert(drop @ np.linalg.pinv(-B.T).T, ground, 0.0, axis=-1))


def pin_peak(plan: Plan, k: int) -> float:
    """Largest voltage to ground, V, at the two pins that read emulator k: of its nodes, with the source between them,
    or with the converter's output, which stands at twice the edge's voltage from its head."""
    network, high = plan.network, np.abs(plan.nodes).max(axis=0)
    tail, head = float(high[network.tail[k]]), float(high[network.head[k]])
    source = float(plan.gauge.peak[k])
    if network.P[k] < 0:
        return source + max(tail, head + 2.0 * float(np.abs(plan.waves.voltage[:, k]).max()))
    return source + max(tail, head)


def converter_range(plan: Plan) -> float:
    """The narrowest range (+-V of a pin) of the analog-to-digital converter that all emulators' pins stay within."""
    peak = max((pin_peak(plan, int(k)) for k in np.flatnonzero(plan.emulated)), default=0.0)
    return next((x for x in ANALOG_INPUT.ranges if peak <= plan.bench.headroom * x), ANALOG_INPUT.ranges[-1])


def _limits(plan: Plan, R: Array, timescale: float) -> list[Limit]:
    network, bench = plan.network, plan.bench
    powered: list[OpAmp | Potentiometer] = [opamp(bench.drive_opamp), *(x.part for x in plan.realisation.converters)]
    if plan.emulated.any():
        powered.append(plan.pot)
    out: list[Limit] = []
    for part in dict.fromkeys(powered):
        out.append(Limit(f"{part.name}: rails", bench.supply, part.max_supply, "V rail"))
        out.append(Limit(f"{part.name}: least rails against those given", part.min_supply, bench.supply, "V rail"))
    for k in range(network.n_edges):
        out += _edge_limits(plan, k, R[:, k])
    if plan.emulated.any():
        needed = bench.updates_per_timescale / timescale
        out.append(Limit("controller: updates needed", needed, bench.update_rate, "1/s"))
    if any(not isinstance(d, (DC, type(None))) for d in network.drives):
        out.append(Limit("generator: sample rate needed", GENERATOR_POINTS / timescale, bench.generator_rate, "1/s"))
    return out


def _edge_limits(plan: Plan, k: int, R: Array) -> list[Limit]:
    """Of edge k, whose resistance in the run is `R` (n_t,)."""
    network, bench, pot, name = plan.network, plan.bench, plan.pot, plan.network.edge_name(k)
    use, drive = bench.headroom, opamp(bench.drive_opamp)
    memory = bool(memristive(network)[k])
    peak_i, peak_v = (float(np.abs(x[:, k]).max()) for x in (plan.waves.current, plan.waves.voltage))
    out: list[Limit] = []
    if k in plan.gauge.driven:
        S = float(plan.gauge.peak[k])
        out += [
            Limit(f"generator of {name}: voltage", S, use * bench.generator_peak, "V"),
            Limit(f"{drive.name} driving {name}: output", S, use * (bench.supply - drive.swing), "V"),
            Limit(f"{drive.name} driving {name}: current", peak_i, use * drive.current, "A"),
        ]
    if plan.memristor is not None and memory:
        out.append(Limit(f"{plan.memristor.name} of {name}: current", peak_i, use * plan.memristor.current, "A"))
    if plan.emulated[k]:
        largest, smallest = float(R.max()), float(R.min()) - plan.sense.get(k, 0.0)
        out += [
            Limit(f"{pot.name} of {name}: current", peak_i, use * pot.current, "A"),
            Limit(f"{pot.name} of {name}: resistance", largest, pot.largest, "ohm"),
            Limit(f"{pot.name} of {name}: wiper against the smallest resistance", pot.wiper, smallest, "ohm"),
            Limit(f"{ANALOG_INPUT.name} at {name}: input pin", pin_peak(plan, k), use * ANALOG_INPUT.ranges[-1], "V"),
        ]
        if network.P[k] > 0:
            ends = [int(network.tail[k]), int(network.head[k])]
            swing = float(np.abs(plan.nodes[:, ends]).max() + plan.gauge.peak[k])
            out.append(Limit(f"{pot.name} of {name}: terminal", swing, use * bench.supply, "V"))
    if network.imposed[k] == "voltage":
        farad = amount(network, k)
        out.append(Limit(f"capacitor of {name}: value", farad, LARGEST_CAPACITOR, "F"))
        out.append(Limit(f"capacitor of {name}: strays against its value", SMALLEST_CAPACITOR, farad, "F"))
    if network.imposed[k] == "current":
        out += _inductor_limits(plan, k, name, drive, peak_v, peak_i)
    if conducting(network)[k] and not memory:
        ohm = float(R[0])
        out.append(Limit(f"resistor of {name}: value", ohm, LARGEST_RESISTOR, "ohm"))
        out.append(Limit(f"resistor of {name}: purchasable minimum against its value", SMALLEST_RESISTOR, ohm, "ohm"))
    if network.P[k] < 0:
        part = next((x.part for x in plan.realisation.converters if x.edge == k), drive)
        load = peak_i + peak_v / DIVIDER
        out.append(Limit(f"{part.name} of {name}: output", 2 * peak_v, use * (bench.supply - part.swing), "V"))
        out.append(Limit(f"{part.name} of {name}: current", load, use * part.current, "A"))
    return out
