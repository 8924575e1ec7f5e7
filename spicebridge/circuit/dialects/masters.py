"""Elements as instances of masters, ``name (nodes) master parameter=value``: what Spectre and VACASK have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.dialect import located, one_line
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Value

Words = dict[str, str]
"""Parameters of an instance and their text."""


@dataclass(frozen=True, kw_only=True)
class MasterStyle:
    """Where one simulator differs. Names of parameters are in the order of the fields of our waveforms.

    `kind` writes the word for a waveform and `between` stands between the numbers of a list; `dc` comes before a
    constant; `transconductance` and `transresistance` are the gains, and `probe` refers to the source of a current.
    """

    number: Callable[[Value], str]
    sine: tuple[str, ...]
    exponential: tuple[str, ...]
    pulse: tuple[str, ...] = ("val0", "val1", "delay", "rise", "fall", "width", "period")
    kind: str = "{0}"
    dc: Mapping[str, str]
    between: str = " "
    transconductance: str = "gain"
    transresistance: str = "gain"
    probe: Callable[[str], Words]

    def wave(self, wave: ir.Wave) -> Words:
        """The parameters of an independent source."""
        match wave:
            case ir.DcWave(value):
                return {**self.dc, "dc": self.number(value)}
            case ir.PwlWave(points):
                flat = self.between.join(f"{self.number(t)}{self.between}{self.number(v)}" for t, v in points)
                return {"type": self.kind.format("pwl"), "wave": f"[ {flat} ]"}
            case ir.SinWave():
                kind, names = "sine", self.sine
            case ir.PulseWave():
                kind, names = "pulse", self.pulse
            case ir.ExpWave():
                kind, names = "exp", self.exponential
        values = {n: self.number(getattr(wave, f)) for n, f in zip(names, wave.__dataclass_fields__, strict=True)}
        return {"type": self.kind.format(kind), **values}

    def instance(self, e: ir.Element) -> tuple[Sequence[str], str, Words]:
        """Nodes, master and parameters; raises `DeckError` for an element that has no master everywhere."""
        match e:
            case ir.VoltageSourceElement():
                return (e.plus, e.minus), "vsource", self.wave(e.wave)
            case ir.CurrentSourceElement():
                return (e.plus, e.minus), "isource", self.wave(e.wave)
            case ir.ResistorElement():
                return (e.plus, e.minus), "resistor", {"r": self.number(e.value)}
            case ir.CapacitorElement() | ir.InductorElement():
                master, symbol = ("capacitor", "c") if isinstance(e, ir.CapacitorElement) else ("inductor", "l")
                initial = {} if e.initial is None else {"ic": self.number(e.initial)}
                return (e.plus, e.minus), master, {symbol: self.number(e.value), **initial}
            case ir.VoltageControlledCurrent():
                nodes = (e.plus, e.minus, e.control_plus, e.control_minus)
                return nodes, "vccs", {self.transconductance: self.number(e.gain)}
            case ir.VoltageControlledVoltage():
                nodes = (e.plus, e.minus, e.control_plus, e.control_minus)
                return nodes, "vcvs", {"gain": self.number(e.gain)}
            case ir.CurrentControlledCurrent():
                return (e.plus, e.minus), "cccs", {**self.probe(e.source), "gain": self.number(e.gain)}
            case ir.CurrentControlledVoltage():
                return (e.plus, e.minus), "ccvs", {**self.probe(e.source), self.transresistance: self.number(e.gain)}
        raise DeckError(f"nothing is written for a {type(e).__name__} here")


def commented(e: ir.Element, write: Callable[[ir.Element], str]) -> str:
    """The text of an element with its comment; raises `DeckError` naming it."""
    text = located(e, write)
    return f"{text} {remark(e.comment)}" if e.comment else text


def remark(text: str) -> str:
    """A comment; a backslash at its end would swallow the next line."""
    return f"// {one_line(text)}".rstrip("\\ ")
