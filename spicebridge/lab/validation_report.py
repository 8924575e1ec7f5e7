"""A validation as Markdown and JSON; folders complete or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from spicebridge.lab.kit import check_place
from spicebridge.lab.measured import Validation
from spicebridge.network import Network
from spicebridge.report.writer import replacing_folder

RECORD, FORMAT = "validation.json", "spicebridge.validation/1"


def format_json(result: Validation) -> str:
    """One JSON object."""
    content = {"format": FORMAT, "kind": "validation"} | asdict(result)
    content["outcome"] = result.outcome.value
    content["files"] = [RECORD, "validation.md"]
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def format_markdown(title: str, network: Network, result: Validation) -> str:
    """One page."""
    lines = [f"# {title}: validation", "", f"**{result.outcome.value.upper()}**: {result.reason}.", ""]
    lines += [f"Fitted trigger offset {result.trigger:.4g} s, clock error {1e6 * result.clock:.3g} ppm.", ""]
    lines += ["| channel | signal | gain | offset | noise | step | lost | error | uncertainty |", "|" + "---|" * 9]
    for c in result.channels:
        signal = f"{c.signal.kind}[{c.signal.name}]"
        lines.append(
            f"| {c.column} | {signal} | {c.gain:.5g} | {c.offset:.3g} | {c.noise:.3g} | {c.step:.3g} | {c.lost} | "
            f"{100 * c.error:.3g} % | {100 * c.uncertainty:.3g} % |"
        )
    if result.at_limit:
        lines += ["", f"At their stated limits: {', '.join(result.at_limit)}."]
    if result.blind:
        names = ", ".join(network.edge_name(k) for k in result.blind)
        lines += ["", f"A change of {100 * result.resolve:g} % would not be seen in: {names}."]
    if result.unsigned:
        names = ", ".join(network.edge_name(k) for k in result.unsigned)
        lines += ["", f"A memristor the wrong way round would not be seen in: {names}."]
    for x in result.inferred:
        lines += [
            "",
            f"State of {network.edge_name(x.edge)} inferred from v and i: within {x.difference:.3g} of the theory "
            f"(uncertainty {x.uncertainty:.3g}, {x.blocks} blocks).",
        ]
    return "\n".join(lines) + "\n"


def check_out(folder: str | Path) -> None:
    """Refuse a folder that holds anything but an earlier validation."""
    check_place(Path(folder).resolve(), RECORD, FORMAT)


def write_validation(folder: str | Path, title: str, network: Network, result: Validation) -> None:
    """validation.json and validation.md. Raises `OutputError`."""
    check_out(folder)
    with replacing_folder(Path(folder).resolve()) as stage:
        (stage / RECORD).write_text(format_json(result), encoding="utf-8")
        (stage / "validation.md").write_text(format_markdown(title, network, result), encoding="utf-8")
