"""Network -> waveforms by a simulator: lower, write, run, read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.engines import Engine, Job, RunRecord, Status, get_engine
from spicebridge.circuit.engines.engine import Meter
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.circuit.lower.steps import first_step
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.network import Network
from spicebridge.reactive import forced_edges
from spicebridge.waveforms import SIGNALS, Waveforms

Transform = Callable[[Deck], Deck]

MAX_STEPS = 400_000
"""Steps of one run beyond which no smaller step is tried."""


@dataclass(frozen=True)
class CircuitRun:
    """One run: waveforms at the simulator's own time points, or None and a reason."""

    record: RunRecord
    waveforms: Waveforms | None
    step: float

    @property
    def failure(self) -> str | None:
        """Why there are no usable waveforms; None if there are."""
        return None if self.waveforms is not None else self.record.reason


def run_lowered(
    lowered: Lowered,
    *,
    engine: Engine,
    timeout: float | None = None,
    transform: Transform | None = None,
    meter: Meter | None = None,
) -> CircuitRun:
    """Write the deck in the engine's dialect, run it, judge it, read it back; `meter` tells how far it is meanwhile.

    Raises `SimulatorMissing`, `SimulatorDied`; a run that fails numerically is a value with a reason.
    """
    dialect = get_dialect(engine.dialect)
    generated = transform is None and lowered.edges is not None
    if transform is None:
        tran, text = lowered.frame.transient, lowered.format(dialect)
    else:
        deck = transform(lowered.deck)
        tran, text = deck.transient, dialect.format_deck(deck)
    assert tran is not None
    step = tran.step if tran.max_step is None else tran.max_step
    vectors = lowered.signals.vectors()
    record = engine.run(
        Job(text=text, vectors=vectors, stop=tran.stop, timeout=timeout, generated=generated, meter=meter)
    )
    if record.status is not Status.COMPLETE:
        return CircuitRun(record, None, step)
    # The simulator's last point may lie a rounding beyond the stop time, where no theory is defined.
    time = np.minimum(record.time, tran.stop)
    waveforms = lowered.signals.waveforms(time, record.data, engine.name, record)
    return CircuitRun(record, waveforms, step)


def to_deck(network: Network, t: ArrayLike, *, step: float | None = None, form: str = "readable") -> Deck:
    """Return the circuit of `network` as a `Deck` with a transient over `t`."""
    stop = float(grid_span(t)[-1])
    return lower(network, stop, step or first_step(network, stop), form=form).deck


def format_netlist(network: Network, t: ArrayLike, dialect: str, *, step: float | None, form: str) -> str:
    """Return the circuit of `network` as text in a simulator's language; `step` as in `to_deck`."""
    return get_dialect(dialect).format_deck(to_deck(network, t, step=step, form=form))


def grid_span(t: ArrayLike) -> Array:
    """Check an output grid (n_t,): increasing, finite, from t >= 0 to a positive stop time."""
    try:
        grid = np.atleast_1d(np.asarray(t, float))
    except (TypeError, ValueError):
        raise NetworkError(f"t = {t!r} must be an array of times in s") from None
    if grid.ndim != 1 or grid.size == 0 or not np.isfinite(grid).all():
        raise NetworkError("t must be a one-dimensional array of finite times in s")
    if (np.diff(grid) <= 0).any():
        raise NetworkError("t must increase")
    if grid[0] < 0 or grid[-1] <= 0:
        raise NetworkError(f"t must begin at 0 or later and end after it, not {grid[0]:g} to {grid[-1]:g} s")
    return grid


def range_problem(network: Network, waveforms: Waveforms) -> str | None:
    """Say where a resistance reached zero or changed sign, if anywhere."""
    for group in network.groups:
        if not (group.device.stateful and group.device.ohmic):
            continue
        R = group.resistive.resistance(waveforms.state[:, group.edges])
        bad = R <= 0
        if bad.any():
            bad[:, [k in forced_edges(network) for k in group.edges.tolist()]] = False
        if bad.any():
            row = int(np.argmax(bad.any(axis=1)))
            k = int(group.edges[int(np.argmax(bad[row]))])
            return (
                f"{network.edge_name(k)}: the resistance crosses zero at t = {waveforms.t[row]:.4g} s "
                f"(state {waveforms.state[row, k]:.4g}); bound the state with a window or shorten the run"
            )
    return None


def simulate(
    network: Network,
    t: ArrayLike,
    *,
    engine: str | Engine = "ngspice",
    step: float | None = None,
    tolerance: float = 1e-5,
    form: str = "fast",
    timeout: float | None = None,
    transform: Transform | None = None,
    signals: Sequence[str] = tuple(SIGNALS),
) -> Waveforms:
    """Run the circuit of `network` and return its waveforms on `t`.

    Parameters
    ----------
    network : Network
    t : array_like (n_t,)
        Times in s, increasing from 0 or later. Between the simulator's own points a cubic spline is used; a state with
        hard bounds is kept within the range of its own points, where a spline would ring.
    engine : str or Engine
    step : float, optional
        Step ceiling in s; None halves it until two runs differ by no more than 3 `tolerance` in the state (second
        order: the finer one is then within `tolerance`).
    tolerance : float
        Of the state, dimensionless; without meaning where `step` is given.
    form : str
        "fast" or "readable" circuit.
    timeout : float, optional
        Longest time of one run in s.
    transform : callable, optional
        Edits the deck before it is written.
    signals : sequence of str
        What is saved and kept beside "state", which always is; the others are NaN.

    Returns
    -------
    Waveforms
        (n_t, n_e) each; ``.run`` is the simulator's record: deck, log, version, own time points.

    Raises
    ------
    RunFailed
        When the simulator did not complete, with deck and log attached.
    SimulatorMissing, SimulatorDied
        When there is none, or it ended early.
    """
    grid = grid_span(t)
    door: Engine = get_engine(engine) if isinstance(engine, str) else engine
    stop = float(grid[-1])
    h = first_step(network, stop) if step is None else float(step)
    lowered = lower(network, stop, h, form=form, signals=signals)

    def run(size: float) -> Waveforms:
        done = run_lowered(lowered.with_step(size), engine=door, timeout=timeout, transform=transform)
        return usable(network, done)

    fine = run(h)
    while step is None:
        coarse, h = fine, h / 2.0
        fine = run(h)
        change = float(np.abs(fine.resample(coarse.t).state - coarse.state).max())
        if change <= 3.0 * tolerance or stop / h > MAX_STEPS:
            break
    return _within_bounds(network, fine, fine.resample(grid))


def _within_bounds(network: Network, run: Waveforms, output: Waveforms) -> Waveforms:
    """Take the ringing of the interpolation off states that the circuit stops at hard bounds."""
    state = output.state.copy()
    for group in network.groups:
        if group.device.stateful and group.device.window.hard:
            own = run.state[:, group.edges]
            state[:, group.edges] = np.clip(state[:, group.edges], own.min(axis=0), own.max(axis=0))
    return replace(output, state=state)


def usable(network: Network, run: CircuitRun) -> Waveforms:
    """The waveforms of a run, or `RunFailed` with its reason."""
    record = run.record
    problem = run.failure
    if problem is None:
        assert run.waveforms is not None
        problem = range_problem(network, run.waveforms)
    if problem is not None:
        raise RunFailed(f"{record.engine}: {problem}", deck=record.text, log=record.log)
    assert run.waveforms is not None
    return run.waveforms
