"""Both branches on one description: a reference, and a circuit that can be run at any step.

Ladders h, h/2, h/4 share their runs; ``settle`` walks from a coarse one to one that decides, by the rule of ``judge``.
What no step changes (corners, clamps, form) is made otherwise in one more run at the finest step.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.circuit_run import CircuitRun, Transform, range_problem, run_lowered
from spicebridge.circuit.engines import Engine, Status
from spicebridge.circuit.engines.engine import Meter
from spicebridge.circuit.lower.lowered_network import Lowered
from spicebridge.errors import SimulatorDied
from spicebridge.network import Network
from spicebridge.shown import detailed
from spicebridge.verify.events import shift_tolerant, time_scales
from spicebridge.verify.judge import Evidence, Ruling
from spicebridge.verify.norms import Deviation, difference, without_rounding_of_time
from spicebridge.verify.reference import Reference
from spicebridge.verify.refinement import Triple, ladder, resolved_until
from spicebridge.verify.scales import signal_scales, swings
from spicebridge.waveforms import SIGNALS, Waveforms

Progress = Callable[[str], None]
Steps = tuple[float, float, float]

SOLVER_FLOOR = 2e-9
"""Noise of ngspice's Newton iteration in a state of order one, at reltol 1e-9 (measured; bench/honesty.py)."""
VOLTAGE_NOISE = 3e-15
"""The same in V, some roundings of a node at 1 V: it counts where all voltages of a part are small."""
VOLTAGE_ROUNDING = 1e-14
"""What rounding leaves of a drop, by all sources together, whose sum a node may stand at: it counts where a drop is zero
because no current flows (7e-15 measured)."""

LEFT = 0.5
"""A run of another kind has at most this part of what all rungs share: 0.16 with its guards, 0.1 with its clamps, 0.44 with
its clock. The difference to it is the rest."""
PARALLEL_RUNS = 2
"""Simulators at a time, in a process that shares the machine with no other of ours."""
BEAT = 1.0
"""Seconds between two words on how far the runs are."""

PATIENCE, LEAST_PATIENCE = 10.0, 20.0
"""A run of another kind may take so many times as long as the longest round of the ladder, but at least so many s."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Circuit:
    """What the simulator gets: a lowered deck, the engine, and what is done to the deck before it runs.

    `others` are the same circuit made otherwise in what no step changes (corners, clamps, form), empty where there is
    nothing of the kind; one of them has to run, the first is asked first. `signals` are those that come back.
    """

    network: Network
    lowered: Lowered
    engine: Engine
    timeout: float | None = None
    transform: Transform | None = None
    others: tuple[Lowered, ...] = ()
    signals: tuple[str, ...] = tuple(SIGNALS)

    def run(
        self, step: float, made: int = 0, *, patience: float | None = None, meter: Meter | None = None
    ) -> CircuitRun:
        """Run it at a step ceiling in s, or the circuit made otherwise in the way `made`, 1 and so on; `patience` in s.

        `meter` tells how far it is meanwhile. Raises when there is no simulator or when it dies.
        """
        lowered = self.others[made - 1] if made else self.lowered
        timeout = min((limit for limit in (patience, self.timeout) if limit is not None), default=None)
        return run_lowered(
            lowered.with_step(step), engine=self.engine, timeout=timeout, transform=self.transform, meter=meter
        )


@dataclass(frozen=True, eq=False)
class Rung:
    """One run against the reference: deviations by signal, and the reference at its points."""

    run: CircuitRun
    waves: Waveforms
    reference: Waveforms
    deviations: Mapping[str, Deviation]


@dataclass(eq=False)
class Trial:
    """A circuit at many steps against one reference, over [0, stop]; runs are kept, so that ladders share them."""

    reference: Reference
    circuit: Circuit
    stop: float
    norm: str = "auto"
    say: Progress = lambda message: None
    _runs: dict[tuple[float, int], CircuitRun] = field(default_factory=dict)
    _longest: float = 0.0
    _rungs: dict[tuple[float, int], Rung] = field(default_factory=dict)
    _given_up: dict[int, str] = field(default_factory=dict)
    _scales: dict[str, Array] | None = None

    def __post_init__(self) -> None:
        self._time_scales = time_scales(self.circuit.network, self.stop, self.norm)

    def failure(self, steps: Sequence[float]) -> tuple[str, bool] | None:
        """Run what is missing; say why a rung cannot be used, and whether a smaller step might help."""
        self._run([(h, 0) for h in steps])
        for h in steps:
            run = self._runs[h, 0]
            if run.failure is not None:
                # A deck that was refused is refused at every step.
                coarse = h > min(steps[-1], self.reference.resolution)
                finer_helps = coarse and run.record.status is not Status.REJECTED
                return f"{self.circuit.engine.name} at a step of {h:.3g} s: {run.failure}", finer_helps
            assert run.waveforms is not None
            problem = range_problem(self.circuit.network, run.waveforms)
            if problem is not None:
                return problem, h > steps[-1]
        return None

    def ladder(self, steps: Steps, elsewhere: Rung | None = None) -> list[Evidence]:
        """The evidence of three rungs; a run of another kind, `elsewhere`, bounds what they share."""
        rungs = [self.rung(h) for h in steps]
        finest = rungs[-1]
        scales = self.scales
        doubt = self.reference.uncertainty(finest.reference)
        evidence = []
        for name in self.circuit.signals:
            triple = self._triple(rungs, name)
            edge, time = triple[-1].worst()
            evidence.append(
                Evidence(
                    name=name,
                    ladder=ladder(steps, triple, self._floor(name)),
                    reference=float((doubt[name] / scales[name]).max(initial=0.0)),
                    bound=None
                    if elsewhere is None
                    else difference(triple[-1], elsewhere.deviations[name]) / (1.0 - LEFT),
                    edge=self.circuit.network.edge_name(edge),
                    index=edge,
                    time=time,
                    unit=self.circuit.network.state_units[edge] if name == "state" else SIGNALS[name],
                    scale=float(scales[name][edge]),
                    time_scale=float(self._time_scales[name][edge]),
                    pointwise=triple[-1].pointwise,
                )
            )
        return evidence

    def agrees_until(self, steps: Steps, ruling: Ruling, tolerance: float) -> float:
        """The time in s up to which the rule says of every signal that it agrees."""
        rungs = [self.rung(h) for h in steps]
        ends = []
        for name, signal in ruling.signals.items():
            constant = signal.reference + (signal.bound or 0.0)
            triple = self._triple(rungs, name)
            ends.append(resolved_until(triple, signal.ladder.floor, constant, tolerance))
        return min(ends)

    @staticmethod
    def _triple(rungs: Sequence[Rung], name: str) -> Triple:
        a, b, c = (rung.deviations[name] for rung in rungs)
        return a, b, c

    @property
    def scales(self) -> dict[str, Array]:
        """Scale of every signal of every edge, from the first run that was compared."""
        assert self._scales is not None
        return self._scales

    @property
    def graded(self) -> bool:
        """Whether the circuit has breakpoints where its states are fast."""
        corners = self.circuit.lowered.corners
        return corners is not None and corners.clock is not None

    def swings(self, h: float) -> dict[str, Array]:
        """How much of every signal there is to test, (n_e,) in units of its scale."""
        return swings(self.rung(h).reference, self.scales)

    def rung(self, h: float, made: int = 0) -> Rung:
        """The run at the ceiling h, which has to be there, and its deviations."""
        if (h, made) not in self._rungs:
            run = self._runs[h, made]
            waves = run.waveforms
            assert waves is not None
            reference = self.reference.waveforms(waves.t)
            if self._scales is None:
                self._scales = signal_scales(self.circuit.network, reference)
            deviations = {name: self._deviation(name, waves, reference) for name in self.circuit.signals}
            self._rungs[h, made] = Rung(run, waves, reference, deviations)
        return self._rungs[h, made]

    def _deviation(self, name: str, waves: Waveforms, reference: Waveforms) -> Deviation:
        scale = self.scales[name]
        ours, theirs = getattr(waves, name) / scale, getattr(reference, name) / scale
        gap = ours - theirs
        if name != "state":
            sources = [self.circuit.network.bank(waves.t) / scale] if name == "voltage" else []
            gap = without_rounding_of_time(waves.t, gap, theirs, *sources)
        return shift_tolerant(Deviation(waves.t, gap), theirs + gap, self._time_scales[name])

    def _floor(self, name: str) -> float:
        if name == "state":
            return SOLVER_FLOOR
        quietest = float(self.scales["voltage"].min(initial=math.inf))
        return SOLVER_FLOOR + (VOLTAGE_NOISE + VOLTAGE_ROUNDING * self._sources) / quietest

    @cached_property
    def _sources(self) -> float:
        """The sum of the largest |S| of every edge in V."""
        t = next(iter(self._rungs.values())).waves.t
        return float(np.abs(self.circuit.network.bank(t)).max(axis=0, initial=0.0).sum())

    def elsewhere(self, h: float) -> tuple[Rung | None, str]:
        """A run of another kind, or None and why there is none ("" where nothing could be made otherwise).

        At the finest step: a clamp that lets go late by less than a step is not seen at a coarse one.
        """
        said: dict[str, None] = {}
        for made in range(1, len(self.circuit.others) + 1):
            if made not in self._given_up:
                try:
                    self._run([(h, made)])
                except SimulatorDied as died:
                    # Made otherwise, a circuit may take steps without end; smaller ones would take longer.
                    self._given_up[made] = str(died)
            problem = self._given_up.get(made) or self._unusable(self._runs[h, made])
            if problem is None:
                return self.rung(h, made), ""
            said[problem] = None
        return None, "; ".join(said)

    def _unusable(self, run: CircuitRun) -> str | None:
        if run.waveforms is None:
            return run.failure
        return range_problem(self.circuit.network, run.waveforms)

    def _run(self, wanted: Sequence[tuple[float, int]]) -> None:
        missing = [key for key in wanted if key not in self._runs]
        if not missing:
            return
        kind = ", otherwise made," if missing[0][1] else ""
        what = f"circuit{kind} at steps of " + ", ".join(f"{h:.3g} s" for h, _ in missing)
        self.say(what)
        began = time.monotonic()
        patience = max(LEAST_PATIENCE, PATIENCE * self._longest)
        meters = [Meter(self.stop / h) for h, _ in missing]
        # One of many workers leaves the other processors to them.
        with ThreadPoolExecutor(1 if multiprocessing.parent_process() else PARALLEL_RUNS) as pool:

            def one(key: tuple[float, int], meter: Meter) -> CircuitRun:
                run = self.circuit.run(*key, patience=patience if key[1] else None, meter=meter)
                meter.done = True
                return run

            futures = [pool.submit(one, key, meter) for key, meter in zip(missing, meters, strict=True)]
            while wait(futures, BEAT).not_done:
                done = sum(meter.written for meter in meters) / sum(meter.points for meter in meters)
                self.say(detailed(what, time.monotonic() - began, done))
            for key, future in zip(missing, futures, strict=True):
                self._runs[key] = future.result()
        self._longest = max(self._longest, time.monotonic() - began)

    def circuit_run(self, h: float) -> CircuitRun:
        """The run at the ceiling h, which has to be there."""
        return self._runs[h, 0]
