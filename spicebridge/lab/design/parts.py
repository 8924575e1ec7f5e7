"""Part families with the figures the models use, E96 values, and the bill of materials.

Figures are typical values of the makers' data sheets, rounded; a kit states which it used, and a
`Equipment` or another entry here replaces them.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from spicebridge.errors import nearest
from spicebridge.lab.design.equipment import LabError


@dataclass(frozen=True, kw_only=True)
class OpAmp:
    """One-pole op-amp: `gbw` Hz, open-loop gain `gain`, `slew` V/s, `swing` V lost at each rail, `current` A,
    `min_supply` and `max_supply` V each side."""

    name: str
    gbw: float
    gain: float
    slew: float
    swing: float
    current: float
    min_supply: float
    max_supply: float


@dataclass(frozen=True, kw_only=True)
class Potentiometer:
    """Used between B and W: `total` ohm end to end, `positions`, `wiper` ohm, `current` A, `min_supply` and
    `max_supply` V each side."""

    name: str
    total: float
    positions: int
    wiper: float
    current: float
    min_supply: float
    max_supply: float

    @property
    def step(self) -> float:
        """Resistance of one position, ohm: R_WB = `wiper` + code `step`, which rises with the code."""
        return self.total / self.positions

    @property
    def largest(self) -> float:
        """Between B and W at the last code, ohm."""
        return self.wiper + (self.positions - 1) * self.step


OPAMPS = {
    part.name: part
    for part in (
        OpAmp(
            name="LT1490A", gbw=180e3, gain=1e6, slew=0.06e6, swing=0.1, current=20e-3, min_supply=1.25, max_supply=22.0
        ),
        OpAmp(name="OPA2277", gbw=1e6, gain=5e6, slew=0.8e6, swing=2.0, current=15e-3, min_supply=2.0, max_supply=18.0),
        OpAmp(name="TL072", gbw=3e6, gain=2e5, slew=13e6, swing=2.5, current=10e-3, min_supply=5.0, max_supply=18.0),
        OpAmp(name="OPA192", gbw=10e6, gain=2e6, slew=20e6, swing=0.3, current=30e-3, min_supply=2.25, max_supply=18.0),
    )
}
POTENTIOMETERS = {
    part.name: part
    for part in (
        Potentiometer(
            name="AD5293-20", total=20e3, positions=1024, wiper=60.0, current=3e-3, min_supply=9.0, max_supply=16.5
        ),
        Potentiometer(
            name="AD5293-50", total=50e3, positions=1024, wiper=60.0, current=2e-3, min_supply=9.0, max_supply=16.5
        ),
        Potentiometer(
            name="AD5293-100", total=100e3, positions=1024, wiper=60.0, current=1e-3, min_supply=9.0, max_supply=16.5
        ),
    )
}


@dataclass(frozen=True)
class AnalogInput:
    """Converter with differential inputs: `bits`, `channels`, `ranges` +-V of each pin to ground, narrow first.

    The difference of two pins spans twice the range, so that one step is 4 range/2^bits.
    """

    name: str
    bits: int
    channels: int
    ranges: tuple[float, ...]

    def step(self, span: float) -> float:
        """Volts of one code of the difference in the range `span`."""
        return 4.0 * span / float(2**self.bits)


ANALOG_INPUT = AnalogInput("AD7609", 18, 8, (5.0, 10.0))


@dataclass(frozen=True, kw_only=True)
class MemristorPart:
    """A discrete memristor: `per_package` devices, largest `current` A, and `typical` figures in words."""

    name: str
    package: str
    per_package: int
    current: float
    typical: str


MEMRISTORS = {
    part.name: part
    for part in (
        MemristorPart(
            name="Knowm-SDC-W", package="Knowm SDC memristors, tungsten, 16-pin ceramic DIP", per_package=8,
            current=1e-3, typical="the maker's switch model has 500 ohm to 1500 ohm and thresholds of +-0.27 V; "
            "measure your own devices",
        ),
        MemristorPart(
            name="Knowm-SDC-C", package="Knowm SDC memristors, carbon, 16-pin ceramic DIP", per_package=8, current=5e-5,
            typical="no figures are published beyond the largest current; measure your own devices",
        ),
    )
}  # fmt: skip
"""Largest currents as the maker's questions-and-answers page cites the data sheet (1 mA and 0.05 mA), figures of the
switch model as in the maker's published subcircuit. The law of the case, not `typical`, is what a kit uses."""


Part = TypeVar("Part")


def _listed(what: str, name: str, parts: Mapping[str, Part]) -> Part:
    if name not in parts:
        raise LabError(f"{what} {name!r} is not listed; use one of {', '.join(parts)}{nearest(name, parts)}")
    return parts[name]


def memristor_part(name: str) -> MemristorPart:
    """The discrete memristor called `name`. Raises `LabError`."""
    return _listed("memristor", name, MEMRISTORS)


def opamp(name: str) -> OpAmp:
    """The op-amp called `name`. Raises `LabError`."""
    return _listed("op-amp", name, OPAMPS)


def potentiometer(name: str) -> Potentiometer:
    """The digital potentiometer called `name`. Raises `LabError`."""
    return _listed("potentiometer", name, POTENTIOMETERS)


def e96(value: float) -> float:
    """The E96 value nearest to `value` (ohm) in ratio: round(10^(n/96), 2 decimals) times a power of ten."""
    if not (math.isfinite(value) and value > 0):
        raise LabError(f"resistance {value!r} must be positive and finite")
    step = round(96.0 * math.log10(value))
    candidates = []
    for n in (step - 1, step, step + 1):
        decade, index = divmod(n, 96)
        candidates.append(float(f"{round(10.0 ** (index / 96.0), 2):.2f}e{decade}"))
    return min(candidates, key=lambda x: (abs(math.log(x / value)), x))


SMALLEST = 0.1
"""Smallest resistor in a series pair, ohm."""


def e96_pair(value: float) -> tuple[float, ...]:
    """One or two E96 values in series, as near to `value` (ohm) as a coarse and a fine resistor come."""
    best: tuple[float, ...] = (e96(value),)
    step = round(96.0 * math.log10(value))
    for n in range(step - 40, step + 1):
        first = e96(10.0 ** (n / 96.0))
        rest = value - first
        if rest >= SMALLEST:
            pair = (first, e96(rest))
            if abs(sum(pair) - value) < abs(sum(best) - value):
                best = pair
    return best


SMALLEST_CAPACITOR, LARGEST_CAPACITOR = 100e-12, 100e-6
"""F: below, the strays of a board count; above, there are only electrolytic ones, which are polar and 20 % off."""
CERAMIC_UP_TO = 10e-9
"""F, to which C0G is sold within 1 %; above it is film."""
BIGGEST_FILM = 10e-6
E12 = (1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2)


def capacitors(value: float) -> tuple[float, ...]:
    """E12 values (F) in parallel for `value`: pieces of the biggest film, then a coarse and up to two finer ones."""
    out: list[float] = []
    rest = value
    while rest > 1.5 * BIGGEST_FILM:
        out.append(BIGGEST_FILM)
        rest -= BIGGEST_FILM
    for _ in range(3):
        if rest < max(10e-12, 1e-3 * value):
            break
        decade = 10.0 ** math.floor(math.log10(rest) + 1e-9)
        below = [
            x for x in (*E12, 10.0) if x * decade <= rest * (1.0 + 1e-9) and x * decade <= BIGGEST_FILM * (1.0 + 1e-9)
        ]
        out.append(float(f"{below[-1] * decade:.3g}"))
        rest = value - sum(out)
    return tuple(out)


LEAST_SHUNT, SHUNT = 100.0, 47e3
"""Ohm: smallest, and wanted, resistor at the capacitor of a simulated inductor."""
RAIL_SHARE = 1.0
"""Drop at the port's resistor over that of the inductor, at their peaks."""


@dataclass(frozen=True)
class Gyrator:
    """Antoniou's circuit of two op-amps: L = `port` `shunt` `farad`, with two equal resistors between (ohm, F)."""

    port: float
    shunt: float
    farad: float

    @classmethod
    def of(cls, henry: float, peak_v: float, peak_i: float) -> Gyrator:
        """Parts for an inductor that sees at most `peak_v` V and `peak_i` A."""
        port = e96(min(max(RAIL_SHARE * peak_v / peak_i if peak_i > 0 and peak_v > 0 else 1e3, 10.0), 1e6))
        farad = capacitors(min(max(henry / (port * SHUNT), 1e-9), BIGGEST_FILM))[0]
        return cls(port, sum(e96_pair(henry / (port * farad))), farad)

    @property
    def inductance(self) -> float:
        return self.port * self.shunt * self.farad


@dataclass(frozen=True, kw_only=True)
class BillLine:
    """One kind of part: how many, what, where."""

    count: int
    part: str
    value: str
    references: tuple[str, ...]
    note: str = ""


def format_bill(lines: Iterable[BillLine]) -> str:
    """The bill of materials as CSV."""
    rows = ([x.count, x.part, x.value, " ".join(x.references), x.note] for x in lines)
    return format_rows([["count", "part", "value", "references", "note"], *rows])


def format_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
