"""What the bench has: supplies, generator, oscilloscope, parts and their spreads."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from spicebridge.errors import SpiceBridgeError


class LabError(SpiceBridgeError, ValueError):
    """A network that this bench cannot build or measure; names the part and by how much it fails."""


SPREADS = (
    "resistor_tolerance", "capacitor_tolerance", "pot_tolerance", "memristor_tolerance", "chain_gain", "chain_offset",
    "source_gain", "source_offset",
)  # fmt: skip
"""Fields of `Equipment` that are limits of errors."""


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """Limits and spreads of one bench; all positive, in SI units.

    `supply` is the rail: +supply and -supply in V. `headroom` is the fraction of every limit that may be used.
    `generator_peak` V and `generator_rate` samples/s of the arbitrary waveform channels. `channels` of the generator
    and how many of them are `isolated` from ground; None is no limit. `sense_ratio`: a sense resistor is this fraction
    of the smallest resistance of its edge. `update_rate` 1/s: how often an emulator reads its voltage and writes its
    potentiometer. `node_capacitance` F to ground at every node. `pot_tolerance` is that of the firmware's table after
    each potentiometer has been measured with an ohmmeter (1e-2 without). `capacitor_tolerance` is that of C0G and film
    capacitors of 1 %. `chain_gain`, `chain_offset` (V): accuracy of the emulators' converters; `memristor_tolerance`
    that of a discrete memristor's resistances against the law of the case, after selection; `source_gain`,
    `source_offset` (V): of the generators. Spreads are limits of a uniform distribution. `memristor` names a discrete
    part for all memristors; None: they are emulated. `amplitude`, `impedance`, `time` fix a scale factor that is else
    chosen.
    """

    supply: float = 15.0
    headroom: float = 0.8
    generator_peak: float = 10.0
    generator_rate: float = 10e3
    channels: int | None = None
    isolated: int | None = None
    drive_opamp: str = "OPA192"
    potentiometer: str = "AD5293-20"
    memristor: str | None = None
    sense_ratio: float = 0.005
    update_rate: float = 2000.0
    updates_per_timescale: float = 400.0
    node_capacitance: float = 5e-12
    resistor_tolerance: float = 1e-3
    capacitor_tolerance: float = 1e-2
    pot_tolerance: float = 1e-3
    memristor_tolerance: float = 0.05
    chain_gain: float = 2e-3
    chain_offset: float = 1e-3
    source_gain: float = 2e-3
    source_offset: float = 1e-3
    amplitude: float | None = None
    impedance: float | None = None
    time: float | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, str) or value is None:
                continue
            if entry.name in ("channels", "isolated"):
                if isinstance(value, bool) or value != int(value) or value < 0:
                    raise LabError(f"bench: {entry.name} = {value!r} must be a whole number of at least 0")
                continue
            spread = entry.name == "node_capacitance" or entry.name in SPREADS
            if not math.isfinite(value) or value < 0 or (value == 0 and not spread):
                raise LabError(f"bench: {entry.name} = {value!r} must be positive and finite")
        if self.headroom > 1:
            raise LabError(f"bench: headroom = {self.headroom!r} must not exceed 1")

    def tightened(self, factor: float) -> Equipment:
        """The same bench with every spread multiplied by `factor`."""
        return replace(self, **{name: getattr(self, name) * factor for name in SPREADS})
