"""Graphs and matrices of others -> nodes, edges and what stands on them.

adjacency a_ij != 0      an edge between i and j; its entry is the attribute "weight"
incidence b_nk           -1 where edge k leaves node n, +1 where it enters
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError, NetworkNote, nearest
from spicebridge.laws.base import Device, parameter_names
from spicebridge.network.structure import Graph

if TYPE_CHECKING:
    import networkx as nx

Row = tuple[Hashable, Hashable, Mapping[str, object]]
"""(tail, head, attributes) of an edge."""

Laws = Device | Sequence[Device] | Callable[..., Device]
"""One device, one per edge, or what makes it from parameters."""
_ARGUMENTS = ("drive", "initial_state", "active", "polarity", "title", "ignore", "nodes", "directed")
"""What else a constructor takes by name: offered where a parameter does not exist."""
_PLACES = ("pos", "loc")
_PHYSICAL = ("weight", "resistance", "conductance", "capacitance")
"""Edge attributes that nobody adds for decoration: said when nothing reads them."""


def networkx_graph(graph: object) -> nx.Graph:
    """A networkx graph as it is, a graph of igraph by its own exporter. Raises `NetworkError` for anything else."""
    if hasattr(graph, "edges") and hasattr(graph, "nodes"):
        return graph
    exporter = getattr(graph, "to_networkx", None)
    if callable(exporter):
        return exporter()
    kind = type(graph).__name__
    if hasattr(graph, "shape"):
        raise NetworkError(f"{kind} is no graph; use from_adjacency, from_incidence or from_loop_matrix for matrices")
    raise NetworkError(f"{kind} is no networkx graph; from_edges takes edge lists")


def graph_of(pairs: Iterable[tuple[Hashable, Hashable]], nodes: Iterable[Hashable] | None) -> Graph:
    """The graph of ``[(tail, head), …]`` in this order. Raises `NetworkError`."""
    edges: list[tuple[Hashable, Hashable]] = []
    for k, edge in enumerate(pairs):
        try:
            tail, head = edge
            hash(tail), hash(head)
        except (TypeError, ValueError):
            raise NetworkError(f"edge {k}: {edge!r} must be a pair (tail, head)") from None
        edges.append((tail, head))
    if not edges:
        raise NetworkError("the network has no edges; give at least one (tail, head)")
    listed = (node for pair in edges for node in pair) if nodes is None else nodes
    index = {node: k for k, node in enumerate(dict.fromkeys(listed))}
    for k, pair in enumerate(edges):
        for node in pair:
            if node not in index:
                raise NetworkError(
                    f"edge {k} ({pair[0]}-{pair[1]}): node {node!r} is not in the list of nodes; "
                    "add it or correct the edge"
                )
    ends = np.array([(index[a], index[b]) for a, b in edges], dtype=np.intp).T
    return Graph(nodes=tuple(index), tail=ends[0], head=ends[1])


def positions(graph: nx.Graph) -> Array | None:
    """Places (n, 2) of the nodes by their attribute ``pos`` (``loc`` in mnns), None unless all have one in a plane."""
    for name in _PLACES:
        try:
            found = np.array([data[name] for _, data in graph.nodes(data=True)], dtype=float)
        except (KeyError, TypeError, ValueError):
            continue
        if found.ndim == 2 and found.shape[1] == 2 and np.isfinite(found).all():
            return found
    return None


def from_attribute(value: object, rows: Sequence[Row], what: str) -> object:
    """A text that names an edge attribute -> its values; any other value, and text that is a number, as it is."""
    if not isinstance(value, str):
        return value
    if value.lstrip()[:1] in set("0123456789.+-") and not any(value in data for _, _, data in rows):
        return value  # a quantity, whose unit the parameter knows
    for k, (tail, head, data) in enumerate(rows):
        if value not in data:
            known = dict.fromkeys(name for _, _, other in rows for name in other)
            raise NetworkError(
                f"edge {tail}-{head} (index {k}): no attribute {value!r} to take the {what} from{nearest(value, known)}"
            )
    return [data[value] for _, _, data in rows]


def with_parameters(device: Laws, parameters: Mapping[str, object], rows: Sequence[Row]) -> Device | Sequence[Device]:
    """`device` with other parameters, or made by calling it; text may name an attribute of the edges."""
    values = {name: from_attribute(value, rows, name) for name, value in parameters.items()}
    if isinstance(device, Device) and dataclasses.is_dataclass(device) and not isinstance(device, type):
        known = parameter_names(device)
        for name in values:
            if name not in known:
                hint = nearest(name, (*known, *_ARGUMENTS))
                raise NetworkError(f"{device.kind} has no parameter {name!r}{hint}; it has {', '.join(known)}")
        return dataclasses.replace(device, **values) if values else device
    if not callable(device):
        if values:
            raise NetworkError(f"parameters {', '.join(values)} go with one device for all edges, not with a list")
        return device
    try:
        return device(**values)
    except TypeError as error:
        raise NetworkError(f"device: {error}; give the parameters of the law by keyword") from None


def say_ignored(rows: Sequence[Row], used: Iterable[object]) -> None:
    """Warn of physical edge attributes that nothing reads, unless they are one everywhere."""
    known = {value for value in used if isinstance(value, str)}
    ignored = [
        name
        for name in _PHYSICAL
        if name not in known and any(data.get(name, 1) not in (1, None) for _, _, data in rows)
    ]
    if ignored:
        warnings.warn(
            f"edge attribute {', '.join(map(repr, ignored))} is not used; name a parameter that takes it, "
            f"as in from_graph(…, r_on={ignored[0]!r}), or say ignore=[{ignored[0]!r}]",
            NetworkNote,
            stacklevel=3,
        )


def _sparse(matrix: object, what: str) -> Any:
    """Any real matrix as a new scipy.sparse.csr_array of floats."""
    from scipy.sparse import csr_array, issparse

    try:
        given: Any = matrix if issparse(matrix) else np.atleast_2d(np.asarray(matrix, dtype=float))
        return csr_array(given).astype(float).copy()
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: entries must be real numbers in a matrix") from None


def rows_of_adjacency(matrix: object, directed: bool | None) -> tuple[int, list[Row]]:
    """(number of nodes, edges). Raises `NetworkError` for what is no adjacency matrix."""
    A = _sparse(matrix, "adjacency")
    if A.shape[0] != A.shape[1]:
        raise NetworkError(f"adjacency: shape {A.shape} must be square; an incidence matrix goes to from_incidence")
    if not np.isfinite(A.data).all():
        raise NetworkError("adjacency: every entry must be finite; 0 is no edge")
    A.eliminate_zeros()
    pattern = (A != 0).astype(np.int8)
    both = (pattern != pattern.T).nnz == 0
    equal = (A != A.T).nnz == 0
    if directed is None and both and not equal:
        raise NetworkError(
            "adjacency: every edge has its reverse, but with another entry; say directed=True (two edges each) or "
            "make the matrix symmetric"
        )
    if directed is False and not equal:
        raise NetworkError("adjacency: the matrix is not symmetric, so its edges have a direction; leave directed out")
    coo = A.tocoo()
    order = np.lexsort((coo.col, coo.row))
    if not directed and equal:
        order = order[coo.col[order] >= coo.row[order]]
    triples = zip(coo.row[order].tolist(), coo.col[order].tolist(), coo.data[order].tolist(), strict=True)
    return A.shape[0], [(a, b, {"weight": w}) for a, b, w in triples]


def pairs_of_incidence(matrix: object) -> tuple[int, list[tuple[int, int]]]:
    """(number of nodes, [(tail, head), …]). Raises `NetworkError` for what is no oriented incidence matrix."""
    B = _sparse(matrix, "incidence").tocsc()
    B.eliminate_zeros()
    pairs = []
    for k in range(B.shape[1]):
        rows, values = B.indices[B.indptr[k] : B.indptr[k + 1]], B.data[B.indptr[k] : B.indptr[k + 1]]
        if sorted(values.tolist()) != [-1.0, 1.0]:
            raise NetworkError(
                f"incidence: column {k} holds {values.tolist()}; a column is an edge with one -1 (the node it leaves) "
                f"and one +1 (the node it enters){_turned(B)}"
            )
        pairs.append((int(rows[values < 0][0]), int(rows[values > 0][0])))
    return B.shape[0], pairs


def _turned(B: Any) -> str:
    counts = np.bincount(B.indices, minlength=B.shape[0])
    sums = np.asarray(B.sum(axis=1)).ravel()
    if (counts == 2).all() and not sums.any():
        return "; the matrix seems to be transposed: give B.T"
    if (B.data > 0).all():
        return "; without signs it has no orientation: networkx gives one by incidence_matrix(G, oriented=True)"
    return ""


def named(count: int, nodes: Iterable[Hashable] | None, what: str) -> list[Hashable]:
    """The names of `count` nodes: `nodes`, or their numbers."""
    names: list[Hashable] = list(range(count)) if nodes is None else list(nodes)
    if len(names) != count or len(dict.fromkeys(names)) != count:
        raise NetworkError(f"{what}: {len(names)} nodes for {count} rows; give one different name per row")
    return names
