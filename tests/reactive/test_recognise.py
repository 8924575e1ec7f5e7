"""Decks with capacitors, inductors and current sources are read as networks: this program's and other people's."""

from __future__ import annotations

import numpy as np
import pytest

import spicebridge as sb
from bench.reactive import STOP, random_network
from spicebridge.errors import NotANetwork

T = np.linspace(0.0, STOP, 41)


@pytest.mark.parametrize("form", ["fast", "readable"])
@pytest.mark.parametrize("dialect", ["ngspice", "ltspice"])
@pytest.mark.parametrize("seed", [3, 8])
def test_a_written_network_is_read_back(seed: int, form: str, dialect: str) -> None:
    network = random_network(seed)
    again = sb.read_netlist(sb.netlist(network, T, form=form, dialect=dialect), dialect=dialect)
    assert again.state_units == network.state_units
    np.testing.assert_allclose(again.initial_state, network.initial_state, rtol=1e-12)
    np.testing.assert_allclose(sb.integrate(again, T).state, sb.integrate(network, T).state, atol=1e-9)


def test_pyspice_there_and_back() -> None:
    network = random_network(3)
    again = sb.from_pyspice(sb.to_pyspice(network, T))
    np.testing.assert_allclose(sb.integrate(again, T).state, sb.integrate(network, T).state, atol=1e-9)


FILTER = """a filter by hand
V1 in 0 SIN(0 1 50)
R1 in a 100
L1 a b 10m ic=1m
C1 b 0 10u ic=0.5
I1 0 b SIN(0 1m 20)
R2 b 0 1k
.tran 10u 20m 0 10u uic
.end
"""


def test_elements_between_nodes_are_edges() -> None:
    network = sb.read_netlist(FILTER)
    units = dict(zip([device.kind for device in network.devices()], network.state_units, strict=True))
    assert units == {"Resistor": "1", "Inductor": "A", "Capacitor": "V", "CurrentSource": "1"}
    values = sorted(network.initial_state[network.stateful].tolist())
    assert values == [1e-3, 0.5]
    assert sb.validate(network, [0.0, 20e-3], tolerance=1e-3).agrees


def test_without_uic_a_run_starts_from_rest_or_from_ic() -> None:
    quiet = FILTER.replace(" uic", "")
    assert not sb.read_netlist(quiet).initial_state.any()
    with pytest.raises(NotANetwork, match=r"C1|L1 starts from the operating point"):
        sb.read_netlist(quiet.replace("SIN(0 1 50)", "1"))
    given = (
        quiet.replace("L1 a b 10m ic=1m", "R3 a b 1").replace("SIN(0 1 50)", "1").replace(".end", ".ic v(b)=0.25\n.end")
    )
    network = sb.read_netlist(given)
    assert network.initial_state.max() == 0.25


def test_what_integrates_something_else_is_no_capacitor() -> None:
    deck = sb.netlist(random_network(3), T, form="readable")
    line = next(text for text in deck.splitlines() if text.startswith("E"))
    k = line.split()[0][1:]
    with pytest.raises(NotANetwork, match=f"E{k} .*does not integrate the current of this branch alone"):
        sb.read_netlist(deck.replace(line, f"{line}\nILEAK w{k} 0 1m"))
    with pytest.raises(NotANetwork, match=f"E{k} .*another gain than 1"):
        sb.read_netlist(deck.replace(line, line[: line.rindex("1")] + "2"))
