"""How one edge is written, in the fast and in the readable form. See ``lower`` for the equations."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Generic

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.lower.bounds import is_linear, rate_node, windowed_rate
from spicebridge.circuit.lower.calls import decay_at, rate_at, subcircuit_call
from spicebridge.circuit.lower.drive_waves import suffix, wave_numbers, waves_of
from spicebridge.circuit.lower.edge_elements import EdgeWriter, Numbers, Repeats, S, SeriesEdge
from spicebridge.circuit.lower.reactive_elements import ReactiveEdge
from spicebridge.circuit.lower.signals import SavedSignals, potential
from spicebridge.drives import DC
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number, distinct, rebuild
from spicebridge.laws import Group, LawDevice
from spicebridge.laws import Resistor as ResistorDevice
from spicebridge.laws.base import Device
from spicebridge.network import Network
from spicebridge.reactive import TopologicalLaw

Kinds = tuple[str | ir.Wave, ...]
"""The waveforms of a source without their numbers; see `wave_numbers`."""


Affine = tuple[bool, Kinds, Kinds]
"""Whether the state leaks, the source, and the source as it drives the state."""
Curved = tuple[Numbers, Kinds, Kinds]
"""What the rate depends on, the source, and the source times J."""


def edge_writer(network: Network, group: Group, form: str, dependent: Mapping[int, TopologicalLaw]) -> EdgeWriter:
    """The writer of one group in the form "fast", or "readable" where that is asked for or the law has no fast form.

    Readable is a series source with a subcircuit of ``models/`` or a plain resistor. `dependent` are the states that
    follow from others (see `dependent_laws`).
    """
    if not network.imposed[int(group.edges[0])]:
        if isinstance(group.device, ResistorDevice):
            return FastResistor(network, group) if form == "fast" else ReadableResistor(network, group)
        fast = FastAffine.of(network, group) or FastCurved.of(network, group) if form == "fast" else None
        return fast or ReadableMemristor(network, group)
    return ReactiveEdge(network, group, dependent)


def _fast_port(k: str, tail: str, head: str, conductance: float, source: list[ir.Wave]) -> list[ir.Element]:
    """The linear part of an edge: what enters node y, and the current it sends round the edge."""
    y = f"y{k}"
    return [
        ir.VoltageControlledCurrent(f"GA{k}", "0", y, tail, head, 1.0),
        *(ir.CurrentSourceElement(f"I{k}{suffix(n)}", "0", y, wave) for n, wave in enumerate(source)),
        ir.VoltageControlledCurrent(f"GE{k}", tail, head, y, "0", conductance),
    ]


class _Fast(Generic[S]):
    """Edges whose node y is P kappa r0 i, so that `conductance` times its voltage is the current.

    An `EdgeWriter` and `RepeatedEdges`.
    """

    stateful = True

    def __init__(self, network: Network, group: Group, conductance: object) -> None:
        self.network = network
        self.edges: list[int] = group.edges.tolist()
        self.subcircuits: dict[str, ir.Subcircuit] = {}
        self.conductance = self._spread(conductance)

    def _spread(self, value: object) -> list[float]:
        """A number of every edge."""
        spread: list[float] = np.broadcast_to(np.asarray(value, float), (len(self.edges),)).tolist()
        return spread

    @abstractmethod
    def _shape_and_numbers(self, position: int, k: int) -> tuple[S, Numbers]:
        """What one edge has in common with others, and the numbers that are its own."""

    @abstractmethod
    def shaped(self, shape: S, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]: ...

    def repeats(self) -> dict[S, Repeats]:
        positions: dict[S, list[int]] = {}
        numbers: dict[S, list[Numbers]] = {}
        for position, k in enumerate(self.edges):
            shape, row = self._shape_and_numbers(position, k)
            positions.setdefault(shape, []).append(position)
            numbers.setdefault(shape, []).append(row)
        return {
            shape: Repeats(places, [list(column) for column in zip(*numbers[shape], strict=True)])
            for shape, places in positions.items()
        }

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        return self.shaped(*self._shape_and_numbers(position, k), str(k), tail, head, self.network.edge_name(k))

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        vector = {node: potential(node) for node in {*tails, *heads}}
        return SavedSignals(
            state=[f"v(w{k})" if self.stateful else "" for k in edges],
            current=[f"v(y{k})" for k in edges],
            plus=[vector[tail] for tail in tails],
            minus=[vector[head] for head in heads],
            current_scale=self.conductance,
            aided=True,
        )


class FastAffine(_Fast[Affine]):
    """y = P kappa r0 i, w and at most nine elements per edge; no division, no voltage source.

        y w + y / kappa = p_tail - p_head + S

    The nonlinearity is a bare product, whatever the edge's numbers: a simulator spends most of its time on the
    expressions of behavioural sources.
    """

    def __init__(
        self, network: Network, group: Group, affine: tuple[Array, Array], linear: tuple[Array, Array, Array]
    ) -> None:
        (level, slope), (a, by_current, by_voltage) = affine, linear
        P = network.P[group.edges]
        super().__init__(network, group, 1.0 / (P * slope))
        self.window = group.device.window
        self.linear = is_linear(self.window)
        self.kappa = self._spread(slope / level)
        self.a = self._spread(a)
        self.by_current = not by_voltage.any()
        self.gain = self._spread(by_current / (P * slope) if self.by_current else by_voltage)

    @classmethod
    def of(cls, network: Network, group: Group) -> FastAffine | None:
        """For R = level + slope s, neither zero, and a rate that is linear in the current or in the voltage alone."""
        device = group.device
        affine = device.affine() if device.stateful else None
        rate = device.linear_rate(network.P[group.edges], network.J[group.edges])
        if affine is None or rate is None or not (np.all(affine[0]) and np.all(affine[1])):
            return None
        return None if rate[1].any() and rate[2].any() else cls(network, group, affine, rate)

    def repeats(self) -> dict[Affine, Repeats]:
        return self._uniform() or super().repeats()

    def _uniform(self) -> dict[Affine, Repeats] | None:
        """The only shape, where all edges are alike but for numbers and have constant sources."""
        drives = [self.network.drives[k] for k in self.edges]
        levels = [float(drive.level) for drive in drives if type(drive) is DC]
        leaks = bool(self.a[0])
        alike = all(bool(a) == leaks for a in self.a)
        if not alike or not self.by_current or len(levels) < len(drives):
            return None
        leak = [-1.0 / a for a in self.a] if leaks else [0.0] * len(self.a)
        columns = [self.kappa, self.conductance, self.gain, self.a, leak, levels]
        return {(leaks, ("dc",), ()): Repeats(list(range(len(levels))), columns)}

    def _shape_and_numbers(self, position: int, k: int) -> tuple[Affine, Numbers]:
        drive = self.network.drives[k]
        a, gain = self.a[position], self.gain[position]
        kinds, source = wave_numbers(drive)
        aided = drive is not None and self.linear and not self.by_current
        scaled_kinds, scaled = wave_numbers(drive.scaled(gain) if aided and drive is not None else None)
        leak = -1.0 / a if a else 0.0
        numbers = (self.kappa[position], self.conductance[position], gain, a, leak, *source, *scaled)
        return (bool(a), kinds, scaled_kinds), numbers

    def shaped(self, shape: Affine, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
        leaks, kinds, scaled_kinds = shape
        kappa, conductance, gain, a, leak, *rest = numbers
        values = iter(rest)
        y, w = f"y{k}", f"w{k}"
        product: Expression = Binary("*", NodeVoltage(y), NodeVoltage(w))
        out: list[ir.Element] = [
            ir.BehaviouralCurrent(f"B{k}", y, "0", product, f"{title}: {tail} -> {head}, state {w}"),
            ir.ResistorElement(f"R{k}", y, "0", kappa),
        ]
        out += _fast_port(k, tail, head, conductance, waves_of(kinds, values))
        if self.linear:
            sense = (y, "0") if self.by_current else (tail, head)
            out.append(ir.VoltageControlledCurrent(f"GW{k}", "0", w, *sense, gain))
            scaled = waves_of(scaled_kinds, values)
            out += [ir.CurrentSourceElement(f"IW{k}{suffix(n)}", "0", w, wave) for n, wave in enumerate(scaled)]
        else:
            drop = Binary("+", product, Binary("/", NodeVoltage(y), Number(kappa)))
            drift = Binary("*", Number(gain), NodeVoltage(y) if self.by_current else drop)
            decay = Binary("*", Number(a), NodeVoltage(w)) if leaks else None
            out.append(ir.BehaviouralCurrent(f"BW{k}", "0", w, windowed_rate(self.window, w, decay, drift)))
        out.append(ir.CapacitorElement(f"C{k}", w, "0", 1.0))
        if leaks and self.window.name != "tanh":
            out.append(ir.ResistorElement(f"RW{k}", w, "0", leak))
        return out


class FastCurved(_Fast[Curved]):
    """The same port for R = level + slope s and any rate: no division, no voltage source, no subcircuit.

    The rate is one source of the state w, of J v at node u (linear elements alone) and of J i as a multiple of y.
    """

    def __init__(self, network: Network, group: Group, device: LawDevice, affine: tuple[Array, Array]) -> None:
        P = network.P[group.edges]
        super().__init__(network, group, 1.0 / (P * affine[1]))
        self.group = group
        self.own = [value.tolist() for value in (P, *device.parameters.values()) if value.ndim]
        self.rates: dict[Numbers, tuple[int, Expression, Expression | None]] = {}
        self.kappa = self._spread(affine[1] / affine[0])

    @classmethod
    def of(cls, network: Network, group: Group) -> FastCurved | None:
        """For R = level + slope s, neither zero, in a circuit that is written here."""
        device = group.device
        if not isinstance(device, LawDevice) or device.definition.module is not None:
            return None
        affine = device.affine()
        fits = affine is not None and np.all(affine[0]) and np.all(affine[1])
        return cls(network, group, device, affine) if affine is not None and fits else None

    def _shape_and_numbers(self, position: int, k: int) -> tuple[Curved, Numbers]:
        """The shape is all that the rate depends on; edges of equal numbers have their rate settled once."""
        drive, J, conductance = self.network.drives[k], float(self.network.J[k]), self.conductance[position]
        kinds, source = wave_numbers(drive)
        turned_kinds, turned = wave_numbers(None if drive is None else drive.scaled(J))
        key = tuple(values[position] for values in self.own)
        if key not in self.rates:
            self.rates[key] = position, *rate_at(self.group, position, key[0])
        return (key, kinds, turned_kinds), (self.kappa[position], conductance, J, J * conductance, *source, *turned)

    def shaped(self, shape: Curved, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
        key, kinds, turned_kinds = shape
        kappa, conductance, J, flow, *rest = numbers
        values, device = iter(rest), self.group.device
        y, u, w = f"y{k}", f"u{k}", f"w{k}"
        nodes: dict[str, Expression] = {"turn": NodeVoltage(u), "state": NodeVoltage(w)}
        nodes["flow"] = Number(flow) * NodeVoltage(y)
        position, *trees = self.rates[key]
        drift, decay = (
            None if e is None else rebuild(e, lambda x: nodes[x.plus] if isinstance(x, NodeVoltage) else None)
            for e in trees
        )
        out: list[ir.Element] = [
            ir.BehaviouralCurrent(
                f"B{k}", y, "0", NodeVoltage(y) * NodeVoltage(w), f"{title}: {tail} -> {head}, state {w}"
            ),
            ir.ResistorElement(f"R{k}", y, "0", kappa),
            *_fast_port(k, tail, head, conductance, waves_of(kinds, values)),
        ]
        if any(NodeVoltage(u) in distinct(e) for e in (drift, decay) if e is not None):
            out.append(ir.VoltageControlledCurrent(f"GU{k}", "0", u, tail, head, J))
            turned = waves_of(turned_kinds, values)
            out += [ir.CurrentSourceElement(f"IU{k}{suffix(n)}", "0", u, wave) for n, wave in enumerate(turned)]
            out.append(ir.ResistorElement(f"RU{k}", u, "0", 1.0))
        entries = (("BD", drift_node(device, k), drift), ("BE", w, decay))
        out += [ir.BehaviouralCurrent(f"{n}{k}", "0", node, tree) for n, node, tree in entries if tree is not None]
        out.append(ir.CapacitorElement(f"C{k}", w, "0", 1.0))
        return [*out, *state_elements(self.group, position, k)]


class FastResistor(_Fast[Kinds]):
    """A memoryless edge in the same form: y = r i with a resistor of P ohm at node y."""

    stateful = False

    def __init__(self, network: Network, group: Group) -> None:
        super().__init__(network, group, 1.0 / group.resistive.resistance(np.zeros(group.edges.size)))
        self.P = network.P[group.edges].tolist()

    def _shape_and_numbers(self, position: int, k: int) -> tuple[Kinds, Numbers]:
        kinds, source = wave_numbers(self.network.drives[k])
        return kinds, (self.P[position], self.conductance[position], *source)

    def shaped(self, shape: Kinds, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
        P, conductance, *source = numbers
        first = ir.ResistorElement(f"R{k}", f"y{k}", "0", P, f"{title}: {tail} -> {head}, memoryless")
        return [first, *_fast_port(k, tail, head, conductance, waves_of(shape, iter(source)))]


class ReadableResistor(SeriesEdge):
    """A series source and a plain resistor."""

    def __init__(self, network: Network, group: Group) -> None:
        super().__init__(network, group)
        self.r = group.resistive.resistance(np.zeros(group.edges.size)).tolist()

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        return [
            *self.sources(k, tail, f"{tail} -> {head}, memoryless"),
            ir.ResistorElement(f"R{k}", f"m{k}", head, float(self.network.P[k]) * self.r[position]),
        ]


class ReadableMemristor(SeriesEdge):
    """A series source and one instance of the device's subcircuit, plus its window."""

    def __init__(self, network: Network, group: Group) -> None:
        super().__init__(network, group)
        self.call = subcircuit_call(group.device)
        self.subcircuits = {model.name: model for model in self.call.models}

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        w, drift = f"w{k}", drift_node(self.group.device, k)
        P, J = float(self.network.P[k]), float(self.network.J[k])
        parameters = self.call.parameters(self.group, position, P, J)
        ends = (head, f"m{k}") if self.call.turned and J < 0.0 else (f"m{k}", head)
        model = self.call.models[0]
        nodes = (*ends, *(drift if pin == "drift" else w for pin in model.pins[2:]))
        return [
            *self.sources(k, tail, f"{tail} -> {head}, state {w}"),
            ir.Instance(name=f"X{k}", nodes=nodes, subcircuit=self.call.name(position), parameters=parameters),
            *state_elements(self.group, position, k),
        ]


def drift_node(device: Device, k: int | str) -> str:
    """Where the drift of edge k enters: its state, or a node of its own before a window."""
    return f"w{k}" if is_linear(device.window) and not rate_node(device) else f"d{k}"


def state_elements(group: Group, position: int, k: int | str) -> list[ir.Element]:
    """From the drift of edge k to its state, which has the decay already; nothing where the two are one node."""
    w, drift, window = f"w{k}", f"d{k}", group.device.window
    by_rate, decay = rate_node(group.device), decay_at(group, position, w)
    out: list[ir.Element] = []
    if by_rate:
        out.append(ir.ResistorElement(f"RD{k}", drift, "0", 1.0))
        out.append(ir.VoltageControlledCurrent(f"GD{k}", "0", w, drift, "0", 1.0))
        if decay is not None and by_rate != "d":
            whole = Binary("+", NodeVoltage(drift), decay)
            out.append(ir.BehaviouralCurrent(f"BF{k}", "0", f"{by_rate}{k}", whole))
            out.append(ir.ResistorElement(f"RF{k}", f"{by_rate}{k}", "0", 1.0))
    elif not is_linear(window):
        rate = windowed_rate(window, w, decay, NodeVoltage(drift))
        if decay is not None and window.name == "tanh":
            rate = Binary("-", rate, decay)
        out.append(ir.ResistorElement(f"RD{k}", drift, "0", 1.0))
        out.append(ir.BehaviouralCurrent(f"BW{k}", "0", w, rate))
    return out
