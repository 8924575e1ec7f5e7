"""The circuit as data: frozen elements, subcircuits, analysis, options. No text here.

Names carry their SPICE letter ("V7"). Nodes are strings, ground is "0". A value is a float in SI
units or an expression. `comment` is written beside the element by every dialect.
Current sources drive their current from `plus` through the source to `minus`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, Union

from spicebridge.expressions.tree import Expression, Value


@dataclass(frozen=True, slots=True)
class DcWave:
    """A constant."""

    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class SinWave:
    """offset + amplitude exp(-(t-delay) damping) sin(2 pi frequency (t-delay) + phase); phase in degrees."""

    offset: Value
    amplitude: Value
    frequency: Value
    delay: Value = 0.0
    damping: Value = 0.0
    phase: Value = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseWave:
    """SPICE PULSE with every field given."""

    initial: Value
    pulsed: Value
    delay: Value
    rise: Value
    fall: Value
    width: Value
    period: Value


@dataclass(frozen=True, slots=True)
class PwlWave:
    """Straight lines through (time, value) points."""

    points: tuple[tuple[Value, Value], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpWave:
    """SPICE EXP: two exponential edges."""

    initial: Value
    pulsed: Value
    rise_delay: Value
    rise_tau: Value
    fall_delay: Value
    fall_tau: Value


Wave = Union[DcWave, SinWave, PulseWave, PwlWave, ExpWave]  # noqa: UP007


@dataclass(frozen=True, slots=True)
class TwoTerminal:
    name: str
    plus: str
    minus: str


@dataclass(frozen=True, slots=True)
class _Controlled(TwoTerminal):
    control_plus: str
    control_minus: str


@dataclass(frozen=True, slots=True)
class VoltageSourceElement(TwoTerminal):
    """V: wave between plus and minus, in V."""

    wave: Wave
    comment: str = ""
    letter: ClassVar[str] = "V"


@dataclass(frozen=True, slots=True)
class CurrentSourceElement(TwoTerminal):
    """I: wave from plus through the source to minus, in A."""

    wave: Wave
    comment: str = ""
    letter: ClassVar[str] = "I"


@dataclass(frozen=True, slots=True)
class ResistorElement(TwoTerminal):
    """R in ohm; an expression makes it behavioural."""

    value: Value
    comment: str = ""
    letter: ClassVar[str] = "R"


@dataclass(frozen=True, slots=True)
class CapacitorElement(TwoTerminal):
    """C in F. `initial` is the element's own IC=, which simulators honour under uic only."""

    value: Value
    initial: Value | None = None
    comment: str = ""
    letter: ClassVar[str] = "C"


@dataclass(frozen=True, slots=True)
class InductorElement(TwoTerminal):
    """L in H; `initial` as for the capacitor, in A."""

    value: Value
    initial: Value | None = None
    comment: str = ""
    letter: ClassVar[str] = "L"


@dataclass(frozen=True, slots=True)
class VoltageControlledVoltage(_Controlled):
    """E: V(plus, minus) = gain V(control_plus, control_minus)."""

    gain: Value
    comment: str = ""
    letter: ClassVar[str] = "E"


@dataclass(frozen=True, slots=True)
class VoltageControlledCurrent(_Controlled):
    """G: current gain V(control_plus, control_minus) from plus through the source to minus."""

    gain: Value
    comment: str = ""
    letter: ClassVar[str] = "G"


@dataclass(frozen=True, slots=True)
class CurrentControlledCurrent(TwoTerminal):
    """F: current gain I(source) from plus through the source to minus."""

    source: str
    gain: Value
    comment: str = ""
    letter: ClassVar[str] = "F"


@dataclass(frozen=True, slots=True)
class CurrentControlledVoltage(TwoTerminal):
    """H: V(plus, minus) = gain I(source)."""

    source: str
    gain: Value
    comment: str = ""
    letter: ClassVar[str] = "H"


@dataclass(frozen=True, slots=True)
class BehaviouralVoltage(TwoTerminal):
    """B with V=…"""

    expression: Expression
    comment: str = ""
    letter: ClassVar[str] = "B"


@dataclass(frozen=True, slots=True)
class BehaviouralCurrent(TwoTerminal):
    """B with I=…: from plus through the source to minus."""

    expression: Expression
    comment: str = ""
    letter: ClassVar[str] = "B"


@dataclass(frozen=True, slots=True)
class Switch(_Controlled):
    """S: a resistor that turns on where V(control_plus, control_minus) exceeds its model's vt."""

    model: str
    comment: str = ""
    letter: ClassVar[str] = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """X: a subcircuit in place, nodes in pin order."""

    name: str
    nodes: tuple[str, ...]
    subcircuit: str
    parameters: tuple[tuple[str, Value], ...] = ()
    comment: str = ""
    letter: ClassVar[str] = "X"


FlatElement = Union[  # noqa: UP007
    VoltageSourceElement,
    CurrentSourceElement,
    ResistorElement,
    CapacitorElement,
    InductorElement,
    VoltageControlledVoltage,
    VoltageControlledCurrent,
    CurrentControlledCurrent,
    CurrentControlledVoltage,
    BehaviouralVoltage,
    BehaviouralCurrent,
    Switch,
]
"""An element of a deck without subcircuits: it has two terminals."""
Element = Union[FlatElement, Instance]  # noqa: UP007


@dataclass(frozen=True, slots=True)
class Model:
    """.model: `kind` is the device type ("sw"), parameters in order."""

    name: str
    kind: str
    parameters: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """.func name(arguments) = body."""

    name: str
    arguments: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcircuit:
    """.subckt: pins, parameters with defaults, local definitions, elements.

    With `veriloga` it is that module instead, and has no elements.
    """

    name: str
    pins: tuple[str, ...]
    parameters: tuple[tuple[str, Value], ...] = ()
    elements: tuple[Element, ...] = ()
    models: tuple[Model, ...] = ()
    subcircuits: tuple[Subcircuit, ...] = ()
    functions: tuple[Function, ...] = ()
    local_parameters: tuple[tuple[str, Value], ...] = ()
    initial_conditions: tuple[tuple[str, Value], ...] = ()
    header: tuple[str, ...] = ()
    veriloga: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient:
    """.tran: print step, stop, start, step ceiling; all in s."""

    step: float
    stop: float
    start: float = 0.0
    max_step: float | None = None
    uic: bool = False


class Sources(Protocol):
    """Where the parts of a deck were read."""

    def describe(self, scope: str, kind: str, name: str, message: str) -> str:
        """`message` with the place of a part: its scope (dotted subcircuit names), kind and name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deck:
    """A whole circuit with its analysis.

    `header` are comment lines that say what it is. `options` are (name, value) with None for a flag.
    `save` are vector names in lower case, such as "v(w7)". `global_nodes` are the same node in every subcircuit.
    A deck that was read carries `notes` on what was taken for granted and what was left out because it has no
    effect here, the `dialect` it was read as, and `sources`, the places in the text; none counts for equality.
    """

    title: str
    elements: tuple[Element, ...] = ()
    header: tuple[str, ...] = ()
    parameters: tuple[tuple[str, Value], ...] = ()
    functions: tuple[Function, ...] = ()
    models: tuple[Model, ...] = ()
    subcircuits: tuple[Subcircuit, ...] = ()
    initial_conditions: tuple[tuple[str, Value], ...] = ()
    options: tuple[tuple[str, Value | str | None], ...] = ()
    transient: Transient | None = None
    save: tuple[str, ...] = ()
    global_nodes: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    dialect: str = field(default="", compare=False)
    sources: Sources | None = field(default=None, compare=False, repr=False)

    def with_transient(self, transient: Transient) -> Deck:
        """The same circuit under another analysis."""
        return replace(self, transient=transient)

    def with_options(self, **options: Value | str | None) -> Deck:
        """The same circuit with these options changed or added."""
        merged = dict(self.options) | options
        return replace(self, options=tuple(merged.items()))

    def element(self, name: str) -> Element:
        """The element called `name` (case folded); KeyError if there is none."""
        for element in self.elements:
            if element.name.lower() == name.lower():
                return element
        raise KeyError(name)

    def without(self, *names: str) -> Deck:
        """The same circuit without the elements of these names."""
        gone = {name.lower() for name in names}
        return replace(self, elements=tuple(e for e in self.elements if e.name.lower() not in gone))
