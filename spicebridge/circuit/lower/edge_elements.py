"""The elements of a lowered network, edge by edge, made when they are asked for.

A network of thousands of edges repeats a few shapes. What stands here is the recipe: who writes which edge
between which nodes. Iterating makes the elements; a dialect that only needs text may use the shapes instead.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from spicebridge.circuit.deck.elements import Element, Subcircuit
from spicebridge.circuit.lower.bounds import Clamps
from spicebridge.circuit.lower.drive_waves import in_series
from spicebridge.circuit.lower.signals import SavedSignals, potential
from spicebridge.laws import Group
from spicebridge.network import Network

S = TypeVar("S", bound=Hashable)
Numbers = tuple[float, ...]


class EdgeWriter(Protocol):
    """Writes the edges of one group."""

    subcircuits: dict[str, Subcircuit]

    def elements(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        """Elements of edge k, the `position`-th of its group, between two deck nodes."""
        ...

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        """Where the signals of all edges of the group come back."""
        ...


class SeriesEdge:
    """The series sources of the edges of a group, V(m) = V(tail) + S: the last one meets the device at node m."""

    def __init__(self, network: Network, group: Group) -> None:
        self.network = network
        self.group = group
        self.subcircuits: dict[str, Subcircuit] = {}

    def sources(self, k: int, tail: str, what: str) -> list[Element]:
        """The sources of edge k; `what` stands behind its name in the comment."""
        return in_series(k, tail, self.network.drives[k], f"{self.network.edge_name(k)}: {what}")

    def signals(self, edges: list[int], tails: list[str], heads: list[str]) -> SavedSignals:
        """See `EdgeWriter`."""
        return SavedSignals(
            state=[f"v(w{k})" if self.group.device.stateful else "" for k in edges],
            current=[f"i(v{k})" for k in edges],
            plus=[f"v(m{k})" for k in edges],
            minus=[potential(head) for head in heads],
            current_scale=[-1.0] * len(edges),
            aided=False,
        )


@dataclass(frozen=True)
class Repeats:
    """Edges of one shape: their `positions` in the group, and the columns of their numbers, one a number."""

    positions: list[int]
    columns: list[list[float]]


@runtime_checkable
class RepeatedEdges(Protocol[S]):
    """A writer whose edges have few shapes."""

    def repeats(self) -> dict[S, Repeats]:
        """The edges by what they have in common, and the numbers that are their own."""
        ...

    def shaped(self, shape: S, numbers: Numbers, k: str, tail: str, head: str, title: str) -> list[Element]:
        """The elements of edge `k` between two deck nodes; `title` is its name in the comment.

        Numbers enter the elements only as values: neither their size nor their sign changes anything else.
        """
        ...


@dataclass(frozen=True, eq=False)
class EdgeGroup:
    """Edges (indexes, ascending) that one writer writes, and for each what clamps its state, if anything."""

    writer: EdgeWriter
    edges: list[int]
    clamps: tuple[Clamps | None, ...]

    def clamping(self, position: int, k: int | str) -> tuple[Element, ...]:
        """The elements that clamp the state of edge k as that of the `position`-th edge."""
        clamps = self.clamps[position]
        return () if clamps is None else clamps.switches(k, f"w{k}")


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeElements:
    """All elements: `before` the edges, those of `groups` in order, and `after` them.

    `tails` and `heads` (n_e,) are deck nodes, `titles` (n_e,) the names of the edges in comments.
    """

    before: tuple[Element, ...]
    groups: tuple[EdgeGroup, ...]
    after: tuple[Element, ...]
    tails: list[str]
    heads: list[str]
    titles: tuple[str, ...]

    def __iter__(self) -> Iterator[Element]:
        yield from self.before
        for group in self.groups:
            for position in range(len(group.edges)):
                yield from self.of(group, position)
        yield from self.after

    def of(self, group: EdgeGroup, position: int) -> list[Element]:
        """The elements of one edge, the `position`-th of its group."""
        k = group.edges[position]
        return [*group.writer.elements(position, k, self.tails[k], self.heads[k]), *group.clamping(position, k)]
