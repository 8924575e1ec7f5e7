"""Reads just enough of a netlist to see what is connected to what; shares no code with the dialects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TWO_NODES = "VIRCLFHB"


@dataclass
class Scope:
    """Element names with their nodes, in order, and the scopes of subcircuits by name."""

    pins: tuple[str, ...] = ()
    elements: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    inner: dict[str, Scope] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)


def logical_lines(text: str, comment: str) -> list[str]:
    """Lines with continuations joined, comments and the title gone."""
    lines: list[str] = []
    for raw in text.splitlines()[1:]:
        line = raw.split(comment)[0].rstrip()
        if not line or line.startswith(("*", "//")):
            continue
        if line.startswith("+"):
            lines[-1] += " " + line[1:].strip()
        elif lines and lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1] + line.strip()
        else:
            lines.append(line)
    return lines


def read_spice(text: str, comment: str) -> Scope:
    """A netlist of the SPICE family; in E and G lines a keyword in third place means two nodes."""
    stack = [Scope()]
    for line in logical_lines(text, comment):
        words = line.split()
        head = words[0].lower()
        if head == ".subckt":
            pins = [w for w in words[2:] if "=" not in w and w.upper() != "PARAMS:"]
            stack.append(Scope(tuple(pins)))
            stack[-2].inner[words[1].lower()] = stack[-1]
        elif head == ".ends":
            stack.pop()
        elif head.startswith("."):
            stack[-1].cards.append(line)
        else:
            stack[-1].elements.append((words[0], spice_nodes(words)))
    return stack[0]


def spice_nodes(words: list[str]) -> tuple[str, ...]:
    letter = words[0][0].upper()
    if letter in TWO_NODES:
        return tuple(words[1:3])
    if letter in "EG":
        behaves = re.match(r"(value|cur|vol)=", words[3], re.IGNORECASE)
        return tuple(words[1:3]) if behaves else tuple(words[1:5])
    if letter == "S":
        return tuple(words[1:5])
    if letter == "X":
        plain = [w for w in words[1:] if "=" not in w and w.upper() != "PARAMS:"]
        return tuple(plain[:-1])
    raise AssertionError(f"no element starts so: {' '.join(words)}")


def read_spectre(text: str) -> Scope:
    """A Spectre netlist: name (nodes) master …"""
    stack = [Scope()]
    for line in logical_lines(text, "//"):
        body = line.strip()
        words = body.split()
        found = re.match(r"(\S+) \(([^)]*)\) (\S+)", body)
        if words[0] == "subckt":
            pins = body[body.index("(") + 1 : body.index(")")].split()
            stack.append(Scope(tuple(pins)))
            stack[-2].inner[words[1].lower()] = stack[-1]
        elif words[0] == "ends":
            stack.pop()
        elif found and words[0] not in ("real", "return"):
            stack[-1].elements.append((found.group(1), tuple(found.group(2).split())))
        else:
            stack[-1].cards.append(body)
    return stack[0]
