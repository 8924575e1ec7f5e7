"""Elements and lines that the tests of dialects share."""

from __future__ import annotations

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects import dialect_names, get_dialect
from spicebridge.expressions.tree import Binary, BranchCurrent, NodeVoltage, Number, Unary

DIALECTS = tuple(name for name in dialect_names() if name != "vacask")
"""Those whose texts are held against manuals; what VACASK reads it also runs, in test_vacask.py."""
SWITCH = ir.Model("GATE", "sw", (("vt", 1.0), ("vh", 0.0), ("ron", 1e-3), ("roff", 1e9)))
X, Y = NodeVoltage("a"), NodeVoltage("a", "b")


def written(dialect: str, *elements: ir.Element, **parts: object) -> list[str]:
    """The lines of a deck of these elements, without its title."""
    text = get_dialect(dialect).format_deck(Deck(title="t", elements=elements, **parts))  # type: ignore[arg-type]
    return text.splitlines()[1:]


SINE = ir.VoltageSourceElement(
    "V1", "a", "0", ir.SinWave(offset=0.5, amplitude=2.0, frequency=50.0, delay=0.0, damping=3.0, phase=90.0)
)
PULSE = ir.CurrentSourceElement(
    "I1", "0", "a", ir.PulseWave(initial=0.0, pulsed=1.0, delay=1e-3, rise=1e-6, fall=2e-6, width=5e-3, period=0.01)
)
LINES = ir.VoltageSourceElement("V2", "a", "0", ir.PwlWave(((0.5, 1.0), (1.0, -1.0))))
EDGES = ir.VoltageSourceElement(
    "V3", "a", "0", ir.ExpWave(initial=0.0, pulsed=1.0, rise_delay=0.1, rise_tau=0.2, fall_delay=0.3, fall_tau=0.4)
)
CONSTANT = ir.CurrentSourceElement("I2", "a", "b", ir.DcWave(0.25))
BEHAVIOUR_V = ir.BehaviouralVoltage("B1", "a", "0", Binary("*", Number(2.0), Y))
BEHAVIOUR_I = ir.BehaviouralCurrent("B2", "a", "b", Unary("-", BranchCurrent("V9")))
VARIABLE = ir.ResistorElement("R1", "a", "b", Binary("+", Number(1.0), NodeVoltage("w")))
SENSE = ir.VoltageSourceElement("V9", "a", "b", ir.DcWave(0.0))
STORES = ir.CapacitorElement("C1", "a", "0", 1e-6, 0.5)
COIL = ir.InductorElement("L1", "a", "0", 1e-3)
GAIN_E = ir.VoltageControlledVoltage("E1", "a", "0", "b", "c", 2.0)
GAIN_G = ir.VoltageControlledCurrent("G1", "a", "0", "b", "c", -0.5)
GAIN_F = ir.CurrentControlledCurrent("F1", "a", "0", "V9", 3.0)
GAIN_H = ir.CurrentControlledVoltage("H1", "a", "0", "V9", 4.0)
PLACED = ir.Instance(name="X1", nodes=("a", "b"), subcircuit="cell", parameters=(("k", 2.0), ("n", -1.0)))
