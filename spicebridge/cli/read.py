"""``spicebridge read DECK``"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from spicebridge.cli import status
from spicebridge.cli.options import add_dialect, positive

if TYPE_CHECKING:
    from spicebridge.circuit.deck.elements import Deck
    from spicebridge.circuit.recognise import Recognised
    from spicebridge.network import Network
    from spicebridge.theory.currents.topology import Topology
    from spicebridge.verify import Verdict
    from spicebridge.verify.user_deck import AsWritten

HELP = "what network a deck is: nodes, edges, cycles, effective memory, Omega"
EXAMPLE = "read k4.cir --validate"
JUDGES = True

SMALL = 12
"""Edges up to which Omega is printed; above, its trace."""
SHOWN = 400
"""Edges up to which the table is printed."""
FORMAT = "spicebridge.network/1"


class EdgeFacts(TypedDict):
    """One edge as JSON has it."""

    index: int
    tail: str | None
    head: str | None
    law: str
    parameters: dict[str, float]
    window: str
    active: bool
    polarity: int
    source: list[str]
    state: str | None
    initial_state: float | None
    elements: list[str]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("deck", metavar="DECK", help="a netlist")
    add_dialect(parser)
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument(
        "--validate",
        action="store_true",
        help="run the deck as written, its circuit refined, and the network found in it, against the theory; "
        "needs .tran",
    )
    parser.add_argument("--engine", default="ngspice", metavar="E", help="simulator for --validate")
    parser.add_argument("--tolerance", type=positive, default=1e-5, metavar="X", help="default: 1e-5")
    parser.add_argument("--timeout", type=positive, metavar="S", help="wall-clock limit of one run in s")
    parser.add_argument("-o", "--out", metavar="FILE", help="write the network as a case file")
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")


def run(args: argparse.Namespace) -> int:
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.circuit.reader import read_deck
    from spicebridge.circuit.recognise import recognise_circuit
    from spicebridge.cli.show import printable, progress
    from spicebridge.errors import SpiceBridgeError
    from spicebridge.report.files import check_file
    from spicebridge.report.json import format_json
    from spicebridge.theory.currents.topology import Topology

    if args.out is not None:
        check_file(args.out)
    with interruptible(), progress(args.quiet or not args.validate) as say:
        deck = read_deck(Path(args.deck), dialect=args.dialect)
        try:
            found = recognise_circuit(deck)
        except SpiceBridgeError:
            for note in deck.notes:
                print(printable(f"note: {note}"), file=sys.stderr)
            raise
        verdicts = _validate(deck, found, args, say) if args.validate else {}
        written = _as_written(deck, found, args, say) if args.validate else None
    topology = Topology.of(found.network)
    edges = [_edge(found, k) for k in range(found.network.n_edges)]
    notes = [*deck.notes, *found.notes]
    if args.out is not None:
        _write_case(deck, found.network, args)
    if args.json:
        facts = {"format": FORMAT, "source": args.deck} | _facts(found.network, topology, edges)
        facts |= {"dialect": deck.dialect, "notes": notes, "verdicts": {k: _judged(v) for k, v in verdicts.items()}}
        if written is not None:
            facts["as_written"] = asdict(written) | {"passes": written.passes, "sentence": str(written)}
        sys.stdout.write(format_json(facts))
    else:
        lines = _lines(found.network, topology, edges, notes, found.network.title or args.deck)
        for line in (*lines, *_verdict_lines(verdicts, written)):
            print(printable(line))
    outcomes = [v.outcome.value for v in verdicts.values()]
    if written is not None and written.passes is False:
        outcomes.append("disagrees")
    return status.combined(map(status.of_outcome, outcomes))


def _validate(deck: Deck, found: Recognised, args: argparse.Namespace, say: object) -> dict[str, Verdict]:
    """The deck's own circuit, and ours of the network found in it, each against the theory."""
    import numpy as np

    from spicebridge.verify import validate
    from spicebridge.verify.user_deck import validate_deck

    options = {"tolerance": args.tolerance, "engine": args.engine, "timeout": args.timeout, "progress": say}
    own = validate_deck(deck, found, **options)
    assert deck.transient is not None
    t = np.linspace(0.0, deck.transient.stop, 201)
    return {"deck": own, "network": validate(found.network, t, **options)}


def _as_written(deck: Deck, found: Recognised, args: argparse.Namespace, say: Callable[[str], None]) -> AsWritten:
    """One run of the deck with its own options and steps."""
    from spicebridge.verify.user_deck import run_as_written

    say("the deck as written")
    return run_as_written(deck, found, tolerance=args.tolerance, engine=args.engine, timeout=args.timeout)


def _judged(verdict: Verdict) -> dict[str, object]:
    names = ("reason", "max_error", "uncertainty", "tolerance")
    return {"outcome": verdict.outcome.value} | {name: getattr(verdict, name) for name in names}


def _facts(network: Network, topology: Topology, edges: list[EdgeFacts]) -> dict[str, object]:
    return {
        "title": network.title,
        "graph": network.is_graph,
        "nodes": [str(node) for node in network.nodes],
        "edges": edges,
        "cycles": topology.n_loops,
        "effective_memory": topology.effective_memory,
        "components": topology.n_components if network.is_graph else None,
        "bridges": [int(k) for k in topology.bridges] if network.is_graph else None,
        "Omega_trace": topology.n_loops,
        "Omega": topology.Omega.tolist() if topology.n_edges <= SMALL else None,
    }


def _edge(found: Recognised, k: int) -> EdgeFacts:
    from spicebridge.laws.base import parameter_names

    network, origin = found.network, found.edges[k]
    device = network.device(k)
    ends = [str(network.nodes[n[k]]) if network.is_graph else None for n in (network.tail, network.head)]
    law, control = getattr(device, "law", None), getattr(device, "control", None)
    return {
        "index": k,
        "tail": ends[0],
        "head": ends[1],
        "law": f"{law}, {control}" if law else device.kind,
        "parameters": {name: float(getattr(device, name)) for name in parameter_names(device)},
        "window": device.window.name,
        "active": bool(network.P[k] < 0),
        "polarity": int(network.J[k]),
        "source": _drive(network, k),
        "state": origin.state or None,
        "initial_state": float(network.initial_state[k]) if origin.state else None,
        "elements": list(origin.elements),
    }


def _drive(network: Network, k: int) -> list[str]:
    from spicebridge.drives import terms

    out = []
    for term in terms(network.drives[k]):
        given = {name: value for name, value in vars(term).items() if value not in (None, 0.0)}
        fields = ", ".join(f"{name} {value}" for name, value in given.items())
        out.append(f"{type(term).__name__}({fields})")
    return out


def _lines(network: Network, topology: Topology, edges: list[EdgeFacts], notes: list[str], title: str) -> Iterator[str]:
    """What the network is, without Omega where that is large."""
    where = f"{len(network.nodes)} nodes, " if network.is_graph else "loop matrix, "
    yield f"{title}: {where}{len(edges)} edges"
    for note in notes:
        yield f"note: {note}"
    if network.is_graph:
        nodes = [str(node) for node in network.nodes[: SHOWN + 1]]
        yield "nodes              " + ", ".join(nodes[:SHOWN]) + (", …" if len(nodes) > SHOWN else "")
        yield f"components         {topology.n_components}"
    yield f"independent cycles {topology.n_loops}"
    yield f"effective memory   {topology.effective_memory:.6g}  (Gamma = cycles / edges)"
    if network.is_graph:
        bridges = [network.edge_labels[k] for k in topology.bridges[:SHOWN]]
        yield "bridges            " + (", ".join(bridges) or "none")
    yield ""
    yield from _table(edges[:SHOWN])
    if len(edges) > SHOWN:
        yield f"… {len(edges) - SHOWN} more edges (--json has all)"
    yield ""
    if topology.n_edges > SMALL:
        yield f"Omega has trace {topology.n_loops} (printed up to {SMALL} edges)"
        return
    yield f"Omega (trace {topology.n_loops})"
    # Adding zero turns the minus zeros of rounding into zeros
    yield from ("  " + " ".join(f"{round(x, 4) + 0.0:8.4f}" for x in row) for row in topology.Omega)


def _verdict_lines(verdicts: Mapping[str, Verdict], written: AsWritten | None) -> Iterator[str]:
    if written is not None:
        yield f"the deck {written}"
    names = {"deck": "the deck's circuit, with small steps", "network": "the network found in it"}
    for name, verdict in verdicts.items():
        yield f"{names[name]}: {verdict.outcome.value.upper()}, {verdict.reason}"


def _table(edges: list[EdgeFacts]) -> Iterator[str]:
    rows = [("edge", "tail -> head", "law", "parameters", "source", "state")]
    for edge in edges:
        signs = (["active"] if edge["active"] else []) + (["polarity -1"] if edge["polarity"] < 0 else [])
        window = [] if edge["window"] == "none" else [f"window {edge['window']}"]
        numbers = [f"{name}={value:.6g}" for name, value in edge["parameters"].items()]
        state = "" if edge["state"] is None else f"{edge['state']} = {edge['initial_state']:.6g}"
        ends = "" if edge["tail"] is None else f"{edge['tail']} -> {edge['head']}"
        law = ", ".join([edge["law"], *window, *signs])
        rows.append((str(edge["index"]), ends, law, " ".join(numbers), " + ".join(edge["source"]), state))
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _write_case(deck: Deck, network: Network, args: argparse.Namespace) -> None:
    from spicebridge.case.case import Case
    from spicebridge.errors import DeckError
    from spicebridge.waveforms import replacing

    if deck.transient is None:
        raise DeckError("the deck has no .tran; a case needs its stop time, so add one")
    case = Case(
        title=deck.title or Path(args.deck).stem,
        what=f"The circuit of {Path(args.deck).name} follows its network equation.",
        network=network,
        stop=deck.transient.stop,
        tolerance=args.tolerance,
    )
    with replacing(Path(args.out)) as temporary:
        temporary.write_text(case.to_toml(), encoding="utf-8", newline="\n")
