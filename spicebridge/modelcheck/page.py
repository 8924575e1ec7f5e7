"""The check-up as text and as one self-contained HTML page with plots."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

from spicebridge.laws import LawDevice
from spicebridge.modelcheck.reference import format_difference
from spicebridge.modelcheck.result import CheckUp, Plot

SHOWN = {
    "resistance": "v = i times",
    "current": "i =",
    "rate": "rate of the state =",
    "decay": "and, outside the window,",
    "source": "source",
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ up.subject.name }}: model check-up</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
h1{margin:0} .lead{color:#51606f;margin:.3rem 0 1.5rem}
.big{display:inline-block;padding:.6rem 1.4rem;border-radius:.4rem;color:#fff;font-weight:700;font-size:1.6rem}
.pass{background:#00664f}.fail{background:#9c2f1b}.note{background:#8a6100}.skip{background:#66727d}
article{border-top:1px solid #d8dee4;padding:1rem 0;display:grid;grid-template-columns:minmax(0,1fr) 22rem;gap:1rem}
.tag{padding:.1rem .6rem;border-radius:.3rem;color:#fff;font-size:.85rem;font-weight:600}
summary{color:#51606f;cursor:pointer;font-size:.9rem}
h2{font-size:1.1rem;margin:.2rem 0} img{max-width:100%} td{padding:0 1rem 0 0;font-variant-numeric:tabular-nums}
code,pre{font:14px/1.45 ui-monospace,monospace} pre{overflow-x:auto;background:#f3f5f7;padding:.6rem}
.number{display:inline-block;margin-right:1.2rem}
.texts{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.texts>div{min-width:0}
@media(max-width:50rem){article{grid-template-columns:1fr}}
</style></head><body>
<p class="lead">Model check-up · {{ up.subject.kind }}, {{ up.subject.window }} window ·
{{ up.engine }} · sine of {{ "%g"|format(up.subject.amplitude) }} V at {{ "%g"|format(up.subject.frequency) }} Hz</p>
<h1>{{ up.subject.name }}</h1>
<p><span class="big {{ 'pass' if up.passed else 'fail' }}">{{ 'PASSES' if up.passed else 'FAILS' }}</span></p>
<p>{{ summary }}</p>
{% if formulas or parameters %}<section class="law">
{% if formulas %}<table>{% for what, formula in formulas %}<tr><td>{{ what }}</td><td><code>{{ formula }}</code></td></tr>
{% endfor %}</table>{% endif %}
<p>{% for name, value in parameters %}<span class="number"><i>{{ name }}</i> = {{ value }}</span> {% endfor %}</p>
</section>{% endif %}
{% if up.subject.text %}<details><summary>the model's text</summary><pre>{{ up.subject.text }}</pre></details>{% endif %}
{% for r, image in rows %}
<article><div><span class="tag {{ r.grade.value }}">{{ r.grade.value }}</span>
<h2>{{ r.name }}</h2><p>{{ r.question }}</p><p><b>{{ r.finding }}</b></p>
{% if r.numbers %}<details><summary>numbers</summary><table>
{% for k, v in r.numbers.items() %}<tr><td>{{ k }}</td><td>{{ "%.3g"|format(v) }}</td></tr>{% endfor %}
</table></details>{% endif %}
{% if r.texts %}<div class="texts"><div>as recorded<pre>{{ r.texts[0] }}</pre></div><div>as it is<pre>{{ r.texts[1] }}</pre>
</div></div>{% endif %}
</div><div>{% if image %}<img alt="{{ r.name }}" src="data:image/png;base64,{{ image }}">{% endif %}</div></article>
{% endfor %}
</body></html>
"""


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
    import jinja2

    template = jinja2.Environment(autoescape=True).from_string(_PAGE)
    rows = [(r, _image(r.plot) if r.plot is not None else "") for r in up.results]
    formulas, parameters = _law(up)
    return template.render(up=up, rows=rows, summary=_summary(up), formulas=formulas, parameters=parameters)


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
    formulas += [(f"with {name}", str(value)) for name, value in law.data.get("let", {}).items()]
    values = [
        (name, f"{float(value):g}" + (f" {unit}" if (unit := law.unit(name)) not in (None, "1") else ""))
        for name, value in device.parameters.items()
    ]
    return formulas, values


def _summary(up: CheckUp) -> str:
    counts = ", ".join(f"{number} {word}" for word, number in up.counts().items() if number)
    return f"{'passes' if up.passed else 'fails'}: {counts}"


def _image(plot: Plot) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4, 3.1), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for number, curve in enumerate(plot.curves):
        # The second curve lies on the first where all is well: broken or smaller, so that both are seen.
        second = number > 0
        style = "o-" if plot.logarithmic else "--" if second else "-"
        if plot.points:
            style = "." if second else "o"
        size = 3.0 if second else 6.0
        axes.plot(
            curve.x, curve.y, style, lw=1.6, ms=size, mfc="none" if plot.points and not second else None,
            label=curve.label or None,
        )  # fmt: skip
    if plot.logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if any(curve.label for curve in plot.curves):
        axes.legend(frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return base64.b64encode(stream.getvalue()).decode("ascii")
