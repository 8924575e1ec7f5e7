"""Memristor emulators as their firmware runs them: quantised, sampled, one update late.

Every update period T_u the controller reads the voltage over its potentiometer through a converter
(`parts.ANALOG_INPUT`), infers i = v/R with the resistance of the code that stands, steps w <- w + T_u F, and sends the
code of the new w, which takes effect at the next update. Between updates the network is resistive and its currents
follow from Kirchhoff's laws at once.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.board import addresses
from spicebridge.lab.design.builds import Ensemble, Errors, hard_bounds, rates
from spicebridge.lab.design.laws import equation, state_of
from spicebridge.lab.design.parts import ANALOG_INPUT, format_rows
from spicebridge.lab.design.plan import Plan, converter_range, node_voltages
from spicebridge.lab.design.reactances import AT_ONCE, Reactances, resistances
from spicebridge.lab.design.wiring import target_offset
from spicebridge.laws.base import parameter_names
from spicebridge.theory.currents.topology import Topology
from spicebridge.waveforms import Waveforms

SDIRK = 1.0 - 0.5**0.5
"""Stage of the L-stable method of second order that carries capacitors and inductors from update to update."""


@dataclass(frozen=True, eq=False)
class CodeTable:
    """Firmware of one edge: `codes` (positions,), `ohms` set by each, `states` for which each is meant."""

    edge: int
    codes: NDArray[np.intp]
    ohms: Array
    states: Array


def table(plan: Plan, k: int) -> CodeTable:
    """Code, resistance and state of edge k; resistances include the wiper."""
    pot, law = plan.pot, plan.network.device(k)
    codes = np.arange(pot.positions)
    ohms = pot.wiper + codes * pot.step
    states = state_of(law, ohms - target_offset(plan, k))
    return CodeTable(k, codes, np.asarray(ohms, float), np.asarray(states, float))


def format_tables(plan: Plan) -> str:
    """CSV of all tables: code, ohm, then the state for every edge."""
    edges = np.flatnonzero(plan.emulated).tolist()
    rows = [["code", "ohm", *(f"state of edge {k}" for k in edges)]]
    tables = [table(plan, k) for k in edges]
    for code in range(plan.pot.positions):
        ohm = plan.pot.wiper + code * plan.pot.step
        rows.append([str(code), f"{ohm:.3f}", *(_number(x.states[code]) for x in tables)])
    return format_rows(rows)


def format_firmware(plan: Plan) -> str:
    """JSON: the loop, and law, parameters, window and first state of every edge."""
    network, bench, span = plan.network, plan.bench, converter_range(plan)
    rows, where = [], addresses(plan)
    for k in np.flatnonzero(plan.emulated).tolist():
        law = network.device(k)
        rows.append(
            {
                "edge": k, "law": law.kind, "equation": equation(law),
                "parameters": {name: float(getattr(law, name)) for name in parameter_names(law)},
                "window": {"name": law.window.name, **asdict(law.window)},  # type: ignore[call-overload]
                "polarity": float(network.J[k]), "active": float(network.P[k]),
                "set_ohm": f"R(s) {target_offset(plan, k):+.6g}", "initial_state": float(network.initial_state[k]),
                **where[k],
            }
        )  # fmt: skip
    content = {
        "update_period_s": 1.0 / bench.update_rate,
        "converter": ANALOG_INPUT.name,
        "converter_bits": ANALOG_INPUT.bits,
        "converter_range_V": span,
        "converter_step_V": ANALOG_INPUT.step(span),
        "terminals": "B and W: R_WB = wiper + code step",
        "step_ohm": plan.pot.step,
        "wiper_ohm": plan.pot.wiper,
        "positions": plan.pot.positions,
        "loop": "every period: i = v_read / ohm[code]; v = active R(s) i; set the code of s; "
        "s += period * ds/dt(s, v, i)",
        "delay": "the code set in one period acts from the next on",
        "edges": rows,
    }
    return json.dumps(content, indent=1) + "\n"


def _number(state: float) -> str:
    """Empty where no state has the resistance."""
    return f"{state:.7g}" if math.isfinite(state) else ""


def run_firmware(plan: Plan, *, quantised: bool = True) -> Waveforms:
    """The sampled loop over the whole run, at every update; `quantised` False keeps the sampling and the delay."""
    network = plan.network
    runs = firmware_builds(plan, Errors.none(1, network.n_edges), quantised=quantised)
    return Waveforms(
        runs.t, runs.state[0], runs.current[0], runs.voltage[0], labels=network.edge_labels, source="firmware"
    )


def firmware_builds(plan: Plan, errors: Errors, *, quantised: bool = True) -> Ensemble:
    """The sampled loops of many copies at once, whose parts are off by `errors`."""
    network, pot = plan.network, plan.pot
    A = Topology.of(network).A.toarray()
    period = 1.0 / plan.bench.update_rate
    t = np.asarray(np.arange(round(plan.stop / period) + 1) * period, float)
    reactances = Reactances(network, errors.resistance)
    offset = np.array([target_offset(plan, k) for k in range(network.n_edges)])
    memory = plan.emulated
    lsb = ANALOG_INPUT.step(converter_range(plan))
    hard = hard_bounds(network)

    def sources(times: Array) -> Array:
        return network.bank(times)[:, None] * (1.0 + errors.source) + errors.source_offset

    S = sources(t)
    soon = S if reactances.none else sources(t + AT_ONCE * period)
    halfway = S if reactances.none else sources(t + SDIRK * period)

    def set_ohms(w: Array) -> Array:
        target = resistances(network, w) + offset
        if not quantised:
            return np.asarray(target)
        code = np.clip(np.rint((target - pot.wiper) / pot.step), 0, pot.positions - 1)
        return np.asarray(np.where(memory, pot.wiper + code * pot.step, target))

    def stage(R: Array, h: float, source: Array, past: Array) -> tuple[Array, Array, Array]:
        R, source = reactances.stage(R, source, past, h)
        # By loops: resistances of stages that last no time lie decades apart; differences of potentials would cancel.
        i = np.linalg.solve((A[None] * R[:, None, :]) @ A.T, (source @ A.T)[..., None])[..., 0] @ A
        state, drop = reactances.settle(R, i, past)
        return state, i, drop

    w = np.broadcast_to(network.initial_state, errors.resistance.shape).copy()
    ohms = set_ohms(w)
    state, current, voltage = (np.empty((len(w), t.size, network.n_edges)) for _ in range(3))
    for n in range(t.size):
        R = network.P * (ohms - offset) * (1.0 + errors.resistance)
        _, i, drop = stage(R, AT_ONCE * period, soon[n], w)
        state[:, n], current[:, n], voltage[:, n] = w, i, drop
        read = ohms * (1.0 + errors.resistance) * (1.0 + errors.reading) * i + errors.reading_offset
        if quantised:
            read = lsb * np.rint(read / lsb)
        upcoming = set_ohms(w)
        moved = w
        if not reactances.none:
            half = stage(R, SDIRK * period, halfway[n], w)[0]
            moved = stage(R, SDIRK * period, S[min(n + 1, t.size - 1)], w + (1.0 / SDIRK - 1.0) * (half - w))[0]
        w = moved + period * rates(network, w, read / ohms, ohms - offset)
        w[:, hard] = np.clip(w[:, hard], 0.0, 1.0)
        ohms = upcoming
    drops = voltage - np.moveaxis(S, 0, 1)
    return Ensemble(
        t=t, state=state, current=current, voltage=voltage, nodes=node_voltages(network, plan.gauge.ground, drops)
    )
