"""Verdicts between simulators: who agrees with whom, and who is to blame when one does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from spicebridge.circuit.engines import Job, RunRecord, get_engine
from spicebridge.cli import main
from spicebridge.errors import SimulatorMissing, SpiceBridgeError
from spicebridge.verify.several_engines import THEORY, Between, compare, odd_one_out
from spicebridge.verify.verdict import Outcome

NGSPICE, VACASK = "ngspice", "vacask"
T = np.linspace(0.0, 1.0, 11)


def k4():
    device = sb.LinearMemristor.caravelli2017(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0)
    return sb.Network.from_graph(
        nx.complete_graph(4), device=device, drive=sb.Sine(amplitude=1.0, frequency=2.0), initial_state=0.4
    )


def vteam():
    # The exponential curve has no fast deck of its own, so that every form holds the planted power.
    device = sb.VTEAM(100.0, 1600.0, -2.0, 2.0, 3.0, 3.0, -0.3, 0.3, curve="exponential")
    return sb.Network.from_edges([("a", "a")], device=device, drive=sb.Sine(0.8, 2.0), initial_state=0.5)


def gate():
    """A law whose rate is u(0): a source of 0 V lets the state drift at half its rate."""
    law = sb.Law(
        "gate", resistance="r_on + (r_off - r_on)*w", rate="k*u(v) - leak*w", state="w",
        parameters={"r_on": 100.0, "r_off": 1600.0, "k": 0.4, "leak": 0.1},
    )  # fmt: skip
    return sb.Network.from_edges([("a", "a")], device=law(), drive=sb.DC(0.0), initial_state=0.2)


class Planted:
    """A simulator that gets another text than ours."""

    def __init__(self, name, pattern, by):
        self.inner, self.pattern, self.by, self.hits = get_engine(name), pattern, by, 0
        self.name, self.dialect = self.inner.name, self.inner.dialect

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def run(self, job: Job) -> RunRecord:
        text, hits = re.subn(self.pattern, self.by, job.text, flags=re.MULTILINE)
        self.hits += hits
        return self.inner.run(replace(job, text=text))


def more(group, factor=1.001):
    """The match with one of its groups, a number, made 0.1 % larger."""

    def change(match):
        start, end = (position - match.start() for position in match.span(group))
        return f"{match[0][:start]}{float(match[group]) * factor!r}{match[0][end:]}"

    return change


BUGS = [
    # a sign
    (k4, NGSPICE, r"^(GW2 .*) -(\S+)$", r"\1 \2"),
    (k4, VACASK, r"^(gw2 .*)gain=-", r"\1gain="),
    (k4, NGSPICE, r"^(I0 .*SIN\(0) ", r"\1 -"),
    (k4, VACASK, r"^(i0 .*)ampl=", r"\1ampl=-"),
    (k4, NGSPICE, r"^(RW1 \S+ 0) -", r"\1 "),
    (k4, VACASK, r"^(rw1 .*)gain=-", r"\1gain="),
    # 0.1 % of a parameter
    (k4, NGSPICE, r"^GE3 .* (\S+)$", more(1)),
    (k4, VACASK, r"^ge3 .*gain=(\S+)", more(1)),
    (k4, NGSPICE, r"^C4 \S+ 0 (\S+)$", more(1)),
    (k4, VACASK, r"^c4 .* c=(\S+)", more(1)),
    (k4, NGSPICE, r"^\.ic .*v\(w5\)=(\S+)", more(1)),
    (k4, VACASK, r"\"w5\", ([\d.]+)", more(1)),
    (k4, NGSPICE, r"^I1 .*SIN\(0 (\S+) ", more(1)),
    (k4, VACASK, r"^i1 .*ampl=(\S+) ", more(1)),
    (k4, NGSPICE, r"^I2 .*SIN\(0 \S+ (\S+) ", more(1)),
    (k4, VACASK, r"^i2 .*freq=(\S+) ", more(1)),
    # a power
    (vteam, NGSPICE, r"alpha_off=3(?= )", "alpha_off=2"),
    (vteam, VACASK, r"(model law1 .*)alpha_off=3(?=\s)", r"\1alpha_off=2"),
    # u(0)
    (gate, NGSPICE, r"(?<![\w.])u\(", "uramp(1e9*1e-9+"),
    (gate, VACASK, r"^(model law1 gate.*)$", None),
]


@pytest.mark.parametrize(("network", "guilty", "pattern", "by"), BUGS, ids=range(len(BUGS)))
def test_a_bug_in_the_text_of_one_is_attributed_to_it(network, guilty, pattern, by):
    if by is None:
        # What a module makes of u(0) stands inside it, as the sign of zero.
        pattern, by = r"(?<=[( ])0\.5\*\(1\.0\+", "0.5*(2.0+"
    planted = Planted(guilty, pattern, by)
    other = VACASK if guilty == NGSPICE else NGSPICE
    engines = [planted, other] if guilty == NGSPICE else [other, planted]
    verdict = sb.validate(network(), T, engine=engines, tolerance=1e-4)
    assert planted.hits > 0, planted.inner.dialect
    assert verdict.outcome is Outcome.DISAGREES
    assert verdict.odd_one_out == guilty
    assert f"{other} and the equations agree; {guilty} differs by" in verdict.reason
    E, U = verdict.pairs[NGSPICE, VACASK]
    assert E > U


def test_those_are_twenty():
    assert len(BUGS) == 20
    assert {guilty for _, guilty, _, _ in BUGS} == {NGSPICE, VACASK}


def test_what_agrees_agrees_pairwise():
    verdict = sb.validate(k4(), T, engine=[NGSPICE, VACASK])
    assert verdict.outcome is Outcome.AGREES
    assert verdict.odd_one_out is None
    assert set(verdict.engines) == {NGSPICE, VACASK}
    assert set(verdict.pairs) == {(THEORY, NGSPICE), (THEORY, VACASK), (NGSPICE, VACASK)}
    for name, own in verdict.engines.items():
        assert own.agrees
        assert verdict.pairs[THEORY, name] == (own.signal.error, own.signal.uncertainty)
    E, U = verdict.pairs[NGSPICE, VACASK]
    assert E <= U
    assert (verdict.max_error, verdict.uncertainty) in verdict.pairs.values()


def test_both_simulators_against_wrong_equations():
    """The circuit of another network in every simulator: they agree, and the equations stand alone."""
    other = k4().with_initial_state(0.41)
    verdict = sb.validate(k4(), T, engine=[NGSPICE, VACASK], circuit=other)
    assert verdict.outcome is Outcome.DISAGREES
    assert verdict.odd_one_out == THEORY
    assert "ngspice and vacask agree; the equations differ by" in verdict.reason


def test_two_wrong_ones_have_no_odd_one_out():
    both = [Planted(NGSPICE, r"^GE3 .* (\S+)$", more(1, 1.1)), Planted(VACASK, r"^c4 .* c=(\S+)", more(1, 1.1))]
    verdict = sb.validate(k4(), T, engine=both)
    assert verdict.outcome is Outcome.DISAGREES
    assert verdict.odd_one_out is None
    assert "no one judge stands alone" in verdict.reason


def test_one_that_fails_leaves_the_rest_judged():
    broken = Planted(VACASK, r"^c4 .*$", "c4 nonsense")
    verdict = sb.validate(k4(), T, engine=[NGSPICE, broken])
    assert verdict.outcome is Outcome.UNRESOLVED
    assert verdict.odd_one_out is None
    assert verdict.reason.startswith("vacask: ")
    assert verdict.engines[NGSPICE].agrees
    assert np.isnan(verdict.pairs[NGSPICE, VACASK]).all()


def test_one_simulator_in_a_list_is_two_judges():
    verdict = sb.validate(k4(), T, engine=[NGSPICE])
    assert verdict.agrees
    assert list(verdict.pairs) == [(THEORY, NGSPICE)]
    plain = sb.validate(k4(), T, engine=NGSPICE)
    assert plain.pairs == {}
    assert plain.max_error == verdict.max_error


@pytest.mark.parametrize(
    ("engines", "error", "words"),
    [
        ([], SpiceBridgeError, "empty list"),
        ([NGSPICE, NGSPICE], SpiceBridgeError, "named twice"),
        ([NGSPICE, "vacusk"], SpiceBridgeError, "did you mean 'vacask'"),
        ([NGSPICE, "ngspice=/no/such"], SimulatorMissing, "is no program"),
    ],
)
def test_misuse_is_named(engines, error, words):
    with pytest.raises(error, match=words):
        sb.validate(k4(), T, engine=engines)


# The rule itself, without a simulator


@pytest.mark.parametrize(
    ("apart", "odd"),
    [
        ({"ab", "bt"}, "b"),
        ({"ab", "at"}, "a"),
        ({"at", "bt"}, THEORY),
        ({"ab", "at", "bt"}, None),
        ({"ab"}, None),
        (set(), None),
    ],
)
def test_the_odd_one_out_differs_from_all_and_the_rest_agree(apart, odd):
    keys = {"at": (THEORY, "a"), "bt": (THEORY, "b"), "ab": ("a", "b")}
    between = {pair: Between(Outcome.DISAGREES if k in apart else Outcome.AGREES, {}) for k, pair in keys.items()}
    assert odd_one_out((THEORY, "a", "b"), between) == odd


def test_two_judges_have_no_odd_one():
    assert odd_one_out((THEORY, "a"), {(THEORY, "a"): Between(Outcome.DISAGREES, {})}) is None


def test_differences_between_simulators_are_those_of_their_samples():
    """Another make: both runs interpolated onto one grid by cubic splines and subtracted."""
    from scipy.interpolate import CubicSpline

    verdict = sb.validate(k4(), T, engine=[NGSPICE, VACASK])
    a, b = (verdict.engines[name].spice for name in (NGSPICE, VACASK))
    grid = np.linspace(0.0, 1.0, 4001)
    apart = np.abs(CubicSpline(a.t, a.state)(grid) - CubicSpline(b.t, b.state)(grid)).max()
    between = compare(verdict.engines)[NGSPICE, VACASK]
    assert between.signals["state"].error == pytest.approx(apart, rel=0.2, abs=2e-9)


# Command line and report


def test_the_command(tmp_path, capsys):
    case = "compare/k4.case.toml"
    words = ["validate", case, "--engine", NGSPICE, "--engine", VACASK, "--quiet", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "ngspice, vacask and the equations agree with each other" in " ".join(said.split())
    assert re.search(r"ngspice - vacask agree: E [\d.e-]+, U [\d.e-]+", said)
    facts = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert set(facts["engines"]) == {NGSPICE, VACASK}
    assert {(p["first"], p["second"]) for p in facts["pairs"]} == {
        (THEORY, NGSPICE), (THEORY, VACASK), (NGSPICE, VACASK),
    }  # fmt: skip
    assert facts["odd_one_out"] is None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "between judges" in page.lower()
    assert main(["validate", case, "--engine", NGSPICE, "--engine", NGSPICE, "--quiet"]) == 2
