"""A memristor as a subcircuit: which node is its state, and what it does when voltage and state are forced.

    i(v, s)        the current that a source of v V across the terminals delivers
    ds/dt = j/C    j the current that flows into the state node while a source holds it at s

Both are read from one simulation of many copies, each with its own sources. The terminals are lifted off
ground by `LIFT`, so that a model which looks at V(p) instead of V(p,n) is found out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.engines import Job, RunRecord, Status, get_engine
from spicebridge.circuit.lower.lowered_network import ACCURATE
from spicebridge.circuit.reader import read_library
from spicebridge.errors import CaseError, RunFailed, nearest

DRIFT = "drift"
"""Pin of a model whose rate leaves through a pin of its own; it is tied to the state here."""
LIFT = 0.25
"""Potential of the second terminal in V."""
LARGEST_FILE = 1_000_000
"""Bytes of a model file; the library's largest has 3 kB."""


@dataclass(frozen=True, kw_only=True)
class StateSubcircuit:
    """`state` is the node of the capacitor to ground, `capacitance` its value in F, `initial` the model's own
    initial voltage of it or None; `parameters` override defaults;
    `helpers` are the subcircuits that the model calls, `notes` what was taken for granted when its file was read."""

    model: ir.Subcircuit
    state: str
    capacitance: float
    initial: float | None = None
    parameters: tuple[tuple[str, float], ...] = ()
    helpers: tuple[ir.Subcircuit, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def subcircuits(self) -> tuple[ir.Subcircuit, ...]:
        """What a deck with copies has to define."""
        return (self.model, *self.helpers)

    @property
    def is_pin(self) -> bool:
        """Whether the state is a pin."""
        return self.state in self.pins

    @property
    def pins(self) -> tuple[str, ...]:
        return tuple(pin.lower() for pin in self.model.pins)

    @property
    def signs(self) -> tuple[str, ...]:
        """Which of the signs "active" and "polarity" the model knows."""
        known = {name.lower() for name, _ in self.model.parameters}
        return tuple(name for name in ("active", "polarity") if name in known)

    def place(self, k: int, p: str, n: str, signs: Mapping[str, float]) -> tuple[list[ir.Element], str]:
        """Copy `k` between two nodes, and the name of its state node."""
        state = f"s{k}" if self.is_pin else f"x{k}.{self.state}"
        nodes = [p, n, *(state for _ in self.pins[2:])]
        values = dict(self.parameters) | {name: signs[name] for name in self.signs if name in signs}
        call = ir.Instance(
            name=f"X{k}", nodes=tuple(nodes), subcircuit=self.model.name, parameters=tuple(values.items())
        )
        return [call], state


def component(
    model: ir.Subcircuit,
    parameters: Sequence[tuple[str, float]] = (),
    source: str = "",
    inside: Sequence[ir.Subcircuit] = (),
) -> StateSubcircuit:
    """Find the state of `model`. `inside` are the subcircuits that it calls.

    Raises `CaseError` for a model that has no state, several, or pins that nothing is known about.
    """
    where = source or model.name
    if len(model.pins) < 2:
        raise CaseError(f"{where}: subcircuit {model.name} has {len(model.pins)} pins; a memristor has two terminals")
    pins = [pin.lower() for pin in model.pins]
    nodes = tuple(f"pin_{pin}" for pin in pins)
    call = ir.Instance(name="X0", nodes=nodes, subcircuit=model.name, parameters=tuple(parameters))
    ends = tuple(ir.ResistorElement(f"R{node}", node, "0", 1.0) for node in nodes)
    flat = flatten(ir.Deck(title="model", elements=(call, *ends), subcircuits=(model, *inside)))
    terminals = ("0", *nodes[:2])
    found = [
        (e, e.plus if e.minus == "0" else e.minus)
        for e in flat.elements
        if isinstance(e, ir.CapacitorElement) and "0" in (e.plus, e.minus) and not {e.plus, e.minus} <= set(terminals)
    ]
    holders = {node.lower() for _, node in found}
    if not holders:
        raise CaseError(
            f"{where}: subcircuit {model.name} is no memristor that can be checked: no node holds a state; the state "
            "must be the voltage of a capacitor to ground"
        )
    if len(holders) > 1:
        shown = ", ".join(sorted(h.removeprefix("x0.").removeprefix("pin_") for h in holders))
        raise CaseError(f"{where}: subcircuit {model.name} has several states ({shown}); a device here has one")
    holder = holders.pop()
    state = holder.removeprefix("x0.").removeprefix("pin_")
    known = {state, DRIFT}
    for pin in pins[2:]:
        if pin not in known:
            raise CaseError(
                f"{where}: pin {pin!r} of subcircuit {model.name} is not understood{nearest(pin, known)}; after the "
                f"two terminals a model may have its state and {DRIFT!r}"
            )
    capacitance = math.fsum(e.value for e, _ in found)  # type: ignore[misc]
    own = {name.lower(): value for name, value in flat.initial_conditions}
    initial = own.get(holder, next((e.initial for e, _ in found if e.initial is not None), None))
    value = None if initial is None else float(initial)  # type: ignore[arg-type]
    # What stood in the model is given from outside: IC= acts under uic only, and two .ic cards contradict.
    elements = tuple(replace(e, initial=None) if isinstance(e, ir.CapacitorElement) else e for e in model.elements)
    clean = replace(model, elements=elements, initial_conditions=(), subcircuits=())
    # Side by side: ngspice supports definitions inside definitions "only marginally", and says so.
    helpers = (*model.subcircuits, *inside)
    return StateSubcircuit(
        model=clean,
        state=state,
        capacitance=capacitance,
        initial=value,
        parameters=tuple(parameters),
        helpers=helpers,
    )


def read_component(path: Path, name: str | None = None, dialect: str = "auto") -> StateSubcircuit:
    """The subcircuit `name` of a file, by default the only one that no other one calls; `dialect` as in `read_deck`.

    Raises `CaseError` and `DeckError` with file and line.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise CaseError(f"{path}: cannot read the model: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: is no text (byte {error.start} is not UTF-8); give a netlist") from None
    if len(data) > LARGEST_FILE:
        raise CaseError(f"{path}: {len(data)} bytes are no device model; at most {LARGEST_FILE} are read")
    library = read_library(text, name=path.name, dialect=dialect)
    found = {sub.name.lower(): sub for sub in library.subcircuits}
    if not found:
        raise CaseError(f"{path}: holds no subcircuit; a model is a .subckt with its two terminals as first pins")
    called = {e.subcircuit.lower() for sub in found.values() for e in sub.elements if isinstance(e, ir.Instance)}
    if name is not None:
        if name.lower() not in found:
            raise CaseError(f"{path}: has no subcircuit {name!r}{nearest(name, found)}; it has {', '.join(found)}")
        chosen = name.lower()
    else:
        roots = [key for key in found if key not in called]
        if len(roots) != 1:
            raise CaseError(
                f"{path}: has the subcircuits {', '.join(roots or found)}; choose one with --subcircuit "
                f"{next(iter(found))}"
            )
        chosen = roots[0]
    inside = [sub for key, sub in found.items() if key in called and key != chosen]
    made = component(found[chosen], source=str(path), inside=inside)
    return replace(made, notes=library.notes)


def forced(
    part: StateSubcircuit, v: Array, s: Array, engine: str, signs: Mapping[str, Array] | None = None
) -> tuple[Array, Array]:
    """Return (i in A, ds/dt in 1/s) of n copies at drops v (n,) in V and states s (n,).

    Raises `RunFailed` when the simulator cannot solve them.
    """
    i, rate, _ = lifted(part, v, s, engine, signs)
    return i, rate


def lifted(
    part: StateSubcircuit,
    v: Array,
    s: Array,
    engine: str,
    signs: Mapping[str, Array] | None = None,
    lift: float = LIFT,
) -> tuple[Array, Array, float]:
    """As `forced`, with the second terminals at `lift` V, and the current (A) that all copies lose to ground."""
    row = _rows(part, v, s, engine, signs, lift, ir.Transient(step=1.0, stop=1.0, max_step=1.0))[0]
    return -row[1::2], row[2::2] / part.capacitance, float(abs(row[0]))


def held(part: StateSubcircuit, v: Array, s: Array, engine: str, stop: float, steps: int) -> tuple[Array, Array]:
    """As `forced`, at the times of a run to `stop` s in `steps` steps: (n_t, n) each."""
    rows = _rows(part, v, s, engine, None, LIFT, ir.Transient(step=stop / steps, stop=stop, max_step=stop / steps))
    return -rows[:, 1::2], rows[:, 2::2] / part.capacitance


def _rows(
    part: StateSubcircuit,
    v: Array,
    s: Array,
    engine: str,
    signs: Mapping[str, Array] | None,
    lift: float,
    transient: ir.Transient,
) -> Array:
    elements: list[ir.Element] = [ir.VoltageSourceElement("Vlift", "lift", "0", ir.DcWave(lift))]
    save = ["i(vlift)"]
    for k, (drop, state) in enumerate(zip(v.tolist(), s.tolist(), strict=True)):
        given = {name: float(values[k]) for name, values in (signs or {}).items()}
        copy, node = part.place(k, f"p{k}", "lift", given)
        elements += [
            ir.VoltageSourceElement(f"VP{k}", f"p{k}", "lift", ir.DcWave(drop)),
            ir.VoltageSourceElement(f"VS{k}", node, "0", ir.DcWave(state)),
            *copy,
        ]
        save += [f"i(vp{k})", f"i(vs{k})"]
    deck = ir.Deck(
        title="a model at forced voltages and states",
        elements=tuple(elements),
        subcircuits=part.subcircuits,
        options=ACCURATE,
        transient=transient,
        save=tuple(save),
    )
    return np.asarray(run_deck(deck, engine).data)


def run_deck(deck: ir.Deck, engine: str, timeout: float | None = None) -> RunRecord:
    """Run a deck to its end; raises `RunFailed` when it did not complete."""
    door = get_engine(engine)
    tran = deck.transient
    assert tran is not None
    text = get_dialect(door.dialect).format_deck(deck)
    record = door.run(Job(text=text, vectors=deck.save, stop=tran.stop, timeout=timeout))
    if record.status is not Status.COMPLETE:
        raise RunFailed(f"{record.engine}: {record.reason}", deck=record.text, log=record.log)
    return record
