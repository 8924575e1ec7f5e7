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
import numbers
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicebridge.arrays import Array, IntArray
from spicebridge.drives import DC, PWL, Drive, DriveBank, Pulse, Sine, Sum, terms
from spicebridge.errors import NetworkError
from spicebridge.laws.base import Device, Group, group_devices, imposes, state_unit, take

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False)
class Network:
    """A memristive network; build it with `from_graph`, `from_edges`, `from_loop_matrix`, ….

    ``tail``, ``head`` (n_e,) index ``nodes`` (empty for a loop matrix); ``loop_matrix`` is (L, n_e) or
    None; ``P``, ``J`` (n_e,) are +-1; ``initial_state`` (n_e,) is dimensionless, in V on capacitors, in A on
    inductors, 0 on memoryless edges;
    ``drives`` has one entry per edge, None where there is no source. Raises `NetworkError`.
    """

    nodes: tuple[Hashable, ...]
    tail: IntArray
    head: IntArray
    groups: tuple[Group, ...]
    drives: tuple[Drive | None, ...]
    initial_state: Array
    P: Array
    J: Array
    loop_matrix: Array | None = None
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name in ("tail", "head", "initial_state", "P", "J", "loop_matrix"):
            value = getattr(self, name)
            if value is not None:
                value = np.array(value)
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
            problem = group.device.check_state(self.initial_state[group.edges])
            if problem:
                k = self._offender(group)
                raise NetworkError(f"{self.edge_name(k)}: initial state {self.initial_state[k]:g} {problem}")

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
        device: Device | Sequence[Device],
        drive: Any = None,
        initial_state: Any = 0.0,
        active: Iterable[int] = (),
        polarity: Any = 1,
        nodes: Iterable[Hashable] | None = None,
        title: str = "",
    ) -> Network:
        """Build from ``[(tail, head), …]``; order and parallel edges are kept.

        `drive`: one for all, a sequence with one per edge, or ``{edge: drive}`` (edge index, or
        (tail, head) where that is unique); a number is a DC level in V; None is no source.
        `initial_state` and `polarity`: one value, one per edge, or ``{edge: value}``.
        `active`: indexes of the edges with P = -1. `nodes`, if given, is the list of allowed nodes and
        fixes their order.
        """
        pairs: list[tuple[Hashable, Hashable]] = []
        for k, edge in enumerate(edges):
            try:
                tail, head = edge
                hash(tail), hash(head)
            except (TypeError, ValueError):
                raise NetworkError(f"edge {k}: {edge!r} must be a pair (tail, head)") from None
            pairs.append((tail, head))
        if not pairs:
            raise NetworkError("the network has no edges; give at least one (tail, head)")
        if nodes is None:
            index = {node: k for k, node in enumerate(dict.fromkeys(n for pair in pairs for n in pair))}
        else:
            index = {node: k for k, node in enumerate(dict.fromkeys(nodes))}
            for k, pair in enumerate(pairs):
                for node in pair:
                    if node not in index:
                        raise NetworkError(
                            f"edge {k} ({_name(pair[0])}-{_name(pair[1])}): node {node!r} is not in the "
                            "list of nodes; add it or correct the edge"
                        )
        ends = np.array([(index[a], index[b]) for a, b in pairs], dtype=np.intp).T
        return cls._assemble(
            tuple(index), ends[0], ends[1], None, pairs, device, drive, initial_state, active, polarity, title
        )

    @classmethod
    def from_graph(
        cls,
        graph: nx.Graph,
        *,
        device: Device | Sequence[Device],
        drive: Any = None,
        initial_state: Any = 0.0,
        active: Iterable[int] = (),
        polarity: Any = 1,
        title: str = "",
    ) -> Network:
        """Build from any networkx graph, in its own edge order and orientation.

        As `from_edges`; moreover `drive`, `initial_state` and `polarity` may be the name of an edge
        attribute, read from every edge of the graph.
        """
        if not hasattr(graph, "edges") or not hasattr(graph, "nodes"):
            raise NetworkError(f"{type(graph).__name__} is no networkx graph; from_edges takes edge lists")
        rows = list(graph.edges(data=True))
        read = {"drive": drive, "initial_state": initial_state, "polarity": polarity}
        for what, value in read.items():
            if isinstance(value, str):
                read[what] = [_attribute(k, row, value, what) for k, row in enumerate(rows)]
        return cls.from_edges(
            [(a, b) for a, b, _ in rows],
            device=device,
            drive=read["drive"],
            initial_state=read["initial_state"],
            active=active,
            polarity=read["polarity"],
            nodes=list(graph.nodes),
            title=title or str(getattr(graph, "name", "") or ""),
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
    def from_loop_matrix(
        cls,
        A: ArrayLike,
        *,
        device: Device | Sequence[Device],
        drive: Any = None,
        initial_state: Any = 0.0,
        active: Iterable[int] = (),
        polarity: Any = 1,
        title: str = "",
    ) -> Network:
        """Build from a real matrix A (n_loops, n_e) of full row rank: A (P R i - S) = 0, i in range A^t.

        The matrix is the description itself; there need be no graph (paper 2). In SPICE it is
        realised with controlled sources.
        """
        try:
            matrix = np.array(A, dtype=float)
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
        none = np.zeros(0, dtype=np.intp)
        labels = [k for k in range(matrix.shape[1])]
        return cls._assemble((), none, none, matrix, labels, device, drive, initial_state, active, polarity, title)

    @classmethod
    def _assemble(
        cls,
        nodes: tuple[Hashable, ...],
        tail: IntArray,
        head: IntArray,
        matrix: Array | None,
        labels: Sequence[Any],
        device: Any,
        drive: Any,
        initial_state: Any,
        active: Iterable[int],
        polarity: Any,
        title: str,
    ) -> Network:
        n_e = len(labels)
        groups = group_devices(device, n_e)
        J = _per_edge(polarity, labels, "polarity", 1.0)
        P = _signs(active, labels)
        state = _per_edge(initial_state, labels, "initial_state", 0.0)
        drives = tuple(_drives(drive, labels))
        return cls(nodes, tail, head, groups, drives, state, P, J, matrix, title)

    @property
    def n_edges(self) -> int:
        return len(self.drives)

    @property
    def n_nodes(self) -> int:
        """Number of nodes; 0 for a loop matrix."""
        return len(self.nodes)

    @property
    def is_graph(self) -> bool:
        """False when the network is a loop matrix without a graph."""
        return self.loop_matrix is None

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

    @cached_property
    def edge_names(self) -> tuple[str, ...]:
        """The name of every edge in messages and comments."""
        names = [f"edge {label}" for label in self.edge_labels]
        if self.is_graph:
            _, which, count = np.unique(self.tail * self.n_nodes + self.head, return_inverse=True, return_counts=True)
            for k in np.flatnonzero(count[which.ravel()] > 1).tolist():
                names[k] += f" (index {k})"
        return tuple(names)

    @cached_property
    def edge_labels(self) -> tuple[str, ...]:
        """Short names for tables and plots: 'tail-head', or the index without a graph."""
        if not self.is_graph:
            return tuple(str(k) for k in range(self.n_edges))
        return tuple(
            f"{_name(self.nodes[a])}-{_name(self.nodes[b])}"
            for a, b in zip(self.tail.tolist(), self.head.tolist(), strict=True)
        )

    def resistance(self, state: ArrayLike) -> Array:
        """R(s) in ohm without the sign P for states (..., n_e); ohmic devices only."""
        s = np.asarray(state, float)
        out = np.empty_like(s)
        for group in self.groups:
            out[..., group.edges] = group.device.resistance(s[..., group.edges])
        return out

    def with_initial_state(self, initial_state: Any) -> Network:
        """The same network from another state (one value, one per edge, or {edge: value})."""
        return replace(self, initial_state=_per_edge(initial_state, self._labels(), "initial_state", 0.0))

    def with_drive(self, drive: Any) -> Network:
        """The same network with other sources (as in `from_edges`)."""
        return replace(self, drives=tuple(_drives(drive, self._labels())))

    def with_device(self, device: Device | Sequence[Device]) -> Network:
        """The same network with other laws."""
        return replace(self, groups=group_devices(device, self.n_edges))

    def with_polarity(self, polarity: Any) -> Network:
        """The same network with other polarities J."""
        return replace(self, J=_per_edge(polarity, self._labels(), "polarity", 1.0))

    def with_active(self, active: Iterable[int]) -> Network:
        """The same network with P = -1 on exactly these edges."""
        return replace(self, P=_signs(active, self._labels()))

    def without_edge(self, k: int) -> Network:
        """The graph with edge k left out; later edges move up by one."""
        if not self.is_graph:
            raise NetworkError("a loop matrix has no edges to leave out; build another matrix")
        k = _edge_index(k, self._labels(), "without_edge")
        if self.n_edges == 1:
            raise NetworkError(f"{self.edge_name(k)} is the only edge; a network needs at least one")
        keep = np.delete(np.arange(self.n_edges), k)
        laws = self.devices()
        return replace(
            self,
            tail=self.tail[keep],
            head=self.head[keep],
            groups=group_devices([laws[e] for e in keep], keep.size),
            drives=tuple(self.drives[e] for e in keep),
            initial_state=self.initial_state[keep],
            P=self.P[keep],
            J=self.J[keep],
        )

    def _labels(self) -> list[Any]:
        if not self.is_graph:
            return list(range(self.n_edges))
        return [(self.nodes[a], self.nodes[b]) for a, b in zip(self.tail, self.head, strict=True)]


def _name(node: Hashable) -> str:
    return str(node)


def _edge_name(k: int, labels: Sequence[Any]) -> str:
    label = labels[k]
    return f"edge {_name(label[0])}-{_name(label[1])}" if isinstance(label, tuple) else f"edge {k}"


def _edge_index(key: Any, labels: Sequence[Any], what: str) -> int:
    """Index of an edge named by its index or by its (tail, head) pair."""
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        if 0 <= int(key) < len(labels):
            return int(key)
        raise NetworkError(f"{what}: edge {key} does not exist; the network has edges 0 to {len(labels) - 1}")
    matches = [k for k, label in enumerate(labels) if isinstance(label, tuple) and label == key]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise NetworkError(f"{what}: {key!r} names parallel edges {matches}; use the index")
    raise NetworkError(f"{what}: edge {key!r} does not exist; use an edge index or (tail, head)")


def _signs(active: Iterable[Any], labels: Sequence[Any]) -> Array:
    """P: -1 on the `active` edges, +1 elsewhere."""
    try:
        keys = list(active)
    except TypeError:
        raise NetworkError(f"active: {active!r} must be a list of edge indices, such as [2]") from None
    P = np.ones(len(labels))
    P[[_edge_index(k, labels, "active") for k in keys]] = -1.0
    return P


def _per_edge(value: Any, labels: Sequence[Any], what: str, default: float) -> Array:
    n_e = len(labels)
    if isinstance(value, Mapping):
        out = np.full(n_e, default)
        for key, entry in value.items():
            out[_edge_index(key, labels, what)] = _number(entry, what, key)
        return out
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: {value!r} must be a number, one per edge, or {{edge: number}}") from None
    if array.ndim == 0:
        array = np.full(n_e, float(array))
    if array.shape != (n_e,):
        raise NetworkError(f"{what}: {array.size} values for {n_e} edges; give one for all or one per edge")
    if not np.isfinite(array).all():
        k = int(np.argmin(np.isfinite(array)))
        raise NetworkError(f"{_edge_name(k, labels)}: {what} {array[k]!r} must be finite")
    return array


def _number(value: Any, what: str, key: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: {value!r} for edge {key!r} must be a number") from None
    if not math.isfinite(number):
        raise NetworkError(f"{what}: {value!r} for edge {key!r} must be finite")
    return number


def _drives(value: Any, labels: Sequence[Any]) -> list[Drive | None]:
    n_e = len(labels)
    if value is None or isinstance(value, (Drive, numbers.Real)):
        return [_drive(value, "all edges")] * n_e
    if isinstance(value, Mapping):
        out: list[Drive | None] = [None] * n_e
        for key, entry in value.items():
            k = _edge_index(key, labels, "drive")
            out[k] = _drive(entry, _edge_name(k, labels))
        return out
    try:
        entries = value.tolist() if isinstance(value, np.ndarray) else list(value)
    except TypeError:
        raise NetworkError(f"drive: {value!r} is no drive; use DC, Sine, Pulse, PWL or a number") from None
    if len(entries) != n_e:
        raise NetworkError(f"drive: {len(entries)} drives for {n_e} edges; give one for all or one per edge")
    return [_drive(entry, (k, labels)) for k, entry in enumerate(entries)]


def _drive(value: Any, where: str | tuple[int, Sequence[Any]]) -> Drive | None:
    # The protocol last: asking half a million entries for it takes longer than all the rest.
    if value is None or isinstance(value, (DC, Sine, Pulse, PWL, Sum)):
        return value
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return DC(float(value)) if value != 0 else None
    if isinstance(value, Drive):
        return value
    where = where if isinstance(where, str) else _edge_name(*where)
    raise NetworkError(f"drive of {where}: {value!r} is no drive; use DC, Sine, Pulse, PWL or a number")


def _attribute(k: int, row: tuple[Any, Any, dict[str, Any]], name: str, what: str) -> Any:
    tail, head, data = row
    if name not in data:
        raise NetworkError(
            f"edge {_name(tail)}-{_name(head)} (index {k}): no attribute {name!r} to take the {what} from"
        )
    return data[name]


def same_parameters(first: Network, second: Network) -> bool:
    """Whether two networks are the same edge by edge: graph, laws, sources, states and signs."""
    if first.n_edges != second.n_edges or first.is_graph != second.is_graph:
        return False
    shape = ("tail", "head", "initial_state", "P", "J")
    if not all(np.array_equal(getattr(first, n), getattr(second, n)) for n in shape):
        return False
    if not first.is_graph and not np.array_equal(first.loop_matrix, second.loop_matrix):  # type: ignore[arg-type]
        return False
    sources = [[terms(drive) for drive in network.drives] for network in (first, second)]
    return sources[0] == sources[1] and first.devices() == second.devices()


__all__ = ["Network", "same_parameters", "take"]
