"""Marching between events: every hit and every release of a hard bound is located, and the stepper restarted.

A network with many hard edges has about as many events, each of which costs a restart; see ``reflection``
for a march that does not stop at them.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import SingularNetwork
from spicebridge.theory.time.dense_output import NODES, Piece, lagrange
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
from spicebridge.theory.time.walls import PROBE, Bounds

CHATTER_SPAN = 1e-9
"""Events within this part of the time span count as happening at one time …"""
CHATTER_EVENTS = 64
"""… and this many, plus four for every hard edge, at one time are too many."""
FIRST_PROBE = 1e-9
"""Probe of the modes at the start, in units of the span or the shortest period."""


def march_between_events(system: System, demand: Demand, keeper: Keeper) -> Outcome:
    """Advance a network with hard bounds from 0 to `demand.stop`, handing every accepted piece to `keeper`."""
    stop, rtol, atol = demand.stop, demand.rtol, demand.atol
    network, dynamics = system.network, system.dynamics
    bounds, level = Bounds(dynamics), atol * system.scale
    period = shortest_period(network)
    max_step, budget = longest_step(system, demand, period), demand.budget(period)
    t, state = 0.0, network.initial_state.copy()
    probe = FIRST_PROBE * min(stop, period)
    step: float | None = None
    count, trouble = 0, ""
    recent: list[float] = []
    limit = CHATTER_EVENTS + 4 * bounds.edges.size

    def field(time: float, raw: Any) -> Any:
        nonlocal count, trouble
        count += 1
        try:
            return dynamics(bounds.state(raw) if bounds.any_held else raw, time)
        except SingularNetwork as error:
            trouble = str(error)
            return not_a_number(raw)

    def ended(reason: str) -> Outcome:
        return Outcome(t, reason, count, bounds.events)

    with np.errstate(all="ignore"):
        for barrier in breakpoints(network, stop):
            dynamics.enter(t, barrier)
            while t < barrier:
                state = bounds.resolve(t, state, min(probe, 0.5 * (barrier - t)), record=t > 0.0)
                count += 2
                absolute: Any = np.where(bounds.mode != 0, atol + rtol, level) if bounds.any_held else level
                stepper: Any = system.stepper(
                    field,
                    t,
                    bounds.unknowns(state),
                    barrier,
                    max_step=max_step,
                    rtol=rtol,
                    atol=absolute,
                    first_step=None if step is None else min(step, barrier - t),
                    state_of=bounds.state if bounds.any_held else None,
                    held=bounds.mode != 0 if bounds.any_held else None,
                )
                event = False
                while stepper.status == "running" and not event:
                    before = stepper.f
                    stepper.step()
                    if stepper.status == "failed":
                        return ended(stuck(system, state, t, trouble))
                    if count > budget:
                        return ended(stiff(count, t, float(stepper.h_abs)))
                    length = float(stepper.t - t)
                    values = stepper.dense_output()(t + length * NODES).T
                    if not np.isfinite(values).all():
                        return ended(stuck(system, state, t, trouble))
                    x, hit = bounds.first_event(values, t, length, (before, stepper.f))
                    event = math.isfinite(x)
                    passage = undetermined_within(
                        system, t, float(stepper.t), state, partial(_at, bounds, values, t, length)
                    )
                    if passage is not None and not passage[0] > t + x * length:
                        keeper.keep(_piece(bounds, t, passage[0], length, values))
                        t = passage[0]
                        return ended(passage[1])
                    end = float(t + x * length if event else stepper.t)
                    negative = zero_resistance(system, values, x)
                    if negative is not None:
                        k, at = negative
                        end = float(t + at * length)
                    piece = _piece(bounds, t, end, length, values)
                    if end > t:
                        keeper.keep(piece)
                    state = bounds.state((lagrange(np.array([min(x, 1.0)])) @ values)[0])
                    if negative is not None:
                        where, t = float(piece(np.array([end]))[0, k]) if end > t else state[k], end
                        return ended(vanished(system, k, t, float(where)))
                    if event:
                        state = np.where(hit > 0, 1.0, np.where(hit < 0, 0.0, state))
                    t, step = end, float(stepper.h_abs)
                    probe = PROBE * length
                if event:
                    recent = [s for s in recent if s > t - CHATTER_SPAN * stop] + [t]
                    if len(recent) > limit:
                        return ended(
                            f"{len(recent)} bound events within {CHATTER_SPAN * stop:.3g} s before "
                            f"t = {t:.6g} s: states chatter at their bounds; use a smooth window"
                        )
                else:
                    t = barrier
    return ended("")


def _at(bounds: Bounds, values: Array, start: float, length: float, t: float) -> Array:
    return bounds.state((lagrange(np.array([(t - start) / length])) @ values)[0])


def _piece(bounds: Bounds, start: float, stop: float, length: float, values: Array) -> Piece:
    held = bounds.mode if bounds.any_held else None
    return Piece(start, stop, length, values, held, bounds.hard)
