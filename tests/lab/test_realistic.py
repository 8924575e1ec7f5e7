"""Realistic against ideal in ngspice, firmware, tolerance bands, KiCad netlist, generator files."""

from __future__ import annotations

import warnings
from dataclasses import replace

import kinparse
import numpy as np
import pytest

from spicebridge.circuit.deck.contents import element_nodes
from spicebridge.circuit.deck.elements import Deck, Instance
from spicebridge.circuit.engines import Job, get_engine
from spicebridge.errors import RunFailed
from spicebridge.lab.design.builds import Errors, integrate_builds
from spicebridge.lab.design.emulator import run_firmware, table
from spicebridge.lab.design.montecarlo import influences, spread, test_points
from spicebridge.lab.design.parts import OPAMPS
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.realistic import compare_with_ideal, realistic_deck, run_realistic
from spicebridge.lab.design.wiring import target_offset, wire
from spicebridge.lab.kit.generator import format_pwl, samples
from spicebridge.lab.kit.kicad import format_kicad
from spicebridge.theory import integrate
from tests.lab.networks import NAMES, plan


def difference(planned: Plan) -> float:
    return compare_with_ideal(planned, run_realistic(planned, realistic_deck(planned, lag=False))).relative


@pytest.mark.parametrize("name", NAMES)
def test_realistic_approaches_ideal_as_bandwidth_and_supply_grow(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(name)
    usual = difference(planned)
    assert usual < 3e-3
    # Gain follows bandwidth at a fixed open-loop pole, as it does within one family of op-amps.
    kept = dict(OPAMPS)
    found = []
    # The prism runs away with less gain: it amplifies every error a hundredfold.
    factors = (0.1, 0.3, 1.0) if name == "prism" else (1e-4, 1e-3, 1e-2)
    for factor in factors:
        for part in kept.values():
            monkeypatch.setitem(OPAMPS, part.name, replace(part, gbw=part.gbw * factor, gain=part.gain * factor))
        found.append(difference(planned))
    assert found[0] > 2.0 * found[1] > 4.0 * found[2]
    # An error of finite gain goes as its inverse.
    slope = np.log(found[0] / found[2]) / np.log(factors[2] / factors[0])
    assert slope == pytest.approx(1.0, abs=0.1)
    for part in kept.values():
        monkeypatch.setitem(OPAMPS, part.name, part)
    # Rails for half of what the op-amps have to put out. The prism, which has no operating point near the old one then,
    # leaves the theory already where they just suffice; below, the run does not pretend to have found one.
    if name == "prism":
        assert difference(starved(planned, 1.1)) > 3.0 * usual
        with pytest.raises(RunFailed):
            difference(starved(planned, 0.5))
    else:
        assert difference(starved(planned, 0.5)) > 20.0 * usual


def starved(planned: Plan, share: float) -> Plan:
    """The plan on rails that leave every op-amp no more than `share` of the output it is asked for."""
    needs = [(OPAMPS[x.demand.split()[0]].swing, x.value) for x in planned.limits if x.demand.endswith(": output")]
    return replace(planned, bench=replace(planned.bench, supply=max(lost + share * value for lost, value in needs)))


@pytest.mark.parametrize("name", NAMES)
def test_the_kicad_netlist_connects_what_the_deck_connects(name: str) -> None:
    components = wire(plan(name))
    with warnings.catch_warnings():
        # kinparse still calls its own parser library by names that are going out of use.
        warnings.simplefilter("ignore", DeprecationWarning)
        parsed = kinparse.parse_netlist(format_kicad(components, 'a "title" (odd)'))
    from_kicad = {frozenset((pin.ref, int(pin.num)) for pin in net.pins) for net in parsed.nets}
    assert from_kicad == from_deck(realistic_deck(plan(name), components))
    assert {part.ref for part in parsed.parts} == {part.reference for part in components}


def from_deck(deck: Deck) -> set[frozenset[tuple[str, int]]]:
    """Nets as sets of (part, pin), read from the elements alone."""
    nets: dict[str, set[tuple[str, int]]] = {}
    for element in deck.elements:
        name, nodes = element.name, list(element_nodes(element))
        if name.startswith(("VP", "VN")):
            part, first = f"PS{name[2:]}", 1 if name.startswith("VP") else 2
            pins = [(part, first), (part, first + 1)]
        elif name.startswith("VG"):
            # A generator of several terms is a chain of sources: the inner nets are no pins of it.
            stem, _, place = name.partition("_")
            chain = sum(e.name.partition("_")[0] == stem for e in deck.elements)
            here = int(place or 0)
            pins = [(stem, 1) if here == 0 else ("", 0), (stem, 2) if here == chain - 1 else ("", 0)]
        else:
            part = name[1:] if isinstance(element, Instance) else name
            pins = [(part, j) for j in range(1, len(nodes) + 1)]
        for node, pin in zip(nodes, pins, strict=True):
            nets.setdefault(node, set()).add(pin)
    found = {frozenset(pin for pin in pins if pin[0]) for pins in nets.values()}
    return {pins for pins in found if pins}


@pytest.mark.parametrize("name", NAMES)
def test_bands_hold_fresh_builds(name: str) -> None:
    found = spread(plan(name))
    assert (found.factor < 1.0) == (name == "prism")
    fresh = integrate_builds(
        plan(name).network, plan(name).stop, Errors.drawn(found.plan, 300, seed=77), ground=plan(name).gauge.ground
    )
    signals = test_points(plan(name), fresh)[1]
    inside = found.band.contains(signals)
    assert min(x.mean() for x in inside.values()) >= 0.95
    # A band twice too narrow does not: the width is not arbitrary.
    assert max(x.mean() for x in replace(found.band, k=found.band.k / 2).contains(signals).values()) < 0.95


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_build_is_the_theory(name: str) -> None:
    planned = plan(name)
    runs = integrate_builds(
        planned.network, planned.stop, Errors.none(1, planned.network.n_edges), ground=planned.gauge.ground
    )
    ideal = integrate(planned.network, runs.t)
    np.testing.assert_allclose(runs.state[0], ideal.state, atol=1e-7)
    np.testing.assert_allclose(runs.current[0], ideal.current, atol=1e-6 * np.abs(ideal.current).max())


def test_the_ranking_names_the_part_whose_error_moves_most() -> None:
    planned = plan("two_loops")
    top = influences(planned)[0]
    assert top.effect > 0
    assert list(influences(planned)) == sorted(influences(planned), key=lambda x: -x.effect)


def test_firmware_tables_invert_the_law() -> None:
    planned = plan("two_loops")
    for k in np.flatnonzero(planned.network.stateful).tolist():
        found = table(planned, k)
        law = planned.network.device(k)
        np.testing.assert_allclose(law.resistance(found.states) + target_offset(planned, k), found.ohms, rtol=1e-12)
        assert found.ohms[0] == planned.pot.wiper


def test_the_sampled_loop_is_first_order_in_its_period() -> None:
    planned = plan("k4")
    errors = []
    for rate in (250.0, 500.0, 1000.0):
        loop = run_firmware(replace(planned, bench=replace(planned.bench, update_rate=rate)), quantised=False)
        errors.append(float(np.abs(loop.state - integrate(planned.network, loop.t).state).max()))
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([1.0, 1.0], abs=0.2)


def test_generator_files_are_the_source() -> None:
    planned = plan("k4")
    for part in (x for x in wire(planned) if x.kind == "generator"):
        t, v = samples(planned, part)
        drive = planned.network.drives[part.edge or 0]
        assert drive is not None
        np.testing.assert_allclose(v, part.number * drive.value(t))
        assert t[-1] >= planned.stop
        pairs = np.array([[float(x) for x in line.split()] for line in format_pwl(planned, part).splitlines()])
        np.testing.assert_allclose(np.interp(t, pairs[:, 0], pairs[:, 1]), v, atol=1e-7)


def test_ngspice_runs_the_deck_as_written_to_disk(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from spicebridge.lab.kit.kit import write_kit
    from tests.lab.networks import case

    write_kit(tmp_path / "kit", case("two_loops"))
    for name in ("ideal", "realistic"):
        text = (tmp_path / "kit" / f"{name}_ngspice.cir").read_text()
        record = get_engine("ngspice").run(
            Job(text=text, vectors=("v(w0)",), stop=plan("two_loops").stop, timeout=60.0)
        )
        assert record.complete, record.reason
