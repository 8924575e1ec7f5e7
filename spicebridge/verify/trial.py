"""Both branches on one description: a theory, and a circuit that can be run at any step.

Ladders h, h/2, h/4 share their runs; ``settle`` walks from a coarse one to one that decides, by the rule of ``judge``.
What no step changes (corners, clamps, form) is made otherwise in one more run at the finest step.
"""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.circuit_run import CircuitRun, Transform, range_problem, run_lowered
from spicebridge.circuit.engines import Engine, Status
from spicebridge.circuit.engines.engine import Meter
from spicebridge.circuit.lower.lowered_network import Lowered
from spicebridge.circuit.lower.steps import drive_timescale
from spicebridge.errors import SimulatorDied
from spicebridge.network import Network
from spicebridge.shown import detailed
from spicebridge.verify.judge import Evidence
from spicebridge.verify.norms import Deviation, deviation, difference
from spicebridge.verify.reference import Theory
from spicebridge.verify.refinement import Steps, Triple, ladder
from spicebridge.verify.scales import signal_scales, swings, time_scales
from spicebridge.waveforms import SIGNALS, Waveforms

Progress = Callable[[str], None]

SOLVER_FLOOR = 2e-9
"""Noise of ngspice's Newton iteration in a state of order one, at reltol 1e-9 (measured; bench/honesty.py)."""
VOLTAGE_NOISE = 3e-15
"""The same in V, some roundings of a node at 1 V: it counts where all voltages of a part are small."""
VOLTAGE_ROUNDING = 1e-14
"""What rounding leaves of a drop, by all sources together, whose sum a node may stand at: it counts where a drop is
zero because no current flows (7e-15 measured)."""

POINTS_PER_PERIOD = 8.0
"""The coarsest step must put as many points on the shortest time scale of a drive; below, two rungs of a
ladder can agree by aliasing."""
LEFT = 0.5
"""A run of another kind has at most this part of what all rungs share: 0.16 with its guards, 0.1 with its clamps, 0.44
with its clock. The difference to it is the rest."""
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

    @property
    def graded(self) -> bool:
        """Whether it has breakpoints where its states are fast."""
        corners = self.lowered.corners
        return corners is not None and corners.clock is not None

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


@dataclass(frozen=True)
class Failure:
    """Why a ladder cannot be used, its finest run, and whether a smaller step might help."""

    reason: str
    finest: CircuitRun
    finer_helps: bool


@dataclass(frozen=True, eq=False)
class Rung:
    """One run against the theory: deviations by signal, and the theory at its points."""

    run: CircuitRun
    waves: Waveforms
    theory: Waveforms
    deviations: Mapping[str, Deviation]


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """What a ladder says before any rule: every signal's evidence and three deviations, and the finest rung.

    `swings` (n_e,) is how much of every signal there is to test, in units of its scale; ladders from above the step
    `of_drives` in s do not follow the drives.
    """

    steps: Steps
    evidence: tuple[Evidence, ...]
    deviations: Mapping[str, Triple]
    finest: Rung
    swings: Mapping[str, Array]
    of_drives: float


@dataclass(eq=False)
class Trial:
    """A circuit at many steps against one theory, over [0, stop]; runs are kept, so that ladders share them."""

    theory: Theory
    circuit: Circuit
    stop: float
    norm: str = "auto"
    say: Progress = lambda message: None
    _runs: dict[tuple[float, int], CircuitRun] = field(default_factory=dict)
    _longest: float = 0.0
    _rungs: dict[tuple[float, int], Rung] = field(default_factory=dict)
    _given_up: dict[int, str] = field(default_factory=dict)
    _scales: dict[str, Array] = field(default_factory=dict)
    _floors: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._time_scales = time_scales(self.circuit.network, self.stop, self.norm)

    def measure(self, steps: Steps) -> Measured | Failure:
        """What the ladder of these steps says; runs that are missing are made."""
        self._run([(h, 0) for h in steps])
        for h in steps:
            run = self._runs[h, 0]
            problem = self._unusable(run)
            if problem is not None:
                finer_helps = h > steps[-1]
                if run.waveforms is None:
                    problem = f"{self.circuit.engine.name} at a step of {h:.3g} s: {problem}"
                    # A deck that was refused is refused at every step.
                    coarse = h > min(steps[-1], self.theory.resolution)
                    finer_helps = coarse and run.record.status is not Status.REJECTED
                return Failure(problem, self._runs[steps[-1], 0], finer_helps)
        self.say("comparing")
        finest, middle, coarsest = (self._rung(h) for h in reversed(steps))
        doubt = self.theory.uncertainty(finest.theory)
        triples = {
            name: (coarsest.deviations[name], middle.deviations[name], finest.deviations[name])
            for name in self.circuit.signals
        }
        return Measured(
            steps=steps,
            evidence=tuple(self._evidence(name, steps, triple, doubt[name]) for name, triple in triples.items()),
            deviations=triples,
            finest=finest,
            swings=swings(finest.theory, self._scales),
            of_drives=drive_timescale(self.circuit.network, self.stop) / POINTS_PER_PERIOD,
        )

    def _evidence(self, name: str, steps: Steps, triple: Triple, doubt: Array) -> Evidence:
        """Of one signal; `doubt` (n_e,) is what the theory may be wrong by."""
        edge, time = triple[-1].worst()
        scale = self._scales[name]
        return Evidence(
            name=name,
            ladder=ladder(steps, triple, self._floors[name]),
            reference=float((doubt / scale).max(initial=0.0)),
            edge=self.circuit.network.edge_name(edge),
            index=edge,
            time=time,
            unit=self.circuit.network.state_units[edge] if name == "state" else SIGNALS[name],
            scale=float(scale[edge]),
            time_scale=float(self._time_scales[name][edge]),
            pointwise=triple[-1].pointwise,
        )

    def _rung(self, h: float, made: int = 0) -> Rung:
        """The run at the ceiling h, which has to be there, and its deviations; the first one gives the scales."""
        if (h, made) not in self._rungs:
            run, network = self._runs[h, made], self.circuit.network
            waves = run.waveforms
            assert waves is not None
            theory = self.theory.waveforms(waves.t)
            if not self._scales:
                self._scales = signal_scales(network, theory)
                sources = float(np.abs(network.bank(waves.t)).max(axis=0, initial=0.0).sum())
                quietest = float(self._scales["voltage"].min(initial=math.inf))
                floor = SOLVER_FLOOR + (VOLTAGE_NOISE + VOLTAGE_ROUNDING * sources) / quietest
                self._floors = dict.fromkeys(SIGNALS, floor) | {"state": SOLVER_FLOOR}
            deviations = {
                name: deviation(name, network, waves, theory, self._scales[name], self._time_scales[name])
                for name in self.circuit.signals
            }
            self._rungs[h, made] = Rung(run, waves, theory, deviations)
        return self._rungs[h, made]

    def otherwise(self, found: Measured) -> tuple[tuple[Evidence, ...], str]:
        """The evidence with what a run of another kind says of all that rungs share; or without it, and why.

        At the finest step: a clamp that lets go late by less than a step is not seen at a coarse one.
        """
        said: dict[str, None] = {}
        h, finest = found.steps[-1], found.finest.deviations
        for made in range(1, len(self.circuit.others) + 1):
            if made not in self._given_up:
                try:
                    self._run([(h, made)])
                except SimulatorDied as died:
                    # Made otherwise, a circuit may take steps without end; smaller ones would take longer.
                    self._given_up[made] = str(died)
            problem = self._given_up.get(made) or self._unusable(self._runs[h, made])
            if problem is None:
                other = self._rung(h, made).deviations
                apart = {name: difference(finest[name], other[name]) / (1.0 - LEFT) for name in other}
                return tuple(replace(each, bound=apart[each.name]) for each in found.evidence), ""
            said[problem] = None
        return found.evidence, "; ".join(said)

    def _unusable(self, run: CircuitRun) -> str | None:
        return run.failure if run.waveforms is None else range_problem(self.circuit.network, run.waveforms)

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
