"""Both branches on one description, with refinement: the main job."""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import spicebridge
from spicebridge.circuit.engines import Engine, Status, get_engine
from spicebridge.circuit.lower.network import Lowered, lower
from spicebridge.circuit.simulate import (
    MAX_STEPS,
    CircuitRun,
    Transform,
    drive_timescale,
    first_step,
    grid_span,
    range_problem,
    run_lowered,
)
from spicebridge.errors import NetworkError, SpiceBridgeError, nearest
from spicebridge.network import Network
from spicebridge.theory import Trajectory, screen, solve
from spicebridge.verify.events import shift_tolerant
from spicebridge.verify.invariants import measure
from spicebridge.verify.norms import Deviation, deviation
from spicebridge.verify.refinement import Ladder, ladder
from spicebridge.verify.verdict import Outcome, Verdict, decide

Progress = Callable[[str], None]

THEORY_RTOL = 1e-11
"""Relative tolerance of the theory that is compared; the second, looser run has 30 times that."""

LOOSENING = 30.0

SOLVER_FLOOR = 2e-9
"""Noise of ngspice's Newton iteration in a state of order one, at reltol 1e-9 (measured; bench/honesty.py)."""

POINTS_PER_PERIOD = 8.0
"""The coarsest step must put as many points on the shortest time scale of a drive; below, two rungs of a
ladder can agree by aliasing."""

LEAST_MOTION = 3.0
"""States have to move by so many U for their agreement to mean anything …"""
AT_REST = 1e-12
"""… unless they do not move at all, as in a tree: then the circuit has to stand still too."""

CONFIRMATION = 10.0
"""A disagreement below this many U is confirmed on a finer ladder before it is pronounced."""

PARALLEL_RUNS = 2

NORMS = ("auto", "pointwise", "events")


def validate(
    network: Network,
    t: ArrayLike,
    *,
    tolerance: float = 1e-5,
    engine: str | Engine = "ngspice",
    step: float | None = None,
    form: str = "fast",
    method: str = "auto",
    timeout: float | None = None,
    circuit: Network | None = None,
    transform: Transform | None = None,
    max_steps: int = MAX_STEPS,
    norm: str = "auto",
    progress: Progress | None = None,
) -> Verdict:
    """Compare SPICE with the network ODE over [0, t[-1]] and return a `Verdict`.

    `tolerance` bounds U in the state (dimensionless): above it the answer is UNRESOLVED. `step` is the
    coarsest step ceiling of the ladder in s; None starts coarse and refines until U meets the tolerance
    or a run would need more than `max_steps` steps. `circuit` (default: the network itself) is what the
    simulator gets, and `transform` edits its deck: to put a mutant, or a circuit of one's own, on trial.
    `norm` is "pointwise", "events" (tolerant to small shifts in time, see ``verify/events``) or "auto", which
    is "events" where a law has thresholds.
    Misuse, an unsolvable network at t = 0 and a missing or dead simulator raise; numerical trouble in
    either branch is UNRESOLVED with its reason.
    """
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise SpiceBridgeError(f"tolerance {tolerance!r} must be positive and finite")
    stop = float(grid_span(t)[-1])
    tried = network if circuit is None else circuit
    if tried.n_edges != network.n_edges:
        raise NetworkError(
            f"the circuit has {tried.n_edges} edges and the network {network.n_edges}; compare edge by edge"
        )
    if norm not in NORMS:
        raise SpiceBridgeError(f"norm {norm!r} must be one of {', '.join(NORMS)}{nearest(str(norm), NORMS)}")
    if norm == "auto":
        switching = any(not group.device.smooth for group in network.groups)
        norm = "events" if switching else "pointwise"
    door: Engine = get_engine(engine) if isinstance(engine, str) else engine
    say: Progress = progress or (lambda message: None)
    say("screening")
    checked = screen(network)
    checked.require_solvable()
    h = first_step(tried, stop) if step is None else float(step)
    needed = 4.0 * stop / h
    if needed > max_steps:
        reason = (
            f"the finest of three runs would need {needed:.3g} steps of {h / 4:.3g} s, more than max_steps = "
            f"{max_steps}; shorten the span, or slow down the fastest sine"
        )
        return Verdict(
            Outcome.UNRESOLVED, reason, np.nan, np.nan, tolerance=tolerance, screen=checked.summary, network=network
        )
    say("theory")
    fine = solve(network, stop, method=method, rtol=THEORY_RTOL, atol=THEORY_RTOL / 100)
    loose = solve(network, stop, method=method, rtol=THEORY_RTOL * LOOSENING, atol=THEORY_RTOL)
    lowered = lower(tried, stop, h, form=form)
    facts: dict[str, Any] = {
        "spicebridge": spicebridge.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "engine": door.name,
        "engine_version": door.version(),
        "theory_method": fine.method,
        "theory_rtol": THEORY_RTOL,
        "form": form,
        "solver_floor": SOLVER_FLOOR,
        "norm": norm,
        "options": {name: value for name, value in lowered.deck.options},
        "stop": stop,
    }
    common: dict[str, Any] = {
        "tolerance": tolerance,
        "screen": checked.summary,
        "network": network,
        "provenance": facts,
    }
    for trajectory in (fine, loose):
        if not trajectory.complete:
            return Verdict(Outcome.UNRESOLVED, f"theory: {trajectory.reason}", np.nan, np.nan, **common)
    time_scale = min(stop, drive_timescale(network)) if norm == "events" else 0.0
    trial = _Trial(tried, lowered, door, timeout, transform, fine, loose, time_scale, say)
    return trial.judge(h, adaptive=step is None, max_steps=max_steps, common=common)


class _Trial:
    """The circuit at many steps against one theory; runs are kept so that ladders can share them."""

    def __init__(
        self,
        network: Network,
        lowered: Lowered,
        engine: Engine,
        timeout: float | None,
        transform: Transform | None,
        fine: Trajectory,
        loose: Trajectory,
        time_scale: float,
        say: Progress,
    ) -> None:
        self.network = network
        self.lowered = lowered
        self.engine = engine
        self.timeout = timeout
        self.transform = transform
        self.fine = fine
        self.loose = loose
        self.time_scale = time_scale
        self.say = say
        self.runs: dict[float, CircuitRun] = {}
        self.deviations: dict[float, Deviation] = {}

    def judge(self, h: float, *, adaptive: bool, max_steps: int, common: dict[str, Any]) -> Verdict:
        stop = common["provenance"]["stop"]
        tolerance = common["tolerance"]
        confirmed = False
        while True:
            steps = (h, h / 2, h / 4)
            self._run(steps)
            # after the run, so that a simulator that hangs or dies is found by the run and its time-out
            common["provenance"].setdefault("capabilities", dict(self.engine.capabilities()))
            failure = self._failure(steps)
            finer = stop / (h / 16) <= max_steps
            if failure is not None:
                if adaptive and finer and failure[1]:
                    h /= 4
                    continue
                done = self.runs[steps[-1]]
                return Verdict(
                    Outcome.UNRESOLVED, failure[0], np.nan, np.nan, run=done.record, spice=done.waveforms, **common
                )
            rungs, theory_u = self._ladder(steps)
            error = rungs.errors[-1]
            outcome, U, reason = decide(error, theory_u, rungs, tolerance)
            longest = drive_timescale(self.network) / POINTS_PER_PERIOD
            if h > longest:
                outcome = Outcome.UNRESOLVED
                reason = (
                    f"the coarsest step of {h:.3g} s does not resolve the drives, and ladders alias; "
                    f"begin with {longest:.3g} s or less"
                )
            if outcome is Outcome.AGREES and AT_REST < self._motion(steps[-1]) <= LEAST_MOTION * U:
                outcome = Outcome.UNRESOLVED
                reason = (
                    f"the states move by {self._motion(steps[-1]):.2g} only, and the numerical uncertainty is {U:.2g}: "
                    "nothing was tested; lengthen the span or strengthen the drives"
                )
            doubtful = outcome is Outcome.DISAGREES and error < CONFIRMATION * U and not confirmed
            if adaptive and finer and (outcome is Outcome.UNRESOLVED or doubtful):
                confirmed = confirmed or doubtful
                ratio = np.sqrt(0.3 * tolerance / U) if np.isfinite(U) and tolerance < U else 0.5
                factor = 4 if ratio < 0.25 else 2
                h /= factor
                self.say(f"refining: {reason}")
                continue
            return self._verdict(steps, rungs, theory_u, error, outcome, U, reason, common)

    def _motion(self, h: float) -> float:
        """How far any state of the theory departs from its start, at the points of one run."""
        path = self.fine(self.deviations[h].t)
        return float(np.abs(path - path[0]).max(initial=0.0))

    def _run(self, steps: tuple[float, ...]) -> None:
        missing = [h for h in steps if h not in self.runs]
        self.say("circuit at steps of " + ", ".join(f"{h:.3g} s" for h in missing))

        def one(h: float) -> CircuitRun:
            return run_lowered(
                self.lowered.with_step(h), engine=self.engine, timeout=self.timeout, transform=self.transform
            )

        with ThreadPoolExecutor(PARALLEL_RUNS) as pool:
            for h, run in zip(missing, pool.map(one, missing), strict=True):
                self.runs[h] = run

    def _failure(self, steps: tuple[float, ...]) -> tuple[str, bool] | None:
        """Why a rung cannot be used, and whether a smaller step might help."""
        for h in steps:
            run = self.runs[h]
            if run.failure is not None:
                # A deck that was refused is refused at every step.
                finer_helps = h > steps[-1] and run.record.status is not Status.REJECTED
                return f"{self.engine.name} at a step of {h:.3g} s: {run.failure}", finer_helps
            assert run.waveforms is not None
            problem = range_problem(self.network, run.waveforms)
            if problem is not None:
                return problem, h > steps[-1]
        return None

    def _ladder(self, steps: tuple[float, float, float]) -> tuple[Ladder, float]:
        self.say("comparing")
        for h in steps:
            if h not in self.deviations:
                waves = self.runs[h].waveforms
                assert waves is not None
                pointwise = deviation(waves, self.fine)
                if self.time_scale:
                    pointwise = shift_tolerant(pointwise, waves.state, self.time_scale)
                self.deviations[h] = pointwise
        a, b, c = (self.deviations[h] for h in steps)
        theory_u = float(np.abs(self.fine(c.t) - self.loose(c.t)).max(initial=0.0))
        return ladder(steps, (a, b, c), SOLVER_FLOOR), theory_u

    def _verdict(
        self,
        steps: tuple[float, float, float],
        rungs: Ladder,
        theory_u: float,
        error: float,
        outcome: Outcome,
        U: float,
        reason: str,
        common: dict[str, Any],
    ) -> Verdict:
        finest = self.runs[steps[-1]]
        assert finest.waveforms is not None
        edge, time = self.deviations[steps[-1]].worst()
        return Verdict(
            outcome,
            reason,
            error,
            U,
            observed_order=rungs.order,
            theory_uncertainty=theory_u,
            ladder=rungs,
            worst_edge=self.network.edge_name(edge),
            worst_time=time,
            invariants=measure(self.network, finest.waveforms),
            spice=finest.waveforms,
            theory=self.fine.waveforms(finest.waveforms.t),
            run=finest.record,
            **common,
        )
