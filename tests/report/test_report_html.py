"""The page: self-contained, complete for every outcome, and deaf to markup from strangers."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import ring
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.report.html import EMBEDDED_TEXT, excerpt, format_html, format_index, scientific
from spicebridge.report.json import record
from spicebridge.report.plots import Plot, draw
from spicebridge.report.plots.vector import CONTRAST, PAPER, contrast_of, legible
from spicebridge.report.ruler import ruler

HOSTILE = """</title></pre></style><script>alert(1)</script><img src="http://x/y" onerror="a">{{ 7*7 }}\x1b[31m"""
VOID = {"meta", "img", "br", "line", "rect", "circle", "link", "input"}


class Page(HTMLParser):
    """Elements, attributes and visible text of a page; fails on tags that do not nest."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.text, self.open = [], "", []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data

    def named(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def dot():
    """The smallest picture, so that pages need no drawing."""
    return Plot(name="states", title="States", caption="A caption.", svg='<svg class="plot wide"></svg>', wide=True)


def is_harmless(page):
    names = {tag for tag, _ in page.elements}
    assert not names & {"iframe", "object", "embed", "link", "base", "form"}
    assert sum(tag == "script" for tag, _ in page.elements) <= 1
    for tag, attrs in page.elements:
        assert not [name for name in attrs if name.startswith("on")], (tag, attrs)
        for name in ("src", "href", "srcset", "xlink:href", "action"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "#")), (tag, value)
    policies = [m["content"] for m in page.named("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'")


@pytest.mark.parametrize("outcome", ["agrees", "disagrees", "unresolved"])
def test_the_first_screen_answers(make_report, dot, outcome):
    page = Page(format_html(make_report(outcome, learn="What one learns."), [dot]))
    is_harmless(page)
    shown = " ".join(page.text.split())
    first = shown[: shown.index("States")].replace("\u202f", " ")
    for part in ("A ring", "What one learns.", outcome.upper(), "1.5 × 10⁻⁶", "2.00", "step ladder"):
        assert part in first, part


def test_a_page_without_waveforms_is_still_a_page(make_report):
    report = make_report("unresolved", waves=False, reason="no output: it hung", deck="* my deck", log="my log")
    page = Page(format_html(report))
    is_harmless(page)
    for part in ("UNRESOLVED", "No output: it hung", "unknown", "* my deck", "my log", "without success"):
        assert part in page.text
    assert len(page.named("figure")) == 1, "the network can be drawn without a run"
    assert "nan" not in page.text.lower().split()


def test_markup_of_strangers_stays_text(make_report, dot):
    texts = ("title", "learn", "reason", "deck", "log", "case_text", "source", "worst_edge", "screen")
    report = make_report(
        network=ring(3, names=(HOSTILE, "$x_1$", "\x1b]0;x")),
        provenance={HOSTILE: HOSTILE, "engine": HOSTILE},
        **dict.fromkeys(texts, HOSTILE),
    )
    source = format_html(report, [*draw(report), dot])
    page = Page(source)
    is_harmless(page)
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert "{{ 7*7 }}" in page.text
    assert "\x1b" not in source


@given(st.text(max_size=30))
def test_any_title_survives(title):
    rows = [{"report": None, "title": title, "outcome": None, "error": {"message": title}, "learn": ""}]
    page = Page(format_index(rows))
    assert " ".join(title.split()) in " ".join(page.text.split()) or not title.isprintable()


def test_pictures_are_embedded_whole(make_report):
    report = make_report()
    plots = draw(report)
    page = format_html(report, plots)
    assert all(plot.svg in page for plot in plots)
    assert all(f'aria-label="{plot.title}"' in plot.svg for plot in plots)


def test_the_one_script_is_the_one_the_policy_allows(make_report):
    page = format_html(make_report())
    script = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_every_edge_with_memory_has_a_row(make_report):
    report = make_report()
    page = Page(format_html(report))
    assert [row[0] for row in report.edges] == [
        report.verdict.spice.labels[k] for k in np.flatnonzero(report.network.stateful)
    ]
    assert len(page.named("polyline")) == len(report.edges)
    assert len([tag for tag in page.named("div") if tag.get("class") == "part"]) == -(-len(report.edges) // 100)


@pytest.mark.parametrize("paper", PAPER.values())
def test_colours_can_be_told_from_the_paper(paper):
    for colour in ("#20242b", "#56B4E9", "#332288", "#ffffff", "#000000"):
        assert contrast_of(legible(colour, paper, CONTRAST), paper) >= CONTRAST


def test_long_decks_are_cut_and_say_so():
    text = "a" * EMBEDDED_TEXT + "b" * 1000
    cut = excerpt(text)
    assert "1000 characters left out" in cut
    assert cut.startswith("aaa")
    assert cut.endswith("bbb")
    assert excerpt("a" * EMBEDDED_TEXT) == "a" * EMBEDDED_TEXT


def test_powers_of_ten_are_written_out():
    assert scientific("differ by 9.77e-07, U = 3e-06.") == "differ by 9.77\u202f×\u202f10⁻⁷, U = 3\u202f×\u202f10⁻⁶."
    assert scientific("off by 0.0e+00 and 1.5e+00") == "off by 0 and 1.5"
    assert scientific("edge 1e-2e, file2e-05x") == "edge 1e-2e, file2e-05x"


positive = st.floats(1e-15, 1.0)


@given(positive, positive, positive)
def test_the_ruler_orders_as_the_numbers_do(E, U, tolerance):
    from types import SimpleNamespace

    verdict = SimpleNamespace(max_error=E, uncertainty=U, tolerance=tolerance)
    line = ruler(SimpleNamespace(verdict=verdict))
    places = {"E": (E, line.marks["E"].x), "U": (U, line.marks["U"].x), "t": (tolerance, line.marks["tolerance"].x)}
    ranked = sorted(places.values())
    assert [x for _, x in ranked] == sorted(x for _, x in ranked)
    assert all(0.0 < x < 100.0 for _, x in ranked)
    # equal ratios are equal distances
    if min(E, U, tolerance) * 1.01 < max(E, U, tolerance):
        (a, xa), (b, xb), (c, xc) = ranked
        from math import log

        assert (xb - xa) * log(c / a) == pytest.approx((xc - xa) * log(b / a), abs=1e-6)


def test_no_ruler_without_numbers(make_report):
    assert ruler(make_report(waves=False)) is None


def test_the_index_counts_and_links(make_report):
    good = record(make_report("agrees", title="Good <b>")) | {"report": "a b/report.html", "error": None}
    control = record(make_report("disagrees", expect="disagrees")) | {"report": None, "error": None}
    failed = {"report": None, "title": "bad", "outcome": None, "error": {"message": "no & such"}, "learn": ""}
    page = Page(format_index([good, control, failed]))
    assert [a["href"] for a in page.named("a")] == ["a%20b/report.html"]
    shown = " ".join(page.text.split())
    for part in ("3 comparisons", "1 agree, 1 disagree, 0 unresolved, 1 could not be run", "Good <b>", "no & such"):
        assert part in shown
    assert shown.count("as expected") == 1
