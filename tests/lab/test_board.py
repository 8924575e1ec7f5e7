"""The board's pins against tables of another make (KiCad 6's symbol libraries), and its nets by electrical rules."""

from __future__ import annotations

import re
import warnings
from collections import Counter, defaultdict

import kinparse
import pytest

from spicebridge.lab.design.board import addresses, board, place
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.packages import PACKAGES
from spicebridge.lab.design.wiring import Component, wire
from spicebridge.lab.kit.kicad import format_kicad, nets_of
from tests.lab.networks import NAMES, plan

KICAD = {
    "AD5293": "RST Vss RH RW RL Vdd EXT_CAP Vlog GND SDI CLK CS SDO RDY",
    "OPA2277": "~ - + V- + - ~ V+",
    "TL072": "~ - + V- + - ~ V+",
    "LT1490A": "~ - + V- + - ~ V+",
    "OPA192": "NC - + V- NC ~ V+ NC",
    "ADuM1401": "VDD1 GND1 VIA VIB VIC VOD VE1 GND1 GND2 VE2 VID VOC VOB VOA GND2 VDD2",
    "L78L05": "OUT GND GND NC NC GND GND IN",
    "AD7609": (
        "AVCC AGND OS0 OS1 OS2 PAR/SER/BYTE_SEL STBY RANGE CONVST_A CONVST_B RESET RD/SCLK CS BUSY FRSTDATA DB0 DB1 DB2 "
        "DB3 DB4 DB5 DB6 Vdrive DB7/DOUT_A DB8/DOUT_B AGND DB9 DB10 DB11 DB12 DB13 DB14/HBEN DB15/BYTE_SEL REF_SELECT "
        "AGND REGCAP AVCC AVCC REGCAP AGND AGND REFIN/REFOUT REFGND REFCAPA REFCAPB REFGND AGND AVCC V1 V1GND V2 V2GND "
        "V3 V3GND V4 V4GND V5 V5GND V6 V6GND V7 V7GND V8 V8GND"
    ),
    "AD5754R": (
        "AVSS NC VOUTA VOUTB BIN/2sC NC SYNC SCLK SDIN LDAC CLR NC NC DVCC DGND SDO REFIN SGND SGND SGND SGND VOUTD VOUTC "
        "AVDD EP"
    ),
    "Raspberry Pi Pico": (
        "GP0 GP1 GND GP2 GP3 GP4 GP5 GND GP6 GP7 GP8 GP9 GND GP10 GP11 GP12 GP13 GND GP14 GP15 GP16 GP17 GND GP18 GP19 GP20 "
        "GP21 GND GP22 RUN GP26 GP27 AGND GP28 ADC_VREF 3V3(OUT) 3V3_EN GND VSYS VBUS"
    ),
}
"""Names by pin as others have them: of the AD5754R the generator of a KiCad board with an AD5754BREZ (its symbol and its net list
agree), of the Pico a printed pin table of the Pico W in github.com/daveylongshaft/rpi-pico; the others as the symbols of KiCad 6: AD5293, OPA2277, TL072, a dual and a single in SO-8 for the two
that it lacks, ADuM1401xRW, L78L05_SO8, and AD7606 for the pin-compatible AD7609."""
SAME = {
    "RST": "RESET", "Vss": "VSS", "RH": "A", "RW": "W", "RL": "B", "Vdd": "VDD", "Vlog": "VLOGIC", "SDI": "DIN",
    "CLK": "SCLK", "PAR/SER/BYTE_SEL": "PAR/SER", "CONVST_A": "CONVSTA", "CONVST_B": "CONVSTB", "RD/SCLK": "SCLK",
    "Vdrive": "VDRIVE", "DB7/DOUT_A": "DOUTA", "DB8/DOUT_B": "DOUTB", "DB14/HBEN": "DB14", "DB15/BYTE_SEL": "DB15",
    "REF_SELECT": "REFSELECT", "REFIN/REFOUT": "REFIO", **{f"V{n}": f"V{n}+" for n in range(1, 9)},
    **{f"V{n}GND": f"V{n}-" for n in range(1, 9)}, "3V3(OUT)": "3V3", "BIN/2sC": "BIN/2SCOMP", "REFIN": "REFIO",
}  # fmt: skip


@pytest.mark.parametrize("part", KICAD)
def test_pins_are_those_of_the_symbol_libraries(part: str) -> None:
    ours = [name for _, name in PACKAGES[part].pins]
    theirs = KICAD[part].split()
    if part == "AD5754R":
        # There all four grounds of the outputs have one name.
        ours = [{"DAC_GND": "SGND", "SIG_GND": "SGND", "GND": "DGND"}.get(name, name) for name in ours]
    if "OUT" in part or part.startswith(("OPA", "TL", "LT")):
        ours = [re.sub(r"(IN|OUT)[AB]?$", "", name) or "~" for name in ours]
    else:
        theirs = [SAME.get(name, name) if part != "ADuM1401" else name for name in theirs]
        theirs = ["CS" if part == "AD7609" and x == "CS" else "SYNC" if x == "CS" else x for x in theirs]
    assert ours == theirs


def parsed(parts: tuple[Component, ...]) -> dict[str, set[tuple[str, str]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = kinparse.parse_netlist(format_kicad(parts, "board"))
    return {net.name: {(pin.ref, pin.num) for pin in net.pins} for net in found.nets}


@pytest.mark.parametrize("name", NAMES)
def test_electrical_rules(name: str) -> None:
    parts = board(plan(name))
    assert max(Counter(x.reference for x in parts).values()) == 1
    nets = parsed(parts)
    pin_name = {(x.reference, n): label for x in parts for n, label, _ in x.pins}
    kind = {x.reference: x.kind for x in parts}
    on = {pin: net for net, pins in nets.items() for pin in pins}
    assert all(len(pins) >= 2 for pins in nets.values())
    outputs = re.compile(r"OUT[AB]?|VO[ABC]|VOUT[A-D]|3V3")
    driven = defaultdict(list)
    for net, pins in nets.items():
        for pin in pins:
            if outputs.fullmatch(pin_name[pin]) and kind[pin[0]] != "generator":
                driven[net].append(pin)
    assert all(len(pins) == 1 for pins in driven.values())
    for part in parts:
        net = {label: on.get((part.reference, n)) for n, label, _ in part.pins}
        if part.kind == "opamp":
            assert net["V+"] != net["V-"]
            assert len({net["V+"], net["V-"], net.get("OUT", net.get("OUTA"))}) == 3
        if part.kind == "pot":
            assert net["A"] is None
            assert len({net[x] for x in ("B", "W", "VDD", "VSS", "EXT_CAP", "VLOGIC", "GND")}) == 7 - (
                net["GND"] in (net["B"], net["W"])
            )
            companions = {kind[ref] for ref, _ in nets[str(net["EXT_CAP"])]}
            assert companions == {"pot", "capacitor"}
            assert any(kind[ref] in ("board", "isolator") for ref, _ in nets[str(net["SCLK"])])
    powered = [x for x in parts if x.kind in ("opamp", "pot", "adc", "dac", "isolator")]
    beside = {x.note.removeprefix("at ") for x in parts if x.kind == "capacitor"}
    assert {x.reference for x in powered} <= beside


@pytest.mark.parametrize("name", NAMES)
def test_the_board_connects_what_the_deck_connects(name: str) -> None:
    """Every terminal of the circuit has the net it has in the deck, looked up by the pin's name."""
    planned = plan(name)
    parts = {x.reference: {label: net for _, label, net in x.pins} for x in board(planned)}
    for part in wire(planned):
        for _, label, net in part.pins:
            if part.kind == "controller" or label == "BUS":
                continue
            mine = parts[part.reference]
            assert mine.get(label, mine.get(f"{label}A")) == net


def test_every_emulator_is_read_selected_and_shown() -> None:
    planned = plan("grid3x3")
    parts = {x.reference: x for x in board(planned)}
    nets = nets_of(tuple(parts.values()))
    assert sum(x.part == "AD7609" for x in parts.values()) == 2
    for k, where in addresses(planned).items():
        label = {name: net for _, name, net in parts[where["controller"]].pins}
        assert label[where["select"]] == f"csp{k}"
        assert any(ref == f"UM{k}" or ref == f"UI{k}" for ref, _ in nets[f"csp{k}"])
        ref, channel = where["analog_input"].split()
        read = {name: net for _, name, net in parts[ref].pins}
        controller = next(x for x in wire(planned) if x.reference == f"UC{k}")
        assert (read[f"{channel}+"], read[f"{channel}-"]) == controller.nets[:2]
        ref, channel = where["state_output"].split()
        assert {name: net for _, name, net in parts[ref].pins}[channel] == f"w{k}"


def test_a_forgotten_or_invented_pin_is_refused() -> None:
    with pytest.raises(LabError, match=r"pin 2 \(-IN\)"):
        place("opamp", "U1", "OPA192", {"+IN": "a", "V+": "p", "V-": "q", "OUT": "b"})
    nets = {"+IN": "a", "-IN": "b", "V+": "p", "V-": "q", "OUT": "b"}
    with pytest.raises(LabError, match="no pin TRIM"):
        place("opamp", "U1", "OPA192", nets | {"TRIM": "a"})
