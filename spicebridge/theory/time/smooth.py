"""Marching where nothing holds the states: DOP853 from one corner of the sources to the next.

The dense output of a step costs three more right-hand sides and eight states of memory, so that it is made
only where values inside the step are wanted, or where a resistance might reach zero within it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.time.dense_output import NODES, Piece
from spicebridge.theory.time.stepping import (
    Demand,
    Keeper,
    Outcome,
    System,
    breakpoints,
    longest_step,
    not_a_number,
    shortest_period,
    stiff,
    stuck,
    undetermined_within,
    vanished,
    zero_resistance,
)

EXCURSION = 2.0
"""Within a step a state is taken to stay nearer to its start than this times the step and its largest
rate at the stages; where that leaves every resistance positive no closer look is needed."""


def march_smoothly(system: System, demand: Demand, keeper: Keeper) -> Outcome:
    """Advance a network without hard bounds from 0 to `demand.stop`, handing steps to `keeper`."""
    dynamics = system.dynamics
    period = shortest_period(system.network)
    ceiling, budget = longest_step(system, demand, period), demand.budget(period)
    t, state = 0.0, system.network.initial_state.copy()
    step: float | None = None
    count, trouble = 0, ""

    def field(time: float, raw: Any) -> Any:
        nonlocal count, trouble
        count += 1
        try:
            return dynamics(raw, time)
        except SingularNetwork as error:
            trouble = str(error)
            return not_a_number(raw)

    with np.errstate(all="ignore"):
        for barrier in breakpoints(system.network, demand.stop):
            if not t < barrier:
                continue
            dynamics.enter(t, barrier)
            absolute: Any = demand.atol * system.scale
            stepper: Any = system.stepper(
                field,
                t,
                state,
                barrier,
                max_step=ceiling,
                rtol=demand.rtol,
                atol=absolute,
                first_step=None if step is None else min(step, barrier - t),
            )
            while stepper.status == "running":
                stepper.step()
                if stepper.status == "failed" or not np.isfinite(stepper.y).all():
                    return Outcome(t, stuck(system, state, t, trouble), count)
                if count > budget:
                    return Outcome(t, stiff(count, t, float(stepper.h_abs)), count)
                length = float(stepper.t - t)
                doubtful = _doubtful(system, state, stepper, length)
                if system.signature is not None:
                    dense = stepper.dense_output()
                    passage = undetermined_within(system, t, float(stepper.t), state, partial(_at, dense))
                    if passage is not None:
                        return _passed(keeper, t, length, dense(t + length * NODES).T, passage, count)
                if doubtful or keeper.wants(t, float(stepper.t)):
                    values = stepper.dense_output()(t + length * NODES).T
                    if not np.isfinite(values).all():
                        return Outcome(t, stuck(system, state, t, trouble), count)
                    ending = zero_resistance(system, values, np.inf) if doubtful else None
                    if ending is not None:
                        return _ended(system, keeper, t, length, values, ending, count)
                    keeper.keep(Piece(t, float(stepper.t), length, values, None, None))
                else:
                    keeper.reach(float(stepper.t), stepper.y)
                t, state, step = float(stepper.t), stepper.y, float(stepper.h_abs)
            t = barrier
    return Outcome(t, "", count)


def _doubtful(system: System, state: Array, stepper: Any, length: float) -> bool:
    """Whether a resistance may have reached zero inside the step."""
    largest = np.maximum(stepper.K.max(axis=0), -stepper.K.min(axis=0))
    largest *= EXCURSION * length
    return not system.dynamics.surely_conducting(state, largest, stepper.y)


def _at(dense: Any, t: float) -> Array:
    return np.asarray(dense(np.array([t]))[:, 0])


def _passed(keeper: Keeper, t: float, length: float, values: Array, passage: tuple[float, str], count: int) -> Outcome:
    end, reason = passage
    if end > t:
        keeper.keep(Piece(t, end, length, values, None, None))
    return Outcome(end, reason, count)


def _ended(
    system: System, keeper: Keeper, t: float, length: float, values: Array, ending: tuple[int, float], count: int
) -> Outcome:
    k, at = ending
    end = float(t + at * length)
    if end > t:
        piece = Piece(t, end, length, values, None, None)
        keeper.keep(piece)
        return Outcome(end, vanished(system, k, end, float(piece(np.array([end]))[0, k])), count)
    return Outcome(t, vanished(system, k, t, float(values[0, k])), count)
