"""Many initial states, sources or parameters of one network as one vectorised integration."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, ScreenError, nearest
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.ensembles.active_runs import EnsembleRecord
from spicebridge.theory.ensembles.adaptive_steps import AdaptiveSteps
from spicebridge.theory.ensembles.batched_currents import BatchCurrents, fits
from spicebridge.theory.ensembles.ensemble_waveforms import EnsembleWaveforms
from spicebridge.theory.ensembles.field import SIGNAL_RESIDUAL, Field
from spicebridge.theory.ensembles.fixed_step import FixedSteps
from spicebridge.theory.ensembles.members import Members
from spicebridge.theory.ensembles.tableaux import Tableau, eighth_order, fifth_order
from spicebridge.theory.threads import one_blas_thread
from spicebridge.theory.time.integration import (
    check_evaluations,
    check_tolerances,
    checked_times,
    is_whole,
    solve,
)
from spicebridge.theory.time.problem import Settings
from spicebridge.waveforms import SIGNALS

BATCH_NUMBERS = 65_536
"""States in a batch by default: enough for matrix products at full speed, few enough for the cache."""
SHARP = 1e-7
"""Below this rtol the pair of order eight needs fewer evaluations on networks with hard bounds too."""


def integrate_ensemble(
    network: Network,
    t: ArrayLike,
    *,
    initial_states: ArrayLike | None = None,
    sources: object = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    signals: Collection[str] = ("state",),
    rtol: float = 1e-6,
    atol: float = 1e-8,
    batch: int | None = None,
    max_evaluations: int | None = None,
    step: float | None = None,
) -> EnsembleWaveforms:
    """Integrate many trajectories of `network` from t = 0.

    At least one of `initial_states`, `sources` and `parameters` is given, and all that are have one entry per
    trajectory. What is not given is the network's own.

    Parameters
    ----------
    network : Network
    t : array_like (n_t,)
        Times in s.
    initial_states : array_like (n_traj, n_e) or (n_traj,), optional
        The latter: one value for all edges.
    sources : array_like (n_traj, n_e) or (n_traj,), or a list, optional
        Levels in V, or a drive (as `Network.with_drive` takes it) for each trajectory.
    parameters : mapping, optional
        ``{"alpha": values}`` with values (n_traj, n_e) or (n_traj,) for every device with a parameter of that name.
    signals : collection of str
        What is returned; current and voltage cost one more solve per output time.
    rtol, atol : float
        Each trajectory keeps its own step and error: at most `atol` + `rtol` |s| a step on every edge.
    batch : int, optional
        Trajectories under way at a time; None takes as many as serve the cache. Results do not depend on it beyond
        rounding.
    max_evaluations : int, optional
        Evaluations of the right-hand side after which a trajectory is given up.
    step : float, optional
        Equal steps of so many s (see ``fixed_step``): for statistics of many trajectories, several times faster, right
        to some 1e-3; ``bias`` and ``strayed`` of the result say what that costs. `rtol` and `atol` have no meaning
        then.

    Returns
    -------
    EnsembleWaveforms
        A trajectory that meets numerical trouble, a singular start included, does not raise: it has a reason here and
        the others go on.

    Raises
    ------
    NetworkError
        Misuse.
    """
    times = checked_times(t)
    check_tolerances(rtol, atol)
    check_evaluations(max_evaluations)
    settings = Settings(stop=float(times[-1]), rtol=rtol, atol=atol, max_evaluations=max_evaluations)
    wanted = _checked_signals(signals)
    if batch is not None and not (is_whole(batch) and batch >= 1):
        raise NetworkError(f"batch = {batch!r} must be a number of trajectories, at least 1")
    members = Members.of(network, initial_states, sources, parameters)
    topology = Topology.of(network)
    together = _together(network, topology)
    _check_step(step, network, together)
    with one_blas_thread():
        if together:
            return _side_by_side(members, topology, times, settings, wanted, batch, step)
        return _one_by_one(members, times, settings, wanted)


def _side_by_side(
    members: Members,
    topology: Topology,
    times: Array,
    settings: Settings,
    wanted: set[str],
    batch: int | None,
    step: float | None,
) -> EnsembleWaveforms:
    """All trajectories in batches, by steps of their own or by equal steps."""
    currents = BatchCurrents(topology)
    size = int(batch or max(1, BATCH_NUMBERS // members.network.n_edges))
    if step is not None:
        record = FixedSteps(members, currents, times, step, size).run()
    else:
        tableau = _tableau(members.network, settings.rtol)
        record = AdaptiveSteps(members, currents, tableau, times, settings, size).run()
    values = {"state": record.state}
    if wanted & {"current", "voltage"}:
        field = Field(members, currents, SIGNAL_RESIDUAL)
        values["current"], values["voltage"] = field.signals(times, record.state, size)
    return _waveforms(members, times, record, {name: values[name] for name in wanted}, currents.form)


def _waveforms(
    members: Members, times: Array, record: EnsembleRecord, values: dict[str, Array], form: str
) -> EnsembleWaveforms:
    return EnsembleWaveforms(
        t=times,
        state=record.state,
        current=values.get("current"),
        voltage=values.get("voltage"),
        stop=record.stop,
        reasons=tuple(record.reasons),
        rhs_count=record.count,
        form=form,
        labels=members.network.edge_labels,
        half_step=record.half_step,
    )


def _check_step(step: float | None, network: Network, together: bool) -> None:
    if step is None:
        return
    if not (isinstance(step, Real) and math.isfinite(step) and step > 0):
        raise NetworkError(f"step = {step!r} must be a positive time in s, or None")
    if network.reactive or not together:
        raise NetworkError("step: this network is integrated one trajectory after the other; leave the step out")


def _together(network: Network, topology: Topology) -> bool:
    """Whether the batched integration can take this network and gains from it."""
    devices = [group.device for group in network.groups]
    simple = all(device.ohmic and device.smooth for device in devices)
    return simple and fits(topology)


def _tableau(network: Network, rtol: float) -> Tableau:
    """Hits cut steps short, so that with hard bounds a pair with fewer stages is cheaper."""
    hard = any(group.device.stateful and group.device.window.hard for group in network.groups)
    return fifth_order() if hard and rtol > SHARP else eighth_order()


def _one_by_one(members: Members, times: Array, settings: Settings, wanted: set[str]) -> EnsembleWaveforms:
    """Single integrations, for laws or sizes that gain nothing from company."""
    record = EnsembleRecord.empty(members.count, times.size, members.network.n_edges)
    values = {name: record.state if name == "state" else np.full(record.state.shape, np.nan) for name in wanted}
    for k in range(members.count):
        try:
            run = solve(
                members.member(k),
                settings.stop,
                rtol=settings.rtol,
                atol=settings.atol,
                max_evaluations=settings.max_evaluations,
            )
        except ScreenError as error:
            record.reasons[k] = str(error)
            continue
        record.reasons[k], record.stop[k], record.count[k] = run.reason, run.stop, run.rhs_count
        reached = times[times <= run.stop]
        if wanted == {"state"}:
            values["state"][k, : reached.size] = run(reached)
        elif reached.size:
            waves = run.waveforms(reached)
            for name in values:
                values[name][k, : reached.size] = getattr(waves, name)
    return _waveforms(members, times, record, values, "one by one")


def _checked_signals(signals: Collection[str]) -> set[str]:
    if not isinstance(signals, Collection):
        raise NetworkError(f"signals = {signals!r} must be a list of {', '.join(SIGNALS)}")
    names = {signals} if isinstance(signals, str) else set(signals)
    for name in names:
        if name not in SIGNALS:
            raise NetworkError(f"signals: {name!r} must be one of {', '.join(SIGNALS)}{nearest(str(name), SIGNALS)}")
    return names | {"state"}
