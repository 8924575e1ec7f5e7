"""Capacitors and inductors of the circuit as parts: what is bought behaves as the equations of the scaled network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from spicebridge.case.case import Case
from spicebridge.drives import DC, Sine
from spicebridge.lab.design.board import board
from spicebridge.lab.design.builds import Errors, integrate_builds
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.parts import E12, capacitors
from spicebridge.lab.design.plan import Plan, gyrator, make_plan
from spicebridge.lab.design.realistic import compare_with_ideal, run_realistic
from spicebridge.lab.design.wiring import wire
from spicebridge.lab.kit.kicad import footprint
from spicebridge.lab.kit.kit import write_kit
from spicebridge.laws import Capacitor, Inductor, Resistor
from spicebridge.network import Network
from spicebridge.theory import integrate
from tests.lab.networks import memristor

TRIANGLE = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "c")]


def network(device: object, *, start: float = 0.0) -> Network:
    return Network.from_edges(
        TRIANGLE,
        device=[memristor(), memristor(), device, Resistor(330.0)],  # type: ignore[list-item]
        drive={0: Sine(0.3, 0.5), 3: DC(0.2)},
        initial_state=[0.6, 0.3, start, 0.0],
    )


def case(wanted: Network, stop: float = 2.0) -> Case:
    return Case(title="reactive", what="", network=wanted, stop=stop, points=201)


RINGING = Network.from_edges(
    TRIANGLE[:3], device=[Resistor(100.0), Inductor(10e-3), Capacitor(1e-6)], drive={0: Sine(1.0, 1e3)}
)


@cache
def plan(name: str) -> Plan:
    match name:
        case "capacitor":
            return make_plan(case(network(Capacitor(1e-3))))
        case "inductor":
            return make_plan(case(network(Inductor(100.0))))
        case _:
            return make_plan(case(RINGING, 5e-3))


NAMES = ("capacitor", "inductor", "ringing")


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_build_is_the_theory_and_the_parts_in_ngspice_come_near(name: str) -> None:
    planned = plan(name)
    none = Errors.none(1, planned.network.n_edges)
    runs = integrate_builds(planned.network, planned.stop, none, ground=planned.gauge.ground)
    ideal = integrate(planned.network, runs.t)
    np.testing.assert_allclose(runs.current[0], ideal.current, atol=2e-6 * np.abs(ideal.current).max())
    np.testing.assert_allclose(runs.state[0], ideal.state, atol=2e-6 * max(1.0, np.abs(ideal.state).max()))
    # The sense resistor of a chord without resistance is taken from nothing: 0.5 % of the smallest resistance.
    assert compare_with_ideal(planned, run_realistic(planned)).relative < 5e-3


@pytest.mark.parametrize("name", ["capacitor", "inductor"])
def test_the_sampled_loop_carries_them_from_update_to_update(name: str) -> None:
    loop = run_firmware(plan(name), quantised=False)
    inside = loop.t <= plan(name).stop
    ideal = integrate(plan(name).network, loop.t[inside])
    top = np.abs(ideal.state).max(axis=0)
    assert (np.abs(loop.state[inside] - ideal.state).max(axis=0) <= 1e-3 * np.where(top > 0, top, 1.0)).all()


@pytest.mark.parametrize("farad", [100e-12, 2.37e-10, 9.99e-9, 1.01e-8, 4.238e-5, 1e-4, 3.333e-7])
def test_parallel_capacitors_are_values_of_the_series(farad: float) -> None:
    parts = capacitors(farad)
    for part in parts:
        mantissa = part / 10.0 ** np.floor(np.log10(part) + 1e-9)
        assert min(abs(mantissa - x) for x in E12) < 1e-9
        assert 10e-12 * (1 - 1e-9) <= part <= 10e-6 * (1 + 1e-9)
    assert abs(sum(parts) - farad) <= max(10e-12, 5e-3 * farad)


def test_the_simulated_inductor_has_the_inductance_of_its_parts() -> None:
    """L = RP (RX + RY) CA RG/RF, read from the parts that are bought, not from the plan."""
    planned = plan("inductor")
    value = {x.reference: x.number for x in wire(planned) if x.edge == 2}
    shunt = value["RX2"] + value.get("RY2", 0.0)
    found = value["RP2"] * shunt * value["CA2"] * value["RG2"] / value["RF2"]
    wanted = planned.network.device(2).l  # type: ignore[attr-defined]
    assert found == pytest.approx(gyrator(planned, 2).inductance)
    assert found == pytest.approx(float(wanted), rel=1e-3)
    pins = {(x.reference, net) for x in board(planned) for net in x.nets if net}
    assert {("UGA2", "p2"), ("UGB2", "p2"), ("PS2", "p2")} <= pins


def test_what_a_capacitor_starts_at_moves_into_its_source() -> None:
    charged = network(Capacitor(1e-3), start=0.1)
    planned = make_plan(case(charged))
    assert planned.network.initial_state[2] == 0.0
    back = integrate(planned.network, planned.waves.t).current / planned.scaling.current
    expected = integrate(charged, planned.waves.t / planned.scaling.time).current
    np.testing.assert_allclose(back, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (network(Capacitor(1.0)), r"capacitor of edge c-a: value 0\.\d+ F, allowed 0\.0001 F"),
        (network(Capacitor(1e-12)), r"capacitor of edge c-a: strays against its value 1e-10 F"),
        (network(Inductor(1e9)), r"simulated inductor of edge c-a: resistor .* ohm, allowed 1e\+07 ohm"),
        (network(Inductor(100.0), start=1e-3), r"edge c-a: an inductor starts with 0\.001 A; on a bench all rests"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(wanted: Network, message: str) -> None:
    with pytest.raises(LabError, match=message):
        make_plan(case(wanted))


def test_a_build_of_another_capacitor_is_the_network_with_that_capacitor() -> None:
    planned = plan("capacitor")
    errors = Errors.none(1, 4)
    errors.resistance[0, 2] = 0.05
    runs = integrate_builds(planned.network, planned.stop, errors, ground=planned.gauge.ground)
    devices = list(planned.network.devices())
    devices[2] = replace(devices[2], c=1.05 * devices[2].c)  # type: ignore[attr-defined]
    ideal = integrate(planned.network.with_device(devices), runs.t)
    np.testing.assert_allclose(runs.current[0], ideal.current, atol=2e-6 * np.abs(ideal.current).max())


def test_the_kit_names_what_to_buy_and_where_it_goes(tmp_path: Path) -> None:
    write_kit(tmp_path / "kit", case(network(Inductor(100.0))))
    bill = (tmp_path / "kit" / "bill.csv").read_text()
    assert '"capacitor, film, 1 %, 63 V"' in bill
    wiring = (tmp_path / "kit" / "wiring.txt").read_text()
    assert all(x in wiring for x in ("UGA2", "UGB2", "RP2", "CA2.1(1)"))
    assert "UGA2" in (tmp_path / "kit" / "schematic.svg").read_text()
    # A capacitor of 10 uF is no 0805.
    parts = [x for x in wire(plan("capacitor")) if x.kind == "capacitor" and x.edge == 2]
    assert parts
    assert all(footprint(x).startswith("Capacitor_THT:C_Rect") for x in parts if "film" in x.part)
