"""Graphs by name: any networkx generator, with errors that name the mistake."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from spicebridge.errors import NetworkError, nearest

if TYPE_CHECKING:
    import networkx as nx


def generate(name: str, *args: Any, **kwargs: Any) -> nx.Graph:
    """Call the networkx generator `name` and return its graph.

    Raises `NetworkError` for an unknown name, wrong arguments or a result that is no graph.
    """
    import networkx as nx

    function = _function(name)
    try:
        graph = function(*args, **kwargs)
    except (TypeError, ValueError, AttributeError, LookupError, nx.NetworkXException) as error:
        raise NetworkError(f"graph generator {name}: {error}") from None
    if not isinstance(graph, nx.Graph):
        raise NetworkError(f"graph generator {name}: returned {type(graph).__name__}, not a graph")
    return graph


def unseeded(name: str, *args: Any, **kwargs: Any) -> bool:
    """Whether the generator takes a seed and these arguments give it none."""
    signature = inspect.signature(_function(name))
    return "seed" in signature.parameters and signature.bind(*args, **kwargs).arguments.get("seed") is None


def _function(name: str) -> Callable[..., Any]:
    import networkx as nx

    known = [k for k in dir(nx.generators) if not k.startswith("_") and callable(getattr(nx, k, None))]
    if name not in known:
        raise NetworkError(f"graph generator {name!r} is not in networkx{nearest(name, known)}")
    function: Callable[..., Any] = getattr(nx, name)
    return function
