"""Firmware of the emulators as one C source, written from the texts of their laws.

Every period, for each edge of the controller's group::

    i = v_read / ohm(code);   v = P (ohm(code) - offset) i;   code' = code of R(s) + offset
    s += period F(s, J v, J i)

and code' acts from the next period on, which is what `emulator.run_firmware` does with the same numbers. The loop asks
for two functions, ``read_volts`` (analog-to-digital converter) and ``write_code`` (potentiometer); drivers of both for
AD7609 and AD5293 on the RP2040, with the outputs of the states, stand behind ``RP2040``. Without it the functions are
the caller's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.lower.bounds import is_linear, windowed_rate
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number, Parameter, rebuild
from spicebridge.lab.design.board import GROUP, OUTPUTS, addresses
from spicebridge.lab.design.laws import equation, with_numbers
from spicebridge.lab.design.parts import ANALOG_INPUT
from spicebridge.lab.design.plan import Plan, converter_range
from spicebridge.lab.design.wiring import target_offset
from spicebridge.laws import LawDevice

C_CODE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"sgn", "u", "uramp", "limit", "table", "int", "nint"},
    functions={"abs": "fabs", "ln": "log", "min": "fmin", "max": "fmax"},
    powers={"real": "pow({0},{1})", "abs": "pow(fabs({0}),{1})", "signed": "copysign(pow(fabs({0}),{1}),{0})"},
    products=False,
)
"""Expressions in C with math.h."""
SOURCE = Path(__file__).with_name("firmware.c.in")
"""The loop and its drivers, with what depends on the plan between @."""


def law_functions(plan: Plan, k: int) -> str:
    """R(s) in ohm and ds/dt in 1/s of edge k, with its window, as two C functions."""
    law = plan.network.device(k)
    assert isinstance(law, LawDevice)
    P = float(plan.network.P[k])
    names = {x: Parameter(x) for x in ("s", "v", "i")}
    signals: dict[str, Expression] = {law.definition.state.name: names["s"], "v": names["v"], "i": names["i"]}
    signals["active"] = Number(P)
    equations = law.equations
    drift = with_numbers(law, equations.drift, signals)
    decay = None if equations.decay is None else with_numbers(law, equations.decay, signals)
    window = law.window
    rate = drift if is_linear(window) else windowed_rate(window, "state", decay, drift)
    if decay is not None and window.name != "tanh":
        rate = Binary("+", decay, rate)

    def put_in(e: Expression) -> Expression | None:
        return names["s"] if isinstance(e, NodeVoltage) else None

    R = C_CODE.format(with_numbers(law, equations.conduction, signals))
    F = C_CODE.format(rebuild(rate, put_in))
    unused = "    (void)s; (void)v; (void)i;\n"
    return (
        f"/* edge {k}: {equation(law)}; window {window.name} */\n"
        f"static double resistance_{k}(double s) {{\n    return {R};\n}}\n"
        f"static double rate_{k}(double s, double v, double i) {{\n{unused}    return {F};\n}}\n"
    )


def format_source(plan: Plan) -> str:
    """The C source of all controllers; ``-DGROUP_NUMBER=1`` … compiles that of one board, without it all edges."""
    network, pot = plan.network, plan.pot
    edges = np.flatnonzero(plan.emulated).tolist()
    where = addresses(plan)
    rows = []
    for k in edges:
        place = where[k]
        hard = int(network.device(k).window.hard)
        rows.append(
            f"    {{{k}, {float(network.P[k]):.1f}, {float(network.J[k]):.1f}, {float(network.initial_state[k])!r}, "
            f"{target_offset(plan, k)!r}, {pot.wiper!r}, {pot.step!r}, {hard}, resistance_{k}, rate_{k}, "
            f"{place['select'].removeprefix('GP')}}},"
        )
    numbers = {
        "TITLE": " ".join(plan.case.title.replace("*/", "").split()), "EDGES": str(len(edges)), "GROUP": str(GROUP),
        "OUTPUTS": str(OUTPUTS), "PERIOD": repr(1.0 / plan.bench.update_rate), "POSITIONS": str(pot.positions),
        "LSB": repr(ANALOG_INPUT.step(converter_range(plan))), "BITS": str(ANALOG_INPUT.bits),
        "WIDE": str(int(converter_range(plan) == ANALOG_INPUT.ranges[-1])),
        "LAWS": "\n".join(law_functions(plan, k) for k in edges), "ROWS": "\n".join(rows),
    }  # fmt: skip
    text = SOURCE.read_text(encoding="utf-8")
    for name, value in numbers.items():
        text = text.replace(f"@{name}@", value)
    return text
