"""The one way in which this room runs circuits: a fixed step, the simulator's own time points."""

from __future__ import annotations

from typing import Protocol

from spicebridge.circuit.circuit_run import Transform, run_lowered, usable
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms


class Runner(Protocol):
    """Runs one circuit at a step ceiling; the atlas has one that keeps its runs."""

    def __call__(
        self, network: Network, stop: float, step: float, *, transform: Transform | None = None, form: str = "fast"
    ) -> Waveforms:
        """Waveforms of `network` over [0, stop] (s) on the simulator's own points. Raises `RunFailed`."""
        ...


def circuit_runner(engine: str = "ngspice") -> Runner:
    """A runner on one simulator. Raises `SimulatorMissing`."""
    door = get_engine(engine)

    def run(
        network: Network, stop: float, step: float, *, transform: Transform | None = None, form: str = "fast"
    ) -> Waveforms:
        lowered = lower(network, stop, step, form=form)
        if transform is not None:
            lowered = Lowered(transform(lowered.deck), lowered.signals)
        return usable(network, run_lowered(lowered, engine=door))

    return run
