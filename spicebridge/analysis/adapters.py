"""The final states of a network as a differentiable function of tensors, for torch and for JAX where installed.

    states = torch_states(network, t, ("drive", "initial_state"))
    w = states(drive, initial_state)        # (n_e,), with a backward pass by the adjoint

The arguments replace what the names stand for: "drive" the constant levels in V, "initial_state" the states, any other
name a parameter, (n_e,) each. Neither library is a dependency; a missing one is named in the error.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.analysis import variables
from spicebridge.analysis.gradient import unchecked
from spicebridge.arrays import Array
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

RTOL = 1e-9
OfTensors: TypeAlias = Callable[..., Any]
"""A function of tensors of torch or JAX that returns one."""


class Tensor(Protocol):
    """What both libraries are asked of a tensor, and torch alone."""

    dtype: object

    def detach(self) -> Tensor: ...
    def cpu(self) -> Tensor: ...
    def numpy(self) -> Array: ...


class Context(Protocol):
    """Where torch keeps tensors between the passes."""

    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise NetworkError(f"{name} is not installed; pip install {name}, or use sb.gradient") from None


class FinalStates:
    """Forward and backward pass in numpy; what both adapters wrap."""

    def __init__(self, network: Network, t: ArrayLike, names: tuple[str, ...]) -> None:
        self.network = network
        self.names = variables.checked(network, names)
        self.times = np.atleast_1d(np.asarray(t, float))
        if "drive" in self.names and not network.bank.constant:
            raise NetworkError("adapters: 'drive' replaces constant levels; the network's sources change")
        for name in self.names:
            if name.startswith("drive."):
                raise NetworkError(f"adapters: {name!r} is not offered; use 'drive', 'initial_state' or a parameter")

    def at(self, values: tuple[Array, ...]) -> Network:
        """The network with `values` (n_e,) in the place of what the names stand for."""
        network = self.network
        for name, value in zip(self.names, values, strict=True):
            own = variables.values(network, name)
            change = np.where(np.isfinite(own), np.asarray(value, float) - own, 0.0)
            network = variables.moved(network, name, change)
        return network

    def pull(self, values: tuple[Array, ...], weight: Array) -> tuple[Array, tuple[Array, ...]]:
        """(w(T), d(weight . w(T))/d(value) of each name)."""

        def loss(waves: Waveforms) -> tuple[float, Mapping[str, Array]]:
            slope = np.zeros_like(waves.state)
            slope[-1] = weight
            return float(weight @ waves.state[-1]), {"state": slope}

        found = unchecked(self.at(values), self.times[[-1]], loss, self.names, RTOL)
        return found.waveforms.state[-1], tuple(found[name] for name in self.names)


def torch_states(network: Network, t: ArrayLike, names: tuple[str, ...] = ("drive",)) -> OfTensors:
    """w(t[-1]) (n_e,) as a torch function of one tensor (n_e,) for each name. Raises `NetworkError` without torch."""
    torch = _library("torch")
    passes = FinalStates(network, t, names)

    class States(torch.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Context, *tensors: Tensor) -> object:
            ctx.save_for_backward(*tensors)
            values = tuple(x.detach().cpu().numpy() for x in tensors)
            states, _ = passes.pull(values, np.zeros(network.n_edges))
            return torch.as_tensor(states, dtype=tensors[0].dtype)

        @staticmethod
        def backward(ctx: Context, weight: Tensor) -> tuple[object, ...]:
            values = tuple(x.detach().cpu().numpy() for x in ctx.saved_tensors)
            _, slopes = passes.pull(values, weight.detach().cpu().numpy().astype(float))
            return tuple(torch.as_tensor(s, dtype=x.dtype) for s, x in zip(slopes, ctx.saved_tensors, strict=True))

    apply: OfTensors = States.apply
    return apply


def jax_states(network: Network, t: ArrayLike, names: tuple[str, ...] = ("drive",)) -> OfTensors:
    """w(t[-1]) (n_e,) as a JAX function of one array (n_e,) for each name. Raises `NetworkError` without jax."""
    jax = _library("jax")
    passes = FinalStates(network, t, names)
    n = network.n_edges

    def forward(*arrays: Tensor) -> object:
        shape = jax.ShapeDtypeStruct((n,), arrays[0].dtype)
        return jax.pure_callback(
            lambda *values: passes.pull(values, np.zeros(n))[0].astype(shape.dtype), shape, *arrays
        )

    def first(*arrays: Tensor) -> tuple[object, tuple[Tensor, ...]]:
        return forward(*arrays), arrays

    def second(arrays: tuple[Tensor, ...], weight: Tensor) -> object:
        def slopes(w: ArrayLike, *values: Array) -> tuple[Array, ...]:
            found = passes.pull(values, np.asarray(w, float))[1]
            return tuple(s.astype(x.dtype) for s, x in zip(found, shapes, strict=True))

        shapes = tuple(jax.ShapeDtypeStruct((n,), x.dtype) for x in arrays)
        return jax.pure_callback(slopes, shapes, weight, *arrays)

    states = jax.custom_vjp(forward)
    states.defvjp(first, second)
    result: OfTensors = states
    return result
