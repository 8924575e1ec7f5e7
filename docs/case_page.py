"""The reference of the case file, written from the schema: docs/case_file.md.

python docs/case_page.py > docs/case_file.md        (make devices)
"""

from __future__ import annotations

import sys

from spicebridge.case.case import Case
from spicebridge.case.schema import KEYS, KIND_DRIVES
from spicebridge.laws import LAWS, Law
from spicebridge.windows import WINDOWS

HEAD = """\
# The case file

A case is one experiment in TOML, named `<name>.case.toml`: a network, a law, sources, a span. `spicebridge init` writes a
first one, `spicebridge examples` lists more. Numbers are numbers or text with a unit ([files.md](files.md)); a misspelt key
is refused with its line and the nearest known one. Written by `make devices` from the schema; a test holds it to that.

```toml
title = "Two memristors in a loop"
stop = 2                      # s

[network]
edges = [[0, 1], [1, 0]]      # tail, head
initial_state = [0.3, 0.5]

[device]
law = "caravelli2017"
r_on = 100                    # ohm
r_off = "1.6k"
alpha = 0.1                   # 1/s
beta = 1                      # V s

[drive]
edges = [0]
kind = "sine"
amplitude = "0.5 V"
frequency = "2 Hz"
```
"""

TEXTS: dict[str, dict[str, str]] = {
    "": {
        "title": "one line; required",
        "learn": "a sentence: what the case teaches",
        "stop": "end of the span in s; it begins at 0; required",
        "network": "table, see below; required",
        "device": "table, or several `[[device]]` blocks with `edges`; required",
        "drive": "table, or several `[[drive]]` blocks with `edges`; without one there are no sources",
        "validate": "table, see below",
    },
    "validate": {
        "tolerance": f"bound of U in the states, and relative to the largest value where a signal has a unit; default {Case.tolerance:g}",
        "points": f"times of the output grid; default {Case.points}",
        "form": f'`"fast"` or `"readable"` deck; default `"{Case.form}"`',
        "engine": f'simulator; default `"{Case.engine}"`',
        "expect": f'`"agrees"`, `"disagrees"` or `"unresolved"`, for tests; default `"{Case.expect}"`',
    },
    "network": {
        "generator": "a generator of networkx by name, such as `complete_graph`, or one of spicebridge; with `args`, `options`",
        "edges": "list of `[tail, head]`; node names may be numbers or text, parallel edges and loops are kept",
        "graphml": "path of a GraphML file beside the case",
        "loop_matrix": "rows of a loop matrix, one per loop: a network that is no graph",
        "random_loop_matrix": '`{shape = [loops, edges], distribution = "uniform" | "normal", seed = 1}`',
        "args": "arguments of the generator, in order",
        "options": "its named arguments; a random generator wants `seed`",
        "nodes": "names of the nodes in order, where a generator's own will not do",
        "ignore": "edge attributes of a graph file that are left unread on purpose, such as `weight`",
        "initial_state": "one number, one per edge, or `{random = [low, high], seed = 1}`; V on capacitors, A on inductors; default 0",
        "active": "edges (indices) with negative resistance; default none",
        "polarity": "+1 or -1, one or one per edge, or `{random = true, seed = 1}`; default +1",
    },
}
BLOCKS = {
    "edges": "indices of the edges of this block; one block without it takes the rest",
    "law": "name of a law, path of a law text beside the case, or left out where the formulas stand in the section ([own_law.md](own_law.md))",
    "kind": "`dc`, `sine`, `pulse`, `pwl` (`times`, `values`), `csv` (`file`: columns t, v); several blocks on an edge add up",
    "window": "handling of the bounds: `"
    + "`, `".join(WINDOWS)
    + '`, with its numbers as `{kind = "joglekar", p = 2}`',
}


def _rows(keys: dict[str, str]) -> list[str]:
    return ["| key | meaning |\n|---|---|", *(f"| `{key}` | {text} |" for key, text in keys.items()), ""]


def format_case_page() -> str:
    """The page as Markdown. Raises `KeyError` for a key of the schema that has no text here."""
    parts = [HEAD]
    for table, title in (("", "Top level"), ("network", "`[network]`"), ("validate", "`[validate]`")):
        parts += [f"## {title}\n", *_rows({key: TEXTS[table][key] for key in KEYS[table]})]
    parts += ["## `[device]`\n", *_rows({key: BLOCKS[key] for key in ("law", "edges", "window")})]
    parts.append(
        "Parameters of the laws, each one number, one per edge of the block, or `{random = [low, high], seed = 1}`:\n"
    )
    parts.append("| law | parameters |\n|---|---|")
    for word, law in LAWS.items():
        keys = [key for key in law.keys if key != "window"]
        units = {n: p.unit.text for n, p in law.parameters.items() if p.unit} if isinstance(law, Law) else {}
        parts.append(
            f"| `{word}` | " + ", ".join(f"`{k}`" + (f" ({units[k]})" if units.get(k) else "") for k in keys) + " |"
        )
    parts += ["", "## `[drive]`\n", *_rows({key: BLOCKS[key] for key in ("kind", "edges")})]
    parts.append("| kind | keys and units |\n|---|---|")
    for kind, drive in KIND_DRIVES.items():
        parts.append(f"| `{kind}` | " + ", ".join(f"`{name}` ({unit})" for name, unit in drive.units.items()) + " |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(format_case_page())
