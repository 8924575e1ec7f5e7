"""Evaluates a Verilog-A module with OpenVAF; run as a program, because the compiler may panic and prints.

Reads a JSON request from standard input and writes a JSON answer to the file it is told::

    file, module, parameters {name: value}, answer
    terminals {name: [values, slopes by v, slopes by s]}    one entry a point, V
    signs {name: values}

The nodes that are no terminals are solved for by Newton's method, but for one with a charge, which is the
state. The answer has, a list each: i, rate, i_v, i_s, rate_v, rate_s; or "problem", a sentence; or "skip".
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

ITERATIONS = 50
RESIDUAL = 1e-13
"""Of the largest current or voltage of a row that counts as solved."""
READ = {"param", "voltage", "current", "sysfun", "temperature", "abstime", "hidden_state"}
KELVIN = 300.15


class Refused(Exception):
    """A module that this evaluator does not handle."""


class CompiledModule:
    """One compiled module, its unknowns in the order of its equations."""

    def __init__(self, compiled: Any, terminals: set[str], given: dict[str, float]) -> None:
        self.compiled = compiled
        self.kinds = dict(zip(compiled.param_names, compiled.param_kinds, strict=True))
        for name, kind in self.kinds.items():
            if kind not in READ:
                raise Refused(f"it uses {name}, a quantity of kind {kind}, which this check cannot evaluate")
        self.nodes = [node["name"] for node in compiled.get_dae_system()["nodes"]]
        self.given = {k: v for k, v in given.items() if self.kinds.get(k) in ("param", "sysfun")}
        self.inner = [name for name in self.nodes if name not in terminals]

    def evaluate(self, x: dict[str, float]) -> tuple[Any, Any]:
        """Residuals (n, 2) and Jacobian (n, n, 2), resistive and reactive, at node values x."""
        values: dict[str, float] = {}
        for name, kind in self.kinds.items():
            if kind == "voltage":
                first, _, second = re.sub(r"^V\((.*)\)$", r"\1", name).partition(",")
                values[name] = x[first] - (x[second] if second else 0.0)
            elif kind == "current":
                values[name] = x.get(f"flow({name[2:-1]})", 0.0)
            elif kind == "temperature":
                values[name] = KELVIN
            elif name == "mfactor":
                values[name] = 1.0
            else:
                values[name] = 0.0
        residual, entries = self.compiled.run_init_eval(values | self.given)
        n = len(self.nodes)
        jacobian = np.zeros((n, n, 2))
        for row, column, resistive, reactive in entries:
            jacobian[row, column] += resistive, reactive
        return np.array(residual, float), jacobian


def solve(module: CompiledModule, x: dict[str, float], unknown: list[str]) -> tuple[Any, Any]:
    """Newton's method on the rows of the unknown nodes, with x changed in place."""
    where = [module.nodes.index(name) for name in unknown]
    for _ in range(ITERATIONS):
        residual, jacobian = module.evaluate(x)
        if not where:
            return residual, jacobian
        r, J = residual[where, 0], jacobian[np.ix_(where, where)][:, :, 0]
        try:
            step = np.linalg.solve(J, r)
        except np.linalg.LinAlgError:
            raise Refused(f"its equations of {', '.join(unknown)} are singular") from None
        for name, change in zip(unknown, step, strict=True):
            x[name] -= float(change)
        scale = np.abs([x[name] for name in unknown])
        if (np.abs(step) <= RESIDUAL * (scale + scale.max(initial=0.0))).all():
            return module.evaluate(x)
    raise Refused(f"Newton's method does not solve for {', '.join(unknown)}")


def remembered(text: str, variables: list[str]) -> list[str]:
    """Variables whose first use in the analog block is not an assignment from other things.

    The evaluator starts every evaluation with zeros, so that values alone cannot show it; the text does. A
    variable that is set on one side of a condition only escapes.
    """
    plain = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    # What an event sets is there later because it persists.
    plain = re.sub(r"@\s*\([^;]*?\)\s*(begin\b.*?\bend\b|[^;]*;)", " ", plain, flags=re.DOTALL)
    kept = []
    for name in variables:
        word = re.compile(rf"(?<![\w$`.]){re.escape(name)}(?!\w)")
        for statement in plain[max(plain.find("analog"), 0) :].split(";"):
            if re.search(r"\b(real|integer)\b(?!.*=)", statement, re.DOTALL) or not word.search(statement):
                continue
            target = re.search(rf"(?<![\w$`.<=>!]){re.escape(name)}\s*=(?!=)", statement)
            if target is None or word.search(statement[: target.start()]) or word.search(statement[target.end() :]):
                kept.append(name)
            break
    return kept


def find_module(path: str, name: str) -> Any:
    import openvaf_py

    modules = {m.name: m for m in openvaf_py.compile_va(path)}
    if not modules:
        raise Refused("it holds no module")
    folded = {key.lower(): m for key, m in modules.items()}
    if name.lower() in folded:
        return folded[name.lower()]
    if len(modules) == 1:
        return next(iter(modules.values()))
    raise Refused(f"it has the modules {', '.join(modules)}, none called {name}")


def work(request: dict[str, Any]) -> dict[str, Any]:
    compiled = find_module(request["file"], request["module"])
    system = compiled.get_dae_system()
    own = [node["name"] for node in system["nodes"] if not node["is_internal"]]
    terminals = request["terminals"]
    wrong = [name for name in own[2:] if name.lower() not in terminals]
    if wrong or len(own) < 2:
        return {"problem": f"its terminals are {', '.join(own)}; {', '.join(terminals)} were expected"}
    roles = dict(zip(own[:2], list(terminals)[:2], strict=True)) | {name: name.lower() for name in own[2:]}
    known = {p["name"].lower(): p["name"] for p in compiled.get_osdi_descriptor()["params"]}
    missing = sorted({*request["parameters"], *request["signs"]} - set(known))
    if missing:
        return {"problem": f"it has no parameter {', '.join(missing)}; it has {', '.join(known.values()) or 'none'}"}
    variables = [
        n for n, kind in zip(compiled.param_names, compiled.param_kinds, strict=True) if kind == "hidden_state"
    ]
    kept = remembered(Path(request["file"]).read_text(encoding="utf-8", errors="replace"), variables)
    if kept:
        return {"problem": f"variable {kept[0]} is read before it is set, so it keeps a value: a hidden state"}
    rows: dict[str, list[float]] = {key: [] for key in ("i", "rate", "i_v", "i_s", "rate_v", "rate_s")}
    state = request["state"]
    for k in range(len(next(iter(terminals.values()))[0])):
        signs = {name: values[k] for name, values in request["signs"].items()}
        given = {known[name]: value for name, value in (request["parameters"] | signs).items()}
        module = CompiledModule(compiled, set(own), given)
        x = {name: terminals[role][0][k] for name, role in roles.items()}
        slopes = {name: (terminals[role][1][k], terminals[role][2][k]) for name, role in roles.items()}
        x |= dict.fromkeys(module.inner, 0.0)
        _, jacobian = module.evaluate(x)
        holders = [module.nodes[r] for r in np.flatnonzero(np.diagonal(jacobian[:, :, 1]))]
        if len(holders) != 1:
            shown = ", ".join(holders) or "no node"
            return {"problem": f"{shown} of it holds a charge; a device here has one state, the voltage of a node"}
        held = holders[0]
        if held not in roles:
            x[held], slopes[held] = request["s"][k], (0.0, 1.0)
        unknown = [name for name in module.inner if name != held]
        residual, jacobian = solve(module, x, unknown)
        fixed = [name for name in module.nodes if name not in unknown]
        f = [module.nodes.index(name) for name in fixed]
        u = [module.nodes.index(name) for name in unknown]
        resistive = jacobian[:, :, 0]
        along = np.array([slopes[name] for name in fixed])
        change = resistive[np.ix_(f, f)] @ along
        if u:
            inner = np.linalg.solve(resistive[np.ix_(u, u)], resistive[np.ix_(u, f)] @ along)
            change -= resistive[np.ix_(f, u)] @ inner
        rate_rows = [n for n, name in enumerate(fixed) if name == held or name.lower() in ("drift", state)]
        capacitance = jacobian[module.nodes.index(held), module.nodes.index(held), 1]
        current = fixed.index(own[0])
        rows["i"].append(float(residual[f[current], 0]))
        rows["i_v"].append(float(change[current, 0]))
        rows["i_s"].append(float(change[current, 1]))
        rows["rate"].append(float(-sum(residual[f[n], 0] for n in rate_rows) / capacitance))
        rows["rate_v"].append(float(-change[rate_rows, 0].sum() / capacitance))
        rows["rate_s"].append(float(-change[rate_rows, 1].sum() / capacitance))
    return dict(rows)


def main() -> None:
    request = json.load(sys.stdin)
    try:
        answer = work(request)
    except Refused as refusal:
        answer = {"problem": str(refusal)}
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
