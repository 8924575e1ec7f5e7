"""Text of many edges of few shapes: one template per shape, numbers and names filled in.

The template is what the dialect itself writes for a sample edge whose names and numbers are marks that occur
nowhere else. The first edge of every shape is also written in the ordinary way; where the two differ, every edge
of the shape is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

import numpy as np

from spicebridge.circuit.deck.elements import Element
from spicebridge.circuit.dialects.dialect import one_line
from spicebridge.circuit.lower.bounds import Clamps
from spicebridge.circuit.lower.edge_elements import EdgeElements, EdgeGroup, RepeatedEdges, Repeats, S
from spicebridge.quantities import format_number

Write = Callable[[Element], str]

MARK_K, MARK_TAIL, MARK_HEAD, MARK_TITLE = "90817263545", "n90817263546", "n90817263547", "t90817263548"
MARKED_NUMBER = 0.81726354090001
"""The first of the numbers that stand in a sample; the next ones differ in the last digits."""
MARK_STEP = 1e-13
FEW = 4
"""Shapes with fewer edges are not worth a template."""


def format_edges(write: Write, elements: EdgeElements) -> list[str]:
    """The lines of all elements; `write` is the dialect's own way to write one."""
    lines = [write(element) for element in elements.before]
    for group in elements.groups:
        lines += _group(write, elements, group)
    return lines + [write(element) for element in elements.after]


def _group(write: Write, elements: EdgeElements, group: EdgeGroup) -> list[str]:
    writer = group.writer
    if not isinstance(writer, RepeatedEdges):
        return [_plain(write, elements, group, position) for position in range(len(group.edges))]
    out = [""] * len(group.edges)
    for shape, repeats in writer.repeats().items():
        for positions, columns in _alike(group, repeats):
            texts = _texts(write, elements, group, writer, shape, positions, columns)
            if texts is None:
                texts = [_plain(write, elements, group, position) for position in positions]
            for position, text in zip(positions, texts, strict=True):
                out[position] = text
    return out


def _alike(group: EdgeGroup, repeats: Repeats) -> Iterator[tuple[list[int], list[list[float]]]]:
    """Parts with one kind of clamps and one sign a column: a negative number may be written in parentheses."""
    negative = np.array(repeats.columns) < 0.0
    signs = [0] * len(repeats.positions)
    if (negative.any(axis=1) & ~negative.all(axis=1)).any():
        signs = np.unique(negative, axis=1, return_inverse=True)[1].ravel().tolist()
    parts: dict[tuple[int, Clamps | None], list[int]] = {}
    for n, (sign, position) in enumerate(zip(signs, repeats.positions, strict=True)):
        parts.setdefault((sign, group.clamps[position]), []).append(n)
    if len(parts) == 1:
        yield repeats.positions, repeats.columns
        return
    for chosen in parts.values():
        yield [repeats.positions[n] for n in chosen], [[column[n] for n in chosen] for column in repeats.columns]


def _texts(
    write: Write,
    elements: EdgeElements,
    group: EdgeGroup,
    writer: RepeatedEdges[S],
    shape: S,
    positions: list[int],
    columns: list[list[float]],
) -> list[str] | None:
    """The text of every edge of a shape, or None if a template does not serve."""
    if len(positions) < FEW:
        return None
    numbers: list[float] = []
    texts: dict[str, list[str]] = {}
    for n, column in enumerate(columns):
        if column.count(column[0]) == len(column):
            numbers.append(column[0])
        else:
            numbers.append(math.copysign(MARKED_NUMBER + n * MARK_STEP, column[0]))
            texts[format_number(numbers[-1])] = list(map(format_number, column))
    ks = [group.edges[position] for position in positions]
    texts[MARK_K] = list(map(str, ks))
    texts[MARK_TAIL] = [elements.tails[k] for k in ks]
    texts[MARK_HEAD] = [elements.heads[k] for k in ks]
    texts[MARK_TITLE] = [one_line(elements.titles[k]) for k in ks]
    sample = [
        *writer.shaped(shape, tuple(numbers), MARK_K, MARK_TAIL, MARK_HEAD, MARK_TITLE),
        *group.clamping(positions[0], MARK_K),
    ]
    out = _filled("\n".join(write(element) for element in sample), texts)
    return out if out[0] == _plain(write, elements, group, positions[0]) else None


def _filled(text: str, texts: dict[str, list[str]]) -> list[str]:
    """One copy of `text` an edge, every mark replaced by what stands for it in `texts`."""
    # Longer marks first: the sign of a number and the letter of a node belong to the mark.
    marks = sorted(texts, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, marks)) + ")", text)
    columns: list[Iterable[str]] = [texts[part] if n % 2 else repeat(part) for n, part in enumerate(parts)]
    return list(map("".join, zip(*columns, strict=False)))


def _plain(write: Write, elements: EdgeElements, group: EdgeGroup, position: int) -> str:
    return "\n".join(write(element) for element in elements.of(group, position))
