"""Integration by a stepper, explicit or implicit, from one corner of the sources or event of a hard bound to the next.

Every hit and every release is located, and the stepper restarted. The dense output of a step costs three more
right-hand sides and eight states of memory, so that without hard bounds it is made only where values inside the step
are wanted, or where a resistance might reach zero within it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.errors import SingularNetwork
from spicebridge.theory.time.dense_output import NODES, Piece, lagrange
from spicebridge.theory.time.problem import (
    Chatter,
    Control,
    Ending,
    Output,
    Problem,
    Settings,
    Stepper,
    breakpoints,
    longest_step,
    shortest_period,
    stiff,
    stuck,
    undetermined_within,
    vanished,
    zero_resistance,
)
from spicebridge.theory.time.walls import PROBE, Bounds

EXCURSION = 2.0
"""Within a step a state is taken to stay nearer to its start than this times the step and its largest
rate at the stages; where that leaves every resistance positive no closer look is needed."""
FIRST_PROBE = 1e-9
"""Probe of the modes at the start, in units of the span or the shortest period."""


def integrate_stepwise(problem: Problem, settings: Settings, output: Output) -> Ending:
    """Advance from 0 to `settings.stop`, handing every accepted piece to `output`."""
    return _Run(problem, settings, output).run()


class _Run:
    def __init__(self, problem: Problem, settings: Settings, output: Output) -> None:
        self.problem, self.settings, self.output = problem, settings, output
        self.bounds = Bounds(problem.dynamics)
        self.walled = self.bounds.edges.size > 0
        self.period = shortest_period(problem.network)
        self.ceiling, self.budget = longest_step(problem, settings, self.period), settings.budget(self.period)
        self.t, self.state = 0.0, problem.network.initial_state.copy()
        self.probe = FIRST_PROBE * min(settings.stop, self.period)
        self.step: float | None = None
        self.count, self.trouble = 0, ""
        self.chatter = Chatter(self.bounds.edges.size, settings.stop)

    def run(self) -> Ending:
        with np.errstate(all="ignore"):
            for barrier in breakpoints(self.problem.network, self.settings.stop):
                if self.t < barrier:
                    self.problem.dynamics.enter(self.t, barrier)
                while self.t < barrier:
                    reason = self._to_event(barrier)
                    if reason:
                        return self._ending(reason)
        return self._ending("")

    def _ending(self, reason: str) -> Ending:
        return Ending(stop=self.t, reason=reason, rhs_count=self.count, events=self.bounds.events)

    def _field(self, time: float, raw: Array) -> Array:
        self.count += 1
        try:
            return self.problem.dynamics(self.bounds.state(raw) if self.bounds.any_held else raw, time)
        except SingularNetwork as error:
            self.trouble = str(error)
            # The rate at a singular point: it makes the stepper shorten its step.
            return np.full(raw.shape, np.nan)

    def _stepper(self, barrier: float) -> Stepper:
        bounds, settings = self.bounds, self.settings
        level = settings.atol * self.problem.scale
        if self.walled:
            self.state = bounds.resolve(
                self.t, self.state, min(self.probe, 0.5 * (barrier - self.t)), record=self.t > 0.0
            )
            self.count += 2
        held = bounds.mode != 0 if bounds.any_held else None
        return (self.problem.implicit or explicit_stepper)(
            self._field,
            self.t,
            self.state if held is None else bounds.unknowns(self.state),
            barrier,
            max_step=self.ceiling,
            rtol=settings.rtol,
            atol=level if held is None else np.where(held, settings.atol + settings.rtol, level),
            first_step=None if self.step is None else min(self.step, barrier - self.t),
            state_of=None if held is None else bounds.state,
            held=held,
        )

    def _to_event(self, barrier: float) -> str:
        """Step until an event or the barrier; return why the integration ends, "" where it goes on."""
        stepper = self._stepper(barrier)
        while stepper.status == "running":
            before = stepper.f
            stepper.step()
            if stepper.status == "failed" or not np.isfinite(stepper.y).all():
                return stuck(self.problem, self.state, self.t, self.trouble)
            if self.count > self.budget:
                return stiff(self.count, self.t, float(stepper.h_abs))
            end, self.step = float(stepper.t), float(stepper.h_abs)
            self.probe = PROBE * (end - self.t)
            doubtful = self.walled or self.problem.signature is not None or self._doubtful(stepper)
            if doubtful or self.output.wants(self.t, end):
                reason, event = self._look(stepper, before, doubtful)
                if reason:
                    return reason
                if event:
                    return self.chatter.seen(self.t)
            else:
                self.output.reach(end, stepper.y)
                self.t, self.state = end, stepper.y
        self.t = barrier
        return ""

    def _look(self, stepper: Stepper, before: Array, doubtful: bool) -> tuple[str, bool]:
        """Make the dense output of the last step, cut it at its first event and hand it over: (why it ends, event)."""
        problem, bounds, t = self.problem, self.bounds, self.t
        length = float(stepper.t - t)
        values = stepper.dense_output()(t + length * NODES).T
        if not np.isfinite(values).all():
            return stuck(problem, self.state, t, self.trouble), False
        x, hit = bounds.first_event(values, t, length, (before, stepper.f))
        held = bounds.mode if bounds.any_held else None
        piece = Piece(start=t, stop=float(stepper.t), length=length, c=values, basis=lagrange, held=held)
        passage = undetermined_within(problem, t, piece.stop, self.state, piece.at)
        if passage is not None and not passage[0] > t + x * length:
            self._keep(piece, passage[0])
            return passage[1], False
        event = math.isfinite(x)
        end = float(t + x * length) if event else piece.stop
        negative = zero_resistance(problem, values, x) if doubtful else None
        if negative is not None:
            k, at = negative
            end = float(t + at * length)
            self._keep(piece, end)
            return vanished(problem, k, end, float(piece.at(end)[k])), False
        self._keep(piece, end)
        self.state = np.where(hit > 0, 1.0, np.where(hit < 0, 0.0, piece.at(end))) if event else bounds.state(stepper.y)
        return "", event

    def _keep(self, piece: Piece, end: float) -> None:
        """Hand over the step up to `end` and go there."""
        if end > self.t:
            self.output.keep(replace(piece, stop=end, hard=self.bounds.hard if self.walled else None))
        self.t = end

    def _doubtful(self, stepper: Stepper) -> bool:
        """Whether a resistance may have reached zero inside the step."""
        largest = np.maximum(stepper.K.max(axis=0), -stepper.K.min(axis=0))
        largest *= EXCURSION * float(stepper.t - self.t)
        return not self.problem.dynamics.surely_conducting(self.state, largest, stepper.y)


def explicit_stepper(
    field: Callable[[float, Array], Array],
    t: float,
    y: Array,
    bound: float,
    *,
    state_of: Callable[[Array], Array] | None,
    held: BoolArray | None,
    **control: Unpack[Control],
) -> Stepper:
    """The maker of explicit steppers, which need not know what their unknowns are."""
    from spicebridge.theory.time.dop853 import ExplicitStepper

    # SciPy's types know neither a tolerance for every component nor the attributes of its steppers.
    make: Any = ExplicitStepper
    stepper: Stepper = make(field, t, y, bound, **control)
    return stepper
