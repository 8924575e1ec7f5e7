"""How one edge is written, in the fast and in the readable form. See ``lower`` for the equations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.lower.bounds import is_linear, rate_node, windowed_rate
from spicebridge.circuit.lower.calls import decay_at, rate_at, subcircuit_call
from spicebridge.circuit.lower.drive_waves import in_series, suffix, wave_numbers, waves_of
from spicebridge.circuit.lower.reactive_elements import ReactiveEdge
from spicebridge.circuit.lower.signals import SavedSignals, behind_sources, potential
from spicebridge.drives import DC
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number, distinct, rebuild
from spicebridge.laws import Group, LawDevice
from spicebridge.laws import Resistor as ResistorLaw
from spicebridge.laws.base import Device, imposes
from spicebridge.network import Network

Shape = tuple[Any, ...]
Numbers = tuple[float, ...]


class EdgeWriter(Protocol):
    """Writes the edges of one group."""

    subcircuits: dict[str, ir.Subcircuit]

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        """Elements of edge k, the `position`-th of its group, between two deck nodes."""
        ...

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        """Where the signals of all edges of the group come back."""
        ...


def fast_edge(network: Network, group: Group) -> EdgeWriter:
    """The fast writer where the law is affine, else the readable one."""
    device = group.device
    if FastAffine.suits(network, group):
        return FastAffine(network, group)
    if isinstance(device, LawDevice) and FastCurved.suits(device):
        return FastCurved(network, group, device)
    if isinstance(device, ResistorLaw):
        return FastResistor(network, group)
    return readable_edge(network, group)


def readable_edge(network: Network, group: Group) -> EdgeWriter:
    """A series source and a subcircuit of ``models/`` (or a plain resistor)."""
    device = group.device
    if imposes(device):
        return ReactiveEdge(network, group)
    if isinstance(device, ResistorLaw):
        return ReadableResistor(network, group)
    return ReadableMemristor(network, group)


def _spread(value: object, n: int) -> list[float]:
    return np.broadcast_to(np.asarray(value, float), (n,)).tolist()  # type: ignore[no-any-return]


def _fast_signals(
    edges: list[int], tails: list[str], heads: list[str], conductance: list[float], stateful: bool
) -> SavedSignals:
    vector = {node: potential(node) for node in {*tails, *heads}}
    return SavedSignals(
        state=[f"v(w{k})" for k in edges] if stateful else [""] * len(edges),
        current=[f"v(y{k})" for k in edges],
        plus=[vector[tail] for tail in tails],
        minus=[vector[head] for head in heads],
        current_scale=conductance,
        aided=True,
    )


def _fast_port(k: str, tail: str, head: str, conductance: float, source: list[ir.Wave]) -> list[ir.Element]:
    """The linear part of an edge: what enters node y, and the current it sends round the edge."""
    y = f"y{k}"
    return [
        ir.VoltageControlledCurrent(f"GA{k}", "0", y, tail, head, 1.0),
        *(ir.CurrentSourceElement(f"I{k}{suffix(n)}", "0", y, wave) for n, wave in enumerate(source)),
        ir.VoltageControlledCurrent(f"GE{k}", tail, head, y, "0", conductance),
    ]


@dataclass(frozen=True)
class Repeats:
    """Edges of one shape: their `positions` in the group, and the columns of their numbers, one a number."""

    positions: list[int]
    columns: list[list[float]]


@runtime_checkable
class RepeatedEdges(Protocol):
    """A writer whose edges have few shapes."""

    def repeats(self) -> dict[Shape, Repeats]:
        """The edges by what they have in common (hashable), and the numbers that are their own."""
        ...

    def shaped(self, shape: Shape, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
        """The elements of edge `k` between two deck nodes; `title` is its name in the comment.

        Numbers enter the elements only as values: neither their size nor their sign changes anything else.
        """
        ...


def _repeats(rows: Iterable[tuple[Shape, Numbers]]) -> dict[Shape, Repeats]:
    positions: dict[Shape, list[int]] = {}
    numbers: dict[Shape, list[Numbers]] = {}
    for position, (shape, row) in enumerate(rows):
        positions.setdefault(shape, []).append(position)
        numbers.setdefault(shape, []).append(row)
    return {
        shape: Repeats(places, [list(column) for column in zip(*numbers[shape], strict=True)])
        for shape, places in positions.items()
    }


class FastAffine:
    """y = P kappa r0 i, w and at most nine elements per edge; no division, no voltage source.

        y w + y / kappa = p_tail - p_head + S

    The nonlinearity is a bare product, whatever the edge's numbers: a simulator spends most of its time on the
    expressions of behavioural sources.
    """

    def __init__(self, network: Network, group: Group) -> None:
        device = group.device
        n = group.edges.size
        self.network = network
        self.device = device
        self.subcircuits: dict[str, ir.Subcircuit] = {}
        self.linear = is_linear(device.window)
        self.edges: list[int] = group.edges.tolist()
        P, J = network.P[group.edges], network.J[group.edges]
        affine, linear = device.affine(), device.linear_rate(P, J)
        if affine is None or linear is None:
            raise DeckError(f"a {device.kind} has no fast form of its own; it is neither affine nor linear in its rate")
        (level, slope), (a, by_current, by_voltage) = affine, linear
        self.kappa = _spread(slope / level, n)
        self.a = _spread(a, n)
        self.conductance = _spread(1.0 / (P * slope), n)
        self.by_current = not by_voltage.any()
        self.gain = _spread(by_current / (P * slope) if self.by_current else by_voltage, n)

    @staticmethod
    def suits(network: Network, group: Group) -> bool:
        """Whether R = level + slope s, neither zero, and the rate is linear in the current or in the voltage alone."""
        device = group.device
        affine = device.affine() if device.stateful and not imposes(device) else None
        rate = device.linear_rate(network.P[group.edges], network.J[group.edges])
        if affine is None or rate is None or not (np.all(affine[0]) and np.all(affine[1])):
            return False
        return not (rate[1].any() and rate[2].any())

    def repeats(self) -> dict[Shape, Repeats]:
        return self._uniform() or _repeats(self._shape_and_numbers(p, k) for p, k in enumerate(self.edges))

    def _uniform(self) -> dict[Shape, Repeats] | None:
        """The only shape, where all edges are alike but for numbers and have constant sources."""
        drives = [self.network.drives[k] for k in self.edges]
        leaks = bool(self.a[0])
        alike = all(bool(a) == leaks for a in self.a)
        if not alike or not self.by_current or any(type(drive) is not DC for drive in drives):
            return None
        leak = [-1.0 / a for a in self.a] if leaks else [0.0] * len(self.a)
        levels = [float(drive.level) for drive in drives]  # type: ignore[union-attr]
        columns = [self.kappa, self.conductance, self.gain, self.a, leak, levels]
        return {(leaks, ("dc",), ()): Repeats(list(range(len(levels))), columns)}

    def _shape_and_numbers(self, position: int, k: int) -> tuple[Shape, Numbers]:
        drive = self.network.drives[k]
        a, gain = self.a[position], self.gain[position]
        kinds, source = wave_numbers(drive)
        aided = drive is not None and self.linear and not self.by_current
        scaled_kinds, scaled = wave_numbers(drive.scaled(gain) if aided and drive is not None else None)
        leak = -1.0 / a if a else 0.0
        numbers = (self.kappa[position], self.conductance[position], gain, a, leak, *source, *scaled)
        return (bool(a), kinds, scaled_kinds), numbers

    def shaped(self, shape: Shape, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
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
        window = self.device.window
        if self.linear:
            sense = (y, "0") if self.by_current else (tail, head)
            out.append(ir.VoltageControlledCurrent(f"GW{k}", "0", w, *sense, gain))
            scaled = waves_of(scaled_kinds, values)
            out += [ir.CurrentSourceElement(f"IW{k}{suffix(n)}", "0", w, wave) for n, wave in enumerate(scaled)]
        else:
            drop = Binary("+", product, Binary("/", NodeVoltage(y), Number(kappa)))
            drift = Binary("*", Number(gain), NodeVoltage(y) if self.by_current else drop)
            decay = Binary("*", Number(a), NodeVoltage(w)) if leaks else None
            out.append(ir.BehaviouralCurrent(f"BW{k}", "0", w, windowed_rate(window, w, decay, drift)))
        out.append(ir.CapacitorElement(f"C{k}", w, "0", 1.0))
        if leaks and window.name != "tanh":
            out.append(ir.ResistorElement(f"RW{k}", w, "0", leak))
        return out

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        return self.shaped(*self._shape_and_numbers(position, k), str(k), tail, head, self.network.edge_name(k))

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        return _fast_signals(edges, tails, heads, self.conductance, stateful=True)


class FastCurved:
    """The same port for R = level + slope s and any rate: no division, no voltage source, no subcircuit.

    The rate is one source of the state w, of J v at node u (linear elements alone) and of J i as a multiple of y.
    """

    def __init__(self, network: Network, group: Group, device: LawDevice) -> None:
        self.network, self.group = network, group
        self.subcircuits: dict[str, ir.Subcircuit] = {}
        self.edges: list[int] = group.edges.tolist()
        self.own = [value.tolist() for value in (network.P[group.edges], *device.parameters.values()) if value.ndim]
        self.rates: dict[Numbers, tuple[int, Expression, Expression | None]] = {}
        affine = device.affine()
        assert affine is not None
        self.kappa = _spread(affine[1] / affine[0], len(self.edges))
        self.conductance = _spread(1.0 / (network.P[group.edges] * affine[1]), len(self.edges))

    @staticmethod
    def suits(device: LawDevice) -> bool:
        """Whether R = level + slope s, neither zero, in a circuit that is written here."""
        affine = device.affine() if device.definition.module is None else None
        return affine is not None and bool(np.all(affine[0]) and np.all(affine[1]))

    def repeats(self) -> dict[Shape, Repeats]:
        return _repeats(self._shape_and_numbers(p, k) for p, k in enumerate(self.edges))

    def _shape_and_numbers(self, position: int, k: int) -> tuple[Shape, Numbers]:
        """The shape is all that the rate depends on; edges of equal numbers have their rate settled once."""
        drive, J, conductance = self.network.drives[k], float(self.network.J[k]), self.conductance[position]
        kinds, source = wave_numbers(drive)
        turned_kinds, turned = wave_numbers(None if drive is None else drive.scaled(J))
        key = tuple(values[position] for values in self.own)
        if key not in self.rates:
            self.rates[key] = position, *rate_at(self.group, position, key[0])
        return (key, kinds, turned_kinds), (self.kappa[position], conductance, J, J * conductance, *source, *turned)

    def shaped(self, shape: Shape, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
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

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        return self.shaped(*self._shape_and_numbers(position, k), str(k), tail, head, self.network.edge_name(k))

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        return _fast_signals(edges, tails, heads, self.conductance, stateful=True)


class FastResistor:
    """A memoryless edge in the same form: y = r i with a resistor of P ohm at node y."""

    def __init__(self, network: Network, group: Group) -> None:
        self.network = network
        self.subcircuits: dict[str, ir.Subcircuit] = {}
        self.edges: list[int] = group.edges.tolist()
        self.r = _spread(group.resistive.resistance(np.zeros(group.edges.size)), group.edges.size)
        self.P = network.P[group.edges].tolist()

    def repeats(self) -> dict[Shape, Repeats]:
        return _repeats(self._shape_and_numbers(p, k) for p, k in enumerate(self.edges))

    def _shape_and_numbers(self, position: int, k: int) -> tuple[Shape, Numbers]:
        kinds, source = wave_numbers(self.network.drives[k])
        return (kinds,), (self.P[position], 1.0 / self.r[position], *source)

    def shaped(self, shape: Shape, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[ir.Element]:
        P, conductance, *source = numbers
        first = ir.ResistorElement(f"R{k}", f"y{k}", "0", P, f"{title}: {tail} -> {head}, memoryless")
        return [first, *_fast_port(k, tail, head, conductance, waves_of(shape[0], iter(source)))]

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        return self.shaped(*self._shape_and_numbers(position, k), str(k), tail, head, self.network.edge_name(k))

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        return _fast_signals(edges, tails, heads, [1.0 / r for r in self.r], stateful=False)


@dataclass
class _Readable:
    """The series sources of an edge: V(m) = V(tail) + S; the last one meets the device at node m."""

    network: Network
    group: Group
    subcircuits: dict[str, ir.Subcircuit] = field(default_factory=dict)

    def sources(self, k: int, tail: str, head: str, what: str) -> list[ir.Element]:
        return in_series(k, tail, self.network.drives[k], f"{self.network.edge_name(k)}: {tail} -> {head}, {what}")

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        return behind_sources(edges, heads, stateful=self.group.device.stateful)


class ReadableResistor(_Readable):
    """A series source and a plain resistor."""

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        r = float(self.group.resistive.resistance(np.zeros(self.group.edges.size))[position])
        return [
            *self.sources(k, tail, head, "memoryless"),
            ir.ResistorElement(f"R{k}", f"m{k}", head, float(self.network.P[k]) * r),
        ]


class ReadableMemristor(_Readable):
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
            *self.sources(k, tail, head, f"state {w}"),
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
