"""PySpice circuits from networks and networks from PySpice circuits: one circuit on both sides."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from strategies import networks, windows

import spicebridge as sb
from spicebridge.circuit.engines import Job, Status, get_engine
from spicebridge.circuit.engines.pyspice import LIBRARY_VARIABLE, PySpiceShared
from spicebridge.drives import Pulse, terms
from spicebridge.errors import NotANetwork, SpiceBridgeError
from spicebridge.network import Network

STOP = 1.0
T = np.linspace(0.0, STOP, 11)
ROOT = Path(__file__).resolve().parents[2]
FINE = {"rtol": 1e-13, "atol": 1e-14}
"""Numbers that differ in their last digit after the text lead to other steps: their error must not reach the bound."""


def triangle() -> Network:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0, window=sb.Hard())
    laws = [device, sb.Resistor(50.0), sb.LinearMemristor.tunneling(100.0, 1600.0, 0.2, 0.7, window=sb.Biolek(2))]
    return sb.Network.from_edges(
        [("a", "b"), ("b", "c"), ("c", "a")],
        device=laws,
        drive=[sb.Sine(1.0, 2.0, phase=0.3) + sb.DC(0.2), None, None],
        initial_state=0.4,
    )


@pytest.mark.parametrize("form", ["fast", "readable"])
@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(network=networks(window=windows(), max_edges=6))
def test_there_and_back_moves_the_same(form: str, network: Network) -> None:
    every = [term for drive in network.drives for term in terms(drive)]
    # To simulators a repeated pulse without width is another pulse
    assume(not any(isinstance(x, Pulse) and x.period is not None and x.width == 0.0 for x in every))
    try:
        theory = sb.integrate(network, T, **FINE)
    except SpiceBridgeError:
        assume(False)
    found = sb.from_pyspice(sb.to_pyspice(network, T, form=form))
    assert np.abs(sb.integrate(found, T, **FINE).state - theory.state).max(initial=0.0) <= 1e-12


def test_the_text_runs_and_follows_theory() -> None:
    network = triangle()
    text = str(sb.to_pyspice(network, T)) + f".save v(w0) v(w2)\n.tran 0.5m {STOP} 0 0.5m\n.end\n"
    record = get_engine("ngspice").run(Job(text=text, vectors=("v(w0)", "v(w2)"), stop=STOP))
    assert record.status is Status.COMPLETE
    theory = sb.integrate(network, np.minimum(record.time, STOP))
    np.testing.assert_allclose(record.data, theory.state[:, [0, 2]], rtol=0, atol=3e-6)


SHARED = """
import numpy as np, spicebridge as sb
from test_pyspice_interop import triangle, STOP
circuit = sb.to_pyspice(triangle(), [STOP])
run = circuit.simulator(simulator="ngspice-shared").transient(step_time=5e-4, end_time=STOP, max_time=5e-4)
t = np.minimum(np.array(run.time), STOP)
print(np.abs(np.array(run.nodes["w0"]) - sb.integrate(triangle(), t).state[:, 0]).max())
"""


def test_pyspice_runs_it_itself() -> None:
    """In a process of its own, because the shared library is one simulator per process."""
    folders = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)])
    env = os.environ | {LIBRARY_VARIABLE: PySpiceShared().path(), "PYTHONPATH": folders}
    done = subprocess.run([sys.executable, "-c", SHARED], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 3e-6


def test_an_extended_circuit_is_the_extended_network() -> None:
    """A PySpice user hangs a load over two nodes, then changes it."""
    circuit = sb.to_pyspice(triangle())
    circuit.R("load", "0", "n1", 75)
    found = sb.from_pyspice(circuit)
    assert found.n_edges == 4
    assert float(found.device(3).r) == 75.0
    circuit.Rload.resistance = 80
    assert float(sb.from_pyspice(circuit).device(3).r) == 80.0


def test_a_circuit_made_in_pyspice_with_its_units() -> None:
    from PySpice.Spice.Netlist import Circuit

    circuit = Circuit("divider")
    circuit.SinusoidalVoltageSource("in", "a", circuit.gnd, amplitude=0.5, frequency=20)
    circuit.R(1, "a", "b", raw_spice="R='100+50*V(w)'")
    circuit.R(2, "b", circuit.gnd, 10)
    circuit.VCCS("w", "w", circuit.gnd, "a", "b", 2)
    circuit.C("w", "w", circuit.gnd, 1)
    circuit.raw_spice += ".ic v(w)=0.25\n"
    found = sb.from_pyspice(circuit)
    assert found.drives[0] == sb.Sine(0.5, 20.0)
    assert float(found.device(0).r_off) == 150.0
    assert found.initial_state[0] == 0.25
    circuit.VCCS(1, "b", circuit.gnd, "a", circuit.gnd, 1e-3)
    with pytest.raises(NotANetwork, match="G1"):
        sb.from_pyspice(circuit)


def test_importing_pyspice_warns_nobody() -> None:
    """Its syntax and deprecation warnings are silenced while it is imported, and only then."""
    code = """
import warnings
warnings.simplefilter("error")
import spicebridge as sb, sys
assert "PySpice" not in sys.modules
device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0)
sb.to_pyspice(sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive=[1.0, None]))
try:
    warnings.warn("still heard")
except UserWarning:
    pass
else:
    raise SystemExit("warnings stayed off")
"""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb.to_pyspice(triangle())
