"""An LTspice schematic (.asc) as the netlist that it draws.

Wires that touch are one node; a flag names it, the others are called N001, N002 … in the order of the file. A symbol's
pins are turned and mirrored with it: R90 turns (x, y) into (-y, x), M0 mirrors x first. Pins are known for the
primitives that are read here; any other symbol is looked for as an .asy file beside the schematic, and refused with
LTspice's own way to a netlist where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from spicebridge.circuit.reader.lines import NetlistCard, SourceFile
from spicebridge.errors import DeckError

MENU = "in LTspice: View > SPICE Netlist, or LTspice -netlist on the command line"
LARGEST = 1_000_000
"""Most bytes of a symbol file."""

Point = tuple[int, int]


@dataclass(frozen=True)
class Symbol:
    """Letter of the element, pins in the order of the netlist, and what stands where the schematic says nothing."""

    prefix: str
    pins: tuple[Point, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)


_TALL = ((16, 16), (16, 96))
_SHORT = ((16, 0), (16, 64))
_ROUND = ((0, 16), (0, 96))
SYMBOLS = {
    "res": Symbol("R", _TALL),
    "res2": Symbol("R", _SHORT),
    "cap": Symbol("C", _SHORT),
    "polcap": Symbol("C", _SHORT),
    "ind": Symbol("L", _TALL),
    "ind2": Symbol("L", _TALL),
    "voltage": Symbol("V", _ROUND),
    "current": Symbol("I", ((0, 0), (0, 80))),
    "bv": Symbol("B", _ROUND),
    "bi": Symbol("B", ((0, 0), (0, 80))),
    "e": Symbol("E", (*_ROUND, (-48, 32), (-48, 80))),
    "g": Symbol("G", ((0, 96), (0, 16), (-48, 32), (-48, 80))),
    "sw": Symbol("S", (*_ROUND, (-48, 80), (-48, 32))),
}
_TURNS = {
    "R0": (1, 0, 0, 1),
    "R90": (0, -1, 1, 0),
    "R180": (-1, 0, 0, -1),
    "R270": (0, 1, -1, 0),
    "M0": (-1, 0, 0, 1),
    "M90": (0, -1, -1, 0),
    "M180": (1, 0, 0, -1),
    "M270": (0, 1, 1, 0),
}
"""Orientation -> (xx, xy, yx, yy): a pin (x, y) lies at (xx x + xy y, yx x + yy y) from the symbol's place."""
_DRAWN = frozenset(
    ("Version", "SHEET", "WINDOW", "LINE", "RECTANGLE", "CIRCLE", "ARC", "DATAFLAG", "IOPIN", "ICONFIG", "BUSTAP")
)
_ATTRIBUTES = ("SpiceModel", "Value", "Value2", "SpiceLine", "SpiceLine2")


def is_schematic(file: SourceFile) -> bool:
    """Whether a file is an LTspice schematic, by its first lines."""
    head = [line.strip() for line in file.lines[:3] if line.strip()]
    return len(head) > 1 and re.match(r"Version \d", head[0]) is not None and head[1].startswith("SHEET ")


@dataclass
class _Part:
    line: int
    kind: str
    place: Point
    turn: str
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass
class _Sheet:
    wires: list[tuple[Point, Point]] = field(default_factory=list)
    flags: dict[Point, str] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)
    directives: list[str] = field(default_factory=list)


def netlist_of(file: SourceFile, folder: Path | None) -> SourceFile:
    """The netlist of a schematic, under a name that says where it came from; raises located `DeckError`."""
    sheet = _read(file)
    nodes = _Nodes(sheet.wires, sheet.flags)
    lines = [f"* {Path(file.name).name} (netlist made from the schematic; LTspice's own: {MENU})"]
    for part in sheet.parts:
        symbol = _symbol(file, part, folder)
        xx, xy, yx, yy = _TURNS[part.turn]
        x0, y0 = part.place
        pins = [nodes.at((x0 + xx * x + xy * y, y0 + yx * x + yy * y)) for x, y in symbol.pins]
        name = part.attributes.get("InstName")
        if not name:
            _fail(file, part.line, f"symbol {part.kind} has no name (SYMATTR InstName)")
        if name[0].upper() != symbol.prefix[0].upper():
            name = symbol.prefix[0] + name
        words = [part.attributes.get(key, symbol.defaults.get(key, "")) for key in _ATTRIBUTES]
        lines.append(" ".join([name, *pins, *(word for word in words if word)]))
    lines += [line for text in sheet.directives for line in text.split("\\n")]
    return SourceFile(f"{file.name} (its netlist)", [*lines, ".backanno", ".end"])


def _fail(file: SourceFile, line: int, message: str) -> NoReturn:
    NetlistCard(file=file, line=line, text=file.lines[line - 1]).fail(0, f"{message}; get the netlist {MENU}")


def _read(file: SourceFile) -> _Sheet:
    sheet = _Sheet()
    for number, text in enumerate(file.lines, 1):
        words = text.split()
        if not words:
            continue
        head = words[0]
        try:
            if head == "WIRE":
                x0, y0, x1, y1 = map(int, words[1:5])
                sheet.wires.append(((x0, y0), (x1, y1)))
            elif head == "FLAG":
                sheet.flags[int(words[1]), int(words[2])] = words[3]
            elif head == "SYMBOL":
                turn = words[4]
                if turn not in _TURNS:
                    _fail(file, number, f"orientation {turn!r} is unknown")
                sheet.parts.append(_Part(number, words[1], (int(words[2]), int(words[3])), turn))
            elif head == "SYMATTR":
                sheet.parts[-1].attributes[words[1]] = text.split(None, 2)[2].strip() if len(words) > 2 else ""
            elif head == "TEXT":
                words = text.split(None, 5)
                if len(words) > 5 and words[5].startswith("!"):
                    sheet.directives.append(words[5][1:])
            elif head not in _DRAWN:
                _fail(file, number, f"{head} of a schematic is not read")
        except DeckError:
            raise
        except (ValueError, IndexError):
            _fail(file, number, f"this {head} of the schematic cannot be read")
    return sheet


class _Nodes:
    """Names of the nodes by place. Wires are joined where an end of one lies on another."""

    def __init__(self, wires: list[tuple[Point, Point]], flags: Mapping[Point, str]) -> None:
        self.group: dict[Point, Point] = {}
        self.wires = wires
        self.names: dict[Point, str] = {}
        for wire in wires:
            self._join(*wire)
        for point in [p for wire in wires for p in wire] + list(flags):
            self._touch(point)
        for point, name in flags.items():
            root = self._root(point)
            if self.names.setdefault(root, name).lower() != name.lower():
                raise DeckError(
                    f"the schematic gives one node two names, {self.names[root]!r} and {name!r}; "
                    f"remove one, or get the netlist {MENU}"
                )
        self.count = 0

    def at(self, point: Point) -> str:
        """The node of a pin."""
        self._touch(point)
        root = self._root(point)
        if root not in self.names:
            self.count += 1
            self.names[root] = f"N{self.count:03d}"
        return self.names[root]

    def _root(self, point: Point) -> Point:
        while (up := self.group.setdefault(point, point)) != point:
            point = up
        return point

    def _join(self, a: Point, b: Point) -> None:
        one, two = self._root(a), self._root(b)
        if one == two:
            return
        name, other = self.names.pop(one, None), self.names.get(two)
        self.group[one] = two
        if name is not None and other is None:
            self.names[two] = name

    def _touch(self, point: Point) -> None:
        for a, b in self.wires:
            if _between(point, a, b):
                self._join(point, a)


def _between(p: Point, a: Point, b: Point) -> bool:
    across = (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])
    inside = min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
    return across == 0 and inside


def _symbol(file: SourceFile, part: _Part, folder: Path | None) -> Symbol:
    name = re.split(r"[\\/]", part.kind)[-1]
    own = None if folder is None else folder / f"{name}.asy"
    if own is not None and own.is_file() and own.stat().st_size <= LARGEST:
        return _own_symbol(file, part, own)
    known = SYMBOLS.get(name.lower())
    if known is None:
        _fail(file, part.line, f"symbol {part.kind} is not known here; put {name}.asy beside the schematic")
    return known


def _own_symbol(file: SourceFile, part: _Part, path: Path) -> Symbol:
    pins: list[tuple[int, Point]] = []
    attributes: dict[str, str] = {}
    place: Point | None = None
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = text.split(None, 2)
        if text.startswith("PIN ") and len(text.split()) >= 3:
            x, y = text.split()[1:3]
            place = (int(x), int(y))
        elif text.startswith("PINATTR SpiceOrder") and place is not None:
            pins.append((int(text.split()[2]), place))
        elif text.startswith("SYMATTR") and len(words) == 3:
            attributes[words[1]] = words[2].strip()
    prefix = attributes.get("Prefix", "")
    if not prefix or not pins:
        _fail(file, part.line, f"{path.name} gives no Prefix and SpiceOrder of its pins")
    return Symbol(prefix, tuple(place for _, place in sorted(pins)), attributes)
