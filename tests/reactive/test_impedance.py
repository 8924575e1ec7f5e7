"""Small-signal impedance: closed forms, and ngspice's own AC analysis of the lowered circuit held at the state."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from bench.reactive import random_network
from spicebridge.circuit.lower.deck_nodes import node_names
from spicebridge.errors import NetworkError, ScreenError

F = np.logspace(-1, 5, 31)


def test_series_and_parallel_resonance() -> None:
    w = 2j * np.pi * F
    R, L, C = 3.0, 1e-3, 1e-5
    series = sb.Network.from_edges(
        [(0, 1), (1, 2), (2, 3), (0, 3)], device=[sb.Resistor(R), sb.Inductor(L), sb.Capacitor(C), sb.Resistor(1e12)]
    )
    np.testing.assert_allclose(sb.impedance(series, (0, 3), F), R + w * L + 1 / (w * C), rtol=1e-6)
    parallel = sb.Network.from_edges([(0, 1)] * 3, device=[sb.Resistor(R), sb.Inductor(L), sb.Capacitor(C)])
    np.testing.assert_allclose(sb.impedance(parallel, (0, 1), F), 1 / (1 / R + 1 / (w * L) + w * C), rtol=1e-12)


def test_a_memristor_is_its_resistance_at_high_and_its_branch_at_low_frequency() -> None:
    """v = R(w) i with w' = a w - g i: di/dv = (1 - k c) / (q + k b), k = R' i / (sigma - a)."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, -2.0, 0.5)
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)], device=[device, sb.Resistor(50.0)], drive={0: 1.0}, initial_state={0: 0.3}
    )
    R = 100.0 + 1500.0 * 0.3
    i = 1.0 / (R + 50.0)
    Z = R + 1500.0 * i * (-100.0 / 0.5) / (2j * np.pi * F + 2.0)
    np.testing.assert_allclose(sb.impedance(network, (0, 1), F), 1 / (1 / Z + 1 / 50.0), rtol=1e-12)


@pytest.mark.parametrize(("seed", "reduced"), [(40, False), (41, False), (42, False), (43, None)])
def test_against_the_ac_analysis_of_ngspice(seed: int, reduced: bool | None, tmp_path: Path) -> None:
    """Every state node is held at its value by an inductor of 1e9 H, a short for the bias and open for the signal."""
    network = random_network(seed, reduced=reduced)
    frequencies = np.logspace(-1, 2, 16)
    ours = sb.impedance(network, (network.nodes[0], network.nodes[2]), frequencies)
    deck = re.sub(r"\n\+ ?", " ", sb.netlist(network, [0.0, 1.0], form="readable"))
    held = re.findall(r"v\((w\d+)\)\s*=\s*(\S+)", deck)
    names = node_names(network)
    lines = [deck.splitlines()[0]]
    lines += [line for line in deck.splitlines()[1:] if not re.match(r"(?i)\.(tran|save|ic|options?|end)\b(?!s)", line)]
    for node, value in held:
        lines += [f"LH{node} {node} h{node} 1e9", f"VH{node} h{node} 0 {value}"]
    lines.append(f"IAC {names[2]} {names[0]} DC 0 AC 1")
    lines += [".control", "set wr_vecnames", "set numdgt=15", "ac dec 5 0.1 100"]
    difference = "-".join(f"v({n})" if n != "0" else "0" for n in (names[0], names[2]))
    lines += [f"let z = {difference}", "wrdata out.txt z", "quit", ".endc", ".end"]
    (tmp_path / "ac.cir").write_text("\n".join(lines), encoding="utf-8")
    run = subprocess.run(
        ["ngspice", "-n", "-b", "ac.cir"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (tmp_path / "out.txt").exists(), run.stdout + run.stderr
    table = np.loadtxt(tmp_path / "out.txt", skiprows=1)
    np.testing.assert_allclose(table[:, 0], frequencies, rtol=1e-6)
    np.testing.assert_allclose(ours, table[:, 1] + 1j * table[:, 2], rtol=1e-6)


def test_misuse_is_refused() -> None:
    network = sb.Network.from_edges([("a", "b"), ("c", "d")], device=[sb.Resistor(1.0), sb.Capacitor(1.0)])
    for nodes, f, message in (
        (("a", "x"), 1.0, "'x' is no node"),
        (("a", "c"), 1.0, "no edge connects"),
        (("a",), 1.0, "two nodes"),
        (("a", "b"), [1.0, 0.0], "positive"),
    ):
        with pytest.raises(NetworkError, match=message):
            sb.impedance(network, nodes, f)  # type: ignore[arg-type]
    loop = sb.Network.from_edges([(0, 1), (0, 1)], device=sb.Capacitor(1.0))
    with pytest.raises(ScreenError, match="loop of capacitors"):
        sb.impedance(loop, (0, 1), 1.0, state=[1.0, 0.0])
