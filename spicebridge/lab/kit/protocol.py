"""The one-page protocol: what to set, in which order, what to expect where."""

from __future__ import annotations

import numpy as np

from spicebridge.lab.design.active import OPEN
from spicebridge.lab.design.montecarlo import Influence, Spread
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.reactances import memristive, resistances
from spicebridge.lab.design.realistic import Difference
from spicebridge.lab.design.wiring import Component, wire
from spicebridge.lab.kit.generator import setting

PARTS_NAMED = 5
"""How many of the most influential parts are named."""


def format_protocol(
    plan: Plan,
    components: tuple[Component, ...],
    difference: Difference,
    firmware_error: float,
    found: Spread,
    ranking: tuple[Influence, ...],
) -> str:
    """Markdown."""
    network, gauge, bench = plan.network, plan.gauge, plan.bench
    lines = [f"# {plan.case.title}", "", *([plan.case.what, ""] if plan.case.what else []), "## Set-up", ""]
    lines += [
        f"- Scaling: {plan.scaling.law}. To come back, divide by the same factors.",
        f"- Ground is node {network.nodes[gauge.ground]}. Rails +-{bench.supply:g} V. The run lasts {plan.stop:.6g} s.",
        f"- Sources: {len(gauge.driven)} on chords ({len(gauge.grounded)} with ground, {len(gauge.isolated)} isolated) "
        f"instead of {sum(d is not None for d in plan.case.network.drives)} on edges.",
    ]
    lines += [
        f"- UN{x.edge}, a {x.part.name}: {x.version} converter on {network.edge_name(x.edge)}."
        for x in plan.realisation.converters
    ]
    if plan.realisation.converters:
        lines.append(f"- Signs: {plan.realisation.signs}. Slowest pole {plan.realisation.slowest:.3g}/s.")
    lines += [f"- {x.reference} ({x.part}): {setting(plan, x)}." for x in components if x.kind == "generator"]
    lines += ["", "## Order of connection", ""]
    lines += [f"{n}. {text}" for n, text in enumerate(_steps(plan, found), start=1)]
    memory = np.flatnonzero(memristive(network)).tolist()
    if memory:
        lines += ["", "| edge | initial state | resistance (ohm) |", "|---|---|---|"]
        R = resistances(network, network.initial_state)
        lines += [f"| {network.edge_name(k)} | {network.initial_state[k]:.6g} | {R[k]:.6g} |" for k in memory]
    lines += ["", "## What to expect", "", "| test point | net | lowest | highest | band |", "|---|---|---|---|---|"]
    band = found.band
    for name, mean, half in zip(band.names, band.mean.T, band.half.T, strict=True):
        lines.append(
            f"| {name} | {_where(plan, name)} | {mean.min():.5g} | {mean.max():.5g} | +-{float(half.max()):.3g} |"
        )
    lines += ["", "p in V to ground, i in A (volts over the sense resistor divided by its ohms), w as 1 V for 1.", ""]
    lines += _spread_lines(found)
    lines += [
        f"- Realistic against ideal circuit (simulated): {difference.voltage:.3g} V, {difference.current:.3g} A, "
        f"{difference.state:.3g} in the states; {100 * difference.relative:.3g} % of the largest signal.",
        f"- Steps of potentiometer, converter and time change the states by at most {firmware_error:.3g}.",
        "- Parts that matter most: "
        + "; ".join(
            f"{x.what} of {network.edge_name(x.edge)} ({100 * x.effect:.2g} % at {x.where})"
            for x in ranking[:PARTS_NAMED]
        )
        + ".",
        f"- {len(components)} parts; the largest use of a limit: {max(plan.limits, key=lambda x: x.use)}.",
        "",
        "Then (for the channels you have):",
        "",
        "    spicebridge compare CASE --kit DIR --measured scope.csv "
        f'--channels "{_channels(plan, band.names)}" --out validation',
    ]
    return "\n".join(lines) + "\n"


def _steps(plan: Plan, found: Spread) -> list[str]:
    """The order of connection."""
    bench = plan.bench
    steps = ["Rails off, sources at 0 V. Solder after wiring.txt; check every net with an ohmmeter."]
    if plan.memristor is not None:
        part = plan.memristor
        steps += [
            f"{part.name}: never more than {part.current:g} A. Select devices whose resistance follows the law of the "
            f"case within {100 * bench.memristor_tolerance * found.factor:.2g} % (typical: {part.typical}).",
            "Write every memristor to its initial resistance before it is soldered: pulses of growing height, and "
            "between them a reading far below the threshold, until it is that of the table below.",
        ]
    if plan.emulated.any():
        steps += [
            "Measure every potentiometer at three codes and correct firmware_codes.csv "
            f"(to {bench.pot_tolerance * found.factor:.2g}).",
            "Load firmware.json; hold all states at the initial values of the table below, and check the resistances "
            "there.",
        ]
    steps.append("Rails on. Outputs of all op-amps must rest within 10 mV of 0 V; if one sits at a rail, switch off.")
    if any(x.version == OPEN for x in plan.realisation.converters):
        steps.append("Open-circuit stable converters: never short their terminals while the rails are on.")
    if any(x.version != OPEN for x in plan.realisation.converters):
        steps.append("Short-circuit stable converters: connect the network before the rails, never leave them open.")
    steps.append("Start generators and state equations with one trigger; the oscilloscope triggers on it too.")
    return steps


def _spread_lines(found: Spread) -> list[str]:
    lines = []
    if found.factor < 1.0:
        lines.append(
            f"- **Precision**: with the bench's own error limits {100 * found.share:.3g} % of random builds leave the "
            f"regime. Bands hold when all limits are cut to {found.factor:g} of themselves (calibrate)."
        )
    lines.append(
        "- Bands are for means over a row of bands.csv (what a scope shows that averages). They hold all voltages of "
        f"a fresh build everywhere with probability {found.band.promise:.3f}, all currents and all "
        f"states likewise, all three together with {found.band.together:.3f}; factors on the standard deviation: "
        + ", ".join(f"{kind} {k:.3g}" for kind, k in found.band.factors.items())
        + ".",
    )
    return lines


def _where(plan: Plan, name: str) -> str:
    """Net of a node or a state; for a current both ends of its sense resistor, the positive one first."""
    inner = name[2:-1]
    if name[0] == "p":
        return f"n{[str(n) for n in plan.network.nodes].index(inner)}"
    if name[0] == "w":
        return f"w{inner}"
    sense = next(part for part in wire(plan) if part.reference == f"RS{inner}")
    return " to ".join("GND" if net == "0" else net for net in sense.nets) + f" ({sense.value} ohm)"


def _channels(plan: Plan, names: tuple[str, ...]) -> str:
    """A channel map with one column a test point; currents show the volts over their sense resistors."""
    factors = {f"i[{k}]": f"*{ohm:.6g}" for k, ohm in plan.sense.items()}
    return ",".join(f"CH{n}={name}{factors.get(name, '')}" for n, name in enumerate(names, start=1))
