"""Circuits that people bring, as networks: each with its right value, computed independently of recognition."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.circuit.reader import read_deck, read_expression
from spicebridge.circuit.recognise import Recognised, recognise_circuit
from spicebridge.errors import NotANetwork
from spicebridge.expressions.evaluate import Environment, evaluate


def one_edge(
    subcircuit: str, source: str = "SIN(0 1 1)", tran: str = ".tran 1m 1", dialect: str = "ngspice"
) -> Recognised:
    """A sine across one memristor."""
    text = f"one memristor\nV1 1 0 {source}\nX1 1 0 m\n.subckt m a b {subcircuit}\n.ends\n{tran}\n.end\n"
    return recognise_circuit(read_deck(text, dialect=dialect))


def states(found: Recognised, t: list[float]) -> list[float]:
    return [float(x) for x in sb.integrate(found.network, np.array(t)).state[:, 0]]


R = "Bm a b I=V(a,b)/(100*V(w)+16k*(1-V(w)))\nCw w 0 1"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("2*V(a,b)*u(V(w))*u(1-V(w))", "its rate jumps"),
        ("V(w) < 1 ? 2*V(a,b) : 0", "its rate jumps"),
        ("2*V(a,b)*(V(w) > 0 && V(w) < 1)", "its rate jumps"),
        ("V(w) > 0.5 ? 2*V(a,b) : V(a,b)", "its rate jumps"),
        ("abs(V(a,b))<0.7 ? 0.05*V(a,b) : 0.5*V(a,b)", "its rate jumps from .* at state .* and -?0.7 V"),
    ],
)
def test_a_state_that_is_switched_off_is_no_known_law(gate: str, message: str) -> None:
    with pytest.raises(NotANetwork, match=message):
        one_edge(f"\nBw 0 w I={gate}\n{R}\n.ic v(w)=0.5")


@pytest.mark.parametrize(
    "limited",
    [
        "Bm a b I=V(a,b)/(100*min(max(V(w),0),1)+16k*(1-min(max(V(w),0),1)))",
        "Rm a b R='100+15.9k*min(max(1-V(w),0),1)'",
    ],
)
def test_a_limiter_beyond_the_walls_is_seen(limited: str) -> None:
    """Inside [0, 1] it is tunneling; the state leaves [0, 1], and then it is not."""
    found = one_edge(f"\nBw 0 w I=2*V(a,b)\n{limited}\nCw w 0 1\n.ic v(w)=0.5")
    assert "own expressions" in found.notes[0]
    device = found.network.device(0)
    np.testing.assert_allclose(device.resistance(np.array([0.5, 1.0, 1.4, -0.3])), [8050.0, 100.0, 100.0, 16e3])
    # Where the rate itself holds the state, the limiter is never met.
    held = one_edge(f"\nBw 0 w I=2*V(a,b)*4*V(w)*(1-V(w))\n{limited}\nCw w 0 1\n.ic v(w)=0.5")
    assert held.network.device(0).window == sb.Joglekar(1)


@pytest.mark.parametrize(
    ("gate", "amplitude"),
    [
        ("abs(V(a,b))<1.5 ? 0.05*V(a,b) : 0.5*V(a,b)-0.675*sgn(V(a,b))", 2.0),
        ("V(a,b) > 1.2 ? V(a,b)-1.2 : (V(a,b) < -1.2 ? V(a,b)+1.2 : 0)", 2.0),
        ("0.1*V(a,b)*V(a,b)*V(a,b)", 2.0),
        ("0.1*sinh(V(a,b)/0.5)", 1.0),
    ],
)
def test_laws_that_are_none_of_the_library_are_the_decks_own(gate: str, amplitude: float) -> None:
    """The state against quadrature of the gate over half a period."""
    import scipy.integrate

    found = one_edge(f"\nBw 0 w I={gate}\n{R}\n.ic v(w)=0.2", f"SIN(0 {amplitude} 1)")
    tree = read_expression(gate)
    points = [math.asin(x / amplitude) / (2 * math.pi) for x in (1.2, 1.5) if x < amplitude]
    points += [0.5 - p for p in points]
    area, _ = scipy.integrate.quad(
        lambda t: float(evaluate(tree, Environment({"a": amplitude * math.sin(2 * math.pi * t), "b": 0.0}, {}, {}))),
        0.0, 0.5, points=points or None, epsabs=1e-12,
    )  # fmt: skip
    assert states(found, [0.0, 0.5])[1] == pytest.approx(0.2 + area, abs=2e-5)


def test_beyond_the_drops_of_the_deck_nothing_is_asked() -> None:
    """The second regime begins at 1.5 V, the source ends at 1 V."""
    found = one_edge(f"\nBw 0 w I=abs(V(a,b))<1.5 ? 0.05*V(a,b) : 0.5*V(a,b)\n{R}\n.ic v(w)=0.2")
    assert float(found.network.device(0).beta) == pytest.approx(20.0)


@pytest.mark.parametrize(
    "expression",
    ["time>0.9995 ? 1 : 0", "u(time-0.5)", "exp(-time)", "time*V(1)", "table(time,0,0,1,1)", "sin(time*time)"],
)
def test_sources_of_time_are_waves_or_refused(expression: str) -> None:
    dialect = "ltspice" if "table" in expression else "ngspice"
    with pytest.raises(NotANetwork, match=r"is a source of time|depends on time|no part of|in series with"):
        recognise_circuit(
            read_deck(
                f"t\nV1 1 0 1\nR3 1 0 1\nB1 a 0 V={expression}\nR1 a b 9k\nR2 b 0 1k\n.tran 1m 1\n", dialect=dialect
            )
        )


def test_sines_of_time_are_drives() -> None:
    found = recognise_circuit(
        read_deck(
            "t\nB1 a 0 V=0.5+2*sin(6.283185307179586*3*time+0.25)-cos(2*time)\nR1 a b 9k\nR2 b 0 1k\n.tran 1m 1\n"
        )
    )
    t = np.linspace(0.0, 1.0, 101)
    drive = sum(np.asarray(found.network.bank(t)).T * np.array([[1.0], [1.0]]))
    np.testing.assert_allclose(
        np.abs(drive), np.abs(0.5 + 2 * np.sin(6 * np.pi * t + 0.25) - np.cos(2 * t)), atol=1e-12
    )


def test_ammeters_at_a_state_are_wires() -> None:
    body = "\nBx 0 x I='2*V(a,b)'\nVx x x1 0\nVy x1 x2 0\nCx x2 0 1\nRm a b R='100*V(x)+16k*(1-V(x))'\n.ic v(x)=0.3"
    found = one_edge(body)
    device = found.network.device(0)
    assert (device.law, device.control, float(device.beta)) == ("tunneling", "voltage", 0.5)
    assert found.network.initial_state[0] == 0.3


@pytest.mark.parametrize(
    ("clamp", "window"), [("", "none"), ("S1 x hi x 0 up\nVh hi 0 16k\nS2 x lo x 0 dn\nVl lo 0 100\n", "hard")]
)
def test_a_state_in_ohm_has_the_range_of_its_walls_or_none(clamp: str, window: str) -> None:
    """dR/dt = -3000 v: R(1/2 s) = 7000 - 3000/pi."""
    models = ".model up sw(vt=16k vh=0 ron=1p roff=1e6)\n.model dn sw(vt=100 vh=0 ron=1e6 roff=1p)\n"
    if clamp:
        clamp = clamp.replace("S2 x lo x 0 dn", "S2 x lo 0 x dn") + models.replace(
            "dn sw(vt=100 vh=0 ron=1e6 roff=1p)", "dn sw(vt=-100 vh=0 ron=1p roff=1e6)"
        )
    found = one_edge(f"\nRm a b R='V(x)'\nBx 0 x I='-3e3*V(a,b)'\nCx x 0 1\n{clamp}.ic v(x)=7k")
    device = found.network.device(0)
    assert device.window.name == window
    state = device.physical_state(np.array(states(found, [0.0, 0.5])))
    np.testing.assert_allclose(state, [7000.0, 7000.0 - 3000.0 / math.pi], rtol=1e-6)


def test_monitors_that_nothing_reads_are_left_out_with_a_note() -> None:
    text = """the classical series form
V1 1 0 SINE(0 1.2 1)
X1 1 0 hpm
.subckt hpm plus minus params: Ron=100 Roff=16K Rinit=11K k=1e4
Gx 0 x value={I(Em)*k*(1-(2*V(x)-1)**2)}
Cx x 0 1
.ic V(x)={(Roff-Rinit)/(Roff-Ron)}
Raux x 0 1Meg
Em plus aux value={-I(Em)*V(x)*(Roff-Ron)}
Rs aux minus {Roff}
Eflux flux 0 value={SDT(V(plus,minus))}
Echarge charge 0 value={SDT(I(Em))}
.ends
.tran 0 1 0 1m
"""
    found = recognise_circuit(read_deck(text, dialect="ltspice"))
    device = found.network.device(0)
    assert (device.law, device.control, device.window) == ("tunneling", "current", sb.Joglekar(1))
    assert float(device.beta) == pytest.approx(1.6)
    assert float(device.alpha) == pytest.approx(1e-6)
    assert sum("left out" in note for note in found.notes) == 4


def test_an_integral_that_the_law_reads_is_its_state() -> None:
    """R = 16k - 15.9k (0.3 + 2 int v dt), written without a capacitor."""
    found = one_edge(
        "\nEx x 0 value={0.3+2*sdt(V(a,b))}\nGm a b value={V(a,b)/(16k-15.9k*V(x))}", dialect="ltspice", tran=".tran 1"
    )
    i = sb.integrate(found.network, np.array([0.0, 0.2])).current[1, 0]
    flux = (1.0 - math.cos(0.4 * math.pi)) / (2.0 * math.pi)
    assert i == pytest.approx(math.sin(0.4 * math.pi) / (16e3 - 15.9e3 * (0.3 + 2.0 * flux)), rel=1e-6)


@pytest.mark.parametrize(
    ("pulse", "times", "values"),
    [
        ("0 1 1m 1m 2m 5m", [0.0, 1e-3, 2e-3, 7e-3, 9e-3, 1.0], [0, 0, 1, 1, 0, 0]),
        ("0 2 1m 1m 2m", [0.0, 2e-3, 1.0], [0, 2, 2]),
        ("1 2 0 1m 1m 1m 5m 2", [0.0, 1e-3, 3e-3, 5e-3, 6e-3, 8e-3, 11e-3, 1.0], [1, 2, 1, 1, 2, 1, 1, 1]),
    ],
)
def test_pulses_of_ltspice_that_end(pulse: str, times: list[float], values: list[float]) -> None:
    text = f"t\nV1 a 0 PULSE({pulse})\nR1 a b 1k\nR2 b 0 1k\n.tran 1\n"
    network = recognise_circuit(read_deck(text, dialect="ltspice")).network
    found = np.abs(network.bank(np.array(times))).max(axis=1)
    np.testing.assert_allclose(found, values, atol=1e-12)


def test_an_ltspice_deck_is_a_pytest_item_and_is_recognised_without_a_word(tmp_path: Path) -> None:
    text = """an LTspice deck
V1 1 0 SINE(0 0.5 1)
X1 1 0 s drift
.subckt drift te be y
.params ron=200 roff=8k k=5k
Cint y 0 {1}
.ic V(y)=0.3
Gy 0 y value={k*V(te,be)/(ron*V(y)+roff*(1-V(y)))*(4*V(y)*(1-V(y)))}
Gm te be value={V(te,be)/(ron*V(y)+roff*(1-V(y)))}
.ends drift
.tran 0 1 0 1m
.backanno
.end
"""
    (tmp_path / "deck").write_text(text)
    device = sb.read_netlist(tmp_path / "deck").device(0)
    assert (device.law, device.control, device.window) == ("tunneling", "current", sb.Joglekar(1))
    assert float(device.beta) == pytest.approx(1.6)


OUTWARD = """a memristor whose state is its resistance, cut off at the ends of its range
V1 1 0 sin(0 2.2 1)
X1 1 0 memristor
.subckt memristor plus minus PARAMS: Ron=1K Roff=10K Rinit=7.0K beta=20e3 Vt=1.6
Bx 0 x I='(f1(V(plus,minus)) > 0 && V(x) < Roff) || (f1(V(plus,minus)) < 0 && V(x) > Ron) ? f1(V(plus,minus)) : 0'
Vx x x1 0
Cx x1 0 1
.ic v(x)={Rinit}
Rmem plus minus r={V(x)}
.func f1(y)={beta*y-0.5*beta*(abs(y+Vt)-abs(y-Vt))}
.ends
.control
tran 1m 1
.endc
"""


def test_the_bound_of_published_subcircuits_is_a_hard_one() -> None:
    """dR/dt = 20e3 (|v| - 1.6) sgn v beyond 1.6 V; R reaches 10 kohm in no half period of 2.2 V, and stays below."""
    found = recognise_circuit(read_deck(OUTWARD, dialect="auto"))
    device = found.network.device(0)
    assert device.window == sb.Hard()
    start = 0.25 - math.acos(1.6 / 2.2) / (2 * math.pi)
    t = np.linspace(start, 0.5 - start, 20001)
    area = np.trapezoid(2.2 * np.sin(2 * math.pi * t) - 1.6, t)
    after = device.physical_state(np.array(states(found, [0.0, 0.5, 1.0])))
    np.testing.assert_allclose(
        after, [7e3, min(7e3 + 2e4 * area, 1e4), min(7e3 + 2e4 * area, 1e4) - 2e4 * area], rtol=1e-5
    )


@pytest.mark.parametrize(
    "gate",
    [
        "(2*V(a,b)>0 && V(w)<1) || (2*V(a,b)<0 && V(w)>0) ? 2*V(a,b) : 0",
        "2*V(a,b)*(V(w)<1 || V(a,b)<0)*(V(w)>0 || V(a,b)>0)",
        "V(a,b)>0 ? 2*V(a,b)*u(1-V(w)) : 2*V(a,b)*u(V(w))",
    ],
)
def test_a_rate_that_is_cut_off_outward_has_hard_bounds(gate: str) -> None:
    device = one_edge(f"\nBw 0 w I={gate}\n{R}\n.ic v(w)=0.5").network.device(0)
    assert (device.law, device.control, device.window, float(device.beta)) == ("tunneling", "voltage", sb.Hard(), 0.5)


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice", "hspice", "xyce", "pspice"])
@pytest.mark.parametrize("window", [None, sb.Hard()])
def test_what_netlist_writes_is_read_without_a_dialect(dialect: str, window: sb.Hard | None) -> None:
    device = sb.LinearMemristor.tunneling(100.0, 1600.0, 0.1, 1.0, window=window)
    network = sb.Network.from_edges(
        [("a", "b"), ("b", "a")], device=device, drive=[sb.Sine(1.0, 2.0), None], initial_state=0.4
    )
    assert sb.read_netlist(sb.netlist(network, [0.0, 1.0], dialect)).devices() == network.devices()
