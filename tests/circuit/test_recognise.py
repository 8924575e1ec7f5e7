"""A deck is read back as the network it realises, by what its elements do and not by how they are written.

Network -> text -> network: the same law at every state, current and source value, hence the same w(t). The
description may differ where several describe one circuit (two signs of J with an active edge, say).
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import loop_networks, networks, windows

import spicebridge as sb
from spicebridge.circuit.lower.deck_nodes import node_names
from spicebridge.circuit.reader import read_deck
from spicebridge.circuit.recognise import recognise, recognise_circuit
from spicebridge.drives import Pulse, terms
from spicebridge.errors import NotANetwork, ScreenError
from spicebridge.network import Network

FORMS = ("fast", "readable")
DIALECTS = ("ngspice", "ltspice", "xyce", "hspice", "pspice")
T = np.linspace(0.0, 1.0, 11)
LAW = 1e-12
"""Relative difference of two laws: a few roundings."""

FUZZ = settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))


def has_needles(network: Network) -> bool:
    """Whether a repeated pulse has no width: to simulators 0 is "not given", so the text means another circuit."""
    every = (term for drive in network.drives for term in terms(drive))
    return any(isinstance(term, Pulse) and term.period is not None and term.width == 0.0 for term in every)


def back(network: Network, form: str, dialect: str = "ngspice") -> Network:
    return sb.read_netlist(sb.netlist(network, T, dialect, form=form), dialect=dialect)


def same_circuit(first: Network, second: Network) -> None:
    """Edge by edge: ends, source, initial state, v(i, s) and ds/dt."""
    assert second.n_edges == first.n_edges
    np.testing.assert_array_equal(second.initial_state, first.initial_state)
    if first.is_graph:
        names = node_names(first)
        for k in range(first.n_edges):
            ends = (names[first.tail[k]], names[first.head[k]])
            assert (second.nodes[second.tail[k]], second.nodes[second.head[k]]) == ends
    else:
        np.testing.assert_array_equal(second.loop_matrix, first.loop_matrix)
    t = np.linspace(0.0, 3.0, 301)
    np.testing.assert_allclose(second.bank(t), first.bank(t), rtol=0, atol=1e-13)
    random = np.random.default_rng(1)
    s = random.uniform(0.01, 0.99, 50)
    v = random.uniform(-1.0, 1.0, 50)
    for k in range(first.n_edges):
        one, two = first.device(k), second.device(k)
        P, J = (np.full(50, x) for x in (first.P[k], first.J[k]))
        P2, J2 = (np.full(50, x) for x in (second.P[k], second.J[k]))
        if one.ohmic:
            i, i2 = v / (P * one.resistance(s)), v / (P2 * two.resistance(s))
        else:
            i, i2 = J * one.current(J * v, s), J2 * two.current(J2 * v, s)
        np.testing.assert_allclose(i2, i, rtol=LAW)
        assert two.window.hard == one.window.hard
        rate, rate2 = one.rate(s, v, i, P, J), two.rate(s, v, i2, P2, J2)
        np.testing.assert_allclose(rate2, rate, rtol=0, atol=LAW * max(1.0, np.abs(rate).max()))


FINE = {"rtol": 1e-13, "atol": 1e-14}
"""Of both integrations: where the last digit of a drive changes the steps, their error must not reach the bound."""
KINK = 1e-11
"""Bound across the kinks of a window, where the drift turns: tolerances leave 1.1e-12 there (2 of 108 networks)."""


def same_motion(first: Network, second: Network) -> None:
    try:
        one = sb.integrate(first, T, **FINE)
    except (ScreenError, sb.SpiceBridgeError):
        assume(False)
    two = sb.integrate(second, T, **FINE)
    kinked = any(group.device.stateful and group.device.window.name in ("biolek", "zha") for group in first.groups)
    assert np.abs(two.state - one.state).max(initial=0.0) <= (KINK if kinked else 1e-12)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("form", FORMS)
@FUZZ
@given(network=networks(active=True, window=windows(), max_edges=8))
def test_random_graphs_come_back(form: str, dialect: str, network: Network) -> None:
    assume(not has_needles(network))
    same_circuit(network, back(network, form, dialect))


@pytest.mark.parametrize("form", FORMS)
@FUZZ
@given(network=loop_networks(active=True, window=windows(), max_edges=6))
def test_random_loop_matrices_come_back(form: str, network: Network) -> None:
    assume(not has_needles(network))
    same_circuit(network, back(network, form))


@pytest.mark.parametrize("form", FORMS)
@settings(FUZZ, max_examples=15)
@given(network=st.one_of(networks(window=windows(), max_edges=8), loop_networks(window=windows(), max_edges=5)))
def test_theory_moves_the_same(form: str, network: Network) -> None:
    assume(not has_needles(network))
    same_motion(network, back(network, form))


DEVICES = [
    sb.HPMemristor(100.0, 16e3, 1e4, sb.Joglekar(2)),
    sb.HPMemristor(100.0, 16e3, 1e4, sb.Prodromakis(1.7, 1.0)),
    sb.HPMemristor(100.0, 16e3, 1e4, sb.Zha(3.0, 1.0)),
    sb.ThresholdMemristor(1e3, 1e4, 0.3, 2e4, 1e3),
    sb.ThresholdMemristor(1e3, 1e4, 0.3, 2e4, 1e3, 0.01),
    sb.YakopcicMemristor(0.17, 0.17, 0.05, 0.16, 0.15, 4000, 4000, 0.3, 0.5, 1, 5),
    sb.TEAM(50, 1000, -1, 1, 3, 3, -1e-5, 1e-5),
    sb.TEAM(50, 1000, -1, 1, 3, 3, -1e-5, 1e-5, curve="exponential"),
    sb.VTEAM(50, 1000, -1, 1, 3, 3, -0.2, 0.2),
]


@pytest.mark.parametrize(
    ("form", "dialect"), [(form, "ngspice") for form in FORMS] + [("readable", d) for d in DIALECTS[1:]]
)
@pytest.mark.parametrize("device", DEVICES, ids=lambda d: f"{d.kind}-{d.window.name}")
def test_every_device_of_the_library_comes_back(device: object, form: str, dialect: str) -> None:
    network = sb.Network.from_edges(
        [("a", "b"), ("b", "a"), ("a", "b")],
        device=device,
        drive=[sb.Sine(1.0, 2.0), None, sb.DC(0.2)],
        initial_state=[0.3, 0.5, 0.7],
        polarity=[1, -1, 1],
    )
    found = back(network, form, dialect)
    same_circuit(network, found)
    if form == "fast" and isinstance(device, sb.HPMemristor):
        # In this form the deck knows no name: HP is the tunneling law without decay.
        assert all(isinstance(law, sb.LinearMemristor) for law in found.devices())
        return
    if form == "fast" and device.affine() is not None:
        # Nor is a law's name there where R is affine: the rate comes back as the formula that it is.
        s, v = np.random.default_rng(1).uniform((0.0, -1.5), (1.0, 1.5), (100, 2)).T
        for k, law in enumerate(found.devices()):
            R, P = device.resistance(s), np.ones(())
            np.testing.assert_allclose(law.resistance(s), R, rtol=1e-12)
            rate = device.bulk_rate(s, v, v / R, P, network.J[k])
            bound = 1e-12 * np.abs(rate).max()
            np.testing.assert_allclose(law.bulk_rate(s, v, v / R, P, found.J[k]), rate, rtol=0.0, atol=bound)
        return
    assert found.devices() == network.devices()


TEXTBOOK = {
    "resistor": """
V1 in 0 SIN(0 1 2)
R1 in x R='100*(1+15*V(s))'
Rload x 0 50
G1 s 0 in x 2
""",
    "current source": """
V1 in 0 SIN(0 1 2)
B1 in x I=V(in,x)/(100+1500*V(s))
Rload x 0 50
B2 s 0 I=2*V(in,x)
""",
    "voltage of its own current": """
V1 in 0 SIN(0 1 2)
B1 in y V=I(B1)*1500*V(s)
Roff y x 100
Rload x 0 50
E1 probe 0 in x 1
B2 s 0 I=2*V(probe)
""",
    "sensed current": """
V1 in 0 SIN(0 1 2)
Vsense in a 0
R1 a x R='100+1500*V(s)'
Rload x 0 50
B2 s 0 I=2*I(Vsense)*(100+1500*V(s))
""",
    "source on the far side": """
V1 0 gone SIN(0 1 2)
Rload gone x 50
R1 0 x R='100+1500*V(s)'
G1 s 0 0 x 2
""",
}


@pytest.mark.parametrize("body", TEXTBOOK.values(), ids=TEXTBOOK)
def test_textbook_forms_are_one_network(body: str) -> None:
    """A memristor of 100 to 1600 ohm and a load in series with a sine, written in five ways."""
    text = f"one loop{body}C1 s 0 1\nRleak s 0 10\n.ic v(s)=0.4\n.tran 1m 1\n.end\n"
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, -0.1, 0.5, control="voltage")
    expected = sb.Network.from_edges(
        [("0", "x"), ("x", "0")], device=[device, sb.Resistor(50.0)], drive=[sb.Sine(1.0, 2.0), None], initial_state=0.4
    )
    found = recognise(read_deck(text))
    k = int(np.argmax(found.stateful))
    theory, read = sb.integrate(expected, T), sb.integrate(found, T)
    np.testing.assert_allclose(read.state[:, k], theory.state[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.abs(read.current[:, k]), np.abs(theory.current[:, 0]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("order", [1, 3])
def test_the_published_subcircuit_of_linear_drift(order: int) -> None:
    """The form of Biolek, Biolek and Biolkova (2009) as LTspice users type it: E source, Roff, window function."""
    text = f"""HP memristor
Vin in 0 SIN(0 1.2 1)
Xmem in 0 memristor
.subckt memristor plus minus params: Ron=100 Roff=16k Rinit=11k D=10n uv=10f
Gx 0 x value={{I(Emem)*uv*Ron/(D*D)*f(V(x),{order})}}
Cx x 0 1
.ic V(x)={{(Roff-Rinit)/(Roff-Ron)}}
Emem plus aux value={{-I(Emem)*V(x)*(Roff-Ron)}}
Roff aux minus {{Roff}}
.func f(x,p)={{1-(2*x-1)**(2*p)}}
.ends
.tran 1m 3
.end
"""
    found = recognise(read_deck(text, dialect="ltspice"))
    law = found.device(0)
    assert (law.law, law.control, law.window) == ("tunneling", "current", sb.Joglekar(order))
    assert (float(law.r_on), float(law.r_off)) == pytest.approx((100.0, 16e3), rel=1e-12)
    # k = mu_v Ron / D^2 = 1e4 per coulomb, beta = Roff/k
    assert float(law.beta) == pytest.approx(1.6, rel=1e-12)
    assert found.initial_state[0] == pytest.approx(5.0 / 15.9, rel=1e-12)
    assert found.drives[0] == sb.Sine(1.2, 1.0)


def test_a_source_that_feeds_two_memristors_is_shifted_into_both() -> None:
    text = """bridge
V1 top 0 1
X1 top a m
X2 a 0 m
X3 top b m
X4 b 0 m
X5 a b m
.subckt m p n
R1 p n R='100+1500*V(s)'
G1 s 0 p n 1
C1 s 0 1m
.ic v(s)=0.5
.ends
.tran 1m 1
.end
"""
    found = recognise(read_deck(text))
    assert found.n_nodes == 3
    assert sorted(found.nodes) == ["0", "a", "b"]
    assert [float(found.bank(0.0)[k]) for k in range(5)] == [1.0, 0.0, 1.0, 0.0, 0.0]
    assert (found.device(0).beta, found.J[0]) == (1e-3, 1.0)


def test_origins_name_the_elements_and_the_state() -> None:
    text = "x\nV1 a 0 1\nR1 a 0 R='100+50*V(w)'\nG1 w 0 a 0 1\nC1 w 0 1\n.ic v(w)=0.1\n.tran 1 2\n.end\n"
    origin = recognise_circuit(read_deck(text)).edges[0]
    assert origin.elements == ("R1",)
    assert origin.state == "w"


HEAD = "deck\nV1 a 0 1\nR1 a b R='100+50*V(w)'\nG1 w 0 a b 1\nC1 w 0 1\nR2 b 0 10\n"
TAIL = ".ic v(w)=0.1\n.tran 1m 1\n.end\n"
FOREIGN = {
    "dependent source": ("G5 b 0 a 0 1m", "G5", "another voltage controls"),
    "diode law": ("B5 b 0 I=1e-9*(exp(V(b)/0.025)-1)", "B5", "linear"),
    "loop of sources": ("V5 a 0 2", "V5", "loop of voltage sources"),
    "damped sine": ("V5 c b SIN(0 1 1 0 3)\nR5 c 0 1", "V5", "damped"),
    "two states": ("R5 b 0 R='100+V(w)+V(q)'\nC5 q 0 1\nG5 q 0 b 0 1", "R5", "several states"),
    "shared state": ("R5 b 0 R='100+V(w)'", "R5", "shares the state"),
    "foreign drive": ("R5 b 0 R='100+V(q)'\nC5 q 0 1\nR6 a c 1\nR7 c 0 1\nG5 q 0 c 0 1", "G5", "another edge"),
    "no initial value": ("R5 b 0 R='100+V(q)'\nC5 q 0 1\nG5 q 0 b 0 1", "R5", "initial value"),
    "jumping rate": ("R5 b 0 R='100+V(q)'\nC5 q 0 1\nB5 0 q I=V(b)*u(V(q)-.7)\n.ic v(q)=.5", "R5", "its rate jumps"),
    "half a clamp": (
        "R5 b 0 R='100+V(q)'\nC5 q 0 1\nG5 q 0 b 0 1\n.ic v(q)=.5\nS5 q 0 0 q lo\n.model lo sw(vt=0 ron=1u roff=1e12)",
        "S5",
        "one side",
    ),
    "leaky clamp": (
        "R5 b 0 R='100+V(q)'\nC5 q 0 1\nG5 q 0 b 0 1\n.ic v(q)=.5\nS5 q 0 0 q lo\n.model lo sw(vt=0 ron=1 roff=1e6)",
        "S5",
        "no clamp",
    ),
}


def test_the_deck_without_foreign_elements_is_a_network() -> None:
    assert recognise(read_deck(HEAD + TAIL)).n_edges == 2


@pytest.mark.parametrize(("extra", "name", "words"), FOREIGN.values(), ids=FOREIGN)
def test_the_element_that_prevents_it_is_named(extra: str, name: str, words: str) -> None:
    with pytest.raises(NotANetwork, match=words) as caught:
        recognise(read_deck(HEAD + extra + "\n" + TAIL))
    assert caught.value.account[0][0] == name
    line = (HEAD + extra).split("\n").index(next(x for x in (HEAD + extra).split("\n") if x.startswith(name))) + 1
    assert f"<text>:{line}:1:" in str(caught.value)


def test_the_account_lists_every_element() -> None:
    with pytest.raises(NotANetwork, match="2 more: E6, G6") as caught:
        recognise(read_deck(HEAD + "G5 b 0 a 0 1m\nE6 b c a 0 2\nG6 b 0 a 0 2m\n" + TAIL))
    assert [name for name, _ in caught.value.account] == ["G5", "E6", "G6"]


def test_a_lie_in_the_name_of_a_subcircuit_is_not_believed() -> None:
    """A stranger's caravelli2017_current whose resistance is twice what it says."""
    network = sb.Network.from_edges(
        [(0, 1), (1, 0)],
        device=sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0),
        drive=[1.0, None],
        initial_state=0.4,
    )
    text = sb.netlist(network, T).replace("R='({active})", "R='2*({active})")
    assert "R='2*" in text
    found = recognise(read_deck(text))
    assert found.device(0).r_on == 200.0
    assert found.device(0).r_off == 3200.0
    assert found.device(0).beta == pytest.approx(2.0, rel=1e-14)
