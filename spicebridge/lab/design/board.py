"""The board: circuit parts in their packages, wired by pin name, with the companions that they need.

Eight emulators make one group: a controller board, one analog-to-digital converter and two digital-to-analog
converters of four, for the states as voltages. The state equations of an edge need nothing of another edge; the
groups share one trigger. Nets beside those of `wiring`: ``v5``; ``v33_1`` logic supply of group 1, ``sck_1`` ``mosi_1``
``miso_1`` its bus, ``csp3`` selects the potentiometer of edge 3, ``start`` is the trigger. A potentiometer on isolated
rails has its own 5 V (``l3``) and its bus comes through an isolator (``sck3i`` …).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.packages import DUAL, PACKAGE_OF, PACKAGES
from spicebridge.lab.design.parts import ANALOG_INPUT
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.wiring import GROUND, MINUS_RAIL, PLUS_RAIL, Component, component, wire

GROUP = ANALOG_INPUT.channels
OUTPUTS = 4
"""Channels of a digital-to-analog converter."""
SELECTS = tuple(f"GP{n}" for n in range(6, 6 + GROUP))
"""Pins of the controller board that select the potentiometers of its group."""
OPEN_NET = ""
LOGIC = "v33_"


def board(plan: Plan, components: Sequence[Component] | None = None) -> tuple[Component, ...]:
    """Every package with its pins by number; what the circuit's parts need and the logic included."""
    parts = wire(plan) if components is None else components
    middles = {x.nets[0]: x.nets[1] for x in parts if x.kind == "supply"}
    edges = [x.edge for x in parts if x.kind == "controller" and x.edge is not None]
    out: list[Component] = []
    for part in parts:
        match part.kind:
            case "opamp":
                out += _opamp(part, middles)
            case "pot":
                out += _pot(part, middles, edges.index(part.edge or 0) // GROUP + 1)
            case "controller":
                pass
            case _:
                out.append(part)
    senses = {x.edge: x for x in parts if x.kind == "controller"}
    for first in range(0, len(edges), GROUP):
        out += _group(first // GROUP + 1, [senses[k] for k in edges[first : first + GROUP]])
    if edges:
        out.append(component("supply", "PSL", "bench supply", {"+": "v5", "COM": GROUND}, value="+5V"))
        header = ["start", GROUND, *(senses[k].nets[2] for k in edges)]
        out.append(component("connector", "J1", "pin header", {net: net for net in header}, value="trigger and states"))
    return tuple(out)


def addresses(plan: Plan) -> dict[int, dict[str, str]]:
    """For every emulated edge: controller board, pin that selects its potentiometer, converter channels."""
    edges = [x.edge for x in wire(plan) if x.kind == "controller" and x.edge is not None]
    out = {}
    for n, k in enumerate(edges):
        group, place = n // GROUP + 1, n % GROUP
        out[k] = {
            "controller": f"UC{group}", "select": SELECTS[place], "analog_input": f"UD{group} V{place + 1}",
            "state_output": f"UV{group}{'AB'[place // OUTPUTS]} VOUT{'ABCD'[place % OUTPUTS]}",
        }  # fmt: skip
    return out


def place(kind: str, reference: str, part: str, nets: Mapping[str, str], edge: int | None = None) -> Component:
    """A package wired by pin name: `nets` maps a name, or ``name@number`` of one pin, to a net.

    Raises `LabError` for a pin that has no net and is not among the unused ones, or a name the package lacks.
    """
    package = PACKAGES[part]
    wanted = {**nets}
    pins = []
    for number, name in package.pins:
        net = nets.get(f"{name}@{number}", nets.get(name, OPEN_NET))
        wanted.pop(f"{name}@{number}", None)
        wanted.pop(name, None)
        if net == OPEN_NET and name not in package.unused:
            raise LabError(f"{reference}: pin {number} ({name}) of {part} must be connected")
        pins.append((number, name, net))
    if wanted:
        raise LabError(f"{reference}: {part} has no pin {next(iter(wanted))}")
    return Component(kind=kind, reference=reference, part=part, value=part, pins=tuple(pins), edge=edge)


def capacitor(reference: str, a: str, b: str, value: str, note: str) -> Component:
    """A ceramic capacitor."""
    return component("capacitor", reference, "capacitor, ceramic, X7R, 25 V", {"1": a, "2": b}, value=value, note=note)


def _decoupling(reference: str, nets: Sequence[str], middle: str, value: str = "100nF") -> list[Component]:
    marks = "PNQ"
    return [capacitor(f"C{marks[j]}{reference}", net, middle, value, f"at {reference}") for j, net in enumerate(nets)]


def _opamp(part: Component, middles: Mapping[str, str]) -> list[Component]:
    plus, minus, up, down, out = part.nets
    middle = middles[up]
    nets = {"V+": up, "V-": down}
    if PACKAGES[part.part].pins == tuple((str(n), x) for n, x in enumerate(DUAL.split(), start=1)):
        # Amplifiers of one package would have to share rails: the second one rests as a follower.
        idle = f"{part.reference.lower()}b"
        nets |= {"+INA": plus, "-INA": minus, "OUTA": out, "+INB": middle, "-INB": idle, "OUTB": idle}
    else:
        nets |= {"+IN": plus, "-IN": minus, "OUT": out}
    placed = place("opamp", part.reference, part.part, nets, part.edge)
    return [placed, *_decoupling(part.reference, (up, down), middle)]


def _pot(part: Component, middles: Mapping[str, str], group: int) -> list[Component]:
    k = part.edge or 0
    b, w, up, down, _ = part.nets
    middle, isolated = middles[up], up != PLUS_RAIL
    mark = f"{k}i" if isolated else f"_{group}"
    logic = f"l{k}" if isolated else f"{LOGIC}{group}"
    select = f"csp{k}i" if isolated else f"csp{k}"
    nets = {
        "B": b, "W": w, "VDD": up, "VSS": down, "GND": middle, "VLOGIC": logic, "RESET": logic, "EXT_CAP": f"xc{k}",
        "SCLK": f"sck{mark}", "DIN": f"mosi{mark}", "SYNC": select,
    }  # fmt: skip
    name = part.reference
    chip = place("pot", name, PACKAGE_OF[part.part], nets, k)
    out = [
        Component(
            kind=chip.kind, reference=name, part=part.part, value=part.value, pins=chip.pins, edge=k, note="memristor"
        ),
        capacitor(f"CX{name}", f"xc{k}", middle, "1uF", "EXT_CAP, at all times, 7 V or more"),
        *_decoupling(name, (up, down, logic), middle),
    ]
    if not isolated:
        return out
    isolator = {
        "VDD1": f"{LOGIC}{group}", "VE1": f"{LOGIC}{group}", "GND1": GROUND, "VDD2": logic, "VE2": logic,
        "GND2": middle,
        "VIA": f"sck_{group}", "VIB": f"mosi_{group}", "VIC": f"csp{k}", "VID": middle,
        "VOA": f"sck{k}i", "VOB": f"mosi{k}i", "VOC": select,
    }  # fmt: skip
    return [
        *out,
        place("isolator", f"UI{k}", "ADuM1401", isolator, k),
        *_decoupling(f"UI{k}", (f"{LOGIC}{group}",), GROUND),
        place("regulator", f"UL{k}", "L78L05", {"IN": up, "OUT": logic, "GND": middle}, k),
        *_decoupling(f"UL{k}", (up, logic), middle, "330nF"),
    ]


def _group(group: int, controllers: Sequence[Component]) -> list[Component]:
    """Controller board and converters of up to eight emulators."""
    logic, sck, mosi, miso = f"{LOGIC}{group}", f"sck_{group}", f"mosi_{group}", f"miso_{group}"
    lines = {"CONVSTA": f"conv_{group}", "CONVSTB": f"conv_{group}", "BUSY": f"busy_{group}", "RESET": f"rst_{group}"}
    pico = {
        "VSYS": "v5", "3V3": logic, "GND": GROUND, "AGND": GROUND, "GP2": sck, "GP3": mosi, "GP4": miso,
        "GP14": lines["CONVSTA"], "GP15": lines["BUSY"], "GP16": f"csd_{group}", "GP17": f"csa_{group}",
        "GP20": lines["RESET"], "GP19": "start",
    }  # fmt: skip
    pico |= {SELECTS[j]: f"csp{x.edge}" for j, x in enumerate(controllers)}
    adc = {
        **lines, "AVCC": "v5", "AGND": GROUND, "REFGND": GROUND, "VDRIVE": logic, "OS0": GROUND, "OS1": GROUND,
        "OS2": GROUND, "PAR/SER": logic, "STBY": logic, "RANGE": f"range_{group}", "SCLK": sck, "CS": f"csd_{group}",
        "DOUTA": miso, "REFSELECT": logic, "REGCAP@36": f"rega_{group}", "REGCAP@39": f"regb_{group}",
        "REFIO": f"ref_{group}", "REFCAPA": f"refc_{group}", "REFCAPB": f"refc_{group}",
        **{f"DB{n}": GROUND for n in (*range(7), *range(9, 16))},
    }  # fmt: skip
    pico["GP21"] = adc["RANGE"]
    for j in range(GROUP):
        plus, minus = controllers[j].nets[:2] if j < len(controllers) else (GROUND, GROUND)
        adc |= {f"V{j + 1}+": plus, f"V{j + 1}-": minus}
    ref = f"UD{group}"
    out = [
        place("board", f"UC{group}", "Raspberry Pi Pico", pico),
        place("adc", ref, ANALOG_INPUT.name, adc),
        *_decoupling(ref, ("v5", logic), GROUND),
        capacitor(f"CA{ref}", f"rega_{group}", GROUND, "1uF", "REGCAP"),
        capacitor(f"CB{ref}", f"regb_{group}", GROUND, "1uF", "REGCAP"),
        capacitor(f"CR{ref}", f"ref_{group}", GROUND, "10uF", "REFIN/REFOUT"),
        capacitor(f"CS{ref}", f"refc_{group}", GROUND, "10uF", "REFCAPA and REFCAPB"),
    ]
    for first in range(0, len(controllers), OUTPUTS):
        mark = f"UV{group}{'AB'[first // OUTPUTS]}"
        select = f"cs{'ab'[first // OUTPUTS]}_{group}"
        dac = {
            "AVDD": PLUS_RAIL, "AVSS": MINUS_RAIL, "EP": MINUS_RAIL, "DVCC": logic, "GND": GROUND, "DAC_GND": GROUND,
            "SIG_GND": GROUND, "BIN/2SCOMP": GROUND, "SYNC": select, "SCLK": sck, "SDIN": mosi, "LDAC": GROUND,
            "CLR": logic, "REFIO": f"vr{mark.lower()}",
        }  # fmt: skip
        dac |= {f"VOUT{'ABCD'[j]}": x.nets[2] for j, x in enumerate(controllers[first : first + OUTPUTS])}
        if first:
            out[0] = place("board", f"UC{group}", "Raspberry Pi Pico", pico | {"GP18": select})
        out += [
            place("dac", mark, "AD5754R", dac),
            *_decoupling(mark, (PLUS_RAIL, MINUS_RAIL, logic), GROUND),
            capacitor(f"CR{mark}", f"vr{mark.lower()}", GROUND, "100nF", "reference"),
        ]
    return out
