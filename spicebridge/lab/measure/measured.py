"""Validation: does the measured circuit do what the equations say, within the measurement's uncertainty?

Calibration and the errors of parts are fitted within their stated limits (`calibration`). What remains, r, is judged
block by block against its bar U (`channels`), and for every single part in all of them together (`sight`). In this
order: some |r| > U, or a part's share beyond its bar: DISAGREES. A channel clipped, U of every channel above the
tolerance (of its range), or blind to a change `resolve` of every resistance: UNRESOLVED. Else AGREES, with the edges
named in which a change `resolve` or a flipped memristor would not have been seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import error_name
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.measure.calibration import (
    Calibration,
    Estimate,
    ForwardModel,
    Instrument,
    nuisance_basis,
    nuisances,
)
from spicebridge.lab.measure.channels import Channel, make_channel, with_own_noise, without_clipped
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.fault_diagnosis import beaten, diagnose
from spicebridge.lab.measure.inference import Inferred, infer
from spicebridge.lab.measure.measurement import FEWEST, Measurement, Signal
from spicebridge.lab.measure.sight import Changes, Sight, sight
from spicebridge.network import Network
from spicebridge.theory.threads import one_blas_thread
from spicebridge.verify.verdict import Outcome

PASSES = 8
"""Fits at most, each without the samples that the last showed to be clipped."""
UNMEASURED = 0.1
"""Part of the run without any sample that AGREES has to name: what happens there was not seen."""
NEAR = 2.0
"""Nuisances are fitted in earnest where a straight line leaves no more than so many bars."""
POINTS = 16
"""Averaged samples a shortest time of the drives, and of the third harmonic of the mains, at least."""
FASTEST_HUM = 1.0 / 180.0
AT_LIMIT = 1.0 - 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelResult:
    """One channel: fitted `gain`, `offset`; `noise` and `step` (quantisation) in its unit; `error`, `uncertainty`
    and its parts `random`, `resolution`, `circuit` over its `range`, at the worst block.

    `curve` holds block means as (time s, measured, expected, residual, bar), (5, n_b).
    """

    column: str
    signal: Signal
    gain: float
    offset: float
    noise: float
    step: float
    lost: int
    clipped: int
    spikes: int
    colour: float
    range: float
    error: float
    uncertainty: float
    random: float
    resolution: float
    circuit: float
    worst_time: float
    curve: Array


@dataclass(frozen=True)
class FittedPart:
    """A part's error: which (`builds.error_name`), `edge`, fitted `value` and its stated `limit`."""

    what: str
    edge: int
    value: float
    limit: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Validation:
    """Verdict of validation; `error` and `uncertainty` relative to a channel's range, of the worst channel.

    `trigger` s and `clock` are fitted within `instrument`; `parts` are the fitted errors; `at_limit` names what is at
    its bound; `blind` are the edges whose change by `resolve` this measurement would not show, `unsigned` those whose
    memristor could be turned round unseen; `explanations` says which single change would explain a disagreement.
    """

    outcome: Outcome
    reason: str
    error: float
    uncertainty: float
    tolerance: float
    trigger: float
    clock: float
    stop: float
    instrument: Instrument
    channels: tuple[ChannelResult, ...]
    parts: tuple[FittedPart, ...]
    at_limit: tuple[str, ...]
    blind: tuple[int, ...]
    unsigned: tuple[int, ...]
    resolve: float
    inferred: tuple[Inferred, ...]
    explanations: tuple[str, ...]


def compare_measured(
    circuit: CircuitUnderTest,
    measurement: Measurement,
    channels: Mapping[str, Signal],
    *,
    instrument: Instrument | None = None,
    tolerance: float = 0.01,
    resolve: float = 0.05,
) -> Validation:
    """Judge a measurement of `circuit`; its signals in the bench's units.

    Raises `LabError` for channels that name nothing, or with too few samples within the span.
    """
    with one_blas_thread():
        return _compared(circuit, measurement, channels, instrument or Instrument(), tolerance, resolve)


def _compared(
    circuit: CircuitUnderTest,
    measurement: Measurement,
    channels: Mapping[str, Signal],
    tool: Instrument,
    tolerance: float,
    resolve: float,
) -> Validation:
    model = ForwardModel(circuit, list(channels.values()))
    data = _channels(circuit, model, measurement, channels, tool)
    for _ in range(PASSES):
        fit = Calibration(model, data, tool)
        point = fit.solve()
        cleaned = _without_clipped(fit, point)
        if all(a is b for a, b in zip(cleaned, data, strict=True)):
            break
        data = cleaned
    explained = _explained(fit, point, resolve)
    fit, point = explained.fit, explained.point
    results = _results(fit, point)
    outcome, worst, reason = _decide(results, tolerance, explained.sight, circuit)
    reason += _named(fit, point)
    if outcome is Outcome.AGREES:
        reason += "".join(f"; nothing was judged from {a:.4g} to {b:.4g} s" for a, b in _gaps(data, circuit.stop))
    explanations = diagnose(fit, point, explained.nuisance) if outcome is Outcome.DISAGREES else ()
    parts = tuple(
        FittedPart(error_name(circuit.network, kind, k), k, float(x * limit), float(limit))
        for (kind, k), x, limit in zip(model.picks, point.theta, model.limit, strict=True)
    )
    return Validation(
        outcome=outcome, reason=reason, error=worst.error, uncertainty=worst.uncertainty, tolerance=tolerance,
        trigger=point.t0, clock=point.clock, stop=circuit.stop, instrument=tool, channels=results, parts=parts,
        at_limit=_at_limit(fit, point), blind=explained.sight.blind, unsigned=explained.sight.unsigned,
        resolve=resolve, inferred=infer(fit, point), explanations=explanations,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Explained:
    """A `fit` at its best `point`, what it says about single parts, and the least sum of squares, in bars, that
    nuisances of the instrument leave where they were tried."""

    fit: Calibration
    point: Estimate
    sight: Sight
    nuisance: float


def _explained(fit: Calibration, point: Estimate, resolve: float) -> Explained:
    """The first fit that leaves nothing beyond its bars: as it is, with nuisances of the instrument, with the noise
    that the residual itself shows, with both; else the given one."""
    original, first, least = fit, point, math.inf
    changes = Changes.of(fit, point, resolve)

    def found(tried: Calibration, at: Estimate) -> Explained | None:
        if np.abs(at.residual).max() > 1.0:
            return None
        seen = sight(tried, at, changes)
        return Explained(tried, at, seen, least) if seen.clear else None

    for own in (False, True):
        if own:
            residuals = [c.y - original.samples(first, j) for j, c in enumerate(original.data)]
            coloured = [with_own_noise(c, r) for c, r in zip(original.data, residuals, strict=True)]
            if all(a is b for a, b in zip(coloured, original.data, strict=True)):
                break
            original = Calibration(fit.model, coloured, fit.tool)
            first = original.solve(first)
        good = found(original, first)
        if good:
            return good
        for names in nuisances(original, first):
            wide = Calibration(fit.model, original.data, fit.tool, names)
            start = wide.moved_to(first)
            if wide.linear_rest(start) > NEAR:
                continue
            at = wide.solve(first)
            least = min(least, at.cost) if not own else least
            good = found(wide, at)
            if good and not beaten(at, original, first):
                return good
    return Explained(fit, point, sight(fit, point, changes), least)


def _named(fit: Calibration, point: Estimate) -> str:
    """What was fitted or left out that is neither circuit nor calibration."""
    out = ""
    found = point.nuisance.reshape(len(fit.data), -1)
    for name in fit.nuisances:
        sizes = {}
        for j, c in enumerate(fit.data):
            alone = nuisance_basis((name,), c.t, fit.tool, c.range)
            first = nuisance_basis(fit.nuisances[: fit.nuisances.index(name)], c.t[:2], fit.tool, c.range).shape[1]
            sizes[c.column] = float(np.abs(alone @ found[j, first : first + alone.shape[1]]).max()) / c.range
        column = max(sizes, key=lambda key: sizes[key])
        out += f"; {name} of up to {100 * sizes[column]:.2g} % of the range ({column}) was fitted and taken off"
    coloured = [c for c in fit.data if c.colour > 1.0]
    if coloured:
        most = max(coloured, key=lambda c: c.colour)
        out += f"; noise is correlated: block means of {most.column} scatter {most.colour:.2g} times as much as by "
        out += "white noise"
    spiky = [f"{c.spikes} of {c.column}" for c in fit.data if c.spikes]
    return out + (f"; spikes left out: {', '.join(spiky)}" if spiky else "")


def _channels(
    circuit: CircuitUnderTest,
    model: ForwardModel,
    measurement: Measurement,
    channels: Mapping[str, Signal],
    tool: Instrument,
) -> list[Channel]:
    times, expected = model.signals_of(model.errors(np.zeros((1, len(model.picks)))))
    # Only times that stay inside the run whatever the trigger turns out to be.
    margin = (tool.trigger + tool.clock) * circuit.stop
    span = margin, circuit.stop - margin
    t = measurement.t
    if np.count_nonzero((t >= span[0]) & (t <= span[1])) < FEWEST:
        raise LabError(
            f"the measurement's times go from {t[0]:.6g} to {t[-1]:.6g} s, the run from 0 to {circuit.stop:.6g} s: "
            f"fewer than {FEWEST} samples fall into it; name the unit of the time in the header, as in 't (ms)', and "
            "give --kit if a kit was built"
        )
    out = []
    fast = min((d.timescale() for d in set(circuit.network.drives) if d is not None), default=circuit.stop)
    finest = min(fast, FASTEST_HUM) / POINTS
    for j, (column, signal) in enumerate(channels.items()):
        known = circuit.discrepancy.of(circuit.network, signal) if circuit.discrepancy else 0.0
        out.append(
            make_channel(measurement, column, signal, span, (times, expected[0, :, j]), known, len(channels), finest)
        )
    return out


def _without_clipped(fit: Calibration, p: Estimate) -> list[Channel]:
    return [without_clipped(c, fit.samples(p, j), len(fit.data)) for j, c in enumerate(fit.data)]


def _results(fit: Calibration, point: Estimate) -> tuple[ChannelResult, ...]:
    out = []
    expected = fit.split(fit.mean - point.residual * fit.bar)
    for j, (c, r) in enumerate(zip(fit.data, fit.split(point.residual * fit.bar), strict=True)):
        worst = int(np.argmax(np.abs(r) / c.bar))
        curve = np.array([c.blocks(c.t), c.mean, expected[j], r, c.bar])
        out.append(
            ChannelResult(
                column=c.column, signal=c.signal, gain=1.0 + fit.tool.gain * float(point.gain[j]),
                offset=fit.tool.shift(c.range) * float(point.offset[j]), noise=c.noise, step=c.step, lost=c.lost,
                clipped=c.clipped, spikes=c.spikes, colour=c.colour, range=c.range,
                error=abs(float(r[worst])) / c.range, uncertainty=float(c.bar[worst]) / c.range,
                random=float(c.random[worst]) / c.range, resolution=float(c.resolution[worst]) / c.range,
                circuit=c.circuit / c.range, worst_time=float(curve[0, worst]), curve=curve,
            )
        )  # fmt: skip
    return tuple(out)


def _gaps(data: list[Channel], stop: float) -> list[tuple[float, float]]:
    """Stretches of the run longer than `UNMEASURED` of it in which no channel has a sample that was judged."""
    t = np.unique(np.concatenate([[0.0, stop], *(c.t for c in data)]))
    wide = np.flatnonzero(np.diff(t) > UNMEASURED * stop)
    return [(float(t[k]), float(t[k + 1])) for k in wide]


def _at_limit(fit: Calibration, point: Estimate) -> tuple[str, ...]:
    network = fit.model.circuit.network
    names = [f"{error_name(network, kind, k)} of edge {k}" for kind, k in fit.model.picks]
    names += [f"{what} of {c.column}" for what in ("gain", "offset") for c in fit.data]
    values = [*point.theta, *point.gain, *point.offset]
    hit = [name for name, value in zip(names, values, strict=True) if abs(value) >= AT_LIMIT]
    hit += ["trigger"] if fit.reach and abs(point.t0) >= fit.reach * AT_LIMIT else []
    return tuple([*hit, *(["clock"] if fit.tool.clock and abs(point.clock) >= fit.tool.clock * AT_LIMIT else [])])


def _decide(
    results: tuple[ChannelResult, ...],
    tolerance: float,
    seen: Sight,
    circuit: CircuitUnderTest,
) -> tuple[Outcome, ChannelResult, str]:
    network, resolve, blind, unsigned = circuit.network, seen.changes.resolve, seen.blind, seen.unsigned
    worst = max(results, key=lambda c: c.error / c.uncertainty)
    if worst.error > worst.uncertainty:
        return (
            Outcome.DISAGREES,
            worst,
            f"channel {worst.column} leaves the theory by {100 * worst.error:.3g} % of its range at t = "
            f"{worst.worst_time:.4g} s, more than calibration, parts and noise explain ({100 * worst.uncertainty:.3g} "
            "%)",
        )
    if not seen.clear:
        return Outcome.DISAGREES, worst, _together(seen, network)
    cut = max(results, key=lambda c: c.clipped)
    if cut.clipped:
        return (
            Outcome.UNRESOLVED,
            cut,
            f"channel {cut.column} stands at an end of its range in {cut.clipped} samples while the theory goes on "
            "beyond: clipped by the oscilloscope or by a rail; measure it in a larger range",
        )
    clear = [c for c in results if c.uncertainty <= tolerance]
    if not clear:
        vague = min(results, key=lambda c: c.uncertainty)
        text = (
            f"no channel is certain enough: that of {vague.column}, {100 * vague.uncertainty:.3g} % of its range, "
            "exceeds the tolerance "
        )
        fixed = vague.resolution + vague.circuit
        if fixed >= tolerance:
            what = "quantisation and the circuit's own steps; use a finer range or a larger signal"
            remedy = f"{100 * fixed:.3g} % are {what}"
        else:
            times = (vague.random / (tolerance - fixed)) ** 2
            remedy = f"average about {times:.0f} times as many samples or use a finer range"
        return Outcome.UNRESOLVED, vague, f"{text}{100 * tolerance:.3g} %; {remedy}"
    if len(blind) == network.n_edges:
        return (
            Outcome.UNRESOLVED,
            worst,
            f"no part that is {100 * resolve:g} % wrong would be seen; measure other points or with less noise",
        )
    note = (
        f"; blind to a change of {100 * resolve:g} % in " + ", ".join(network.edge_name(k) for k in blind)
        if blind
        else ""
    )
    if unsigned:
        note += "; blind to the polarity of " + ", ".join(network.edge_name(k) for k in unsigned)
    vague_ones = [f"{c.column} ({100 * c.uncertainty:.3g} %)" for c in results if c.uncertainty > tolerance]
    if vague_ones:
        note += "; of little weight, as their uncertainty exceeds the tolerance: " + ", ".join(vague_ones)
    shown = max(clear, key=lambda c: c.uncertainty)
    return (
        Outcome.AGREES,
        max(clear, key=lambda c: c.error / c.uncertainty),
        f"every channel follows the theory, within {100 * shown.uncertainty:.3g} % of its range or better{note}",
    )


def _together(seen: Sight, network: Network) -> str:
    """A disagreement that no block shows alone."""
    k, n = seen.worst, seen.changes.n_edges
    share, bar = abs(float(seen.share[k])), float(seen.bar[k])
    if k < 2 * n:
        size = 100.0 * seen.changes.resolve
        what = f"a change of {size * share:.3g} % in {network.edge_name(k % n)} (explained: {size * bar:.3g} %)"
    else:
        edge = network.edge_name(int(seen.changes.memory[k - 2 * n]))
        what = f"{100 * share:.3g} % of what a turned memristor of {edge} would do (explained: {100 * bar:.3g} %)"
    return f"all channels together leave the theory, by as much as {what}, although no block of one does alone"
