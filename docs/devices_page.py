"""The page of the device library, written from the cards of the laws: docs/devices.md.

python docs/devices_page.py > docs/devices.md        (make devices)
"""

from __future__ import annotations

import dataclasses
import sys

from spicebridge.circuit.lower.models import law_subcircuits
from spicebridge.laws import LAWS, Law

_HEAD = """\
# Device library

Every law is one text, `models/<law>.toml`; the subcircuit in `models/*.sub` and the Verilog-A module in `models/*.va`
are written from it (`make models`), and all three are held against each other at the same voltages and states, values
and derivatives (`spicebridge check-model NAME`). How to bring your own: [own_law.md](own_law.md). Any law may stand on any edge; several in one network are fine. What persists is the
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
    parts = [_HEAD]
    for word, law in LAWS.items():
        if not isinstance(law, Law):
            continue
        models = ", ".join(f"`{model.name}`" for model in law_subcircuits(law))
        parts.append(f"## {law.kind}: `{word}`\n\n{law.data.get('title', '')}. {law.data.get('notes', '')}\n")
        parts.append(f"Subcircuits and modules: {models}.\n\n| | |\n|---|---|")
        for field in dataclasses.fields(law.card):
            text = getattr(law.card, field.name).replace("|", "\\|")
            parts.append(f"| {field.name} | {text} |")
        parts.append("")
    return "\n".join(parts).rstrip() + "\n" + _TAIL


if __name__ == "__main__":
    sys.stdout.write(format_devices())
