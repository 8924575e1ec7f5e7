"""`Network` -> the sections of a case file, in explicit form: every edge and every number is written.

Numbers read back as the same floats, so that reading and writing is the identity on networks.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from spicebridge.case.schema import KIND_DRIVES
from spicebridge.drives import PWL, Drive, terms
from spicebridge.errors import CaseError
from spicebridge.laws import LAWS, CurrentSource, Law, law_of
from spicebridge.network import Network
from spicebridge.quantities import format_number
from spicebridge.windows import Window, window_entry


def format_value(value: object) -> str:
    """`value` as TOML: text, numbers, booleans, lists and tables."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return format_number(float(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {format_value(entry)}" for key, entry in value.items()) + "}"
    if not isinstance(value, Iterable):
        raise TypeError(f"{value!r} has no form in TOML")
    return "[" + ", ".join(format_value(entry) for entry in value) + "]"


def format_section(header: str, values: Mapping[str, object]) -> str:
    """A header line and one line per key."""
    lines = [f"{key} = {format_value(value)}" for key, value in values.items()]
    return "\n".join([header, *lines, ""])


def network_sections(network: Network) -> list[str]:
    """The sections [network], [device] and [drive]. Raises `CaseError` for what has no word."""
    return [_network(network), *_devices(network), *_drives(network)]


def _network(network: Network) -> str:
    values: dict[str, object] = {}
    if network.loop_matrix is not None:
        values["loop_matrix"] = network.loop_matrix.tolist()
    else:
        names = _node_names(network.nodes)
        values["edges"] = [[names[a], names[b]] for a, b in zip(network.tail, network.head, strict=True)]
        first_seen = dict.fromkeys(k for pair in zip(network.tail, network.head, strict=True) for k in pair)
        if list(first_seen) != list(range(network.n_nodes)):
            values["nodes"] = names
    values["initial_state"] = _compact(network.initial_state)
    if (network.P < 0).any():
        values["active"] = np.flatnonzero(network.P < 0).tolist()
    if (network.J < 0).any():
        values["polarity"] = _compact(network.J)
    return format_section("[network]", values)


def _node_names(nodes: Sequence[Hashable]) -> list[object]:
    """The nodes themselves where TOML has them, their text otherwise, made distinct."""
    names = [_plain(node) for node in nodes]
    if None in names or len({json.dumps(name) for name in names}) < len(names):
        return [f"{k}: {node}" for k, node in enumerate(nodes)]
    return names


def _plain(node: object) -> object:
    if isinstance(node, tuple):
        parts = [_plain(part) for part in node]
        return None if None in parts else parts
    if isinstance(node, (int, np.integer)) and not isinstance(node, bool):
        return int(node)
    return node if isinstance(node, str) else None


def _compact(values: object) -> float | list[float]:
    """One number when all are equal."""
    entries: list[float] = np.atleast_1d(np.asarray(values, float)).tolist()
    return entries[0] if len(set(entries)) == 1 else entries


def _devices(network: Network) -> list[str]:
    sections = []
    for group in network.groups:
        everywhere = len(network.groups) == 1
        law = law_of(group.device)
        values: dict[str, object] = {} if everywhere else {"edges": group.edges.tolist()}
        values["law"] = law.name
        if isinstance(law, Law) and LAWS.get(law.name) is not law:
            values |= {key: value for key, value in law.data.items() if key not in ("window", "example")}
        arguments = {} if law.device is CurrentSource else law.arguments(group.device)
        for key, value in arguments.items():
            shown = window_entry(value) if isinstance(value, Window) else value
            values[key] = _compact(shown) if key in law.numeric else shown
        sections.append(format_section("[device]" if everywhere else "[[device]]", values))
    return sections


def _drives(network: Network) -> list[str]:
    """One section per position in the sums and kind of drive, so that terms keep their order."""
    columns = [terms(drive or forced) for drive, forced in zip(network.drives, network.forcing, strict=True)]
    sections = []
    for position in range(max(len(column) for column in columns)):
        kinds: dict[Hashable, list[int]] = {}
        for k, column in enumerate(columns):
            if position < len(column):
                kinds.setdefault(_sort(column[position]), []).append(k)
        for edges in kinds.values():
            where = {} if len(edges) == network.n_edges else {"edges": edges}
            sections.append(format_section("[[drive]]", where | _drive_values([columns[k][position] for k in edges])))
    return sections


def _sort(drive: Drive) -> Hashable:
    """Equal keys can share a section."""
    return drive if isinstance(drive, PWL) else (type(drive), getattr(drive, "period", 0.0) is None)


def _drive_values(drives: list[Drive]) -> dict[str, object]:
    first = drives[0]
    if isinstance(first, PWL):
        return {"kind": "pwl", "times": first.times, "values": first.values}
    kind = next((word for word, cls in KIND_DRIVES.items() if cls is type(first)), None)
    if kind is None:
        raise CaseError(
            f"drive {type(first).__name__}: a case file has no word for it; "
            f"use {', '.join(KIND_DRIVES)}, pwl or their sum"
        )
    names = [name for name in KIND_DRIVES[kind].units if getattr(first, name) is not None]
    return {"kind": kind} | {n: _compact([getattr(d, n) for d in drives]) for n in names}
