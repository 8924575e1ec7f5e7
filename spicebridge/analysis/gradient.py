"""Gradients of a loss with respect to sources, parameters and initial states, by the adjoint of the flow.

One forward run, one backward run whatever the number of variables; see ``adjoint`` for the equations, ``variables``
for the names, ``loss`` for losses. Hits of hard bounds are part of the derivative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.analysis import variables
from spicebridge.analysis.adjoint import Adjoint, require_transversal
from spicebridge.analysis.confirm import Confirmation, judged
from spicebridge.analysis.flow import PLACES, Flow, four_points, whole_run
from spicebridge.analysis.loss import Loss, evaluate
from spicebridge.arrays import Array
from spicebridge.circuit.circuit_run import grid_span, simulate
from spicebridge.errors import GradientError, NetworkError
from spicebridge.network import Network
from spicebridge.shown import brief
from spicebridge.theory import Trajectory
from spicebridge.theory.threads import one_blas_thread
from spicebridge.waveforms import Waveforms

CHECK_STEP = 1e-3
"""Relative step of the differences that check laws with kinks …"""
CHECK_TOLERANCE = 1e-3
"""… and how well they have to agree: a kink costs accuracy, a jump of the rate makes them disagree."""
NOISE = 100.0
"""The value of a loss is wrong by no more than so many rtol."""
SPICE_STEPS = 8000
"""Steps of the circuit's runs over the span, and half as many for their error."""
SPICE_CHANGE = 1e-3
"""Change of a variable in the circuit's differences, relative to its size; and half of it."""
RESOLUTION = 1e-2
"""A directional derivative of the circuit whose relative U is above this says nothing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Gradient(Mapping[str, Array]):
    """dL/d(name), by name: (n_e,), or (n_e, n_knots) for "drive.values"; units of the loss over those of the name.

    ``value`` is the loss, ``waveforms`` what it was computed from. ``forward`` and ``backward`` count right-hand sides.
    ``confirmed`` holds the directional derivatives that were measured on a circuit, by name.
    """

    value: float
    arrays: dict[str, Array]
    waveforms: Waveforms = field(repr=False)
    forward: int = 0
    backward: int = 0
    confirmed: dict[str, Confirmation] = field(default_factory=dict, repr=False)

    __repr__ = brief

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


def gradient(
    network: Network,
    t: ArrayLike,
    loss: Loss,
    with_respect_to: str | Iterable[str] = variables.DEFAULT,
    *,
    rtol: float = 1e-9,
    confirm: bool = False,
    engine: str = "ngspice",
) -> Gradient:
    """The derivative of a loss of the waveforms by sources, parameters and initial states.

    Parameters
    ----------
    network
        A network of edges with v = R i or i(v, s); not of capacitors and inductors.
    t
        Output grid (n_t,) in s on which the loss sees the waveforms.
    loss
        ``loss(waveforms) -> (value, {signal: array (n_t, n_e)})``; ready ones in ``sb.loss``.
    with_respect_to
        Names: "drive" (a constant added to each source), "initial_state", any parameter of the devices, "drive.values"
        of PWL drives, "drive.amplitude" and the like.
    rtol
        Relative tolerance of both runs.
    confirm
        Measure the directional derivative along each gradient on a circuit in `engine` by central differences.

    Returns
    -------
    Gradient
        A mapping name -> array (n_e,).

    Raises
    ------
    GradientError
        Where the derivative does not exist: a state grazes a hard bound, a rate jumps.
    NetworkError
        For names that mean nothing here, and for a loss that returns something else.
    RunFailed
        Where the run does not reach the end.
    """
    times = grid_span(t)
    if network.reactive:
        raise NetworkError("gradient: capacitors, inductors and current sources are not differentiated; leave them out")
    names = variables.checked(network, with_respect_to)
    with one_blas_thread():
        found = unchecked(network, times, loss, names, rtol)
        if not all(group.device.smooth for group in network.groups):
            _check_kinks(network, times, loss, found.arrays, rtol)
    if confirm:
        found.confirmed.update({name: on_circuit(network, times, loss, name, found[name], engine) for name in names})
    return found


def unchecked(
    network: Network, times: Array, loss: Loss, names: tuple[str, ...], rtol: float, *, grazing: bool = False
) -> Gradient:
    """Loss and gradient, without the comparison that laws with kinks get in `gradient`."""
    path = whole_run(network, float(times[-1]), rtol, "gradient: ")
    waves = path.waveforms(times)
    value, slopes = evaluate(loss, waves)
    adjoint = differentiate(path, names, _samples(times, slopes), 1, rtol, grazing=grazing)
    arrays = {name: adjoint.found[name][..., 0] for name in names}
    return Gradient(value=value, arrays=arrays, waveforms=waves, forward=path.rhs_count, backward=adjoint.evaluations)


def differentiate(
    path: Trajectory,
    names: tuple[str, ...],
    samples: Mapping[float, tuple[Array, Array, Array]],
    columns: int,
    rtol: float,
    *,
    grazing: bool = False,
) -> Adjoint:
    """The adjoint run along `path`; with `grazing` a state that grazes a bound is taken as it was met.

    Raises `GradientError` otherwise.
    """
    flow = Flow(path.network, getattr(path.branch, "solver", None))
    if not grazing:
        require_transversal(flow, path)
    adjoint = Adjoint(flow, path, names, columns, rtol)
    adjoint.run(samples)
    return adjoint


def _samples(times: Array, slopes: Mapping[str, Array]) -> dict[float, tuple[Array, Array, Array]]:
    """Time -> dL/d(state, current, voltage) (n_e, 1), for the times that the loss uses."""
    zero = np.zeros((times.size, next(iter(slopes.values())).shape[1])) if slopes else np.zeros((times.size, 0))
    tables = [slopes.get(name, zero) for name in ("state", "current", "voltage")]
    used = np.flatnonzero(np.any([table.any(axis=1) for table in tables], axis=0))
    state, current, voltage = tables
    return {float(times[k]): (state[k][:, None], current[k][:, None], voltage[k][:, None]) for k in used}


def _check_kinks(network: Network, times: Array, loss: Loss, arrays: Mapping[str, Array], rtol: float) -> None:
    """Compare one directional derivative per name with differences of the theory, for laws that are not smooth."""
    for name, slope in arrays.items():
        way, size = direction(network, name, slope)
        expected = float((slope * way).sum())
        if expected == 0.0:
            continue
        sides = []
        for factor in PLACES:
            other = variables.moved(network, name, factor * CHECK_STEP * size * way)
            path = whole_run(other, float(times[-1]), rtol, "gradient: ")
            sides.append(evaluate(loss, path.waveforms(times))[0])
        measured = float(four_points(sides, CHECK_STEP * size))
        noise = NOISE * rtol * max(map(abs, sides)) / (CHECK_STEP * size)
        if abs(measured - expected) > CHECK_TOLERANCE * abs(expected) + noise:
            raise GradientError(
                f"with respect to {name!r} the law's jumps matter: the adjoint gives {expected:.6g} along its own "
                f"direction, differences {measured:.6g}; use differences, or a law whose rate does not jump"
            )


def direction(network: Network, name: str, slope: Array) -> tuple[Array, float]:
    """(way, size): the direction of a gradient, largest entry 1, and a natural size of a change of that variable.

    Initial states at a bound are left alone.
    """
    way = slope / max(float(np.abs(slope).max()), 1e-300)
    own = variables.values(network, name)
    if name == "initial_state":
        hard = Flow(network).hard
        way = np.where(hard & ((own <= 0.0) | (own >= 1.0)), 0.0, way)
        return way, 0.1
    if name == "drive":
        S = float(np.abs(network.bank(np.linspace(0.0, 1.0, 5))).max())
        return way, S or 1.0
    used = np.abs(own[np.isfinite(own) & (slope != 0.0)]) if (slope != 0.0).any() else np.ones(1)
    return way, float(used[used > 0.0].min()) if (used > 0.0).any() else 1.0


def on_circuit(
    network: Network, times: Array, loss: Loss, name: str, slope: Array, engine: str = "ngspice"
) -> Confirmation:
    """The directional derivative along `slope`, by central differences of circuits at three steps and two changes.

    Where states meet walls the error of a step jumps with the place of a hit in it: U is the larger change of the
    ladder of steps with twice what half the change changes (4/3 to leading order), and no extrapolation makes such a
    jump larger.
    """
    way, size = direction(network, name, slope)
    expected = float((slope * way).sum())
    stop = float(times[-1])

    def measured(steps: int, change: float) -> float:
        sides = []
        for sign in (1.0, -1.0):
            other = variables.moved(network, name, sign * change * size * way)
            waves = simulate(other, times, engine=engine, step=stop / steps)
            sides.append(evaluate(loss, waves)[0])
        return (sides[0] - sides[1]) / (2.0 * change * size)

    wide, small = measured(SPICE_STEPS, SPICE_CHANGE), measured(SPICE_STEPS, 0.5 * SPICE_CHANGE)
    coarse, value = measured(SPICE_STEPS // 2, SPICE_CHANGE), measured(2 * SPICE_STEPS, SPICE_CHANGE)
    U = 2.0 * abs(small - wide) + max(abs(coarse - wide), abs(wide - value))
    scale = abs(expected) or 1.0
    what = f"directional derivative by {name!r} (relative)"
    return judged(what, expected, value, abs(value - expected) / scale, U / scale + 1e-12, RESOLUTION)
