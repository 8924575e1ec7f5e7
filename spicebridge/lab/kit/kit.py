"""The kit: one folder with everything, complete or not at all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spicebridge.case.case import Case
from spicebridge.circuit.circuit_run import to_deck
from spicebridge.circuit.dialects import dialect_names, get_dialect
from spicebridge.lab.design.board import board
from spicebridge.lab.design.builds import error_limits
from spicebridge.lab.design.emulator import format_firmware, format_tables, run_firmware
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.lab.design.firmware import format_source
from spicebridge.lab.design.montecarlo import Influence, Spread, influences, spread
from spicebridge.lab.design.parts import BillLine, format_bill, format_rows
from spicebridge.lab.design.plan import Plan, make_plan
from spicebridge.lab.design.realistic import Difference, compare_with_ideal, realistic_deck, run_realistic
from spicebridge.lab.design.scaling import Scaling
from spicebridge.lab.design.sources import choose_gauge
from spicebridge.lab.design.wiring import Component, wire
from spicebridge.lab.kit.generator import format_csv, format_pwl, instrument_files
from spicebridge.lab.kit.kicad import format_kicad, format_wiring
from spicebridge.lab.kit.protocol import format_protocol
from spicebridge.lab.kit.schematic import draw_schematic
from spicebridge.lab.measure.circuit_under_test import CircuitUnderTest
from spicebridge.lab.measure.discrepancy import Discrepancy, built_minus_ideal
from spicebridge.lab.measure.simulated_scope import format_rehearsal
from spicebridge.report.writer import check_folder, replacing_folder
from spicebridge.theory import integrate
from spicebridge.verify.deck_step import deck_step
from spicebridge.waveforms import Waveforms

KIT, FORMAT = "kit.json", "spicebridge.kit/1"


@dataclass(frozen=True, eq=False, kw_only=True)
class Kit:
    """What was computed for a kit, and the names of its `files`."""

    plan: Plan
    components: tuple[Component, ...]
    difference: Difference
    firmware_error: float
    spread: Spread
    influences: tuple[Influence, ...]
    files: tuple[str, ...]


def write_kit(folder: str | Path, case: Case, bench: Equipment | None = None) -> Kit:
    """Plan, simulate and write. Raises `LabError` (impossible demands), `RunFailed` and `OutputError`."""
    place = Path(folder).resolve()
    check_folder(place, KIT, FORMAT)
    plan = make_plan(case, bench)
    components = wire(plan)
    packages = board(plan, components)
    run = run_realistic(plan)
    difference = compare_with_ideal(plan, run)
    loop = run_firmware(plan) if plan.emulated.any() else None
    error = firmware_error(plan, loop)
    spread_, ranking = spread(plan, run=run, loop=loop), influences(plan)
    texts: dict[str, str | bytes] = {
        "netlist.net": format_kicad(packages, case.title),
        "wiring.txt": format_wiring(packages),
        "bill.csv": format_bill(bill(plan, packages)),
        "bands.csv": _bands(spread_),
        "sensitivity.csv": _sensitivity(plan, ranking),
        "schematic.svg": draw_schematic(plan),
        "protocol.md": format_protocol(plan, packages, difference, error, spread_, ranking),
    }
    discrepancy = built_minus_ideal(plan, run, loop)
    limits = error_limits(plan.network, spread_.plan.bench, plan.gauge.driven)
    circuit = CircuitUnderTest(
        network=plan.network, stop=plan.stop, ground=plan.gauge.ground, limits=limits, discrepancy=discrepancy
    )
    texts["rehearsal.csv"] = format_rehearsal(circuit, spread_.band.names)
    if plan.emulated.any():
        texts["firmware_codes.csv"] = format_tables(plan)
        texts["firmware.json"] = format_firmware(plan)
        texts["firmware.c"] = format_source(plan)
    for part in components:
        if part.kind == "generator":
            texts |= {f"{part.reference}{suffix}": text for suffix, text in instrument_files(plan, part).items()}
            texts[f"{part.reference}.csv"] = format_csv(plan, part)
            texts[f"{part.reference}.pwl"] = format_pwl(plan, part)
    step = deck_step(plan.network, plan.stop, case.tolerance).step
    ideal, real = to_deck(plan.network, plan.waves.t, step=step), realistic_deck(plan, components)
    for name in dialect_names():
        dialect = get_dialect(name)
        for what, deck in (("ideal", ideal), ("realistic", real)):
            written = dialect.format_deck(deck)
            # Without something to print, `ngspice -b FILE` runs nothing.
            printed = "\n".join(f".print tran {vector}" for vector in deck.save) + "\n.end"
            texts[f"{what}_{name}{dialect.suffix}"] = (
                printed.join(written.rsplit(".end", 1)) if name == "ngspice" else written
            )
    files = tuple(sorted([*texts, KIT]))
    record = _record(plan, difference, error, spread_, files)
    record["built_minus_ideal"] = discrepancy.record()
    texts[KIT] = json.dumps(record, indent=1) + "\n"
    with replacing_folder(place) as stage:
        for name, text in texts.items():
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            (stage / name).write_bytes(data)
    return Kit(
        plan=plan,
        components=components,
        difference=difference,
        firmware_error=error,
        spread=spread_,
        influences=ranking,
        files=files,
    )


def as_built(case: Case, folder: str | Path, parts: float | None = None) -> CircuitUnderTest:
    """The circuit of the kit in `folder`. Raises `LabError` if it is of another case."""
    path = Path(folder) / KIT
    try:
        kit = json.loads(path.read_text(encoding="utf-8"))
        scaling = Scaling(**kit["scaling"])
        bench = Equipment(**kit["bench"]).tightened(kit["precision_factor"])
        discrepancy = Discrepancy.from_record(kit["built_minus_ideal"])
        known = kit["format"] == FORMAT, kit["digest"], kit["chords"], kit["ground"]
    except (OSError, ValueError, KeyError, TypeError):
        raise LabError(f"{path}: not a kit; write one with spicebridge lab") from None
    gauge = choose_gauge(case.network, case.stop, bench)
    if known != (True, digest(case), list(gauge.chords), gauge.ground):
        raise LabError(f"{path}: the kit is of another case or version; write it again")
    network = scaling.network(gauge.network)
    limits = error_limits(network, bench, gauge.driven)
    if parts is not None:
        limits = (np.full(network.n_edges, parts), *limits[1:])
    return CircuitUnderTest(
        network=network, stop=case.stop * scaling.time, ground=gauge.ground, limits=limits, discrepancy=discrepancy
    )


def digest(case: Case) -> str:
    """What tells one case from another: a hash of its network and its span."""
    bare = Case(title="", what="", network=case.network, stop=case.stop)
    return hashlib.sha256(bare.to_toml().encode("utf-8")).hexdigest()[:16]


def firmware_error(plan: Plan, loop: Waveforms | None) -> float:
    """Largest deviation of a state in the quantised, sampled loop from the theory; 0 without emulators."""
    if loop is None:
        return 0.0
    inside = loop.t <= plan.stop
    ideal = integrate(plan.network, loop.t[inside])
    return float(np.abs(loop.state[inside] - ideal.state)[:, plan.emulated].max())


def bill(plan: Plan, components: tuple[Component, ...]) -> list[BillLine]:
    """Parts of a `board` with counts: resistors by value, all else by type."""
    groups: dict[tuple[str, str], list[str]] = {}
    memristors: list[str] = []
    for part in components:
        if part.kind == "resistor":
            kind = f"resistor E96 {100 * plan.bench.resistor_tolerance:g} %"
            groups.setdefault((kind, part.value), []).append(part.reference)
        elif part.kind == "memristor":
            memristors.append(part.reference)
        else:
            value = part.value if part.kind in ("supply", "capacitor") else ""
            groups.setdefault((part.part, value), []).append(part.reference)
    lines = [
        BillLine(count=len(refs), part=kind, value=value, references=tuple(refs))
        for (kind, value), refs in sorted(groups.items())
    ]
    if plan.memristor is not None:
        part_ = plan.memristor
        count = -(-len(memristors) // part_.per_package)
        note = f"{part_.per_package} memristors each; at most {part_.current:g} A; {part_.typical}"
        lines.append(
            BillLine(count=count, part=part_.package, value=part_.name, references=tuple(memristors), note=note)
        )
    return lines


def _bands(found: Spread) -> str:
    band = found.band
    rows = [["t (s)", *(f"{edge} {name}" for name in band.names for edge in ("low", "high"))]]
    for row, t in enumerate(band.t.tolist()):
        pairs = zip(band.low[row].tolist(), band.high[row].tolist(), strict=True)
        rows.append([f"{t:.9g}", *(f"{x:.7g}" for pair in pairs for x in pair)])
    return format_rows(rows)


def _sensitivity(plan: Plan, ranking: tuple[Influence, ...]) -> str:
    rows = [
        [str(x.edge), plan.network.edge_name(x.edge), x.what, f"{x.limit:g}", f"{x.effect:.4g}", x.where]
        for x in ranking
    ]
    return format_rows([["edge", "name", "error", "limit", "effect", "seen at"], *rows])


def _record(
    plan: Plan, difference: Difference, error: float, found: Spread, files: tuple[str, ...]
) -> dict[str, object]:
    return {
        "format": FORMAT,
        "case": plan.case.name,
        "digest": digest(plan.case),
        "bench": asdict(plan.bench),
        "files": list(files),
        "scaling": asdict(plan.scaling),
        "ground": plan.gauge.ground,
        "chords": list(plan.gauge.chords),
        "sources": list(plan.gauge.driven),
        "grounded_sources": list(plan.gauge.grounded),
        "converters": [[x.edge, x.version, x.part.name] for x in plan.realisation.converters],
        "realistic_minus_ideal": {
            "voltage_V": difference.voltage, "current_A": difference.current, "state": difference.state,
            "relative": difference.relative,
        },
        "firmware_state_error": error,
        "builds_that_escape": found.share,
        "precision_factor": found.factor,
        "band_factors": found.band.factors,
        "parts": dict(Counter(part.kind for part in board(plan))),
    }  # fmt: skip
