"""A Verilog-A module at forced voltages and states, by OpenVAF in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.engines.worker import worker_environment
from spicebridge.modelcheck.component import LIFT, StateSubcircuit

SECONDS = 60.0
"""Wall-clock limit; a device model compiles in milliseconds."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class TwinProblem(Exception):
    """What is wrong with the module, in a sentence."""


def installed() -> bool:
    """Whether openvaf-py can be imported."""
    return importlib.util.find_spec("openvaf_py") is not None


def evaluate(
    path: Path,
    part: StateSubcircuit,
    v: Array,
    s: Array,
    signs: Mapping[str, Array],
) -> dict[str, Array]:
    """i, rate and their derivatives i_v, i_s, rate_v, rate_s, (n,) each. Raises `TwinProblem`."""
    zero, one = np.zeros(v.size), np.ones(v.size)
    p, n = part.pins[:2]
    terminals = {p: (v + LIFT, one, zero), n: (LIFT + zero, zero, zero)}
    terminals |= {part.state: (s, zero, one), "drift": (s, zero, one)}
    defaults = {name.lower(): value for name, value in part.model.parameters}
    numbers = {k: float(x) for k, x in defaults.items() if isinstance(x, (int, float))}
    numbers |= {name.lower(): value for name, value in part.parameters}
    with tempfile.TemporaryDirectory(prefix="spicebridge-") as folder:
        answer = Path(folder) / "answer.json"
        request = {
            "file": str(path.resolve()),
            "module": part.model.name,
            "parameters": {k: x for k, x in numbers.items() if k not in signs},
            "state": part.state,
            "s": s.tolist(),
            "terminals": {name: [a.tolist() for a in arrays] for name, arrays in terminals.items()},
            "signs": {name: values.tolist() for name, values in signs.items()},
            "answer": str(answer),
        }
        command = [sys.executable, "-s", str(Path(__file__).with_name("veriloga_worker.py"))]
        try:
            ended = subprocess.run(
                command,
                input=json.dumps(request),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                env=dict(os.environ) | worker_environment(),
            )
        except subprocess.TimeoutExpired:
            raise TwinProblem(f"OpenVAF did not end within {SECONDS:g} s") from None
        if not answer.exists():
            raise TwinProblem(f"OpenVAF refuses it: {_complaint(ended.stdout + ended.stderr, path.name)}")
        found = json.loads(answer.read_text(encoding="utf-8"))
    if "problem" in found:
        raise TwinProblem(found["problem"])
    return {name: np.array(values, float) for name, values in found.items()}


def _complaint(log: str, name: str) -> str:
    """The first error that OpenVAF printed, with its place."""
    lines = _COLOUR.sub("", log).splitlines()
    for k, line in enumerate(lines):
        if line.startswith("error"):
            place = next((re.search(r":(\d+:\d+)\s*$", x) for x in lines[k + 1 : k + 3] if "-->" in x), None)
            where = f"{name}:{place.group(1)}: " if place else ""
            return where + line.removeprefix("error").lstrip(": ").strip()
    return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")
