"""Random networks written in every dialect that is read, and read back.

python bench/round_trips.py [networks]

100 networks (multigraphs with loops, active edges, polarities, walls, windows, every kind of drive) by five dialects.
A round trip counts where ends, sources and initial states come back and i(s, v) and ds/dt of every edge agree to 1e-9
of their largest value. Then the time of a card beside PySpice's parser on the same netlist, which knows elements but
no expressions.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

import spicebridge as sb
from spicebridge.circuit.reader import read_deck
from spicebridge.network import Network

DIALECTS = ("ngspice", "ltspice", "xyce", "hspice", "pspice")
AGREEMENT = 1e-9
CARDS = 20_000


def same(one: Network, two: Network) -> str:
    """ "" where two networks are one circuit, else what differs."""
    if one.n_edges != two.n_edges or not np.allclose(one.initial_state, two.initial_state, rtol=0, atol=AGREEMENT):
        return "edges or initial states"
    t = np.linspace(0.0, 3.0, 301)
    if np.abs(one.bank(t) - two.bank(t)).max() > AGREEMENT * max(1.0, float(np.abs(one.bank(t)).max())):
        return "sources"
    random = np.random.default_rng(1)
    s, v = random.uniform(0.01, 0.99, 50), random.uniform(-1.0, 1.0, 50)
    for k in range(one.n_edges):
        laws = []
        for network in (one, two):
            device, P, J = network.device(k), np.full(50, network.P[k]), np.full(50, network.J[k])
            i = v / (P * device.resistance(s)) if device.ohmic else J * device.current(J * v, s)
            laws.append((i, device.rate(s, v, i, P, J)))
        for a, b in zip(*laws, strict=True):
            if np.abs(a - b).max() > AGREEMENT * max(float(np.abs(a).max()), 1e-300):
                return f"the law of edge {k}"
    return ""


def random_network(number: int) -> Network:
    """Edges between five nodes, everything drawn: device, window, signs, source."""
    random = np.random.default_rng(number)
    n = int(random.integers(2, 9))
    windows = [
        None,
        sb.Hard(),
        sb.Tanh(),
        sb.Joglekar(int(random.integers(1, 8))),
        sb.Biolek(int(random.integers(1, 8))),
    ]
    edges, devices, drives = [], [], []
    for _ in range(n):
        edges.append((int(random.integers(5)), int(random.integers(5))))
        r_on, r_off = 10.0 ** random.uniform(1, 2.5), 10.0 ** random.uniform(3, 4.5)
        make = (sb.LinearMemristor.caravelli2017, sb.LinearMemristor.tunneling)[int(random.integers(2))]
        control = ("current", "voltage")[int(random.integers(2))]
        window = windows[int(random.integers(len(windows)))]
        alpha = float(random.uniform(0.0, 0.5)) if random.random() < 0.5 else 0.0
        device = make(r_on, r_off, alpha, 10.0 ** random.uniform(-2, 1), control=control, window=window)
        devices.append(sb.Resistor(r_on) if random.random() < 0.15 else device)
        a, f = float(random.uniform(0.1, 1.0)), float(random.uniform(0.5, 5.0))
        kinds = (
            None,
            sb.DC(a),
            sb.Sine(a, f, 0.1, 0.5),
            sb.Pulse(0.0, a, 0.1, 0.01, 0.01, 0.2, 0.5),
            sb.PWL((0.0, 0.3, 1.0), (0.0, a, -a)),
        )
        drives.append(kinds[int(random.integers(len(kinds)))])
    return sb.Network.from_edges(
        edges,
        device=devices,
        drive=drives,
        initial_state=random.uniform(0.05, 0.95, n),
        active=[k for k in range(n) if random.random() < 0.1],
        polarity=random.choice([-1.0, 1.0], n),
    )


def round_trips(networks: int) -> None:
    t = np.linspace(0.0, 1.0, 11)
    good = dict.fromkeys(DIALECTS, 0)
    for number in range(networks):
        network = random_network(number)
        form = ("fast", "readable")[number % 2]
        for dialect in DIALECTS:
            try:
                wrong = same(network, sb.read_netlist(sb.netlist(network, t, dialect, form=form), dialect=dialect))
            except sb.SpiceBridgeError as error:
                wrong = str(error).split("\n")[0]
            good[dialect] += not wrong
            if wrong:
                print(f"  {dialect}, network {number}, {form}: {wrong}")
    for dialect in DIALECTS:
        print(f"{dialect:8s} {good[dialect]:4d} of {networks} round trips to {AGREEMENT:g}")
    print(f"{'all':8s} {sum(good.values()):4d} of {networks * len(DIALECTS)}")


def cards(count: int) -> None:
    """Time a card of reading with meaning, and of PySpice's parser, which knows no more than the words."""
    lines = ["title"]
    for k in range(count // 4):
        lines += [
            f"R{k} n{k} n{k + 1} {1 + k % 97}k",
            f"C{k} n{k} 0 {1 + k % 13}u",
            f"V{k} m{k} n{k} SIN(0 {1 + k % 5} {1 + k % 7}k)",
            f"X{k} m{k} n{k + 1} mem r_on={100 + k % 31}",
        ]
    lines += [".subckt mem p n r_on=100", "Rm p n 100", ".ends", ".end", ""]
    text = "\n".join(lines)
    read_deck("warm\nR1 a 0 1\n")
    ours = min(timed(lambda: read_deck(text, dialect="auto")) for _ in range(3))
    print(f"{count} cards: {1e6 * ours / count:.1f} us a card")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from PySpice.Spice.Parser import SpiceParser
        except ImportError as error:
            print(f"PySpice: cannot be imported ({error})")
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "deck.cir"
            path.write_text(text)
            theirs = min(timed(lambda: SpiceParser(path=str(path)).build_circuit()) for _ in range(3))
    print(f"PySpice's parser and circuit: {1e6 * theirs / count:.1f} us a card; ratio {ours / theirs:.2f}")


def timed(run: object) -> float:
    start = time.process_time()
    run()  # type: ignore[operator]
    return time.process_time() - start


if __name__ == "__main__":
    round_trips(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    cards(CARDS)
