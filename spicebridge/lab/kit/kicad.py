"""The wiring as a KiCad netlist (s-expression, version E) and as a list for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from spicebridge.lab.design.packages import PACKAGE_OF, PACKAGES
from spicebridge.lab.design.wiring import GROUND, Component

FOOTPRINTS = {"resistor": "Resistor_SMD:R_0805_2012Metric", "capacitor": "Capacitor_SMD:C_0805_2012Metric"}
"""What is neither listed nor in `PACKAGES` is a module, or a memristor in a socket, on a pin header of its own."""
FILM = (
    (100e-9, "Capacitor_THT:C_Rect_L7.2mm_W3.5mm_P5.00mm_FKS2_FKP2_MKS2_MKP2"),
    (1e-6, "Capacitor_THT:C_Rect_L18.0mm_W9.0mm_P15.00mm_FKS3_FKP3"),
    (math.inf, "Capacitor_THT:C_Rect_L31.5mm_W15.0mm_P27.50mm_MKS4"),
)
"""Up to so many F, a film capacitor has this footprint."""


def footprint(part: Component) -> str:
    """KiCad's name of the footprint."""
    package = PACKAGES.get(PACKAGE_OF.get(part.part, part.part))
    if package is not None and len(package.pins) == len(part.pins):
        return package.footprint
    if "film" in part.part:
        return next(name for most, name in FILM if part.number <= most)
    header = f"Connector_PinHeader_2.54mm:PinHeader_1x{len(part.pins):02d}_P2.54mm_Vertical"
    return FOOTPRINTS.get(part.kind, header)


def net_name(net: str) -> str:
    """Name of a net in KiCad: ground is GND."""
    return "GND" if net == GROUND else net


def _quoted(text: str) -> str:
    safe = "".join(c if c.isprintable() else " " for c in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def nets_of(components: Sequence[Component]) -> dict[str, list[tuple[str, str]]]:
    """Net -> [(reference, pin number), …] in the order of the parts."""
    out: dict[str, list[tuple[str, str]]] = {}
    for part in components:
        for number, _, net in part.pins:
            if not net:
                continue
            out.setdefault(net_name(net), []).append((part.reference, number))
    return out


def format_kicad(components: Sequence[Component], title: str) -> str:
    """The netlist that KiCad's board editor imports."""
    lines = ['(export (version "E")', f"  (design (source {_quoted(title)}) (tool {_quoted('spicebridge lab')}))"]
    lines.append("  (components")
    for part in components:
        lines += [
            f"    (comp (ref {_quoted(part.reference)})",
            f"      (value {_quoted(part.value)})",
            f"      (footprint {_quoted(footprint(part))})",
            f"      (libsource (lib {_quoted('spicebridge')}) (part {_quoted(part.part)}) (description "
            f"{_quoted(part.kind)})))",
        ]
    lines += ["  )", "  (libparts"]
    seen: set[str] = set()
    for part in components:
        if part.part in seen:
            continue
        seen.add(part.part)
        lines.append(f"    (libpart (lib {_quoted('spicebridge')}) (part {_quoted(part.part)})")
        pins = [
            f"(pin (num {_quoted(n)}) (name {_quoted(name)}) (type {_quoted('passive')}))" for n, name, _ in part.pins
        ]
        lines.append("      (pins " + " ".join(pins) + "))")
    lines += ["  )", "  (nets"]
    for code, (net, pins_) in enumerate(nets_of(components).items(), start=1):
        lines.append(f"    (net (code {_quoted(str(code))}) (name {_quoted(net)})")
        nodes = [f"      (node (ref {_quoted(ref)}) (pin {_quoted(number)}))" for ref, number in pins_]
        lines += [*nodes[:-1], nodes[-1] + ")"]
    return "\n".join([*lines, "  ))"]) + "\n"


def format_wiring(components: Sequence[Component]) -> str:
    """One line a net and one a part, for the soldering iron."""
    names = {(p.reference, n): name for p in components for n, name, _ in p.pins}
    lines = ["Nets"]
    for net, pins in nets_of(components).items():
        lines.append(f"  {net:8} " + "  ".join(f"{ref}.{number}({names[ref, number]})" for ref, number in pins))
    lines.append("Parts")
    for part in components:
        note = f"  {part.note}" if part.note else ""
        lines.append(f"  {part.reference:8} {part.part} {part.value}{note}")
    return "\n".join(lines) + "\n"
