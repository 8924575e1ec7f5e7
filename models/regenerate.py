"""Write the subcircuits and Verilog-A modules of every law text beside it: python -m models.regenerate (make models)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spicebridge.circuit.dialects.ngspice import DIALECT
from spicebridge.circuit.lower.law_modules import format_modules
from spicebridge.circuit.lower.models import law_subcircuits
from spicebridge.laws.card import law_header
from spicebridge.laws.law import Law
from spicebridge.laws.registry import LAWS, packaged

FOLDER = Path(__file__).resolve().parent


def format_subcircuits(law: Law) -> str:
    """The ``.sub`` file of a law."""
    lines = [f"* {line}" for line in law_header(law)]
    models = [replace(model, header=()) for model in law_subcircuits(law)]
    return "\n\n".join(["\n".join(lines), *("\n".join(DIALECT.subcircuit(model)) for model in models)]) + "\n"


def files() -> dict[str, str]:
    """Name -> text of every generated file."""
    out = {}
    for name in LAWS.texts:
        law = packaged(name)
        out |= {f"{name}.sub": format_subcircuits(law), f"{name}.va": format_modules(law)}
    return out


if __name__ == "__main__":
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
