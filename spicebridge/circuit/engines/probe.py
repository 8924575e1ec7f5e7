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

# name in the result -> (B-source expression of V(x) = -2 and V(z) = 0, meanings of its value)
_EXPRESSIONS: dict[str, tuple[str, dict[float, str]]] = {
    "caret_of_negative": ("V(x)^3", {8.0: "absolute", -8.0: "signed", 1.0: "exclusive or"}),
    "double_star_of_negative": ("V(x)**3", {8.0: "absolute", -8.0: "signed"}),
    "pow_of_negative": ("pow(V(x),3)", {8.0: "absolute", -8.0: "signed"}),
    "pwr_of_negative": ("pwr(V(x),3)", {8.0: "absolute", -8.0: "signed"}),
    "u_of_zero": ("u(V(z))", {0.0: "0", 0.5: "0.5", 1.0: "1"}),
    "zero_over_zero": ("V(z)/V(z)", {0.0: "0", 1.0: "1"}),
    "brace_expansion": ("{one-three}*V(x)", {4.0: "parenthesised", 7.0: "textual"}),
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
        from spicebridge.circuit.engines.probe_vacask import measure

        return measure(engine)
    found = {"version": engine.version()}
    found |= _expressions(engine)
    for key, uic in (("first_row", ""), ("first_row_uic", " uic")):
        record = _run(engine, f".save v(c)\n.tran {STEP} {STOP} 0 {STEP}{uic}", "v(c)")
        found[key] = first_row(record)
        if not uic:
            found["ic_without_uic"] = _initial_value(record)
    klu = _run(engine, f".options klu\n.save v(c)\n.tran {STEP} {STOP} 0 {STEP}", "v(c)")
    found["klu"] = "yes" if klu is not None and klu.complete and "using klu" in klu.log.lower() else "no"
    diverging = _run(engine, f"Bd 0 d I=V(d)*V(d)\nCd d 0 1\n.ic v(d)=1\n.save v(d)\n.tran {STEP} 2 0 {STEP}", "v(d)")
    found["diverging_status"] = ending(diverging)
    found["diverging_exit"] = REJECTED if diverging is None else str(diverging.exit_code)
    return found


def _run(engine: Engine, body: str, *vectors: str) -> RunRecord | None:
    """Run `body` together with an RC pair that starts at 0.25 V; see `attempt`."""
    if engine.dialect == "xyce":
        # It reads expressions in braces only and lists its output on another card.
        body = _EXPRESSION.sub(r"\1{\2}", _SAVE.sub(r".print tran \1\n", body))
    text = f"probe\n.param one=1 three=3\nRc c 0 1\nCc c 0 1\n.ic v(c)=0.25\n{body}\n.end\n"
    return attempt(engine, text, vectors, 2.0 if " 2 0 " in body else STOP)


def attempt(engine: Engine, text: str, vectors: tuple[str, ...], stop: float) -> RunRecord | None:
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
        return ending(record)
    return {
        key: meaning(float(record.vector(node)[-1]), _EXPRESSIONS[key][1])
        for key, node in zip(keys, nodes, strict=True)
    }


def meaning(value: float, meanings: Mapping[float, str]) -> str:
    """The word for a value, or the value itself."""
    for expected, word in meanings.items():
        if abs(value - expected) <= READ_RTOL * max(1.0, abs(expected)):
            return word
    return f"{value:.9g}"


def ending(record: RunRecord | None) -> str:
    """How a run ended, in one word."""
    return REJECTED if record is None else record.status.name.lower()


def first_row(record: RunRecord | None) -> str:
    """Where the first sample lies, in steps."""
    if record is None or record.time.size == 0:
        return ending(record)
    return "t=0" if record.time[0] == 0.0 else f"t=step*{record.time[0] / STEP:.6g}"


def _initial_value(record: RunRecord | None) -> str:
    if record is None or record.time.size == 0:
        return ending(record)
    return meaning(float(record.vector("v(c)")[0]), {0.25: "honoured"})
