"""Pictures of a validation: every channel measured against expected with the residual under it, inferred states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spicebridge.lab.measure.inference import Inferred
from spicebridge.lab.measure.measured import ChannelResult, Validation
from spicebridge.network import Network
from spicebridge.report.plots.style import CURVES, INK, SOFT, THEORY, WIDE, Drawn, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CHANNELS = 12
"""Channels drawn; of more, those with the largest residuals in bars."""
UNITS = {"p": "V", "v": "V", "i": "A", "w": "state"}
PANEL = 2.9
"""Height of one channel's panels in inches."""
ROOM_FOR_U = 4.0
"""The residual's axis shows at most this many of its largest bars."""


def channels_figure(result: Validation) -> Drawn:
    """Two panels a channel."""
    shown = sorted(result.channels, key=lambda c: c.error / c.uncertainty, reverse=True)[:MOST_CHANNELS]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(WIDE, PANEL * rows + 0.4)
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[5, 3] * rows)
    for n, channel in enumerate(shown):
        row, column = divmod(n, columns)
        top = figure.add_subplot(grid[2 * row, column])
        _channel(top, figure.add_subplot(grid[2 * row + 1, column], sharex=top), channel, row == rows - 1)
    caption = (
        "Dots: measured, averaged over blocks. Lines: what the equations predict with the fitted calibration and "
        "parts. Below, measured minus expected; grey is ±U, inside which noise, quantisation and the circuit's own "
        "steps can explain it."
    )
    if len(shown) < len(result.channels):
        caption += f" The {len(shown)} of {len(result.channels)} channels with the largest residuals are drawn."
    return Drawn(name="channels", title="Measured against expected", caption=caption, figure=figure)


def _channel(top: Axes, below: Axes, channel: ChannelResult, last: bool) -> None:
    t, measured, expected, residual, bar = channel.curve
    wrong = channel.error > channel.uncertainty
    top.plot(t, expected, color=THEORY, lw=4.0, alpha=0.35)
    top.plot(t, measured, "o", color=CURVES[0], ms=3.0)
    signal = f"{channel.signal.kind}[{channel.signal.name}]"
    name = signal if channel.column == signal else f"{channel.column}: {signal}"
    if channel.signal.factor != 1.0:
        name += f" × {channel.signal.factor:g}"
    top.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    top.set_title(f"{name}  {'≠' if wrong else ''}", color="#a03a00" if wrong else INK)
    top.set_ylabel(UNITS[channel.signal.kind] if channel.signal.factor == 1.0 else "as shown")
    top.tick_params(labelbottom=False)
    below.fill_between(t, -bar, bar, color="#7d8896", alpha=0.25, lw=0, step="mid")
    below.plot(t, residual, "o-", color="#a03a00" if wrong else CURVES[0], ms=2.4, lw=0.8)
    below.axhline(0.0, color="#9aa1ab", lw=0.8)
    high = max(1.15 * float(abs(residual).max()), min(1.3 * float(bar.max()), ROOM_FOR_U * float(abs(residual).max())))
    below.set_ylim(-high, high)
    below.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
    if last:
        below.set_xlabel("time (s)")


def states_figure(network: Network, inferred: tuple[Inferred, ...]) -> Drawn | None:
    """States from v and i with their bars, on the theory's; None where nothing could be inferred."""
    if not inferred:
        return None
    figure = new_figure(WIDE, 3.6)
    axes = figure.add_subplot()
    for colour, found in zip(CURVES, inferred, strict=False):
        axes.plot(found.times, found.theory, color=colour, lw=4.0, alpha=0.3)
        label = network.edge_name(found.edge)
        axes.errorbar(found.times, found.states, found.bars, fmt="o", ms=3, lw=0.8, color=colour, label=label)
    axes.set_ylabel("state")
    axes.set_xlabel("time (s)")
    axes.legend(labelcolor=SOFT)
    caption = (
        "Dots: R = v/i of the calibrated channels, turned into a state by R(s), where the current is not small; bars "
        "are its uncertainty. Broad lines: the theory."
    )
    return Drawn(name="states", title="States inferred from voltage and current", caption=caption, figure=figure)
