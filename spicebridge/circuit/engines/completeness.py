"""Whether a table of samples is the whole run that was asked for.

Independent of the simulator: header against rows, names, finiteness, and the time axis.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from spicebridge.circuit.engines.engine import TIME, Job, Status
from spicebridge.errors import nearest
from spicebridge.tables.raw_file import RawPlot

STOP_RTOL = 1e-9
"""Largest relative distance of the last sample from the end of the analysis."""


@dataclass(frozen=True)
class JudgedSamples:
    """time (n_t,) s and data (n_t, n_vectors), copied out of the plot, with the verdict on them."""

    status: Status
    reason: str
    time: np.ndarray
    data: np.ndarray


def no_samples(job: Job, status: Status, reason: str) -> JudgedSamples:
    """A verdict without data."""
    return JudgedSamples(status, reason, np.empty(0), np.empty((0, len(job.vectors))))


def judge_plots(plots: list[RawPlot], job: Job, also: tuple[str, ...] = ()) -> JudgedSamples:
    """Judge the plots of one run; `also` names signals the deck saves beyond the job's."""
    if len(plots) != 1:
        names = ", ".join(plot.plotname or "unnamed" for plot in plots)
        return no_samples(
            job,
            Status.REJECTED,
            f"the run holds {len(plots)} plots ({names}): a deck must have one .tran and no other analysis",
        )
    plot = plots[0]
    if not plot.names or plot.names[0] != TIME or np.iscomplexobj(plot.data):
        return no_samples(
            job,
            Status.REJECTED,
            f"the run is a {plot.plotname or 'plot'!r} over {plot.names[0]!r}, "
            f"not a transient analysis: give the deck one .tran",
        )
    # Backwards, so that of equal names the first counts.
    place = dict(zip(reversed(plot.names), range(len(plot.names) - 1, -1, -1), strict=True))
    missing = [name for name in (*job.vectors, *also) if name not in place]
    if missing:
        return no_samples(
            job,
            Status.MISSING_VECTORS,
            f"no signal {', '.join(repr(name) for name in dict.fromkeys(missing))} in the output"
            f"{nearest(missing[0], plot.names)}: the deck must .save it, and the node or source "
            f"must exist",
        )
    time, data = _copy(plot.data, [place[name] for name in job.vectors])
    status, reason = _judge(plot, time, data, job)
    return JudgedSamples(status, reason, time, data)


def _copy(table: np.ndarray, columns: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The time and the columns asked for, in memory of their own, free of the file behind them."""
    first, count = columns[0], len(columns)
    data = table[:, first : first + count].copy() if columns == list(range(first, first + count)) else table[:, columns]
    return table[:, 0].copy(), data


def _judge(plot: RawPlot, time: np.ndarray, data: np.ndarray, job: Job) -> tuple[Status, str]:
    if not plot.consistent:
        cut = ", and an incomplete one" if plot.trailing else ""
        return (
            Status.TRUNCATED,
            f"the header announces {plot.declared_points} points, the file holds "
            f"{plot.actual_points}{cut}: the run did not end properly",
        )
    if time.size == 0:
        return Status.NO_OUTPUT, "the output has a header but not a single sample"
    bad = ~np.isfinite(time)
    if bad.any():
        return Status.NON_FINITE, f"time is not finite in row {int(np.argmax(bad))}"
    # A sum is finite only if every term is; it spares a mask as large as the data.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(np.sum(data))
    if suspicious:
        rows, columns = np.nonzero(~np.isfinite(data))
        if rows.size:
            return (
                Status.NON_FINITE,
                f"{job.vectors[columns[0]]} is {data[rows[0], columns[0]]} at "
                f"t = {time[rows[0]]:.6g} s ({rows.size} samples are not finite): look for a "
                f"division by zero or an overflow",
            )
    steps = np.diff(time)
    if (steps <= 0.0).any():
        row = int(np.argmax(steps <= 0.0)) + 1
        return (
            Status.TRUNCATED,
            f"time does not increase from {time[row - 1]:.9g} s to {time[row]:.9g} s in row {row}: "
            f"the output is damaged",
        )
    if time[0] != 0.0:
        return (
            Status.TRUNCATED,
            f"the first sample is at t = {time[0]:.6g} s, not at 0: use .ic without uic and no start time in .tran",
        )
    if abs(time[-1] - job.stop) > STOP_RTOL * job.stop:
        return (Status.TRUNCATED, f"the last sample is at t = {time[-1]:.9g} s, the run was to end at {job.stop:.9g} s")
    return Status.COMPLETE, "complete"


_CONDITIONS = re.compile(r"^\.ic\b((?:.*\n\+)*.*)", re.IGNORECASE | re.MULTILINE)
_CONDITION = re.compile(r"v\(([^()\s,]+)\)\s*=\s*([-+.\deE]+)", re.IGNORECASE)
KEPT = 1e-6
"""Largest residual of an initial condition at the first row, relative to its size and to 1 V."""


def start_kept(samples: JudgedSamples, job: Job, note: str) -> JudgedSamples:
    """The samples with `note`, if the operating point before them keeps every saved initial condition of the deck."""
    if samples.status is not Status.COMPLETE:
        return samples
    for card in _CONDITIONS.findall(job.text):
        for node, value in _CONDITION.findall(card):
            column = f"v({node.lower()})"
            if column not in job.vectors:
                continue
            wanted, found = float(value), float(samples.data[0, job.vectors.index(column)])
            if abs(found - wanted) > KEPT * max(1.0, abs(wanted)):
                reason = f"{note}; but it starts with {column} = {found:g} where .ic gives {wanted:g}: check the deck"
                return JudgedSamples(Status.NUMERICAL_FAILURE, reason, samples.time, samples.data)
    return JudgedSamples(Status.COMPLETE, note, samples.time, samples.data)
