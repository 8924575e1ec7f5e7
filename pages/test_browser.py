"""Reports in a real browser, wide and on a phone, light and dark: nothing runs off the page, letters can be read."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from selenium import webdriver

import spicebridge as sb
from spicebridge.cli import main

ROOT = Path(__file__).resolve().parents[1]
SMALLEST = 9.0
"""px on a phone."""
CONTRAST = 4.5

LOOK = """
const dark = arguments[0];
const seen = [];
function shown(e) { const r = e.getBoundingClientRect(), s = getComputedStyle(e);
  return r.width > 0 && r.height > 0 && s.visibility !== 'hidden' && s.opacity !== '0'; }
function rgb(c) { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; }
function light(c) { return c.slice(0, 3).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; })
  .reduce((sum, x, k) => sum + x * [.2126, .7152, .0722][k], 0); }
function ground(e) { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > .5) return c; }
  return dark ? [18, 18, 18, 1] : [255, 255, 255, 1]; }
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  if (!own || !shown(e) || ['SCRIPT', 'STYLE', 'TITLE'].includes(e.tagName)) continue;
  const style = getComputedStyle(e), inside = e.closest('svg');
  const place = inside && e.getScreenCTM ? e.getScreenCTM() : {a: 1, b: 0}, scale = Math.hypot(place.a, place.b);
  const ink = rgb(inside ? style.fill : style.color), paper = ground(inside ? inside : e);
  const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
  seen.push([e.tagName, e.textContent.trim().slice(0, 30), parseFloat(style.fontSize) * scale, (a + .05) / (b + .05)]);
}
const over = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1 &&
  !e.parentElement.closest('.picture, .scroll')).map(e => e.tagName + ' ' + e.textContent.trim().slice(0, 40));
return {over: over, width: document.documentElement.scrollWidth, window: window.innerWidth, seen: seen};
"""


SWEEP = """case = "k4.case.toml"
[sweep]
device.r_off = [400, "1.6k"]
"""
PAGES = {
    "report": "k4/report.html",
    "report of a crowd": "karate_club/report.html",
    "index": "both/index.html",
    "analysis": "analysis/analysis.html",
    "campaign": "campaign/report.html",
    "validation": "validation/report.html",
    "check-up": "vteam.html",
    "atlas": "atlas/atlas.html",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page of every kind, made by its own command."""
    out = tmp_path_factory.mktemp("reports")
    compare, k4 = ROOT / "compare", str(ROOT / "compare" / "k4.case.toml")
    shutil.copy(k4, out)
    (out / "sweep.campaign.toml").write_text(SWEEP, encoding="utf-8")
    sweep = ["campaign", str(out / "sweep.campaign.toml"), "--out", str(out / "campaign"), "--quiet"]
    kit = str(out / "kit")
    for command in (
        ["validate", k4, "--out", str(out / "k4"), "--quiet"],
        ["validate", str(compare / "karate_club.case.toml"), "--out", str(out / "karate_club"), "--quiet"],
        ["validate", k4, str(compare / "triangle.case.toml"), "--out", str(out / "both"), "--quiet"],
        ["analyse", k4, "--confirm", "--out", str(out / "analysis")],
        [*sweep, "--workers", "1"],
        [*sweep, "--report"],
        ["lab", k4, "--out", kit],
        ["compare", k4, "--kit", kit, "--measured", f"{kit}/rehearsal.csv", "--out", str(out / "validation")],
        ["check-model", "vteam", "--out", str(out / "vteam.html")],
        ["atlas", "--only", "p1.eq1", "--quick", "--jobs", "1", "--out", str(out / "atlas")],
    ):
        assert main(command) == 0, command
    return out


@pytest.fixture(scope="module", params=list(itertools.product([1400, 390], ["light", "dark"])), ids=str)
def view(request: pytest.FixtureRequest) -> Iterator[tuple[Any, int, bool]]:
    width, mode = request.param
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    )
    yield driver, width, mode == "dark"
    driver.quit()


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_can_be_read(view: tuple[Any, int, bool], reports: Path, kind: str) -> None:
    driver, width, dark = view
    driver.get((reports / PAGES[kind]).as_uri())
    look = driver.execute_script(LOOK, dark)
    assert not look["over"], look["over"][:5]
    assert look["width"] <= width + 1, "the page is wider than the window"
    small = [entry for entry in look["seen"] if entry[2] < SMALLEST]
    assert not small, small[:5]
    away = driver.execute_script(
        "return [...document.querySelectorAll('.stack .chip, .stack [data-of=E], .stack [data-of=U]')]"
        ".filter(cell => cell.getBoundingClientRect().right > innerWidth).map(cell => cell.textContent)"
    )
    assert not away, ("beyond the edge of the window", away[:5])
    pale = [entry for entry in look["seen"] if entry[3] < CONTRAST]
    assert not pale, pale[:5]


def test_sizes(reports: Path) -> None:
    assert (reports / "k4" / "report.html").stat().st_size <= 400_000


def test_a_network_of_thousands_opens_at_once(view: tuple[Any, int, bool], tmp_path: Path) -> None:
    """3,120 edges: at most 3 MB, loaded within a second, every edge found by its name."""
    driver, _, _ = view
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.1, beta=1.0)
    network = sb.Network.from_graph(
        nx.grid_2d_graph(40, 40), device=device, drive={0: sb.Sine(amplitude=0.5, frequency=2.0)}, initial_state=0.4
    )
    waves = sb.integrate(network, np.linspace(0.0, 0.5, 51))
    verdict = sb.Verdict(
        outcome=sb.Outcome.UNRESOLVED, reason="not run", tolerance=1e-5, network=network, spice=waves, theory=waves
    )
    page = verdict.report(tmp_path / "out")
    assert page.stat().st_size <= 3_000_000
    driver.get(page.as_uri())
    assert driver.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd") <= 1000.0
    driver.find_element("id", "words").send_keys("(39, 38)-(39, 39)")
    assert driver.find_element("id", "shown").text == "1 of 3120"
