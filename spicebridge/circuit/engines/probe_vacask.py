"""What VACASK really does, asked in its own language: the questions of `probe`, and its own traps."""

from __future__ import annotations

from spicebridge.circuit.engines.engine import Engine, RunRecord
from spicebridge.circuit.engines.probe import STEP, STOP, attempt, ending, first_row, meaning

_POWER = {8.0: "absolute", -8.0: "signed"}

# name in the result -> (Verilog-A expression of V(x) = -2 and V(z) = 0, meanings of its value)
_EXPRESSIONS: dict[str, tuple[str, dict[float, str]]] = {
    "caret_of_negative": ("V(x)^3", _POWER),
    "double_star_of_negative": ("V(x)**3", _POWER),
    "pow_of_negative": ("pow(V(x),3)", _POWER),
    "zero_over_zero": ("V(z)/V(z)", {0.0: "0", 1.0: "1"}),
    "whole_division": ("V(x)*(1+1/2)", {-2.0: "of integers", -3.0: "of reals"}),
}

# name -> (elements, their .ic, node, value at t = 0 and what it means)
_ELEMENTS: dict[str, tuple[str, str, str, dict[float, str]]] = {
    "ic_without_uic": ("c1 (a 0) capacitor c=1\nr1 (a 0) resistor r=1", '"a", 0.25', "a", {0.25: "honoured"}),
    "ic_of_fed_capacitor": (
        "c1 (a 0) capacitor c=1\ni1 (0 a) isource dc=1",
        '"a", 0.25',
        "a",
        {0.25: "honoured", 1.25: "held through 1 S"},
    ),
    "phase_of_sine": (
        'v1 (a 0) vsource type="sine" sinedc=0 ampl=1 freq=1 phase=90',
        "",
        "a",
        {0.0: "ignored", 1.0: "in degrees"},
    ),
    "whole_number_beyond_32_bits": (
        "i1 (0 a) isource dc=10000000000\nr1 (a 0) resistor r=1e-10",
        "",
        "a",
        {1.0: "a number"},
    ),
    "negative_resistor": ("i1 (0 a) isource dc=1\nr1 (a 0) resistor r=-1", "", "a", {-1.0: "a number"}),
}


def measure(engine: Engine) -> dict[str, str]:
    """The mapping that `probe.capabilities` returns for VACASK."""
    found = {"version": engine.version()}
    for key, (text, meanings) in _EXPRESSIONS.items():
        module = (
            'embed "ask.va" <<<FILE\n`include "disciplines.vams"\nmodule ask(p, x, z);\n  inout p, x, z;\n'
            f'  electrical p, x, z;\n  analog V(p) <+ {text};\nendmodule\n>>>FILE\nload "ask.va"\nmodel ask ask\n'
        )
        record = _run(engine, f"{module}v1 (x 0) vsource dc=-2\nv2 (z 0) vsource dc=0\nask1 (a x z) ask", "", "a")
        found[key] = _first(record, "a", meanings)
    for key, (elements, condition, node, meanings) in _ELEMENTS.items():
        found[key] = _first(_run(engine, elements, condition, node), node, meanings)
    decay = "c1 (a 0) capacitor c=1\nr1 (a 0) resistor r=1"
    for key, mode in (("first_row", "op"), ("first_row_uic", "uic")):
        found[key] = first_row(_run(engine, decay, '"a", 0.25', "a", mode=mode))
    found["klu"] = "yes"
    diverging = (
        'embed "ask.va" <<<FILE\n`include "disciplines.vams"\nmodule ask(p);\n  inout p;\n  electrical p;\n'
        '  analog I(p) <+ ddt(V(p)) - V(p)*V(p);\nendmodule\n>>>FILE\nload "ask.va"\nmodel ask ask\nask1 (a) ask'
    )
    record = _run(engine, diverging, '"a", 1', "a", stop=2.0)
    found["diverging_status"] = ending(record)
    found["diverging_exit"] = ending(record) if record is None else str(record.exit_code)
    return found


def _run(
    engine: Engine, elements: str, condition: str, node: str, *, mode: str = "op", stop: float = STOP
) -> RunRecord | None:
    initial = f" ic={{ {condition} }}" if condition else ""
    text = (
        'probe\nground 0\nload "resistor.osdi"\nload "capacitor.osdi"\n'
        "model resistor resistor\nmodel capacitor capacitor\nmodel vsource vsource\nmodel isource isource\n"
        f'{elements}\ncontrol\nabort always\noptions rawfile="binary" nr_force=1000000000 nr_residualcheck=0\n'
        f'save v("{node}")\n'
        f'analysis out tran step={STEP!r} stop={stop!r} maxstep={STEP!r} icmode="{mode}"{initial}\nendc\n'
    )
    return attempt(engine, text, (f"v({node})",), stop)


def _first(record: RunRecord | None, node: str, meanings: dict[float, str]) -> str:
    if record is None or not record.complete:
        return ending(record)
    return meaning(float(record.vector(f"v({node})")[0]), meanings)
