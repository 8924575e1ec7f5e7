"""The theory's own account of its error, and the witness that shares nothing with the integration."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from spicebridge.verify import Outcome
from spicebridge.verify import reference as module
from spicebridge.verify.reference import Theory

T = np.linspace(0.0, 2.0, 3)


def network(alpha: float = 0.0) -> sb.Network:
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha, 1.0)
    return sb.Network.from_graph(nx.complete_graph(4), device=device, drive=sb.Sine(1.0, 0.7), initial_state=0.4)


def test_a_verdict_names_the_flux_law_where_it_holds():
    verdict = sb.validate(network(), T)
    assert verdict.outcome is Outcome.AGREES
    assert "the flux law gives the same final states to" in verdict.reason
    assert verdict.provenance["witnesses"]["flux law"] < 1e-12
    other = sb.validate(network(0.1), T)
    assert other.outcome is Outcome.AGREES
    assert "flux" not in other.reason
    assert other.provenance["witnesses"] == {}


def test_a_wrong_integration_is_caught_by_the_witness(monkeypatch):
    """The mutant's states are off by 1e-3 at the end, with a small error by its own account."""
    original = module.solve

    def wrong(*arguments, **options):
        found = original(*arguments, **options)
        last = found.pieces[-1]
        c = last.c.copy()
        c[1, 0] += 1e-3
        return replace(found, pieces=(*found.pieces[:-1], replace(last, c=c)))

    monkeypatch.setattr(module, "solve", wrong)
    theory = Theory.of(network(), 2.0)
    assert theory.witness[0] > 1e-4
    verdict = sb.validate(network(), T)
    assert verdict.outcome is Outcome.UNRESOLVED
    assert "integration and the flux law differ" in verdict.reason


@pytest.mark.parametrize("window", [None, sb.Tanh()])
def test_uncertainty_of_every_signal_covers_the_true_error(monkeypatch, window):
    monkeypatch.setattr(module, "THEORY_RTOL", 1e-6)
    whole = network(0.1).with_device(network(0.1).groups[0].device.with_window(window))
    theory = Theory.of(whole, 2.0)
    assert (theory.loose is None) == (window is None)
    t = np.linspace(0.0, 2.0, 50)
    waves = theory.waveforms(t)
    exact = sb.integrate(whole, t, rtol=1e-12, atol=1e-14)
    for name, stated in theory.uncertainty(waves).items():
        true = np.abs(getattr(waves, name) - getattr(exact, name)).max()
        assert 0.0 < true <= stated.max(), name
