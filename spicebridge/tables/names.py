"""The names of signals and units, the same at every door.

    state[0-1]  w[0]  x[0-1]         a state, by the edge's label or its index
    current[0-1]  i[2]               a current from tail to head in A
    voltage[0-1]  v[2]               the drop over the device, without its source, in V
    p[a]  V(a)                       the potential of a node in V
    V(a,b)  I(V1)                    what a simulator calls its own; needs a map to mean an edge

A unit stands behind a name: ``w[0-1] (1)``, ``CH1 (mV)``, ``Time [ms]``, ``C1 in mV``, ``U / V``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from spicebridge.errors import TableError

KINDS = {"state": "w", "w": "w", "x": "w", "current": "i", "i": "i", "voltage": "v", "v": "v", "p": "p"}
"""Word in front of square brackets -> kind of a signal."""
SIGNALS = {"w": "state", "i": "current", "v": "voltage"}
"""Kind -> signal of `Waveforms`."""
_SQUARE = re.compile(r"\s*(state|current|voltage|[pivwx])\[(.+)\]\Z", re.IGNORECASE)
_NODE = re.compile(r"\s*[vV]\(([^(),]+)\)\Z")
_FACTOR = re.compile(r"(.*[\])])\s*\*\s*([-+0-9.eE]+)\s*\Z", re.DOTALL)
_SIMULATOR = re.compile(r"([vV]|[iI][A-Za-z]?)\([^()\s]+\)\Z")
_BRACKET = re.compile(r"(.*?)(\s*)[(\[]([^()\[\]]*)[)\]]\s*\Z", re.DOTALL)
_WORDS = re.compile(r"(.*\S)\s+in\s+(\S+)\s*\Z|(.*\S)\s*/\s*(\S+)\s*\Z|(t|time)_(\S+)\s*\Z", re.IGNORECASE)

_BASES = {
    "s": ("s", "sec", "secs", "second", "seconds"),
    "V": ("V", "volt", "volts"),
    "A": ("A", "amp", "amps", "ampere", "amperes"),
    "ohm": ("ohm", "ohms", "Ω", "\u2126"),
    "Hz": ("Hz", "hertz"),
}
_PREFIXES = {
    **{"p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3},
    **{"pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "milli": 1e-3, "kilo": 1e3},
}


@dataclass(frozen=True)
class Signal:
    """`kind` p (node potential), v (drop over a device), i (current) or w (state); `name` of the node or edge.

    The channel shows `factor` times the signal: the ohms of a sense resistor for a current, -1 for a probe
    the wrong way round.
    """

    kind: str
    name: str
    factor: float = 1.0


def signal_of(text: str) -> Signal | None:
    """The signal that a column name spells, without a factor; None where it spells none."""
    square = _SQUARE.match(text.strip())
    if square:
        return Signal(KINDS[square[1].lower()], square[2].strip())
    node = _NODE.match(text.strip())
    return Signal("p", node[1].strip()) if node else None


def parse_signal(text: str) -> Signal:
    """``p[a]``, ``i[3]*82.5``, ``state[0-1]``. Raises `TableError`."""
    scaled = _FACTOR.match(text)
    found = signal_of(scaled[1] if scaled else text)
    if found is None:
        raise TableError(
            f"signal {text!r} must be p[node], v[edge], i[edge] or w[edge] (or voltage, current, state), with *factor "
            "if wanted"
        )
    try:
        factor = float(scaled[2]) if scaled else 1.0
    except ValueError:
        factor = 0.0
    if factor == 0.0 or not math.isfinite(factor):
        raise TableError(f"signal {text!r}: the factor must be a finite number other than 0")
    return Signal(found.kind, found.name, factor)


def parse_unit(text: str) -> tuple[str, float] | None:
    """(SI unit, what one of it is in that): "mV" -> ("V", 1e-3). None for what is no unit."""
    word = text.strip().strip("()[]").strip()
    if word == "1":
        return "1", 1.0
    for exact in (True, False):
        for base, names in _BASES.items():
            for name in names:
                if word == name or (not exact and word.lower() == name.lower()):
                    return base, 1.0
                end = word[-len(name) :]
                if (end == name if exact else end.lower() == name.lower()) and word[: -len(name)] in _PREFIXES:
                    return base, _PREFIXES[word[: -len(name)]]
    return None


def parse_heading(cell: str) -> tuple[str, str | None]:
    """(name, unit as written or None) of a heading. Raises `TableError` for a unit that is none or may be a name."""
    text = cell.strip().strip('"').strip()
    square = _SQUARE.match(text)
    if square:
        # a label of an edge is a number or has a dash; I[mA] is a current in mA
        is_unit = square[1].lower() in ("v", "i", "voltage", "current") and square[2] != "1" and parse_unit(square[2])
        return (square[1], square[2]) if is_unit else (text, None)
    alone = re.fullmatch(r"in\s+(\S+)|[(\[](\w+)[)\]]", text)
    if alone and (unit := parse_unit(alone[1] or alone[2])):
        if unit[0] != "s":
            raise TableError(f"heading {text!r} is a unit without the name of a channel; the row of names is missing")
        return "time", alone[1] or alone[2]
    bracket = _BRACKET.match(text)
    if bracket and bracket[1].strip():
        base, blank, inside = bracket[1].strip(), bracket[2], bracket[3].strip()
        unit = parse_unit(inside)
        if _SIMULATOR.match(text) and not blank:
            if unit is not None and unit[1] != 1.0:
                raise TableError(
                    f"heading {text!r} may be {base} in {inside} or a node or element called {inside!r}; write "
                    f"'{base} ({inside})' with a blank for the unit, or rename it"
                )
            return text, None
        if unit is not None:
            return base, inside
        if blank:
            raise TableError(f"unit {inside!r} of {text!r} is not known; use s, V or A with p, n, u, m or k")
        return text, None
    words = _WORDS.match(text)
    if words:
        name, unit_text = next((words[k], words[k + 1]) for k in (1, 3, 5) if words[k])
        if parse_unit(unit_text) is not None:
            return name, unit_text
        if words[1]:
            raise TableError(f"unit {unit_text!r} of {text!r} is not known; use s, V or A with p, n, u, m or k")
    return text, None
