"""What notebooks show: short lines, pictures whose lines have titles, sizes that do not grow with the network."""

from __future__ import annotations

import json
import pickle
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import networkx as nx
import numpy as np
import pytest

import spicebridge as sb

matplotlib.use("Agg")


def ring(n: int) -> sb.Network:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.1, beta=1.0)
    return sb.Network.from_graph(nx.cycle_graph(n), device=device, drive={0: 1.0}, initial_state=0.4)


@pytest.mark.parametrize("n", [3, 40, 2000])
def test_short_lines_and_small_pictures(n: int) -> None:
    network = ring(n)
    waves = sb.Waveforms(np.array([0.0, 1.0]), *(np.full((2, n), 0.5) for _ in range(3)), labels=network.edge_labels)
    for thing in (network, waves):
        assert len(repr(thing)) < 120
        picture = thing._repr_html_()
        assert len(picture) < 60_000
        ET.fromstring(picture.replace("&nbsp;", " "))
    assert network._repr_html_().count("<polyline") == (n if n <= 400 else 0)
    assert "effective memory" in network._repr_html_()


def test_records_of_arrays_are_one_line_each() -> None:
    hard = sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0, window=sb.Hard())
    network = sb.Network.from_graph(nx.complete_graph(7), device=hard, drive=0.2, initial_state=0.4)
    found, t = sb.analyse(network), np.linspace(0.0, 0.2, 3)
    points = found.fixed_points(starts=16, newton_starts=4)
    states = np.random.default_rng(0).random((40, 21))
    ensemble = sb.integrate_ensemble(network, t, initial_states=states)
    slope = sb.gradient(network, t, sb.loss.final_state(0.5), ("drive", "beta"))
    problem = sb.optimise.from_qubo(np.eye(20))
    for thing in (points, *points, found.pseudospectrum(points=5), found.conserved, ensemble, slope, problem):
        assert len(repr(thing)) < 260
        assert "\n" not in repr(thing)
    assert "state=<array 40 x 3 x 21>" in repr(ensemble)


def test_every_line_has_a_title() -> None:
    network = ring(5)
    tree = ET.fromstring(network._repr_html_())
    assert [line.find("title").text for line in tree.iter("polyline")] == list(network.edge_names)  # type: ignore[union-attr]


def test_plots_are_axes_of_matplotlib() -> None:
    network = ring(4)
    waves = sb.integrate(network, np.linspace(0.0, 1.0, 11))
    assert len(waves.plot().lines) == 4
    axes = waves.plot()
    assert network.plot(axes) is axes


def test_waveforms_as_a_table() -> None:
    waves = sb.integrate(ring(3), np.linspace(0.0, 1.0, 5))
    table = waves.to_pandas()
    assert table["current"].to_numpy() == pytest.approx(waves.current)
    assert table.index[-1] == 1.0


def test_a_verdict_shows_itself_and_keeps_itself(tmp_path: Path) -> None:
    verdict = sb.validate(ring(3), np.linspace(0.0, 1.0, 11))
    assert len(repr(verdict)) < 400
    assert "AGREES" in repr(verdict)
    again = pickle.loads(pickle.dumps(verdict))
    assert again.to_dict() == verdict.to_dict()
    assert np.array_equal(again.spice.current, verdict.spice.current)
    assert again.run.log == verdict.run.log
    cube = verdict.spice.to_xarray()
    assert cube["voltage"].dims == ("time", "edge")
    assert cube["voltage"].to_numpy() == pytest.approx(verdict.spice.voltage)
    assert "AGREES" in str(verdict)
    tree = ET.fromstring(verdict._repr_html_())
    assert {"E", "U", "tolerance"} <= {text.text.split()[0] for text in tree.iter("text") if text.text}
    verdict.save(tmp_path / "v.json")
    kept = json.loads((tmp_path / "v.json").read_text(encoding="utf-8"))
    assert kept == json.loads(json.dumps(verdict.to_dict()))
    assert kept["max_error"] == verdict.max_error
    assert verdict.report(tmp_path / "out").read_text(encoding="utf-8").startswith("<!doctype html>".upper()[:2])
    assert verdict.plot().get_xscale() == "log"
