"""The rule of the atlas, its uncertainties against known errors, and claims on networks of the user."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge import atlas
from spicebridge.atlas import bars, circuits, projector_ensemble
from spicebridge.atlas import runs as bench
from spicebridge.atlas.bars import ClaimFinding
from spicebridge.atlas.claim import Claim, ClaimStatus, MeasuredClaim
from spicebridge.atlas.evidence import ClaimEvidence, Judgement, order_of
from spicebridge.errors import NetworkError, SpiceBridgeError
from spicebridge.theory.results.closed_forms import tunneling_fixed_points
from spicebridge.waveforms import Waveforms


def a_claim(status: ClaimStatus = ClaimStatus.EXACT) -> Claim:
    return Claim("p1.eq0", "t", printed="p", exact="e", status=status, circuits="c", mutant="m")


def verdict(*findings: ClaimFinding) -> Judgement:
    return ClaimEvidence(findings=findings).verdict


def test_what_vanishes_must_not_exceed_its_own_uncertainty() -> None:
    assert verdict(bars.vanishes("r", 1e-9, 2e-9, resolution=1e-6)) is Judgement.CONFIRMED
    assert verdict(bars.vanishes("r", 3e-9, 2e-9, resolution=1e-6)) is Judgement.CONTRADICTED
    assert verdict(bars.vanishes("r", 1e-9, 2e-3, resolution=1e-6)) is Judgement.UNRESOLVED
    assert verdict(bars.vanishes("r", 1.0, 2e-3, resolution=1e-6)) is Judgement.CONTRADICTED
    assert verdict(bars.vanishes("r", math.nan, 2e-9, resolution=1e-6)) is Judgement.UNRESOLVED


@given(st.floats(1e-12, 1.0), st.floats(0.0, 100.0))
def test_a_refutation_takes_ten_uncertainties(U: float, times: float) -> None:
    finding = bars.refutes("d", times * U, U)
    assert finding.passed == (times * U >= bars.RESOLVED * U)


def test_nothing_is_refuted_by_zero() -> None:
    assert verdict(bars.refutes("count", 0.0, 0.0)) is not Judgement.REFUTED
    assert verdict(bars.refutes("count", 1.0, 0.0)) is Judgement.REFUTED


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(1e-6, 1), st.floats(0, 1))
def test_equality_is_judged_by_both_uncertainties(x: float, y: float, U: float, u: float) -> None:
    finding = bars.equals("x", x, U, y, target_uncertainty=u)
    assert finding.passed == (abs(x - y) <= U + u)


def test_one_missed_finding_spoils_the_claim() -> None:
    good = bars.vanishes("r", 0.0, 1e-9, resolution=1e-6)
    assert verdict(good, bars.refutes("d", 1.0, 1e-3)) is Judgement.REFUTED
    assert verdict(good, bars.refutes("d", 1.0, 0.2)) is Judgement.CONTRADICTED
    assert verdict() is Judgement.UNRESOLVED


def waves(h: float, error: float) -> Waveforms:
    """w = sin t with an error of `error` h^2 t, on a grid of step h."""
    t = np.linspace(0.0, 2.0, round(2.0 / h) + 1)
    w = (np.sin(t) + error * h**2 * t)[:, None]
    return Waveforms(t, w, w, w)


@given(st.floats(0.01, 10.0))
def test_uncertainty_bounds_a_second_order_error(error: float) -> None:
    case = circuits.circuit("x", circuits.TRIANGLE)
    pair = bench.Pair(case, waves(0.02, error), waves(0.01, error), 0.02)
    residual, U = pair.value(lambda w: w.state[:, 0] - np.sin(w.t))
    largest = float(np.abs(residual).max())
    assert largest <= U <= 4.0 * largest + 1e-8


def test_an_error_that_does_not_converge_is_not_covered() -> None:
    case = circuits.circuit("x", circuits.TRIANGLE)
    pair = bench.Pair(case, waves(0.02, 0.1), waves(0.01, 0.1), 0.02)
    residual, U = pair.value(lambda w: w.state[:, 0] - 1.01 * np.sin(w.t))
    assert float(np.abs(residual).max()) > bars.RESOLVED * U


def test_noise_of_a_derivative_grows_with_the_step_rate() -> None:
    coarse, fine = (
        bench.noise_of(lambda w: np.gradient(w.state[:, 0], w.t), waves(h, 0.0), np.gradient(waves(h, 0.0).state[:, 0], waves(h, 0.0).t))
        for h in (0.1, 0.001)
    )  # fmt: skip
    assert fine == pytest.approx(100.0 * coarse, rel=0.7)


@given(st.integers(1, 4), st.floats(-2.0, 2.0))
def test_order_of_a_sequence(k: int, c: float) -> None:
    sizes = [0.1 / 2**j for j in range(6)]
    order, U = order_of(sizes, [("", s**k * (1.0 + c * s), 0.0) for s in sizes])
    assert order == pytest.approx(k, abs=5e-3)
    assert abs(order - k) <= U + 1e-12


def test_frozen_states_answer_with_the_projector() -> None:
    network = circuits.Standard(mixed=True).circuit("K4").network
    measured = bench.Bench().respond(network)
    A = circuits.matrices(network)[0]
    known = A.T @ np.linalg.solve((A * measured.q) @ A.T, A)
    assert np.abs(measured.T - known).max() < 1e-13


def test_transition_of_a_decay() -> None:
    case = circuits.circuit(
        "loop", circuits.loop(2), device=circuits.caravelli(alpha=-0.5), initial_state=0.4, stop=1.0
    )
    values, U = bench.Bench().transition(case, steps=100).eigenvalues()
    assert np.abs(values + 0.5).max() < U < 1e-4


def test_ensemble_follows_the_theory_branch_through_walls() -> None:
    rng = np.random.default_rng(1)
    A = projector_ensemble.loop_matrix(12, rng)
    x0 = rng.random(12)
    network = sb.Network.from_loop_matrix(A, device=circuits.tunneling(window=sb.Hard()), drive=0.26, initial_state=x0)
    t = np.linspace(0.0, 4.0, 81)
    known = sb.integrate(network, t).state
    assert (known[-1] > 0.999).any()
    flow = projector_ensemble.ProjectorFlow.of(A, 0.26)
    errors = [np.abs(flow.path(x0, 4.0, step=0.05 / n, every=n) - known).max() for n in (1, 4)]
    assert errors[0] < 5e-3
    assert errors[1] < 0.3 * errors[0]


def test_ensemble_passes_a_level_for_good() -> None:
    """From x_+ a little up and down: the crossing is found in the path, and there is none on the way back."""
    flow, s = projector_ensemble.ProjectorFlow.of(np.eye(4), 0.26), 0.26
    low, high = tunneling_fixed_points(s, circuits.CHI)
    start = np.full(4, high + 0.01)
    path = flow.path(start, 20.0).mean(axis=1)
    level = 0.5 * (1.0 + high)
    assert flow.crossing(start, 20.0, level) == pytest.approx(projector_ensemble.STEP * int(np.argmax(path > level)))
    assert flow.crossing(start, 20.0, 0.0) == 0.0
    assert flow.crossing(np.full(4, high - 0.01), 40.0, 0.5 * (1.0 + low)) == math.inf


def test_ensemble_mean_and_interval_of_few_values() -> None:
    mean, half = projector_ensemble.mean_and_error([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert projector_ensemble.one_more([1.0, 2.0, 3.0])[1] == pytest.approx(2.0 * half)
    assert half == pytest.approx(4.302653 / math.sqrt(3.0), rel=1e-6)
    assert projector_ensemble.standard_error(0.0, 50) > 0.0


def petersen(**changes: Any) -> sb.Network:
    """A network of a user: unequal Ron, random sources, states and polarities."""
    rng = np.random.default_rng(3)
    device = sb.LinearMemristor.caravelli2017(
        **{"r_on": rng.uniform(80, 120, 15), "r_off": 1500.0, "alpha": 0.05, "beta": 2.0, **changes}
    )
    return sb.Network.from_graph(
        nx.petersen_graph(),
        device=device,
        drive=[sb.Sine(amplitude=float(a), frequency=0.5) for a in rng.uniform(-0.3, 0.3, 15)],
        initial_state=rng.uniform(0.4, 0.6, 15),
        polarity=rng.choice([-1, 1], 15),
    )


def wheel(device: Any, *, drive: Any = None, **more: Any) -> sb.Network:
    """Another: a wheel of five nodes with a bridge, under unequal constant sources."""
    edges = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 4), (4, 2), (4, 5)]
    level = np.random.default_rng(8).uniform(-0.2, 0.2, 8) if drive is None else drive
    state = np.random.default_rng(9).uniform(0.35, 0.6, 8)
    return sb.Network.from_edges(edges, device=device, drive=level, initial_state=state, **more)


def users_networks() -> dict[str, sb.Network]:
    """Networks that no claim was made for, with what they have in common with few others."""
    plain = sb.LinearMemristor.caravelli2017(60.0, 500.0, alpha=0.0, beta=0.7)
    volts = sb.LinearMemristor.caravelli2017(60.0, 500.0, alpha=0.0, beta=0.7, control="voltage")
    falling = sb.LinearMemristor.tunneling(r_on=20.0, r_off=150.0, alpha=0.8, beta=1.5)
    walled = sb.LinearMemristor.tunneling(r_on=20.0, r_off=150.0, alpha=0.8, beta=1.5, window=sb.Hard())
    ring = [(k, (k + stride) % 7) for stride in (1, 2) for k in range(7)]
    states = np.random.default_rng(10).uniform(0.2, 0.7, 14)
    return {
        "petersen": petersen(),
        "wheel": wheel(plain),
        "wheel, voltage control": wheel(volts),
        "wheel, active edges": wheel(plain, active=(1, 5)),
        "wheel, falling R": wheel(falling),
        "loop": sb.Network.from_edges(
            circuits.loop(4), device=plain, drive={0: sb.Sine(0.4, 0.6)}, initial_state=[0.3, 0.5, 0.6, 0.45]
        ),
        "ring": sb.Network.from_edges(ring, device=walled, drive=0.3, initial_state=states),
        "growing": circuits.fixed_point("triangle", circuits.TRIANGLE, np.full(3, 0.5), alpha=0.6, xi=4.0).network,
        "at rest": circuits.fixed_point(
            "K4", circuits.K4, circuits.flow_state(circuits.K4, 77)[0], alpha=-0.7, xi=5.0,
            J=circuits.flow_state(circuits.K4, 77)[1],
        ).network,
    }  # fmt: skip


TAKERS = [name for name in atlas.identifiers() if atlas.get(name).needs is not None]


def test_most_claims_take_a_network_of_the_user() -> None:
    assert len(TAKERS) >= 60


@pytest.mark.parametrize("identifier", TAKERS)
def test_claims_on_a_network_of_the_user(identifier: str) -> None:
    suiting = (net for net in users_networks().values() if not atlas.get(identifier).objection(net))
    result = atlas.run(identifier, network=next(suiting), quick=True)
    assert result.as_expected, [finding for finding in result.evidence.findings if not finding.passed]
    assert result.uncertainty >= 0.0


def test_claims_that_suit_a_network() -> None:
    names = atlas.suiting(wheel(sb.LinearMemristor.caravelli2017(60.0, 500.0, alpha=0.0, beta=0.7)))
    assert {"p1.eq4", "p1.eq60", "new.bridge"} <= set(names)
    assert not {"p1.eq16", "p1.eq61.active", "p2.eq3", "p2.fig3"} & set(names)
    assert atlas.get("p2.fig3").objection(petersen()) == "it is about circuits of its own"


def mutated(status: ClaimStatus, *findings: ClaimFinding) -> MeasuredClaim:
    good = ClaimEvidence(findings=(bars.vanishes("r", 0.0, 1e-9, resolution=1e-6),))
    return MeasuredClaim(
        claim=a_claim(status),
        evidence=good,
        mutant_evidence=ClaimEvidence(findings=findings),
    )


def test_an_unresolved_mutant_is_not_caught() -> None:
    assert mutated(ClaimStatus.EXACT, bars.vanishes("r", 1.0, 1e-3, resolution=1e-6)).mutant_caught
    assert not mutated(ClaimStatus.EXACT, bars.vanishes("r", 1e-4, 1e-3, resolution=1e-6)).mutant_caught
    assert not mutated(ClaimStatus.EXACT, bars.vanishes("r", 0.0, 1e-9, resolution=1e-6)).mutant_caught


def test_a_refutation_that_cannot_fail_is_not_caught() -> None:
    """The printed and the corrected statement exchanged: what refutes must then miss its bar by itself."""
    missed = bars.vanishes("r", 1.0, 1e-9, resolution=1e-6)
    assert mutated(ClaimStatus.WRONG, missed, bars.refutes("d", 1e-9, 1e-9)).mutant_caught
    assert not mutated(ClaimStatus.WRONG, missed, bars.refutes("d", 1.0, 1e-9)).mutant_caught


NOTICE_A_RESISTANCE = ("p1.eq1", "p1.eq3", "p1.eq6", "p1.eq40", "new.flux", "new.omega", "p2.eq1", "p2.eq6")


@pytest.mark.parametrize("identifier", NOTICE_A_RESISTANCE)
def test_a_circuit_that_is_off_by_one_per_cent_is_contradicted(
    identifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator gets a first memristor of 1.01 Roff: no claim about resistances may hold on that circuit."""
    real = bench.Bench.run

    def wrong(self: bench.Bench, network: sb.Network, *rest: Any, **more: Any) -> Waveforms:
        laws = network.devices()
        laws[0] = replace(laws[0], r_off=1.01 * laws[0].r_off)
        return real(self, network.with_device(laws), *rest, **more)

    monkeypatch.setattr(bench.Bench, "run", wrong)
    assert atlas.run(identifier, quick=True).verdict is Judgement.CONTRADICTED


def test_the_example_of_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "atlas.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(found) == 1
    exec(compile(found[0], "docs/atlas.md", "exec"), {})
    assert "CONFIRMED" in capsys.readouterr().out


def test_what_lies_in_an_interval_is_known_better_than_it() -> None:
    assert verdict(bars.within("x", 1.05, 0.02, 1.0, 0.1)) is Judgement.CONFIRMED
    assert verdict(bars.within("x", 1.15, 0.1, 1.0, 0.1)) is Judgement.CONTRADICTED
    assert verdict(bars.within("x", 1.05, 0.2, 1.0, 0.1)) is Judgement.UNRESOLVED


def test_a_claim_says_why_it_makes_no_sense_on_a_network() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.0, beta=1.0, control="voltage")
    network = sb.Network.from_edges(circuits.TRIANGLE, device=device, drive=0.1, initial_state=0.5)
    with pytest.raises(NetworkError, match="current control on every edge"):
        atlas.run("p1.eq14", network=network)
    with pytest.raises(NetworkError, match="circuits of its own"):
        atlas.run("p2.fig3", network=network)
    assert atlas.run("new.log", network=network).verdict is Judgement.CONFIRMED


def test_a_network_that_leaves_the_bulk_is_refused() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.0, beta=1.0)
    network = sb.Network.from_edges(circuits.TRIANGLE, device=device, drive=-2.0, initial_state=0.5)
    with pytest.raises(NetworkError, match="bulk"):
        atlas.run("p1.eq14", network=network, stop=5.0)
    assert atlas.run("p1.eq14", network=network).verdict is Judgement.CONFIRMED


def test_unknown_claims_are_named() -> None:
    with pytest.raises(SpiceBridgeError, match=r"did you mean 'p1\.eq4'"):
        atlas.get("p1.eq4x")


def test_every_claim_is_described() -> None:
    names = atlas.identifiers()
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    for name in names:
        claim = atlas.get(name)
        for text in (claim.title, claim.printed, claim.exact, claim.circuits, claim.mutant):
            assert text.strip()
        assert name.split(".")[0] in ("p1", "p2", "new")
        assert (claim.order is not None) == (claim.status is ClaimStatus.APPROXIMATE), name
        assert claim.changed, name
        assert name.startswith("new.") or "Eq" in claim.printed or "(" in claim.printed, name


def test_claims_come_in_the_order_of_the_papers() -> None:
    names = list(atlas.identifiers())
    assert names.index("p1.eq4") < names.index("p1.eq12") < names.index("p1.sec3.1.tree") < names.index("p2.eq1")
    assert names.index("p2.eq39") < names.index("p2.fig2") < names.index("new.flux")


@pytest.mark.parametrize("identifier", ["p1.eq36", "new.flux"])
def test_claims_about_currents_say_when_none_flows(identifier: str) -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0)
    tree = sb.Network.from_graph(nx.path_graph(4), device=device, drive=0.3, initial_state=0.5)
    with pytest.raises(NetworkError, match="needs a loop"):
        atlas.run(identifier, network=tree)
    ring = sb.Network.from_graph(nx.cycle_graph(4), device=device, initial_state=0.5)
    with pytest.raises(NetworkError, match="needs a source"):
        atlas.run(identifier, network=ring)


def test_a_span_of_zero_is_not_the_default() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.1, 1.0)
    ring = sb.Network.from_graph(nx.cycle_graph(4), device=device, drive=0.2, initial_state=0.5)
    with pytest.raises(NetworkError, match=r"stop time 0.* must be positive"):
        atlas.run("p1.eq14", network=ring, stop=0.0)
