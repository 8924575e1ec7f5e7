"""Reversible scaling of a network in impedance, amplitude and time.

    R' = z R,   S' = a S,   t' = c t,   w'(c t) = w(t)
    v' = a v,   i' = (a/z) i,   alpha' = alpha/c,   beta' = a c beta

The states are untouched: dw/dt = alpha w - (J/beta) Ron i keeps its form because Ron' i' = a Ron i. Parameters of
other laws scale by their units (`laws`): a threshold in V by a, one in A by a/z, a rate by 1/c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, Sum, terms
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.laws import check_laws, factor, units
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms
from spicebridge.windows import Tanh


@dataclass(frozen=True)
class Scaling:
    """`impedance` z (ohm per ohm), `amplitude` a (V per V), `time` c (s per s); positive."""

    impedance: float = 1.0
    amplitude: float = 1.0
    time: float = 1.0

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if not (math.isfinite(value) and value > 0):
                raise LabError(f"scaling: {name} = {value!r} must be positive and finite")

    @property
    def inverse(self) -> Scaling:
        """The scaling that undoes this one."""
        return Scaling(1.0 / self.impedance, 1.0 / self.amplitude, 1.0 / self.time)

    @property
    def current(self) -> float:
        """i'/i = a/z."""
        return self.amplitude / self.impedance

    def network(self, network: Network) -> Network:
        """The scaled network. Raises `LabError` for laws that do not scale."""
        check_laws(network)
        laws = [self._device(law) for law in network.devices()]
        drives = [self.drive(drive) for drive in network.drives]
        return replace(
            network.with_device(laws).with_drive(drives), initial_state=self._states(network, network.initial_state)
        )

    def _states(self, network: Network, state: Array) -> Array:
        """Voltages of capacitors by a, currents of inductors by a/z; states of memristors stay."""
        factors = {"V": self.amplitude, "A": self.current}
        return np.asarray(state * np.array([factors.get(unit, 1.0) for unit in network.state_units]))

    def _device(self, law: Any) -> Any:
        changes: dict[str, Any] = {
            name: getattr(law, name) * factor(unit, self.impedance, self.amplitude, self.time)
            for name, unit in units(law).items()
        }
        window = getattr(law, "window", None)
        if isinstance(window, Tanh):
            changes["window"] = replace(window, rate_scale=window.rate_scale / self.time)
        return replace(law, **changes)

    def drive(self, drive: Drive | None) -> Drive | None:
        """S'(t') = a S(t'/c)."""
        if drive is None:
            return None
        parts = [self._term(term) for term in terms(drive)]
        return parts[0] if len(parts) == 1 else Sum(tuple(parts))

    def _term(self, term: Drive) -> Drive:
        c = self.time
        term = term.scaled(self.amplitude)
        match term:
            case DC():
                return term
            case Sine():
                return replace(term, frequency=term.frequency / c, delay=term.delay * c)
            case PWL():
                return PWL(tuple(t * c for t in term.times), term.values)
            case Pulse():
                times = {name: getattr(term, name) * c for name in ("delay", "rise", "fall", "width")}
                return replace(term, **times, period=None if term.period is None else term.period * c)
        raise LabError(f"drive {term!r} cannot be scaled in time; use DC, Sine, Pulse or PWL")

    def waveforms(self, waves: Waveforms, network: Network | None = None) -> Waveforms:
        """Waveforms of `network` as those of the scaled network; None stands for one of memristors and resistors."""
        return Waveforms(
            waves.t * self.time,
            waves.state if network is None else self._states(network, waves.state),
            waves.current * self.current,
            waves.voltage * self.amplitude,
            labels=waves.labels,
            source=waves.source,
            run=waves.run,
        )

    @property
    def law(self) -> str:
        """The law in one line, with its numbers."""
        return (
            f"R' = {self.impedance:.6g} R, v' = {self.amplitude:.6g} v, t' = {self.time:.6g} t, "
            f"i' = {self.current:.6g} i, alpha' = alpha/{self.time:.6g}, beta' = {self.amplitude * self.time:.6g} beta; "
            "states unchanged"
        )
