"""Negative impedance converters: signs, poles, and op-amps in ngspice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.engines import Job, get_engine
from spicebridge.drives import DC
from spicebridge.lab.design.active import OPEN, SHORT, Converter, poles, realise
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.lab.design.parts import OPAMPS
from spicebridge.lab.design.plan import Plan, make_plan
from spicebridge.lab.design.realistic import realistic_deck
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.theory.results.stability import screen
from tests.lab.networks import case, plan

AMP = OPAMPS["OPA2277"]


def loop(passive: float, active: float) -> Network:
    return Network.from_edges(
        [(0, 1), (0, 1)], device=[Resistor(passive), Resistor(active)], drive=[DC(0.1), None], active=[1]
    )


@pytest.mark.parametrize(("passive", "active"), [(2e3, 1e3), (1e3, 2e3), (5e3, 4.9e3)])
def test_one_loop_has_the_pole_of_the_closed_form(passive: float, active: float) -> None:
    # o' = +-w (e - o/2), e = o R/(R + Z) with R passive, Z active: pole +-w (R/(R + Z) - 1/2)
    w = 2 * np.pi * AMP.gbw
    for version, sign in ((SHORT, 1.0), (OPEN, -1.0)):
        found = poles(loop(passive, active), np.zeros(2), [Converter(1, version, AMP)], 0.0, 0)
        np.testing.assert_allclose(found, [sign * w * (passive / (passive + active) - 0.5)], rtol=1e-9)


@pytest.mark.parametrize(("passive", "active"), [(2e3, 1e3), (1e3, 2e3)])
def test_the_version_follows_the_inertia_signs(passive: float, active: float) -> None:
    network = loop(passive, active)
    signs = screen(network)
    chosen = realise(network, np.zeros((1, 2)), Equipment(node_capacitance=0.0), 0).converters[0]
    assert (chosen.version == OPEN) == signs.stable_against_series_inductance
    assert (chosen.version == SHORT) == signs.stable_against_node_capacitance


def test_no_stable_realisation_is_refused_with_the_signs() -> None:
    # R > r calls for the open-circuit stable version, whose inductance 4r/w the capacitance outweighs.
    with pytest.raises(LabError, match=r"no stable realisation of edge 0-1.*best still grows at .*/s"):
        realise(loop(5e3, 4e3), np.zeros((1, 2)), Equipment(node_capacitance=1e-6), 0)


def microseconds(planned: Plan, version: str) -> np.ndarray:
    """Converter output over 40 time constants of the op-amp, with the drive switched on by the solver's start."""
    converter = replace(planned.realisation.converters[0], version=version)
    changed = replace(planned, realisation=replace(planned.realisation, converters=(converter,)))
    stop = 60.0 / (2 * np.pi * converter.part.gbw) * 10
    deck = realistic_deck(changed)
    assert deck.transient is not None
    tran = replace(deck.transient, stop=stop, step=stop / 4000, max_step=stop / 4000)
    name = f"v(o{converter.edge})"
    deck = replace(deck, transient=tran, save=(name,))
    text = get_dialect("ngspice").format_deck(deck)
    record = get_engine("ngspice").run(Job(text=text, vectors=(name,), stop=stop, timeout=60.0))
    return record.vector(name) if record.data.size else np.array([np.nan])


def test_ngspice_shows_the_wrong_version_leaving_its_equilibrium() -> None:
    network = loop(2e3, 1e3)
    small = replace(case("k4"), network=network, stop=1.0)
    planned = make_plan(small)
    right = planned.realisation.converters[0].version
    calm = microseconds(planned, right)
    assert np.ptp(calm) < 1e-3 * np.abs(calm).max()
    wild = microseconds(planned, SHORT if right == OPEN else OPEN)
    assert np.isnan(wild).any() or np.ptp(wild) > 0.5 or np.abs(wild).max() > 1.2 * np.abs(calm).max()


def test_the_prism_needs_a_mixture() -> None:
    signs = screen(plan("prism").network)
    assert not signs.stable_against_series_inductance
    assert not signs.stable_against_node_capacitance
    assert {x.version for x in plan("prism").realisation.converters} == {OPEN, SHORT}
    assert plan("prism").realisation.slowest < 0
