"""Pictures of a comparison, one file each."""

from spicebridge.report.plots.render import Plot, draw, render_all

__all__ = ["Plot", "draw", "render_all"]
