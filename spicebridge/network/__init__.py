"""The network: nodes, ordered oriented edges, one law, source and initial state per edge."""

from spicebridge.network.network import Network, same_parameters
from spicebridge.network.structure import Graph, LoopMatrix

__all__ = ["Graph", "LoopMatrix", "Network", "same_parameters"]
