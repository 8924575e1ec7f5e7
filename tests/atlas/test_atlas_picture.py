"""Pictures of claims: ticks that can be read, titles that fit, panels in rows of two."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import matplotlib
import pytest

from spicebridge.atlas import picture as atlas_picture
from spicebridge.atlas.evidence import Panel, Series
from spicebridge.report.plots.style import RC, new_figure


def drawn(panel: Panel) -> Any:
    look: Any = RC
    with matplotlib.rc_context(look):
        figure = new_figure(atlas_picture.WIDTH, atlas_picture.HEIGHT)
        axes = figure.add_subplot()
        atlas_picture._panel(axes, asdict(panel))
        figure.canvas.draw()
    return axes


def ticks(axis: Any) -> list[str]:
    low, high = sorted(axis.get_view_interval())
    return [
        text.get_text() for at, text in zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
        if low <= at <= high and text.get_text()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1e-6, 1.0), {"10⁻⁶", "10⁻⁴", "0.01", "1"}),
        ((0.004, 0.012), {"5·10⁻³", "0.01"}),
        ((30.0, 2000.0), {"50", "100", "10³"}),
    ],
)
def test_logarithmic_ticks_are_numbers_that_can_be_read(values: tuple[float, float], expected: set[str]) -> None:
    axes = drawn(Panel(title="t", x="x", y="y", series=(Series(x=values, y=values),), log_x=True, log_y=True))
    for axis in (axes.xaxis, axes.yaxis):
        labels = ticks(axis)
        assert expected & set(labels)
        assert len(labels) >= 2
        assert not any("$" in label for label in labels)


def test_a_long_title_stays_inside_the_picture() -> None:
    axes = drawn(Panel(title="word " * 20, x="x", y="y", series=(Series(x=(0.0, 1.0), y=(0.0, 1.0)),)))
    box = axes.title.get_window_extent()
    assert box.x1 <= axes.figure.bbox.x1
    assert box.y1 <= axes.figure.bbox.y1


def test_ranges_are_those_of_the_panel() -> None:
    axes = drawn(
        Panel(
            title="t",
            x="x",
            y="y",
            series=(Series(x=(0.0, 9.0), y=(0.0, 9.0)),),
            x_range=(0.0, 1.0),
            y_range=(-1.0, 2.0),
        )
    )
    assert axes.get_xlim() == (0.0, 1.0)
    assert axes.get_ylim() == (-1.0, 2.0)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2)])
def test_panels_stand_two_in_a_row(count: int, columns: int, rows: int) -> None:
    panel = asdict(Panel(title="t", x="x", y="y", series=(Series(x=(0.0, 1.0), y=(0.0, 1.0)),)))
    drawn_once = atlas_picture.draw([panel] * count, "p1.eq0", "a title")
    found = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', drawn_once)
    assert found is not None
    width, height = (float(x) / POINTS for x in found.groups())
    assert width == pytest.approx(columns * atlas_picture.WIDTH, abs=0.01)
    assert height == pytest.approx(rows * atlas_picture.HEIGHT, abs=0.01)


POINTS = 72.0
"""Units of an SVG in one inch."""
