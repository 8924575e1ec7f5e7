"""A comparison as one self-contained HTML page: no script, no request, everything escaped.

Deck, log, titles and node names come from strangers. Jinja escapes all of them, pictures are inline SVG, and a content
security policy forbids whatever might slip through. Every page is `base.html` with its own blocks.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from spicebridge import __version__
from spicebridge.report.plots import Plot, draw
from spicebridge.report.plots.style import times_ten
from spicebridge.report.plots.vector import palette_css
from spicebridge.report.ruler import ruler
from spicebridge.report.summary import Report
from spicebridge.report.wording import WORDS, format_number, one_line, printable, three_words
from spicebridge.verify.verdict import Outcome

if TYPE_CHECKING:
    from jinja2 import Environment

EMBEDDED_TEXT = 300_000
"""Characters of the deck and of the log in the page; longer ones are cut there, the file has all."""


def format_html(report: Report, plots: Sequence[Plot] | None = None) -> str:
    """The page. `plots` are drawn unless given."""
    return render(
        "report.html",
        **page_script("report.js"),
        title=report.title,
        learn=report.learn,
        report=report,
        verdict=report.verdict,
        word=WORDS[report.verdict.outcome],
        ruler=ruler(report),
        plots=draw(report) if plots is None else plots,
        three_words=three_words(report.verdict),
    )


def format_index(rows: Sequence[Mapping[str, object]]) -> str:
    """The table of several cases; `rows` are the records of `batch.Entry.record`."""
    spoken = {"agrees": "agree", "disagrees": "disagree"}
    counts = [(spoken.get(o.value, o.value), sum(row.get("outcome") == o.value for row in rows)) for o in Outcome]
    counts += [("could not be run", failed)] if (failed := sum(row.get("outcome") is None for row in rows)) else []
    return render(
        "index.html",
        title=f"{len(rows)} {'comparison' if len(rows) == 1 else 'comparisons'}",
        learn=", ".join(f"{count} {word}" for word, count in counts) + ".",
        rows=rows,
        words={outcome.value: word for outcome, word in WORDS.items()},
    )


def render(template: str, **content: object) -> str:
    """A page from one of the templates; every value is escaped and freed of control characters."""
    return _environment().get_template(template).render(version=__version__, **content)


def page_script(name: str) -> dict[str, str]:
    """A script of the templates and the digest that a page's policy allows it by."""
    script = (resources.files("spicebridge.report") / "templates" / name).read_text(encoding="utf-8")
    return {"script": script, "digest": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")}


_POWER = re.compile(r"(?<![\w.])(\d(?:\.\d+)?)e([+-]\d+)(?!\w|\.\d)")


def scientific(text: str) -> str:
    """'2.93e-06' inside `text` as '2.93 × 10⁻⁶', and '0.0e+00' as '0'."""

    def spoken(found: re.Match[str]) -> str:
        mantissa, exponent = found[1], int(found[2])
        if float(mantissa) == 0.0:
            return "0"
        return mantissa if exponent == 0 else f"{mantissa}\u202f×\u202f{times_ten(exponent)}"

    return _POWER.sub(spoken, one_line(text))


def excerpt(text: str) -> str:
    """`text` without control characters, cut in the middle where it is long."""
    clean = printable(text)
    if len(clean) <= EMBEDDED_TEXT:
        return clean
    half = EMBEDDED_TEXT // 2
    left_out = len(clean) - 2 * half
    return f"{clean[:half]}\n\n… {left_out} characters left out here, see the file …\n\n{clean[-half:]}"


def _clean(value: object) -> object:
    """Plain text without control characters; markup that is escaped already passes."""
    return printable(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    filters: dict[str, Callable[..., object]] = {
        "excerpt": excerpt,
        "one_line": one_line,
        "number": format_number,
        "scientific": scientific,
    }
    return page_environment(filters, finalize=_clean)


def page_environment(
    filters: Mapping[str, Callable[..., object]], finalize: Callable[[object], object] | None = None
) -> Environment:
    """The templates of this package: escaping, unknown names are errors, with the `filters` of a page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("spicebridge.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    environment.globals["palette"] = Markup(palette_css())
    return environment
