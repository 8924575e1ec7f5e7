"""The check-up as text and as a page with pictures."""

from __future__ import annotations

from collections.abc import Mapping

from spicebridge.laws import LawDevice
from spicebridge.modelcheck.recorded_waveforms import format_difference
from spicebridge.modelcheck.result import CheckUp, Traces
from spicebridge.report.html import render
from spicebridge.report.plots.style import HALF, Drawn, look, new_figure
from spicebridge.report.plots.vector import format_svg

SHOWN = {
    "resistance": "v = i times",
    "current": "i =",
    "rate": "rate of the state =",
    "decay": "and, outside the window,",
    "source": "source",
}

COLOURS = {
    "pass": ("#00614a", "#e3f3ee"),
    "note": ("#6b4a00", "#f8eed8"),
    "fail": ("#8a2a00", "#fdeee2"),
    "skip": ("#4a5058", "#e9ecef"),
}
"""Ink and ground of a grade."""


def format_text(up: CheckUp) -> str:
    """One line a check, and the sum."""
    width = max(len(r.name) for r in up.results)
    lines = []
    for r in up.results:
        lines.append(f"{r.grade.value:5s} {r.name:{width}s}  {r.finding}")
        if r.texts is not None:
            lines += [f"      {line}" for line in format_difference(r.texts).splitlines()]
    notes = [f"note: {note}" for note in up.subject.component.notes]
    return "\n".join([f"{up.subject.name}: {up.subject.kind}, {up.engine}", *notes, *lines, _summary(up)]) + "\n"


def format_html(up: CheckUp) -> str:
    """The page; everything that may come from a file is escaped."""
    formulas, parameters = _law(up)
    return render(
        "checkup.html",
        title=up.subject.name,
        up=up,
        rows=[(r, "" if r.plot is None else _picture(r.plot, r.name)) for r in up.results],
        summary=_summary(up),
        formulas=formulas,
        parameters=parameters,
        colour=COLOURS["pass" if up.passed else "fail"][0],
        colours=COLOURS,
    )


def _law(up: CheckUp) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(what, formula) of the law, and (parameter, value with its unit); of a subcircuit its numbers alone."""
    device = up.subject.device
    if not isinstance(device, LawDevice):
        part = up.subject.component
        numbers = dict(part.model.parameters) | dict(part.parameters)
        return [], [(name, f"{value:g}" if isinstance(value, float) else str(value)) for name, value in numbers.items()]
    law = device.definition
    formulas: list[tuple[str, str]] = []
    for key, shown in SHOWN.items():
        given = law.data.get(key)
        if isinstance(given, Mapping):
            given = next(given[word] for word in device.choice.values() if word in given)
        if given is not None:
            formulas.append((shown, str(given)))
    formulas += [(f"with {name}", str(value)) for name, value in law.entries("let").items()]
    values = [
        (name, f"{float(value):g}" + (f" {unit}" if (unit := law.unit(name)) not in (None, "1") else ""))
        for name, value in device.parameters.items()
    ]
    return formulas, values


def _summary(up: CheckUp) -> str:
    counts = ", ".join(f"{number} {word}" for word, number in up.counts().items() if number)
    return f"{'passes' if up.passed else 'fails'}: {counts}"


def _picture(plot: Traces, name: str) -> str:
    with look(**{"text.parse_math": True}):
        figure = new_figure(HALF, 3.1)
        axes = figure.add_subplot()
        for number, curve in enumerate(plot.curves):
            # The second curve lies on the first where all is well: broken or smaller, so that both are seen.
            second = number > 0
            style = "o-" if plot.logarithmic else "--" if second else "-"
            if plot.points:
                style = "." if second else "o"
            size = 3.0 if second else 6.0
            face = "none" if plot.points and not second else None
            axes.plot(curve.x, curve.y, style, lw=1.6, ms=size, mfc=face, label=curve.label or None)
        if plot.logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.set_xlabel(plot.x_label)
        axes.set_ylabel(plot.y_label)
        if any(curve.label for curve in plot.curves):
            axes.legend()
        return format_svg(Drawn(name=name, title=name, caption="", figure=figure, wide=False))
