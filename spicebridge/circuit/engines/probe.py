"""What an engine really does with the constructs that differ between simulators and versions.

A handful of tiny decks are run and their output is read; nothing is looked up in a table of
versions. A construct that does not run is reported by its status, such as "rejected", not as an
error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Mapping
from types import MappingProxyType

from spicebridge.circuit.engines import measured_once
from spicebridge.circuit.engines.engine import Engine, Job, RunRecord
from spicebridge.errors import SpiceBridgeError

PROBE_TIMEOUT = 30.0
"""Wall-clock limit of one tiny deck in s."""
READ_RTOL = 1e-9
"""Relative distance within which a printed value counts as the expected one."""
REJECTED = "rejected"

STEP, STOP = 1e-3, 1e-2
_SAVE = re.compile(r"^\.save (.*)\n", re.MULTILINE)
_EXPRESSION = re.compile(r"^(B\S* \S+ \S+ [VI]=)(.*)$", re.MULTILINE)

_POWER = {8.0: "absolute", -8.0: "signed"}

# name in the result -> (B-source expression of V(x) = -2 and V(z) = 0, meanings of its value)
_EXPRESSIONS: dict[str, tuple[str, dict[float, str]]] = {
    "caret_of_negative": ("V(x)^3", _POWER | {1.0: "exclusive or"}),
    "double_star_of_negative": ("V(x)**3", _POWER),
    "pow_of_negative": ("pow(V(x),3)", _POWER),
    "pwr_of_negative": ("pwr(V(x),3)", _POWER),
    "u_of_zero": ("u(V(z))", {0.0: "0", 0.5: "0.5", 1.0: "1"}),
    "zero_over_zero": ("V(z)/V(z)", {0.0: "0", 1.0: "1"}),
    "brace_expansion": ("{one-three}*V(x)", {4.0: "parenthesised", 7.0: "textual"}),
}

# name in the result -> (Verilog-A expression of V(x) = -2 and V(z) = 0, meanings of its value)
_VACASK_EXPRESSIONS: dict[str, tuple[str, dict[float, str]]] = {
    "caret_of_negative": ("V(x)^3", _POWER),
    "double_star_of_negative": ("V(x)**3", _POWER),
    "pow_of_negative": ("pow(V(x),3)", _POWER),
    "zero_over_zero": ("V(z)/V(z)", {0.0: "0", 1.0: "1"}),
    "whole_division": ("V(x)*(1+1/2)", {-2.0: "of integers", -3.0: "of reals"}),
}

# name -> (elements, their .ic, node, value at t = 0 and what it means)
_VACASK_ELEMENTS: dict[str, tuple[str, str, str, dict[float, str]]] = {
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

_memory: dict[Hashable, Mapping[str, str]] = {}


def capabilities(engine: Engine) -> Mapping[str, str]:
    """Measured behaviour of `engine` as a flat, read-only mapping of words.

    version, the keys of the expression table, first_row and first_row_uic ("t=0" or the time of
    the first sample in units of the step), ic_without_uic ("honoured" or the value found for 0.25),
    klu ("yes"/"no"), diverging_status and diverging_exit. Kept in memory, and in the user's cache folder
    (`measured_once`), until `engine.identity()` changes. Raises what `engine.run` raises where
    the engine is missing or a deck takes `PROBE_TIMEOUT`.
    """
    key = (engine.name, engine.identity())
    if key not in _memory:
        kept_as = f"capabilities {engine.dialect} {engine.version()} {engine.identity()}"
        found = measured_once.recall(kept_as)
        if found is None:
            found = _measure(engine)
            measured_once.keep(kept_as, found)
        _memory[key] = MappingProxyType(found)
    return _memory[key]


def remembered(engine: Engine) -> Mapping[str, str]:
    """What `capabilities` has already measured, without running anything; may be empty."""
    return _memory.get((engine.name, engine.identity()), MappingProxyType({}))


def _measure(engine: Engine) -> dict[str, str]:
    if engine.dialect == "vacask":
        return _measure_vacask(engine)
    found = {"version": engine.version()}
    found |= _expressions(engine)
    for key, uic in (("first_row", ""), ("first_row_uic", " uic")):
        record = _run(engine, f".save v(c)\n.tran {STEP} {STOP} 0 {STEP}{uic}", "v(c)")
        found[key] = _first_row(record)
        if not uic:
            found["ic_without_uic"] = _initial_value(record)
    klu = _run(engine, f".options klu\n.save v(c)\n.tran {STEP} {STOP} 0 {STEP}", "v(c)")
    found["klu"] = "yes" if klu is not None and klu.complete and "using klu" in klu.log.lower() else "no"
    diverging = _run(engine, f"Bd 0 d I=V(d)*V(d)\nCd d 0 1\n.ic v(d)=1\n.save v(d)\n.tran {STEP} 2 0 {STEP}", "v(d)")
    found["diverging_status"] = _ending(diverging)
    found["diverging_exit"] = REJECTED if diverging is None else str(diverging.exit_code)
    return found


def _run(engine: Engine, body: str, *vectors: str) -> RunRecord | None:
    """Run `body` together with an RC pair that starts at 0.25 V; see `_attempt`."""
    if engine.dialect == "xyce":
        # It reads expressions in braces only and lists its output on another card.
        body = _EXPRESSION.sub(r"\1{\2}", _SAVE.sub(r".print tran \1\n", body))
    text = f"probe\n.param one=1 three=3\nRc c 0 1\nCc c 0 1\n.ic v(c)=0.25\n{body}\n.end\n"
    return _attempt(engine, text, vectors, 2.0 if " 2 0 " in body else STOP)


def _attempt(engine: Engine, text: str, vectors: tuple[str, ...], stop: float) -> RunRecord | None:
    """Run one deck; None if the engine raises, unless it is gone or the deck took all its time."""
    begin = time.monotonic()
    try:
        return engine.run(Job(text=text, vectors=vectors, stop=stop, timeout=PROBE_TIMEOUT))
    except SpiceBridgeError:
        # Where one deck hangs so may all others, each for its whole time-out.
        if not engine.available() or time.monotonic() - begin >= PROBE_TIMEOUT:
            raise
        return None


def _expressions(engine: Engine) -> dict[str, str]:
    """All expressions in one deck; one by one if the engine refuses the lot."""
    together = _values(engine, tuple(_EXPRESSIONS))
    if not isinstance(together, str):
        return together
    found: dict[str, str] = {}
    for key in _EXPRESSIONS:
        alone = _values(engine, (key,))
        found |= {key: alone} if isinstance(alone, str) else alone
    return found


def _values(engine: Engine, keys: tuple[str, ...]) -> dict[str, str] | str:
    """Meanings of the values, or how the run ended if it is not complete."""
    lines = ["Vx x 0 -2", "Rx x 0 1", "Vz z 0 0", "Rz z 0 1"]
    for number, key in enumerate(keys):
        lines += [f"B{number} b{number} 0 V={_EXPRESSIONS[key][0]}", f"R{number} b{number} 0 1"]
    nodes = tuple(f"v(b{number})" for number in range(len(keys)))
    lines += [f".save {' '.join(nodes)}", f".tran {STEP} {STOP} 0 {STEP}"]
    record = _run(engine, "\n".join(lines), *nodes)
    if record is None or not record.complete:
        return _ending(record)
    return {
        key: _meaning(float(record.vector(node)[-1]), _EXPRESSIONS[key][1])
        for key, node in zip(keys, nodes, strict=True)
    }


def _meaning(value: float, meanings: Mapping[float, str]) -> str:
    """The word for a value, or the value itself."""
    for expected, word in meanings.items():
        if abs(value - expected) <= READ_RTOL * max(1.0, abs(expected)):
            return word
    return f"{value:.9g}"


def _ending(record: RunRecord | None) -> str:
    """How a run ended, in one word."""
    return REJECTED if record is None else record.status.name.lower()


def _first_row(record: RunRecord | None) -> str:
    """Where the first sample lies, in steps."""
    if record is None or record.time.size == 0:
        return _ending(record)
    return "t=0" if record.time[0] == 0.0 else f"t=step*{record.time[0] / STEP:.6g}"


def _initial_value(record: RunRecord | None) -> str:
    if record is None or record.time.size == 0:
        return _ending(record)
    return _meaning(float(record.vector("v(c)")[0]), {0.25: "honoured"})


def _measure_vacask(engine: Engine) -> dict[str, str]:
    """The same of VACASK in its own language, and its own traps."""
    found = {"version": engine.version()}
    for key, (text, meanings) in _VACASK_EXPRESSIONS.items():
        module = (
            'embed "ask.va" <<<FILE\n`include "disciplines.vams"\nmodule ask(p, x, z);\n  inout p, x, z;\n'
            f'  electrical p, x, z;\n  analog V(p) <+ {text};\nendmodule\n>>>FILE\nload "ask.va"\nmodel ask ask\n'
        )
        record = _run_vacask(
            engine, f"{module}v1 (x 0) vsource dc=-2\nv2 (z 0) vsource dc=0\nask1 (a x z) ask", "", "a"
        )
        found[key] = _first(record, "a", meanings)
    for key, (elements, condition, node, meanings) in _VACASK_ELEMENTS.items():
        found[key] = _first(_run_vacask(engine, elements, condition, node), node, meanings)
    decay = "c1 (a 0) capacitor c=1\nr1 (a 0) resistor r=1"
    for key, mode in (("first_row", "op"), ("first_row_uic", "uic")):
        found[key] = _first_row(_run_vacask(engine, decay, '"a", 0.25', "a", mode=mode))
    found["klu"] = "yes"
    diverging = (
        'embed "ask.va" <<<FILE\n`include "disciplines.vams"\nmodule ask(p);\n  inout p;\n  electrical p;\n'
        '  analog I(p) <+ ddt(V(p)) - V(p)*V(p);\nendmodule\n>>>FILE\nload "ask.va"\nmodel ask ask\nask1 (a) ask'
    )
    record = _run_vacask(engine, diverging, '"a", 1', "a", stop=2.0)
    found["diverging_status"] = _ending(record)
    found["diverging_exit"] = _ending(record) if record is None else str(record.exit_code)
    return found


def _run_vacask(
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
    return _attempt(engine, text, (f"v({node})",), stop)


def _first(record: RunRecord | None, node: str, meanings: dict[float, str]) -> str:
    if record is None or not record.complete:
        return _ending(record)
    return _meaning(float(record.vector(f"v({node})")[0]), meanings)
