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

import math
import warnings
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicebridge.arrays import Array, IntArray
from spicebridge.drives import Drive, DriveBank, terms
from spicebridge.errors import NetworkError, StateRangeWarning
from spicebridge.laws.base import Device, Group, group_devices, imposes, state_unit, take
from spicebridge.network.entries import drives_per_edge, edge_index, per_edge, signs
from spicebridge.network.graphs import (
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
from spicebridge.network.structure import Graph, LoopMatrix
from spicebridge.shown import Shown

_NONE: IntArray = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Network(Shown):
    """A memristive network; build it with `from_graph`, `from_edges`, `from_loop_matrix`, ….

    ``structure`` is a `Graph` or a `LoopMatrix`; ``P``, ``J`` (n_e,) are +-1; ``initial_state`` (n_e,) is
    dimensionless, in V on capacitors, in A on inductors, 0 on memoryless edges; ``drives`` has one entry per edge, None where there is no source. Raises `NetworkError`.
    """

    structure: Graph | LoopMatrix
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
        signs = np.isin(self.J, (-1.0, 1.0))
        if not signs.all():
            k = int(np.argmin(signs))
            raise NetworkError(f"{self.edge_name(k)}: polarity {self.J[k]:g} must be +1 or -1")
        for group in self.groups:
            if not group.device.ohmic and (self.P[group.edges] < 0).any():
                k = int(group.edges[np.argmin(self.P[group.edges])])
                raise NetworkError(
                    f"{self.edge_name(k)}: a {group.device.kind} cannot be active; "
                    "only devices with v = R(s) i have a negative twin"
                )
            if imposes(group.device):
                self._check_imposing(group)
            problem = self._state_problem(group)
            if problem:
                k = self._offender(group)
                raise NetworkError(f"{self.edge_name(k)}: initial state {self.initial_state[k]:g} {problem}")

    def _state_problem(self, group: Group) -> str | None:
        """What is wrong with the states of a group. With reactive edges in the network it is not known here whether a
        resistance of zero or below matters; `spicebridge.reactive` refuses it where it does."""
        state = self.initial_state[group.edges]
        if not (self.reactive and group.device.ohmic):
            problem: str | None = group.device.check_state(state)
            return problem
        looked_at = np.flatnonzero(~(np.asarray(group.device.resistance(state)) <= 0.0))
        problem = take(group.device, looked_at).check_state(state[looked_at]) if looked_at.size else None
        return problem

    def __repr__(self) -> str:
        what = f"{self.n_nodes} nodes, " if self.is_graph else "loop matrix, "
        laws = ", ".join(dict.fromkeys(group.device.kind for group in self.groups))
        return f"<Network{f' {self.title!r}' if self.title else ''}: {what}{self.n_edges} edges, {laws}>"

    def _check_imposing(self, group: Group) -> None:
        first = int(group.edges[0])
        if not self.is_graph:
            raise NetworkError(
                f"{self.edge_name(first)}: a {group.device.kind} needs a graph; a loop matrix knows resistances only"
            )
        if group.device.kind == "CurrentSource":
            for k in group.edges.tolist():
                if self.drives[k] is not None:
                    raise NetworkError(
                        f"{self.edge_name(k)}: a current source has no series source, as it fixes the current whatever "
                        "stands beside it; remove the drive of this edge and give CurrentSource(drive) the current in A"
                    )

    def _offender(self, group: Group) -> int:
        for position, k in enumerate(group.edges):
            if group.single(position).check_state(self.initial_state[k : k + 1]):
                return int(k)
        return int(group.edges[0])

    @classmethod
    def from_edges(
        cls,
        edges: Iterable[tuple[Hashable, Hashable]],
        *,
        device: Any,
        drive: Any = None,
        initial_state: Any = 0.0,
        active: Iterable[Any] = (),
        polarity: Any = 1,
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
        graph: Any,
        *,
        device: Any,
        drive: Any = None,
        initial_state: Any = 0.0,
        active: Iterable[Any] = (),
        polarity: Any = 1,
        title: str = "",
        ignore: Iterable[str] = (),
        **parameters: Any,
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
    def from_generator(cls, name: str, *args: Any, device: Any, options: Any = None, **kwargs: Any) -> Network:
        """Call a networkx generator by name, such as ``"complete_graph", 4``.

        `options` are the generator's keyword arguments (a seed, say); the rest is `from_graph`.
        """
        from spicebridge.generators import generate

        graph = generate(name, *args, **(options or {}))
        return cls.from_graph(graph, device=device, **kwargs)

    @classmethod
    def from_adjacency(
        cls,
        matrix: Any,
        *,
        nodes: Iterable[Hashable] | None = None,
        directed: bool | None = None,
        device: Any,
        drive: Any = None,
        initial_state: Any = 0.0,
        polarity: Any = 1,
        active: Iterable[Any] = (),
        title: str = "",
        **parameters: Any,
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
    def from_incidence(cls, matrix: Any, *, nodes: Iterable[Hashable] | None = None, **kwargs: Any) -> Network:
        """Build from an oriented incidence matrix (n, n_e), numpy or scipy.sparse: -1 where an edge leaves, +1 where
        it enters. `nodes` names the rows; other arguments as `from_edges`.
        """
        count, pairs = pairs_of_incidence(matrix)
        names = named(count, nodes, "incidence")
        return cls.from_edges([(names[a], names[b]) for a, b in pairs], nodes=names, **kwargs)

    @classmethod
    def from_loop_matrix(
        cls,
        A: Any,
        *,
        device: Any,
        drive: Any = None,
        initial_state: Any = 0.0,
        active: Iterable[Any] = (),
        polarity: Any = 1,
        title: str = "",
    ) -> Network:
        """Build from a real matrix A (n_loops, n_e) of full row rank: A (P R i - S) = 0, i in range A^t.

        The matrix, numpy or scipy.sparse, is the description itself; there need be no graph (paper 2). In SPICE it is
        realised with controlled sources.
        """
        try:
            matrix = np.array(A.toarray() if hasattr(A, "toarray") else A, dtype=float)
        except (TypeError, ValueError):
            raise NetworkError("loop matrix: entries must be real numbers") from None
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise NetworkError(f"loop matrix: shape {matrix.shape} must be (n_loops, n_edges)")
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0]
            raise NetworkError(f"loop matrix: entry ({row}, {column}) must be finite")
        rank = int(np.linalg.matrix_rank(matrix))
        if rank < matrix.shape[0]:
            raise NetworkError(
                f"loop matrix: rank {rank} is below its {matrix.shape[0]} rows; "
                "remove the loops that others already imply"
            )
        return cls._assemble(LoopMatrix(matrix=matrix), device, drive, initial_state, active, polarity, title)

    @classmethod
    def _assemble(
        cls,
        structure: Graph | LoopMatrix,
        device: Any,
        drive: Any,
        initial_state: Any,
        active: Iterable[Any],
        polarity: Any,
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
        network.say_states_outside()
        return network

    def say_states_outside(self) -> None:
        """Warn of the first initial state outside the range that its law describes (`StateRangeWarning`)."""
        for group in self.groups:
            low, high = getattr(group.device, "state_range", (-math.inf, math.inf))
            outside = (self.initial_state[group.edges] < low) | (self.initial_state[group.edges] > high)
            if outside.any():
                k = int(group.edges[int(np.argmax(outside))])
                warnings.warn(
                    f"{self.edge_name(k)}: initial state {self.initial_state[k]:g} lies outside [{low:g}, {high:g}], "
                    f"where {group.device.kind} has its meaning; it is taken as it stands",
                    StateRangeWarning,
                    stacklevel=3,
                )
                return

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
        return self.structure.nodes if isinstance(self.structure, Graph) else ()

    @property
    def n_nodes(self) -> int:
        """Number of nodes; 0 for a loop matrix."""
        return len(self.nodes)

    @property
    def tail(self) -> IntArray:
        """(n_e,) index of the node that each edge leaves; empty for a loop matrix."""
        return self.structure.tail if isinstance(self.structure, Graph) else _NONE

    @property
    def head(self) -> IntArray:
        """(n_e,) index of the node that each edge enters; empty for a loop matrix."""
        return self.structure.head if isinstance(self.structure, Graph) else _NONE

    @property
    def loop_matrix(self) -> Array | None:
        """A (n_loops, n_e), or None for a graph."""
        return self.structure.matrix if isinstance(self.structure, LoopMatrix) else None

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
            if group.device.kind == "CurrentSource":
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

    def device(self, k: int) -> Any:
        """The law of edge k, with scalar parameters."""
        for group in self.groups:
            position = int(np.searchsorted(group.edges, k))
            if position < group.edges.size and group.edges[position] == k:
                return group.single(position)
        raise NetworkError(f"edge {k} does not exist; the network has edges 0 to {self.n_edges - 1}")

    def devices(self) -> list[Any]:
        """One scalar device per edge, in edge order."""
        laws: list[Any] = [None] * self.n_edges
        for group in self.groups:
            for position, k in enumerate(group.edges):
                laws[int(k)] = group.single(position)
        return laws

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
            out[..., group.edges] = group.device.resistance(s[..., group.edges])
        return out

    def with_ends(self, tail: IntArray, head: IntArray) -> Network:
        """The same edges between other nodes; `tail` and `head` (n_e,) index `nodes`."""
        if not isinstance(self.structure, Graph):
            raise NetworkError("a loop matrix has no ends of edges; build another matrix")
        return replace(self, structure=replace(self.structure, tail=tail, head=head))

    def with_initial_state(self, initial_state: Any) -> Network:
        """The same network from another state (one value, one per edge, or {edge: value})."""
        network = replace(self, initial_state=per_edge(initial_state, self.structure.keys, "initial_state", 0.0))
        network.say_states_outside()
        return network

    def with_drive(self, drive: Any) -> Network:
        """The same network with other sources (as in `from_edges`)."""
        return replace(self, drives=drives_per_edge(drive, self.structure.keys))

    def with_device(self, device: Device | Sequence[Device]) -> Network:
        """The same network with other laws."""
        return replace(self, groups=group_devices(device, self.n_edges))

    def with_polarity(self, polarity: Any) -> Network:
        """The same network with other polarities J."""
        return replace(self, J=per_edge(polarity, self.structure.keys, "polarity", 1.0))

    def with_active(self, active: Iterable[int]) -> Network:
        """The same network with P = -1 on exactly these edges."""
        return replace(self, P=signs(active, self.structure.keys))

    def without_edge(self, k: int) -> Network:
        """The graph with edge k left out; later edges move up by one."""
        graph = self.structure
        if not isinstance(graph, Graph):
            raise NetworkError("a loop matrix has no edges to leave out; build another matrix")
        k = edge_index(k, self.structure.keys, "without_edge")
        if self.n_edges == 1:
            raise NetworkError(f"{self.edge_name(k)} is the only edge; a network needs at least one")
        keep = np.delete(np.arange(self.n_edges), k)
        laws = self.devices()
        return replace(
            self,
            structure=replace(graph, tail=graph.tail[keep], head=graph.head[keep]),
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
