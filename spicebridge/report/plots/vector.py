"""Pictures as SVG inside a page: they follow its colours, light and dark, and every named line says its name.

matplotlib draws in fixed colours; those of the style are replaced by CSS variables, which `palette_css` defines for
both modes. Text is darkened or lightened until its contrast with the paper is at least `CONTRAST` (WCAG 2.1, 1.4.3).
"""

from __future__ import annotations

import io
import re
from html import escape

from spicebridge.report.plots.style import CURVES, FAINT, INK, LIMIT, SOFT, Drawn
from spicebridge.report.wording import WORDS, printable

CONTRAST = 4.6
PAPER = {"light": "#ffffff", "dark": "#15181d"}
GRID, AXIS = "#eceff2", "#9aa1ab"
_DARK = {INK: "#e8ebef", SOFT: "#a9b1bc", FAINT: "#3a4048", GRID: "#262b32", AXIS: "#7b838e", LIMIT: "#ff9a6b"}
_NAMED: tuple[str, ...] = (INK, SOFT, FAINT, GRID, AXIS, LIMIT, *CURVES, *(word.colour for word in WORDS.values()))
_TITLED = re.compile(r'<g id="titled:([^"]*)">')
_DIGITS = re.compile(r"(\d+\.\d\d)\d+")
_TAG = re.compile(r"<[^>]*>")
"""Coordinates stand inside tags and are cut to two digits; text between them is left alone."""
_COLOUR = re.compile(r"#(?:[0-9a-f]{6}|fff)\b", re.IGNORECASE)
TITLED = "titled:"
"""Prefix of the identifier (gid) of a line whose name a browser shows under the pointer."""


def format_svg(drawn: Drawn) -> str:
    """The figure as an `<svg>` element for a page."""
    stream = io.StringIO()
    import matplotlib

    layout = drawn.figure.get_layout_engine()
    if layout is not None:
        # Laid out once here, a figure is not drawn twice.
        layout.execute(drawn.figure)
        drawn.figure.set_layout_engine("none")
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": drawn.name}):
        drawn.figure.savefig(
            stream, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None}
        )
    text = printable(stream.getvalue())
    text = text[text.index("<svg") :]
    box = re.search(r'viewBox="([^"]*)"', text)
    assert box is not None
    body = text[text.index(">") + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = _TAG.sub(lambda m: _DIGITS.sub(r"\1", m[0]), body)
    body = _TITLED.sub(lambda m: f"<g><title>{m[1]}</title>", body)
    body = re.sub(r"<text\b.*?>", lambda m: _coloured(m[0], "t"), body)
    body = _coloured(body, "c")
    body = re.sub(r'id="(figure|axes|patch|line2d|text|matplotlib\.axis|xtick|ytick|legend)_?\d*"', "", body)
    kind = "wide" if drawn.wide else "half"
    label = escape(drawn.title, quote=True)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box[1]}"'
    return f'{head} class="plot {kind}" role="img" aria-label="{label}">{body.strip()}</svg>'


def _coloured(text: str, kind: str) -> str:
    """Colours of the style as variables; white is the paper."""

    def variable(found: re.Match[str]) -> str:
        colour = found[0].lower()
        if colour in ("#fff", "#ffffff"):
            return "var(--paper)"
        return f"var({_name(colour, kind)})" if colour in _LOWER else found[0]

    return _COLOUR.sub(variable, text)


_LOWER = {colour.lower(): place for place, colour in enumerate(_NAMED)}


def _name(colour: str, kind: str) -> str:
    return f"--{kind}{_LOWER[colour.lower()]}"


def palette_css() -> str:
    """The variables of both modes, for the style sheet of a page."""
    parts = []
    for mode in ("light", "dark"):
        paper = PAPER[mode]
        rules = [f"--paper: {paper};"]
        for colour in _NAMED:
            shown = colour if mode == "light" else _DARK.get(colour) or legible(colour, paper, 3.0)
            rules.append(f"{_name(colour, 'c')}: {shown};")
            rules.append(f"{_name(colour, 't')}: {legible(shown, paper, CONTRAST)};")
        text = ":root { " + " ".join(rules) + " }"
        parts.append(text if mode == "light" else "@media (prefers-color-scheme: dark) { " + text + " }")
    return "\n".join(parts)


def legible(colour: str, paper: str, contrast: float) -> str:
    """The colour, mixed with black or white until it stands out from the paper by `contrast`."""
    target = 0.0 if luminance(paper) > 0.5 else 1.0
    rgb = _rgb(colour)
    for step in range(101):
        mixed = [x + (target - x) * step / 100 for x in rgb]
        shown = "#" + "".join(f"{round(255 * x):02x}" for x in mixed)
        if contrast_of(shown, paper) >= contrast:
            return shown
    raise AssertionError(f"{colour} on {paper}")


def contrast_of(first: str, second: str) -> float:
    """Contrast of two colours (WCAG 2.1): 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.1)."""
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in _rgb(colour)]
    return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _rgb(colour: str) -> list[float]:
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
