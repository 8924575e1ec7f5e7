"""The network: nodes, ordered oriented edges, one law, source and initial state per edge.

Sign conventions, defined here and nowhere else (paper 1, section 2, with the corrections of Eq. 3)::

    edge k = (tail, head);  current i_k > 0 flows tail -> head inside the branch
    the source S_k is an electromotive force that aids it:
        p_tail - p_head = v_k - S_k,     v_k = P_k R_k i_k
    B  (n x n_e)  incidence: -1 where an edge leaves, +1 where it enters;   B i = 0
    A  (L x n_e)  cycle matrix;                                             A (v - S) = 0

P = -1 marks an active element (negative resistance), J = +-1 is the polarity of the memristor.
A network is either a graph (tail and head) or, for paper 2, a real loop matrix A with no graph.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicebridge.arrays import Array, IntArray
from spicebridge.drives import Drive, DriveBank, terms
from spicebridge.errors import NetworkError
from spicebridge.laws import CurrentSource
from spicebridge.laws.base import Device, Group, group_devices, imposes, state_unit
from spicebridge.network.edge_rules import check_edges, say_states_outside
from spicebridge.network.entries import Numbers, Sources, drives_per_edge, edge_index, per_edge, signs
from spicebridge.network.graphs import (
    Laws,
    Row,
    from_attribute,
    graph_of,
    named,
    networkx_graph,
    pairs_of_incidence,
    positions,
    rows_of_adjacency,
    say_ignored,
    with_parameters,
)
from spicebridge.network.structure import EdgeKey, Graph, LoopMatrix, Structure
from spicebridge.shown import Shown


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Network(Shown):
    """A memristive network; build it with `from_graph`, `from_edges`, `from_loop_matrix`, ….

    ``structure`` is a `Graph` or a `LoopMatrix`; ``P``, ``J`` (n_e,) are +-1; ``initial_state`` (n_e,) is
    dimensionless, in V on capacitors, in A on inductors, 0 on memoryless edges; ``drives`` has one entry per edge, None
    where there is no source. Raises `NetworkError`.
    """

    structure: Structure
    groups: tuple[Group, ...]
    drives: tuple[Drive | None, ...]
    initial_state: Array
    P: Array
    J: Array
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("initial_state", "P", "J"):
            value = np.array(getattr(self, name))
            if name == "initial_state":
                value = np.where(self.stateful, value, 0.0)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        check_edges(self.structure, self.groups, self.drives, self.initial_state, self.P, self.J)

    def __repr__(self) -> str:
        what = f"{self.n_nodes} nodes, " if self.is_graph else "loop matrix, "
        laws = ", ".join(dict.fromkeys(group.device.kind for group in self.groups))
        return f"<Network{f' {self.title!r}' if self.title else ''}: {what}{self.n_edges} edges, {laws}>"

    @classmethod
    def from_edges(
        cls,
        edges: Iterable[tuple[Hashable, Hashable]],
        *,
        device: Device | Sequence[Device],
        drive: Sources = None,
        initial_state: Numbers = 0.0,
        active: Iterable[EdgeKey] = (),
        polarity: Numbers = 1,
        nodes: Iterable[Hashable] | None = None,
        title: str = "",
    ) -> Network:
        """Build from ``[(tail, head), …]``; order and parallel edges are kept.

        `drive`: one for all, a sequence with one per edge, or ``{edge: drive}`` (edge index, or
        (tail, head) where that is unique); a number is a DC level in V; None is no source.
        `initial_state` and `polarity`: one value, one per edge, or ``{edge: value}``.
        `active`: the edges with P = -1. `nodes`, if given, is the list of allowed nodes and fixes their order.
        """
        return cls._assemble(graph_of(edges, nodes), device, drive, initial_state, active, polarity, title)

    @classmethod
    def from_graph(
        cls,
        graph: object,
        *,
        device: Laws,
        drive: Sources | str = None,
        initial_state: Numbers = 0.0,
        active: Iterable[EdgeKey] = (),
        polarity: Numbers = 1,
        title: str = "",
        ignore: Iterable[str] = (),
        **parameters: Numbers,
    ) -> Network:
        """Build from any networkx graph, in its own edge order and orientation, or from one of igraph.

        As `from_edges`; moreover `drive`, `initial_state` and `polarity` may be the name of an edge attribute, and so
        may `parameters` of the device: ``from_graph(G, device=device, r_on="r_on")``. `device` may then also be the
        law itself: ``device=sb.LinearMemristor.caravelli2017, r_on="r_on", r_off="1.6k", …``. A node attribute
        ``pos`` is kept for drawings. A ``weight`` that nothing reads is said (`NetworkNote`), unless `ignore` names it.
        """
        source = networkx_graph(graph)
        rows: list[Row] = list(source.edges(data=True))
        say_ignored(rows, (drive, initial_state, polarity, *parameters.values(), *ignore))
        shape = graph_of(((a, b) for a, b, _ in rows), list(source.nodes))
        return cls._assemble(
            replace(shape, positions=positions(source)),
            with_parameters(device, parameters, rows),
            from_attribute(drive, rows, "drive"),
            from_attribute(initial_state, rows, "initial_state"),
            active,
            from_attribute(polarity, rows, "polarity"),
            title or str(getattr(source, "name", "") or ""),
        )

    @classmethod
    def from_graphml(cls, path: str | Path, **kwargs: Any) -> Network:
        """Read a GraphML file; other arguments as `from_graph`."""
        import networkx as nx

        try:
            graph = nx.read_graphml(path)
        except OSError as error:
            raise NetworkError(f"{path}: cannot read the graph: {error.strerror}") from None
        except Exception as error:
            raise NetworkError(f"{path}: not a GraphML file: {error}") from None
        return cls.from_graph(graph, **kwargs)

    @classmethod
    def from_generator(
        cls, name: str, *args: object, device: Laws, options: Mapping[str, object] | None = None, **kwargs: Any
    ) -> Network:
        """Call a networkx generator by name, such as ``"complete_graph", 4``.

        `options` are the generator's keyword arguments (a seed, say); the rest is `from_graph`.
        """
        from spicebridge.generators import generate

        graph = generate(name, *args, **(options or {}))
        return cls.from_graph(graph, device=device, **kwargs)

    @classmethod
    def from_adjacency(
        cls,
        matrix: object,
        *,
        nodes: Iterable[Hashable] | None = None,
        directed: bool | None = None,
        device: Laws,
        drive: Sources | str = None,
        initial_state: Numbers = 0.0,
        polarity: Numbers = 1,
        active: Iterable[EdgeKey] = (),
        title: str = "",
        **parameters: Numbers,
    ) -> Network:
        """Build from an adjacency matrix (n, n), numpy or scipy.sparse: an edge where an entry is not 0.

        A symmetric matrix gives one edge (i, j) with i <= j per pair, any other one edge i -> j per entry; edges are
        ordered by row, then column. The entry is the edge attribute ``"weight"``, to be used as in `from_graph`.
        `nodes` names the rows.
        """
        count, rows = rows_of_adjacency(matrix, directed)
        say_ignored(rows, (drive, initial_state, polarity, *parameters.values()))
        names = named(count, nodes, "adjacency")
        return cls._assemble(
            graph_of(((names[a], names[b]) for a, b, _ in rows), names),  # type: ignore[call-overload]
            with_parameters(device, parameters, rows),
            from_attribute(drive, rows, "drive"),
            from_attribute(initial_state, rows, "initial_state"),
            active,
            from_attribute(polarity, rows, "polarity"),
            title,
        )

    @classmethod
    def from_incidence(cls, matrix: object, *, nodes: Iterable[Hashable] | None = None, **kwargs: Any) -> Network:
        """Build from an oriented incidence matrix (n, n_e), numpy or scipy.sparse: -1 where an edge leaves, +1 where
        it enters. `nodes` names the rows; other arguments as `from_edges`.
        """
        count, pairs = pairs_of_incidence(matrix)
        names = named(count, nodes, "incidence")
        return cls.from_edges([(names[a], names[b]) for a, b in pairs], nodes=names, **kwargs)

    @classmethod
    def from_loop_matrix(
        cls,
        A: object,
        *,
        device: Device | Sequence[Device],
        drive: Sources = None,
        initial_state: Numbers = 0.0,
        active: Iterable[EdgeKey] = (),
        polarity: Numbers = 1,
        title: str = "",
    ) -> Network:
        """Build from a real matrix A (n_loops, n_e) of full row rank: A (P R i - S) = 0, i in range A^t.

        The matrix, numpy or scipy.sparse, is the description itself; there need be no graph (paper 2). In SPICE it is
        realised with controlled sources.
        """
        return cls._assemble(LoopMatrix.of(A), device, drive, initial_state, active, polarity, title)

    @classmethod
    def _assemble(
        cls,
        structure: Structure,
        device: Device | Sequence[Device],
        drive: object,
        initial_state: object,
        active: Iterable[EdgeKey],
        polarity: object,
        title: str,
    ) -> Network:
        keys = structure.keys
        network = cls(
            structure=structure,
            groups=group_devices(device, len(keys)),
            drives=drives_per_edge(drive, keys),
            initial_state=per_edge(initial_state, keys, "initial_state", 0.0),
            P=signs(active, keys),
            J=per_edge(polarity, keys, "polarity", 1.0),
            title=title,
        )
        say_states_outside(structure, network.groups, network.initial_state)
        return network

    @property
    def n_edges(self) -> int:
        return len(self.drives)

    @property
    def is_graph(self) -> bool:
        """False when the network is a loop matrix without a graph."""
        return isinstance(self.structure, Graph)

    @property
    def nodes(self) -> tuple[Hashable, ...]:
        """The nodes of the graph; none of a loop matrix."""
        return self.structure.nodes

    @property
    def n_nodes(self) -> int:
        """Number of nodes; 0 for a loop matrix."""
        return len(self.nodes)

    @property
    def tail(self) -> IntArray:
        """(n_e,) index of the node that each edge leaves; empty for a loop matrix."""
        return self.structure.tail

    @property
    def head(self) -> IntArray:
        """(n_e,) index of the node that each edge enters; empty for a loop matrix."""
        return self.structure.head

    @property
    def loop_matrix(self) -> Array | None:
        """A (n_loops, n_e), or None for a graph."""
        return self.structure.matrix

    @cached_property
    def bank(self) -> DriveBank:
        """The sources as one function of time: ``bank(t)`` is (n_e,) or (n_t, n_e) in V."""
        return DriveBank(self.drives)

    @cached_property
    def imposed(self) -> tuple[str, ...]:
        """Per edge "voltage" (capacitor), "current" (inductor, current source) or "" (it has a characteristic)."""
        return self._per_group(imposes)

    @cached_property
    def reactive(self) -> bool:
        """Whether any edge is a capacitor, an inductor or a current source."""
        return any(imposes(group.device) for group in self.groups)

    @cached_property
    def state_units(self) -> tuple[str, ...]:
        """The unit of every state column: "1", "V" for a capacitor, "A" for an inductor."""
        return self._per_group(state_unit)

    def _per_group(self, what: Callable[[object], str]) -> tuple[str, ...]:
        out = [""] * self.n_edges
        for group in self.groups:
            word = what(group.device)
            for k in group.edges.tolist():
                out[k] = word
        return tuple(out)

    @cached_property
    def forcing(self) -> tuple[Drive | None, ...]:
        """The currents of the current sources, one entry an edge, None elsewhere; in A."""
        out: list[Drive | None] = [None] * self.n_edges
        for group in self.groups:
            if isinstance(group.device, CurrentSource):
                for k in group.edges.tolist():
                    out[k] = group.device.drive
        return tuple(out)

    @cached_property
    def forced(self) -> DriveBank:
        """The current sources as one function of time: ``forced(t)`` is (n_e,) or (n_t, n_e) in A."""
        return DriveBank(self.forcing)

    @cached_property
    def waveforms_of_sources(self) -> tuple[Drive, ...]:
        """Every different drive, of series sources and of current sources; none where nothing changes in time."""
        if self.bank.constant and not self.reactive:
            return ()
        found = {id(drive): drive for drive in (*self.drives, *self.forcing) if drive is not None}
        return tuple(found.values())

    @cached_property
    def stateful(self) -> NDArray[np.bool_]:
        """(n_e,) True where the edge has memory."""
        mask = np.zeros(self.n_edges, dtype=bool)
        for group in self.groups:
            mask[group.edges] = group.device.stateful
        return mask

    def device(self, k: int) -> Device:
        """The law of edge k, with scalar parameters."""
        for group in self.groups:
            position = int(np.searchsorted(group.edges, k))
            if position < group.edges.size and group.edges[position] == k:
                return group.single(position)
        raise NetworkError(f"edge {k} does not exist; the network has edges 0 to {self.n_edges - 1}")

    def devices(self) -> list[Device]:
        """One scalar device per edge, in edge order."""
        laws: dict[int, Device] = {}
        for group in self.groups:
            for position, k in enumerate(group.edges):
                laws[int(k)] = group.single(position)
        return [laws[k] for k in range(self.n_edges)]

    def edge_name(self, k: int) -> str:
        """'edge 3-7' with the nodes' own names, and the index where parallel edges need it."""
        return self.edge_names[k]

    @property
    def edge_names(self) -> tuple[str, ...]:
        """The name of every edge in messages and comments."""
        return self.structure.names

    @property
    def edge_labels(self) -> tuple[str, ...]:
        """Short names for tables and plots, all different: 'tail-head', or the index without a graph."""
        return self.structure.labels

    def resistance(self, state: ArrayLike) -> Array:
        """R(s) in ohm without the sign P for states (..., n_e). Raises `NetworkError` for an edge without R(s)."""
        s = np.asarray(state, float)
        out = np.empty_like(s)
        for group in self.groups:
            if not group.device.ohmic:
                name = self.edge_name(int(group.edges[0]))
                raise NetworkError(
                    f"{name}: a {group.device.kind} has no resistance R(s); ask the other edges' devices"
                )
            out[..., group.edges] = group.resistive.resistance(s[..., group.edges])
        return out

    def with_ends(self, tail: IntArray, head: IntArray) -> Network:
        """The same edges between other nodes; `tail` and `head` (n_e,) index `nodes`."""
        return replace(self, structure=self.structure.between(tail, head))

    def with_initial_state(self, initial_state: Numbers) -> Network:
        """The same network from another state (one value, one per edge, or {edge: value})."""
        network = replace(self, initial_state=per_edge(initial_state, self.structure.keys, "initial_state", 0.0))
        say_states_outside(self.structure, network.groups, network.initial_state)
        return network

    def with_drive(self, drive: Sources) -> Network:
        """The same network with other sources (as in `from_edges`)."""
        return replace(self, drives=drives_per_edge(drive, self.structure.keys))

    def with_device(self, device: Device | Sequence[Device]) -> Network:
        """The same network with other laws."""
        return replace(self, groups=group_devices(device, self.n_edges))

    def with_polarity(self, polarity: Numbers) -> Network:
        """The same network with other polarities J."""
        return replace(self, J=per_edge(polarity, self.structure.keys, "polarity", 1.0))

    def with_active(self, active: Iterable[int]) -> Network:
        """The same network with P = -1 on exactly these edges."""
        return replace(self, P=signs(active, self.structure.keys))

    def without_edge(self, k: int) -> Network:
        """The graph with edge k left out; later edges move up by one."""
        k = edge_index(k, self.structure.keys, "without_edge")
        keep = np.delete(np.arange(self.n_edges), k)
        structure, laws = self.structure.kept(keep), self.devices()
        if not keep.size:
            raise NetworkError(f"{self.edge_name(k)} is the only edge; a network needs at least one")
        return replace(
            self,
            structure=structure,
            groups=group_devices([laws[e] for e in keep], keep.size),
            drives=tuple(self.drives[e] for e in keep),
            initial_state=self.initial_state[keep],
            P=self.P[keep],
            J=self.J[keep],
        )


def same_parameters(first: Network, second: Network) -> bool:
    """Whether two networks are the same edge by edge: graph, laws, sources, states and signs."""
    if not first.structure.same(second.structure):
        return False
    if not all(np.array_equal(getattr(first, n), getattr(second, n)) for n in ("initial_state", "P", "J")):
        return False
    sources = [[terms(drive) for drive in network.drives] for network in (first, second)]
    return sources[0] == sources[1] and first.devices() == second.devices()
