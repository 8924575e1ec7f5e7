"""Graphs by name: any networkx generator, with errors that name the mistake."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from spicebridge.errors import NetworkError, nearest

if TYPE_CHECKING:
    import networkx as nx


MOST_EDGES = 20_000_000
"""A generator that is asked for more edges or nodes is refused, before memory ends."""

_EDGES: dict[str, Callable[..., int]] = {
    "complete_graph": lambda n, **_: n * (n - 1) // 2,
    "turan_graph": lambda n, r: n * n * (r - 1) // (2 * r),
    "grid_2d_graph": lambda m, n, **_: 2 * m * n,
    "balanced_tree": lambda r, h, **_: r ** min(h, 99),
    "hypercube_graph": lambda n: n * 2 ** min(n, 99) // 2,
    "gnp_random_graph": lambda n, p, **_: int(p * n * (n - 1) / 2),
    "erdos_renyi_graph": lambda n, p, **_: int(p * n * (n - 1) / 2),
    "fast_gnp_random_graph": lambda n, p, **_: int(p * n * (n - 1) / 2),
}
"""Edges to expect of the generators that make many from small arguments."""


def generate(name: str, *args: object, **kwargs: object) -> nx.Graph:
    """Call the networkx generator `name` and return its graph.

    Raises `NetworkError` for an unknown name, wrong arguments, more than `MOST_EDGES` edges or nodes, or a
    result that is no graph.
    """
    import networkx as nx

    function = _function(name)
    _check_size(name, inspect.signature(function), args, kwargs)
    try:
        graph = function(*args, **kwargs)
    except (TypeError, ValueError, AttributeError, LookupError, nx.NetworkXException) as error:
        raise NetworkError(f"graph generator {name}: {error}") from None
    if not isinstance(graph, nx.Graph):
        raise NetworkError(f"graph generator {name}: returned {type(graph).__name__}, not a graph")
    return graph


def unseeded(name: str, *args: object, **kwargs: object) -> bool:
    """Whether the generator takes a seed and these arguments give it none."""
    signature = inspect.signature(_function(name))
    return "seed" in signature.parameters and signature.bind(*args, **kwargs).arguments.get("seed") is None


def _check_size(name: str, signature: inspect.Signature, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    try:
        given = {k: v for k, v in signature.bind(*args, **kwargs).arguments.items() if k not in ("seed", "kwargs")}
        sizes = [v for v in given.values() if isinstance(v, int)]
        expected = max([*sizes, _EDGES[name](**given) if name in _EDGES else 0])
    except (TypeError, ArithmeticError):
        return  # The generator itself says what is wrong with its arguments.
    if expected > MOST_EDGES:
        raise NetworkError(
            f"graph generator {name}: {', '.join(f'{k} = {v}' for k, v in given.items())} asks for {expected} nodes or "
            f"edges; {MOST_EDGES} is the most"
        )


def _function(name: str) -> Callable[..., object]:
    import networkx as nx

    known = [k for k in dir(nx.generators) if not k.startswith("_") and callable(getattr(nx, k, None))]
    if name not in known:
        raise NetworkError(f"graph generator {name!r} is not in networkx{nearest(name, known)}")
    function: Callable[..., object] = getattr(nx, name)
    return function
