"""Assertions and recorded references for test suites of circuit models.

Messages say which signal, when, and by how much. A reference is one compressed file with its provenance
(simulator, version, options, steps); it changes only when asked for, and then the run does not pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.errors import SpiceBridgeError
from spicebridge.network import Network
from spicebridge.report import Report, write_report
from spicebridge.shown import LISTENER
from spicebridge.verify import Verdict, validate
from spicebridge.waveforms import SIGNALS, Waveforms, replacing

if TYPE_CHECKING:
    from spicebridge.circuit.engines.engine import Engine

REPORTS = Path("out") / "pytest"
"""Folder for the reports of failed comparisons, below the folder pytest runs in."""
CHANGED_LINES = 12
"""Lines of the difference of two decks that a message shows."""


class Disagreement(AssertionError):
    """A comparison that failed; `report` is the folder with the evidence, or None."""

    def __init__(self, message: str, report: Path | None = None) -> None:
        super().__init__(message)
        self.report = report


class StaleReference(AssertionError):
    """A recorded reference that is missing, or that was just written."""


def assert_agrees(
    network: Network,
    t: ArrayLike,
    *,
    tolerance: float = 1e-5,
    engine: str | Engine = "ngspice",
    name: str = "network",
    reports: Path | None = REPORTS,
    **options: Any,
) -> Verdict:
    """Validate and return the verdict; raise `Disagreement` unless it AGREES.

    `options` go to `spicebridge.validate`. The report of a failure is left in ``reports/name``.
    """
    __tracebackhide__ = True
    verdict = validate(network, t, tolerance=tolerance, engine=engine, **options)
    require_outcome(Report(verdict=verdict, title=name, name=slug(name)), reports)
    return verdict


def require_outcome(report: Report, reports: Path | None) -> None:
    """Raise `Disagreement`, and leave the report, unless the outcome is the expected one."""
    __tracebackhide__ = True
    listener = LISTENER.get()
    place = listener(report) if listener is not None else None
    if report.as_expected:
        return
    verdict = report.verdict
    if place is None and reports is not None:
        place = Path(reports) / report.name
        write_report(place, report)
    where = f"largest on {verdict.worst_edge} at t = {verdict.worst_time:.4g} s\n" if verdict.worst_edge else ""
    raise Disagreement(
        f"{report.title}: expected {report.expect.upper()}, got {verdict.outcome.value.upper()}\n"
        f"{verdict.reason}\n{where}"
        f"E = {verdict.max_error:.3g}, U = {verdict.uncertainty:.3g}, tolerance = {verdict.tolerance:.3g}"
        + (f"\nreport: {place / 'report.html'}" if place else ""),
        place,
    )


def assert_waveform(
    actual: Waveforms,
    reference: Waveforms,
    *,
    rtol: float = 1e-6,
    atol: float = 0.0,
    signals: tuple[str, ...] = tuple(SIGNALS),
) -> None:
    """Compare signals on the time points of `actual`, where the reference is interpolated by a spline.

    Each must satisfy |actual - reference| <= atol + rtol max |reference|, the maximum over all edges and
    times of that signal. Raises `Disagreement` that names the worst signal, edge, time and size; a span
    that the reference does not cover is a failure, never a shorter comparison.
    """
    __tracebackhide__ = True
    for value, what in ((rtol, "rtol"), (atol, "atol")):
        if not (np.isfinite(value) and value >= 0):
            raise SpiceBridgeError(f"{what} = {value!r} must be finite and not negative")
    if actual.n_edges != reference.n_edges:
        raise Disagreement(f"{actual.n_edges} edges against {reference.n_edges} in the reference")
    slack = 1e-9 * float(reference.t[-1])
    if abs(actual.t[-1] - reference.t[-1]) > slack or abs(actual.t[0] - reference.t[0]) > slack:
        raise Disagreement(
            f"the spans differ: {actual.t[0]:g} to {actual.t[-1]:g} s against "
            f"{reference.t[0]:g} to {reference.t[-1]:g} s in the reference"
        )
    expected = reference.resample(actual.t)
    problems = []
    for signal in signals:
        a, b = getattr(actual, signal), getattr(expected, signal)
        allowed = atol + rtol * float(np.abs(b).max(initial=0.0))
        gap = np.abs(a - b)
        gap[~np.isfinite(gap)] = np.inf
        if gap.size and gap.max() > allowed:
            row, edge = np.unravel_index(int(np.argmax(gap)), gap.shape)
            first = int(np.argmax((gap > allowed).any(axis=1)))
            unit = "" if SIGNALS[signal] == "1" else f" {SIGNALS[signal]}"
            problems.append(
                f"{signal} of edge {reference.labels[edge]}: off by {gap[row, edge]:.3g}{unit} at "
                f"t = {actual.t[row]:.4g} s (got {a[row, edge]:.6g}, reference {b[row, edge]:.6g}); "
                f"allowed {allowed:.3g}{unit}, first exceeded at t = {actual.t[first]:.4g} s"
            )
    if problems:
        raise Disagreement("\n".join(problems))


def slug(name: str) -> str:
    """A file name for any title."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "unnamed"


@dataclass
class References:
    """Recorded waveforms of one folder; `recording` rewrites them, and then nothing passes."""

    folder: Path
    recording: bool = False
    written: list[Path] = field(default_factory=list)

    def check(self, name: str, waves: Waveforms, *, rtol: float = 1e-6, atol: float = 0.0) -> None:
        """Compare with the reference `name`, or record it.

        Raises `StaleReference` when there is none or when it was just recorded, `Disagreement` when it
        differs; the message then also tells how the simulators and options differ.
        """
        __tracebackhide__ = True
        path = self.folder / f"{slug(name)}.npz"
        if self.recording:
            self._write(path, waves)
            raise StaleReference(f"recorded {path}; look at it, then run again without --spice-record")
        if not path.exists():
            raise StaleReference(f"no reference {path}; record it with --spice-record")
        reference, then = self._read(path)
        deck = then.pop("deck", "")
        try:
            assert_waveform(waves, reference, rtol=rtol, atol=atol)
        except Disagreement as error:
            changes = _changes(then, provenance(waves))
            told = "; ".join(changes) if changes else "same simulator, version and options as recorded"
            lines = _changed_lines(deck, _deck(waves))
            raise Disagreement("\n".join([f"{error}\nreference {path}: {told}", *lines])) from None

    def _write(self, path: Path, waves: Waveforms) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as handle:
            np.savez_compressed(
                handle,
                t=waves.t,
                state=waves.state,
                current=waves.current,
                voltage=waves.voltage,
                labels=np.array(waves.labels),
                source=np.array(waves.source),
                provenance=np.array(json.dumps(provenance(waves) | {"deck": _deck(waves)}, sort_keys=True)),
            )
        self.written.append(path)

    @staticmethod
    def _read(path: Path) -> tuple[Waveforms, dict[str, str]]:
        waves = Waveforms.load(path)
        try:
            with np.load(path, allow_pickle=False) as data:
                return waves, dict(json.loads(str(data["provenance"])))
        except (KeyError, ValueError) as error:
            raise SpiceBridgeError(f"{path}: a reference without provenance; record it again: {error}") from None


def provenance(waves: Waveforms) -> dict[str, str]:
    """Where waveforms come from: simulator, version, options, steps; "theory" for the other branch."""
    import spicebridge

    facts = {"spicebridge": spicebridge.__version__, "source": waves.source}
    run = waves.run
    if run is None:
        return facts
    cards = [line for line in run.text.splitlines() if line.lower().startswith((".options", ".tran"))]
    return facts | {
        "engine": run.engine,
        "version": str(run.version),
        "time points": str(run.time.size),
        "cards": " | ".join(cards),
        **{f"capability {key}": str(value) for key, value in run.fingerprint.items()},
    }


def _changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"{key} was {then.get(key, 'unknown')}, is {now.get(key, 'unknown')}"
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    ]


def _deck(waves: Waveforms) -> str:
    return waves.run.text if waves.run is not None else ""


def _changed_lines(then: str, now: str) -> list[str]:
    """The first lines of two decks that differ, with a sign as in a patch."""
    if not then or not now or then == now:
        return []
    found = list(unified_diff(then.splitlines(), now.splitlines(), "deck as recorded", "deck now", "", "", 0, ""))
    more = len(found) - CHANGED_LINES
    return [*found[:CHANGED_LINES], *([f"… and {more} more lines"] if more > 0 else [])]
