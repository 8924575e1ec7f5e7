"""The page of the device library, written from the cards of the laws: docs/devices.md.

python docs/devices_page.py > docs/devices.md        (make devices)
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from spicebridge.circuit.lower.calls import subcircuit_call
from spicebridge.circuit.lower.models import model_twin
from spicebridge.laws import LAWS
from spicebridge.laws.base import imposes
from spicebridge.modelcheck.library import library

_HEAD = """\
# Device library

Every law is a frozen record in `spicebridge/laws/`, a subcircuit in `models/*.sub` and a Verilog-A module in
`models/*.va`; all three are held against each other at the same voltages and states, values and derivatives
(`spicebridge check-model NAME`). Any law may stand on any edge; several in one network are fine. What persists is the
state s, a node of the circuit: no model has a variable that remembers. P = +-1 is the sign of an active edge, J = +-1
its polarity, i the current from tail to head, v the drop over the device. F is the rate with the window (`none`,
`hard`, `tanh`, `joglekar`, `biolek`, `prodromakis`, `zha`).

Written by `make devices` from the cards of the laws; a test holds it to them.
"""

_TAIL = """
## Measured responses: validation

A law fitted to measured data says how well it can describe them, not that the law or the program is right; so this is
kept apart from all of the above, in no test and no CI, and the data stay with their owner:

```sh
spicebridge fit pulse_2V.txt --columns 0,2,1        # columns of time (s), voltage (V), current (A), from 0
```

fits a law (`--law tunneling`, voltage control) to the current under the measured voltage and reports its parameters
and what is left. With `--until T` only samples before T s are fitted, and the rest is predicted.
"""


def format_devices() -> str:
    """The page as Markdown."""
    shown: dict[Any, list[str]] = {}
    for word, law in LAWS.items():
        kind: Any = law.device
        if kind.stateful and not imposes(kind):
            shown.setdefault(kind, []).append(word)
    files: dict[type, set[str]] = {}
    for device, *_ in library().values():
        twin = model_twin(subcircuit_call(device).name(0))
        files.setdefault(type(device), set()).add(f"`models/{twin.stem}`" if twin else "none")
    parts = [_HEAD]
    for kind, words in shown.items():
        names = ", ".join(f"`{word}`" for word in words)
        parts.append(f"## {kind.__name__}\n\nIn case files: {names}. Models: {', '.join(sorted(files[kind]))}.\n")
        parts.append("| | |\n|---|---|")
        for field in dataclasses.fields(kind.card):
            text = getattr(kind.card, field.name).replace("|", "\\|")
            parts.append(f"| {field.name} | {text} |")
        parts.append("")
    return "\n".join(parts).rstrip() + "\n" + _TAIL


if __name__ == "__main__":
    sys.stdout.write(format_devices())
